"""The player process: what it plays to files and to nowhere, for how long, and how it ends."""

from __future__ import annotations

import os
import queue
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sda.errors import DeviceError
from sda.live.player_device import choose_device
from sda.live.ring import Ring
from sda.live.supervisor import Child, Events
from sda.live.wire import Message

RATE = 48_000


@pytest.fixture
def ring() -> Iterator[Ring]:
    made = Ring.create(2 * RATE)
    yield made
    made.close()


def start(ring: Ring, audio: str, duration: float | None = None) -> tuple[Child, Events]:
    events: Events = queue.SimpleQueue()
    spec: Message = {"ring": ring.name, "audio": audio, "rate": RATE, "duration": duration}
    return Child("player", spec, events), events


def wait_for(events: Events, kind: str | None) -> list[Message]:
    """The messages up to the first of this kind (None: up to the end)."""
    seen: list[Message] = []
    while True:
        event = events.get(timeout=10)
        assert event is not None
        message = event[1]
        if message is None:
            assert kind is None, seen
            return seen
        seen.append(message)
        if message["kind"] == kind:
            return seen


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(3).uniform(-0.9, 0.9, (2, count)).astype(np.float32)


def test_a_file_holds_exactly_what_lay_in_the_ring_for_exactly_the_duration(ring: Ring, tmp_path: Path) -> None:
    path, sound = tmp_path / "out.wav", noise(RATE)
    child, events = start(ring, f"file:{path}", duration=0.7)
    ready = wait_for(events, "ready")[-1]
    assert (ready["rate"], ready["device"]) == (RATE, f"file:{path}")
    time.sleep(0.2)  # silence before the first sample is not part of the duration
    began = time.monotonic()
    ring.write(sound)
    messages = wait_for(events, "finished")
    took = time.monotonic() - began
    assert child.stop(5).startswith("exit code 0")
    written, rate = soundfile.read(path, dtype="float32", always_2d=True)
    assert (rate, soundfile.info(path).subtype) == (RATE, "FLOAT")
    np.testing.assert_array_equal(written, sound[:, : round(0.7 * RATE)].T)
    assert 0.69 <= took <= 5  # real time, and not all at once
    last = [message for message in messages if message["kind"] == "report"][-1]
    assert (last["played"], last["underruns"]) == (33_600, 0)
    assert max(max(m["peaks"]) for m in messages if m["kind"] == "report") == pytest.approx(np.abs(sound).max(), abs=0.01)


