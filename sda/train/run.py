"""A run folder: everything one training leaves on disk, for whoever follows or resumes it.

`spec.json` says what was asked and planned, `events.jsonl` what happened, `checkpoint.pt` where it stands, a held lock on
`lock` that it is alive; who creates `cancel` asks it to stop. The folder outlives the process that started it.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import filelock

from sda.errors import TrainError
from sda.formats import whole

LOOKED_AT = 0.5  # s that a lock may be held by somebody who only looks whether it is


@dataclass(frozen=True, slots=True)
class Event:
    """Something a follower should know: kind is start, file, step, preview, checkpoint, warn, error or end."""

    kind: str
    data: dict[str, Any] = field(default_factory=dict)

    def to_json(self, now: float) -> str:
        """One line of JSON; numbers that are not finite become null."""
        return json.dumps({"t": round(now, 3), "kind": self.kind, **self.data}, default=str, allow_nan=False)


def finite(value: Any) -> Any:
    """JSON-able data with every number that is not finite replaced by None."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Run:
    """One run folder."""

    def __init__(self, path: Path) -> None:
        """Open a run. Raises `TrainError` where there is none."""
        self.path = path
        try:
            self.spec: dict[str, Any] = json.loads((path / "spec.json").read_text())
        except (OSError, ValueError) as error:
            raise TrainError(f"{path}: no run here ({error})") from error

    @classmethod
    def create(cls, runs: Path, kind: str, name: str, spec: dict[str, Any]) -> Run:
        """Make a new run folder below `runs`, named by kind, name and time."""
        safe = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:40] or "run"
        stamp = time.strftime("%Y%m%d-%H%M%S")
        for number in range(1, 100):
            path = runs / (f"{kind}-{safe}-{stamp}" + (f"-{number}" if number > 1 else ""))
            try:
                path.mkdir(parents=True)
                break
            except FileExistsError:
                continue
        whole.write(path / "spec.json", json.dumps({"kind": kind, "name": name, **spec}, indent=1).encode())
        return cls(path)

    @classmethod
    def find(cls, runs: Path, kind: str, name: str) -> Run:
        """The newest run of a kind and name that has a checkpoint. Raises `TrainError` if there is none."""
        found = []
        for path in runs.glob(f"{kind}-*/spec.json"):
            run = cls(path.parent)
            if (run.spec.get("kind"), run.spec.get("name")) == (kind, name) and run.checkpoint.exists():
                found.append((run.checkpoint.stat().st_mtime, run))
        if not found:
            raise TrainError(f"nothing to resume: no {kind} run named {name!r} with a checkpoint in {runs}")
        return max(found, key=lambda pair: pair[0])[1]

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.pt"

    def amend(self, **values: Any) -> None:
        """Add to the spec what was only known later, such as the number of steps that the minutes came to."""
        self.spec = {**self.spec, **values}
        whole.write(self.path / "spec.json", json.dumps(self.spec, indent=1).encode())

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Hold the run's lock. Raises `TrainError` if another process does."""
        lock = filelock.FileLock(self.path / "lock")
        try:
            lock.acquire(timeout=LOOKED_AT)
        except filelock.Timeout as error:
            raise TrainError(f"{self.path.name}: this run is already going on in another process") from error
        (self.path / "cancel").unlink(missing_ok=True)
        self._close_last_line()
        try:
            yield
        finally:
            lock.release()

    def _close_last_line(self) -> None:
        """End the line that a kill may have cut, so that the next event has one of its own."""
        path = self.path / "events.jsonl"
        if path.exists() and not path.read_bytes().endswith(b"\n"):
            with path.open("a", encoding="utf-8") as file:
                file.write("\n")

    @property
    def lives(self) -> bool:
        """Whether a process works on it: somebody holds the lock."""
        if not (self.path / "lock").exists():
            return False
        try:
            filelock.FileLock(self.path / "lock").acquire(timeout=0).lock.release()
        except filelock.Timeout:
            return True
        return False

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked the run to stop."""
        return (self.path / "cancel").exists()

    def cancel(self) -> None:
        """Ask the run to stop."""
        (self.path / "cancel").touch()

    def log(self, event: Event) -> Event:
        """Append an event to the run's record, and give it back with its numbers made finite."""
        clean = Event(event.kind, finite(event.data))
        with (self.path / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(clean.to_json(time.time()) + "\n")
        return clean
