"""The registry: every control is one row of this table, and everything that names a control reads it here.

OSC addresses, MIDI targets, panel widgets, presets, takes and `sda-engine params` are derived from these rows. The rows
of a model's sliders are made by `slider_rows` when the model is loaded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sda.errors import ControlError

Value = float | int | bool | str


class Kind(StrEnum):
    FLOAT = "float"
    INT = "int"
    BOOL = "bool"
    CHOICE = "choice"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One control. `curve` is the power by which 0..1 is bent over the range (1 linear, 3 fine at the low end)."""

    id: str
    kind: Kind
    unit: str = ""
    low: float = 0.0
    high: float = 1.0
    default: Value = 0.0
    curve: float = 1.0
    choices: tuple[str, ...] = ()
    name: str = ""  # a model's slider: the slug that is its alias
    spectral: bool = True  # acts at the next mel frame; stage rows act at their sample
    lasting: bool = True  # belongs to presets and to what is restored at the next start
    help: str = ""

    @property
    def address(self) -> str:
        """The OSC address."""
        return "/sda/" + self.id.replace(".", "/")


PARAMS = (
    Param(id="play", kind=Kind.BOOL, default=False, spectral=False, lasting=False, help="Sound on or off."),
    Param(
        id="gain", kind=Kind.FLOAT, unit="dB", low=-60, high=12, default=0.0, spectral=False,
        help="Level into the limiter; -60 is silence.",
    ),
    Param(
        id="glide", kind=Kind.FLOAT, unit="ms", low=0, high=5000, default=50.0, curve=3,
        help="Time a slider takes to arrive.",
    ),
    Param(
        id="variation", kind=Kind.FLOAT, low=0, high=1, default=0.3,
        help="How far each new grain strays from the sliders; 0 repeats the same grain.",
    ),
    Param(id="drift", kind=Kind.FLOAT, unit="Hz", low=0, high=10, default=0.25, curve=3, help="How fast the variation moves."),
    Param(
        id="density", kind=Kind.FLOAT, unit="grains/s", low=0, high=16, default=2.0, curve=2,
        help="Grain onsets per second; 0 leaves only struck ones.",
    ),
    Param(id="freeze", kind=Kind.BOOL, default=False, lasting=False, help="Hold the sounding mel still."),
    Param(
        id="seed", kind=Kind.INT, low=0, high=2**31 - 1, default=0,
        help="The same seed, events and model give the same samples.",
    ),
    Param(
        id="vocoder", kind=Kind.CHOICE, choices=("auto", "bigvgan", "hifigan"), default="auto",
        help="Which vocoder sounds; auto is the model's own, else BigVGAN, which plays loops rendered ahead.",
    ),
    Param(id="model", kind=Kind.TEXT, default="", lasting=False, help="Name or id of the loaded model."),
    Param(
        id="map.x", kind=Kind.FLOAT, low=-1, high=1, default=0.0,
        help="Place on the map of the model's recordings, from left to right.",
    ),
    Param(
        id="map.y", kind=Kind.FLOAT, low=-1, high=1, default=0.0, help="The same, from bottom to top.",
    ),
    Param(
        id="map.share", kind=Kind.FLOAT, low=0, high=1, default=0.0,
        help="How far sliders start from that place: 0 is the model's own home, 1 the place on the map.",
    ),
    Param(
        id="morph", kind=Kind.FLOAT, low=0, high=1, default=0.0, spectral=False, lasting=False,
        help="Between the two presets last given to preset/morph.",
    ),
    Param(
        id="spatial", kind=Kind.CHOICE, choices=("mono", "stereo", "binaural"), default="stereo", spectral=False,
        help="One channel, two that sum to it, or a place around the head for headphones.",
    ),
    Param(
        id="width", kind=Kind.FLOAT, low=0, high=1, default=0.5, spectral=False,
        help="Width of stereo; left plus right stay the same.",
    ),
    Param(
        id="azimuth", kind=Kind.FLOAT, unit="deg", low=-180, high=180, default=0.0, spectral=False,
        help="Binaural: where it is around the head; 0 is ahead, 90 to the right.",
    ),
    Param(
        id="elevation", kind=Kind.FLOAT, unit="deg", low=-40, high=90, default=0.0, spectral=False,
        help="Binaural: how far up it is.",
    ),
    Param(
        id="distance", kind=Kind.FLOAT, unit="m", low=0.2, high=10, default=1.0, spectral=False,
        help="Binaural: how far away it is; twice as far is 6 dB softer.",
    ),
    Param(id="limiter", kind=Kind.BOOL, default=True, spectral=False, help="Look-ahead peak limiter at -1 dBFS."),
)  # fmt: skip

