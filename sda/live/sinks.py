"""Where the player's frames go, and how they are asked for: `null` and `file:PATH.wav`, by the monotonic clock.

A device (`player_device`) asks in its own callback. Whoever asks calls `Feed.pull`.
"""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import Protocol

import numpy as np

from sda.errors import AudioError
from sda.formats.audio_out import AudioWriter
from sda.live.ring import CHANNELS, Floats, Ring, RingReader

BLOCK = 128  # frames a paced sink takes at a time: with the 5 ms fade, muted within 10 ms
SLIP = 0.05  # s by which a paced sink may be late before it gives the time up for lost
LENIENCE = 1.0  # s that a file waits for a ring that ran dry; after that the gap is part of the recording
GLANCE = 0.002  # s between two looks at a dry ring


class Source(Protocol):
    """What a device asks for frames."""

    pulled_at: float  # s, of the last call

    def pull(self, out: Floats, due: float | None = None) -> int:
        """Fill `out` [n, 2]; returns how many of its frames are sound."""


class Feed:
    """Hands out the ring's frames, counts them, measures them, and ends after the duration."""

    def __init__(self, ring: Ring, rate: int, duration: float | None) -> None:
        self._ring, self._reader, self.rate = ring, RingReader(ring, rate), rate
        self._limit = None if duration is None else round(duration * rate)
        self.played = 0  # frames since the first real one, silence of a dry ring included
        self._peaks = [0.0] * CHANNELS  # of what was handed out since `take_peaks`
        self.pulled_at = time.monotonic()  # s, of the last call
        self._mark: tuple[float, int] = (self.pulled_at, ring.read)

    @property
    def underruns(self) -> int:
        """Times the ring ran dry under a sound."""
        return self._reader.underruns

    @property
    def read(self) -> int:
        """Frames of the ring taken since the engine's start, whoever took them."""
        return self._ring.read

    @property
    def done(self) -> bool:
        """The duration has been played."""
        return self._limit is not None and self.played >= self._limit

    def pull(self, out: Floats, due: float | None = None) -> int:
        """Fill `out` [n, 2]; returns how many of its frames belong to the performance. due: s, when it was to be called."""
        self.pulled_at = time.monotonic()
        self._note(self.pulled_at if due is None else due, self._ring.read)
        self._reader.read_into(out)
        if not self._reader.started:
            return 0
        count = len(out) if self._limit is None else max(0, min(len(out), self._limit - self.played))
        out[count:] = 0.0
        self.played += count
        for channel in range(CHANNELS):
            self._peaks[channel] = max(self._peaks[channel], float(out[:, channel].max()), -float(out[:, channel].min()))
        return count

    def _note(self, when: float, position: int) -> None:
        """Callbacks come late, never early: of those since the last mark the earliest tells best where the stream is."""
        if self._mark[1] < 0 or when - position / self.rate < self._mark[0] - self._mark[1] / self.rate:
            self._mark = (when, position)

    def take_mark(self) -> tuple[float, int]:
        """A time, in s of the monotonic clock, and the position in the stream that was asked for then; and start anew."""
        mark, self._mark = self._mark, (self._mark[0], -1)
        return mark

    def lacks(self, frames: int) -> bool:
        """A sound has begun and the ring holds less of it than this."""
        return self._reader.started and self._ring.fill < frames

    def take_peaks(self) -> list[float]:
        """Each channel's peak since the last call, and start anew."""
        peaks, self._peaks = self._peaks, [0.0] * CHANNELS
        return peaks


class Sink(Protocol):
    """Something that asks a `Feed` for frames until it is closed."""

    name: str
    rate: int  # Hz
    latency: float  # s from being asked to being heard

    def start(self, feed: Feed) -> None: ...

    def failure(self) -> str | None:
        """Why no more frames are asked for, or None while all is well."""

    def close(self) -> None: ...


class PacedSink:
    """Frames taken at the pace of the monotonic clock; thrown away, or written to a file.

    The file (wav of 32-bit floats, flac of 24 bits, ogg or mp3) is written beside its place and takes its name by `close`;
    where nothing was played there is none. Nobody listens to a file while it is made, so it waits for sound that is late.
    """

    latency = 0.0

    def __init__(self, rate: int, path: Path | None) -> None:
        """Raises `AudioError` where the file cannot be written."""
        self.rate = rate
        self.name = "null" if path is None else f"file:{path}"
        self._context = contextlib.ExitStack()
        self._writer: AudioWriter | None = None
        if path is not None:
            depth = "32f" if path.suffix.lower() == ".wav" else None
            self._writer = self._context.enter_context(AudioWriter(path, rate, CHANNELS, depth=depth))
        self._error: str | None = None
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, feed: Feed) -> None:
        self._thread = threading.Thread(target=self._run, args=(feed,), name="pace", daemon=True)
        self._thread.start()

    def _run(self, feed: Feed) -> None:
        block = np.zeros((BLOCK, CHANNELS), np.float32)
        due = fed = time.monotonic()
        while not self._closing.is_set() and not feed.done:
            dry = feed.lacks(BLOCK)
            if dry and self._writer is not None and time.monotonic() - fed < LENIENCE:
                time.sleep(GLANCE)
                continue
            count = feed.pull(block, due)
            if self._writer is not None and count:
                try:
                    self._writer.write(block[:count].T)
                except AudioError as error:
                    self._error = str(error)
                    return
            now = time.monotonic()
            fed = fed if dry else now
            due = max(due + BLOCK / self.rate, now - SLIP)
            if due > now:
                time.sleep(due - now)

    def failure(self) -> str | None:
        return self._error

    def close(self) -> None:
        """Finish the file, with whatever a failed write left of it. Raises `AudioError` where it cannot be kept."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()
        if self._writer is not None and self._writer.frames == 0:
            nothing = AudioError(f"{self.name}: nothing was played")
            self._context.__exit__(AudioError, nothing, None)
        self._context.close()
