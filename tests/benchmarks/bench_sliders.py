"""Sliders beside the old way, by librosa on rendered sound: `python bench_sliders.py SET_FOLDER ... --kept FOLDER`.

For each set (make_sets.py) one model is trained and kept. Its analysis with the self-test on the shipped vocoder's sound is
timed. Then every named slider is swept from home, from strays and from other recordings' chunks, none of which the
self-test used, each second of sound rendered by the vocoder and judged by librosa alone: rank correlation of position and
descriptor (home, median and 10th percentile over the starts), leakage (mean movement of the others over its own, in units of
the recordings' 5-95 % ranges) and reach. The old way, on the same model by the same measure: principal components of the
latents, each named after the descriptor that it correlates with most.
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from librosa_descriptors import judge
from numpy.typing import NDArray
from set_models import net_of, trained

from sda.core import grid, selftest, settle
from sda.core.analysis import Analysis
from sda.core.descriptors import DESCRIPTORS
from sda.core.selftest import rank_correlation
from sda.core.survey import decode, spans, survey
from sda.core.vae import Vae
from sda.core.vocoder import Vocoder
from sda.formats import distill
from sda.spec import BIGVGAN_GRID
from sda.train.analyze import analyze, chunk_places
from sda.train.corpus import Corpus
from sda.voices import by_name

Floats = NDArray[np.float32]
STRAYS, CHUNKS = 10, 20  # starts near home and elsewhere; of ten in all, two bad ones decided the 10th percentile
STRAY = 0.5  # of the recordings' standard deviations
POSITIONS = 5
HEARD = 60  # chunks that the old way is named by
MEDIAN, TENTH, LEAKAGE, REACH = 0.9, 0.7, 0.3, 0.5  # bars
NAMES = [d.name for d in DESCRIPTORS]


@dataclass(frozen=True, slots=True)
class Row:
    """What librosa says of one slider."""

    name: str
    home: float  # rank correlation from home
    median: float
    tenth: float
    bad: float  # share of the starts from which it is below the bar of the 10th percentile
    leakage: float  # from home
    elsewhere: float  # median over the starts
    share: float  # of the recordings' 5-95 % range, from home

    @property
    def passes(self) -> bool:
        """Whether its name holds here too."""
        found = self.median >= MEDIAN and self.tenth >= TENTH
        return found and self.leakage <= LEAKAGE and self.share >= REACH


@dataclass(frozen=True, slots=True)
class World:
    """A model with what is needed to hear it."""

    vae: Vae
    vocoder: Vocoder
    ranges: Floats  # [D] of the recordings, by librosa
    latents: Floats  # [N, Z]

    def hear(self, z: Floats) -> Floats:
        """librosa's descriptors [n, D] of latent points [n, Z]."""
        with torch.no_grad():
            return np.stack([judge(self.vocoder(grid.to_log(mel))) for mel in decode(self.vae, z)])

    def row(self, name: str, own: int, sign: float, sweeps: Floats) -> Row:
        """sweeps [n, P, Z]: from home first."""
        heard = self.hear(sweeps.reshape(-1, sweeps.shape[-1])).reshape(*sweeps.shape[:2], -1)
        ranks = [sign * selftest.follows(s, own) for s in heard]
        leaks = [float(selftest.leaks(s, self.ranges, own).mean()) for s in heard]
        share = float(np.ptp(heard[0, :, own]) / self.ranges[own])
        return Row(
            name,
            ranks[0],
            float(np.median(ranks[1:])),
            float(np.percentile(ranks[1:], 10)),
            float(np.mean(np.array(ranks[1:]) < TENTH)),
            leaks[0],
            float(np.median(leaks[1:])),
            share,
        )


def ours(world: World, found: Analysis, seed: int) -> list[Row]:
    """Every named slider of an analysis, at rest."""
    random = np.random.default_rng([seed, 77])
    latent_map, rows = found.latent_map, []
    measure = settle.measuring(lambda z: decode(world.vae, z), BIGVGAN_GRID, latent_map)
    strays = STRAY * random.standard_normal((STRAYS, latent_map.spread.shape[1])).astype(np.float32) @ latent_map.spread.T
    homes = world.latents[random.permutation(len(world.latents))[:CHUNKS]]
    for slider in found.sliders:
        if slider.name not in NAMES:
            continue
        positions = np.zeros((POSITIONS, len(found.sliders)))
        positions[:, slider.number - 1] = np.linspace(slider.low, slider.high, POSITIONS)
        home = latent_map.point(positions)
        others = [np.stack([latent_map.settled(p, measure, h) for p in positions]) for h in homes]
        sweeps = np.concatenate([home[None], home + strays[:, None], np.array(others).reshape(-1, *home.shape)])
        rows.append(world.row(slider.name, NAMES.index(slider.name), 1.0, sweeps))
    return rows


