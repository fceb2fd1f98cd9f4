"""How many processor threads a training takes."""

from __future__ import annotations

import os

import torch


def use_threads(count: int | None) -> int:
    """Set torch's threads to `count`, or to every core that this process may use. Returns the number."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    chosen = count or available
    torch.set_num_threads(chosen)
    return chosen
