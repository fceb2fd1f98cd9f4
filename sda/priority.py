"""A process that sounds asks the system to be served before the others, one that renders ahead to be served after them."""

from __future__ import annotations

import contextlib
import os

PLAYER, RENDERER, JOB = -11, -5, 10  # nice values


def ask_for(nice: int) -> None:
    """Take this nice value where the system allows it, as it does to members of the audio group on many; else nothing."""
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, nice)


def give(process: int, nice: int) -> None:
    """Give a process that was started a moment ago this nice value; its threads, yet to come, have it from there."""
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process, nice)
