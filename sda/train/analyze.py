"""Finding a trained model's sliders: the recordings surveyed, curves solved, every name tested on the sound it makes."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sda.core import analysis, grid
from sda.core.analysis import POSITIONS, Analysis, steered
from sda.core.descriptors import DESCRIPTORS, describe
from sda.core.latent import LatentMap
from sda.core.listening import listen
from sda.core.selftest import START_POSITIONS
from sda.core.sound_map import SoundMap, drawn
from sda.core.survey import Survey, decode, survey
from sda.core.vae import Vae
from sda.errors import TrainError
from sda.params import SLIDER_RANGE
from sda.spec import BIGVGAN_GRID
from sda.train.corpus import Corpus, Recording
from sda.train.surrogate import fitted
from sda.train.verdict import Judge, Trial, Vocoder, assemble

Floats = NDArray[np.float32]

MOST_CHUNKS = 600
CHUNK_HOP_S = 0.5  # s
SURROUND = 2  # frames read on either side, so that a chunk's first window sees what was there
STARTS = 8  # strays from home at which a name is tested
VARIATION = 0.5  # of these strays; playing defaults to 0.3
HOMES = 8  # other chunks, from which it is tested as well
COMPANIONS = 2  # strays at which, beside home, curves are solved that may hold more widely
COMPANION_WEIGHT = 0.1  # of each, home having 1
WHOLE = SLIDER_RANGE  # positions
UPPER, LOWER = (0.0, WHOLE[1]), (WHOLE[0], 0.0)  # ranges in which a name may hold, in order of preference


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the analysis has come."""

    stage: str  # "listening", "solving", "testing <name>", "axes"
    share: float  # of the whole, 0..1


def analyze(corpus: Corpus, vae: Vae, vocoder: Vocoder | None = None, *, seed: int = 0) -> Analysis:
    """The sliders of a trained VAE. Without a vocoder the names are tested on the decoded mel."""
    steps = analyzing(corpus, vae, vocoder, seed=seed)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Analysis = end.value
            return result


def analyzing(
    corpus: Corpus, vae: Vae, vocoder: Vocoder | None = None, *, seed: int = 0
) -> Generator[Progress, None, Analysis]:
    """`analyze` in steps. Raises `TrainError` if no recording is left for training."""
    yield Progress("listening", 0.0)
    places = chunk_places(corpus.training, vae.spec.frames * BIGVGAN_GRID.hop, corpus.rate)
    if not places:
        raise TrainError("no recording to find sliders in")
    mels, heard = _look(corpus, vae, places, listening=vocoder is not None)
    seen = survey(vae, mels)
    recorded = (heard if vocoder else describe(grid.expand(mels, vae.spec.gain)))[seen.chunks]
    yield Progress("solving", 0.05)
    random = np.random.default_rng(seed)
    others, starts = _starts(seen, random)
    variants = _variants(vae, seen, others)
    by_mel, final = Judge(vae, seen, None, seen.decoded), Judge(vae, seen, vocoder, recorded)
    trials: dict[int, Trial] = {}
    for own in np.flatnonzero(seen.varies).tolist():
        trials[own] = _choose(by_mel, own, [v[own] for v in variants], others[COMPANIONS:])
    holding = [own for own, trial in trials.items() if not trial.fidelity.failure()]
    yield Progress("learning what the decoder does", 0.2)
    chosen = np.array([trials[own].curve for own in holding], np.float32).reshape(-1, POSITIONS, vae.spec.latent)
    surrogate, error = fitted(vae, seen, chosen, seed)
    together, homes = steered(vae, seen, chosen, holding, surrogate), _homes(seen, random)
    for slider, own in enumerate(holding):
        yield Progress(f"testing {DESCRIPTORS[own].name}", 0.3 + 0.65 * slider / len(holding))
        trial = trials[own]
        trials[own] = final.test(own, trial.curve, trial.range, starts, _sweeps(together, slider, trial.range, homes))
    yield Progress("axes", 0.95)
    found = assemble(vae, seen, trials, places[int(seen.chunks[seen.home])], surrogate, error)
    return replace(found, sound_map=_charted(vae, seen, [places[chunk] for chunk in seen.chunks]))


