"""Where a renderer stands, as JSON: what a take begins with and what every model in it begins with.

Single-precision numbers are written as the double-precision ones that they are, so nothing is lost; the many of `past` and
`phases` in base 64.
"""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sda.core.excitation import PARTIALS
from sda.core.glide import Glide
from sda.core.grains import Grain, GrainState
from sda.core.mel_path import PathState
from sda.core.render import Moment
from sda.core.settle import Rest
from sda.core.steering import Nearing
from sda.core.switches import Switches
from sda.core.travel import ROWS, Travel
from sda.errors import TakeError
from sda.params import Value

Json = dict[str, Any]
LARGEST = 1 << 62  # of whole numbers
LONGEST = 1 << 16  # numbers in a list; genuine ones have a few hundred at the most
LONGEST_PAST = 1 << 20  # characters; where 512 frames are computed at a time there are 400 thousand


def to_json(moment: Moment) -> Json:
    """The moment as finite numbers, texts and lists of them."""
    path, rest = moment.path, moment.path.rest
    found = None if rest.found is None else [_list(rest.found.point), _list(rest.found.heard), _list(rest.found.base)]
    return {
        "samples": moment.samples,
        "values": dict(moment.values),
        "glides": [_list(path.glide.position), _list(path.glide.target), _list(path.glide.cells_left)],
        "travel": [_list(path.travel.own), *(_list(x) for x in _way(path.travel.way))],
        "rest": [_list(rest.positions), _list(rest.home), rest.still, found, _list(rest.present)],
        "grains": _grains_to_json(path.grains),
        "held": None if path.held is None else _list(path.held[:, 0]),
        "switches": [moment.switches.off_since, [list(switch) for switch in moment.switches.unseen]],
        "reduction": moment.reduction,
        "past": None if moment.past is None else [len(moment.past), _packed(moment.past.T)],
        "phases": None if moment.phases is None else _packed(moment.phases),
    }


def from_json(data: object) -> Moment:
    """The moment again. Raises `TakeError` for anything that is none; whether it fits a model is for `check` to say."""
    try:
        return _moment(_Reading(data))
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise TakeError(f"a moment that is not one this program wrote ({type(error).__name__}: {error})") from None


def check(moment: Moment, *, sliders: int, latent: int, spread: int, frames: int, bands: int) -> None:
    """Raises `TakeError` where a moment does not fit a model: its sliders, latent dimensions [Z], columns of the spread
    [Z, K], frames of its decoder and bands of its mel."""
    path, rest, grains = moment.path, moment.path.rest, moment.path.grains
    good = (
        all(len(x) == sliders for x in (path.glide.position, path.glide.target, path.glide.cells_left, rest.positions))
        and len(rest.home) == len(rest.present) == latent
        and len(path.travel.own) == latent
        and all(len(x) == len(ROWS) for x in _way(path.travel.way))
        and (rest.found is None or len(rest.found.point) == latent)
        and len(grains.walk) == spread
        and all(len(g.stray) == latent and g.length > 0 and 0 <= g.offset <= frames - g.length for g in grains.grains)
        and (path.held is None or len(path.held) == bands)
        and (moment.past is None or len(moment.past) == bands)
    )
    if not good:
        raise TakeError(f"a moment of another model: expected {sliders} sliders and {latent} latent dimensions")


class _Reading:
    """A JSON object whose parts are taken out by kind. Raises `ValueError` for others."""

    def __init__(self, data: object) -> None:
        if not isinstance(data, dict):
            raise ValueError("expected an object")
        self._data: Json = data

    def whole(self, name: str) -> int:
        return _whole(self._data[name])

    def number(self, name: str) -> float:
        return _number(self._data[name])

    def list(self, name: str, length: int | None = None) -> list[Any]:
        found = self._data[name]
        if not isinstance(found, list) or len(found) > LONGEST or (length is not None and len(found) != length):
            raise ValueError(f"{name}: expected a list of {length or 'values'}")
        return found

    def has(self, name: str) -> bool:
        return name in self._data

    def get(self, name: str) -> Any:
        return self._data[name]


