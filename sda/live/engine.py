"""The engine: values, OSC and library in one process, and the children that sound. No torch, no device, no window.

One thread owns everything but the values: it takes what children send, one event after the other. The OSC thread sets
values, which go straight on to the renderer, and leaves notes for that thread where more is asked.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable

from sda.control import MODEL_SOURCE, Change, Controls
from sda.errors import DeviceError, ModelError, SdaError
from sda.live import specs
from sda.live.ahead import RenderAhead
from sda.live.beginning import first_model, first_values
from sda.live.deeds import Deeds
from sda.live.facts import Facts
from sda.live.jobs import Jobs
from sda.live.keeper import Keeper
from sda.live.midi_desk import MidiDesk
from sda.live.options import Options
from sda.live.outlet import Outlet
from sda.live.ports import Ports
from sda.live.recall import Recall
from sda.live.recording import Recordings
from sda.live.repertoire import Repertoire
from sda.live.ring import Ring
from sda.live.show import Show
from sda.live.stream import Stream
from sda.live.supervisor import Child, Events, Role
from sda.live.takes import Takes
from sda.live.window import Window
from sda.live.wire import Message

HIGHEST_RATE = 192_000  # Hz for which the ring has room
TICK = 0.25  # s between looks at what is due
OPENING = 15.0  # s for a device to open
CLOSING = 3.0  # s for a child to end


class _Stopped(Exception):
    """The run was ended before it had begun."""


class Engine:
    """One run of the instrument."""

    def __init__(self, options: Options, say: Callable[[str], None]) -> None:
        """Read the model's header and set the first values; nothing runs yet. `say` tells the musician a line.

        Raises `SdaError` for a model that cannot be read and for values that controls do not take.
        """
        self.options = options
        self.controls, self.facts = Controls(), Facts(options.buffer)
        self._events: Events = queue.SimpleQueue()
        self._renderer = Role("renderer", self._renderer_spec, self._events)
        self.ports = Ports()
        say, refuse = self.ports.overheard(say), self.ports.refuse
        self._say = say
        self._outlet = Outlet(options, self.facts, self._events, say, self.ports.tell, refuse)
        self._player = self._outlet.role
        self._show = Show(self.facts, self.ports)
        self._window = Window(self._events, say)
        self._repertoire = Repertoire(self.controls, self.facts, self._renderer.send, say, refuse)
        self._ahead = RenderAhead(
            self.controls, self.facts, self._repertoire, self._events, self._renderer.send, say, refuse, options.device
        )
        self._stream = Stream(self.facts, self._renderer.send, lambda: self._repertoire.token)
        self._ring: Ring | None = None
        self.deeds = Deeds(self.controls, self.facts, self._repertoire, self._events, self._stream)
        self._recall = Recall(self.controls, self.facts, self._repertoire, self._events, self.ports.tell, refuse)
        self._takes = Takes(self._events, lambda: self._ring, self._renderer.send, self.ports.tell, refuse)
        self._recordings = Recordings(self._events, lambda: self._ring, self.facts, self.ports.tell, refuse)
        self.deeds.written = lambda: (self._recordings.name, self._takes.name)
        self._jobs = Jobs(self.controls, self.facts, self._events, self.ports)
        self.deeds.table |= (
            self._outlet.deeds | self._recall.table | self._jobs.table | self._takes.table | self._recordings.table
        )
        self.deeds.listed = lambda: self._recall.shelf.names
        self.midi = MidiDesk(
            self.controls, self.deeds.perform, options.name, options.midi,
            say=say, refuse=refuse, answer=self.ports.tell, changed=self.ports.remap, watch=self.ports.watch,
        )  # fmt: skip
        self.deeds.table |= self.midi.deeds
        self.deeds.mapping = lambda: self.midi.mapping
        self._keeper = Keeper(options.name, fresh=options.fresh)
        self._first = first_model(options, self._keeper, self.controls, self._explain)
        first_values(options, self._keeper, self.controls, say)
        self.controls.subscribe(self._forward)

    def _explain(self, text: str) -> None:
        """Say why there is no sound, also to whoever asks later."""
        self.facts.trouble = text
        self._say(text)

    def stop(self) -> None:
        """End the run, from any thread or signal handler."""
        self._events.put((None, {"kind": "stop"}))

    def _forward(self, changes: tuple[Change, ...]) -> None:
        """Changed values on their way to the renderer; inside the controls' lock."""
        moves = []
        for change in changes:
            if change.id == "model":
                if not change.source.startswith(MODEL_SOURCE):
                    self._events.put((None, {"kind": "wish", "text": change.value, "source": change.source}))
                continue
            if change.id == "vocoder":
                self._events.put((None, {"kind": "vocoder", "source": change.source}))
                continue
            if self.controls.row(change.id).spectral:
                self._ahead.moved()
            if change.id == "play" and change.value and self._ring is not None:
                self._ring.muted = False
            moves.append(change)
        self._stream.move(moves)

    # The run.

    def run(self, started: Callable[[], None]) -> None:
        """Start, call `started` when all is up, serve until the end, and close everything, whatever happens.

        Raises `SdaError` where the port, the device or the first model cannot be had, or the file not be written.
        """
        try:
            self._start()
            started()
            self.ports.started(self._keeper.listeners)
            if self.options.panel:
                self._window.open(self.ports.osc.address)
            while self._turn():
                pass
            self._keep(float("inf"))
        except _Stopped:
            pass
        except Exception as error:
            self._keeper.crashed = not isinstance(error, SdaError)
            raise
        finally:
            self._close()

    def _start(self) -> None:
        self._keeper.begin(time.monotonic())
        self._ring = self.deeds.ring = self._outlet.ring = Ring.create(round((self.options.buffer + 1.0) * HIGHEST_RATE))
        self._repertoire.look(time.monotonic())
        self.ports.open(self.options, self.controls, self.deeds, self._keeper)
        self.ports.remap(self.midi.mapping)
        self.midi.start()
        self._player.start()
        self._await("ready", "failed", OPENING)
        self._takes.open(self.options.take)
        self._renderer.start()
        if self._first is not None:
            self._repertoire.load(self._first)
        if self.options.model is not None:
            self._await("loaded", "refused", float("inf"))
        while self.facts.loading:  # the last run's model: whatever becomes of it ends nothing
            if not self._turn():
                raise _Stopped

    def _await(self, good: str, bad: str, seconds: float) -> None:
        """Handle events until a child sends one of two kinds; what the bad one says is an error."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            child, message = self._next()
            if child is not None and message is None:
                raise DeviceError(f"the {child.role} ended while it started ({child.stop(CLOSING)})")
            if message is None or message["kind"] == "stop":
                raise _Stopped
            if message["kind"] == bad:
                raise (DeviceError if bad == "failed" else ModelError)(message["text"])
            self._handle(child, message)
            if message["kind"] == good:
                return
        raise DeviceError(f"{self.options.audio or 'the default device'}: did not open within {OPENING:g} s")

    def _next(self) -> tuple[Child | None, Message | None]:
        try:
            return self._events.get(timeout=TICK)
        except queue.Empty:
            return None, {"kind": "tick"}

    def _turn(self) -> bool:
        """Handle an event, and look at what is due; False at the end of the run."""
        child, message = self._next()
        if message is not None and message["kind"] in ("stop", "finished"):
            return False
        known = (self._player.child, self._renderer.child, self._ahead.role.child, self._window.child)
        if child is None or child in known:  # not one that was replaced
            self._handle(child, message)
        now = time.monotonic()
        self._player.revive(now)
        if self._renderer.revive(now):
            self._repertoire.restore(self._renderer.crashes)
        self._ahead.step(now)
        self._repertoire.look(now)
        self._recall.shelf.look(now)
        self._jobs.look(now)
        self._keep(now)
        return True

    def _keep(self, now: float) -> None:
        self._keeper.look(now, self.controls, self.facts, self.ports.listeners)

    def _close(self) -> None:
        """Player first, so that nothing is heard of the rest."""
        self.ports.stop()
        self._outlet.stop()
        self._window.stop()
        self._renderer.stop(CLOSING)
        self._recordings.close()
        self._takes.close()
        self._ahead.stop()
        self._recall.close()
        self.midi.close()
        self.ports.close()
        self._keeper.end()
        if self._ring is not None:
            self._ring.close()

    # What children send.

    def _handle(self, child: Child | None, message: Message | None) -> None:
        if message is None:
            assert child is not None
            self._mourn(child)
            return
        if child is not None and child is self._ahead.role.child:
            self._ahead.handle(message)
            return
        match message["kind"]:
            case "report" if child is self._player.child:
                self.facts.played_on(message)
                self._stream.played(message)
                assert self._ring is not None
                self._show.look(self._ring)
            case "report":
                self.facts.rendered(message)
                self._show.point()
                self._takes.handle(message)
            case "taking" | "applied" | "swap" | "taken":
                self._takes.handle(message)
            case "ready":
                self._opened(message)
            case "failed":
                self._outlet.failed(message["text"])
            case "transport":
                self.controls.set("play", message["rolling"], "transport")
            case "loaded":
                self._repertoire.loaded(message)
                self._ahead.look()
            case "refused":
                self._repertoire.refused(message)
            case "broken":
                self._repertoire.broke(message["text"])
            case "wish":
                self._repertoire.wish(message["text"], message["source"])
            case "reload":
                self._repertoire.reload(message["source"])
            case "vocoder":
                self._ahead.look(message["source"])
            case "call":
                message["run"]()
            case "settle":
                self.deeds.postpone(message["n"])
            case "synced":
                self.deeds.synced(message["n"])
        self.deeds.ask(self._renderer.send)

    def _opened(self, message: Message) -> None:
        """A player is ready; where its device has another rate than the last one, the renderer starts anew."""
        changed = self._outlet.opened(message)
        self._takes.opened(self.facts.rate)
        if changed:
            self._renderer.stop(CLOSING)
            self._renderer.start()
            self._repertoire.restore(0)

    def _mourn(self, child: Child) -> None:
        """A child died: say so, and let nobody wait for its answers."""
        if child is self._ahead.role.child:
            self._ahead.died(time.monotonic())
            return
        if child is self._window.child:
            self._window.closed()
            return
        role = self._player if child is self._player.child else self._renderer
        how = role.bury(time.monotonic())
        if role is self._renderer or not self._outlet.waits:
            self._say(f"the {role.name} ended ({how}) and is started again")
        self.deeds.excuse()

    def _renderer_spec(self) -> Message:
        assert self._ring is not None
        hold = self._first is not None and self._ring.written == 0
        return specs.renderer(self.options, self._ring, self.facts, hold=hold, take=self._takes.on)
