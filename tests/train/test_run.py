"""Run folders: events that any JSON reader takes, one process at a time, the newest run found by name."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sda.errors import TrainError
from sda.train.run import Event, Run


def test_numbers_that_are_not_finite_become_null(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "train", "a b/c", {"seed": 1})
    run.log(Event("step", {"losses": {"loss": float("nan"), "kl": 2.0}, "eta_s": float("inf")}))
    lines = (run.path / "events.jsonl").read_text().splitlines()
    found = json.loads(lines[0], parse_constant=lambda name: pytest.fail(f"not JSON: {name}"))
    assert found["losses"] == {"loss": None, "kl": 2.0}
    assert (found["kind"], found["eta_s"]) == ("step", None)
    assert run.path.parent == tmp_path  # a name never makes a folder of its own


def test_a_cut_line_spoils_no_other(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "train", "x", {})
    (run.path / "events.jsonl").write_text('{"t": 1, "kind": "step"}\n{"t": 2, "ki')
    with run.alive():
        run.log(Event("checkpoint", {"step": 3}))
    lines = (run.path / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["kind"] for line in (lines[0], lines[2])] == ["step", "checkpoint"]


def test_a_run_has_one_process(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "train", "x", {})
    code = (
        "import sys, time; from pathlib import Path; from sda.train.run import Run\n"
        "with Run(Path(sys.argv[1])).alive(): print('held', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(run.path)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    with pytest.raises(TrainError, match="already going on"), run.alive():
        pass
    other.kill()  # as dead as a power cut
    other.wait()
    other.stdout.close()
    with run.alive():
        assert not run.cancelled


def test_asking_to_stop_is_forgotten_by_the_next_start(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "train", "x", {})
    with run.alive():
        run.cancel()
        assert run.cancelled
    with run.alive():
        assert not run.cancelled


def test_the_newest_run_with_a_checkpoint_is_found(tmp_path: Path) -> None:
    for number in range(3):
        run = Run.create(tmp_path, "train", "x", {"number": number})
        if number < 2:
            run.checkpoint.write_bytes(b"state")
            time.sleep(0.02)
    assert Run.find(tmp_path, "train", "x").spec["number"] == 1
    with pytest.raises(TrainError, match="nothing to resume"):
        Run.find(tmp_path, "train", "y")


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="no run here"):
        Run(tmp_path)


def test_a_training_is_never_resumed_from_a_vocoders(tmp_path: Path) -> None:
    for kind in ("train", "train-vocoder"):
        Run.create(tmp_path, kind, "grit", {}).checkpoint.write_bytes(b"x")
    assert Run.find(tmp_path, "train", "grit").spec["kind"] == "train"
    assert Run.find(tmp_path, "train-vocoder", "grit").spec["kind"] == "train-vocoder"
    with pytest.raises(TrainError, match="nothing to resume"):
        Run.find(tmp_path, "train", "bells")
