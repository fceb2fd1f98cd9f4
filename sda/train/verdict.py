"""Testing the names of a model's sliders, on the sound of its vocoder where it has one, and writing down what holds."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sda.core import analysis, grid, selftest
from sda.core.analysis import Analysis, Axis
from sda.core.curves import POSITIONS, safe
from sda.core.descriptors import DESCRIPTORS, describe
from sda.core.latent import LatentMap, Slider
from sda.core.listening import listen
from sda.core.selftest import Fidelity
from sda.core.surrogate import Surrogate
from sda.core.survey import LEAST, Survey, decode, spans
from sda.core.vae import Vae
from sda.params import SLIDER_RANGE
from sda.spec import BIGVGAN_GRID
from sda.train.corpus import Recording
from sda.train.threads import Vocoder

Floats = NDArray[np.float32]
FEW_S = 15.0  # s of recordings below which a note says so


@dataclass(frozen=True, slots=True)
class Trial:
    """One curve tried over one range of positions."""

    curve: Floats  # [P, Z], flat outside the range
    range: tuple[float, float]  # positions
    fidelity: Fidelity
    measured_on: str  # "sound" or "mel"
    mel: Floats  # [n, D] descriptors of the mel at positions spread over the range, from home
    heard: Floats  # [n, D] the same by the measure of the test


@dataclass(frozen=True, slots=True)
class Judge:
    """Measures sweeps of one model against its recordings."""

    vae: Vae
    seen: Survey
    vocoder: Vocoder | None  # without it the decoded mel is measured
    recorded: Floats  # [N, D] the same measure of the recordings
    pool: Executor | None = None  # whose threads render and listen side by side
    known: dict[bytes, Floats] = field(default_factory=dict)  # descriptors [D] of the points that were heard

    def measure(self, z: Floats) -> Floats:
        """Descriptors [n, D] of latent points [n, Z]."""
        if self.vocoder is None:
            return describe(decode(self.vae, z))
        keys = [point.tobytes() for point in z]
        new = {key: point for key, point in zip(keys, z, strict=True) if key not in self.known}  # home is in every sweep
        if new:
            each = map if self.pool is None else self.pool.map
            heard = each(self._hear, decode(self.vae, np.stack(list(new.values()))))
            self.known.update(zip(new, heard, strict=True))
        return np.stack([self.known[key] for key in keys])

    def _hear(self, mel: Floats) -> Floats:
        """Descriptors [D] of the sound of magnitudes [M, F]."""
        assert self.vocoder is not None
        with torch.no_grad():  # counts in its own thread only
            return listen(self.vocoder(grid.to_log(mel)), BIGVGAN_GRID.sample_rate)

    def at_home(self, own: int, curve: Floats, range_: tuple[float, float], count: int = selftest.HOME_POSITIONS) -> Trial:
        """Sweep a curve [P, Z] over `count` positions of a range, from home."""
        curve = within(curve, range_)
        sweep = self.seen.latents[self.seen.home] + _at(curve, range_, count)
        mel, heard = describe(decode(self.vae, sweep)), self.measure(sweep)
        fidelity = self._judge(own, mel, heard, heard[:0, None])
        return Trial(curve, range_, fidelity, "sound" if self.vocoder else "mel", mel, heard)

    def elsewhere(self, own: int, trial: Trial, starts: Floats, others: Floats | None = None) -> Trial:
        """Sweep a curve that holds at home from the starts [N, Z] as well.

        others [n, 5, Z]: sweeps of the same slider from other homes.
        """
        swept = starts[:, None] + _at(trial.curve, trial.range, selftest.START_POSITIONS)  # [N, 5, Z]
        swept = swept if others is None else np.concatenate([swept, others])
        heard = self.measure(swept.reshape(-1, swept.shape[2])).reshape(*swept.shape[:2], -1)
        return replace(trial, fidelity=self._judge(own, trial.mel, trial.heard, heard))

    def _judge(self, own: int, mel: Floats, heard: Floats, elsewhere: Floats) -> Fidelity:
        ranges, varies = (self.seen.ranges, spans(self.recorded)), self.seen.varies
        return selftest.judge(own, mel, ranges[0], heard, elsewhere, ranges[1], varies)


def within(curve: Floats, range_: tuple[float, float]) -> Floats:
    """A curve [P, Z] that stays where it is outside a range of positions."""
    place = np.linspace(*SLIDER_RANGE, POSITIONS)
    kept: Floats = np.where(((place >= range_[0]) & (place <= range_[1]))[:, None], curve, np.float32(0))
    return kept


def _at(curve: Floats, range_: tuple[float, float], count: int) -> Floats:
    """Displacements [count, Z] of a curve at positions spread over a range."""
    alone = LatentMap(np.zeros(curve.shape[1], np.float32), curve[None], np.zeros((0, 0), np.float32))
    return alone.point(np.linspace(*range_, count)[:, None])


def assemble(
    vae: Vae,
    seen: Survey,
    trials: Mapping[int, Trial],
    home: tuple[Recording, int],
    audible_s: float,
    surrogate: Surrogate,
    error: Floats,
    pool: Executor | None = None,
) -> Analysis:
    """Keep what holds, fill up with axes, write the report.

    trials: by the descriptor's number; audible_s: seconds of the recordings that are not silence; error [D]: of the surrogate,
    in units of the recordings' ranges.
    """
    kept = [own for own, trial in trials.items() if not trial.fidelity.failure()]
    shape = (POSITIONS, seen.latents.shape[1])
    named = np.array([trials[own].curve for own in kept], np.float32).reshape(-1, *shape)
    count = min(max(analysis.SLIDERS - len(kept), analysis.FEWEST_AXES), analysis.MOST - len(kept))
    axes = analysis.axes(vae, seen, named, kept, count, pool)
    sliders = [_named(number, seen, own, trials[own]) for number, own in enumerate(kept, 1)]
    for number, axis in enumerate(axes, 1):
        words = f"what the named sliders leave, part {number}; {axis.changes[-1]:.0f} dB mean change"
        ends = (axis.low, axis.high, axis.safe_low, axis.safe_high)
        sliders.append(Slider(len(sliders) + 1, f"axis-{number}", *ends, words))
    curves = np.concatenate([named, np.array([a.curve for a in axes], np.float32).reshape(-1, *shape)])
    report = {
        "chunks": len(seen.chunks),
        "home": {"recording": home[0].name.rsplit("/", 1)[-1], "start_s": round(max(0, home[1]) / BIGVGAN_GRID.sample_rate, 3)},
        "descriptors": [_row(seen, i, trials.get(i)) for i in range(len(DESCRIPTORS))],
        "axes": [_axis_row(number, axis) for number, axis in enumerate(axes, 1)],
        "surrogate_error": {d.name: round(float(e), 4) for d, e in zip(DESCRIPTORS, error, strict=True)},
    }
    latent_map = analysis.steered(vae, seen, curves, kept + [-1] * len(axes), surrogate)
    return Analysis(latent_map, tuple(sliders), report, _notes(audible_s, len(kept), len(sliders)))


def _named(number: int, seen: Survey, own: int, trial: Trial) -> Slider:
    d, (low, high), (safe_low, safe_high) = DESCRIPTORS[own], trial.range, safe(seen, own)
    words = f"{d.explains}; {trial.fidelity.reach:.3g} {d.unit}"
    return Slider(number, d.name, low, high, max(low, safe_low), min(high, safe_high), words)


def _row(seen: Survey, own: int, trial: Trial | None) -> dict[str, Any]:
    """What the report says of one descriptor."""
    d, found = DESCRIPTORS[own], seen.percentiles[:, own]
    row: dict[str, Any] = {"name": d.name, "unit": d.unit, "percentiles": [round(float(p), 4) for p in found]}
    if trial is None:
        reason = f"varies by {found[-2] - found[1]:.3g} {d.unit} in the recordings, a slider needs {LEAST[own]:.3g}"
        return row | {"kept": False, "reason": reason}
    untried = () if trial.fidelity.starts else ("median", "tenth", "leakage_elsewhere")
    numbers = {k: round(v, 4) for k, v in asdict(trial.fidelity).items() if k not in untried}
    reason = trial.fidelity.failure()
    said = {"kept": not reason, "reason": reason, "measured_on": trial.measured_on, "range": list(trial.range)}
    return row | said | numbers | _picture(trial.range, trial.heard[:, own])


def _axis_row(number: int, axis: Axis) -> dict[str, Any]:
    """What the report says of an axis without a name: how far the sound is from that at its lower end."""
    return {"name": f"axis-{number}", "unit": "dB", **_picture((axis.low, axis.high), axis.changes)}


def _picture(range_: tuple[float, float], heard: Floats) -> dict[str, list[float]]:
    """What was heard [n] at positions spread over a range."""
    return {"positions": np.linspace(*range_, len(heard)).tolist(), "heard": [round(float(value), 4) for value in heard]}


def _notes(audible_s: float, named: int, count: int) -> tuple[str, ...]:
    notes = []
    if audible_s < FEW_S:
        notes.append(f"only {audible_s:.1f} s of audible recordings: the sliders know little")
    if named == 0:
        notes.append("no descriptor varies enough, or holds well enough, to give a slider its name")
    if count < 4:
        notes.append(f"the recordings vary too little for more than {count} sliders")
    return tuple(notes)
