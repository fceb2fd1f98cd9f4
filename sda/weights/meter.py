"""How far a transfer is, how fast it goes and what is left of it."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any, Literal

WINDOW_S = 5.0  # over which the rate is a mean

Stage = Literal["wait", "connect", "download", "retry", "copy", "verify"]

STAGES: dict[str, str] = {
    "wait": "waiting: {note}",
    "connect": "asking the hub",
    "download": "fetching {file}",
    "retry": "trying again: {note}",
    "copy": "{note}",
    "verify": "checking {file}",
}


def about(stage: str, file: str, note: str) -> str:
    """What goes on at a stage, for people."""
    return STAGES.get(stage, "starting").format(file=file, note=note)


@dataclass(frozen=True, slots=True)
class Progress:
    """One report. `wait`: another process has the files in hand; `retry`: nothing comes, `note` says why."""

    stage: Stage
    file: str
    done: int  # bytes
    total: int  # bytes
    rate: float | None = None  # bytes/s
    eta_s: float | None = None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """As a job's step: what is done and in all, as of any job, in bytes."""
        data = asdict(self)
        return {"step": data.pop("done"), "steps": data.pop("total"), "losses": {}, "held_out": None, **data}


class Meter:
    """Makes reports of one file's count of bytes."""

    def __init__(self, file: str, total: int) -> None:
        self.file, self.total = file, total
        self._stage: Stage = "wait"
        self._points = deque[tuple[float, int]]()  # of this stage

    def report(self, stage: Stage, done: int, note: str = "") -> Progress:
        """The report of this moment."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage = stage
            self._points.clear()
        self._points.append((now, done))
        while len(self._points) > 2 and now - self._points[1][0] >= WINDOW_S:
            self._points.popleft()
        span, gained = now - self._points[0][0], done - self._points[0][1]
        rate = gained / span if span > 0 and gained >= 0 else None
        eta = (self.total - done) / rate if rate else None
        return Progress(stage, self.file, done, self.total, rate, eta, note)