SLIDER_RANGE = (-10.0, 10.0)
TEXT_LIMIT = 200  # characters
_PATH_SIGN = re.compile(r"[/\\\x00-\x1f]|^[A-Za-z]:|^\.\.?$")  # separators, a drive, the folder itself and the one above


def slug(name: str) -> str:
    """A slider's name as an address part: a-z, 0-9 and -; never a bare number."""
    text = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "axis"
    return f"axis-{text}" if text.isdigit() else text


def slugs(names: Iterable[str]) -> tuple[str, ...]:
    """Slugs of several names, made distinct by -2, -3, ..."""
    taken: list[str] = []
    for name in names:
        base = candidate = slug(name)
        number = 1
        while candidate in taken:
            number += 1
            candidate = f"{base}-{number}"
        taken.append(candidate)
    return tuple(taken)


def slider_rows(names: Sequence[str], helps: Sequence[str] = ()) -> tuple[Param, ...]:
    """Rows `slider.1`, `slider.2`, ... of a model with these slider names."""
    low, high = SLIDER_RANGE
    return tuple(
        Param(id=f"slider.{n}", kind=Kind.FLOAT, low=low, high=high, default=0.0, name=name, help=text)
        for n, (name, text) in enumerate(zip(slugs(names), helps or [""] * len(names), strict=True), start=1)
    )


def check(param: Param, value: object) -> Value:
    """A value as this control takes it: clipped to the range, rounded, looked up among the choices.

    Raises `ControlError` for NaN, infinity and values of another kind.
    """
    if type(value) is float and param.low <= value <= param.high and param.kind is Kind.FLOAT:
        return value  # nearly all that ever comes; NaN is in no range
    if param.kind is Kind.TEXT:
        if not isinstance(value, str) or len(value) > TEXT_LIMIT:
            raise ControlError(f"{param.id}: expected a text of at most {TEXT_LIMIT} characters, found {str(value)[:40]!r}")
        return value
    if param.kind is Kind.CHOICE and isinstance(value, str):
        if value not in param.choices:
            raise ControlError(f"{param.id}: expected one of {', '.join(param.choices)}, found {value[:40]!r}")
        return value
    if not isinstance(value, int | float):
        raise ControlError(f"{param.id}: expected a number, found {str(value)[:40]!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ControlError(f"{param.id}: expected a finite number, found {value}")
    if param.kind is Kind.BOOL:
        return value >= 0.5
    if param.kind is Kind.CHOICE:
        return param.choices[min(max(round(value), 0), len(param.choices) - 1)]
    clipped = min(max(value, param.low), param.high)
    return round(clipped) if param.kind is Kind.INT else float(clipped)


def check_name(what: str, text: str) -> str:
    """A text that comes from outside and names a thing of the library. Raises `ControlError` for what could be a path."""
    if _PATH_SIGN.search(text[: TEXT_LIMIT + 1]):
        raise ControlError(f"{what}: expected a name from the library, found {text[:40]!r}")
    return text


def to_unit(param: Param, value: Value) -> float:
    """A value's place in its range, 0..1, through its curve. Raises `ControlError` for a text."""
    if param.kind is Kind.TEXT:
        raise ControlError(f"{param.id}: a text has no place between 0 and 1")
    if param.kind is Kind.CHOICE:
        return param.choices.index(str(value)) / max(1, len(param.choices) - 1)
    return float(((float(value) - param.low) / (param.high - param.low)) ** (1 / param.curve))


def unbend(param: Param, place: float) -> float:
    """The value at a place 0..1, in the control's unit (a choice's number); beyond 0..1 it goes on straight, unclipped.

    Raises `ControlError` for a text and for a place that is not finite.
    """
    if param.kind is Kind.TEXT or not math.isfinite(place):
        raise ControlError(f"{param.id}: expected a control with a range and a finite number, found {place}")
    low, high = (0.0, len(param.choices) - 1.0) if param.kind is Kind.CHOICE else (param.low, param.high)
    inside = min(max(place, 0.0), 1.0)
    return float(low + (high - low) * (inside**param.curve + place - inside))


def from_unit(param: Param, place: float) -> Value:
    """The value at a place 0..1 of the range, clipped to it. Raises `ControlError` as `unbend` does."""
    return check(param, unbend(param, place))
