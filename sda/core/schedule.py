"""What is to happen in a stream and where: changes of controls and struck grains, each at its position.

Positions are output samples since the engine's start. A network's side and the stage's side of a renderer stand at different
positions, so each has a lane of its own. Events of one position keep the order in which they came.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass

from sda.params import Value

STRIKE = "strike"  # the id of a struck grain's event; its value is the velocity
ORDERED = ("glide", STRIKE)  # what follows them may mean something else than what came before


@dataclass(frozen=True, slots=True)
class Event:
    """A control at a new value, or a struck grain."""

    pos: int
    id: str
    value: Value
    source: str = ""


class Lane:
    """Events that wait for their position."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.waiting: list[Event] = sorted(events, key=_position)

    def add(self, event: Event) -> None:
        insort(self.waiting, event, key=_position)

    def overtake(self, identity: str) -> None:
        """Forget what waits for a control that was moved meanwhile: the last word that came counts."""
        if self.waiting and identity != STRIKE:
            self.waiting = [event for event in self.waiting if event.id != identity]

    def due(self, position: int) -> list[Event]:
        """Take out what is to happen at or before a position."""
        count = 0
        while count < len(self.waiting) and self.waiting[count].pos <= position:
            count += 1
        taken, self.waiting = self.waiting[:count], self.waiting[count:]
        return taken

    @property
    def next(self) -> int | None:
        """The position of the first event that waits."""
        return self.waiting[0].pos if self.waiting else None


def thinned(events: Iterable[Event]) -> list[Event]:
    """Events in their order without those that another one of the same control and position makes good for."""
    kept: list[Event] = []
    later: set[tuple[int, str]] = set()
    for event in reversed(list(events)):
        if event.id in ORDERED:
            later.clear()
        elif (event.pos, event.id) in later:
            continue
        else:
            later.add((event.pos, event.id))
        kept.append(event)
    return kept[::-1]


def _position(event: Event) -> int:
    return event.pos
