"""The renderer's loop with sines instead of networks: fill, loads, crossfades, and models that break."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pytest

from sda.core.schedule import Event
from sda.errors import ControlError, ModelError
from sda.live.loop import Loaded, Loop
from sda.live.ring import Ring
from sda.live.voice import Meter
from sda.live.wire import Message
from sda.params import Value

RATE = 48_000
BLOCK = 1115  # frames, about what two mel frames come to at 48 kHz
BUFFER = 1920  # frames, 40 ms


class Sine:
    """A model that sounds a sine of `slider.1` * 100 Hz at amplitude 0.5, silent unless `play` is on."""

    delay = 0.01
    place = None
    slider_names = ("pitch",)

    def __init__(self, values: Mapping[str, Value], fail_at: int | None = None) -> None:
        self.made, self.origin, self._fail_at = 0, 0, fail_at
        self.values: dict[str, Value] = {"play": False, "slider.1": 1.0, **values}

    @property
    def head(self) -> int:
        return self.origin + self.made

    def follow(self, other: object) -> None:
        return None

    def warm(self, samples: int) -> None: ...

    def set(self, identity: str, value: Value, source: str = "") -> None:
        if identity not in self.values:
            raise ControlError(identity)
        self.values[identity] = value

    def scheduled(self) -> list[Event]:
        return []

    def applied(self) -> list[Event]:
        return []

    def block(self) -> np.ndarray:
        if self._fail_at is not None and self.made >= self._fail_at:
            raise RuntimeError("worn out")
        n = np.arange(self.made, self.made + BLOCK)
        self.made += BLOCK
        wave = 0.5 * np.sin(2 * np.pi * 100 * float(self.values["slider.1"]) * n / RATE) * bool(self.values["play"])
        return wave.astype(np.float32)[None]


@pytest.fixture
def ring() -> Iterator[Ring]:
    made = Ring.create(RATE)
    yield made
    made.close()


class Bench:
    """A loop, the messages it sent, and the sound it made."""

    def __init__(self, ring: Ring, gate: threading.Event | None = None, *, hold: bool = True) -> None:
        self.ring, self.gate = ring, gate
        self.sent: list[Message] = []
        self.loop = Loop(ring, RATE, BUFFER, self.load, self.sent.append, hold=hold)

    def load(self, path: str, rate: int, values: Mapping[str, Value], sliders: Mapping[str, float]) -> Loaded:
        if self.gate is not None:
            self.gate.wait(5)
        if path == "missing":
            raise ModelError("missing: no such file")
        if path == "damaged":
            raise ZeroDivisionError
        fail_at = 5 * BLOCK if path == "worn" else None
        return Loaded(Sine(values, fail_at), {"name": path}, {})

    def ask(self, path: str, token: int, **values: Value) -> None:
        message = {
            "kind": "load",
            "token": token,
            "path": path,
            "values": {"play": True, **values},
            "sliders": {},
        }
        self.loop.handle(message)

    def hear(self, count: int) -> np.ndarray:
        """The left channel of the next `count` frames, asked for in small blocks as a player does."""
        parts, out = [], np.zeros((64, 2), np.float32)
        for _ in range(-(-count // 64)):
            while self.loop.step() == 0.0:
                pass
            parts.append(out[: self.ring.copy_to(out), 0].copy())
        return np.concatenate(parts)

    def until(self, happened: Callable[[], bool]) -> None:
        end = time.monotonic() + 5
        while not happened():
            assert time.monotonic() < end
            self.loop.step()
            time.sleep(0.001)

    def kinds(self) -> list[str]:
        return [message["kind"] for message in self.sent]


def level(wave: np.ndarray, hertz: float) -> float:
    """Amplitude of one frequency in a wave, by projection on it."""
    turn = np.exp(-2j * np.pi * hertz * np.arange(len(wave)) / RATE)
    return float(2 * abs(np.mean(wave * turn)))


def test_without_a_model_the_ring_is_kept_full_of_zeros(ring: Ring) -> None:
    bench = Bench(ring, hold=False)
    assert not bench.hear(9600).any()
    assert BUFFER - 480 - 64 <= ring.fill <= BUFFER


def test_the_ring_never_holds_more_than_the_buffer_nor_less_than_it_lacks_of_a_block(ring: Ring) -> None:
    bench = Bench(ring)
    bench.ask("a", 1)
    bench.until(lambda: bench.kinds() == ["loaded"])
    out, fills = np.zeros((64, 2), np.float32), []
    for _ in range(600):
        while bench.loop.step() == 0.0:
            fills.append(ring.fill)
        fills.append(ring.fill)
        ring.copy_to(out)
    assert max(fills) <= BUFFER
    assert min(fills[10:]) >= BUFFER - BLOCK - 64


def test_a_small_wish_still_leaves_5_ms_for_the_next_block(ring: Ring) -> None:
    bench = Bench(ring, hold=False)
    bench.loop = Loop(ring, RATE, 10, bench.load, bench.sent.append)
    bench.hear(960)
    assert 240 - 64 <= ring.fill <= 240 + 480


def test_what_is_heard_of_the_first_model_begins_with_its_first_sample(ring: Ring) -> None:
    gate = threading.Event()
    bench = Bench(ring, gate)
    bench.ask("a", 1)
    for _ in range(20):
        assert bench.loop.step() > 0
    assert ring.written == 0
    gate.set()
    bench.until(lambda: bench.kinds() == ["loaded"])
    expected = 0.5 * np.sin(2 * np.pi * 100 * np.arange(4800) / RATE)
    np.testing.assert_allclose(bench.hear(4800), expected, atol=1e-6)


def test_a_model_that_comes_after_silence_is_faded_in(ring: Ring) -> None:
    bench = Bench(ring, hold=False)
    bench.hear(4800)
    bench.ask("a", 1)
    bench.until(lambda: bench.kinds() == ["loaded"])
    wave = bench.hear(9600)
    start = int(np.flatnonzero(wave)[0])
    n = np.arange(1440)  # the fade's weight is the sine of an angle that grows to 90 degrees
    expected = 0.5 * np.sin(2 * np.pi * 100 * (n + 1) / RATE) * np.sin((n + 1.5) / 1440 * np.pi / 2)
    np.testing.assert_allclose(wave[start : start + 1439], expected[:1439], atol=1e-5)
    assert level(wave[start + 1440 : start + 1440 + 4800], 100) == pytest.approx(0.5, abs=1e-3)


def test_a_swap_is_30_ms_of_equal_power_between_two_sounding_models(ring: Ring) -> None:
    bench = Bench(ring)
    bench.ask("a", 1)
    bench.until(lambda: bench.kinds() == ["loaded"])
    bench.hear(9600)
    lying = ring.fill
    bench.ask("b", 2, **{"slider.1": 7.0})
    bench.until(lambda: bench.kinds() == ["loaded", "loaded"])
    wave = bench.hear(24_000)[lying:]
    # In the middle both sound at 0.5 * cos(45 degrees); 48 samples before it the angle is 3 degrees less.
    middle = wave[720 - 480 : 720 + 480]
    assert level(middle, 100) == pytest.approx(0.5 * np.cos(np.pi / 4), rel=0.15)
    assert level(middle, 700) == pytest.approx(0.5 * np.sin(np.pi / 4), rel=0.15)
    after = wave[1440 : 1440 + 9600]
    assert level(after, 700) == pytest.approx(0.5, abs=1e-3)
    assert level(after, 100) < 1e-3
    # Neither model has steeper steps than 700 Hz has, and the fade's weights move by pi / 2 / 1440 a frame.
    assert np.abs(np.diff(wave)).max() < 0.5 * 2 * np.pi * (100 + 700) / RATE + 2 * 0.5 * np.pi / 2 / 1440


@pytest.mark.parametrize(("path", "text"), [("missing", "missing: no such file"), ("damaged", "damaged: cannot be played")])
def test_a_model_that_cannot_be_loaded_changes_nothing_of_the_sound(ring: Ring, path: str, text: str) -> None:
    bench = Bench(ring)
    bench.ask("a", 1)
    bench.until(lambda: bench.kinds() == ["loaded"])
    heard = bench.hear(4800)
    bench.ask(path, 2)
    end = time.monotonic() + 5
    while len(bench.sent) < 2 and time.monotonic() < end:
        heard = np.concatenate([heard, bench.hear(64)])
    heard = np.concatenate([heard, bench.hear(4800)])
    assert bench.sent[1]["kind"] == "refused"
    assert text in bench.sent[1]["text"]
    expected = 0.5 * np.sin(2 * np.pi * 100 * np.arange(len(heard)) / RATE)
    np.testing.assert_allclose(heard, expected, atol=1e-5)


def test_a_model_that_breaks_while_it_sounds_leaves_zeros_and_another_can_be_loaded(ring: Ring) -> None:
    bench = Bench(ring)
    bench.ask("worn", 1)
    bench.until(lambda: bench.kinds() == ["loaded"])
    heard = bench.hear(5 * BLOCK + 4800)
    assert not heard[5 * BLOCK :].any()
    assert bench.sent[1] == {"kind": "broken", "text": "the model stopped sounding: worn out"}
    bench.ask("a", 2)
    bench.until(lambda: bench.kinds()[-1] == "loaded")
    bench.hear(ring.fill + 1440)
    assert level(bench.hear(9600), 100) == pytest.approx(0.5, abs=1e-3)


def test_what_is_set_while_a_model_loads_holds_from_its_first_sample(ring: Ring) -> None:
    gate = threading.Event()
    bench = Bench(ring, gate)
    bench.ask("a", 1)
    bench.loop.handle({"kind": "set", "events": [{"id": "play", "value": False, "token": 1, "source": "test"}]})
    gate.set()
    bench.until(lambda: bench.kinds() == ["loaded"])
    assert not bench.hear(9600).any()


def test_sliders_are_set_only_on_the_model_they_were_meant_for(ring: Ring) -> None:
    bench = Bench(ring)
    bench.ask("a", 3)
    bench.until(lambda: bench.kinds() == ["loaded"])
    bench.loop.handle({"kind": "set", "events": [{"id": "slider.1", "value": 9.0, "token": 2, "source": "test"}]})
    bench.loop.handle({"kind": "set", "events": [{"id": "unknown", "value": 9.0, "token": 3, "source": "test"}]})
    bench.hear(BUFFER)
    assert level(bench.hear(9600), 100) == pytest.approx(0.5, abs=1e-3)
    bench.loop.handle({"kind": "set", "events": [{"id": "slider.1", "value": 9.0, "token": 3, "source": "test"}]})
    bench.hear(BUFFER + BLOCK)
    assert level(bench.hear(9600), 900) == pytest.approx(0.5, abs=1e-3)


def test_of_several_loads_the_last_one_asked_for_sounds(ring: Ring) -> None:
    gate = threading.Event()
    bench = Bench(ring, gate)
    for token, path in enumerate(("a", "b", "c"), start=1):
        bench.ask(path, token)
    gate.set()
    bench.until(lambda: bool(bench.sent))
    time.sleep(0.05)
    bench.hear(9600)
    assert [message["name"] for message in bench.sent] == ["c"]


def test_the_load_is_compute_over_audio_of_the_last_five_seconds() -> None:
    meter = Meter()
    for compute in (10.0, 0.1, 0.2, 0.3):
        meter.add(compute, 2.0)  # the first is 8 s ago, and gone
    assert meter.mean == pytest.approx(0.5 / 4)  # the last two blocks, 4 s
    assert meter.worst == pytest.approx(0.15)


def test_the_status_tells_where_the_sound_is(ring: Ring) -> None:
    bench = Bench(ring)
    assert bench.loop.status()["position"] == 0
    bench.ask("a", 1)
    bench.until(lambda: bench.kinds() == ["loaded"])
    bench.hear(4800)
    status = bench.loop.status()
    assert 4800 <= status["position"] == ring.written <= 4800 + BUFFER + 64
    bench.ask("b", 2)  # another model, and the clock goes on
    bench.until(lambda: bench.kinds() == ["loaded", "loaded"])
    assert bench.loop.status()["position"] == ring.written >= status["position"] + 1440
    assert (status["kind"], status["delay"]) == ("report", 0.01)
