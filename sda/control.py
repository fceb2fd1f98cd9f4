"""Current values of every control: the only mutable state that the parts of the engine share.

One lock guards rows and values, held for microseconds. Whoever wants to hear of changes subscribes; callbacks run inside
the lock, in the order of the changes, so they may only hand over (`Changes.put` is made for that). A value that its source
sent before is not a move, so that a client which repeats every channel every frame does not hold a control in its hand;
an act (center, recall, a model that was loaded) says `act=True`: it counts however often it comes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from sda.errors import ControlError
from sda.params import PARAMS, Kind, Param, Value, check, slider_rows

SOURCES = 256  # sources whose last values are remembered; the longest silent is forgotten first
MODEL_SOURCE = "model"  # the source of the slider values that a model swap brings


class Setting(NamedTuple):
    """A wish: this control at this value, in the control's unit."""

    id: str  # or the alias of a slider, `slider.<name>`
    value: object
    anew: bool = False  # it counts as a move also where its source asked for the same value before


class Change(NamedTuple):
    """A move of one control as it took place."""

    id: str
    value: Value
    source: str
    before: Value
    adjusted: bool = False  # clipped or rounded: not quite what the source asked for
    place: int | None = None  # position in the stream at which it is to be heard; None: now


class Refusal(NamedTuple):
    """A setting of a batch that was not applied, and why."""

    id: str
    text: str


class Outcome(NamedTuple):
    """What became of a batch of settings."""

    changes: tuple[Change, ...]
    refusals: tuple[Refusal, ...]


Subscriber = Callable[[tuple[Change, ...]], None]


