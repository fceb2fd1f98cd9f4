"""The public mel: BigVGAN's log-mel of a recording at any rate."""

from __future__ import annotations

from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from sda.core import grid
from sda.errors import AudioError
from sda.spec import BIGVGAN_GRID

Floats = NDArray[np.float32]


def mono(audio: NDArray[Any], rate: int, to_rate: int = BIGVGAN_GRID.sample_rate) -> Floats:
    """A recording [T] or [C, T] at `rate` Hz as mono [T'] at `to_rate` Hz (mean of the channels, soxr VHQ).

    Raises `AudioError` for another shape, an impossible rate, or samples that are not numbers.
    """
    if audio.ndim not in (1, 2) or audio.size == 0:
        raise AudioError(f"expected audio of shape [T] or [C, T], found {audio.shape}")
    if rate <= 0:
        raise AudioError(f"expected a sample rate above 0 Hz, found {rate}")
    if not np.isfinite(audio).all():
        raise AudioError("expected finite samples, found NaN or infinity")
    single = np.asarray(audio if audio.ndim == 1 else audio.mean(axis=0), dtype=np.float32)
    return single if rate == to_rate else np.asarray(soxr.resample(single, rate, to_rate, "VHQ"), np.float32)


def log_mel(audio: NDArray[Any], rate: int) -> Floats:
    """BigVGAN's natural log-mel [128, F] of a recording [T] or [C, T] at `rate` Hz; F = samples at 44.1 kHz // 512."""
    return grid.log_mel(mono(audio, rate))
