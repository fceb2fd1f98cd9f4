"""Finding a trained model's sliders: the recordings surveyed, curves solved, every name tested on the sound it makes."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sda.core import analysis, grid, selftest
from sda.core.analysis import Analysis
from sda.core.descriptors import DESCRIPTORS, describe_array
from sda.core.latent import LatentMap, Slider
from sda.core.listening import listen
from sda.core.selftest import Fidelity
from sda.core.survey import LEAST, Survey, decode, spans, survey
from sda.core.vae import Vae
from sda.errors import TrainError
from sda.params import SLIDER_RANGE
from sda.spec import BIGVGAN_GRID
from sda.train.corpus import Corpus, Recording

Floats = NDArray[np.float32]
Vocoder = Callable[[Floats], Floats]  # log-mel [M, F] -> waveform [T = hop * F]
Measure = Callable[[Floats], Floats]  # latent points [n, Z] -> descriptors [n, D]

MOST_CHUNKS = 600
CHUNK_HOP_S = 0.5  # s
SURROUND = 2  # frames read on either side, so that a chunk's first window sees what was there
STARTS = 8  # other sounds from which a name is tested
UNSEEN = 4  # of these, at most so many from held-out recordings
COMPANIONS = 3  # chunks at which, beside home, the curves are solved
COMPANION_WEIGHT = 0.1  # of each, home having 1


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
    recorded = (heard if vocoder else describe_array(grid.expand(mels, vae.spec.gain)))[seen.chunks]
    yield Progress("solving", 0.05)
    random = np.random.default_rng(seed)
    companions, starts = _starts(corpus, vae, seen, random)
    home = seen.latents[seen.home]
    weights = np.array([1.0] + [COMPANION_WEIGHT] * len(companions), np.float32)
    curves = analysis.curves(vae, seen, np.concatenate([home[None], companions]), weights)
    measure = _measure(vae, vocoder)
    trials: dict[str, Fidelity] = {}
    for own in np.flatnonzero(seen.varies):
        yield Progress(f"testing {DESCRIPTORS[own].name}", 0.2 + 0.75 * own / len(DESCRIPTORS))
        trials[DESCRIPTORS[own].name] = _test(vae, seen, measure, recorded, curves[own], int(own), starts)
    yield Progress("axes", 0.95)
    return _assemble(vae, seen, curves, trials, places[int(seen.chunks[seen.home])], "sound" if vocoder else "mel")


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


def _starts(corpus: Corpus, vae: Vae, seen: Survey, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Latents of the chunks the curves are solved at beside home [n, Z], and of other sounds to test them at [N, Z]."""
    others = random.permutation(np.delete(np.arange(len(seen.latents)), seen.home))
    unseen = chunk_places(corpus.held_out, vae.spec.frames * BIGVGAN_GRID.hop, corpus.rate)
    unseen = [unseen[i] for i in random.permutation(len(unseen))[:UNSEEN]]
    from_held_out = np.zeros((0, vae.spec.latent), np.float32)
    if unseen:
        mels, _ = _look(corpus, vae, unseen, listening=False)
        level = describe_array(grid.expand(mels, vae.spec.gain))[:, 0]
        with torch.no_grad():
            latents = vae.encode(torch.from_numpy(mels))[0].numpy()
        from_held_out = latents[level >= seen.percentiles[0, 0]]
    count = STARTS - len(from_held_out)
    companions = others[count : count + COMPANIONS]
    return seen.latents[companions], np.concatenate([from_held_out, seen.latents[others[:count]]])


def _measure(vae: Vae, vocoder: Vocoder | None) -> Measure:
    """How a name is judged: by ear, or on the decoded mel."""

    def by_mel(z: Floats) -> Floats:
        return describe_array(decode(vae, z))

    def by_ear(z: Floats) -> Floats:
        assert vocoder is not None
        with torch.no_grad():
            return np.stack([listen(vocoder(grid.to_log(mel)), BIGVGAN_GRID.sample_rate) for mel in decode(vae, z)])

    return by_ear if vocoder else by_mel