def old_way(world: World, seed: int) -> list[Row]:
    """The principal components of the latents, each named after the descriptor of its chunks that it correlates with most."""
    random = np.random.default_rng([seed, 77])
    mean = world.latents.mean(0)
    _, _, axes = np.linalg.svd(world.latents - mean, full_matrices=False)
    scores = (world.latents - mean) @ axes.T
    chosen = np.linspace(0, len(scores) - 1, min(HEARD, len(scores))).astype(int)
    heard = world.hear(world.latents[chosen])
    rows, free = [], set(range(len(NAMES)))
    for k in range(min(len(NAMES), len(axes))):
        rho = {d: rank_correlation(scores[chosen, k], heard[:, d]) for d in free}
        own = max(rho, key=lambda d: abs(rho[d]))
        free.remove(own)
        low, high = np.percentile(scores[:, k], (2, 98))
        sweep = np.linspace(low, high, POSITIONS)[:, None] * axes[k]
        spread = np.cov(world.latents.T)
        values, vectors = np.linalg.eigh(spread)
        root = vectors * np.sqrt(values.clip(0))
        strays = STRAY * random.standard_normal((STRAYS, len(root))) @ root.T
        homes = world.latents[random.permutation(len(world.latents))[:CHUNKS]]
        starts = np.concatenate([mean[None], mean + strays, homes])
        starts = starts - ((starts - mean) @ axes[k])[:, None] * axes[k]
        rows.append(world.row(NAMES[own], own, np.sign(rho[own]), (starts[:, None] + sweep).astype(np.float32)))
    return rows


def world_of(corpus: Corpus, vae: Vae, vocoder: Vocoder) -> World:
    """A model among its recordings, looked at as the analysis looks."""
    length, hop = vae.spec.frames * BIGVGAN_GRID.hop, BIGVGAN_GRID.hop
    places = chunk_places(corpus.training, length, corpus.rate)
    audio = [corpus.read(r, start, length) for r, start in places]
    mels = np.stack(
        [
            grid.compress(grid.magnitudes(corpus.read(r, s - 2 * hop, length + 4 * hop))[:, 2:-2], vae.spec.gain)
            for r, s in places
        ]
    )
    seen = survey(vae, mels)
    recorded = np.stack([judge(audio[i]) for i in seen.chunks])
    return World(vae, vocoder, spans(recorded), seen.latents)


def show(title: str, rows: list[Row]) -> None:
    print(f"{title}: {sum(r.passes for r in rows)} of {len(rows)} pass")
    for r in rows:
        print(
            f"  {r.name:15} home {r.home:5.2f} median {r.median:5.2f} tenth {r.tenth:5.2f} bad {r.bad:3.0%} "
            f"leak {r.leakage:.2f} elsewhere {r.elsewhere:.2f} reach {r.share:4.0%} {'' if r.passes else 'FAILS'}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", type=Path, help="folders that make_sets.py made")
    parser.add_argument("--kept", type=Path, required=True, help="folder of the trained models")
    parser.add_argument("--cpu", type=float, default=120.0, help="seconds of training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("ours", "old"))
    args = parser.parse_args()
    if not args.sets:
        print("left out: it needs minutes, and the sets that make_sets.py makes")
        return
    torch.set_num_threads(1)
    vocoder = by_name("draft")
    for source in args.sets:
        corpus, document = trained(source, args.kept, args.cpu)
        vae = net_of(document)
        started = time.process_time()
        found = analyze(corpus, vae, vocoder, seed=args.seed)
        spent = time.process_time() - started
        print(
            f"{source.name}: {spent:.0f} CPU s, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB", flush=True
        )
        analysed = replace(document, analysis=found.to_header(), tensors=document.tensors | found.tensors())
        distill.write(args.kept / f"{source.name}-{args.cpu:.0f}-{args.seed}-analysed.distill", analysed)
        for row in found.report["descriptors"]:
            if not row["kept"]:
                print("   ", row["name"], row["reason"])
        world = world_of(corpus, vae, vocoder)
        if args.only != "old":
            show("  ours", ours(world, found, args.seed))
        if args.only != "ours":
            show("  old", old_way(world, args.seed))


if __name__ == "__main__":
    main()
