"""The renderer's inner loop: keep the ring filled from the model that sounds, while the next one loads.

A model is loaded in a thread; one that cannot be loaded leaves the sound as it was. The new one takes over with 30 ms
of equal-power crossfade; where it can go on from what sounds, `sda.live.handover` does that instead. With no model, and
after a model that broke, the ring gets zeros.
"""

from __future__ import annotations

import base64
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sda.core.loops import Looper
from sda.errors import ControlError, SdaError
from sda.live.crossfade import crossfade
from sda.live.handover import Handover
from sda.live.ring import CHANNELS, Floats, Ring
from sda.live.wire import Message, Send
from sda.params import Value

CROSSFADE = 0.03  # s
IDLE = 480  # frames of zeros written at a time without a model
LOW = 0.005  # s of sound below which the ring is never let fall on purpose, however small the wish
NAP = 0.005  # s, the longest sleep of a loop with nothing to do
WINDOW = 5.0  # s of sound that the reported load is taken over


class Source(Protocol):
    """What sounds: `sda.core.render.Renderer`, or a test's stand-in."""

    @property
    def position(self) -> int:
        """Model-rate samples made so far."""
        ...

    @property
    def delay(self) -> float: ...

    @property
    def looper(self) -> Looper: ...

    @property
    def slider_names(self) -> tuple[str, ...]: ...

    def follow(self, other: Source) -> int | None:
        """Stand where another source stands; the samples to run in step with it unheard, or None where that cannot be."""
        ...

    def set(self, identity: str, value: Value) -> None: ...

    def block(self) -> Floats: ...


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready to sound, and what the engine wants to know of it (plain JSON)."""

    source: Source
    info: dict[str, Any]


Load = Callable[[str, int, Mapping[str, Value], Mapping[str, float]], Loaded]
"""(path, rate, values by control id, slider positions by name) to a model; raises `SdaError`."""


class Voice:
    """A source whose blocks can be taken in any size."""

    def __init__(self, source: Source, token: int, values: Mapping[str, Value]) -> None:
        self.source, self.token = source, token
        self._values = dict(values)
        self._ready = np.zeros((CHANNELS, 0), np.float32)

    def set(self, identity: str, value: Value) -> None:
        """Change a control; one that this source has not is none of its business."""
        try:
            self.source.set(identity, value)
        except ControlError:
            return
        if self._values.get(identity) != value:
            self._values[identity] = value

    def catch_up(self, values: Mapping[str, Value]) -> None:
        """Take over what changed while the source was loaded, and forget blocks made before that."""
        for identity, value in values.items():
            if self._values.get(identity) != value:
                self.set(identity, value)
                self._ready = self._ready[:, :0]

    def warm(self, count: int) -> None:
        """Make the first `count` frames or more: networks are slowest the first time."""
        while self._ready.shape[1] < count:
            self._ready = np.concatenate([self._ready, self._block()], axis=1)

    def follow(self, old: Voice, rate: int) -> bool:
        """Go on from a voice of the same model, without a break; False where that cannot be, and nothing is changed."""
        run_in = self.source.follow(old.source)
        if run_in is None:
            return False
        self.source, self._ready = Handover(old.source, self.source, run_in, rate), old._ready
        return True

    def next(self) -> Floats:
        """What there is, or the next block [2, T]."""
        out = self._ready if self._ready.shape[1] else self._block()
        self._ready = out[:, :0]
        return out

    def take(self, count: int) -> Floats:
        """Exactly `count` frames [2, count]."""
        parts, have = [self._ready], self._ready.shape[1]
        while have < count:
            parts.append(self._block())
            have += parts[-1].shape[1]
        out = np.concatenate(parts, axis=1)
        self._ready = out[:, count:]
        return out[:, :count]

    def _block(self) -> Floats:
        if isinstance(self.source, Handover) and self.source.done:
            self.source = self.source.coming
        block = self.source.block()
        while block.shape[1] == 0:  # a stream's first blocks may lie wholly in its delay
            block = self.source.block()
        if not np.isfinite(block).all():
            raise ArithmeticError("the model made samples that are not numbers")
        return np.broadcast_to(block, (CHANNELS, block.shape[1]))


class Meter:
    """Compute time against audio time, over the last seconds of sound."""

    def __init__(self) -> None:
        self._blocks: deque[tuple[float, float]] = deque()
        self._audio = 0.0

    def add(self, compute: float, audio: float) -> None:
        self._blocks.append((compute, audio))
        self._audio += audio
        while self._audio > WINDOW:
            self._audio -= self._blocks.popleft()[1]

    @property
    def mean(self) -> float:
        return sum(compute for compute, _ in self._blocks) / self._audio if self._blocks else 0.0

    @property
    def worst(self) -> float:
        return max((compute / audio for compute, audio in self._blocks), default=0.0)


class Loop:
    """Everything the renderer process does between two messages."""

    def __init__(self, ring: Ring, rate: int, buffer: int, load: Load, send: Send, *, hold: bool = False) -> None:
        """buffer: frames that may lie in the ring, the latency it costs.

        hold: a model will be asked for, and what is played begins with its first sample: no zeros before.
        """
        self._ring, self._rate, self._buffer = ring, rate, buffer
        self._load, self._send = load, send
        self._voice: Voice | None = None
        self._values: dict[str, Value] = {}  # as last set, sliders excepted: those belong to one model
        self._wanted = 0  # token of the last load asked for
        self._jobs: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[int, Voice | None, Message]] = queue.SimpleQueue()
        self._hold = hold
        self._block = IDLE  # frames of the last block, which is what the next one will add
        self.meter = Meter()
        threading.Thread(target=self._loader, name="load", daemon=True).start()

    def handle(self, message: Message) -> None:
        """A message of the engine: `set` (id, value, token), `load` (token, path, values, sliders), `sync` (n), `loop` (token,
        audio, float32 in base64, to play in place of the model's own sound), `leave` (that loop)."""
        if message["kind"] == "set":
            self._set(message["id"], message["value"], message["token"])
        elif message["kind"] == "load":
            self._wanted = message["token"]
            self._values.update(message["values"])
            self._jobs.put(message)
        elif message["kind"] == "sync":
            self._send({"kind": "synced", "n": message["n"]})
        elif message["kind"] == "loop" and self._voice is not None and self._voice.token == message["token"]:
            self._voice.source.looper.play(np.frombuffer(base64.b64decode(message["audio"]), np.float32))
        elif message["kind"] == "leave" and self._voice is not None:
            self._voice.source.looper.leave()

    def _set(self, identity: str, value: Value, token: int) -> None:
        if not identity.startswith("slider."):
            self._values[identity] = value
        elif self._voice is None or self._voice.token != token:
            return
        if self._voice is not None:
            self._voice.set(identity, value)

    def step(self) -> float:
        """Write a block if the ring wants one; returns how long, in s, there will be nothing to do."""
        if not self._done.empty():
            self._adopt(*self._done.get())
        if self._hold:
            return NAP
        above = self._ring.fill - max(self._buffer - self._block, round(LOW * self._rate))
        if above > 0:
            return min(above / self._rate, NAP)
        self._write(self._make(lambda voice: voice.next()))
        return 0.0

    def status(self) -> Message:
        """The load and the clock, for the engine."""
        source = None if self._voice is None else self._voice.source
        return {
            "kind": "report",
            "rtf_mean": self.meter.mean,
            "rtf_worst": self.meter.worst,
            "written": self._ring.written,
            "position": 0 if source is None else source.position,
            "delay": 0.0 if source is None else source.delay,
        }

    def _make(self, ask: Callable[[Voice], Floats], empty: int = IDLE) -> Floats:
        """Sound from the voice, timed; zeros where there is none or it breaks."""
        if self._voice is None:
            return np.zeros((CHANNELS, empty), np.float32)
        started = time.perf_counter()
        try:
            block = ask(self._voice)
        except Exception as error:
            self._voice = None
            self._send({"kind": "broken", "text": f"the model stopped sounding: {error}"})
            return np.zeros((CHANNELS, empty), np.float32)
        self.meter.add(time.perf_counter() - started, block.shape[1] / self._rate)
        return block

    def _write(self, block: Floats) -> None:
        self._block = block.shape[1]
        written = self._ring.write(block)
        assert written == block.shape[1], (written, block.shape)

    def _adopt(self, token: int, incoming: Voice | None, result: Message) -> None:
        """Let a loaded model take over, and tell the engine how it went."""
        if token != self._wanted:
            return
        if incoming is not None:
            incoming.catch_up(self._values)
            if self._voice is not None and incoming.follow(self._voice, self._rate):
                self._voice = incoming
                self._send(result)
                return
            count = round(CROSSFADE * self._rate)
            old = self._make(lambda voice: voice.take(count), empty=count)
            self._voice = incoming
            if not self._hold:
                self._write(crossfade(old, self._make(lambda voice: voice.take(count), empty=count)))
        self._hold = False
        self._send(result)

    def _loader(self) -> None:
        """Load what is asked for, one after the other, the outdated skipped."""
        while True:
            message = self._jobs.get()
            token = message["token"]
            if token != self._wanted:
                continue
            voice: Voice | None = None
            try:
                loaded = self._load(message["path"], self._rate, message["values"], message["sliders"])
                voice = Voice(loaded.source, token, message["values"])
                voice.warm(round(LOW * self._rate))
                result: Message = {"kind": "loaded", "token": token, "delay": loaded.source.delay, **loaded.info}
            except SdaError as error:
                result = {"kind": "refused", "token": token, "text": str(error)}
            except Exception as error:  # a damaged file may break any library; what sounds must go on
                result = {"kind": "refused", "token": token, "text": f"{message['path']}: cannot be played ({error!r})"}
            self._done.put((token, voice if result["kind"] == "loaded" else None, result))
