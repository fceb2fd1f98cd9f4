"""Undo and redo as a pile of places: a hundred of them, and what a hand did in between is found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from sda.errors import ControlError
from sda.live.jumps import LIMIT, Jumps, Place


class World:
    """One number that jumps and moves."""

    def __init__(self) -> None:
        self.at, self.jumps = 0, Jumps()

    def here(self, place: Place) -> Place:
        return Place(place.what, {"x": self.at}, place.model and Path("here"))

    def jump(self, to: int) -> None:
        self.jumps.note(Place("jump", {"x": self.at}))
        self.at = to

    def undo(self) -> int:
        self.at = int(self.jumps.undo(self.here).values["x"])
        return self.at

    def redo(self) -> int:
        self.at = int(self.jumps.redo(self.here).values["x"])
        return self.at


def test_back_and_forth_with_what_the_hand_did() -> None:
    world = World()
    for to in (1, 2, 3):
        world.jump(to)
    world.at = 33  # by hand
    assert [world.undo(), world.undo()] == [2, 1]
    world.at = 11
    assert [world.redo(), world.redo(), world.undo(), world.undo()] == [2, 33, 2, 11]
    world.jump(5)  # another way from here
    with pytest.raises(ControlError, match="nothing to redo"):
        world.redo()
    assert [world.undo(), world.undo()] == [11, 0]
    with pytest.raises(ControlError, match="nothing to undo"):
        world.undo()


def test_a_hundred_jumps_are_kept() -> None:
    world = World()
    for to in range(1, 151):
        world.jump(to)
    assert [world.undo() for _ in range(LIMIT)] == list(range(149, 49, -1))
    with pytest.raises(ControlError):
        world.undo()
    assert [world.redo() for _ in range(LIMIT)] == list(range(51, 151))
