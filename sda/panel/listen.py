"""Sound files played to a person: one at a time, by a process of its own (`sda.live.player_file`). No toolkit."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from sda.job import environment, last_words

PATIENCE = 2.0  # s for a player to end


class Listening:
    """What is being heard."""

    def __init__(self, device: Callable[[], str]) -> None:
        """device: part of the name of the one to play to, "" for the system's choice; asked at each start."""
        self._device = device
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self.path: Path | None = None  # what sounds
        self.began = 0.0  # s of the monotonic clock
        self.error = ""

    def start(self, path: Path) -> None:
        """Play a file from its beginning, instead of what sounds."""
        self.stop()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
        self.path, self.began, self.error = path, time.monotonic(), ""
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "sda.live.player_file", str(path), self._device()],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._errors, env=environment(),
        )  # fmt: skip

    def look(self) -> None:
        """See whether it ended, and why."""
        if self._process is None or (code := self._process.poll()) is None:
            return
        assert self._errors is not None
        with self._errors:
            words = last_words(self._errors)
        self.error = words if code > 0 else ""
        self._process = self._errors = self.path = None

    def stop(self) -> None:
        """Be silent."""
        if self._process is not None and self._errors is not None:
            self._process.kill()
            self._process.wait(PATIENCE)
            self._errors.close()
        self._process = self._errors = self.path = None