def _charted(vae: Vae, seen: Survey, places: list[tuple[Recording, int]]) -> SoundMap:
    """The audible chunks as places, called by their recordings' names without folders, as a file may be shared."""
    names = [recording.name.rsplit("/", 1)[-1] for recording, _ in places]
    return drawn(seen.latents, names, [start / BIGVGAN_GRID.sample_rate for _, start in places], lambda z: decode(vae, z))


def chunk_places(recordings: list[Recording], length: int, rate: int) -> list[tuple[Recording, int]]:
    """Where chunks of `length` samples begin: every half second, at most `MOST_CHUNKS` of them, evenly chosen."""
    hop = int(CHUNK_HOP_S * rate)
    places = [(r, start) for r in recordings for start in range(0, max(1, r.length - length + 1), hop)]
    if len(places) <= MOST_CHUNKS:
        return places
    return [places[i] for i in np.linspace(0, len(places) - 1, MOST_CHUNKS).round().astype(int)]


def _look(corpus: Corpus, vae: Vae, places: list[tuple[Recording, int]], *, listening: bool) -> tuple[Floats, Floats]:
    """Normalised mels [N, M, L] of the chunks, and the independent measures of their sound [N, D] (empty if not wanted)."""
    hop, frames = BIGVGAN_GRID.hop, vae.spec.frames
    mels, heard = [], []
    for recording, start in places:
        audio = corpus.read(recording, start - SURROUND * hop, (frames + 2 * SURROUND) * hop)
        mel = grid.magnitudes(audio)[:, SURROUND : SURROUND + frames]
        mels.append(grid.compress(mel, vae.spec.gain))
        if listening:
            heard.append(listen(audio[SURROUND * hop : -SURROUND * hop], corpus.rate))
    return np.stack(mels), np.array(heard, np.float32)


def _starts(seen: Survey, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Latents near home as playing reaches them: for solving and choosing [n, Z], and for the test [N, Z], which saw none.

    A slider's curve is always added to home and a grain's stray (`sda.core.grains`), so that is where its name has to hold.
    At unrelated chunks of the recordings the same displacement may turn a descriptor round, so from there another point is
    solved for (`sda.core.steering`) and tested (`_sweeps`).
    """
    draws = random.standard_normal((COMPANIONS + 2 * STARTS, seen.spread.shape[1])).astype(np.float32)
    points: Floats = seen.latents[seen.home] + np.float32(VARIATION) * draws @ seen.spread.T
    return points[: COMPANIONS + STARTS], points[COMPANIONS + STARTS :]


def _homes(seen: Survey, random: np.random.Generator) -> Floats:
    """Latents [n, Z] of other chunks of the recordings, which a musician may start the sliders from."""
    others = np.delete(np.arange(len(seen.latents)), seen.home)
    chosen: Floats = seen.latents[random.permutation(others)[:HOMES]]
    return chosen


def _sweeps(together: LatentMap, slider: int, range_: tuple[float, float], homes: Floats) -> Floats:
    """Points [n, 5, Z] of one slider's positions over its range, from each of the homes [n, Z]."""
    positions = np.zeros((START_POSITIONS, len(together.curves)))
    positions[:, slider] = np.linspace(*range_, START_POSITIONS)
    points = [together.point(positions, home) for home in homes]
    return np.array(points, np.float32).reshape(len(homes), START_POSITIONS, -1)


def _variants(vae: Vae, seen: Survey, others: Floats) -> list[Floats]:
    """Curves [D, P, Z] to choose from: exact at home, and nearly so but good at a few other sounds too."""
    home = seen.latents[seen.home][None]
    exact = analysis.curves(vae, seen, home, np.ones(1, np.float32))
    if not len(others):
        return [exact]
    together = np.concatenate([home, others[:COMPANIONS]])
    weights = np.array([1.0] + [COMPANION_WEIGHT] * (len(together) - 1), np.float32)
    return [exact, analysis.curves(vae, seen, together, weights)]


def _choose(judge: Judge, own: int, variants: list[Floats], starts: Floats) -> Trial:
    """The curve and range whose name holds on the mel: the widest range, then what holds best; else the first failure."""
    failed = []
    for range_ in (WHOLE, UPPER, LOWER):
        trials = [judge.test(own, curve, range_, starts) for curve in variants]
        if holding := [t for t in trials if not t.fidelity.failure()]:
            return max(holding, key=lambda t: t.fidelity.merit)
        failed += trials
    return failed[0]
