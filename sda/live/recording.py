"""What is played, as a file: a second reader of the ring, behind the player's, in a thread of the engine's.

It follows the player and not the writer, so that what `panic` silenced is silent here, too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from sda.errors import SdaError, TakeError
from sda.formats.audio_out import AudioWriter
from sda.library import Library
from sda.live.deeds import Deed
from sda.live.facts import Facts
from sda.live.ring import CHANNELS, Floats, Ring, RingReader
from sda.live.supervisor import Events
from sda.live.takes import Tell, new_file
from sda.params import Value

START, STOP = "/sda/record/start", "/sda/record/stop"
GLANCE = 0.05  # s between two looks at the ring, which holds a second
SUFFIX = ".wav"


class Tap:
    """The ring as its second reader sees it: what the player took, no more."""

    def __init__(self, ring: Ring) -> None:
        self._ring, self._at = ring, ring.read
        self.lost = 0  # frames that were overwritten before they were read

    @property
    def fill(self) -> int:
        """Frames that were played and not yet read here."""
        gone = max(0, self._ring.oldest - self._at)
        self.lost, self._at = self.lost + gone, self._at + gone
        return self._ring.read - self._at

    @property
    def muted(self) -> bool:
        return self._ring.muted

    def copy_to(self, out: Floats) -> int:
        """Take the next frames into `out` [n, 2], as many as there are; returns them."""
        count = min(len(out), self._ring.read - self._at)
        self._ring.look_at(out[:count], self._at)
        self._at += count
        return count

    def mirror_to(self, out: Floats, offset: int) -> None:
        """Nobody asks for the mirror image: more than there is is never read."""
        raise AssertionError


class Recording:
    """One file, from construction until it is stopped or cannot go on."""

    def __init__(self, ring: Ring, facts: Facts, path: Path, ended: Callable[[str], None]) -> None:
        """ended: called in a thread of its own with what went wrong, or nothing. Raises `AudioError`."""
        self.path, self._facts, self._rate, self._ended = path, facts, facts.rate, ended
        self._tap = Tap(ring)
        self._reader = RingReader(self._tap, self._rate)
        self._writer = AudioWriter(path, self._rate, CHANNELS, depth="32f")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="record", daemon=True)
        self._thread.start()

    def stop(self, *, wait: bool = False) -> None:
        """Write what was played so far, and end."""
        self._stopping.set()
        if wait:
            self._thread.join()

    def _run(self) -> None:
        trouble = ""
        try:
            with self._writer as writer:
                while not self._stopping.wait(GLANCE) and self._facts.rate == self._rate:
                    self._drain(writer)
                self._drain(writer)
        except SdaError as error:
            trouble = str(error)
        self._ended(trouble)

    def _drain(self, writer: AudioWriter) -> None:
        while (count := self._tap.fill) > 0:
            out = np.zeros((min(count, self._rate), CHANNELS), np.float32)
            self._reader.read_into(out)
            writer.write(out.T)


class Recordings:
    """The recording that is being made, if one is. The engine's main thread calls it, and no other."""

    def __init__(
        self,
        events: Events,
        ring: Callable[[], Ring | None],
        facts: Facts,
        tell: Tell,
        refuse: Callable[[str, str, str], None],
    ) -> None:
        """`tell` answers a source; `refuse` tells it, of an address, why not."""
        self.table = {"record.start": self._later(self._start), "record.stop": self._later(self._stop)}
        self._home, self._events, self._ring, self._facts = Library().home, events, ring, facts
        self._tell, self._refuse = tell, refuse
        self._recording: Recording | None = None
        self._stopper = ""  # who asked for the end

    @property
    def name(self) -> str:
        """Of the file that is being written, or nothing. Any thread."""
        recording = self._recording
        return "" if recording is None else recording.path.name

    def _later(self, run: Deed) -> Deed:
        return lambda args, source: self._events.put((None, {"kind": "call", "run": partial(run, args, source)}))

    def _start(self, args: Sequence[Value], source: str) -> None:
        """Begin a file in the library's folder, and say under which name."""
        ring = self._ring()
        assert ring is not None
        try:
            if self._recording is not None:
                raise TakeError(f"{self._recording.path.name} is being recorded; {STOP} ends it")
            path = new_file(self._home / "recordings", "".join(map(str, args)), SUFFIX)
            self._recording = Recording(ring, self._facts, path, self._note_end)
        except SdaError as error:
            self._refuse(source, START, str(error))
            return
        self._tell(source, "/sda/done", START, path.name)

    def _stop(self, args: Sequence[Value], source: str) -> None:
        """End it; once the file is whole it is said."""
        if self._recording is None:
            self._refuse(source, STOP, "nothing is being recorded")
            return
        self._stopper = source
        self._recording.stop()

    def _ended(self, trouble: str) -> None:
        """The file is whole, or was given up."""
        recording, self._recording = self._recording, None
        if recording is None:
            return
        if trouble:
            self._refuse(self._stopper, STOP, trouble)
        elif self._stopper:
            self._tell(self._stopper, "/sda/done", STOP, recording.path.name)
        self._stopper = ""

    def close(self) -> None:
        """End it with the engine."""
        if self._recording is not None:
            self._recording.stop(wait=True)

    def _note_end(self, trouble: str) -> None:
        self._events.put((None, {"kind": "call", "run": partial(self._ended, trouble)}))
