"""What a packet comes to: settings, calls and faults, those of one time tag together, and those that wait for their moment."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from sda.adapters.osc_clients import Client
from sda.adapters.osc_packet import OscError
from sda.control import Setting

WRITES = 1000  # settings that one packet may come to
ANSWERS = 1000  # messages that one packet may be answered with
AHEAD = 2.0  # s by which a time tag may lie in the future
WAITING = 20_000  # steps that may wait for their moment, all clients' together


class Fault(NamedTuple):
    """A message that asks for nothing we can do."""

    address: str
    code: str
    text: str


class Call(NamedTuple):
    """A message that asks for something other than a control's new value."""

    address: str
    run: Callable[[], None]
    answers: int = 1
    writes: int = 0


Step = Setting | Fault | Call


class Waiting(NamedTuple):
    """Steps of one client that wait."""

    due: float  # s of the clock that only grows, when they are handed over
    number: int  # in the order of arrival
    moment: float  # s since 1970, when they are to be heard
    steps: Sequence[Step]
    client: Client


class Timetable:
    """Steps by the time when they are due."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._numbers = itertools.count()
        self._steps = 0

    def keep(self, due: float, moment: float, steps: Sequence[Step], client: Client) -> bool:
        """Keep steps; False where too many wait already."""
        if self._steps + len(steps) > WAITING:
            return False
        self._steps += len(steps)
        heapq.heappush(self._waiting, Waiting(due, next(self._numbers), moment, steps, client))
        return True

    def due(self, now: float) -> Iterable[Waiting]:
        """What is due, taken out, the earliest first and what came first before what came later."""
        while self._waiting and self._waiting[0].due <= now:
            found = heapq.heappop(self._waiting)
            self._steps -= len(found.steps)
            yield found

    @property
    def next(self) -> float:
        """When the next ones are due, in s; infinity where none wait."""
        return self._waiting[0].due if self._waiting else float("inf")


def check_size(steps: Iterable[Step]) -> None:
    """Raises `OscError` where a packet comes to more than we take."""
    steps = list(steps)
    calls = [step for step in steps if isinstance(step, Call)]
    if sum(isinstance(step, Setting) for step in steps) + sum(call.writes for call in calls) > WRITES:
        raise OscError(f"a packet that comes to more than {WRITES} settings")
    if sum(call.answers for call in calls) > ANSWERS:
        raise OscError(f"a packet that comes to more than {ANSWERS} answers")
