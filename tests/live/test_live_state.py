"""An engine that is killed comes back as it was, tells who listened, and begins safely after two crashes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_session import COMMAND, Session, session
from pythonosc.osc_message import OscMessage
from small_models import sounding

import sda
from sda.formats import preset as file
from sda.library import Library

QUIET = ("--audio", "null")


@pytest.fixture
def models(home: Path) -> Path:
    Library().add(sounding("pebbles"))
    return home


@pytest.fixture
def ear() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.settimeout(20)
        yield made


def hear(ear: socket.socket, address: str) -> list[object]:
    """What the next message on an address says."""
    while True:
        message = OscMessage(ear.recv(65536))
        if message.address == address:
            return list(message.params)


def until_kept(path: Path, id: str, value: float) -> float:
    """Seconds until the state on the disk has a value."""
    began = time.monotonic()
    while not path.exists() or file.read(path).values.get(id) != value:
        assert time.monotonic() < began + 20
        time.sleep(0.02)
    return time.monotonic() - began


def kill(running: Session) -> None:
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait()


def test_an_engine_comes_back_as_it_was_and_safely_after_two_crashes(models: Path, ear: socket.socket) -> None:
    state = models / "engines" / "left" / "state.json"
    out = ("--osc-out", f"127.0.0.1:{ear.getsockname()[1]}")
    with session("pebbles", *QUIET, "--name", "left", "--play", fresh=False) as running:
        running.send("/sda/listen")
        for _ in range(100):
            running.send("/sda/slider/axis-1", 3.0)
            running.send("/sda/slider/brightness", -2.5)
        running.send("/sda/gain", -7.0)
        print(f"kept after {until_kept(state, 'gain', -7.0):.2f} s")
        for n in range(500):
            running.send("/sda/gain", -20.0 + n / 100)
        kill(running)
        heard = running.socket.getsockname()
        kept = file.read(state)  # whole, whenever the kill came
        running.socket.close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
            listener.bind(heard)
            listener.settimeout(20)
            # The next one has no model named: it is the last one's, with its values, silent, and what is said here on top.
            with session(*QUIET, "--name", "left", "--set", "drift=1", *out, fresh=False) as again:
                assert hear(listener, "/sda/started") == hear(ear, "/sda/started") == [sda.__version__]
                assert hear(ear, "/sda/slider/2") == [3.0]  # all values, then every change
                assert again.ask("/sda/status").params[:2] == ["stopped", "pebbles"]
                values = [again.value(id) for id in ("slider.1", "slider.2", "gain", "drift", "play")]
                assert values == [-2.5, 3.0, pytest.approx(kept.values["gain"]), 1.0, 0]
                again.send("/sda/density", 5.0)
                assert hear(ear, "/sda/density") == [5.0]
                until_kept(state, "density", 5.0)
                kill(again)
        with session(*QUIET, "--name", "left", fresh=False) as safe:
            assert any(line.startswith("safe start: the last 2 runs ended badly") for line in safe.lines)
            status = safe.ask("/sda/status").params
            assert (status[:2], status[3][:10]) == (["empty", ""], "safe start")
            assert safe.value("density") == 5.0
            safe.send("/sda/model", "pebbles")
            safe.until("/sda/model pebbles loads it")
            safe.send("/sda/sync", 1)
            assert safe.receive().params == [1]
            safe.send("/sda/slider/1", 1.0)
            safe.end()
    assert file.read(state).sliders == {"brightness": 1.0, "axis-1": 0.0}  # written at the end as well
    assert not (state.parent / "run.json").exists()


def test_a_last_model_that_cannot_be_loaded_ends_nothing(models: Path) -> None:
    path = Library().resolve("pebbles")
    folder = models / "engines" / "sda"
    folder.mkdir(parents=True)
    saved = file.Preset(name="sda", model=sounding("pebbles").id, model_name="pebbles", sliders={"brightness": 4.0})
    file.write(folder / "state.json", saved)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))  # its header is as it was
    with session(*QUIET, fresh=False) as running:
        assert any("its tensors are not those that were written" in line for line in running.lines)
        assert running.ask("/sda/status").params[:2] == ["empty", ""]
        assert running.ask("/sda/slider/1", 1.0).params[1] == "no-model"
        path.write_bytes(content)
        running.send("/sda/model", "pebbles")
        running.until("Ctrl-C ends it")
        assert running.ask("/sda/sync", 1).params == [1]
        assert running.ask("/sda/status").params[:2] == ["stopped", "pebbles"]
        running.end()


def refused(*arguments: str) -> str:
    done = subprocess.run([*COMMAND, *QUIET, *arguments], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done
    return done.stderr


def test_a_name_and_a_port_have_one_engine_each(models: Path) -> None:
    with session(*QUIET, "--name", "left") as running:
        port = running.port
        text = refused("--name", "left")
        assert f"an engine named 'left' runs already (process {running.process.pid}, OSC at 127.0.0.1:{port})" in text
        assert "--osc" in text
        text = refused("--name", "right", "--osc", f"127.0.0.1:{port}")
        assert f"--osc 127.0.0.1:{port}" in text
        assert f"the engine 'left' has it (process {running.process.pid}" in text
        with session(*QUIET, "--name", "right") as other:
            assert other.ask("/sda/ping", 1).params == running.ask("/sda/ping", 1).params == [1]
            other.end()
        running.end()
