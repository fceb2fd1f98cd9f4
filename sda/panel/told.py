"""What an engine tells the panel, as values: rows, messages, what became of acts, bindings."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import NamedTuple

from sda.adapters.osc_acts import MapShown, Status
from sda.adapters.osc_packet import Arg
from sda.mapping import TOUCH
from sda.params import Kind, Param, check


class Line(NamedTuple):
    """A message of the engine."""

    at: float  # s since 1970
    kind: str  # "log", "error", "panel"
    text: str


class Came(NamedTuple):
    """A message that came in at the engine."""

    at: float  # s since 1970
    source: str  # host and port, or the name of a MIDI port
    text: str


class Outcome(NamedTuple):
    """What became of something that was asked for, by its address."""

    at: float  # s of the monotonic clock
    good: bool
    text: str  # what it came to, or why it came to nothing


class BoundTo(NamedTuple):
    """What of a MIDI controller moves a control or act; channel 0 is any, port "" is any."""

    target: str
    sender: str
    number: int
    channel: int
    port: str
    takeover: str
    low: float  # of the control, at both ends of the knob's way; alike: its whole range
    high: float
    curve: float  # 0 is the control's own

    @property
    def words(self) -> str:
        """The thing on the controller."""
        number = "" if self.sender in TOUCH else f" {self.number}"
        where = f" ch {self.channel}" if self.channel else ""
        return f"{self.sender}{number}{where}{f', {self.port}' if self.port else ''}"


_STATUS = tuple(field.name for field in fields(Status))


def status_of(args: tuple[Arg, ...]) -> Status:
    """The state as `/sda/status/reply` tells it."""
    return Status(**dict(zip(_STATUS, args, strict=False)))  # type: ignore[arg-type]


def row_of(args: tuple[Arg, ...]) -> Param:
    """A row as `/sda/param` tells it. Raises `ValueError`, `TypeError` or `ControlError` for what is none."""
    id, kind, unit, low, high, default, curve, choices, name, help = args
    bare = Param(
        id=str(id), kind=Kind(str(kind)), unit=str(unit), low=float(low), high=float(high), curve=float(curve),  # type: ignore[arg-type]
        choices=tuple(filter(None, str(choices).split(","))), name=str(name), help=str(help),
    )  # fmt: skip
    return replace(bare, default=check(bare, default))


def map_of(names: list[tuple[Arg, ...]], places: list[tuple[Arg, ...]]) -> MapShown:
    """A map as `/sda/map/recordings` and `/sda/map/points` tell it, in whatever order the datagrams came.

    Raises `ValueError` for what is none.
    """
    recordings = [str(name) for part in sorted(names, key=_first) for name in part[1:]]
    numbers = [float(n) for part in sorted(places, key=_first) for n in part[1:]]  # type: ignore[arg-type]
    columns = list(zip(*zip(*[iter(numbers)] * 5, strict=True), strict=True)) or [()] * 5
    x, y, starts, owners, shade = columns
    return MapShown(x, y, starts, tuple(int(owner) for owner in owners), tuple(recordings), (shade,))


def _first(part: tuple[Arg, ...]) -> int:
    """The number of a part's first thing."""
    return int(part[0])  # type: ignore[arg-type]
