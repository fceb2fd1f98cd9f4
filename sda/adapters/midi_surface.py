"""What MIDI does: controls moved, acts done, keys that strike, clocks, and what controllers are told. No port, no thread.

Bytes of a port in, bytes for ports out; moments are any clock's seconds that only grow. One thread calls everything.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial

from sda.acts import act_of, check_arguments
from sda.adapters.midi_bytes import Message, Word, decode
from sda.adapters.midi_clock import Tempo
from sda.adapters.midi_events import Event, Reader
from sda.adapters.midi_feedback import Feedback
from sda.adapters.midi_learn import Learn
from sda.adapters.midi_map import ACTING, STRIKE, Perform, Router
from sda.adapters.midi_takeover import PRESSED
from sda.control import Change, Changes, Controls, Setting
from sda.errors import ControlError, SdaError
from sda.mapping import Binding, Mapping, Sender, place_of
from sda.params import Kind, Value

HOLD = 64  # the pedal's controller
SILENCE, DEFAULTS, RELEASE = 120, 121, 123  # channel mode messages (MIDI 1.0, table 3)
KEPT = ("play", "model")  # controls that 121 leaves: a host sends it whenever it stops
FREEZE, PANIC, NUMBER = "freeze", "panic", "preset.number"
READERS = 64  # ports whose halves of numbers are remembered

Tell = Callable[[str, str], None]
"""Tell whoever listens: the id of an act or control, and a text."""


class MidiSurface:
    """The MIDI side of the controls and acts."""

    def __init__(self, controls: Controls, perform: Perform, complain: Tell, wake: Callable[[], None] = lambda: None) -> None:
        """`complain` is told of acts that could not be done; `wake` is called, from any thread, when `due` has more to say."""
        self.mapping = Mapping()
        self._controls, self._complain, self._wake = controls, complain, wake
        self._changes = Changes()
        self._router = Router(controls, perform)
        self._feedback = Feedback()
        self._tempo = Tempo()
        self._clock_port = ""
        self._readers: OrderedDict[str, Reader] = OrderedDict()
        self._outputs: Sequence[str] = ()
        self._learn: Learn | None = None
        self._learned: Callable[[Binding | None], None] = lambda _: None
        controls.subscribe(self._take)

    # What is bound.

    def install(self, mapping: Mapping) -> None:
        """Use these maps from now on."""
        self.mapping = mapping
        self._router.install(mapping.bindings)
        self._feedback.install(mapping.bindings, self._outputs)

    def connect(self, outputs: Sequence[str]) -> None:
        """The ports that can be told something; one that is new is told everything."""
        self._outputs = outputs
        self._feedback.install(self.mapping.bindings, outputs)

    def learn(self, target: str, *, act: bool, now: float, done: Callable[[Binding | None], None]) -> None:
        """Bind what is moved next to a control or act; `done` gets the binding, or None where nothing was moved.

        A slider is bound by its name, so that the binding outlives its model. An armed control is let go for another one.
        Raises `ControlError` for a control that is not there or has no range, and for an act that must be told something.
        """
        if act:
            check_arguments(act_of(target), ())
        else:
            row = self._controls.row(target)
            if row.kind is Kind.TEXT:
                raise ControlError(f"{row.id}: expected a control with a range or choices")
            target = f"slider.{row.name}" if row.name else row.id
        self.forget_learning()
        self._learn, self._learned = Learn(target, act=act, now=now), done

    def forget_learning(self) -> None:
        """Let go of the control that is armed."""
        if self._learn is not None:
            self._learn = None
            self._learned(None)

    # What comes in.

    def receive(self, port: str, data: bytes, now: float) -> None:
        """Do what a message of a port says; what is no message is ignored."""
        message = decode(data)
        if message is None:
            return
        self._catch_up()
        if not message.channel:
            self._common(message, port, now)
        elif message.word is Word.CC and message.number >= SILENCE:
            self._mode(message, port)
        else:
            self._handle(self._reader(port).read(message, now), port, now)

    def due(self, now: float) -> tuple[list[tuple[str, bytes]], float]:
        """What goes out now, by port, and when it is worth asking again, s."""
        self._catch_up()
        for port, reader in self._readers.items():
            self._handle(reader.due(now), port, now)
        if self._learn is not None and now >= self._learn.until:
            learn, self._learn = self._learn, None
            self._learned(learn.verdict())
        out, then = self._feedback.due(self._place, now)
        learning = self._learn.until if self._learn is not None else then
        return out, min(then, learning, *(reader.next() for reader in self._readers.values()), now + 3600.0)

    def _take(self, changes: tuple[Change, ...]) -> None:
        """Changes of what is bound, inside the controls' lock."""
        bound = self._router.by_id
        told = [change for change in changes if change.id in bound]
        if told:
            self._changes.put(told)
            self._wake()

    def _catch_up(self) -> None:
        """Learn what others did to the controls before a knob has its say."""
        if self._router.renew():
            self._feedback.changed(self.mapping.bindings)
        changes = self._changes.take()
        if not changes:
            return
        self._router.rearm(changes)
        moved = {change.id for change in changes}
        self._feedback.changed([route.binding for id in moved for route in self._router.by_id.get(id, ())])

    def _reader(self, port: str) -> Reader:
        reader = self._readers.get(port)
        if reader is None:
            reader = self._readers[port] = Reader()
            if len(self._readers) > READERS:
                self._readers.popitem(last=False)
        return reader

    def _handle(self, events: Sequence[Event], port: str, now: float) -> None:
        heard = [event for event in events if not self._feedback.is_echo(event, now)]
        if self._learn is not None:
            self._learn.take(heard, port, now)
            return
        for event in heard:
            routes = self._router.meeting(event, port)
            for route in routes:
                self._feedback.heard(route.binding, event, now)
                self._try(route.binding.target, partial(self._router.move, route, event, port))
            if not routes and self._on_play_channel(event.channel):
                self._unbound(event, port)
        if heard:
            self._catch_up()

    def _on_play_channel(self, channel: int) -> bool:
        return self.mapping.play_channel in (None, channel)

    def _unbound(self, event: Event, port: str) -> None:
        """What keys, the pedal and programs do where nothing was bound to them."""
        if event.sender is Sender.NOTE and event.place > 0:
            self._act(STRIKE, (event.place,), port)
        elif event.sender is Sender.PROGRAM:
            self._act(NUMBER, (event.raw,), port)
        elif event.sender is Sender.CC and event.number == HOLD:
            self._hold(event.place >= PRESSED, port)

    def _hold(self, on: bool, port: str) -> None:
        """The pedal holds what sounds."""
        self._try(FREEZE, lambda: self._controls.set(FREEZE, on, ACTING + port))

    def _mode(self, message: Message, port: str) -> None:
        """Channel mode messages: silence, everything to its default, let go of what is held."""
        if not self._on_play_channel(message.channel):
            return
        if message.number == SILENCE:
            self._act(PANIC, (), port)
        elif message.number == DEFAULTS:
            rows = [row for row in self._controls.rows if row.id not in KEPT]
            self._controls.set_many([Setting(row.id, row.default) for row in rows], ACTING + port, act=True)
        elif message.number == RELEASE:
            self._hold(False, port)

    def _common(self, message: Message, port: str, now: float) -> None:
        """Clocks and transports."""
        use = self.mapping.clock
        if message.word is Word.CLOCK:
            if self._clock_port != port:
                self._clock_port = port
                self._tempo.restart()
            tempo = self._tempo.tick(now)
            if tempo is not None:
                per_beat = {"density": use.density, "drift": use.drift}
                wishes = [Setting(id, count * tempo / 60) for id, count in per_beat.items() if count is not None]
                self._controls.set_many(wishes, ACTING + port)
        elif message.word in (Word.START, Word.CONTINUE, Word.STOP) and use.transport:
            self._tempo.restart()
            self._controls.set("play", message.word is not Word.STOP, ACTING + port, act=True)

    def _act(self, id: str, args: tuple[Value, ...], port: str) -> None:
        self._try(id, lambda: self._router.act(id, args, port))

    def _try(self, id: str, deed: Callable[[], object]) -> None:
        try:
            deed()
        except SdaError as error:
            self._complain(id, str(error))

    def _place(self, binding: Binding) -> float | None:
        """Where a binding's control stands."""
        for route in self._router.by_id.get(self._id(binding), ()):
            if route.binding == binding and route.row is not None:
                return place_of(route.row, self._controls.get(route.id))
        return None

    def _id(self, binding: Binding) -> str:
        try:
            return self._controls.row(binding.control).id
        except ControlError:
            return ""
