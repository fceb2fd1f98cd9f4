"""A folder of recordings looked at before training: length, rate, level of each, and what would be done to it. No toolkit.

Every file is decoded as training would decode it, in a thread of its own, so that what is said here holds there.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from sda.errors import SdaError
from sda.sources import find
from sda.spec import BIGVGAN_GRID, VaeSpec
from sda.train.corpus import Recording, examine

RATE = BIGVGAN_GRID.sample_rate  # Hz
SHORTEST = VaeSpec().frames * BIGVGAN_GRID.hop  # samples to which training pads


class Survey:
    """One look at one folder, growing file by file."""

    def __init__(self, folder: Path) -> None:
        """Begin to look; the end is told by `done`."""
        self.folder = folder
        self.recordings: list[Recording] = []  # in the order of training; only ever appended to
        self.total = 0  # files, as soon as the folder was listed
        self.error = ""
        self.done = False
        self._stop = threading.Event()
        threading.Thread(target=self._run, name="survey", daemon=True).start()

    def stop(self) -> None:
        """Look no further."""
        self._stop.set()

    def _run(self) -> None:
        try:
            files = find(self.folder)
            self.total = len(files)
            for path in files:
                if self._stop.is_set():
                    return
                self.recordings.append(examine(path, path.relative_to(self.folder).as_posix(), RATE, SHORTEST))
        except (SdaError, OSError) as error:
            self.error = str(error)
        finally:
            self.done = True


def is_dropped(recording: Recording) -> bool:
    """Whether training would leave it out by itself."""
    return not recording.used


def summary(recordings: Iterable[Recording], left_out: Iterable[str] = ()) -> str:
    """What would be trained on, in a line."""
    known, without = list(recordings), set(left_out)
    used = [r for r in known if r.used and r.name not in without]
    seconds = sum(r.seconds for r in used)
    parts = [f"{len(used)} of {len(known)} files, {seconds:.1f} s"]
    if dropped := sum(is_dropped(r) for r in known):
        parts.append(f"{dropped} cannot be used")
    if unticked := sum(r.used and r.name in without for r in known):
        parts.append(f"{unticked} left out by you")
    return "; ".join(parts)
