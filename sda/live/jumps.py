"""Undo and redo: the last jumps, each as the place that it left.

Going back to a place leaves one as well, so that redo finds what was moved by hand meanwhile. Sliders are kept by name, by
which they are found again when their model comes back.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sda.errors import ControlError
from sda.params import Value

LIMIT = 100  # jumps


@dataclass(frozen=True, slots=True)
class Place:
    """Where the controls that a jump moved stood before it."""

    what: str  # the act, for people
    values: Mapping[str, Value]  # by id, sliders as `slider.<name>`
    model: Path | None = None  # the file of the model that sounded, where the jump changed it


class Jumps:
    """The places that can be gone back to. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._past: deque[Place] = deque(maxlen=LIMIT)
        self._future: list[Place] = []

    def note(self, place: Place) -> None:
        """A jump leaves a place."""
        with self._lock:
            self._past.append(place)
            self._future.clear()

    def undo(self, here: Callable[[Place], Place]) -> Place:
        """The place before the last jump; `here` gives the one that is left for it. Raises `ControlError` for none."""
        with self._lock:
            if not self._past:
                raise ControlError("nothing to undo")
            place = self._past.pop()
            self._future.append(here(place))
            return place

    def redo(self, here: Callable[[Place], Place]) -> Place:
        """The place that the last undo left. Raises `ControlError` where there is none, or a jump came since."""
        with self._lock:
            if not self._future:
                raise ControlError("nothing to redo")
            place = self._future.pop()
            self._past.append(here(place))
            return place
