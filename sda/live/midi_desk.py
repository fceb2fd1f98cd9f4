"""The engine's side of MIDI and of `controls.toml`: a thread of its own between the MIDI process and the controls.

The file is looked at every second, so what a musician writes into it counts at once; what is learned is written into it.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path

from sda.acts import ACTS
from sda.adapters.midi_bytes import words
from sda.adapters.midi_found import Found
from sda.adapters.midi_map import Perform
from sda.adapters.midi_surface import MidiSurface
from sda.control import Controls
from sda.errors import ControlError, SdaError
from sda.formats import controls as controls_file
from sda.library import engine_folder
from sda.live.deeds import Deed
from sda.live.supervisor import Events, Role
from sda.live.wire import Message
from sda.mapping import Binding, Mapping, Takeover
from sda.params import Value

LOOK_S = 1.0  # s between looks at the file
CLOSING = 3.0  # s for the ports to be closed
AUTO = "auto"  # the takeover that is best for the control
OURS = "sda"  # how the MIDI names of all engines begin
LEARN, FORGET, ADJUST = "midi.learn", "midi.forget", "midi.adjust"

Answer = Callable[..., None]
"""(source of a wish, OSC address, arguments): tell it, if it is an OSC client."""


class MidiDesk:
    """The maps and the MIDI ports of a running engine."""

    def __init__(
        self,
        controls: Controls,
        perform: Perform,
        name: str,
        ports: Sequence[str] | None,
        *,
        say: Callable[[str], None],
        refuse: Callable[[str, str, str], None],
        answer: Answer,
        changed: Callable[[Mapping], None],
        watch: Callable[[str, str], None] = lambda port, words: None,
    ) -> None:
        """Read the file; nothing runs yet. Raises `ControlError` for a file that cannot be used.

        name: the engine's. ports: parts of the names of the inputs to open, none for all; None is no MIDI at all.
        `changed` is told of other maps; `watch` of every message, by port and in words.
        """
        self.found: Message = {}  # what the MIDI process last told of the ports; nothing yet, or never
        self._on = ports is not None
        self._say, self._refuse, self._answer, self._changed, self._watch = say, refuse, answer, changed, watch
        self._path = maps(name)
        self._events: Events = queue.SimpleQueue()
        client = name if name.startswith(OURS) else f"{OURS}-{name}"
        self._spec = {"client": client, "wanted": list(ports or ())}
        self._role = Role("midi", self._child_spec, self._events)
        self._surface = MidiSurface(controls, perform, self._complain, self._wake)
        self._awake = False
        self._awaited = False  # somebody was told that ports are looked for
        self._stamp = _stamp(self._path)
        self._use(controls_file.read(self._path))
        self._thread = threading.Thread(target=self._run, name="midi", daemon=True)

    @property
    def deeds(self) -> dict[str, Deed]:
        """The acts that are done here."""
        return {LEARN: self.learn, FORGET: self.forget, ADJUST: self.adjust}

    @property
    def mapping(self) -> Mapping:
        """The maps in use."""
        return self._surface.mapping

    def introduce(self) -> str:
        """For people: which ports are open, or why there are none; what of that is found only later will be said."""
        if not self._on:
            return "off"
        if not self.found:
            self._awaited = True
            return "looking for ports"
        return str(self.found["trouble"]) or f"{', '.join(self.found['inputs'])} ({self.found['system']})"

    def start(self) -> None:
        """Open the ports."""
        if self._on:
            self._role.start()
        self._thread.start()

    def close(self) -> None:
        """Close them. May be called where nothing was started."""
        if self._thread.is_alive():
            self._note("stop")
            self._thread.join(2 * CLOSING)

    # Acts, in the threads of whoever asks.

    def learn(self, args: Sequence[Value], source: str) -> None:
        """Bind what is moved next. Raises `ControlError` without MIDI."""
        if not self._on:
            raise ControlError("MIDI is off: the engine was started with --no-midi")
        self._events.put((None, {"kind": LEARN, "target": args[0], "source": source}))

    def forget(self, args: Sequence[Value], source: str) -> None:
        """Unbind a control or act."""
        self._events.put((None, {"kind": FORGET, "target": args[0], "source": source}))

    def adjust(self, args: Sequence[Value], source: str) -> None:
        """Change how a bound controller moves a control. Raises `ControlError` for a way that is not known."""
        way = str(args[1])
        if way != AUTO and way not in [*Takeover]:
            raise ControlError(f"{way[:40]}: expected {AUTO} or one of {', '.join(Takeover)}")
        self._events.put((None, {"kind": ADJUST, "target": args[0], "ways": args[1:], "source": source}))

    # The thread.

    def _note(self, kind: str) -> None:
        self._events.put((None, {"kind": kind}))

    def _wake(self) -> None:
        """One note is enough, however many controls move meanwhile."""
        if not self._awake:
            self._awake = True
            self._note("wake")

    def _run(self) -> None:
        look_at = 0.0
        while True:
            out, then = self._surface.due(time.monotonic())
            for port, data in out:
                self._role.send({"kind": "send", "port": port, "data": list(data)})
            now = time.monotonic()
            if now >= look_at:
                look_at = now + LOOK_S
                self._look()
                self._role.revive(now)
            with suppress(queue.Empty):
                child, message = self._events.get(timeout=max(0.0, min(then, look_at) - now))
                if message is not None and message["kind"] == "stop":
                    break
                if child in (None, self._role.child):
                    self._handle(message)
        self._role.stop(CLOSING)

    def _handle(self, message: Message | None) -> None:
        if message is None:
            self._role.bury(time.monotonic())
            self._ports(asdict(Found(trouble="the MIDI process ended")))
            return
        match message["kind"]:
            case "midi":
                data = bytes(message["data"])
                self._surface.receive(message["port"], data, message["time"])
                self._watch(message["port"], words(data))
            case "ports":
                self._ports(message)
            case "wake":
                self._awake = False
            case "midi.learn":
                self._arm(message["target"], message["source"])
            case "midi.forget":
                self._try(FORGET, message["source"], partial(self._forget, message["target"]))
            case "midi.adjust":
                self._try(ADJUST, message["source"], partial(self._adjust, message["target"], message["ways"]))

    def _adjust(self, target: str, ways: Sequence[Value]) -> None:
        low, high, curve = (float(number) for number in (*ways[1:], 0.0, 0.0, 0.0)[:3])
        span = None if low == high else (low, high)
        takeover = None if ways[0] == AUTO else Takeover(str(ways[0]))
        mapping = controls_file.adjust(self._path, target, takeover, span, curve or None)
        self._stamp = _stamp(self._path)
        self._use(mapping)

    def _child_spec(self) -> Message:
        return {**self._spec, "told": self._told()}

    def _told(self) -> list[str]:
        """Parts of the names of the ports that are to be told something."""
        return sorted({b.port for b in self.mapping.bindings if b.port and b.control and b.feedback})

    def _ports(self, message: Message) -> None:
        """Say which ports came, went, or are held by another program."""
        before, self.found = self.found, message
        self._surface.connect(message["outputs"])
        if message["trouble"] and message["trouble"] != before.get("trouble") and (before or self._awaited):
            self._say(f"MIDI: {message['trouble']}; trying again")
        if before:
            for name in message["inputs"]:
                if name not in before["inputs"]:
                    self._say(f"MIDI: {name} is there")
            for name in before["inputs"]:
                if name not in message["inputs"]:
                    self._say(f"MIDI: {name} is gone; trying again until it is back")
        for text in message["held"]:
            if not before or text not in before["held"]:
                self._say(f"MIDI: {text}")

    def _use(self, mapping: Mapping) -> None:
        self._surface.install(mapping)
        self._role.send({"kind": "told", "told": self._told()})
        self._changed(mapping)

    def _look(self) -> None:
        """Read the file again where it is another one now."""
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._use(controls_file.read(self._path))
        except SdaError as error:
            self._say(f"{error}; the maps stay as they were")
        else:
            self._say(f"{self._path.name} is read again: {_counted(self.mapping)}")

    def _arm(self, target: str, source: str) -> None:
        act = any(row.id == target for row in ACTS)
        learn = partial(self._surface.learn, target, act=act, now=time.monotonic(), done=partial(self._learned, target, source))
        self._try(LEARN, source, learn)

    def _learned(self, target: str, source: str, binding: Binding | None) -> None:
        if binding is None:
            self._refuse(source, _address(LEARN), f"{target}: nothing was moved")
            return
        self._try(LEARN, source, partial(self._keep, binding, source))

    def _keep(self, binding: Binding, source: str) -> None:
        mapping = controls_file.add(self._path, binding)
        self._stamp = _stamp(self._path)
        self._use(mapping)
        self._say(f"MIDI: {binding.place} moves {binding.target}")
        self._answer(source, "/sda/done", _address(LEARN), f"{binding.target}: {binding.place}")

    def _forget(self, target: str) -> None:
        mapping = controls_file.remove(self._path, target)
        self._stamp = _stamp(self._path)
        self._use(mapping)
        self._say(f"MIDI: nothing moves {target} any more")

    def _try(self, act: str, source: str, deed: Callable[[], None]) -> None:
        try:
            deed()
        except SdaError as error:
            self._refuse(source, _address(act), str(error))

    def _complain(self, id: str, text: str) -> None:
        """An act or control that a controller asked for came to nothing: whoever listens is told."""
        self._refuse("", _address(id), text)


def maps(name: str) -> Path:
    """The file of an engine's maps."""
    return engine_folder(name) / "controls.toml"


def _address(id: str) -> str:
    return "/sda/" + id.replace(".", "/")


def _counted(mapping: Mapping) -> str:
    return f"{len(mapping.bindings)} MIDI bindings, {len(mapping.aliases)} OSC aliases"


def _stamp(path: Path) -> tuple[int, int]:
    """Tells whether a file was replaced."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
