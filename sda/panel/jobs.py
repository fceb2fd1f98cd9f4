"""Runs as their folders tell them, whoever started them, and the commands that start them and go on with them. No toolkit.

A run is found by its folder when the panel opens, read from its beginning and then read on. Nothing here holds what a run
needs: a panel that dies takes nothing along.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from sda.errors import TrainError
from sda.job import Job
from sda.train.follow import events
from sda.train.run import Event, Run

SELDOM = 5  # looks at living runs for each at those that ended
AT_ONCE = 1 << 17  # bytes of a record that are read in one look, a few ms of work
MOST = 40  # runs of a kind that are shown, the newest
STAMP = re.compile(r"-(\d{8}-\d{6})(?:-(\d+))?$")  # at the end of a folder's name; the second of one second has a 2
YOUNG_S = 20.0  # s that a run may take from its folder to its lock
HELD_OUT = "held-out "  # before the name of a curve of held-out recordings


class State(StrEnum):
    """How a run is."""

    AT_WORK = "at work"
    STOPPING = "stopping"
    DONE = "done"
    STOPPED = "stopped"  # by somebody who asked
    FAILED = "failed"  # and said why
    BROKEN_OFF = "broken off"  # killed, or its machine went down

    @property
    def lives(self) -> bool:
        return self in (State.AT_WORK, State.STOPPING)


@dataclass(slots=True)
class Curve:
    """A number over the steps."""

    steps: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, step: float, value: Any) -> None:
        """What is no number is left out."""
        if isinstance(value, int | float):
            self.steps.append(step)
            self.values.append(float(value))

    def cut(self, step: float) -> None:
        """Forget what came after a step."""
        keep = sum(at <= step for at in self.steps)
        del self.steps[keep:], self.values[keep:]


class Watched:
    """One run, as far as its folder has been read."""

    def __init__(self, run: Run) -> None:
        """Nothing of it is read before the first look."""
        self.run = run
        self.kind, self.name = str(run.spec.get("kind", "")), str(run.spec.get("name", ""))
        self.state = State.AT_WORK
        self.start: dict[str, Any] = {}
        self.files: dict[str, dict[str, Any]] = {}  # by name
        self.step: dict[str, Any] = {}  # the last one
        self.curves: dict[str, Curve] = {}  # by loss; those of held-out recordings begin with `HELD_OUT`
        self.previews: list[dict[str, Any]] = []
        self.stage = ""  # what it does before and after its steps
        self.warnings: list[str] = []
        self.end: dict[str, Any] = {}
        self.error = ""
        self.revision = 0  # grows with everything that is read
        self._began = _began(run.path)
        self._read = 0  # bytes
        self._over = ""  # the kind of the event that ended it, if one did
        self._held_out: Any = None

    @property
    def id(self) -> str:
        return self.run.path.name

    @property
    def began(self) -> float:
        """When its folder was made, s since 1970."""
        return self._began

    @property
    def share(self) -> float:
        """How much of its steps is done, 0..1."""
        return min(1.0, float(self.step.get("step") or 0) / (self.step.get("steps") or 1))

    @property
    def resumable(self) -> bool:
        """Whether its command can go on where it stopped."""
        return not self.state.lives and self.state is not State.DONE and self.run.checkpoint.exists()

    def look(self) -> None:
        """Read on, and see whether it lives."""
        while self._read_on():
            pass
        state = self._state()
        if state is not self.state:
            self.state, self.revision = state, self.revision + 1

    def _state(self) -> State:
        run = self.run
        if self._over == "end" and self.end.get("finished"):
            return State.DONE
        if run.lives or (not self._read and time.time() - run.path.stat().st_mtime < YOUNG_S):
            return State.STOPPING if run.cancelled else State.AT_WORK
        if self._over == "end" or run.cancelled:
            return State.STOPPED
        return State.FAILED if self._over == "error" else State.BROKEN_OFF

    def _read_on(self) -> bool:
        """Read the next part of the record; whether there is more of it."""
        try:
            with (self.run.path / "events.jsonl").open("rb") as file:
                file.seek(self._read)
                text = file.read(AT_ONCE)
        except OSError:
            return False
        whole = text[: text.rfind(b"\n") + 1]
        if not whole:
            return False
        self._read += len(whole)
        self.revision += 1
        for event in events(whole):
            self._add(event)
        return len(text) == AT_ONCE

    def _add(self, event: Event) -> None:
        data = event.data
        self._over = event.kind if event.kind in ("end", "error") else ""
        match event.kind:
            case "start":
                self.start, self.stage, self.error = data, "", ""
                self._go_on(data)
            case "file":
                self.files[str(data.get("name") or data.get("file"))] = data
            case "step":
                self._step(data)
            case "preview":
                self.previews.append(data)
            case "stage":
                self.stage = str(data.get("name", ""))
            case "warn":
                self.warnings.append(str(data.get("text", "")))
            case "end":
                self.end, self.stage = data, ""
            case "error":
                self.error, self.stage = str(data.get("text", "")), ""

    def _go_on(self, data: dict[str, Any]) -> None:
        """A run that goes on does so from its checkpoint: what came after that comes once more."""
        done = float(data.get("step") or 0)
        for curve in self.curves.values():
            curve.cut(done)
        self.previews = [preview for preview in self.previews if float(preview.get("step") or 0) <= done]

    def _step(self, data: dict[str, Any]) -> None:
        self.step, at = data, float(data.get("step") or 0)
        for name, value in (data.get("losses") or {}).items():
            self.curves.setdefault(name, Curve()).add(at, value)
        held_out = data.get("held_out")
        if isinstance(held_out, dict) and held_out != self._held_out:  # a step repeats the last measurement
            self._held_out = held_out
            for name, value in held_out.items():
                if isinstance(value, int | float):
                    self.curves.setdefault(HELD_OUT + name, Curve()).add(at, value)


class Runs:
    """The runs of a library. One thread looks, another may read what was found: it is only ever added to."""

    def __init__(self, folder: Path, kinds: Sequence[str]) -> None:
        """folder: that of the runs, which need not exist."""
        self._folder, self._kinds = folder, kinds
        self._known: dict[str, Watched] = {}
        self._looks = 0

    def look(self) -> None:
        """Read what came since the last look; of runs that ended it is seldom looked whether they go on."""
        self._known = self._found()
        all_of_them, self._looks = self._looks % SELDOM == 0, self._looks + 1
        for watched in self._known.values():
            if watched.state.lives or (all_of_them and watched.state is not State.DONE):
                watched.look()

    def of(self, kind: str) -> list[Watched]:
        """Those of a kind, living ones first, then the newest."""
        runs = [watched for watched in self._known.values() if watched.kind == kind]
        return sorted(runs, key=lambda watched: (watched.state.lives, watched.began), reverse=True)

    def living(self, *kinds: str) -> list[Watched]:
        return [watched for kind in kinds for watched in self.of(kind) if watched.state.lives]

    def _found(self) -> dict[str, Watched]:
        found: dict[str, Watched] = {}
        for kind in self._kinds:
            paths = [path for path in self._folder.glob(f"{kind}-*") if path.is_dir()]
            for path in sorted(paths, key=_began, reverse=True)[:MOST]:
                if path.name in self._known:
                    found[path.name] = self._known[path.name]
                    continue
                try:
                    watched = Watched(Run(path))
                except TrainError:  # one that is being made just now, or no run
                    continue
                if watched.kind == kind:  # the folders of train-vocoder begin with train- too
                    found[path.name] = watched
        return found


def _began(path: Path) -> float:
    """When a run's folder was made, s since 1970, as its name says: its files are written again and again."""
    found = STAMP.search(path.name)
    try:
        when = time.mktime(time.strptime(found[1], "%Y%m%d-%H%M%S")) if found else 0.0
    except ValueError:
        when = 0.0
    return when + (int(found[2]) / 100 if found and found[2] else 0.0)


@dataclass(slots=True)
class Started:
    """A command that the panel started, and how it ended."""

    job: Job
    error: str | None = None  # None while it is at work, "" where it did what it should


class Commands:
    """Commands of this program that the panel started, one at a time for each purpose."""

    def __init__(self) -> None:
        self._started: dict[str, Started] = {}

    def start(self, purpose: str, *arguments: str) -> None:
        """Start `sda-engine ARGUMENTS`; nothing happens while the purpose's last command is still at work."""
        if not self.at_work(purpose):
            self._started[purpose] = Started(Job(arguments))

    def at_work(self, purpose: str) -> bool:
        self._look(purpose)
        started = self._started.get(purpose)
        return started is not None and started.error is None

    def failure(self, purpose: str) -> str:
        """What the purpose's last command failed by, in its own words; "" where there was none."""
        self._look(purpose)
        started = self._started.get(purpose)
        return started.error or "" if started is not None else ""

    def forget(self, purpose: str) -> None:
        """Its failure has been read, or the user tries something else."""
        if not self.at_work(purpose):
            self._started.pop(purpose, None)

    def _look(self, purpose: str) -> None:
        started = self._started.get(purpose)
        if started is not None and started.error is None:
            started.error = started.job.ended()
