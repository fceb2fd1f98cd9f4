"""How many processor threads a training takes."""

from __future__ import annotations

import os

import torch


def use_threads(count: int | None, processes: int = 1) -> int:
    """Set torch's threads to `count`, or to this one's share of every core that `processes` like it may use. Returns it."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    chosen = count or max(1, available // processes)
    torch.set_num_threads(chosen)
    return chosen
