"""Finding a trained model's sliders: the recordings surveyed, curves solved, every name tested on the sound it makes."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sda.core import curves, grid, settle
from sda.core.analysis import Analysis, steered
from sda.core.curves import POSITIONS
from sda.core.descriptors import DESCRIPTORS
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
from sda.train.hearing import corrected
from sda.train.surrogate import fitted
from sda.train.threads import Vocoder, side_by_side
from sda.train.verdict import Judge, Trial, assemble

Floats = NDArray[np.float32]

FEWEST_CHUNKS, MOST_CHUNKS = 120, 600
CHUNK_HOP_S = 0.5  # s, where that gives a number between these
CLOSELY_S = 15.0  # s of recordings from which on these numbers hold; of fewer, chunks are half a second apart
LEAST_HOP_FRAMES = 2  # between two chunks of one recording
BEYOND_FRAMES = 4  # by which chunks may reach over either end of a recording, half of what crops may in training
SURROUND = 2  # frames read on either side, so that a chunk's first window sees what was there
STARTS = 4  # strays from home at which a name is tested
VARIATION = 0.5  # of these strays; playing defaults to 0.3
MIDDLING = 4  # chunks of as many recordings, one of which becomes the home
NEARLY = 4  # power by which names count that nearly hold from a home: nine tenths of the way as .66, a half as .06
HOMES = 12  # other chunks, from which it is tested as well: names that fail elsewhere fail there
COMPANIONS = 2  # strays at which, beside home, curves are solved that may hold more widely
COMPANION_WEIGHT = 0.1  # of each, home having 1
FIRMNESS = 0.5  # of the other descriptors' staying for these
HEARINGS = 2  # corrections by what the vocoder makes of the curves
SCREENED = 2  # strays at which curves are chosen
WHOLE = SLIDER_RANGE  # positions
UPPER, LOWER = (0.0, WHOLE[1]), (WHOLE[0], 0.0)  # ranges in which a name may hold, in order of preference


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the analysis has come."""

    stage: str  # "listening", "choosing a home", "solving", "testing <name>", "axes", ...
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
    """`analyze` in steps, the vocoder called in as many threads as torch has: see `PerThread`.

    Raises `TrainError` if no recording is left for training.
    """
    with side_by_side() as pool:
        found = yield from _found(corpus, vae, vocoder, seed, pool)
    return found


def _found(corpus: Corpus, vae: Vae, vocoder: Vocoder | None, seed: int, pool: Executor) -> Generator[Progress, None, Analysis]:
    yield Progress("listening", 0.0)
    places = chunk_places(corpus.training, vae.spec.frames * BIGVGAN_GRID.hop, corpus.rate)
    if not places:
        raise TrainError("no recording to find sliders in")
    mels, heard = _look(corpus, vae, places, pool, listening=vocoder is not None)
    seen = survey(vae, mels)
    charted = pool.submit(_charted, vae, seen, [places[chunk] for chunk in seen.chunks])
    yield Progress("choosing a home", 0.05)
    judge = Judge(vae, seen, vocoder, heard[seen.chunks] if vocoder else seen.recorded, pool)
    judge, exact = _at_home(judge, [places[chunk][0].name for chunk in seen.chunks], pool)
    seen = judge.seen
    yield Progress("solving", 0.15)
    random = np.random.default_rng(seed)
    others, starts = _starts(seen, random)
    variants = _variants(judge, exact, others[:COMPANIONS], pool)
    trials: dict[int, Trial] = {}
    varying = np.flatnonzero(seen.varies).tolist()
    for number, own in enumerate(varying):
        yield Progress(f"trying {DESCRIPTORS[own].name}", 0.3 + 0.3 * number / len(varying))
        trials[own] = _choose(judge, own, [v[own] for v in variants], others[COMPANIONS:])
    holding = [own for own, trial in trials.items() if not trial.fidelity.failure()]
    yield Progress("learning what the decoder does", 0.6)
    chosen = np.array([trials[own].curve for own in holding], np.float32).reshape(-1, POSITIONS, vae.spec.latent)
    surrogate, error = fitted(vae, seen, chosen, seed, pool)
    together, homes = steered(vae, seen, chosen, holding, surrogate), _homes(seen, random)
    for slider, own in enumerate(holding):
        yield Progress(f"testing {DESCRIPTORS[own].name}", 0.65 + 0.3 * slider / len(holding))
        sweeps = _sweeps(vae, together, slider, trials[own].range, homes, pool)
        trials[own] = judge.elsewhere(own, trials[own], starts, sweeps)
    yield Progress("axes", 0.95)
    audible_s = sum(r.seconds for r in corpus.training) * len(seen.chunks) / len(places)
    found = assemble(vae, seen, trials, places[int(seen.chunks[seen.home])], audible_s, surrogate, error, pool)
    return replace(found, sound_map=charted.result())


