"""Moves on their way to the renderer: gathered, in order, none lost, none late."""

from __future__ import annotations

import time
from typing import Any

from sda.control import Change
from sda.live.facts import Facts
from sda.live.stream import GATHER, Stream


class Desk:
    """A stream whose messages are kept."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.token = 1
        self.stream = Stream(Facts(0.04), self.sent.append, lambda: self.token)

    def move(self, identity: str, value: float, place: int | None = None) -> None:
        self.stream.move([Change(identity, value, "hand", 0.0, place=place)])

    @property
    def events(self) -> list[tuple[object, ...]]:
        return [(e["id"], e["value"], e.get("pos")) for message in self.sent for e in message["events"]]


def test_a_flood_becomes_few_messages_with_the_last_values() -> None:
    desk, began = Desk(), time.monotonic()
    for n in range(1000):
        desk.move("slider.1", float(n))
        desk.move("slider.2", -float(n))
    desk.stream.flush()
    assert len(desk.sent) <= (time.monotonic() - began) / GATHER + 2
    assert desk.events[-2:] == [("slider.1", 999.0, None), ("slider.2", -999.0, None)]


def test_what_moved_goes_without_being_asked_for() -> None:
    desk = Desk()
    desk.move("gain", -6.0)
    end = time.monotonic() + 10
    while not desk.sent and time.monotonic() < end:
        time.sleep(0.001)
    assert desk.events == [("gain", -6.0, None)]


def test_a_struck_grain_takes_what_moved_before_it_along() -> None:
    desk = Desk()
    desk.move("slider.1", 3.0)
    desk.stream.strike([0.5], "hand")
    desk.move("slider.1", 4.0)
    desk.stream.flush()
    assert desk.events == [("slider.1", 3.0, None), ("strike", 0.5, None), ("slider.1", 4.0, None)]


def test_moves_at_positions_do_not_replace_each_other() -> None:
    desk = Desk()
    for place in (100, 200, None, 200):
        desk.move("gain", -1.0 if place is None else float(-place), place)
    desk.stream.flush()
    assert {place: value for _, value, place in desk.events} == {100: -100.0, 200: -200.0, None: -1.0}


def test_a_move_keeps_the_model_that_it_was_meant_for() -> None:
    desk = Desk()
    desk.move("slider.1", 3.0)
    desk.token = 2
    desk.move("slider.2", 4.0)
    desk.stream.flush()
    assert [e["token"] for message in desk.sent for e in message["events"]] == [1, 2]
