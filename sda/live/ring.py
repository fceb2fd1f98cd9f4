"""The ring: shared memory between the renderer, who writes, and the player, who reads.

One writer and one reader, no lock between them: each owns one index and only reads the other's. An index is published
after the samples it speaks of; on a processor without store order a lock of our own, that nobody else ever takes,
stands between the two as a memory barrier. The mute word is the engine's: the reader ramps to silence over 5 ms
whatever lies in the ring. Behind the read index the writer leaves 5 ms untouched, so that a reader who finds the ring
dry can fade out over the mirror image of what it played last: no step in the wave, no samples invented elsewhere.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker, shared_memory
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

CHANNELS = 2
FADE = 0.005  # s, of the mute word and of a ring that runs dry
LINE = 8  # int64 words in a cache line, so that writer and reader never share one
WRITTEN, READ, MUTED = 0, LINE, 2 * LINE
HEADER = 4 * LINE * 8  # bytes
SPARE = 1024  # frames kept behind the reader: 5 ms at 192 kHz


class Ring:
    """Stereo frames [n, 2] in shared memory, counted from the start of the engine."""

    def __init__(self, memory: shared_memory.SharedMemory, *, owner: bool) -> None:
        self._memory, self._owner = memory, owner
        self._words: NDArray[np.int64] = np.ndarray((HEADER // 8,), np.int64, memory.buf)
        # macOS and Windows round a segment up to pages, so the size in the first header line counts.
        self.frames = int(self._words[3 * LINE])
        self._samples: Floats = np.ndarray((self.frames, CHANNELS), np.float32, memory.buf, HEADER)
        self._barrier = threading.Lock()

    @classmethod
    def create(cls, frames: int) -> Self:
        """A new ring of this many frames, silent and empty. Whoever creates it unlinks it by `close`."""
        assert frames > SPARE, frames
        memory = shared_memory.SharedMemory(create=True, size=HEADER + frames * CHANNELS * 4)
        np.ndarray((HEADER // 8,), np.int64, memory.buf)[3 * LINE] = frames  # the system hands out zeros
        return cls(memory, owner=True)

    @classmethod
    def attach(cls, name: str) -> Self:
        """The ring that another process created under this name."""
        with _untracked():
            memory = shared_memory.SharedMemory(name=name)
        return cls(memory, owner=False)

    @property
    def name(self) -> str:
        """What `attach` wants in another process."""
        return self._memory.name

    @property
    def written(self) -> int:
        """Frames written since the start."""
        return int(self._words[WRITTEN])

    @property
    def read(self) -> int:
        """Frames read since the start."""
        return int(self._words[READ])

    @property
    def fill(self) -> int:
        """Frames written and not yet read."""
        return self.written - self.read

    @property
    def oldest(self) -> int:
        """The first frame that the writer does not touch for a while."""
        return self.written - self.frames + SPARE

    @property
    def muted(self) -> bool:
        return bool(self._words[MUTED])

    @muted.setter
    def muted(self, on: bool) -> None:
        self._words[MUTED] = on

    def write(self, block: Floats) -> int:
        """Append a block [2, T], as much of it as there is room for; returns those frames."""
        start = self.written
        room = self.frames - SPARE - (start - self.read)
        count: int = min(block.shape[1], room)
        at = start % self.frames
        first = min(count, self.frames - at)
        self._samples[at : at + first] = block[:, :first].T
        self._samples[: count - first] = block[:, first:count].T
        with self._barrier:
            pass
        self._words[WRITTEN] = start + count
        return count

    def copy_to(self, out: Floats) -> int:
        """Take the next frames into `out` [n, 2], as many as there are; returns them."""
        start = self.read
        count = min(len(out), self.written - start)
        with self._barrier:
            pass
        at = start % self.frames
        first = min(count, self.frames - at)
        out[:first] = self._samples[at : at + first]
        out[first:count] = self._samples[: count - first]
        with self._barrier:
            pass
        self._words[READ] = start + count
        return count

    def look_at(self, out: Floats, start: int) -> None:
        """Fill `out` [n, 2] with the frames from `start` on, which the reader has read already; see `oldest`."""
        out[:] = self._samples[(start + np.arange(len(out))) % self.frames]

    def mirror_to(self, out: Floats, offset: int) -> None:
        """Fill `out` [n, 2] with what was read last, backwards, starting `offset` frames before the read index."""
        at = (self.read - 1 - offset - np.arange(len(out))) % self.frames
        out[:] = self._samples[at]

    def close(self) -> None:
        """Let go of the memory; the creator removes its name as well."""
        del self._words, self._samples
        self._memory.close()
        if self._owner:
            self._memory.unlink()


class Readable(Protocol):
    """The ring as a reader sees it."""

    @property
    def fill(self) -> int: ...

    @property
    def muted(self) -> bool: ...

    def copy_to(self, out: Floats) -> int: ...

    def mirror_to(self, out: Floats, offset: int) -> None: ...


class RingReader:
    """The player's end of the ring: fades where it is muted or dry, and counts."""

    def __init__(self, ring: Readable, rate: int) -> None:
        self._ring = ring
        self._steps = round(FADE * rate)  # frames of a whole fade
        levels = np.arange(self._steps + 1, dtype=np.float64) / self._steps
        self._curve = (0.5 - 0.5 * np.cos(np.pi * levels)).astype(np.float32)[:, None]  # [steps + 1, 1]
        self._level = 0  # steps up the fade: 0 silent, `_steps` full
        self._tail = 0  # frames of the mirror image played since the ring ran dry
        self._dry = True
        self.started = False  # the first frame has been read
        self.underruns = 0  # times the ring ran dry under a sound

    def read_into(self, out: Floats) -> int:
        """Fill `out` [n, 2], with silence where the ring ran dry, and return the frames that were real."""
        if self._dry and (self._level > 0 or self._ring.fill < len(out)):
            self._fade_tail(out)
            return 0
        if not self.started:
            self.started = True
            self._level = 0 if self._ring.muted else self._steps  # what starts needs no fade of ours
        self._dry = False
        count = self._ring.copy_to(out)
        self._fade(out[:count], 0 if self._ring.muted else self._steps)
        if count < len(out):
            self._dry, self._tail = True, 0
            self._count_underrun()
            self._fade_tail(out[count:])
        return count

    def _count_underrun(self) -> None:
        """Only what was heard can be missed: a ring that dries up while it holds zeros costs nobody anything."""
        last = np.empty((self._steps, CHANNELS), np.float32)
        self._ring.mirror_to(last, 0)
        self.underruns += bool(self._level > 0 and last.any())

    def _fade_tail(self, out: Floats) -> None:
        """The dry ring's fade: the mirror image going to silence, in as many calls as it takes."""
        count = min(len(out), self._level)
        self._ring.mirror_to(out[:count], self._tail)
        self._tail += count
        self._fade(out[:count], 0)
        out[count:] = 0.0

    def _fade(self, out: Floats, target: int) -> None:
        """Weigh `out` [n, 2] by the fade's curve, a step a frame towards `target`."""
        if self._level == target == self._steps:
            return
        count = min(len(out), abs(target - self._level))
        if target > self._level:
            out[:count] *= self._curve[self._level + 1 : self._level + 1 + count]
            self._level += count
        else:
            weights = self._curve[self._level - count : self._level][::-1]
            out[:count] *= weights
            self._level -= count
        if self._level == 0:
            out[count:] = 0.0


@contextmanager
def _untracked() -> Iterator[None]:
    """Keep Python 3.11 and 3.12 from unlinking a segment when a process that only attached to it ends.

    https://github.com/python/cpython/issues/82300; Python 3.13 has `track=False` for it.
    """
    register = resource_tracker.register
    resource_tracker.register = lambda name, rtype: None
    try:
        yield
    finally:
        resource_tracker.register = register
