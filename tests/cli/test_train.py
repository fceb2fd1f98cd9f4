"""`train` and `train-vocoder` as commands: every file accounted for, a model that plays, and a kill that loses nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sda.train import follow

COMMAND = [sys.executable, "-m", "sda.cli"]
RATE = 44_100


def call(*args: object, home: Path, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SDA_HOME": str(home)}
    return subprocess.run([*COMMAND, *map(str, args)], capture_output=True, text=True, env=environment, check=False)


def noise(seed: int, seconds: float = 1.1) -> np.ndarray:
    """Noise that sounds alike whatever the seed, so that analysis has little to do."""
    return 0.9 * np.random.default_rng(seed).uniform(-1, 1, round(seconds * RATE))


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    for number in range(5):
        soundfile.write(folder / f"noise{number}.wav", noise(number), RATE)
    soundfile.write(folder / "stereo48.flac", np.stack([noise(8, 1.2)] * 2, axis=1), 48_000)
    soundfile.write(folder / "short.wav", noise(10, 1.0), RATE)
    soundfile.write(folder / "silent.wav", np.zeros(RATE), RATE)
    soundfile.write(folder / "clipped.wav", np.append(noise(11), np.ones(8)), RATE)
    soundfile.write(folder / "nan.wav", np.full(RATE, np.nan), RATE, subtype="FLOAT")
    soundfile.write(folder / "one.wav", np.ones(1), RATE)
    (folder / "notes.txt").write_text("not a sound")
    (folder / "broken.wav").write_bytes(b"RIFF but nothing more")
    return folder


@pytest.fixture(scope="module")
def trained(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A library with the model "grit", trained by the command, and what the command said."""
    home = tmp_path_factory.mktemp("home")
    return home, call("train", recordings, "--name", "grit", "--epochs", 2, "--threads", 1, home=home)


def test_every_file_that_was_not_simply_used_is_named_before_training(trained: tuple) -> None:
    _, done = trained
    assert done.returncode == 0, done.stderr
    said = done.stdout[: done.stdout.index("training")]
    reasons = {
        "stereo48.flac": "resampled from 48000 Hz; 2 channels mixed to one",
        "short.wav": "padded from 1.00",
        "silent.wav": "silent",
        "clipped.wav": "clipped",
        "nan.wav": "NaN",
        "one.wav": "only 1 samples",
        "notes.txt": "not an audio file",
        "broken.wav": "not readable as audio",
    }
    lines = said.splitlines()
    for name, reason in reasons.items():
        assert any(name in line and reason in line for line in lines), (name, said)
    assert "8 of 13 files used" in said


def test_the_model_is_in_the_library_and_plays(trained: tuple, tmp_path: Path) -> None:
    home, _ = trained
    listed = json.loads(call("model", "list", "--json", home=home).stdout)
    assert "grit" in json.dumps(listed)
    out = tmp_path / "out.wav"
    done = call("generate", "grit", "-o", out, "-d", 1, home=home)
    assert done.returncode == 0, done.stderr
    assert "draft" in done.stdout
    assert soundfile.info(out).frames == 48_000


def test_events_tell_the_run(trained: tuple) -> None:
    home, _ = trained
    run = next((home / "runs").glob("train-grit-*"))
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    kinds = [event["kind"] for event in events]
    assert kinds.count("file") == 13
    assert kinds.index("start") > 12
    assert kinds[-1] == "end"
    steps = [event for event in events if event["kind"] == "step"]
    assert [event["step"] for event in steps] == list(range(1, steps[0]["steps"] + 1))
    preview = next(event for event in events if event["kind"] == "preview")  # of what is kept, after the last step
    assert kinds.index("preview") > max(i for i, kind in enumerate(kinds) if kind == "step")
    assert preview["vocoder"] == "draft"
    assert f"preview: {preview['file']}  (draft: {preview['why']}" in trained[1].stdout
    sound, rate = soundfile.read(preview["file"])
    assert rate == 48_000
    assert 48_000 <= len(sound) <= 60_000  # the loudest three seconds, here all of a recording of one
    assert sound.std() > 1e-3
    assert not (run / "corpus").exists()  # a finished run leaves no copy of the recordings


