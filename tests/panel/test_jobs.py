"""Runs as the panel follows them: found again, read on, cancelled, gone on with; commands that say why they failed."""

from __future__ import annotations

import json
import time
from pathlib import Path

from sda.panel.jobs import HELD_OUT, Commands, Runs, State, Watched
from sda.train.run import Event, Run


def step(number: int, loss: float, held_out: dict[str, object] | None = None) -> Event:
    data = {"step": number, "steps": 10, "losses": {"loss": loss}, "held_out": held_out, "rate": 2.0, "eta_s": 5.0}
    return Event("step", data)


def test_a_run_is_read_from_its_beginning_and_read_on(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "train", "grit", {})
    with run.alive():
        run.log(Event("file", {"name": "a.wav", "used": True}))
        run.log(Event("start", {"step": 0, "steps": 10}))
        run.log(step(1, 3.0, {"loud": 2.0, "files": {"a": 1}}))
        watched = Watched(Run(run.path))
        watched.look()
        assert (watched.state, watched.share) == (State.AT_WORK, 0.1)
        before = watched.revision
        watched.look()
        assert watched.revision == before  # nothing came
        run.log(step(2, float("nan"), {"loud": 2.0, "files": {"a": 1}}))
        run.log(step(3, 1.0, {"loud": 1.5}))
        watched.look()
        assert (watched.curves["loss"].steps, watched.curves["loss"].values) == (
            [1, 3],
            [3.0, 1.0],
        )  # what is no number is left out
        held_out = watched.curves[f"{HELD_OUT}loud"]
        assert (held_out.steps, held_out.values) == ([1, 3], [2.0, 1.5])  # a repeated measurement is none
        run.cancel()
        watched.look()
        assert watched.state is State.STOPPING
        run.log(Event("end", {"finished": False, "sliders": []}))
    watched.look()
    assert watched.state is State.STOPPED
    assert not watched.resumable  # there is no checkpoint
    run.checkpoint.write_bytes(b"x")
    assert watched.resumable


def test_half_a_line_is_read_when_it_is_whole(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "train", "grit", {})
    path = run.path / "events.jsonl"
    whole, half = json.dumps({"kind": "stage", "name": "one"}), json.dumps({"kind": "stage", "name": "two"})
    path.write_text(f"{whole}\n{half[:9]}")
    watched = Watched(run)
    watched.look()
    assert watched.stage == "one"
    with path.open("a") as file:
        file.write(half[9:] + "\n")
    watched.look()
    assert watched.stage == "two"


def test_a_resumed_run_forgets_what_came_after_its_checkpoint(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "train", "grit", {})
    for number in range(1, 6):
        run.log(step(number, 10.0 - number))
    run.log(Event("preview", {"step": 5, "file": "p.wav"}))
    run.log(Event("start", {"step": 2, "steps": 10}))
    run.log(step(3, 6.5))
    watched = Watched(run)
    watched.look()
    assert (watched.curves["loss"].steps, watched.curves["loss"].values) == ([1, 2, 3], [9.0, 8.0, 6.5])
    assert watched.previews == []


def test_how_a_run_ended(tmp_path: Path) -> None:
    ends = {
        "done": ([Event("end", {"finished": True})], State.DONE, ""),
        "refused": ([Event("error", {"text": "no recordings"})], State.FAILED, "no recordings"),
        "killed": ([step(1, 1.0)], State.BROKEN_OFF, ""),
    }
    for name, (events, state, words) in ends.items():
        run = Run.create(tmp_path, "train", name, {})
        for event in events:
            run.log(event)
        watched = Watched(run)
        watched.look()
        assert (name, watched.state, watched.error) == (name, state, words)


def test_runs_are_found_again_living_ones_first_each_by_its_kind(tmp_path: Path) -> None:
    old = Run.create(tmp_path, "train", "old", {})
    old.log(step(1, 1.0))
    new = Run.create(tmp_path, "train", "new", {})
    new.log(step(1, 1.0))
    voice = Run.create(tmp_path, "train-vocoder", "old", {})
    voice.log(step(1, 1.0))
    (tmp_path / "train-nothing").mkdir()
    runs = Runs(tmp_path, ("train", "train-vocoder"))
    with old.alive():
        runs.look()
        assert [watched.name for watched in runs.of("train")] == ["old", "new"]
        assert [watched.id for watched in runs.of("train-vocoder")] == [voice.path.name]
        assert [watched.name for watched in runs.living("train", "train-vocoder")] == ["old"]
        known = runs.of("train")[0]
    runs.look()
    assert known.state is State.BROKEN_OFF
    assert known in runs.of("train")  # the same object: what was read is not read again


def test_no_folder_of_runs_is_no_error(tmp_path: Path) -> None:
    runs = Runs(tmp_path / "nowhere", ("train",))
    runs.look()
    assert runs.of("train") == []


def test_a_command_says_why_it_failed(home: Path) -> None:
    commands = Commands()
    assert (commands.at_work("a"), commands.failure("a")) == (False, "")
    commands.start("a", "model", "info", "nobody")
    commands.start("b", "model", "list")
    end = time.monotonic() + 60
    while commands.at_work("a") or commands.at_work("b"):
        assert time.monotonic() < end
        time.sleep(0.02)
    assert commands.failure("a").startswith("no model 'nobody'")
    assert commands.failure("b") == ""
    commands.forget("a")
    assert commands.failure("a") == ""
