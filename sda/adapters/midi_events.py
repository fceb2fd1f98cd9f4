"""MIDI messages become events: numbers of 7 or 14 bits, of things on a controller that a binding can name.

What takes several messages is put together here, for each channel: the controllers n and n + 32, and the parameters that
98 and 99 choose and 6 and 38 set. Every controller is an event of its own as well, since only a binding knows which it is.
The upper half of a number sets the lower one to 0 until that follows (MIDI 1.0, "Control change"). It usually follows at
once: the upper half waits for it a moment, so that a fader does not tremble, and one of which no lower half was ever seen
counts as 7 bits, so that its highest position is the highest value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from sda.adapters.midi_bytes import Message, Word, to_place
from sda.mapping import Sender

LOWER_S = 0.01  # s in which a lower half follows: ten messages of a MIDI cable
DATA, DATA_LOWER = 6, 38
NRPN_LOWER, NRPN_UPPER, RPN_LOWER, RPN_UPPER = 98, 99, 100, 101
PREAMBLE = (DATA, DATA_LOWER, NRPN_LOWER, NRPN_UPPER, RPN_LOWER, RPN_UPPER)
BANK, BANK_LOWER = 0, 32
PAIRS = 32  # controllers that have a lower half, 32 above them
NOTHING = (127, 127)  # the parameter that is none
FINE_KNOWN = 256  # parameters of a channel of which it is remembered that they have a lower half


class Event(NamedTuple):
    """A thing on a controller has moved."""

    sender: Sender
    channel: int  # 1..16
    number: int
    place: float  # 0..1; of a note its velocity, 0 when it is let go; of a program 1
    raw: int = 0  # the 7-bit value; of a program its number with its bank: (bank * 128 + program)


@dataclass(slots=True)
class _Pending:
    """An upper half that waits for its lower one."""

    upper: int
    until: float  # s


@dataclass(slots=True)
class _Channel:
    """What a channel remembers."""

    uppers: dict[int, int] = field(default_factory=dict)  # controllers below 32
    fine: set[int] = field(default_factory=set)  # of them, those with lower halves
    chosen: list[int | None] = field(default_factory=lambda: [None, None])  # upper and lower number of the parameter
    data: int = 0  # upper half of what the parameter was set to
    fine_parameters: set[int] = field(default_factory=set)
    bank: list[int] = field(default_factory=lambda: [0, 0])
    pending: dict[tuple[Sender, int], _Pending] = field(default_factory=dict)

    @property
    def parameter(self) -> int | None:
        """The NRPN that is chosen."""
        upper, lower = self.chosen
        return None if upper is None or lower is None or (upper, lower) == NOTHING else upper << 7 | lower


class Reader:
    """The messages of one port. Moments are any clock's seconds that only grow."""

    def __init__(self) -> None:
        self._channels = [_Channel() for _ in range(16)]

    def read(self, message: Message, now: float) -> list[Event]:
        """What a message says; nothing for those that belong to no channel."""
        if not message.channel:
            return []
        word, channel, number, value = message
        match word:
            case Word.CC:
                return self._controller(channel, number, value, now)
            case Word.NOTE_ON:
                return [Event(Sender.NOTE, channel, number, to_place(value, 7), value)]
            case Word.NOTE_OFF:
                return [Event(Sender.NOTE, channel, number, 0.0)]
            case Word.PROGRAM:
                upper, lower = self._channels[channel - 1].bank
                return [Event(Sender.PROGRAM, channel, number, 1.0, (upper << 7 | lower) << 7 | number)]
            case Word.PRESSURE:
                return [Event(Sender.PRESSURE, channel, 0, to_place(value, 7), value)]
            case Word.BEND:
                return [Event(Sender.BEND, channel, 0, to_place(value, 14), value >> 7)]
        return []

    def due(self, now: float) -> list[Event]:
        """The upper halves that have waited long enough."""
        return [event for n, state in enumerate(self._channels, 1) if state.pending for event in _overdue(n, state, now)]

    def next(self) -> float:
        """When `due` has something, s; infinity where nothing waits."""
        waiting = [pending.until for state in self._channels if state.pending for pending in state.pending.values()]
        return min(waiting, default=float("inf"))

    def _controller(self, channel: int, number: int, value: int, now: float) -> list[Event]:
        state = self._channels[channel - 1]
        events = [Event(Sender.CC, channel, number, to_place(value, 7), value)] if number < 120 else []
        if number in (BANK, BANK_LOWER):
            state.bank[number == BANK_LOWER] = value
            if number == BANK:
                state.bank[1] = 0
        if number in (NRPN_UPPER, NRPN_LOWER):
            events += _overdue(channel, state, float("inf"), Sender.NRPN)
            state.chosen[number == NRPN_LOWER] = value
        elif number in (RPN_UPPER, RPN_LOWER):
            events += _overdue(channel, state, float("inf"), Sender.NRPN)
            state.chosen = [None, None]
        elif number == DATA and state.parameter is not None:
            state.data = value
            events += _upper(channel, state, (Sender.NRPN, state.parameter), value, now)
        elif number == DATA_LOWER and state.parameter is not None:
            events.append(_whole(channel, state, (Sender.NRPN, state.parameter), state.data, value))
        if number < PAIRS:
            state.uppers[number] = value
            events += _upper(channel, state, (Sender.CC14, number), value, now)
        elif number < 2 * PAIRS:
            number -= PAIRS
            events.append(_whole(channel, state, (Sender.CC14, number), state.uppers.get(number, 0), value))
        return events


def _upper(channel: int, state: _Channel, key: tuple[Sender, int], value: int, now: float) -> list[Event]:
    """An upper half came: it waits, and one that waited is no longer alone."""
    before = state.pending.pop(key, None)
    state.pending[key] = _Pending(value, now + LOWER_S)
    return [] if before is None else [_coarse(channel, state, key, before.upper)]


def _whole(channel: int, state: _Channel, key: tuple[Sender, int], upper: int, lower: int) -> Event:
    """Both halves are there."""
    state.pending.pop(key, None)
    fine = _fine(state, key[0])
    if len(fine) >= FINE_KNOWN:
        fine.clear()
    fine.add(key[1])
    return Event(*_at(channel, key), to_place(upper << 7 | lower, 14), upper)


def _coarse(channel: int, state: _Channel, key: tuple[Sender, int], upper: int) -> Event:
    """The upper half is all there is."""
    has_lower = key[1] in _fine(state, key[0])
    return Event(*_at(channel, key), to_place(upper << 7, 14) if has_lower else to_place(upper, 7), upper)


def _overdue(channel: int, state: _Channel, now: float, sender: Sender | None = None) -> list[Event]:
    keys = [key for key, pending in state.pending.items() if pending.until <= now and sender in (None, key[0])]
    return [_coarse(channel, state, key, state.pending.pop(key).upper) for key in keys]


def _fine(state: _Channel, sender: Sender) -> set[int]:
    return state.fine_parameters if sender is Sender.NRPN else state.fine


def _at(channel: int, key: tuple[Sender, int]) -> tuple[Sender, int, int]:
    return key[0], channel, key[1]
