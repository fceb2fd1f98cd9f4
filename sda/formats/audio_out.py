"""Sound written to disk block by block in constant memory, whole or not at all.

libsndfile writes wav, flac, ogg (Vorbis) and mp3 (LAME). The same sound is the same bytes: what carries the time of day or a
random number is set right afterwards. ogg and mp3 are written at high quality with a variable bit rate. Integers are rounded
here: full scale 1.0 is 2 ** (bits - 1), the scale at which they are read back, and 16 bits are dithered with triangular noise
of +-1 step (Lipshitz, Wannamaker & Vanderkooy 1992), which leaves no distortion behind.
"""

from __future__ import annotations

import os
import shutil
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
from sda.formats import id3, ogg, riff, whole

Floats = NDArray[np.float32]

DEPTHS = {
    ".wav": {"16": "PCM_16", "24": "PCM_24", "32f": "FLOAT"},
    ".flac": {"16": "PCM_16", "24": "PCM_24"},
    ".ogg": {"": "VORBIS"},
    ".mp3": {"": "MPEG_LAYER_III"},
}
KINDS = {".ogg": "OGG", ".mp3": "MP3", ".wav": "WAV", ".flac": "FLAC"}
MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)  # Hz: MPEG 1, 2 and 2.5
COMPRESSION = {".ogg": 0.2, ".mp3": 0.0}  # Vorbis quality 8 of 10, LAME -V 0: some 250 kbit/s of stereo
AT_ONCE = 1 << 12  # samples a call of the Vorbis encoder, whose choices depend on how it is fed
WIDTHS = {"16": 2, "24": 3, "32f": 4}  # bytes a sample
LARGEST_WAV = 2**32 - 2**16  # bytes of samples: its sizes are 32-bit numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """Text inside the file; what is empty is not written. libsndfile adds its own name and version to the software."""

    title: str = ""
    artist: str = ""
    album: str = ""
    comment: str = ""
    software: str = ""


def check(path: Path, rate: int, depth: str | None = None) -> str:
    """The bit depth that a file with this suffix will have, "" where the format has none; wav and flac have 24 unless asked.

    Raises `AudioError` for a suffix, a depth or a rate in Hz that cannot be had.
    """
    suffix = path.suffix.lower()
    depths = DEPTHS.get(suffix)
    if depths is None:
        raise AudioError(f"{path}: found the suffix {path.suffix or 'none'!r}, expected {', '.join(DEPTHS)}")
    if depth is None:
        depth = "" if "" in depths else "24"
    if depth not in depths:
        expected = f"none: {suffix} has no such thing" if "" in depths else f"{', '.join(depths)} for {suffix}"
        raise AudioError(f"{path}: found the bit depth {depth!r}, expected {expected}")
    if suffix == ".mp3" and rate not in MP3_RATES:
        raise AudioError(f"{path}: found {rate} Hz, expected {', '.join(map(str, MP3_RATES))} for .mp3")
    return depth


class AudioWriter:
    """A sound file being written, by its suffix. A context: leaving it without an error puts the file in place.

    `depth` is "16" (needs `random` for its dither), "24" or "32f" (wav only), and None where the format should choose. The
    same samples and seed give the same bytes, whatever the block sizes. Raises `AudioError` for what `check` refuses, for a
    place that cannot be written and for a full disk; the file that was there before is then untouched.
    """

    def __init__(
        self,
        path: Path,
        rate: int,
        channels: int,
        *,
        depth: str | None = None,
        random: np.random.Generator | None = None,
        tags: Tags | None = None,
    ) -> None:
        depth = check(path, rate, depth)
        assert depth != "16" or random is not None, "16 bits need a generator for the dither"
        self.path, self.rate, self.channels, self.depth = path, rate, channels, depth
        self.frames = 0  # samples a channel written so far
        self._suffix = path.suffix.lower()
        self._random, self._tags = random, tags or Tags()
        self._context = self._opened()
        self._file: Any = None  # libsndfile's, while open
        self._waiting = np.zeros((channels, 0), np.float32)  # for a whole piece of Vorbis
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
        if self._suffix == ".wav" and frames * self.channels * WIDTHS[self.depth] > LARGEST_WAV:
            raise AudioError(f"{self.path}: a wav file holds at most 4 GiB; expected a shorter sound or a .flac file")
        self.frames = frames
        if self._suffix != ".ogg":
            self._put(block)
            return
        self._waiting = np.concatenate([self._waiting, block], axis=1)
        while self._waiting.shape[1] > AT_ONCE:
            self._put(self._waiting[:, :AT_ONCE])
            self._waiting = self._waiting[:, AT_ONCE:]

    def _put(self, block: Floats) -> None:
        try:
            self._file.write(self._encode(block.T))
        except (soundfile.SoundFileError, AssertionError) as error:  # it asserts that all was written
            raise self._refused() from error

    def _encode(self, frames: Floats) -> NDArray[Any]:
        """Samples [t, C] as the file takes them."""
        if self.depth in ("", "32f"):
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
                    if self._suffix != ".mp3":
                        for name, text in asdict(self._tags).items():
                            if text:
                                setattr(self._file, name, text)
                    yield
                    if self._waiting.shape[1]:
                        self._put(self._waiting)
                self._finish()
        except SdaError as error:
            if type(error) is SdaError:  # from `replacing`: here it is about audio
                raise AudioError(str(error)) from error
            raise

    def _create(self) -> Any:
        quality: dict[str, Any] = {}
        if self._suffix in COMPRESSION:
            quality["compression_level"] = COMPRESSION[self._suffix]
        if self._suffix == ".mp3":
            quality["bitrate_mode"] = "VARIABLE"
        quality |= {"format": KINDS[self._suffix], "subtype": DEPTHS[self._suffix][self.depth]}
        try:
            return soundfile.SoundFile(str(self._temporary), "w", self.rate, self.channels, **quality)
        except (soundfile.SoundFileError, ValueError) as error:
            reason = getattr(error, "error_string", str(error)).rstrip(".")
            raise AudioError(f"{self.path}: cannot hold {self.channels} channels at {self.rate} Hz ({reason})") from error

    def _finish(self) -> None:
        """Make the closed file's bytes depend on its sound alone, and read its end back."""
        if not self.frames:
            raise AudioError(f"{self.path}: found no samples to write, expected at least one")
        if self._suffix == ".wav":
            riff.clear_peak_time(self._temporary)
        elif self._suffix == ".ogg":
            ogg.settle_serial(self._temporary)
        elif self._suffix == ".mp3":
            self._put_in_front(id3.tag(asdict(self._tags)))
        try:
            with soundfile.SoundFile(str(self._temporary)) as file:
                held = file.frames
                file.seek(self.frames - 1)
                held = held if len(file.read(1)) else 0
        except (soundfile.SoundFileError, RuntimeError) as error:
            raise self._refused() from error
        if held != self.frames:
            raise self._refused()

    def _put_in_front(self, head: bytes) -> None:
        """Bytes before the file's first one."""
        if not head:
            return
        with whole.replacing(self._temporary) as longer, self._temporary.open("rb") as source, longer.open("wb") as file:
            file.write(head)
            shutil.copyfileobj(source, file)

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
