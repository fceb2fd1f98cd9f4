"""`sda-engine map`, `devices` and `midi monitor`, as a musician types them."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jack_server
import pytest
from midi_gear import gear

from sda.cli.main import main

COMMAND = [sys.executable, "-m", "sda.cli"]
FILE = """\
[[midi]]
cc14 = 1
channel = 2
port = "desk"
control = "slider.brightness"
range = [-5, 5]
takeover = "scale"

[[midi]]
note = 36 # the lowest pad
act = "panic"

[[osc]]
address = "/level"
control = "gain"
"""


class Shown(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Sda = Callable[..., Shown]


@pytest.fixture
def sda(capsys: pytest.CaptureFixture[str]) -> Sda:
    """The command, in this process."""

    def run(*arguments: str) -> Shown:
        with pytest.raises(SystemExit) as ended:
            main([*arguments])
        assert isinstance(ended.value.code, int)
        return Shown(ended.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def path(home: Path) -> Path:
    made = home / "engines" / "stage" / "controls.toml"
    made.parent.mkdir(parents=True)
    made.write_text(FILE)
    return made


def test_maps_are_listed_and_forgotten_by_hand(path: Path, sda: Sda) -> None:
    shown = sda("map", "list", "--name", "stage")
    assert [line.split("  ")[0] for line in shown.stdout.splitlines()] == [
        "control or act", "slider.brightness", "panic", "gain", str(path)
    ]  # fmt: skip
    assert "cc14 1, channel 2, desk" in shown.stdout
    assert "-5 .. 5" in shown.stdout
    listed = json.loads(sda("map", "list", "--name", "stage", "--json").stdout)
    assert (listed["midi"][1], listed["osc"]) == ({"note": 36, "act": "panic"}, [{"address": "/level", "control": "gain"}])
    assert sda("map", "forget", "slider.brightness", "--name", "stage").returncode == 0
    assert path.read_text() == FILE[FILE.index("[[midi]]\nnote") :]
    again = sda("map", "forget", "slider.brightness", "--name", "stage")
    assert (again.returncode, "nothing is bound to it; found panic" in again.stderr) == (2, True)
    assert "nothing is bound" in sda("map", "list").stdout


def test_a_broken_file_and_an_engine_that_is_not_there_are_said(path: Path, sda: Sda) -> None:
    path.write_text(FILE.replace("36", "136"))
    shown = sda("map", "list", "--name", "stage")
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "controls.toml:9, [[midi]] 2: note: expected a whole number from 0 to 127, found '136'" in shown.stderr
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    learn = sda("map", "learn", "gain", "--osc", f"127.0.0.1:{port}")
    assert (learn.returncode, "no engine answers there" in learn.stderr) == (2, True)


def test_an_engine_does_not_start_with_a_file_that_it_cannot_use(home: Path, sda: Sda) -> None:
    ours = home / "engines" / "sda" / "controls.toml"
    ours.parent.mkdir(parents=True)
    ours.write_text("[[midi]]\ncc = 1\n")
    run = sda("run", "--audio", "null", "--duration", "0.1", "--osc", "127.0.0.1:0")
    assert (run.returncode, 'controls.toml:1, [[midi]] 1: control: expected either control = "ID"' in run.stderr) == (2, True)


@pytest.mark.skipif(not shutil.which("jackd"), reason="needs jackd2")
def test_ports_are_listed_and_what_comes_in_is_shown(home: Path, sda: Sda) -> None:
    with jack_server.server(), gear("desk") as desk:
        listed = json.loads(sda("devices", "--json").stdout)
        assert listed["midi"] == {"system": "JACK", "inputs": ["desk knobs:out"], "outputs": ["desk lamps:in"], "trouble": ""}
        assert [device["api"] for device in listed["sound"]] == ["JACK Audio Connection Kit"]
        table = sda("devices").stdout
        assert "desk knobs:out    yes  -" in table
        assert "system  JACK Audio Connection Kit" in table
        command = [*COMMAND, "midi", "monitor", "desk", "--seconds", "60"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as monitor:
            assert monitor.stdout is not None
            assert monitor.stderr is not None
            assert [monitor.stderr.readline() for _ in range(2)] == ["listening to sda\n", "listening to desk knobs:out\n"]
            desk.move("F8", "B2 15 7F", "90 3C 40", "E0 00 40", "C4 05", "FA")
            found = [monitor.stdout.readline().split(maxsplit=1)[1].strip() for _ in range(5)]
            monitor.terminate()
        assert found == [
            "desk knobs:out            B2 15 7F  cc 21 = 127, channel 3",
            "desk knobs:out            90 3C 40  note on 60 = 64, channel 1",
            "desk knobs:out            E0 00 40  bend = 8192, channel 1",
            "desk knobs:out            C4 05     program 5, channel 5",
            "desk knobs:out            FA        start",
        ]
        assert sda("midi", "monitor", "nothing", "--seconds", "0.5").returncode == 0


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or Path("/dev/snd/seq").exists(), reason="needs a machine without MIDI"
)
def test_without_any_midi_the_reason_is_said(monkeypatch: pytest.MonkeyPatch, sda: Sda) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "nobody-runs-this")
    shown = sda("devices")
    assert (shown.returncode, "no MIDI port: no MIDI on this machine (ALSA: " in shown.stdout) == (0, True)
    assert "JACK server not running" in shown.stdout
