"""A command of this program as a process by itself: it outlives whoever started it, and gives way to everything that sounds.

What it is at is told by its run folder (`sda.train.run`); here is only how it is started, and why it ended.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import sda
from sda import priority

LAST_WORDS = 4096  # bytes of a process's standard error that are looked at when it ended


class Job:
    """A command that runs by itself."""

    def __init__(self, arguments: Sequence[str], result: str = "") -> None:
        """Start `sda-engine ARGUMENTS`. result: what to say when it is done."""
        self.result = result
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the job
        flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "sda.cli", *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._errors, env=environment(),
            start_new_session=os.name == "posix", creationflags=flags,
        )  # fmt: skip
        priority.give(self._process.pid, priority.JOB)

    def ended(self) -> str | None:
        """None while it runs; then "" where it did what it should, else why not."""
        code = self._process.poll()
        if code is None:
            return None
        with self._errors:
            words = last_words(self._errors).removeprefix("sda-engine: error: ")
        return "" if code == 0 else words or f"exit code {code}"


def last_words(errors: IO[bytes]) -> str:
    """The last line that a process wrote to its standard error."""
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - LAST_WORDS))
    lines = [line.strip() for line in errors.read().decode(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")


def environment() -> dict[str, str]:
    """This environment, with this very `sda` importable, and one thread for each numpy product.

    `-P` keeps the folder a process was started in off the path: a `queue.py` of the user's would stop everything.
    """
    home = str(Path(sda.__file__).parents[1])
    path = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
