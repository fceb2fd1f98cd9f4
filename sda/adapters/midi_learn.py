"""Learning: a control is armed, something on a controller is moved, and this finds out what it was.

One move may be several messages, so the first that counts opens a short window, at the end of which the most telling one
wins: a parameter before the controllers that spell it, a program before its bank, a pair before its halves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sda.adapters.midi_events import PAIRS, PREAMBLE, Event
from sda.mapping import Binding, Sender

WINDOW_S = 0.08  # s from the first message of a move to its verdict
PATIENCE_S = 120.0  # s after which an armed control is let go
RANK = (Sender.NRPN, Sender.PROGRAM, Sender.CC14, Sender.CC, Sender.BEND, Sender.NOTE, Sender.PRESSURE)
# What a system puts behind a name: 28:0 (ALSA's client and port), 1 (Windows' index), and of a JACK program's one port the
# direction, in which its other port differs.
_BEHIND = re.compile(r"\s+\d+(:\d+)?$|:(midi_?)?(in|out)(put)?$", re.IGNORECASE)


class Learn:
    """One control or act that waits for its knob."""

    def __init__(self, target: str, *, act: bool, now: float) -> None:
        """target: the id, or the alias by which the binding is to outlive its model."""
        self.target = target
        self.until = now + PATIENCE_S  # s; once something was moved, the end of the window
        self._act = act
        self._port = ""
        self._seen: list[Event] = []

    def take(self, events: Iterable[Event], port: str, now: float) -> None:
        """Hear what a port's events tell."""
        told = [event for event in events if _counts(event)]
        if told and not self._seen:
            self._port, self.until = port, now + WINDOW_S
        if port == self._port:
            self._seen += told

    def verdict(self) -> Binding | None:
        """What was moved, as a binding; None where nothing was. Ask when `until` has come."""
        if not self._seen:
            return None
        found = min(_paired(self._seen), key=lambda event: RANK.index(event.sender))
        return Binding(
            sender=found.sender,
            number=found.number,
            channel=found.channel,
            port=loose(self._port),
            control="" if self._act else self.target,
            act=self.target if self._act else "",
        )


def loose(port: str) -> str:
    """A port's name without what another start of the machine changes, or what only its input is called."""
    return _BEHIND.sub("", port)


def _counts(event: Event) -> bool:
    """Whether an event may be what was meant. Pairs are recognised by their halves, a key by its being pressed."""
    if event.sender is Sender.CC14 or (event.sender is Sender.NOTE and event.place == 0):
        return False
    return not (event.sender is Sender.CC and event.number in PREAMBLE)


def _paired(seen: list[Event]) -> list[Event]:
    """The events, and the pairs whose halves are among them."""
    halves = {(event.channel, event.number): event for event in seen if event.sender is Sender.CC}
    pairs = [
        event._replace(sender=Sender.CC14)
        for (channel, number), event in halves.items()
        if number < PAIRS and (channel, number + PAIRS) in halves
    ]
    return [*pairs, *seen]
