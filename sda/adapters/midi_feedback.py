"""What controllers are told of where their controls stand: lamps, rings, moving faders.

Each binding and port has the number that it shows, as far as we know (what we sent, or what it sent), and the number that
it should show. Where they differ it is told: at most so many times a second, never while it is being moved, and everything
once when it is connected. What comes back unchanged within 100 ms is our own echo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sda.adapters.midi_bytes import Message, Word, encode, from_place
from sda.adapters.midi_events import DATA, DATA_LOWER, NRPN_LOWER, NRPN_UPPER, PAIRS, Event
from sda.mapping import RELATIVE, Binding, Sender

ECHO_S = 0.1  # s in which our own words come back
REST_S = 0.3  # s after a knob's last move in which it is left alone
AGAIN_S = 1 / 30  # least s between two messages to a knob
BURST, PAUSE_S = 16, 0.02  # messages at once to a port, and s to the next ones: what a MIDI cable carries
BITS = {Sender.CC: 7, Sender.NOTE: 7, Sender.CC14: 14, Sender.NRPN: 14, Sender.BEND: 14}  # senders that can be told
ECHOES = 4096

Place = Callable[[Binding], float | None]
"""Where a binding's control stands, 0..1; None while it lies dormant."""


@dataclass(slots=True, eq=False)
class _Lamp:
    """A binding on a port that can be told."""

    binding: Binding
    port: str
    channel: int  # 1..16
    shown: int | None = None
    free_at: float = 0.0  # s, when it may be told again


class Feedback:
    """All that can be told, and what is still to be told. Moments are any clock's seconds that only grow."""

    def __init__(self) -> None:
        self._lamps: dict[Binding, list[_Lamp]] = {}
        self._stale: dict[_Lamp, None] = {}  # those to be looked at
        self._free_at: dict[str, float] = {}  # when a port may be told again
        self._sent: dict[tuple[Sender, int, int, int], float] = {}

    def install(self, bindings: Iterable[Binding], ports: Sequence[str]) -> None:
        """Tell these bindings on these ports; those not told so far are told everything."""
        before = {(lamp.binding, lamp.port): lamp for lamps in self._lamps.values() for lamp in lamps}
        self._lamps = {}
        for binding in bindings:
            for port in ports:
                if tells(binding, port) and all(lamp.port != port for lamp in self._lamps.get(binding, ())):
                    lamp = before.get((binding, port)) or _Lamp(binding, port, binding.channel or 1)
                    self._lamps.setdefault(binding, []).append(lamp)
        lit = [lamp for lamps in self._lamps.values() for lamp in lamps]
        self._stale = {lamp: None for lamp in lit if lamp in self._stale or lamp.shown is None}

    def changed(self, bindings: Iterable[Binding]) -> None:
        """The controls of these bindings have moved."""
        self._stale.update((lamp, None) for binding in bindings for lamp in self._lamps.get(binding, ()))

    def heard(self, binding: Binding, event: Event, now: float) -> None:
        """A binding's knob was moved by hand."""
        for lamp in self._lamps.get(binding, ()):
            lamp.shown = None if binding.takeover in RELATIVE else _code(event)
            lamp.channel = event.channel
            lamp.free_at = now + REST_S
            self._stale[lamp] = None

    def is_echo(self, event: Event, now: float) -> bool:
        """Whether an event is what we sent a moment ago."""
        sent = self._sent.get((event.sender, event.channel, event.number, _code(event)))
        return sent is not None and now - sent <= ECHO_S

    def due(self, place: Place, now: float) -> tuple[list[tuple[str, bytes]], float]:
        """Messages that go out now, by port, and when there is more, s (infinity: nothing)."""
        out: list[tuple[str, bytes]] = []
        spent: dict[str, int] = {}
        then = float("inf")
        for lamp in tuple(self._stale):
            at = max(lamp.free_at, self._free_at.get(lamp.port, 0.0))
            if now < at or spent.get(lamp.port, 0) >= BURST:
                then = min(then, max(at, now + PAUSE_S))
                continue
            del self._stale[lamp]
            messages = self._tell(lamp, place(lamp.binding), now)
            spent[lamp.port] = spent.get(lamp.port, 0) + len(messages)
            out += [(lamp.port, message) for message in messages]
        self._free_at.update((port, now + PAUSE_S) for port, count in spent.items() if count >= BURST)
        return out, then

    def _tell(self, lamp: _Lamp, place: float | None, now: float) -> list[bytes]:
        binding = lamp.binding
        code = None if place is None else from_place(place, BITS[binding.sender])
        if code is None or code == lamp.shown:
            return []
        lamp.shown, lamp.free_at = code, now + AGAIN_S
        if len(self._sent) >= ECHOES:
            self._sent.clear()
        self._sent[binding.sender, lamp.channel, binding.number, code] = now
        return [encode(message) for message in messages(binding.sender, lamp.channel, binding.number, code)]


def tells(binding: Binding, port: str) -> bool:
    """Whether a binding has something to tell a port: only one that it names."""
    able = bool(binding.feedback and binding.control and binding.port) and binding.sender in BITS
    return able and binding.port.lower() in port.lower()


def messages(sender: Sender, channel: int, number: int, code: int) -> list[Message]:
    """The messages that set a thing on a controller to a number of its bits."""

    def controller(n: int, value: int) -> Message:
        return Message(Word.CC, channel, n, value)

    upper, lower = code >> 7, code & 0x7F
    match sender:
        case Sender.CC:
            return [controller(number, code)]
        case Sender.CC14:
            return [controller(number, upper), controller(number + PAIRS, lower)]
        case Sender.NRPN:
            chosen = [controller(NRPN_UPPER, number >> 7), controller(NRPN_LOWER, number & 0x7F)]
            return [*chosen, controller(DATA, upper), controller(DATA_LOWER, lower)]
        case Sender.BEND:
            return [Message(Word.BEND, channel, 0, code)]
        case Sender.NOTE:
            return [Message(Word.NOTE_ON, channel, number, code)]
    raise AssertionError(f"{sender} cannot be told")


def _code(event: Event) -> int:
    return from_place(event.place, BITS.get(event.sender, 7))
