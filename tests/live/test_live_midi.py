"""MIDI for real: controllers on JACK that are programs of others, an engine that learns, follows, answers and outlives them."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import jack
import jack_server
import pytest
from live_session import Session, session
from midi_gear import Gear, gear, program
from pythonosc.osc_message import OscMessage
from small_models import sounding

from sda.library import Library

pytestmark = pytest.mark.skipif(not shutil.which("jack_midi_clock"), reason="needs jackd2 and jack-midi-clock")
FILE = """
[clock]
density = 2
drift = 0.5

[[midi]]
note = 60
port = "seq"
control = "width"
range = [0.2, 0.8]

[[midi]]
cc = 7
channel = 1
port = "desk"
control = "gain"
takeover = "jump"
"""


@pytest.fixture(scope="module")
def server() -> Iterator[jack_server.Server]:
    with jack_server.server() as made:
        yield made


@pytest.fixture
def engine(server: jack_server.Server, home: Path) -> Iterator[Session]:
    Library().add(sounding("pebbles"))
    maps(home).parent.mkdir(parents=True)
    maps(home).write_text(FILE)
    with session("pebbles", "--audio", "null") as running:
        yield running


def maps(home: Path) -> Path:
    return home / "engines" / "sda" / "controls.toml"


def eventually(running: Session, address: str, fits: Callable[[float], bool], patience: float = 10.0) -> float:
    """A control's value, asked for until it fits."""
    end = time.monotonic() + patience
    while True:
        value = running.ask("/sda/q" + address.removeprefix("/sda")).params[0]
        if fits(value) or time.monotonic() > end:
            return value
        time.sleep(0.02)


def rolls(running: Session, client: jack.Client, on: bool) -> bool:
    """Whether `play` follows JACK's transport, of which a clock tells."""
    if on:
        client.transport_stop()
        client.transport_frame = 0
        client.transport_start()
    else:
        client.transport_start()
        client.transport_stop()
    return eventually(running, "/sda/play", lambda value: value == int(on), 2.0) == int(on)


# A JACK that is not of real time drops what a program was too late for, so on a loaded machine every message is sent, and
# every lamp is lit, until it was once.


def follows(running: Session, desk: Gear, address: str, messages: Sequence[str], value: object) -> bool:
    """Whether a control comes to a value by these messages."""
    for _ in range(20):
        desk.move(*messages)
        if eventually(running, address, lambda found: found == value, 1.0) == value:
            return True
    return False


def shows(running: Session, desk: Gear, lamp: str, gain: float) -> bool:
    """Whether a lamp comes to show where the gain is."""
    for _ in range(20):
        if lamp in desk.lit(2.0):
            return True
        running.send("/sda/gain", gain - 12 if gain > 0 else gain + 12)
        desk.lit(0.5)
        running.send("/sda/gain", gain)
    return False


def learned(running: Session, desk: Gear, *messages: str) -> list[object]:
    """What the engine says when it has learned these."""
    running.socket.settimeout(2)
    for _ in range(20):
        desk.move(*messages)
        with suppress(TimeoutError):
            while True:
                message = OscMessage(running.socket.recv(65536))
                if message.address == "/sda/done":
                    running.socket.settimeout(10)
                    return message.params
    raise AssertionError("nothing was learned")


def only(pattern: str) -> str:
    """The one port of this name, as soon as those of the engine before it are closed."""
    end = time.monotonic() + 30
    while True:
        lines = [line for line in subprocess.check_output(["jack_lsp"], text=True).splitlines() if re.fullmatch(pattern, line)]
        if len(lines) == 1:
            return lines[0]
        assert time.monotonic() < end, lines
        time.sleep(0.1)


