"""The take that is being written, if one is. The engine's main thread calls it, and no other.

The renderer tells what takes effect and where; it goes to the file at once, so that a take which is cut off holds all that
happened before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from sda.errors import SdaError, TakeError
from sda.formats import take
from sda.library import Library
from sda.live.deeds import Deed
from sda.live.ring import Ring
from sda.live.supervisor import Events
from sda.live.wire import Message, Send
from sda.params import Value

START, STOP = "/sda/take/start", "/sda/take/stop"
CLOCK_S = 1.0  # s between lines that say that it goes on
SUFFIX = ".take"

Tell = Callable[..., None]
"""(source, address, *arguments): answer whoever asked."""


class Takes:
    """Writes one take at a time."""

    def __init__(
        self,
        events: Events,
        ring: Callable[[], Ring | None],
        send: Send,
        tell: Tell,
        refuse: Callable[[str, str, str], None],
    ) -> None:
        """`send` reaches the renderer; `tell` answers a
        source; `refuse` tells it, of an address, why not.
        """
        self.table = {"take.start": self._later(self._start), "take.stop": self._later(self._stop)}
        self._home, self._events, self._ring, self._send = Library().home, events, ring, send
        self._tell, self._refuse = tell, refuse
        self._file: BinaryIO | None = None
        self._path = self._home
        self._begun = False  # the header is written
        self._rate, self._clock = 0, 0  # Hz, and the last position that was written
        self._end: tuple[int, str] | None = None  # where it ends, and who asked for that

    @property
    def on(self) -> bool:
        """Whether the renderer must tell what it does."""
        return self._file is not None and self._end is None

    @property
    def name(self) -> str:
        """Of the take that is being written, or nothing. Any thread."""
        return self._path.name if self.on else ""

    def open(self, path: Path | None) -> None:
        """Begin a take in a new file, if there is to be one, with the renderer's next word. Raises `TakeError`."""
        if path is None:
            return
        try:
            self._file = path.open("xb", buffering=0)
        except OSError as error:
            raise TakeError(f"{path}: cannot write a take there ({error.strerror}); expected a new file") from error
        self._path, self._begun, self._end = path, False, None

    def handle(self, message: Message) -> None:
        """What the renderer says of a take: `taking`, `applied`, `swap`, `taken`, and in each `report` how far it is."""
        match message["kind"]:
            case "taking" if not self._begun:
                self._begun, self._rate, self._clock = True, message["rate"], message["position"]
                now = datetime.now(UTC).isoformat(timespec="seconds")
                self._write(take.header(self._rate, self._clock, message["segment"], now))
            case "taking" | "swap":
                self._write(take.swap(message["position"], message["segment"]))
            case "applied":
                self._write(take.lines(message["events"]))
            case "report" if self._begun and message["position"] - self._clock >= CLOCK_S * self._rate:
                self._clock = message["position"]
                self._write(take.mark(self._clock, take.CLOCK))
            case "taken" if self._end is not None:
                self._finish(*self._end)

    def opened(self, rate: int) -> None:
        """A device plays at a rate. A take knows but one."""
        if self._file is not None and self._begun and rate != self._rate:
            self._stop((), "")

    def close(self) -> None:
        """End the take with the engine, if there is one."""
        if self._file is not None:
            self._finish(*(self._end or (self._played(), "")))

    def _played(self) -> int:
        ring = self._ring()
        return 0 if ring is None else ring.read

    def _later(self, run: Deed) -> Deed:
        return lambda args, source: self._events.put((None, {"kind": "call", "run": partial(run, args, source)}))

    def _start(self, args: Sequence[Value], source: str) -> None:
        """Begin a take in the library's folder, and say under which name."""
        try:
            if self._file is not None:
                raise TakeError(f"{self._path.name} is being written; {STOP} ends it")
            self.open(new_file(self._home / "takes", "".join(map(str, args)), SUFFIX))
        except SdaError as error:
            self._refuse(source, START, str(error))
            return
        self._send({"kind": "take", "on": True})
        self._tell(source, "/sda/done", START, self._path.name)

    def _stop(self, args: Sequence[Value], source: str) -> None:
        """End the take here; the file is whole once the renderer has told the rest."""
        if self._file is None or self._end is not None:
            self._refuse(source, STOP, "no take is being written")
            return
        self._end = (self._played(), source)
        self._send({"kind": "take", "on": False})

    def _write(self, line: bytes) -> None:
        if self._file is None:
            return
        try:
            self._file.write(line)
        except OSError as error:
            self._file.close()
            self._file = None
            self._refuse("", START, f"{self._path}: the take ends here ({error.strerror})")

    def _finish(self, position: int, source: str) -> None:
        if self._begun:
            self._write(take.mark(position, take.END))
        if self._file is not None:
            self._file.close()
        if not self._begun:
            self._path.unlink(missing_ok=True)
        self._file, self._end, self._begun = None, None, False
        if source:
            self._tell(source, "/sda/done", STOP, self._path.name)


def new_file(folder: Path, name: str, suffix: str) -> Path:
    """A path in a folder of the library where there is no file yet; without a name the time is one. Raises `TakeError`."""
    stem = name or datetime.now().astimezone().strftime("%Y-%m-%d %H.%M.%S")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TakeError(f"{folder}: cannot write there ({error.strerror})") from error
    path, number = folder / f"{stem}{suffix}", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}{suffix}"
    return path