def test_a_vocoder_is_trained_and_bundled(trained: tuple, tmp_path: Path) -> None:
    home, _ = trained
    done = call("train-vocoder", "grit", "--steps", 3, "--threads", 1, home=home)
    assert done.returncode == 0, done.stderr
    assert "mel error on held-out recordings" in done.stdout
    out = tmp_path / "out.wav"
    assert call("generate", "grit", "-o", out, "-d", 0.5, "--vocoder", "hifigan", home=home).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere", "--name", "x"], "found nothing where a folder of recordings was expected"),
        ([__file__, "--name", "x"], "found a file where a folder of recordings was expected"),
        (["--name", "x"], "no folder of recordings given"),
        (["--name", "x", "--resume"], "nothing to resume"),
        ([".", "--name", "grit"], "in the library already"),
        ([".", "--name", " "], "expected 1 to 100 printable characters"),
        ([".", "--name", "x", "--device", "abacus"], "device 'abacus'"),
        ([".", "--name", "x", "--minutes", "0"], "--minutes"),
        ([str(Path(__file__).parent), "--name", "x", "--leave-out", "nowhere.wav"], "--leave-out nowhere.wav: found no such"),
    ],
)
def test_a_mistake_is_one_line(trained: tuple, arguments: list[str], words: str) -> None:
    home, _ = trained
    done = call("train", *arguments, home=home)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_files_are_left_out_and_what_went_wrong_is_on_record(recordings: Path, home: Path) -> None:
    kept = ["silent.wav", "nan.wav"]
    names = [path.name for path in recordings.iterdir() if path.name not in kept]
    left_out = [word for name in names for word in ("--leave-out", name)]
    done = call("train", recordings, "--name", "quiet", *left_out, home=home)
    assert (done.returncode, "none of its 2 files can be used" in done.stderr) == (2, True), done.stderr
    (run,) = (home / "runs").iterdir()
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    assert sorted(event["name"] for event in events if event["kind"] == "file") == sorted(kept)
    assert (events[-1]["kind"], "can be used" in events[-1]["text"]) == ("error", True)
    everything = [word for path in recordings.iterdir() for word in ("--leave-out", path.name)]
    done = call("train", recordings, "--name", "quiet", *everything, home=home)
    assert (done.returncode, "all of its 13 files are left out" in done.stderr) == (2, True), done.stderr


def test_an_empty_folder_and_one_with_nothing_usable(home: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "poor").mkdir()
    soundfile.write(tmp_path / "poor" / "silent.wav", np.zeros(RATE), RATE)
    for folder, words in (("empty", "an empty folder"), ("poor", "none of its 1 files can be used")):
        done = call("train", tmp_path / folder, "--name", "x", home=home)
        assert done.returncode == 2
        assert words in done.stderr


def told(home: Path, kind: str) -> list[dict]:
    """What the events of this kind say, of the run "x"."""
    runs = home.glob("runs/train-x-*/events.jsonl")
    return [event.data for run in runs for event in follow.events(run.read_bytes()) if event.kind == kind]


def losses(home: Path) -> dict[int, float]:
    """The loss of every step that the run's events tell, the last telling winning."""
    return {event["step"]: event["losses"]["loss"] for event in told(home, "step")}


def killed_at(moment: Callable[[], bool], *arguments: object, home: Path) -> None:
    """`train` until the moment has come, and not a step of its clean-up."""
    command = [*COMMAND, "train", *map(str, arguments)]
    process = subprocess.Popen(command, env={**os.environ, "SDA_HOME": str(home)}, stdout=subprocess.PIPE)
    while not moment():
        time.sleep(0.05)
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_kill_loses_nothing_that_resume_does_not_bring_back(recordings: Path, tmp_path: Path) -> None:
    arguments = [recordings, "--name", "x", "--epochs", 60, "--seed", 3, "--threads", 1]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    killed_at(lambda: bool(told(whole, "preview")), *arguments, home=whole)  # behind the last step, which is all that is asked
    killed_at(lambda: any(killed.glob("runs/train-x-*/checkpoint.pt")), *arguments, home=killed)
    reached = max(losses(killed))
    done = call("train", "--name", "x", "--resume", home=killed)
    assert done.returncode == 0, done.stderr
    assert reached < max(losses(whole))
    assert losses(killed) == losses(whole)
