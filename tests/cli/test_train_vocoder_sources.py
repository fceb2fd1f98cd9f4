"""`train-vocoder` finds the recordings of its model again, and no two processes train one model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sda.library import Library

COMMAND = [sys.executable, "-m", "sda.cli"]
RATE = 44_100
NAMES = ["deep/n3.wav", "n0.wav", "n1.wav", "n2.wav"]


def call(*args: object, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SDA_HOME": str(home)}
    return subprocess.run([*COMMAND, *map(str, args)], capture_output=True, text=True, env=environment, check=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a library, `home`, and in `disk/music/project/takes` the recordings of its model "grit"."""
    top = tmp_path_factory.mktemp("trained")
    takes = top / "disk" / "music" / "project" / "takes"
    (takes / "deep").mkdir(parents=True)
    for name in NAMES:
        noise = np.random.default_rng(int(name[-5])).uniform(-0.3, 0.3, RATE)
        soundfile.write(takes / name, noise, RATE)
    soundfile.write(takes / "silent.wav", np.zeros(RATE), RATE)
    done = call("train", takes, "--name", "grit", "--epochs", 1, "--threads", 1, home=top / "home")
    assert done.returncode == 0, done.stderr
    return top


def spec_of(home: Path) -> dict[str, object]:
    newest = max((home / "runs").glob("train-vocoder-*"), key=lambda path: path.stat().st_mtime_ns)
    return json.loads((newest / "spec.json").read_text())


def test_training_remembers_the_recordings_and_not_in_the_model(trained: Path) -> None:
    home = trained / "home"
    (entry,) = Library(home).entries()
    source = Library(home).source(entry.id)
    assert source
    assert [file.name for file in source.files] == NAMES  # not the silent one, which nobody needs to keep
    assert [file.held_out for file in source.files].count(True) == 1
    content = entry.path.read_bytes()
    for hidden in (str(trained), "n1.wav", source.files[0].sha256):
        assert hidden.encode() not in content


def test_a_model_in_training_is_refused_in_one_line(trained: Path) -> None:
    home = trained / "home"
    (entry,) = Library(home).entries()
    with Library(home).training(entry.id, "grit"):
        for arguments in (["train", "--name", "grit", "--resume"], ["train-vocoder", "grit", "--steps", 1]):
            done = call(*arguments, home=home)
            assert done.returncode == 2
            assert "grit is being trained by another process" in done.stderr
            assert len(done.stderr.strip().splitlines()) == 1
    assert not list((home / "runs").glob("train-vocoder-*"))


def test_a_moved_folder_is_found_and_a_lost_one_asked_for(trained: Path) -> None:
    home, project = trained / "home", trained / "disk" / "music" / "project"
    (entry,) = Library(home).entries()
    source = Library(home).source(entry.id)
    assert source
    new = project.parent / "archive"
    project.rename(new)
    (new / "takes" / "n1.wav").rename(new / "takes" / "zebra.wav")
    done = call("train-vocoder", "grit", "--steps", 1, "--threads", 1, home=home)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "the recordings of grit are no longer where they were in" in said
    assert "4 of 4 files used" in said
    spec = spec_of(home)
    where = {"n1.wav": "zebra.wav"}
    assert spec["files"] == [[str(new / "takes" / where.get(name, name)), name] for name in NAMES]
    assert spec["held_out"] == [file.name for file in source.files if file.held_out]
    assert str(new).encode() not in entry.path.read_bytes()

    (new / "takes" / "n2.wav").unlink()
    done = call("train-vocoder", "grit", "--steps", 1, home=home)
    assert done.returncode == 2
    assert "found 3 of the 4 recordings of grit: 'n2.wav'" in done.stderr
    assert "expected --audio DIR" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
