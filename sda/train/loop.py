"""The loop that every training shares: resume, step, measure, checkpoint, stop when asked.

Held-out measurements fall on step numbers, so that a resumed run chooses among the same candidates; checkpoints fall on
the clock, so that a kill never costs more than `CHECKPOINT_S`.
"""

from __future__ import annotations

import math
import pickle
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch

from sda.errors import SdaError, TrainError
from sda.formats import whole
from sda.train.run import Event, Run
from sda.train.together import ALONE, Together

CHECKPOINT_S = 20.0  # s between checkpoints
CHECKPOINT_COST = 20  # times as long between them as one takes, where that is longer
REPORTS = 2000  # step events in a run; on step numbers too, so that two runs can be compared
MEASUREMENTS = 24  # held-out measurements in a run


class Training(Protocol):
    """What the loop drives; see `vae.VaeTraining` and `vocoder.VocoderTraining`."""

    done: int

    def step(self) -> dict[str, float]: ...
    def held_out(self) -> dict[str, Any]: ...
    def state(self) -> dict[str, Any]: ...
    def restore(self, state: dict[str, Any]) -> None: ...


def save(run: Run, training: Training) -> Event:
    """Write a checkpoint; a full disk is a warning, since the last one is still whole."""
    try:
        with whole.replacing(run.checkpoint) as temporary:
            torch.save(training.state(), temporary)
    except (SdaError, RuntimeError) as error:
        return Event("warn", {"text": f"checkpoint not written: {error}"})
    return Event("checkpoint", {"step": training.done})


def resume(run: Run, training: Training) -> None:
    """Take up a run at its checkpoint. Raises `TrainError` where the checkpoint is damaged."""
    try:
        training.restore(torch.load(run.checkpoint, weights_only=True, map_location="cpu"))
    except (OSError, RuntimeError, KeyError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise TrainError(f"{run.checkpoint}: a damaged checkpoint ({str(error)[:120]}); start the run again") from error


def follow(
    run: Run,
    training: Training,
    steps: int,
    aside: Callable[[], Event | None] = lambda: None,
    *,
    measurements: int = MEASUREMENTS,
    together: Together = ALONE,
) -> Iterator[Event]:
    """Train up to `steps` or until the run is cancelled. Raises `TrainError` at a loss that is no number.

    aside: what else may be due after a step; it must not touch the training. Of several processes one does all but the
    steps, the others yield nothing.
    """
    if not together.leads:
        while training.done < steps and not together.any(False):
            training.step()
        return
    measure_every = max(1, steps // measurements)
    report_every = max(1, steps // REPORTS)
    started, first = time.monotonic(), training.done
    next_save = -math.inf  # the first checkpoint comes with the first step
    held_out: dict[str, Any] | None = None
    while training.done < steps and not together.any(run.cancelled):
        losses = training.step()
        if not all(math.isfinite(value) for value in losses.values()):
            raise TrainError(f"step {training.done}: the loss is not a number; the last good state is in the checkpoint")
        if training.done % measure_every == 0 or training.done == steps:
            held_out = training.held_out()
        now = time.monotonic()
        if training.done % report_every == 0 or training.done == steps:
            rate = (training.done - first) / max(1e-9, now - started)
            yield Event("step", {
                "step": training.done, "steps": steps, "losses": losses, "held_out": held_out, "rate": rate,
                "eta_s": (steps - training.done) / rate,
            })  # fmt: skip
        if now >= next_save:
            yield save(run, training)
            after = time.monotonic()
            next_save = after + max(CHECKPOINT_S, CHECKPOINT_COST * (after - now))
        if (event := aside()) is not None:
            yield event
    yield save(run, training)


def seconds_per_step(training: Training, count: int = 6, clock: Callable[[], float] = time.monotonic) -> float:
    """What a step costs here and now, the best half of a few. The training is spent afterwards."""
    times = []
    for _ in range(count):
        before = clock()
        training.step()
        times.append(clock() - before)
    return sum(sorted(times)[: count // 2]) / (count // 2)
