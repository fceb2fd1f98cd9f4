"""What a view of the panel is, and what every view is given.

A view is made once, filled into its tab once, and then only sets what it has: items are never made anew. Dear PyGui is
called in the window's one thread, which is the one that calls these methods; whatever else a view has going on comes to it
through queues or snapshots.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sda.panel.hand import Hand
from sda.panel.mirror import Mirror
from sda.panel.theme import Look, Paint


@dataclass(frozen=True, slots=True)
class Desk:
    """What a view works with."""

    mirror: Mirror  # the engine
    look: Look  # colours and lengths
    paint: Paint  # themes and fonts to bind
    hand: Hand  # mouse and keys
    local: bool  # whether the engine is on this machine, so that its library is ours
    show: Callable[[str], None]  # bring the view of a title to the front
    reopen: Callable[[], None]  # make the window anew, in the look that the settings say now


class View(Protocol):
    """One tab."""

    @property
    def title(self) -> str:
        """On its tab."""
        ...

    def build(self, parent: int | str) -> None:
        """Make the items inside `parent`, once."""
        ...

    def refresh(self, now: float) -> None:
        """Show what is so now, s of the monotonic clock. Every frame while the view is shown, else four times a second."""
        ...

    def close(self) -> None:
        """The window closes."""
        ...
