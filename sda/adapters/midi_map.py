"""Which binding an event of a port meets, and what comes of it: a control moved, an act done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sda.acts import act_of, check_arguments
from sda.adapters.midi_events import Event
from sda.adapters.midi_takeover import Knob, resolved, ticks
from sda.control import Change, Controls
from sda.errors import ControlError
from sda.mapping import RELATIVE, Binding, Sender, Takeover, place_of, spanned, value_at
from sda.params import Kind, Param, Value

SOURCE = "midi:"  # then the port: a knob that moved a control
ACTING = "midi act:"  # then the port: whatever else came of it, by which knobs lose their controls
STRIKE = "strike"  # the act that takes a key's velocity

Perform = Callable[[str, Sequence[Value], str], None]
"""Do an act by its id, with arguments that were checked, for a source of changes. Raises `SdaError` where it cannot be done."""


@dataclass(slots=True)
class Route:
    """A binding, and the control it means while this model is loaded."""

    binding: Binding
    id: str = ""  # of the control; "" of an act, or while the binding lies dormant
    row: Param | None = None  # with the binding's range
    knobs: dict[tuple[str, int], Knob] = field(default_factory=dict)  # by port and channel

    def fits(self, port: str, channel: int) -> bool:
        """Whether the binding means this port and channel."""
        return self.binding.channel in (None, channel) and self.binding.port.lower() in port.lower()

    def knob(self, port: str, channel: int) -> Knob:
        return self.knobs.setdefault((port, channel), Knob())


class Router:
    """The bindings in use. One thread calls it."""

    def __init__(self, controls: Controls, perform: Perform) -> None:
        self._controls, self._perform = controls, perform
        self._bindings: Sequence[Binding] = ()
        self._rows: Sequence[Param] | None = None
        self._routes: dict[tuple[Sender, int], list[Route]] = {}
        self.by_id: dict[str, list[Route]] = {}  # those that are awake

    def install(self, bindings: Sequence[Binding]) -> None:
        """Use these bindings; a knob that was bound before keeps its hold."""
        self._bindings, self._rows = bindings, None
        self.renew()

    def renew(self) -> bool:
        """Look up the controls anew where a model brought other sliders; whether that was so."""
        rows = self._controls.rows
        if rows is self._rows:
            return False
        self._rows = rows
        knobs = {route.binding: route.knobs for routes in self._routes.values() for route in routes}
        self._routes = {}
        by_id: dict[str, list[Route]] = {}
        for binding in self._bindings:
            route = self._route(binding)
            route.knobs = knobs.get(binding, {})
            self._routes.setdefault((binding.sender, binding.number), []).append(route)
            if route.id:
                by_id.setdefault(route.id, []).append(route)
        self.by_id = by_id  # whole, since the threads that move controls look at it
        return True

    def _route(self, binding: Binding) -> Route:
        try:
            row = self._controls.row(binding.control) if binding.control else None
        except ControlError:
            row = None
        if row is None or row.kind is Kind.TEXT:
            return Route(binding)
        return Route(binding, row.id, spanned(row, binding.span, binding.curve))

    def rearm(self, changes: Iterable[Change]) -> None:
        """Somebody else moved controls: knobs lose those."""
        for change in changes:
            if not change.source.startswith(SOURCE):
                for route in self.by_id.get(change.id, ()):
                    for knob in route.knobs.values():
                        knob.rearm()

    def meeting(self, event: Event, port: str) -> list[Route]:
        """The routes that an event of a port meets."""
        routes = self._routes.get((event.sender, event.number), ())
        return [route for route in routes if route.fits(port, event.channel)]

    def move(self, route: Route, event: Event, port: str) -> None:
        """Do what an event asks of one of its routes. Raises `SdaError` where an act cannot be done."""
        binding, knob = route.binding, route.knob(port, event.channel)
        if binding.act:
            if knob.pressed(_press(event)) or event.sender is Sender.PROGRAM:
                velocity = (event.place,) if binding.act == STRIKE and event.sender is Sender.NOTE and not binding.args else ()
                self.act(binding.act, binding.args + velocity, port)
        elif route.row is not None:
            takeover = resolved(binding, route.row)
            value = _target(route.row, takeover, knob, event, self._controls.get(route.id))
            if value is not None:
                # A press or a tick counts however often it comes; a knob that repeats where it stands does not move.
                deed = takeover in (*RELATIVE, Takeover.TOGGLE) or event.sender in (Sender.NOTE, Sender.PROGRAM)
                self._controls.set(route.id, value, SOURCE + port, act=deed)
                self._rearm_others(route.id, knob)

    def act(self, id: str, args: tuple[Value, ...], port: str) -> None:
        """Do an act that a port asks for. Raises `SdaError` where it cannot be done."""
        self._perform(id, check_arguments(act_of(id), args), ACTING + port)

    def _rearm_others(self, id: str, knob: Knob) -> None:
        for route in self.by_id.get(id, ()):
            for other in route.knobs.values():
                if other is not knob:
                    other.rearm()


def _target(row: Param, takeover: Takeover, knob: Knob, event: Event, current: Value) -> Value | None:
    """The value that a knob's move asks for; None where it asks for none."""
    if takeover is Takeover.TOGGLE:
        return _next(row, current) if knob.pressed(_press(event)) else None
    if takeover in RELATIVE and row.kind in (Kind.BOOL, Kind.CHOICE):
        return place_of(row, current) * max(1, len(row.choices) - 1) + ticks(takeover, event.raw)
    place = event.place
    if event.sender is Sender.NOTE:
        if place == 0 and row.kind is not Kind.BOOL:
            return None  # a key that is let go leaves what it set
        if row.kind is Kind.BOOL:
            place = _press(event)
    moved = knob.move(takeover, place, event.raw, place_of(row, current))
    return None if moved is None else value_at(row, moved)


def _press(event: Event) -> float:
    """A place for `Knob.pressed`: a key is down however softly it was struck."""
    return float(event.place > 0) if event.sender is Sender.NOTE else event.place


def _next(row: Param, current: Value) -> Value:
    """A switch turned over, the next choice, or the other end of a range."""
    if row.kind is Kind.BOOL:
        return not current
    if row.kind is Kind.CHOICE:
        return row.choices[(row.choices.index(str(current)) + 1) % len(row.choices)]
    return value_at(row, float(place_of(row, current) < 0.5))
