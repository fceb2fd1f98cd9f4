"""Panel and engine outlive each other: whichever is killed, the other goes on, and says what it has to."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from live_session import RATE, Session, samples
from screen import Panel, Screen, panel
from small_models import sounding

import sda
from sda.cli.main import main
from sda.library import Library

OPENING = 15.0  # s for the window to be there


def run(display: Screen | None, *arguments: str) -> Session:
    """An engine as a musician starts it, with its window on a display."""
    with pytest.MonkeyPatch.context() as patch:
        if display is None:
            patch.delenv("DISPLAY", raising=False)
        else:
            for name, value in display.environment.items():
                patch.setenv(name, value)
        return Session(*arguments, headless=False)


def ended(session: Session) -> None:
    session.socket.close()
    session.process.kill()
    session.process.communicate()


def titles(display: Screen) -> str:
    """Of the windows that there are."""
    found = subprocess.run(
        ["xdotool", "search", "--name", "sda 127"], env=display.environment, capture_output=True, text=True, check=False
    )
    return found.stdout


def shown(display: Screen, *, there: bool = True) -> None:
    """Wait for a window of ours to come, or to go."""
    end = time.monotonic() + OPENING
    while bool(titles(display)) is not there:
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_panel_that_is_killed_leaves_the_sound_as_it_is(home: Path, display: Screen, tmp_path: Path) -> None:
    Library().add(sounding("pebbles"))
    path = tmp_path / "out.wav"
    arguments = ("pebbles", "--play", "--audio", f"file:{path}", "--buffer", "800", "--set", "slider.brightness=4")
    running = run(display, *arguments)
    try:
        assert any("opens in a window" in line for line in running.lines)
        shown(display)
        os.kill(running.child("panel"), signal.SIGKILL)
        running.until("the panel ended (exit code -9")
        shown(display, there=False)
        time.sleep(0.5)
        assert "0 under-runs" in running.end()
    finally:
        ended(running)
    played = samples(path)
    renderer = sda.load("pebbles").renderer(rate=RATE, values={"play": True, "slider.1": 4.0})
    expected = np.zeros((2, 0), np.float32)
    while expected.shape[1] < len(played):
        expected = np.concatenate([expected, renderer.block()], axis=1)
    whole = len(played) - RATE // 20  # at the very end it is faded out
    np.testing.assert_allclose(played[:whole], expected[:, :whole].T, atol=1e-6)


def test_the_window_of_a_run_closes_with_it_and_no_earlier(home: Path, display: Screen) -> None:
    running = run(display, "--audio", "null")
    try:
        shown(display)
        assert running.ask("/sda/ping", 1).params == [1]
        running.end()
        shown(display, there=False)
    finally:
        ended(running)


def test_without_a_display_the_engine_says_so_and_plays(home: Path) -> None:
    running = run(None, "--audio", "null")
    try:
        assert sum("there is no display here" in line for line in running.lines) == 1
        assert not any("panel" in command for _, command in running.children())
        running.end()
    finally:
        ended(running)


def test_a_panel_without_a_display_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(SystemExit) as end:
        main(["panel"])
    printed = capsys.readouterr()
    assert (end.value.code, printed.out, printed.err.count("\n")) == (2, "", 1)
    assert "there is no display here" in printed.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--connect", "nonsense"], "--connect nonsense: expected HOST:PORT"),
        (["--size", "9x9"], "--size 9x9: expected pixels"),
        (["--size", "wide"], "--size wide: expected pixels"),
        (["--at", "1"], "--at 1: expected pixels"),
    ],
)
def test_a_wrong_wish_is_one_line(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["panel", *arguments])
    printed = capsys.readouterr()
    assert (end.value.code, printed.out, printed.err.count("\n")) == (2, "", 1)
    assert words in printed.err


def test_a_killed_engine_is_missed_and_the_next_one_joined(library: Path, display: Screen, tmp_path: Path) -> None:
    first = Session("pebbles", "--audio", "null", "--set", "gain=-3")
    with panel(display, first.port, tmp_path) as window:
        try:
            window.says("-3.00 dB")
            first.process.kill()
            window.says("is gone, looking for it again")
            assert window.process.poll() is None
            second = Session("pebbles", "--audio", "null", "--set", "gain=-9", "--osc", f"127.0.0.1:{first.port}")
            try:
                window.says("-9.00 dB")
                window.says("stopped  pebbles")
                act(window, second)
            finally:
                ended(second)
        finally:
            ended(first)


def act(window: Panel, engine: Session) -> None:
    """The joined engine does what the window asks."""
    window.click("Play", "mvButton")
    end = time.monotonic() + 30
    while not engine.value("play"):
        assert time.monotonic() < end
        time.sleep(0.05)
