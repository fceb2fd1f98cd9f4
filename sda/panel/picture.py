"""What is known of an engine: an entry for each thing that it tells, set by the message that tells it. No thread, no socket.

One thread calls `take`. Attributes are replaced, never changed, so that others read them without a lock; of the dictionaries
only single entries are set.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from sda.adapters.osc_acts import MapShown, PresetName, Status
from sda.adapters.osc_packet import Arg, Message
from sda.errors import ControlError
from sda.panel.told import BoundTo, Came, Line, Outcome, map_of, row_of, status_of
from sda.params import Param, Value, check

SILENCE = -120.0  # dB of full scale
LINES = 500  # messages of the engine that are kept
WATCHED = 40  # messages to it that are kept

Args = tuple[Arg, ...]


class Picture:
    """An engine as it last told of itself."""

    def __init__(self, host: str) -> None:
        """host: where it is."""
        self._host = host
        self.rows: tuple[Param, ...] = ()
        self.values: dict[str, Value] = {}  # by id
        self.moved: dict[str, float] = {}  # when somebody else last moved each, s of the monotonic clock
        self.outcomes: dict[str, Outcome] = {}  # of acts and refused values, by address
        self.latest: tuple[str, Outcome] | None = None  # of those, with its address
        self.status = Status(state="gone")
        self.presets: tuple[PresetName, ...] = ()
        self.models: tuple[str, ...] = ()
        self.bindings: tuple[BoundTo, ...] = ()
        self.safe: tuple[tuple[float, float], ...] = ()  # of each slider, positions that sound like the recordings
        self.oscquery = ""  # where it answers, if it does
        self.files = ("", "")  # names of the recording and of the take that it writes, whoever began them
        self.map = MapShown()  # of the model's recordings, with one shade
        self.here: tuple[float, float, int] | None = None  # where on it the sound is, and the index of the nearest place
        self.peaks = (SILENCE, SILENCE)  # dB of full scale
        self.wave: NDArray[np.float32] = np.zeros(1, np.float32)
        self.spectrum: NDArray[np.float32] = np.full(1, SILENCE, np.float32)  # dB, in bands
        self.looks = 0  # of wave and spectrum so far
        self.lines: deque[Line] = deque(maxlen=LINES)
        self.came: deque[Came] = deque(maxlen=WATCHED)  # messages of others to the engine
        self.heard = 0  # messages so far
        self._addresses: dict[str, Param] = {}
        self._coming: dict[str, list[object]] = {}  # lists that are being told
        self._table = 0  # times that the rows were told
        self._rev = -1
        self._restarts = 0  # times that an engine said that it begins
        self._hands: dict[str, Callable[[Args], None]] = {
            "/sda/param": self._param, "/sda/params": self._params, "/sda/rev": self._revision,
            "/sda/status/reply": self._state, "/sda/meter": self._meter, "/sda/scope": self._scope,
            "/sda/log": self._log, "/sda/error": self._error, "/sda/done": self._done, "/sda/started": self._started,
            "/sda/presets/name": self._collect("presets"), "/sda/presets": self._presets,
            "/sda/models/name": self._collect("models"), "/sda/models": self._models,
            "/sda/midi/binding": self._collect("bindings"), "/sda/midi/bindings": self._bindings,
            "/sda/safe": self._safe, "/sda/map/recordings": self._collect("recordings"),
            "/sda/map/points": self._collect("places"), "/sda/map": self._map, "/sda/map/here": self._pointed,
            "/sda/oscquery": self._query, "/sda/files": self._files, "/sda/monitor": self._monitor,
        }  # fmt: skip

    def row(self, id: str) -> Param | None:
        """A control by its id, if it is there."""
        return next((row for row in self.rows if row.id == id), None)

    def note(self, kind: str, text: str) -> None:
        """Keep a message of the panel's own beside the engine's."""
        self.lines.append(Line(time.time(), kind, text))

    def take(self, message: Message) -> None:
        """Learn what a message tells; what is not known tells nothing."""
        self.heard += 1
        row = self._addresses.get(message.address)
        if row is not None:
            self._value(row, message.args)
            return
        hand = self._hands.get(message.address)
        if hand is not None:
            with suppress(ControlError, TypeError, ValueError, IndexError):  # a newer engine may say more than we know
                hand(message.args)

    # One hand for each thing that is told.

    def _value(self, row: Param, args: Args) -> None:
        with suppress(ControlError):
            value = check(row, args[0] if args else None)
            if self.values.get(row.id) != value:
                self.values[row.id] = value
                self.moved[row.id] = time.monotonic()

    def _param(self, args: Args) -> None:
        self._coming.setdefault("rows", []).append(row_of(args))

    def _params(self, args: Args) -> None:
        rows = tuple(row for row in self._coming.pop("rows", ()) if isinstance(row, Param))
        if len(rows) == args[0] and rows != self.rows:
            self._addresses = {row.address: row for row in rows}
            self.values = {row.id: self.values.get(row.id, row.default) for row in rows}
            self.rows = rows
        self._table += 1

    def _revision(self, args: Args) -> None:
        self._rev = int(args[0])  # type: ignore[arg-type]

    def _state(self, args: Args) -> None:
        self.status = status_of(args)

    def _meter(self, args: Args) -> None:
        self.peaks = (float(args[0]), float(args[1]))  # type: ignore[arg-type]

    def _scope(self, args: Args) -> None:
        wave, spectrum = (np.frombuffer(blob, ">f4").astype(np.float32) for blob in args if isinstance(blob, bytes))
        self.wave, self.spectrum = wave, spectrum
        self.looks += 1

    def _log(self, args: Args) -> None:
        self.lines.append(Line(time.time(), "log", str(args[0])))

    def _query(self, args: Args) -> None:
        port = int(args[0])  # type: ignore[arg-type]
        self.oscquery = f"http://{self._host}:{port}" if port else ""

    def _files(self, args: Args) -> None:
        self.files = (str(args[0]), str(args[1]))

    def _map(self, args: Args) -> None:
        names, places = self._collected("recordings"), self._collected("places")
        known = map_of(names, places)
        if len(known.x) == args[0]:
            self.map = known

    def _pointed(self, args: Args) -> None:
        x, y, index = args
        self.here = float(x), float(y), int(index)  # type: ignore[arg-type]

    def _monitor(self, args: Args) -> None:
        self.came.append(Came(time.time(), str(args[0]), str(args[1])))

    def _error(self, args: Args) -> None:
        address, text = str(args[0]), str(args[2])
        self._ended(address, Outcome(time.monotonic(), False, text))
        self.lines.append(Line(time.time(), "error", f"{address}: {text}" if address else text))

    def _done(self, args: Args) -> None:
        self._ended(str(args[0]), Outcome(time.monotonic(), True, " ".join(map(str, args[1:]))))

    def _ended(self, address: str, outcome: Outcome) -> None:
        self.outcomes[address] = outcome
        self.latest = address, outcome

    def _started(self, args: Args) -> None:
        self._restarts += 1

    def _collect(self, what: str) -> Callable[[Args], None]:
        return lambda args: self._coming.setdefault(what, []).append(args)

    def _collected(self, what: str) -> list[Args]:
        return [args for args in self._coming.pop(what, ()) if isinstance(args, tuple)]

    def _presets(self, args: Args) -> None:
        found = self._collected("presets")
        if len(found) == args[0]:  # else a datagram was lost
            self.presets = tuple(PresetName(*each) for each in found)  # type: ignore[arg-type]

    def _models(self, args: Args) -> None:
        found = self._collected("models")
        if len(found) == args[0]:
            self.models = tuple(str(each[0]) for each in found)

    def _bindings(self, args: Args) -> None:
        found = self._collected("bindings")
        if len(found) == args[0]:
            self.bindings = tuple(BoundTo(*each) for each in found)  # type: ignore[arg-type]

    def _safe(self, args: Args) -> None:
        numbers = [float(arg) for arg in args if isinstance(arg, float | int)]
        self.safe = tuple(zip(numbers[::2], numbers[1::2], strict=True))
