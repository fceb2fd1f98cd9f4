"""Recordings on disk: read in blocks of constant memory, written whole or not at all.

libsndfile reads wav, flac, ogg, mp3 and aiff; soxr changes rates. Integers are scaled to -1..1. What is cut off is read as far
as it goes where the format allows it (wav, aiff, ogg, mp3); `AudioInfo.frames` then says how much there should have been.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from sda.errors import AudioError
from sda.formats import riff

Floats = NDArray[np.float32]

READABLE = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".w64", ".caf")
BLOCK = 1 << 16  # samples a channel per read
RATES = (1_000, 768_000)  # Hz, outside which a header is taken for damage
MAX_CHANNELS = 64
MOST_FRAMES = 1 << 48  # libsndfile's way of saying that a header does not know
WHOLE = 0.98  # of the declared length: decoders of mp3 differ by a few hundred samples
UNREADABLE = (soundfile.SoundFileError, RuntimeError, OSError, TypeError, ValueError)
CLEARER = {  # libsndfile's words for two kinds of damage, and better ones
    "SF_INFO struct incomplete": "its header declares 0 Hz or no channels",
    "not a regular file": "none of it can be decoded",
}


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a recording's header says."""

    rate: int  # Hz
    channels: int
    frames: int  # samples a channel, as declared; 0 where the header does not say


def probe(path: Path) -> AudioInfo:
    """Read a recording's header. Raises `AudioError` for what is no readable audio."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise AudioError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if not S_ISREG(mode):
        raise AudioError(f"{path}: found a {'folder' if S_ISDIR(mode) else 'device'} where an audio file was expected")
    try:
        info = soundfile.info(str(path))
    except UNREADABLE as error:
        raise AudioError(f"{path}: not readable as audio ({_reason(error)}); expected wav, flac, ogg, mp3 or aiff") from error
    if not RATES[0] <= info.samplerate <= RATES[1]:
        raise AudioError(f"{path}: its header says {info.samplerate} Hz; expected {RATES[0]} to {RATES[1]} Hz")
    if not 1 <= info.channels <= MAX_CHANNELS:
        raise AudioError(f"{path}: its header says {info.channels} channels; expected 1 to {MAX_CHANNELS}")
    frames = info.frames if 0 <= info.frames < MOST_FRAMES else 0
    return AudioInfo(info.samplerate, info.channels, round(frames / (riff.present(path) or 1)))


def blocks(path: Path) -> Iterator[Floats]:
    """A recording as blocks [t, C] of at most `BLOCK` samples. Raises `AudioError` where it cannot be decoded."""
    probe(path)
    try:
        with soundfile.SoundFile(str(path)) as file:
            while len(block := file.read(BLOCK, dtype="float32", always_2d=True)):
                yield block
    except UNREADABLE as error:
        raise AudioError(f"{path}: damaged audio ({_reason(error)}); expected a file that decodes to its end") from error


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
    """A whole recording as mono [T] at `rate` Hz. Raises `AudioError` also for one that is cut off or holds no samples."""
    info = probe(path)
    audio = np.concatenate([np.zeros(0, np.float32), *mono_blocks(path, rate)])
    found, declared = len(audio) / rate, info.frames / info.rate  # seconds
    if found + 1 / rate < WHOLE * declared:
        raise AudioError(
            f"{path}: cut off, found {found:.2f} s of sound, expected the {declared:.2f} s that its header declares"
        )
    if not len(audio):
        raise AudioError(f"{path}: found no samples, expected at least one")
    return audio


def _reason(error: Exception) -> str:
    reason = str(getattr(error, "error_string", error)).rstrip(".")
    return next((words for sign, words in CLEARER.items() if sign in reason), reason)
