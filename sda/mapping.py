"""What `controls.toml` holds, as values: which knob, pad or foreign OSC address moves which control, and how.

A binding names its port loosely and its control by id, a model's slider best by its name (`slider.brightness`): where the
loaded model has no such slider the binding lies dormant.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from sda.params import Kind, Param, Value, to_unit, unbend

TOUCH = ("bend", "pressure")  # kinds of which a channel has one


class Sender(StrEnum):
    """What of a controller moves."""

    CC = "cc"  # 7 bits
    CC14 = "cc14"  # the pair n and n + 32, 14 bits
    NRPN = "nrpn"
    BEND = "bend"
    PRESSURE = "pressure"  # of the channel
    NOTE = "note"
    PROGRAM = "program"


HIGHEST = {  # number of each kind of sender; 120 to 127 are no controllers but channel mode messages (MIDI 1.0, table 3)
    Sender.CC: 119, Sender.CC14: 31, Sender.NRPN: 16_383, Sender.BEND: 0, Sender.PRESSURE: 0, Sender.NOTE: 127,
    Sender.PROGRAM: 127,
}  # fmt: skip


class Takeover(StrEnum):
    """How a knob that stands elsewhere than its control gets hold of it."""

    JUMP = "jump"
    PICKUP = "pickup"  # when it reaches the value or passes it
    SCALE = "scale"  # at once, by the share of the way that is left to the end
    TWOS = "relative-twos"  # encoders: 1 up, 127 down
    OFFSET = "relative-offset"  # 65 up, 63 down
    SIGN = "relative-sign"  # 1 up, 65 down
    TOGGLE = "toggle"  # a press turns the switch over, or goes on to the next choice


RELATIVE = (Takeover.TWOS, Takeover.OFFSET, Takeover.SIGN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One thing on a controller and what it moves: a control or an act, never both."""

    sender: Sender
    number: int = 0  # of the controller, note, parameter or program
    channel: int | None = None  # 1..16; None any
    port: str = ""  # part of its name, whatever the case; "" any
    control: str = ""  # id, or the alias of a slider
    act: str = ""
    args: tuple[Value, ...] = ()  # of the act
    span: tuple[float, float] | None = None  # the control's values at both ends of the knob's way; None its whole range
    curve: float | None = None  # power; None the control's own, or 1 where there is a span
    takeover: Takeover | None = None  # None as is best for the control
    feedback: bool = True  # whether the controller is told where the control stands

    @property
    def target(self) -> str:
        """The control or act."""
        return self.control or self.act

    @property
    def place(self) -> str:
        """The thing on the controller, in words."""
        number = "" if self.sender in TOUCH else f" {self.number}"
        where = f"channel {self.channel}" if self.channel else "any channel"
        return f"{self.sender}{number}, {where}, {self.port or 'any port'}"

    def same_thing(self, other: Binding) -> bool:
        """Whether both are bound to one thing on a controller."""
        return (self.sender, self.number, self.channel, self.port.lower()) == (
            other.sender, other.number, other.channel, other.port.lower(),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A foreign OSC address for a control: `low..high` of its numbers become `span` of the control's."""

    address: str
    control: str
    low: float = 0.0
    high: float = 1.0
    span: tuple[float, float] | None = None
    curve: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockUse:
    """What a MIDI clock does."""

    transport: bool = True  # start and continue turn `play` on, stop turns it off
    density: float | None = None  # grains per beat
    drift: float | None = None  # cycles per beat


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """All of `controls.toml`."""

    play_channel: int | None = None  # 1..16 whose notes strike; None all
    clock: ClockUse = ClockUse()
    bindings: tuple[Binding, ...] = ()
    aliases: tuple[Alias, ...] = ()

    def learned(self, binding: Binding) -> Mapping:
        """With a new binding in the place of whatever moved its target or belonged to its thing on the controller."""
        kept = [b for b in self.bindings if b.target != binding.target and not b.same_thing(binding)]
        return replace(self, bindings=(*kept, binding))

    def adjusted(
        self, target: str, takeover: Takeover | None, span: tuple[float, float] | None, curve: float | None
    ) -> Mapping:
        """With other ways for the bindings of a control; those that are others then come last."""
        ways = {b: replace(b, takeover=takeover, span=span, curve=curve) for b in self.bindings if b.target == target}
        kept = [b for b in self.bindings if ways.get(b, b) == b]
        return replace(self, bindings=(*kept, *(new for old, new in ways.items() if new != old)))

    def forgotten(self, target: str) -> Mapping:
        """Without the bindings of a control or act."""
        return replace(self, bindings=tuple(b for b in self.bindings if b.target != target))


def spanned(row: Param, span: tuple[float, float] | None, curve: float | None) -> Param:
    """A control's row with another range and curve for the way from 0 to 1; the range may fall."""
    if row.kind in (Kind.CHOICE, Kind.BOOL, Kind.TEXT):
        return row
    if span is None:
        return row if curve is None else replace(row, curve=curve)
    return replace(row, low=span[0], high=span[1], curve=1.0 if curve is None else curve)


def value_at(row: Param, place: float) -> float:
    """A control's value at a place of its (spanned) range, which is clipped to 0..1; a choice's number."""
    return unbend(row, min(max(place, 0.0), 1.0))


def place_of(row: Param, value: Value) -> float:
    """The place of a value in a (spanned) range, clipped to 0..1: the inverse of `value_at`."""
    if isinstance(value, int | float):
        low, high = sorted((row.low, row.high))
        value = min(max(value, low), high)
    return to_unit(row, value)
