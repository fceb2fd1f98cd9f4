"""OSCQuery of a running engine: announced in its welcome, in step with the model that it loads."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from live_session import COMMAND, session
from small_models import sounding
from websockets.sync.client import connect

from sda.library import Library

WELCOME = r"OSCQuery http://127\.0\.0\.1:(\d+)"


def read(port: int, target: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{target}", timeout=10) as answer:
        return json.load(answer)


def test_a_model_is_loaded_and_steered_by_what_the_tree_says(home: Path) -> None:
    Library().add(sounding("pebbles"))
    with session("--audio", "null", "--play") as running:
        port = int(re.search(WELCOME, "\n".join(running.lines))[1])  # type: ignore[index]
        assert read(port, "/?HOST_INFO")["OSC_PORT"] == running.port
        tree = read(port, "/")["CONTENTS"]["sda"]["CONTENTS"]
        assert (tree["play"]["VALUE"], tree["panic"]["ACCESS"]) == ([1], 2)
        assert "slider" not in tree
        with connect(f"ws://127.0.0.1:{port}/") as client:
            running.send(tree["model"]["FULL_PATH"], "pebbles")
            assert json.loads(client.recv(timeout=30)) == {"COMMAND": "PATH_CHANGED", "DATA": "/sda"}
        assert read(port, "/sda/slider/1?RANGE") == {"RANGE": [{"MIN": -10, "MAX": 10}]}
        running.end()


@pytest.mark.parametrize(
    ("wish", "words"), [("no", "expected a port from 1 to 65535, or off"), ("70000", "--oscquery 70000"), ("{taken}", "in use")]
)
def test_a_port_that_cannot_be_had_is_one_line(home: Path, wish: str, words: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wish = wish.format(taken=taken.getsockname()[1])
        command = [*COMMAND, "--audio", "null", "--osc", "127.0.0.1:0", "--oscquery", wish]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert words in done.stderr


def test_it_can_be_left_out(home: Path) -> None:
    command = [*COMMAND, "--audio", "null", "--osc", "127.0.0.1:0", "--duration", "0.1", "--oscquery", "off"]
    text = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    assert "OSC " in text
    assert "OSCQuery" not in text
