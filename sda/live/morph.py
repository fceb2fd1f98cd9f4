"""Between two presets: where the control `morph` stands, everything that both of them name stands too.

Numbers lie between the two on their faders, what cannot is that of the nearer one; what only one of them names is as it says.
A control that both have alike is set once and may be moved by hand after that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sda.control import Change, Controls, Setting
from sda.errors import ControlError
from sda.formats.preset import Preset, fit
from sda.params import Kind, Param, Value, check, from_unit, to_unit

ROW = "morph"


class Morph:
    """Follows the control `morph`. The engine's main thread calls `follow` and `between`, which it is left a note for."""

    def __init__(self, controls: Controls, model: Callable[[], str], note: Callable[[Callable[[], None]], None]) -> None:
        """`model` gives the id of the one that sounds; `note` has the main thread call something, in its turn."""
        self._controls, self._model, self._note = controls, model, note
        self._pair: tuple[Preset, Preset] | None = None
        self._rows: Sequence[Param] = ()
        self._ends: tuple[Mapping[str, Value], Mapping[str, Value]] = ({}, {})
        self._waiting = False
        self._times = 0  # that everything is to be set, whatever was set before
        controls.subscribe(self._hear)

    def between(self, one: Preset, other: Preset) -> tuple[str, ...]:
        """Take two presets. Returns the ids that mean nothing here. Nothing moves yet."""
        self._pair, self._rows = (one, other), ()
        fits = [fit(preset, self._controls.rows, own=preset.is_for(self._model())) for preset in (one, other)]
        return tuple(dict.fromkeys(id for found in fits for id in found.unknown))

    def values(self) -> dict[str, Value]:
        """Where everything is at the control's place, by id; nothing without two presets."""
        place = float(self._controls.get(ROW))
        self._look()
        one, other = self._ends
        rows = {row.id: row for row in self._rows}
        return {id: _between(rows[id], one.get(id), other.get(id), place) for id in (*one, *(i for i in other if i not in one))}

    def renew(self) -> None:
        """Something else moved everything: the next move of the control sets all of it."""
        self._times += 1

    def follow(self) -> None:
        """Set everything to where the control stands."""
        self._waiting = False
        values = self.values()
        if values:
            self._controls.set_many([Setting(*pair) for pair in values.items()], f"{ROW} {self._times}")

    def _hear(self, changes: tuple[Change, ...]) -> None:
        """The control moved; inside the controls' lock."""
        if not self._waiting and any(change.id == ROW for change in changes):
            self._waiting = True
            self._note(self.follow)

    def _look(self) -> None:
        """What both say to the rows that there are, once for each model."""
        rows = self._controls.rows
        if self._pair is None or self._rows is rows:
            return
        self._rows = rows
        fits = [fit(preset, rows, own=preset.is_for(self._model())) for preset in self._pair]
        self._ends = _checked(fits[0].values, rows), _checked(fits[1].values, rows)


def _checked(values: Mapping[str, Value], rows: Sequence[Param]) -> dict[str, Value]:
    """The values that the rows take."""
    found: dict[str, Value] = {}
    for row in rows:
        try:
            if row.id in values:
                found[row.id] = check(row, values[row.id])
        except ControlError:
            continue
    return found


def _between(row: Param, one: Value | None, other: Value | None, place: float) -> Value:
    if one is None or other is None:
        left = other if one is None else one
        assert left is not None
        return left
    if row.kind is not Kind.FLOAT:
        return one if place < 0.5 else other
    start, end = to_unit(row, one), to_unit(row, other)
    return one if one == other else from_unit(row, start + (end - start) * place)