def _test(vae: Vae, seen: Survey, measure: Measure, recorded: Floats, curve: Floats, own: int, starts: Floats) -> Fidelity:
    """Sweep one curve [P, Z] from home and from the starts [N, Z]."""
    home = seen.latents[seen.home]
    sweep = home + _at(curve, selftest.HOME_POSITIONS)
    from_starts = starts[:, None] + _at(curve, selftest.START_POSITIONS)  # [N, 5, Z]
    elsewhere = (
        measure(from_starts.reshape(-1, len(home))).reshape(*from_starts.shape[:2], -1) if len(starts) else np.zeros((0, 5, 7))
    )
    mel = describe_array(decode(vae, sweep))
    return selftest.judge(own, mel, seen.ranges, measure(sweep), elsewhere, spans(recorded))


def _at(curve: Floats, count: int) -> Floats:
    """Displacements [count, Z] of a curve at positions spread over its whole range."""
    low, high = SLIDER_RANGE
    alone = LatentMap(np.zeros(curve.shape[1], np.float32), curve[None], np.zeros((0, 0), np.float32))
    return alone.point(np.linspace(low, high, count)[:, None])


def _assemble(
    vae: Vae, seen: Survey, curves: Floats, trials: dict[str, Fidelity], home: tuple[Recording, int], measured_on: str
) -> Analysis:
    """Keep what holds, fill up with axes, write the report."""
    kept = [i for i, d in enumerate(DESCRIPTORS) if d.name in trials and not trials[d.name].failure()]
    count = min(max(analysis.SLIDERS - len(kept), analysis.FEWEST_AXES), analysis.MOST - len(kept))
    axes = analysis.axes(vae, seen, curves[kept], count)
    low, high = SLIDER_RANGE
    sliders = []
    for number, own in enumerate(kept, 1):
        d, trial = DESCRIPTORS[own], trials[DESCRIPTORS[own].name]
        words = f"{d.explains}; {trial.reach:.3g} {d.unit}"
        sliders.append(Slider(number, d.name, low, high, *analysis.safe(seen, own), words))
    for number, axis in enumerate(axes, 1):
        words = f"what the named sliders leave, part {number}; {axis.change_db:.0f} dB mean change"
        sliders.append(Slider(len(sliders) + 1, f"axis-{number}", low, high, axis.safe_low, axis.safe_high, words))
    stacked = np.concatenate([curves[kept], np.array([a.curve for a in axes], np.float32).reshape(-1, *curves.shape[1:])])
    latent_map = LatentMap(seen.latents[seen.home], stacked, seen.spread)
    report = {
        "measured_on": measured_on,
        "chunks": len(seen.chunks),
        "home": {"recording": home[0].name, "start_s": round(home[1] / BIGVGAN_GRID.sample_rate, 3)},
        "descriptors": [_row(seen, i, trials.get(d.name)) for i, d in enumerate(DESCRIPTORS)],
    }
    return Analysis(latent_map, tuple(sliders), report, _notes(seen, len(kept), len(sliders)))


def _row(seen: Survey, own: int, trial: Fidelity | None) -> dict[str, Any]:
    """What the report says of one descriptor."""
    d = DESCRIPTORS[own]
    row: dict[str, Any] = {
        "name": d.name,
        "unit": d.unit,
        "percentiles": [round(float(p), 4) for p in seen.percentiles[:, own]],
    }
    if trial is None:
        low, high = seen.percentiles[[1, -2], own]
        reason = f"varies by {high - low:.3g} {d.unit} in the recordings, a slider needs {LEAST[own]:.3g}"
        return row | {"kept": False, "reason": reason}
    numbers = {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(trial).items()}
    return row | {"kept": not trial.failure(), "reason": trial.failure(), **numbers}


def _notes(seen: Survey, named: int, count: int) -> tuple[str, ...]:
    notes = []
    if len(seen.chunks) < 20:
        notes.append(f"only {len(seen.chunks)} audible chunks of a second: the sliders know little")
    if named == 0:
        notes.append("no descriptor varies enough, or holds well enough, to give a slider its name")
    if count < 4:
        notes.append(f"the recordings vary too little for more than {count} sliders")
    return tuple(notes)
