"""Recordings on disk: read in blocks of constant memory, written whole or not at all.

libsndfile reads wav, flac, ogg, mp3 and aiff; soxr changes rates. Integers are scaled to -1..1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from sda.errors import AudioError

Floats = NDArray[np.float32]

READABLE = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".w64", ".caf")
BLOCK = 1 << 16  # samples a channel per read
RATES = (1_000, 768_000)  # Hz, outside which a header is taken for damage
MAX_CHANNELS = 64


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a recording's header says."""

    rate: int  # Hz
    channels: int
    frames: int  # samples a channel, as declared


def probe(path: Path) -> AudioInfo:
    """Read a recording's header. Raises `AudioError` for what is no readable audio."""
    if path.is_dir():
        raise AudioError(f"{path}: found a folder where an audio file was expected")
    if not path.exists():
        raise AudioError(f"{path}: no such file")
    try:
        info = soundfile.info(str(path))
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        reason = getattr(error, "error_string", str(error)).rstrip(".")
        raise AudioError(f"{path}: not readable as audio ({reason}); expected wav, flac, ogg, mp3 or aiff") from error
    if not RATES[0] <= info.samplerate <= RATES[1]:
        raise AudioError(f"{path}: its header says {info.samplerate} Hz; expected {RATES[0]} to {RATES[1]} Hz")
    if not 1 <= info.channels <= MAX_CHANNELS:
        raise AudioError(f"{path}: its header says {info.channels} channels; expected 1 to {MAX_CHANNELS}")
    return AudioInfo(info.samplerate, info.channels, max(0, info.frames))


def blocks(path: Path) -> Iterator[Floats]:
    """A recording as blocks [t, C] of at most `BLOCK` samples. Raises `AudioError` where it cannot be decoded."""
    probe(path)
    try:
        with soundfile.SoundFile(str(path)) as file:
            while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
                yield block
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        reason = getattr(error, "error_string", str(error)).rstrip(".")
        raise AudioError(f"{path}: damaged audio ({reason})") from error


def mono_blocks(path: Path, rate: int) -> Iterator[Floats]:
    """A recording as mono blocks [t] at `rate` Hz (mean of its channels, soxr VHQ).

    Raises `AudioError` where it cannot be decoded or holds NaN or infinity.
    """
    info = probe(path)
    resampler = None if info.rate == rate else soxr.ResampleStream(info.rate, rate, 1, dtype="float32", quality="VHQ")
    for block in blocks(path):
        if not np.isfinite(block).all():
            raise AudioError(f"{path}: holds samples that are not numbers (NaN or infinity); expected finite ones")
        mono = block.mean(axis=1, dtype=np.float32)
        yield mono if resampler is None else resampler.resample_chunk(mono)
    if resampler is not None:
        yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def read_mono(path: Path, rate: int) -> Floats:
    """A whole recording as mono [T] at `rate` Hz."""
    return np.concatenate([np.zeros(0, np.float32), *mono_blocks(path, rate)])