@pytest.mark.parametrize(("name", "subtype"), [("out.flac", "PCM_24"), ("out.ogg", "VORBIS"), ("out.mp3", "MPEG_LAYER_III")])
def test_a_performance_is_recorded_in_every_format(ring: Ring, tmp_path: Path, name: str, subtype: str) -> None:
    child, events = start(ring, f"file:{tmp_path / name}", duration=0.3)
    wait_for(events, "ready")
    ring.write(0.5 * noise(RATE // 2))
    wait_for(events, "finished")
    assert child.stop(5).startswith("exit code 0")
    info = soundfile.info(tmp_path / name)
    assert (info.subtype, info.frames, info.channels) == (subtype, round(0.3 * RATE), 2)
    level = float(np.std(soundfile.read(tmp_path / name)[0]))
    assert level == pytest.approx(0.45 / 3**0.5, rel=0.1)  # uniform within +-0.45


def test_a_file_waits_for_sound_that_is_late_and_has_no_gap(ring: Ring, tmp_path: Path) -> None:
    path, sound = tmp_path / "out.wav", noise(RATE)
    child, events = start(ring, f"file:{path}", duration=0.5)
    wait_for(events, "ready")
    for part in np.array_split(sound, 4, axis=1):
        ring.write(part)
        time.sleep(0.45)  # each lasts for 0.25 s
    last = [m for m in wait_for(events, "finished") if m["kind"] == "report"][-1]
    child.stop(5)
    np.testing.assert_array_equal(soundfile.read(path, dtype="float32")[0], sound[:, : round(0.5 * RATE)].T)
    assert last["underruns"] == 0


def test_a_file_does_not_wait_for_ever(ring: Ring, tmp_path: Path) -> None:
    sound = noise(RATE)
    child, events = start(ring, f"file:{tmp_path / 'out.wav'}", duration=0.5)
    wait_for(events, "ready")
    ring.write(sound[:, : RATE // 4])
    began = time.monotonic()
    last = [m for m in wait_for(events, "finished") if m["kind"] == "report"][-1]
    child.stop(5)
    assert 1.2 < time.monotonic() - began < 4  # 0.25 s of sound, a second's wait, 0.25 s of silence
    assert last["underruns"] == 1
    written, _ = soundfile.read(tmp_path / "out.wav", dtype="float32")
    assert (len(written), np.abs(written[-RATE // 8 :]).max()) == (RATE // 2, 0)


def test_reports_come_20_times_a_second_and_pair_time_with_position(ring: Ring) -> None:
    ring.write(noise(RATE))
    child, events = start(ring, "null", duration=0.8)
    reports = [m for m in wait_for(events, "finished") if m["kind"] == "report"]
    child.stop(5)
    assert 8 <= len(reports) <= 18  # 16 in 0.8 s on an idle machine
    (began, first), (ended, last) = reports[1]["mark"], reports[-2]["mark"]
    assert last - first == pytest.approx((ended - began) * RATE, abs=1e-3)  # a paced sink says when a block was due


@pytest.mark.parametrize("how", ["end of input", "SIGTERM", "Ctrl-C"])
def test_a_file_is_finished_and_kept_however_the_player_is_ended(ring: Ring, tmp_path: Path, how: str) -> None:
    path, sound = tmp_path / "out.wav", noise(RATE)
    path.write_bytes(b"old")
    ring.write(sound)
    child, events = start(ring, f"file:{path}")
    wait_for(events, "report")
    wait_for(events, "report")
    if how == "end of input":
        child._wire.close()
    else:
        os.kill(child.process.pid, signal.SIGTERM if how == "SIGTERM" else signal.SIGINT)
    assert child.process.wait(5) == 0
    child.stop(5)
    written, _ = soundfile.read(path, dtype="float32", always_2d=True)
    assert len(written) > 1000
    np.testing.assert_array_equal(written, sound[:, : len(written)].T)
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.wav"]


def test_a_player_that_heard_nothing_leaves_the_old_file(ring: Ring, tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    path.write_bytes(b"old")
    child, events = start(ring, f"file:{path}")
    wait_for(events, "report")
    assert child.stop(5).startswith("exit code 0")
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_that_cannot_be_written_is_named(ring: Ring, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing" / "out.wav"):
        child, events = start(ring, f"file:{path}")
        assert str(path) in wait_for(events, "failed")[-1]["text"]
        wait_for(events, None)
        assert child.stop(5).startswith("exit code 3")


def test_no_device_tells_what_else_there_is(ring: Ring) -> None:
    child, events = start(ring, "no such device")
    text = wait_for(events, "failed")[-1]["text"]
    assert "no sound device" in text
    assert "--audio null" in text
    assert "--audio file:PATH.wav" in text
    child.stop(5)


def test_the_mute_word_silences_a_running_player_within_10_ms(ring: Ring, tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    ring.write(np.ones((2, RATE), np.float32))
    child, events = start(ring, f"file:{path}")
    for _ in range(4):
        wait_for(events, "report")
    before = ring.read
    ring.muted = True
    after = ring.read
    wait_for(events, "report")
    wait_for(events, "report")
    child.stop(5)
    written = soundfile.read(path, dtype="float32", always_2d=True)[0]
    # A block of 128 frames (2.7 ms) may be under way on either side of the change; then 5 ms of fade, 240 frames.
    assert (written[: before - 128] == 1).all()
    assert not written[after + 128 + 240 :].any()
    assert len(written) > after + 1000


API = ({"name": "ALSA"}, {"name": "JACK Audio Connection Kit"})
DEVICES = (
    {"name": "Microphone", "hostapi": 0, "max_output_channels": 0},
    {"name": "Speakers", "hostapi": 0, "max_output_channels": 2},
    {"name": "Speakers of the hall", "hostapi": 0, "max_output_channels": 8},
    {"name": "system", "hostapi": 1, "max_output_channels": 2},
)


@pytest.mark.parametrize(
    ("wanted", "index"), [("", 3), ("1", 1), ("hall", 2), ("SPEAKERS", 1), ("jack", 3), ("speakers of", 2)]
)
def test_a_device_is_chosen_by_index_or_part_of_its_name(wanted: str, index: int) -> None:
    assert choose_device(DEVICES, API, 3, wanted)["index"] == index


@pytest.mark.parametrize("wanted", ["0", "Microphone", "9"])
def test_what_cannot_play_is_not_chosen(wanted: str) -> None:
    with pytest.raises(DeviceError, match=r"found 1 Speakers \(ALSA\), 2 Speakers of the hall \(ALSA\), 3 system"):
        choose_device(DEVICES, API, 3, wanted)


WINDOWS_API = (
    {"name": "MME", "default_output_device": 0},
    {"name": "Windows WASAPI", "default_output_device": 2},
    {"name": "ASIO", "default_output_device": 3},
)
WINDOWS = (
    {"name": "Speakers (Sound Card)", "hostapi": 0, "max_output_channels": 2},
    {"name": "Headset (USB)", "hostapi": 0, "max_output_channels": 2},
    {"name": "Headset (USB)", "hostapi": 1, "max_output_channels": 2},
    {"name": "Sound Card ASIO", "hostapi": 2, "max_output_channels": 8},
)


@pytest.mark.parametrize(("wanted", "index"), [("", 2), ("headset", 2), ("headset (usb) (mme", 1), ("asio", 3), ("0", 0)])
def test_on_windows_wasapi_comes_first_unless_another_way_is_named(wanted: str, index: int) -> None:
    assert choose_device(WINDOWS, WINDOWS_API, 0, wanted)["index"] == index
    assert choose_device(WINDOWS[:2], WINDOWS_API[:1], 1, "")["index"] == 1