def _moment(data: _Reading) -> Moment:
    position, target, left = (_array(x) for x in data.list("glides", 3))
    positions, home, still, found, present = data.list("rest", 5)
    nearing = None if found is None else Nearing(*(_array(x).astype(np.float32) for x in found))
    off, unseen = data.list("switches", 2)
    held = data.get("held")
    path = PathState(
        Glide(position, target, left.astype(np.int64)),
        _travel(data, _floats(home)),
        Rest(_array(positions), _floats(home), _whole(still), nearing, _floats(present)),
        _grains_from_json(_Reading(data.get("grains"))),
        None if held is None else _floats(held)[:, None],
    )
    switches = Switches(None if off is None else _whole(off), tuple((_whole(at), bool(on)) for at, on in unseen))
    return Moment(
        samples=data.whole("samples"),
        values=_values(data.get("values")),
        path=path,
        switches=switches,
        reduction=min(max(data.number("reduction"), 0.0), 1.0),
        past=_past(*data.list("past", 2)) if data.has("past") and data.get("past") is not None else None,
        phases=_phases(data.get("phases")) if data.has("phases") and data.get("phases") is not None else None,
    )


def _packed(numbers: NDArray[np.float32]) -> str:
    """Single-precision numbers, row by row, in base 64."""
    return base64.b64encode(numbers.astype("<f4").tobytes()).decode()


def _past(bands: object, text: object) -> NDArray[np.float32]:
    """Magnitudes [M, n] from frames of single-precision numbers in base 64."""
    count = _whole(bands)
    if not isinstance(text, str) or len(text) > LONGEST_PAST or not 0 < count <= LONGEST:
        raise ValueError("past: expected the count of bands and frames in base 64")
    found = np.frombuffer(base64.b64decode(text, validate=True), "<f4").reshape(-1, count)
    if not (np.isfinite(found) & (found >= 0)).all():
        raise ValueError("past: expected magnitudes")
    return found.T.astype(np.float32)


def _phases(text: object) -> NDArray[np.float32]:
    """Frequencies, amplitudes and phases of partials, `PARTIALS`, from single-precision numbers in base 64."""
    if not isinstance(text, str) or len(text) > LONGEST:
        raise ValueError("phases: expected numbers in base 64")
    found = np.frombuffer(base64.b64decode(text, validate=True), "<f4").reshape(PARTIALS)
    if not (np.isfinite(found) & (found >= 0)).all():
        raise ValueError("phases: expected frequencies, amplitudes and phases")
    return found.astype(np.float32)


def _way(way: Glide) -> tuple[NDArray[Any], ...]:
    return way.position, way.target, way.cells_left


def _travel(data: _Reading, home: NDArray[np.float32]) -> Travel:
    """The home's way; takes that are older than travelling stay at the home that they have."""
    if not data.has("travel"):
        return Travel.at(home, {})
    own, position, target, left = (_array(x) for x in data.list("travel", 4))
    return Travel(own.astype(np.float32), Glide(position, target, left.astype(np.int64)))


def _grains_to_json(state: GrainState) -> Json:
    sounding = [[g.start, g.length, g.offset, g.level, g.struck, _list(g.stray)] for g in state.grains]
    clock = {"frame": state.frame, "phase": state.phase, "number": state.number, "last_onset": state.last_onset}
    return {**clock, "walk": _list(state.walk), "sounding": sounding}


def _grains_from_json(data: _Reading) -> GrainState:
    grains = tuple(
        Grain(_whole(start), _whole(length), _whole(offset), _floats(stray), None, _number(level), bool(struck))
        for start, length, offset, level, struck, stray in data.list("sounding")
    )
    phase, walk = data.number("phase"), _floats(data.list("walk"))
    return GrainState(data.whole("frame"), phase, data.whole("number"), walk, data.whole("last_onset"), grains, None)


def _values(found: object) -> dict[str, Value]:
    if not isinstance(found, dict) or not all(isinstance(value, bool | int | float | str) for value in found.values()):
        raise ValueError("values: expected a value for every control")
    return found


def _whole(found: object) -> int:
    if not isinstance(found, int) or isinstance(found, bool) or abs(found) > LARGEST:
        raise ValueError(f"expected a whole number, found {str(found)[:40]!r}")
    return found


def _number(found: object) -> float:
    if not isinstance(found, int | float) or not math.isfinite(found):
        raise ValueError(f"expected a number, found {str(found)[:40]!r}")
    return float(found)


def _array(found: object) -> NDArray[np.float64]:
    array = np.asarray(found, np.float64)
    if not isinstance(found, list) or array.ndim != 1 or len(array) > LONGEST or not np.isfinite(array).all():
        raise ValueError("expected a list of numbers")
    return array


def _floats(found: object) -> NDArray[np.float32]:
    return _array(found).astype(np.float32)


def _list(array: NDArray[Any]) -> list[float]:
    return [float(x) if array.dtype.kind == "f" else int(x) for x in array]
