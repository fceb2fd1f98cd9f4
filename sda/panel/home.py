"""What the views of this machine's files share: the library, its runs, the commands that were started. No toolkit.

It outlives a window that is made anew in another look. What takes long is looked at in threads; `look` takes it up.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from sda import universal
from sda.errors import SdaError
from sda.library import Library
from sda.panel import listing, results
from sda.panel.jobs import Commands, Runs
from sda.panel.later import Later
from sda.panel.listen import Listening
from sda.panel.listing import Row
from sda.panel.results import Result
from sda.weights import State

GLANCE_S, RUNS_S = 1.0, 0.4  # s between looks at the library, and at the runs
Stamp = tuple[tuple[str, int], ...]  # names and times, ns
KINDS = ("train", "train-vocoder", "generate", "download")


@dataclass(frozen=True, slots=True)
class Glance:
    """The library at one moment."""

    rows: tuple[Row, ...] = ()
    results: tuple[Result, ...] = ()
    weights: State | None = None
    stamp: Stamp = ()  # of the files behind it


class Home:
    """The files of one user on this machine."""

    def __init__(self, device: Callable[[], str] = lambda: "") -> None:
        """device: what sound files are played to, as `Listening` takes it."""
        self.library = Library()
        self.runs = Runs(self.library.home / "runs", KINDS)
        self.commands = Commands()
        self.listening = Listening(device)
        self.glance = Glance()
        self.revision = 0  # grows where the library changed
        self.error = ""  # why it cannot be looked at
        self._later = Later[Glance]()
        self._taken = 0
        self._due = self._runs_due = float("-inf")
        self._following = Later[None]()
        self._opened: list[subprocess.Popen[bytes]] = []  # the system's programs, until they are seen to have ended

    def look(self, now: float) -> None:
        """Take up what changed; now: s of the monotonic clock. Cheap where nothing is due."""
        if now >= self._runs_due and self._following.ask(self.runs.look):
            self._runs_due = now + RUNS_S
        self.listening.look()
        if self._later.count != self._taken:
            self._taken, self.error = self._later.count, self._later.error
            found = self._later.value
            if found is not None and (found.stamp, found.weights) != (self.glance.stamp, self.glance.weights):
                self.glance, self.revision = found, self.revision + 1
        if now >= self._due and self._later.ask(self._glanced):
            self._due = now + GLANCE_S

    def show_in_folder(self, path: Path) -> None:
        """Open the folder of a file in the system's own program for files. Raises `SdaError` where there is none."""
        if sys.platform == "win32":
            command = ["explorer", f"/select,{path}"]
        elif sys.platform == "darwin":
            command = ["open", "-R", str(path)]
        else:
            command = ["xdg-open", str(path if path.is_dir() else path.parent)]
        quiet = subprocess.DEVNULL
        try:
            process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=os.name == "posix")
        except OSError as error:
            raise SdaError(f"{command[0]}: cannot be started ({error.strerror}); the file is {path}") from error
        self._opened = [other for other in self._opened if other.poll() is None] + [process]

    def hurry(self) -> None:
        """Something was changed from here: look again at once."""
        self._due = float("-inf")

    def close(self) -> None:
        """Be silent; runs and commands go on."""
        self.listening.stop()

    def _glanced(self) -> Glance:
        models, recordings = self.library.home / "models", self.library.home / "recordings"
        stamp, before = (*_stamp(models), *_stamp(recordings)), self.glance
        if stamp == before.stamp and before.weights is not None:
            return replace(before, weights=universal.store().state())
        found, shown = listing.rows(self.library.entries()), results.results(recordings)
        return Glance(tuple(found), tuple(shown), universal.store().state(), stamp)


def _stamp(folder: Path) -> Stamp:
    """The files of a folder, and when each was written."""
    try:
        with os.scandir(folder) as entries:
            return tuple(sorted((entry.name, entry.stat().st_mtime_ns) for entry in entries))
    except OSError:
        return ()