class Controls:
    """Rows and current values. Every method may be called from any thread."""

    def __init__(self, rows: Sequence[Param] = PARAMS) -> None:
        self._lock = threading.RLock()
        self._fixed = tuple(rows)
        self._table = self._fixed
        self._rows: Mapping[str, Param] = {row.id: row for row in rows}
        self._aliases: Mapping[str, str] = {}
        self._values: dict[str, Value] = {row.id: row.default for row in rows}
        self._asked: OrderedDict[str, dict[str, object]] = OrderedDict()
        self._subscribers: tuple[Subscriber, ...] = ()
        self._rev = 0

    @property
    def rows(self) -> tuple[Param, ...]:
        """The fixed rows, then the loaded model's sliders; another tuple after every model swap."""
        return self._table

    @property
    def sliders(self) -> tuple[Param, ...]:
        """The loaded model's sliders, by number."""
        return self.rows[len(self._fixed) :]

    @property
    def rev(self) -> int:
        """Grows with every change of a value or of the rows."""
        return self._rev

    def subscribe(self, subscriber: Subscriber) -> None:
        """Have all later changes handed to a callback: in order, a batch at once, inside the lock. It must not block."""
        with self._lock:
            self._subscribers = (*self._subscribers, subscriber)

    def row(self, id: str) -> Param:
        """A control by id, or a slider by its name. Raises `ControlError` where there is none."""
        rows = self._rows
        row = rows.get(id) or rows.get(self._aliases.get(id, ""))
        if row is None:
            raise ControlError(f"{id[:60]}: no such control; expected one of {', '.join(rows)}")
        return row

    def get(self, id: str) -> Value:
        """The current value. Raises `ControlError` where there is no such control."""
        with self._lock:
            return self._values[self.row(id).id]

    def values(self) -> dict[str, Value]:
        """All current values by id, of one instant."""
        with self._lock:
            return dict(self._values)

    def set(self, id: str, value: object, source: str, *, act: bool = False) -> Change | None:
        """Move one control; None where this source asked for the same value before.

        Raises `ControlError` where there is no such control or the value is not of its kind.
        """
        with self._lock:
            change = self._move(id, value, source, act)
            if change is not None:
                self._deliver((change,))
            return change

    def set_many(self, settings: Iterable[Setting], source: str, *, act: bool = False, place: int | None = None) -> Outcome:
        """Move several controls together: nobody sees some of them moved and others not yet. Bad ones are left out.

        place: see `Change`.
        """
        changes: list[Change] = []
        refusals: list[Refusal] = []
        with self._lock:
            for id, value, anew in settings:
                try:
                    change = self._move(id, value, source, act or anew)
                except ControlError as error:
                    refusals.append(Refusal(id, str(error)))
                    continue
                if change is not None:
                    changes.append(change if place is None else change._replace(place=place))
            if changes:
                self._deliver(tuple(changes))
        return Outcome(tuple(changes), tuple(refusals))

    def center(self, source: str) -> tuple[Change, ...]:
        """Every slider to 0, together."""
        with self._lock:
            return self.set_many([Setting(row.id, row.default) for row in self.sliders], source, act=True).changes

    def install_sliders(self, names: Sequence[str], helps: Sequence[str] = ()) -> None:
        """Take the sliders of a newly loaded model: a value follows its slider's name, else goes to 0.

        No names: no model, or one without analysis. All new slider values are delivered as changes by `MODEL_SOURCE`.
        """
        sliders = slider_rows(names, helps)
        with self._lock:
            held = {row.name: self._values[row.id] for row in self.sliders}
            values = {row.id: self._values[row.id] for row in self._fixed}
            changes = tuple(
                Change(row.id, held.get(row.name, row.default), MODEL_SOURCE, self._values.get(row.id, row.default))
                for row in sliders
            )
            values.update((change.id, change.value) for change in changes)
            self._table = (*self._fixed, *sliders)
            self._rows = {row.id: row for row in self._table}
            self._aliases = {f"slider.{row.name}": row.id for row in sliders}
            self._values = values
            self._rev += 1
            for subscriber in self._subscribers:
                subscriber(changes)

    def _move(self, id: str, value: object, source: str, act: bool) -> Change | None:
        row = self._rows.get(id) or self.row(id)
        id = row.id
        asked = self._asked_by(source)
        if id in asked and asked[id] == value and not act:
            return None
        checked = check(row, value)
        asked[id] = value
        before = self._values[id]
        self._values[id] = checked
        return Change(id, checked, source, before, checked is not value and _is_adjusted(row, value, checked))

    def _asked_by(self, source: str) -> dict[str, object]:
        """The values that a source last asked for, by id."""
        asked = self._asked.get(source)
        if asked is None:
            asked = self._asked[source] = {}
            if len(self._asked) > SOURCES:
                self._asked.popitem(last=False)
        else:
            self._asked.move_to_end(source)
        return asked

    def _deliver(self, changes: tuple[Change, ...]) -> None:
        """Hand over what changed a value, and what its source must be told of."""
        told = tuple([c for c in changes if c.value != c.before or c.adjusted])
        if told:
            self._rev += 1
            for subscriber in self._subscribers:
                subscriber(told)


class Changes:
    """A bounded queue of changes for one consumer. When it is full only values that were overtaken are lost."""

    def __init__(self, limit: int = 4096) -> None:
        self._ready = threading.Condition()
        self._limit = limit
        self._waiting: list[Change] = []

    def put(self, changes: Iterable[Change]) -> None:
        """Add changes that belong together; one `take` returns them together. Never blocks for long."""
        with self._ready:
            self._waiting.extend(changes)
            if len(self._waiting) > self._limit:
                self._waiting = _last_of_each(self._waiting)
            self._ready.notify()

    def take(self, timeout: float | None = 0.0) -> list[Change]:
        """All changes so far, oldest first; where there are none, wait up to `timeout` s (None: for ever)."""
        with self._ready:
            if not self._waiting and timeout != 0.0:
                self._ready.wait(timeout)
            taken, self._waiting = self._waiting, []
            return taken


def _last_of_each(changes: Iterable[Change]) -> list[Change]:
    """The last change of every control, in the order in which they came."""
    last: dict[str, Change] = {}
    for change in changes:
        last.pop(change.id, None)
        last[change.id] = change
    return list(last.values())


def _is_adjusted(row: Param, asked: object, value: Value) -> bool:
    """Whether a number was clipped or rounded on its way into the control."""
    if row.kind is Kind.CHOICE and not isinstance(asked, str):
        return asked != row.choices.index(str(value))
    return asked != value
