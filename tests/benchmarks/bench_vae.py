"""Our VAE beside the old network: `python bench_vae.py SET_FOLDER ... [--cpu SECONDS] [--seed N]`.

Same recordings, same held-out files (every fourth, from the seed on), same CPU seconds, one thread. Each net's
reconstruction is compared on its own grid with the original on that grid, as |ln| of amplitude in nat: ours on BigVGAN's
magnitudes clamped at 1e-5, the old one on the square root of its power mel, clamped at the same level, which is
1e-5 times the ratio of the two grids' readings of white noise in each band. Loud are the bins within 60 dB of the file's
loudest. Both nets read the recordings' successive seconds; frames beyond a recording's end are not counted.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from old_vae import CROP, FRAMES, GRID, LATENT, OldVae, loss

from sda.core import grid
from sda.spec import BIGVGAN_GRID
from sda.train.corpus import Corpus, gather
from sda.train.heldout import errors
from sda.train.vae import VaePlan, VaeTraining, choose

Floats = NDArray[np.float32]
FOLDS = 4


def corpora(source: Path, work: Path, seed: int) -> tuple[Corpus, Corpus]:
    """The set at both rates, split alike."""
    both = []
    for rate, shortest in ((BIGVGAN_GRID.sample_rate, 88 * BIGVGAN_GRID.hop), (GRID.sample_rate, CROP)):
        for _ in gather(source, work / str(rate), rate=rate, shortest=shortest, seed=seed):
            pass
        corpus = Corpus(work / str(rate))
        used = [r for r in corpus.recordings if r.used]
        corpus.held_out, corpus.training = (
            used[seed % FOLDS :: FOLDS],
            [r for i, r in enumerate(used) if i % FOLDS != seed % FOLDS],
        )
        both.append(corpus)
    return both[0], both[1]


def steps_within(cpu_s: float, step: Callable[[], object]) -> int:
    """How many steps fit, from ten of them."""
    step()
    started = time.process_time()
    for _ in range(10):
        step()
    return max(20, int(cpu_s / ((time.process_time() - started) / 10)))


def ours(corpus: Corpus, cpu_s: float, seed: int, width: int | None) -> tuple[float, float, str]:
    """Held-out loud and quiet error of what a training of `cpu_s` keeps."""
    spec, plan = choose(corpus.seconds)
    if width is not None:
        spec = type(spec)(**{**spec.to_json(), "width": width})
    plan = VaePlan(**plan.to_json() | {"seed": seed, "steps": 10_000})
    steps = steps_within(cpu_s, VaeTraining(corpus, spec, plan).step)
    training = VaeTraining(corpus, spec, VaePlan(**plan.to_json() | {"steps": steps}))
    start = last = training.held_out()
    while training.done < steps:
        training.step()
        if training.done % max(1, steps // 8) == 0 or training.done == steps:
            last = training.held_out()
    training.averaged.load_state_dict(training.best)
    found = training.held_out()
    note = (
        f"{sum(p.numel() for p in training.net.parameters()) / 1e6:.2f} M, kept step {training.best_step} of {steps}; PCA "
        f"{start['loud']:.3f}/{start['quiet']:.3f}, last {last['loud']:.3f}/{last['quiet']:.3f}, active {found['active']:.0f}"
    )
    return float(found["loud"]), float(found["quiet"]), note


def old(corpus: Corpus, cpu_s: float, seed: int) -> tuple[float, float, str]:
    """The same of the old network, its last state."""
    torch.manual_seed(seed)
    net, random = OldVae(), np.random.default_rng(seed)
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)

    def step(progress: float = 0.0) -> None:
        mels = []
        for _ in range(16):
            recording = corpus.pick(random)
            start = int(random.integers(0, max(1, recording.length - CROP + 1)))
            mels.append(np.log1p(grid.magnitudes(corpus.read(recording, start, CROP), GRID)))
        optimizer.zero_grad()
        loss(net, torch.from_numpy(np.stack(mels)), torch.randn(16, LATENT), min(1.0, progress / 0.3)).backward()
        optimizer.step()

    steps = steps_within(cpu_s, step)
    for number in range(steps):
        step(number / steps)
    net.eval()
    sums = sum(old_errors(net, corpus.whole(r)[: max(GRID.hop, round(r.seconds * corpus.rate))]) for r in corpus.held_out)
    assert isinstance(sums, np.ndarray)
    return float(sums[0, 0] / sums[1, 0]), float(sums[0, 1] / sums[1, 1]), f"{steps} steps"


@torch.no_grad()
def old_errors(net: OldVae, audio: Floats) -> NDArray[np.float64]:
    """`errors` of a recording on the old grid, in amplitude, scaled so that the floor has its level on BigVGAN's."""
    chunks = -(-len(audio) // CROP)
    padded = np.pad(audio, (0, chunks * CROP - len(audio)))
    mel = np.stack([grid.magnitudes(padded[n * CROP : (n + 1) * CROP], GRID) for n in range(chunks)])  # [n, M, F]
    made = np.expm1(net.decode(net.encode(torch.from_numpy(np.log1p(mel)))[0]).numpy())
    frames = np.arange(chunks)[:, None] * (CROP // GRID.hop) + np.arange(FRAMES)
    counted = (frames < len(audio) / GRID.hop) & (np.arange(FRAMES) < CROP // GRID.hop)
    return errors(np.sqrt(mel) * _matching(), np.sqrt(np.maximum(made, 0)) * _matching(), counted)


def _matching() -> Floats:
    """[M, 1]: what makes white noise read on the old grid as on BigVGAN's bands of the same frequencies."""
    noise = np.random.default_rng(0).standard_normal(48_000).astype(np.float32)
    there = np.sqrt(grid.magnitudes(noise, GRID).mean(axis=1))
    here = grid.magnitudes(noise[:44_100]).mean(axis=1)
    at = np.interp(grid.band_centres(GRID), grid.band_centres(BIGVGAN_GRID), here)
    return (at / there).astype(np.float32)[:, None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", type=Path, help="folders that make_sets.py made")
    parser.add_argument("--cpu", type=float, default=120.0, help="CPU seconds of training each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--width", type=int, help="of our net, instead of its preset")
    parser.add_argument("--only", choices=("ours", "old"), help="one of the two alone")
    args = parser.parse_args()
    if not args.sets:
        print("left out: it needs minutes, and the sets that make_sets.py makes")
        return
    torch.set_num_threads(1)
    for source in args.sets:
        with tempfile.TemporaryDirectory() as work:
            first, second = corpora(source, Path(work), args.seed)
            lines = {}
            if args.only != "old":
                lines["ours"] = ours(first, args.cpu, args.seed, args.width)
            if args.only != "ours":
                lines["old"] = old(second, args.cpu, args.seed)
            for who, (loud, quiet, note) in lines.items():
                print(f"{source.name:6} seed {args.seed} {who:4} {loud:.3f} / {quiet:.3f}  {note}", flush=True)
            if len(lines) == 2:
                lower = [1 - new / was for new, was in zip(lines["ours"][:2], lines["old"][:2], strict=True)]
                print(f"{'':6} ours lower by {lower[0]:.0%} / {lower[1]:.0%}", flush=True)


if __name__ == "__main__":
    main()
