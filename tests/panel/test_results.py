"""What was rendered, listened to from the panel over a real JACK server: a press on Play is heard."""

from __future__ import annotations

from pathlib import Path

import jack_server
import numpy as np
import pytest
from live_session import session
from screen import panel, screen
from test_live_jack import wait_for_ports

from sda.cli.main import main

pytestmark = pytest.mark.window


def test_without_a_result_it_is_said_and_one_is_heard_and_stopped(library: Path, tmp_path: Path) -> None:
    (library / "recordings").mkdir()
    with session("pebbles", "--audio", "null") as engine, screen() as display:
        with panel(display, engine.port, tmp_path) as window:
            window.show("Generate")
            window.says("Nothing was rendered yet.")
        engine.end()
    for name, seconds in (("early", "0.5"), ("late", "30")):
        with pytest.raises(SystemExit, match="0"):
            main(["generate", "pebbles", "-d", seconds, "-o", str(library / "recordings" / f"{name}.wav")])
    with jack_server.server(), session("pebbles", "--audio", "null") as engine, screen() as display:
        with panel(display, engine.port, tmp_path) as window:
            window.show("Generate")
            window.says("late.wav: 30")
            window.click("Play", "mvButton", nth=1)  # the first is the transport's
            wait_for_ports()
            assert np.abs(jack_server.record(tmp_path / "heard.npy", 0.5)).max() > 0.01
            window.click("Stop")
            assert not np.abs(jack_server.record(tmp_path / "silence.npy", 0.3)).any()
        engine.end()
