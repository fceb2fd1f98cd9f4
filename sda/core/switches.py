"""When `play` was switched at the stage, for the head of a renderer, which is ahead of it and may rest while it is off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

EVER = -(1 << 40)  # the position of what was always so


@dataclass(frozen=True, slots=True)
class Switches:
    """Since when it is off, as far as the head has seen, and what the stage did since then."""

    off_since: int | None  # position; None while it plays
    unseen: tuple[tuple[int, bool], ...] = ()  # positions, and whether it plays from there on

    @classmethod
    def at(cls, play: bool) -> Switches:
        """Before the first sample."""
        return cls(None if play else EVER)

    def with_switch(self, position: int, play: bool) -> Switches:
        """The stage switches."""
        return Switches(self.off_since, (*self.unseen, (position, play)))

    def seen(self, position: int) -> Switches:
        """The head sees what was done up to a position."""
        if not self.unseen or self.unseen[0][0] > position:
            return self
        (at, play), *later = self.unseen
        since = None if play else at if self.off_since is None else self.off_since
        return Switches(since, tuple(later)).seen(position)

    def rests(self, position: int, after: int, coming: Iterable[tuple[int, bool]] = ()) -> bool:
        """Whether it has been off for more than `after` samples at a position; coming: what the stage is going to do."""
        due = tuple(switch for switch in coming if switch[0] <= position)
        since = Switches(self.off_since, (*self.unseen, *due)).seen(position).off_since
        return since is not None and position - since > after
