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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sda.core.schedule import STRIKE, Event
from sda.errors import SdaError
from sda.formats import moment
from sda.live.crossfade import crossfade
from sda.live.ring import CHANNELS, Floats, Ring
from sda.live.voice import CROSSFADE, Meter, Source, Voice
from sda.live.wire import Message, Send
from sda.params import Value

IDLE = 480  # frames of zeros written at a time without a model
LOW = 0.005  # s of sound below which the ring is never let fall on purpose, however small the wish
NAP = 0.005  # s, the longest sleep of a loop with nothing to do


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model ready to sound, and what the engine wants to know of it (plain JSON)."""

    source: Source
    info: dict[str, Any]
    label: Mapping[str, str]  # see `Voice`


Load = Callable[[str, int, Mapping[str, Value], Mapping[str, float]], Loaded]
"""(path, rate, values by control id, slider positions by name) to a model; raises `SdaError`."""


class Loop:
    """Everything the renderer process does between two messages."""

    def __init__(
        self, ring: Ring, rate: int, buffer: int, load: Load, send: Send, *, hold: bool = False, take: bool = False
    ) -> None:
        """buffer: frames that may lie in the ring, the latency it costs.

        hold: a model will be asked for, and what is played begins with its first sample: no zeros before.
        take: tell what takes effect from the start on.
        """
        self._ring, self._rate, self._buffer = ring, rate, buffer
        self._load, self._send = load, send
        self._voice: Voice | None = None
        self._values: dict[str, Value] = {}  # as last set, sliders excepted: those belong to one model
        self._wanted = 0  # token of the last load asked for
        self._jobs: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[int, Voice | None, Message]] = queue.SimpleQueue()
        self._hold, self._taking = hold, False
        self._block = IDLE  # frames of the last block, which is what the next one will add
        self.meter = Meter()
        if take:
            self._take(on=True)
        threading.Thread(target=self._loader, name="load", daemon=True).start()

    def handle(self, message: Message) -> None:
        """A message of the engine: `set` (events of id, value, token, source, perhaps pos, where it acts; `strike` is one),
        `load` (token, path, values, sliders), `sync` (n), `take` (on), `loop` (token, audio, float32 in base64, to play in
        place of the model's own sound), `leave` (that loop)."""
        voice = self._voice
        if message["kind"] == "set":
            for event in message["events"]:
                self._set(event)
        elif message["kind"] == "load":
            self._wanted = message["token"]
            self._values.update(message["values"])
            self._jobs.put(message)
        elif message["kind"] == "sync":
            self._send({"kind": "synced", "n": message["n"]})
        elif message["kind"] == "take":
            self._take(on=message["on"])
        elif message["kind"] == "loop" and voice is not None and voice.token == message["token"]:
            voice.source.looper.play(np.frombuffer(base64.b64decode(message["audio"]), np.float32))
            self._tell_vocoder("bigvgan")
        elif message["kind"] == "leave" and voice is not None:
            if voice.source.looper.plays:
                self._tell_vocoder(voice.label["vocoder"])
            voice.source.looper.leave()

    def _set(self, message: Message) -> None:
        event = Event(message.get("pos") or 0, message["id"], message["value"], message["source"])
        if event.id.startswith("slider.") and (self._voice is None or self._voice.token != message["token"]):
            return
        if not event.id.startswith(("slider.", STRIKE)):
            self._values[event.id] = event.value
        if self._voice is not None:
            self._voice.set(event, now="pos" not in message)

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
        return {
            "kind": "report",
            "rtf_mean": self.meter.mean,
            "rtf_worst": self.meter.worst,
            "position": self._ring.written,
            "delay": 0.0 if self._voice is None else self._voice.source.delay,
            "place": None if self._voice is None else self._voice.source.place,
        }

    # What a take is told.

    def _take(self, *, on: bool) -> None:
        """Begin or end to tell of everything that takes effect."""
        self._tell()  # the news so far, to the take that ends or to none
        self._taking = on
        if not on:
            self._send({"kind": "taken"})
        else:
            rate, position = self._rate, self._ring.written
            self._send({"kind": "taking", "rate": rate, "position": position, "segment": self._segment("join", position)})

    def _tell(self) -> None:
        """Hand over what took effect since the last time."""
        events = self._voice.source.applied() if self._voice is not None else []
        if self._taking and events:
            self._send({"kind": "applied", "events": [[e.pos, e.id, e.value, e.source] for e in events]})

    def _tell_vocoder(self, name: str) -> None:
        if self._taking:
            self._send({"kind": "applied", "events": [[self._ring.written, "vocoder", name, "loops"]]})

    def _segment(self, how: str, position: int) -> Message | None:
        """What sounds from here on, for a take; None where nothing does."""
        if self._voice is None:
            return None
        source = self._voice.source
        kept = moment.to_json(source.moment())
        return {"how": how, "pos": position, "origin": source.origin, **self._voice.label, "moment": kept}

    def _tell_swap(self, how: str, position: int) -> None:
        if self._taking:
            self._send({"kind": "swap", "position": position, "segment": self._segment(how, position)})

    def _make(self, ask: Callable[[Voice], Floats], empty: int = IDLE) -> Floats:
        """Sound from the voice, timed; zeros where there is none or it breaks."""
        if self._voice is None:
            return np.zeros((CHANNELS, empty), np.float32)
        started = time.perf_counter()
        try:
            block = ask(self._voice)
        except Exception as error:
            self._voice = None
            self._tell_swap("cut", self._ring.written)
            self._send({"kind": "broken", "text": f"the model stopped sounding: {error}"})
            return np.zeros((CHANNELS, empty), np.float32)
        self.meter.add(time.perf_counter() - started, block.shape[1] / self._rate)
        return block

    def _write(self, block: Floats) -> None:
        self._block = block.shape[1]
        written = self._ring.write(block)
        assert written == block.shape[1], (written, block.shape)
        self._tell()

    def _adopt(self, token: int, incoming: Voice | None, result: Message) -> None:
        """Let a loaded model take over, and tell the engine how it went."""
        if token != self._wanted:
            return
        if incoming is not None:
            incoming.catch_up(self._values)
            self._tell()
            if self._voice is not None and incoming.follow(self._voice, self._rate):
                self._voice = incoming
                self._tell_swap("follow", incoming.source.head)
            else:
                self._exchange(incoming)
        self._hold = False
        self._send(result)

    def _exchange(self, incoming: Voice) -> None:
        """From the voice that sounds, or from nothing, to another one that begins."""
        position, count = self._ring.written, 0 if self._hold else round(CROSSFADE * self._rate)
        old = self._make(lambda voice: voice.take(count), empty=count)
        incoming.source.origin = position
        if self._voice is not None:
            incoming.inherit(self._voice.source.scheduled(), self._voice.source.slider_names)
        self._tell()
        incoming.source.applied()  # what it took over is no news
        self._voice = incoming
        self._tell_swap("cut" if self._hold else "fade", position)
        if count:
            self._write(crossfade(old, self._make(lambda voice: voice.take(count), empty=count)))

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
                loaded.source.warm(round(LOW * self._rate))
                voice = Voice(loaded.source, token, message["values"], loaded.label)
                result: Message = {"kind": "loaded", "token": token, "delay": loaded.source.delay, **loaded.info}
            except SdaError as error:
                result = {"kind": "refused", "token": token, "text": str(error)}
            except Exception as error:  # a damaged file may break any library; what sounds must go on
                result = {"kind": "refused", "token": token, "text": f"{message['path']}: cannot be played ({error!r})"}
            self._done.put((token, voice if result["kind"] == "loaded" else None, result))
