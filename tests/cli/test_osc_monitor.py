"""`sda-engine osc monitor`: what it prints of a real port, and what it says where there is none."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from sda.adapters.osc import OscPort
from sda.adapters.osc_acts import Acts, Status
from sda.cli.main import cli
from sda.control import Controls

HOST = "127.0.0.1"
COMMAND = [sys.executable, "-c", "from sda.cli.main import main; main()", "osc", "monitor"]


class Nothing(Acts):
    """An engine without models, that does nothing."""

    def status(self) -> Status:
        return Status(state="empty")

    def models(self) -> list[str]:
        return []


@contextmanager
def begun(port: OscPort, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A monitor that listens already; ended by Ctrl-C at the end."""
    place = f"{HOST}:{port.address[1]}"
    started = subprocess.Popen(
        [*COMMAND, "--osc", place, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    end = time.monotonic() + 30
    while not port.news.wanted():
        assert time.monotonic() < end
        time.sleep(0.01)
    try:
        yield started
        started.send_signal(signal.SIGINT)
        assert started.wait(30) == 130
    finally:
        started.kill()
        started.communicate()


def test_values_changes_and_words_are_printed_until_ctrl_c() -> None:
    controls = Controls()
    port = OscPort(HOST, 0, controls, Nothing())
    with begun(port) as watching:
        assert watching.stdout is not None
        lines = [watching.stdout.readline() for _ in controls.rows]
        assert [line.split()[1] for line in lines] == [row.address for row in controls.rows]
        controls.set("gain", -6.5, "panel")
        assert watching.stdout.readline().split()[1:] == ["/sda/gain", "-6.5"]
        port.news.push("/sda/meter", -3.0, -4.0)  # comes all the time, so it is left out
        port.news.push("/sda/log", "two words", topic="log")
        assert watching.stdout.readline().split(maxsplit=1)[1] == '/sda/log "two words"\n'
        port.news.push("/sda/train/progress", "a run", 1, 90, "mel", 0.25)
        assert watching.stdout.readline().split(maxsplit=1)[1] == '/sda/train/progress "a run" 1 90 "mel" 0.25\n'
    port.close()


def test_a_prefix_levels_and_an_engine_that_goes_and_comes() -> None:
    controls = Controls()
    controls.install_sliders(["brightness"])
    port = OscPort(HOST, 0, controls, Nothing())
    with begun(port, "slider", "--all") as watching:
        assert watching.stdout is not None
        assert watching.stderr is not None
        assert watching.stdout.readline().split()[1:] == ["/sda/slider/1", "0"]
        assert watching.stdout.readline().split()[1:] == ["/sda/rev", "1"]
        address = port.address
        port.close()
        assert "the engine is gone" in watching.stderr.readline()
        port = OscPort(*address, controls, Nothing())
        controls.set("slider.1", 2.5, "panel")
        while (line := watching.stdout.readline()).split()[1:] != ["/sda/slider/1", "2.5"]:
            assert line
    port.close()


def test_where_no_engine_is_one_line_says_so() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind((HOST, 0))
        place = f"{HOST}:{free.getsockname()[1]}"
    done = subprocess.run([*COMMAND, "--osc", place], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert f"--osc {place}: no engine answers there" in done.stderr


@pytest.mark.parametrize("word", ["nonsense", "host:", ":1"])
def test_a_place_that_is_none_is_one_line(word: str) -> None:
    done = subprocess.run([*COMMAND, "--osc", word], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "expected HOST:PORT" in done.stderr


def test_params_for_a_manual() -> None:
    from sda.acts import ACTS
    from sda.params import PARAMS

    lines = CliRunner().invoke(cli, ["params", "--markdown"]).output.splitlines()
    tables = "\n".join(lines).split("\n\n")
    for table, rows in zip(tables, (PARAMS, ACTS), strict=True):
        head, rule, *body = table.splitlines()
        assert rule.count("---") == head.count("|") - 1
        cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in body]
        assert [row[0] for row in cells] == [f"`{row.id}`" for row in rows]
        assert [row[1] for row in cells] == [f"`{row.address}`" for row in rows]
        assert {len(row) for row in cells} == {head.count("|") - 1}
        assert [row[-1] for row in cells] == [row.help for row in rows]
