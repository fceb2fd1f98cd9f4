"""A sound file played once, for somebody who holds no device: `python -m sda.live.player_file FILE [DEVICE]`.

A process of its own as every player is: a device may hang, and whoever listens wants to stop at once by ending it. Exit code 2
and one line on standard error where the file or the device cannot be had.
"""

from __future__ import annotations

import os
import queue
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sda.core.resample import Resampler
from sda.errors import SdaError
from sda.formats import audio
from sda.live.player_device import DeviceSink
from sda.live.ring import CHANNELS, Floats

WISHED = 48_000  # Hz
PIECE = 4096  # frames
AHEAD = 32  # pieces that are kept ready
GLANCE = 0.02  # s between two looks


class FileFeed:
    """Hands out pieces [t, 2] that were put in, then silence."""

    def __init__(self) -> None:
        self.pulled_at = time.monotonic()  # s, of the last call
        self.waiting: queue.SimpleQueue[Floats] = queue.SimpleQueue()
        self._rest = np.zeros((0, CHANNELS), np.float32)

    @property
    def dry(self) -> bool:
        """Everything that was put in has been handed out."""
        return self.waiting.empty() and not len(self._rest)

    def pull(self, out: Floats, due: float | None = None) -> int:
        """Fill `out` [n, 2]; returns how many of its frames are sound."""
        self.pulled_at = time.monotonic()
        filled = 0
        while filled < len(out):
            if not len(self._rest):
                try:
                    self._rest = self.waiting.get_nowait()
                except queue.Empty:
                    break
            part = self._rest[: len(out) - filled]
            out[filled : filled + len(part)] = part
            self._rest = self._rest[len(part) :]
            filled += len(part)
        out[filled:] = 0.0
        return filled


def pieces(path: Path, rate: int) -> Iterator[Floats]:
    """A file as pieces [t, 2] at `rate` Hz: mono on both sides, of more channels the first two. Raises `AudioError`."""
    resampler = Resampler(audio.probe(path).rate, rate)
    states = [resampler.start() for _ in range(CHANNELS)]
    for block in audio.blocks(path):
        both = block[:, [0, min(1, block.shape[1] - 1)]]
        made = []
        for channel in range(CHANNELS):
            sound, states[channel] = resampler.step(np.ascontiguousarray(both[:, channel]), states[channel])
            made.append(sound)
        joined = np.stack(made, axis=1).astype(np.float32)
        yield from (joined[start : start + PIECE] for start in range(0, len(joined), PIECE))


def play(path: Path, device: str) -> None:
    """Play a file to its end. Raises `SdaError` where it cannot be read, or the device is not there or goes away."""
    audio.probe(path)
    sink, feed = DeviceSink(device, WISHED), FileFeed()
    source = pieces(path, sink.rate)
    for _, piece in zip(range(AHEAD), source, strict=False):
        feed.waiting.put(piece)
    sink.start(feed)
    for piece in source:
        feed.waiting.put(piece)
        while feed.waiting.qsize() >= AHEAD and sink.failure() is None:
            time.sleep(GLANCE)
    while not feed.dry and sink.failure() is None:
        time.sleep(GLANCE)
    time.sleep(sink.latency + GLANCE)


def main() -> None:
    """Play what the command line names. Never returns: a library whose server died must not hold up the end."""
    path, device, *_ = [*sys.argv[1:], ""]
    code = 0
    try:
        play(Path(path), device)
    except SdaError as error:
        sys.stderr.write(f"{error}\n")
        code = 2
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
