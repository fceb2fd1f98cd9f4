"""Sound written to disk block by block in constant memory, whole or not at all.

libsndfile writes wav and flac; ogg is left out, for it carries a random number and the same sound must be the same bytes.
Integers are rounded here: full scale 1.0 is 2 ** (bits - 1), the scale at which they are read back, and 16 bits are dithered
with triangular noise of +-1 step (Lipshitz, Wannamaker & Vanderkooy 1992), which leaves no distortion behind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from sda.errors import AudioError, SdaError
from sda.formats import riff, whole

Floats = NDArray[np.float32]

DEPTHS = {".wav": {"16": "PCM_16", "24": "PCM_24", "32f": "FLOAT"}, ".flac": {"16": "PCM_16", "24": "PCM_24"}}
WIDTHS = {"16": 2, "24": 3, "32f": 4}  # bytes a sample
LARGEST_WAV = 2**32 - 2**16  # bytes of samples: its sizes are 32-bit numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """Text inside the file; what is empty is not written. libsndfile adds its own name and version to the software."""

    title: str = ""
    comment: str = ""
    software: str = ""


class AudioWriter:
    """A wav or flac file being written, by its suffix. A context: leaving it without an error puts the file in place.

    `depth` is "16" (needs `random` for its dither), "24" or "32f" (wav only). The same samples and seed give the same bytes,
    whatever the block sizes. Raises `AudioError` for an unknown suffix or depth, for a place that cannot be written and for
    a full disk; the file that was there before is then untouched.
    """

    def __init__(
        self,
        path: Path,
        rate: int,
        channels: int,
        *,
        depth: str = "24",
        random: np.random.Generator | None = None,
        tags: Tags | None = None,
    ) -> None:
        depths = DEPTHS.get(path.suffix.lower())
        if depths is None:
            raise AudioError(f"{path}: found the suffix {path.suffix or 'none'!r}, expected {' or '.join(DEPTHS)}")
        if depth not in depths:
            raise AudioError(f"{path}: found the bit depth {depth!r}, expected {', '.join(depths)} for {path.suffix}")
        assert depth != "16" or random is not None, "16 bits need a generator for the dither"
        self.path, self.rate, self.channels, self.depth = path, rate, channels, depth
        self.frames = 0  # samples a channel written so far
        self._subtype, self._random, self._tags = depths[depth], random, tags or Tags()
        self._context = self._opened()
        self._file: Any = None  # libsndfile's, while open
        self._temporary = path

    def __enter__(self) -> AudioWriter:
        self._context.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._context.__exit__(kind, error, trace)

    def write(self, block: Floats) -> None:
        """Append a block [C, t]. Raises `AudioError` where the disk is full or a wav grows past 4 GiB."""
        assert block.shape[:-1] == (self.channels,), block.shape
        assert np.isfinite(block).all(), "only finite samples can be written"
        frames = self.frames + block.shape[1]
        if self.path.suffix.lower() == ".wav" and frames * self.channels * WIDTHS[self.depth] > LARGEST_WAV:
            raise AudioError(f"{self.path}: a wav file holds at most 4 GiB; expected a shorter sound or a .flac file")
        try:
            self._file.write(self._encode(block.T))
        except (soundfile.SoundFileError, AssertionError) as error:  # it asserts that all was written
            raise self._refused() from error
        self.frames = frames

    def _encode(self, frames: Floats) -> NDArray[Any]:
        """Samples [t, C] as the file takes them."""
        if self.depth == "32f":
            return np.asarray(frames, np.float32)
        if self.depth == "24":
            steps = np.rint(np.clip(frames * 2.0**23, -(2**23), 2**23 - 1))
            return np.asarray(steps, np.int32) << 8  # libsndfile takes the upper 24 of 32 bits
        assert self._random is not None
        dither = self._random.random((*frames.shape, 2)) @ np.array([1.0, -1.0])  # in time order: no block size changes it
        return np.asarray(np.rint(np.clip(frames * 2.0**15 + dither, -(2**15), 2**15 - 1)), np.int16)

    @contextmanager
    def _opened(self) -> Iterator[None]:
        try:
            with whole.replacing(self.path) as self._temporary:
                with self._create() as self._file:
                    for name, text in asdict(self._tags).items():
                        if text:
                            setattr(self._file, name, text)
                    yield
                self._finish()
        except SdaError as error:
            if type(error) is SdaError:  # from `replacing`: here it is about audio
                raise AudioError(str(error)) from error
            raise

    def _create(self) -> Any:
        kind = self.path.suffix[1:].upper()
        try:
            return soundfile.SoundFile(str(self._temporary), "w", self.rate, self.channels, subtype=self._subtype, format=kind)
        except (soundfile.SoundFileError, ValueError) as error:
            reason = getattr(error, "error_string", str(error)).rstrip(".")
            raise AudioError(f"{self.path}: cannot hold {self.channels} channels at {self.rate} Hz ({reason})") from error

    def _finish(self) -> None:
        """Make the closed file's bytes depend on its sound alone, and read its end back."""
        if not self.frames:
            raise AudioError(f"{self.path}: found no samples to write, expected at least one")
        riff.clear_peak_time(self._temporary)
        try:
            with soundfile.SoundFile(str(self._temporary)) as file:
                held = file.frames
                file.seek(self.frames - 1)
                held = held if len(file.read(1)) else 0
        except (soundfile.SoundFileError, RuntimeError) as error:
            raise self._refused() from error
        if held != self.frames:
            raise self._refused()

    def _refused(self) -> AudioError:
        """What to say of a failed write: libsndfile keeps the reason to itself, so one more write asks for it."""
        reason = "the disk did not take it all"
        try:
            with self._temporary.open("ab") as file:
                file.write(bytes(1 << 16))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            reason = error.strerror or str(error)
        return AudioError(f"{self.path}: could not be written ({reason}); what was there before is untouched")
