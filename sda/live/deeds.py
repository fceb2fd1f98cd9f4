"""What adapters may ask of the engine: its state, its models, the acts. Called in their threads; nothing here waits.

A deed is the function behind a row of `sda.acts`. Those that need the engine's main thread leave it a note.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from sda.adapters.osc_acts import MapShown, PresetName, Status
from sda.control import Controls
from sda.core.schedule import STRIKE
from sda.live.facts import Facts
from sda.live.repertoire import Repertoire
from sda.live.ring import Ring
from sda.live.stream import Stream
from sda.live.supervisor import Events
from sda.live.wire import Send
from sda.mapping import Binding, Mapping
from sda.params import Value

Deed = Callable[[Sequence[Value], str], None]
"""(checked arguments, source of the wish)"""


class Deeds:
    """The engine as adapters see it (`sda.adapters.osc_acts.Acts`)."""

    def __init__(self, controls: Controls, facts: Facts, repertoire: Repertoire, events: Events, stream: Stream) -> None:
        self.ring: Ring | None = None
        self.query_port = 0  # where OSCQuery is answered; 0 where it is not
        self.dropped: Callable[[], int | None] = lambda: None  # packets that the system dropped, where it tells
        self.table: dict[str, Deed] = {"panic": self._panic, "reload": self._reload}
        self.listed: Callable[[], Sequence[PresetName]] = tuple  # the library's presets
        self.written: Callable[[], tuple[str, str]] = lambda: ("", "")  # names of the recording and the take under way
        self.mapping: Callable[[], Mapping] = Mapping  # what `controls.toml` holds
        self._controls, self._facts, self._repertoire, self._events = controls, facts, repertoire, events
        self.stream = stream
        self.table["strike"] = stream.strike
        self._numbers = itertools.count(1)  # tell acts and questions apart
        self._waiting: dict[int, Callable[[], None]] = {}  # whoever asked to be told when all is in effect
        self._postponed: list[int] = []  # of those, whom a model that loads keeps waiting

    def status(self) -> Status:
        """The state of everything."""
        return self._facts.status(bool(self._controls.get("play")), self.dropped())

    def models(self) -> Sequence[str]:
        """Names of the library's models."""
        return self._repertoire.names

    def presets(self) -> Sequence[PresetName]:
        """The library's presets, by number."""
        return self.listed()

    def map(self) -> MapShown:
        """The map of the model that sounds."""
        model = self._facts.model
        return MapShown() if model is None else model.map

    def safe(self) -> Sequence[tuple[float, float]]:
        """The safe range of each slider of the model that sounds."""
        model = self._facts.model
        return () if model is None else model.safe

    def bindings(self) -> Sequence[Binding]:
        """What MIDI controllers move."""
        return self.mapping().bindings

    def files(self) -> tuple[str, str]:
        """Names of the recording and of the take that are being written; nothing for what is not."""
        return self.written()

    def perform(self, act: str, args: Sequence[Value], source: str, place: int | None = None) -> None:
        """One of `sda.acts`, by its id; a grain can be struck at a position of the stream, all else is done now."""
        if act == STRIKE:
            self.stream.strike(args, source, place)
        else:
            self.table[act](args, source)

    def place(self, moment: float) -> int | None:
        """The position in the stream that is played at a moment, in s since 1970; None while nothing is."""
        return self.stream.place(moment)

    @property
    def lead(self) -> float:
        """Seconds before its moment by which what is to act there must be on its way."""
        return self.stream.lead

    def settle(self, done: Callable[[], None]) -> None:
        """Call `done` once the renderer has taken everything sent so far."""
        number = next(self._numbers)
        self._waiting[number] = done
        self._events.put((None, {"kind": "settle", "n": number}))

    # For the engine's main thread.

    def postpone(self, number: int) -> None:
        """Someone waits until everything is in effect."""
        self._postponed.append(number)

    def ask(self, send: Send) -> None:
        """Have the renderer say when it has taken everything, where no model loads."""
        while self._postponed and not self._facts.loading:
            self.stream.flush()
            send({"kind": "sync", "n": self._postponed.pop(0)})

    def synced(self, number: int) -> None:
        self._waiting.pop(number, lambda: None)()

    def excuse(self) -> None:
        """Let nobody wait for the answers of a child that died."""
        for number in tuple(self._waiting):
            self.synced(number)

    # The acts.

    def _panic(self, args: Sequence[Value], source: str) -> None:
        """The player's mute word, then `play` off."""
        if self.ring is not None:
            self.ring.muted = True
        self._controls.set("play", False, f"panic {next(self._numbers)}")

    def _reload(self, args: Sequence[Value], source: str) -> None:
        self._events.put((None, {"kind": "reload", "source": source}))
