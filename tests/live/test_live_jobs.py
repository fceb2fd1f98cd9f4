"""Jobs asked for while the engine runs: what they make, what is told of them, who may end them, and that they go on alone."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import soundfile
from live_session import Session, session
from pythonosc.osc_message import OscMessage
from small_models import sounding

from sda.library import Library
from sda.priority import JOB
from sda.train.run import Event, Run

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes in /proc")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SDA_HOME", str(tmp_path_factory.mktemp("home")))
        made = Library()
        made.add(sounding("pebbles"))
        yield made


@contextmanager
def patient(*arguments: str) -> Iterator[Session]:
    """A session that waits for a job, which gives way to everything else on a machine at work."""
    with session("--audio", "null", *arguments) as running:
        running.socket.settimeout(300)
        yield running
        running.end()


@pytest.fixture(scope="module")
def playing(library: Library) -> Iterator[Session]:
    """An engine with a model."""
    with patient("pebbles", "--set", "slider.1=4", "--set", "spatial=mono") as running:
        yield running


@pytest.fixture(scope="module")
def empty(library: Library) -> Iterator[Session]:
    """An engine without a model; another one's download lies in the library."""
    before = Run.create(library.runs, "download", "bigvgan", {})
    with before.alive():
        before.log(Event("step", {"step": 1, "steps": 2}))
    with patient("--name", "empty") as running:
        yield running
    assert not before.cancelled


def job_of(running: Session) -> int:
    """The process of the only job."""
    end = time.monotonic() + 20
    while True:
        for number, command in running.children():
            if "sda.cli" in command:
                return number
        assert time.monotonic() < end
        time.sleep(0.02)


def test_generate_makes_a_recording_of_what_is_set(library: Library, playing: Session) -> None:
    assert playing.act("/sda/generate", "tide", 0.5) == ["tide.wav"]
    playing.send("/sda/slider/1", -8.0)
    assert playing.act("/sda/generate", "Tide", 0.25) == ["Tide-2.wav"]
    first, rate = soundfile.read(library.recordings / "tide.wav")
    other, _ = soundfile.read(library.recordings / "Tide-2.wav")
    assert (len(first), len(other), first.ndim) == (rate // 2, rate // 4, 1)  # mono, as it was set
    assert abs(first).max() > 0.01
    assert abs(first[: len(other)] - other).max() > 0.01  # the slider's new place


@pytest.mark.parametrize(
    ("address", "arguments", "words"),
    [
        ("/sda/generate", ["tide", 0.5], "no model is loaded"),
        ("/sda/train/vocoder", ["nobody"], "no model 'nobody'"),
        ("/sda/train/cancel", [], "no training goes on"),
        ("/sda/download/cancel", [], "no download goes on"),
    ],
)
def test_what_cannot_be_done_is_told_to_who_asked(empty: Session, address: str, arguments: list[object], words: str) -> None:
    code, text = empty.act(address, *arguments)
    assert (code, words in text) == ("refused", True), text


def test_what_the_command_says_when_it_fails_is_told(empty: Session) -> None:
    _, text = empty.act("/sda/train/vocoder", "pebbles")
    assert "recordings" in text  # nobody knows where they are: it was made by a test
    assert not text.startswith("sda-engine: error")


@pytest.mark.parametrize("name", ["../tide", "a/b", "..", "C:tide", "a\\b"])
def test_a_job_takes_no_path(playing: Session, name: str) -> None:
    time.sleep(1.0)  # an error of a kind is told once a second
    told = playing.ask("/sda/generate", name, 0.5)
    assert (told.address, told.params[:2]) == ("/sda/error", ["/sda/generate", "value"])


@LINUX
def test_a_job_gives_way_and_outlives_the_engine(library: Library) -> None:
    with session("pebbles", "--audio", "null", "--name", "short-lived") as running:
        running.send("/sda/generate", "long tide", 5.0)
        process = job_of(running)
        # proc(5): the nice value is the 19th field, and the command, the second, may hold spaces.
        assert int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[16]) == JOB
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()
        end = time.monotonic() + 300
        while not (target := library.recordings / "long-tide.wav").exists():
            assert time.monotonic() < end
            assert Path(f"/proc/{process}").exists() or target.exists()
            time.sleep(0.05)
    assert soundfile.info(target).duration == 5.0


def heard(running: Session) -> OscMessage:
    """The next message that is no revision."""
    while (told := running.receive()).address == "/sda/rev":
        pass
    return told


def test_a_training_that_a_terminal_started_is_followed_and_can_be_ended(library: Library, empty: Session) -> None:
    empty.send("/sda/listen", "train")
    run = Run.create(library.runs, "train-vocoder", "pebbles", {})
    with run.alive():
        run.log(Event("start", {"step": 0, "steps": 90}))
        run.log(Event("step", {"step": 1, "steps": 90, "losses": {"total": 2.5, "mel": float("nan"), "G": 0.25}}))
        told = heard(empty)
        assert told.address == "/sda/train/progress"
        assert told.params == [run.path.name, 1, 90, "total", 2.5, "G", 0.25]  # what is no number is left out
        empty.send("/sda/unlisten")
        assert run.path.name in empty.act("/sda/train/vocoder", "pebbles")[1]  # one at a time
        assert not run.cancelled
        assert empty.act("/sda/train/cancel") == [run.path.name]
        assert run.cancelled
    assert "no training goes on" in empty.act("/sda/train/cancel")[1]


def test_a_download_is_followed_and_can_be_ended(library: Library, empty: Session) -> None:
    empty.send("/sda/listen", "download")
    run = Run.create(library.runs, "download", "bigvgan", {})
    with run.alive():
        for done in (100_000_000, 244_520_645):
            run.log(Event("step", {"step": done, "steps": 489_041_291, "stage": "download"}))
        told = heard(empty)
        assert told.address == "/sda/download/progress"
        if told.params[1] == 100:  # looked at between the two
            told = heard(empty)
        assert told.params == [pytest.approx(0.5, abs=1e-6), 245, 489]
        empty.send("/sda/unlisten")
        assert empty.act("/sda/download/cancel") == [run.path.name]
    assert run.cancelled


@pytest.mark.skipif(os.name != "posix", reason="kills by a signal")
def test_a_job_that_is_killed_is_an_error(playing: Session) -> None:
    playing.send("/sda/generate", "endless", 3000.0)
    os.kill(job_of(playing), signal.SIGKILL)
    assert playing.receive().address == "/sda/accepted"
    assert playing.receive().params == ["/sda/generate", "refused", "exit code -9"]