def test_a_knob_is_learned_moves_its_control_and_is_told_where_that_stands(engine: Session, home: Path) -> None:
    with gear("desk") as desk:
        engine.until("MIDI: desk knobs:out is there")
        assert shows(engine, desk, "B0 07 6A", 0.0)  # 0 dB of -60 .. 12: 64 + 126 / 3
        assert engine.ask("/sda/midi/learn", "slider.1").params == ["/sda/midi/learn"]
        done = learned(engine, desk, "B0 01 20", "B0 21 10", "B0 01 20", "B0 21 12")
        assert done == ["/sda/midi/learn", "slider.brightness: cc14 1, channel 1, desk knobs"]
        assert 'port = "desk"' in maps(home).read_text()
        assert maps(home).read_text().startswith(FILE.rstrip())
        # Pickup: from a quarter it passes the control, at the middle, and has it: (0x60 * 128 - 8192) / 16382 above the middle.
        high = pytest.approx(20 * (0x60 * 128 - 8192) / 16382, abs=1e-5)
        assert follows(engine, desk, "/sda/slider/1", ["B0 01 20", "B0 21 12", "B0 01 60", "B0 21 00"], high)
        # Jump, at once; then somebody else moves it, and the desk is told, but not of what it did itself.
        assert follows(engine, desk, "/sda/gain", ["B0 07 00"], -60.0)
        assert desk.lit(0.5) == []
        engine.send("/sda/gain", 12.0)
        assert shows(engine, desk, "B0 07 7F", 12.0)
        assert engine.ask("/sda/midi/forget", "slider.2").params[1] == "refused"
        engine.send("/sda/midi/forget", "gain")
        engine.until("nothing moves gain any more")
        low = pytest.approx(-10 + 20 * 0x30 / 128, abs=1e-5)
        assert follows(engine, desk, "/sda/slider/1", ["B0 07 00", "B0 01 30", "B0 21 00"], low)
        assert engine.ask("/sda/q/gain").params == [12.0]
        command = [sys.executable, "-m", "sda.cli", "map", "learn", "panic", "--osc", f"127.0.0.1:{engine.port}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as learning:
            assert learning.stdout is not None
            assert learning.stdout.readline() == "move what is to move panic\n"
            while learning.poll() is None:
                desk.move("B5 09 7F")
                time.sleep(0.3)
            assert learning.stdout.read() == "panic: cc 9, channel 6, desk knobs\n"
        assert learning.returncode == 0
        engine.send("/sda/play", 1)
        assert follows(engine, desk, "/sda/play", ["B5 09 00", "B5 09 7F"], 0)
        listed = engine.ask("/sda/midi/map")
        assert (listed.address, listed.params[:6]) == ("/sda/midi/binding", ["width", "note", 60, 0, "seq", "auto"])
        assert listed.params[6:] == pytest.approx([0.2, 0.8, 0.0])


def test_how_a_knob_moves_its_control_is_changed_over_osc(engine: Session, home: Path) -> None:
    with gear("desk") as desk:
        engine.until("MIDI: desk knobs:out is there")
        engine.send("/sda/midi/adjust", "gain", "jump", -20.0, -10.0)
        assert follows(engine, desk, "/sda/gain", ["B0 07 7F"], -10.0)
    assert "range = [-20.0, -10.0]" in maps(home).read_text()
    assert engine.ask("/sda/midi/adjust", "gain", "sideways").params[0] == "/sda/midi/adjust"
    time.sleep(1.1)  # of one kind and address an error is told once a second
    told = engine.ask("/sda/midi/adjust", "width.x", "auto").params
    assert told[:2] == ["/sda/midi/adjust", "refused"]


def test_a_controller_comes_and_goes_and_the_file_is_read_again(engine: Session, home: Path) -> None:
    with gear("desk") as desk:
        engine.until("MIDI: desk knobs:out is there")
        assert shows(engine, desk, "B0 07 6A", 0.0)
        desk.unplug()
        begun = time.monotonic()
        engine.until("MIDI: desk knobs:out is gone")
        assert time.monotonic() - begun < 10  # on a machine of its own within 2
    engine.send("/sda/gain", -60.0)
    engine.lines.clear()
    with gear("desk") as desk:
        engine.until("MIDI: desk knobs:out is there")
        assert shows(engine, desk, "B0 07 00", -60.0)
        assert follows(engine, desk, "/sda/gain", ["B0 07 7F"], 12.0)
        maps(home).write_text(FILE.replace('takeover = "jump"', 'takeover = "jump"\nrange = [-12, 0]'))
        engine.until("controls.toml is read again: 2 MIDI bindings")
        assert follows(engine, desk, "/sda/gain", ["B0 07 00"], -12.0)
        maps(home).write_text(FILE.replace("cc = 7", "cc = 700"))
        engine.until("controls.toml:12, [[midi]] 2: cc: expected a whole number from 0 to 119")
        assert follows(engine, desk, "/sda/gain", ["B0 07 7F"], 0.0)


def test_a_sequencer_and_a_clock_that_others_wrote(engine: Session, server: jack_server.Server) -> None:
    with program("jack_midiseq", "seq", "24000", "0", "60", "8000"):
        # Its keys have the velocity 64, the middle of 0.2 .. 0.8, which is where the width is already.
        engine.until("MIDI: seq:out is there")
        engine.send("/sda/width", 1.0)
        assert eventually(engine, "/sda/width", lambda value: value == 0.5) == 0.5
    with program("jack_midi_clock", "-b", "150"):
        engine.until("MIDI: jack_midi_clock:mclk_out is there")
        client = jack.Client("conductor", servername=server.name, no_start_server=True)
        try:
            assert any(rolls(engine, client, True) for _ in range(20))
            # 150 beats a minute are 2.5 a second: 5 grains, 1.25 cycles. Ticks that a loaded JACK loses make it seem slower.
            assert 3.5 < eventually(engine, "/sda/density", lambda value: 3.5 < value < 5.5, 60.0) < 5.5
            assert 0.87 < engine.ask("/sda/q/drift").params[0] < 1.38
            assert any(rolls(engine, client, False) for _ in range(20))
        finally:
            client.close()


def test_the_server_or_the_midi_process_dies_and_midi_is_back(engine: Session, server: jack_server.Server) -> None:
    engine.until("MIDI")
    server.kill()
    engine.until("MIDI: sda is gone")
    server.start()
    engine.lines.clear()
    engine.until("MIDI: sda is there")
    with gear("desk") as desk:
        engine.until("MIDI: desk knobs:out is there")
        assert shows(engine, desk, "B0 07 6A", 0.0)
        assert follows(engine, desk, "/sda/gain", ["B0 07 00"], -60.0)
        engine.lines.clear()
        os.kill(engine.child("midi"), signal.SIGKILL)
        engine.until("MIDI: desk knobs:out is there")
        assert "MIDI: desk knobs:out is gone; trying again until it is back" in engine.lines
        assert follows(engine, desk, "/sda/gain", ["B0 07 7F"], 12.0)


def test_our_own_ports_are_there_for_others_and_only_chosen_ports_are_opened(server: jack_server.Server, home: Path) -> None:
    Library().add(sounding("pebbles"))
    maps(home).parent.mkdir(parents=True)
    maps(home).write_text(FILE.replace('"desk"', '"sda"'))
    with (
        session("pebbles", "--audio", "null", "--midi", "piano") as running,
        gear("desk") as desk,
        gear("Grand Piano") as piano,
    ):
        running.until("MIDI: Grand Piano knobs:out is there")
        desk.move("B0 07 00")
        subprocess.run(["jack_connect", "desk knobs:out", only("sda(-[0-9]+)?:in")], check=True)
        subprocess.run(["jack_connect", only("sda(-[0-9]+)?:out"), "desk lamps:in"], check=True)
        time.sleep(0.3)
        running.send("/sda/gain", 12.0)
        assert shows(running, desk, "B0 07 7F", 12.0)
        assert running.ask("/sda/q/gain").params == [12.0]
        assert follows(running, desk, "/sda/gain", ["B0 07 40"], -24.0)
        assert piano.lit(0.1) == []
        assert "desk" not in running.end()


def test_a_key_strikes_and_the_take_has_it(server: jack_server.Server, home: Path, tmp_path: Path) -> None:
    Library().add(sounding("pebbles"))
    path = tmp_path / "keys.take"
    with session("pebbles", "--play", "--audio", "null", "--take", str(path)) as running, gear("keys") as keys:
        running.until("MIDI: keys knobs:out is there")
        for _ in range(5):  # a loaded JACK may lose some of them
            keys.move("90 3C 40", "80 3C 00")
            time.sleep(0.3)
        running.end()
    struck = [event for event in map(json.loads, path.read_text().splitlines()) if event.get("id") == "strike"]
    assert 1 <= len(struck) <= 5
    assert {(event["value"], event["source"]) for event in struck} == {(0.5, "midi act:keys knobs:out")}


def test_without_midi_nothing_is_opened_and_learning_says_so(home: Path) -> None:
    Library().add(sounding("pebbles"))
    with session("pebbles", "--audio", "null", "--no-midi") as running:
        assert any(line.split() == ["MIDI", "off"] for line in running.lines)
        assert "--no-midi" in running.ask("/sda/midi/learn", "gain").params[2]
        assert not [command for _, command in running.children() if "sda.live.midi" in command]