def _charted(vae: Vae, seen: Survey, places: list[tuple[Recording, int]]) -> SoundMap:
    """The audible chunks as places, called by their recordings' names without folders, as a file may be shared."""
    names = [recording.name.rsplit("/", 1)[-1] for recording, _ in places]
    return drawn(
        seen.latents, names, [max(0, start) / BIGVGAN_GRID.sample_rate for _, start in places], lambda z: decode(vae, z)
    )


def chunk_places(recordings: list[Recording], length: int, rate: int) -> list[tuple[Recording, int]]:
    """Where chunks of `length` samples begin: evenly within a recording, more of long ones as the root of their length.

    That is how training draws its crops. Few recordings are looked at more closely, so that their latents' spread is known,
    but not so few that only the place within one of them would vary.
    """
    if not recordings:
        return []
    lengths = np.array([r.length for r in recordings])
    closely = lengths.sum() >= CLOSELY_S * rate
    hop = BIGVGAN_GRID.hop
    beyond, least = (BEYOND_FRAMES * hop, LEAST_HOP_FRAMES * hop) if closely else (0, round(CHUNK_HOP_S * rate))
    spans = np.maximum(0, lengths - length) + 2 * beyond
    wanted = np.clip(spans.sum() / (CHUNK_HOP_S * rate), FEWEST_CHUNKS, MOST_CHUNKS)
    counts = np.minimum(wanted * np.sqrt(lengths) / np.sqrt(lengths).sum(), spans // least + 1).round().astype(int).clip(1)
    starts = [np.linspace(0, span, n) - beyond if n > 1 else np.zeros(1) for span, n in zip(spans, counts, strict=True)]
    return [(r, round(start)) for r, places in zip(recordings, starts, strict=True) for start in places.tolist()]


def _look(
    corpus: Corpus, vae: Vae, places: list[tuple[Recording, int]], pool: Executor, *, listening: bool
) -> tuple[Floats, Floats]:
    """Normalised mels [N, M, L] of the chunks, and the independent measures of their sound [N, D] (empty if not wanted)."""
    hop, frames = BIGVGAN_GRID.hop, vae.spec.frames

    def look(place: tuple[Recording, int]) -> tuple[Floats, Floats]:
        recording, start = place
        audio = corpus.read(recording, start - SURROUND * hop, (frames + 2 * SURROUND) * hop)
        mel = grid.magnitudes(audio)[:, SURROUND : SURROUND + frames]
        heard = listen(audio[SURROUND * hop : -SURROUND * hop], corpus.rate) if listening else audio[:0]
        return grid.compress(mel, vae.spec.gain), heard

    mels, heard = zip(*pool.map(look, places), strict=True)
    return np.stack(mels), np.stack(heard)


def _at_home(judge: Judge, owners: list[str], pool: Executor) -> tuple[Judge, Floats]:
    """The judge with the home from which most names hold or nearly do, of a few middling recordings' chunks, and its curves.

    Curves [D, P, Z]; owners [N]: the chunks' recordings. From one sound brightness can be moved alone, from another the same
    recordings' only with half of everything else.
    """
    firsts: dict[str, int] = {}
    for row in judge.seen.middling.tolist():
        firsts.setdefault(owners[row], row)
    judges = [replace(judge, seen=replace(judge.seen, home=row)) for row in list(firsts.values())[:MIDDLING]]
    found = list(pool.map(lambda each: _exact(each, curves.aims(each.seen)), judges))
    if len(judges) == 1:
        return judges[0], found[0]
    return max(zip(judges, found, strict=True), key=lambda pair: _promise(*pair))


def _promise(judge: Judge, found: Floats) -> float:
    """How many names hold from the judge's home by the curves [D, P, Z], counting what nearly does: corrections are to come."""
    varying = np.flatnonzero(judge.seen.varies).tolist()
    tried = [judge.at_home(own, found[own], WHOLE, START_POSITIONS).fidelity for own in varying]
    return sum(fidelity.nearness**NEARLY for fidelity in tried)


def _starts(seen: Survey, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Latents near home as playing reaches them: for solving and choosing [n, Z], and for the test [N, Z], which saw none.

    A slider's curve is always added to home and a grain's stray (`sda.core.grains`), so that is where its name has to hold.
    At unrelated chunks of the recordings the same displacement may turn a descriptor round, so from there another point is
    solved for (`sda.core.steering`) and tested (`_sweeps`).
    """
    draws = random.standard_normal((COMPANIONS + SCREENED + STARTS, seen.spread.shape[1])).astype(np.float32)
    points: Floats = seen.latents[seen.home] + np.float32(VARIATION) * draws @ seen.spread.T
    return points[: COMPANIONS + SCREENED], points[COMPANIONS + SCREENED :]


def _homes(seen: Survey, random: np.random.Generator) -> Floats:
    """Latents [n, Z] of other chunks of the recordings, which a musician may start the sliders from."""
    others = np.delete(np.arange(len(seen.latents)), seen.home)
    chosen: Floats = seen.latents[random.permutation(others)[:HOMES]]
    return chosen


def _sweeps(vae: Vae, together: LatentMap, slider: int, range_: tuple[float, float], homes: Floats, pool: Executor) -> Floats:
    """Points [n, 5, Z] of one slider's positions over its range, from each of the homes [n, Z], as they are at rest."""
    positions = np.zeros((START_POSITIONS, len(together.curves)))
    positions[:, slider] = np.linspace(*range_, START_POSITIONS)
    measure = settle.measuring(lambda z: decode(vae, z), BIGVGAN_GRID, together)
    points = pool.map(lambda home: [together.settled(at, measure, home) for at in positions], homes)
    return np.array(list(points), np.float32).reshape(len(homes), START_POSITIONS, -1)


def _exact(judge: Judge, aims: Floats, pool: Executor | None = None) -> Floats:
    """The curves [D, P, Z] that do from home what the aims ask for, and from nowhere else."""
    seen = judge.seen
    return curves.curves(judge.vae, seen, aims, seen.latents[seen.home][None], np.ones(1, np.float32), pool=pool)


def _variants(judge: Judge, exact: Floats, companions: Floats, pool: Executor) -> list[Floats]:
    """Curves [D, P, Z] to choose from: exact at home, on the sound too, and nearly so but good at a few others [n, Z] too."""
    vae, seen = judge.vae, judge.seen
    home = seen.latents[seen.home][None]
    wanted = aims = curves.aims(seen)
    for _ in range(HEARINGS if judge.vocoder else 0):
        aims = corrected(judge, wanted, aims, exact)
        exact = _exact(judge, aims, pool)
    weights = np.array([1.0] + [COMPANION_WEIGHT] * len(companions), np.float32)
    return [exact, curves.curves(vae, seen, aims, np.concatenate([home, companions]), weights, FIRMNESS, pool)]


def _choose(judge: Judge, own: int, variants: list[Floats], starts: Floats) -> Trial:
    """The curve whose name holds best over the widest range for which one does; else the first failure."""
    failed = []
    for range_ in (WHOLE, UPPER, LOWER):
        trials = [judge.at_home(own, curve, range_) for curve in variants]
        trials = [t if t.fidelity.failure() else judge.elsewhere(own, t, starts) for t in trials]
        if holding := [t for t in trials if not t.fidelity.failure()]:
            return max(holding, key=lambda t: t.fidelity.merit)
        failed += trials
    return failed[0]
