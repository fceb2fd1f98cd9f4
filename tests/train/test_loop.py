"""The loop on a training of arithmetic: what it measures when, how it stops, and what it does with a bad loss."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from sda.errors import TrainError
from sda.train import loop
from sda.train.run import Event, Run


class Counting:
    """A training whose loss is 1 / step, and no number at `bad`."""

    def __init__(self, bad: int = -1) -> None:
        self.done, self.bad, self.measured = 0, bad, list[int]()

    def step(self) -> dict[str, float]:
        self.done += 1
        return {"loss": math.nan if self.done == self.bad else 1 / self.done}

    def held_out(self) -> dict[str, Any]:
        self.measured.append(self.done)
        return {"mel": 1.0}

    def state(self) -> dict[str, Any]:
        return {"step": self.done}

    def restore(self, state: dict[str, Any]) -> None:
        self.done = state["step"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path, "train", "x", {})


def kinds(events: list[Event]) -> list[str]:
    return [event.kind for event in events]


def test_every_step_is_told_and_the_end_is_saved(run: Run) -> None:
    training = Counting()
    events = list(loop.follow(run, training, 48))
    assert kinds(events) == ["step", "checkpoint"] + ["step"] * 47 + ["checkpoint"]  # saved at once, then by the clock
    assert [e.data["losses"]["loss"] for e in events if e.kind == "step"][:3] == [1, 0.5, 1 / 3]
    assert training.measured == list(range(2, 49, 2))  # 24 times in 48 steps
    assert torch.load(run.checkpoint, weights_only=True) == {"step": 48}


def test_a_resumed_run_measures_at_the_same_steps(run: Run) -> None:
    training = Counting()
    for event in loop.follow(run, training, 48):
        if event.kind == "step" and event.data["step"] == 31:
            run.cancel()
    assert training.done == 31
    run.path.joinpath("cancel").unlink()
    again = Counting()
    loop.resume(run, again)
    list(loop.follow(run, again, 48))
    assert training.measured + again.measured == list(range(2, 49, 2))


def test_a_loss_that_is_no_number_stops_and_names_the_step(run: Run) -> None:
    with pytest.raises(TrainError, match="step 7: the loss is not a number"):
        list(loop.follow(run, Counting(bad=7), 48))


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut"])
def test_a_damaged_checkpoint_is_named(run: Run, content: bytes) -> None:
    run.checkpoint.write_bytes(content)
    with pytest.raises(TrainError, match="damaged checkpoint"):
        loop.resume(run, Counting())


def test_a_checkpoint_that_cannot_be_written_is_a_warning(run: Run) -> None:
    run.checkpoint.mkdir()
    assert kinds(list(loop.follow(run, Counting(), 3)))[-1] == "warn"
