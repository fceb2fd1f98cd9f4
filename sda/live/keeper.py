"""What an engine keeps from run to run: its values and its model, in a folder of its own; and whether it ended in order.

`state.json` is a preset with two more keys: `path`, where the model's file was, and `listeners`, who is told of the next start.
`run.json` stands there while it runs (process, host, port) and is removed at the end: one that is found tells of a crash. After
two in a row, each within a minute, the next start is a safe one, without the model. `lock` is held as long as it runs.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import filelock

from sda import catalog
from sda.control import Controls
from sda.errors import DeviceError, SdaError
from sda.formats import preset as file
from sda.formats import whole
from sda.formats.preset import SLIDER, Preset, taken
from sda.library import engine_folder
from sda.live.facts import Facts
from sda.params import check_name

STATE, RUN, LOCK = "state.json", "run.json", "lock"
PAUSE_S = 1.0  # s between two writings of the state
WELL_S = 60.0  # s after which a run that ends badly did not do so because of what it began with
SAFE = 2  # crashes in a row after which the last model is left alone

Address = tuple[str, int]


class Keeper:
    """The state of one engine by its name. The engine's main thread calls it."""

    def __init__(self, name: str, *, fresh: bool = False) -> None:
        """Read what the last run left; `fresh`: only whom to tell. Raises `ControlError` for a name that could be a path."""
        self.name = check_name("--name", name)
        self.trouble = ""  # why the last state could not be read
        self.crashed = False  # this run ends by a fault of ours
        self._folder = engine_folder(name)
        self._lock = filelock.FileLock(self._folder / LOCK)
        self._run = catalog.read_object(self._folder / RUN)
        found = self._read()
        self.listeners = _addresses(found.extra.get("listeners") if found else None)  # of the last run
        self.last = None if fresh else found
        self._fresh = fresh
        self._began, self._written = float("-inf"), float("-inf")  # s, of the run and of the last writing
        self._kept: tuple[object, ...] | None = None

    @property
    def crashes(self) -> int:
        """How many runs in a row ended badly soon after they had begun."""
        count = self._run.get("crashes", 0)
        return (count if type(count) is int else 0) + 1 if self._run else 0

    @property
    def safe(self) -> bool:
        """Whether the last model is to be left alone."""
        return self.crashes >= SAFE

    def begin(self, now: float) -> None:
        """From here on it runs; now: s of the monotonic clock. Raises `DeviceError` where one of this name does already."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except filelock.Timeout as error:
            who = _words(self._run)
            raise DeviceError(f"an engine named {self.name!r} runs already{who}; expected another --name and --osc") from error
        except OSError as error:
            raise DeviceError(f"{self._folder}: cannot write there ({error.strerror}); expected a folder for --name") from error
        for left in self._folder.glob(f".{STATE}.*"):  # of a kill in the middle of writing
            left.unlink(missing_ok=True)
        self._began = now
        self._note({"crashes": self.crashes})

    def received(self, address: Address) -> None:
        """OSC is received there."""
        self._note({**self._run, "host": address[0], "port": address[1]})

    def look(self, now: float, controls: Controls, facts: Facts, listeners: Sequence[Address]) -> None:
        """Write what changed, at most once a second."""
        if self._run.get("crashes") and now - self._began > WELL_S:
            self._note({**self._run, "crashes": 0})
        if now - self._written < PAUSE_S:
            return
        kept = (controls.rev, facts.model and facts.model.path, tuple(listeners))
        if self._fresh and self._kept is None:
            self._kept = kept  # what the last run left stays until something is moved
        if kept != self._kept:
            self._written = now
            with suppress(SdaError):  # a disk that is full may have room a second later
                file.write(self._folder / STATE, self._state(controls, facts, listeners))
                self._kept = kept

    def end(self) -> None:
        """It came to its end, in order unless it `crashed`."""
        if self._lock.is_locked:
            with suppress(OSError):
                if not self.crashed:
                    (self._folder / RUN).unlink(missing_ok=True)
            self._lock.release()

    def _state(self, controls: Controls, facts: Facts, listeners: Sequence[Address]) -> Preset:
        model, last = facts.model, self.last
        values = controls.values()
        rows = [row for row in controls.rows if row.id in values]
        words: dict[str, Any] = {"listeners": [list(address) for address in listeners]}
        if model is not None:
            words["path"] = str(model.path.absolute())
            return taken(rows, values, name=self.name, model=model.id, model_name=model.name, extra=words)
        if last is None:
            return taken(rows, values, name=self.name, extra=words)
        # Without a model the last one stays in mind: its file may be on a disk that is away today.
        sliders = {id: value for id, value in last.values.items() if id.startswith(SLIDER)}
        state = taken(rows, values, name=self.name, model=last.model, model_name=last.model_name, extra={**last.extra, **words})
        return replace(state, values={**sliders, **state.values}, sliders=last.sliders)

    def _read(self) -> Preset | None:
        path = self._folder / STATE
        if not path.exists():
            return None
        try:
            return file.read(path)
        except SdaError as error:
            self.trouble = str(error)
            return None

    def _note(self, run: Mapping[str, Any]) -> None:
        self._run = {**run, "pid": os.getpid()}
        with suppress(SdaError):
            whole.write(self._folder / RUN, json.dumps(self._run).encode(), lasting=False)


def holder(port: int) -> str:
    """Which engine receives at a port of this machine, as words behind a message; empty where none is known to."""
    for path in engine_folder("any").parent.glob(f"*/{RUN}"):
        run = catalog.read_object(path)
        if run.get("port") == port and _is_held(path.with_name(LOCK)):
            return f"; the engine {path.parent.name!r} has it{_words(run)}"
    return ""


def _is_held(path: Path) -> bool:
    probe = filelock.FileLock(path)
    try:
        probe.acquire(timeout=0)
    except (filelock.Timeout, OSError):
        return True
    probe.release()
    return False


def _words(run: Mapping[str, Any]) -> str:
    pid, host, port = (run.get(key) for key in ("pid", "host", "port"))
    at = f", OSC at {host}:{port}" if port else ""
    return f" (process {pid}{at})" if pid else ""


def _addresses(value: object) -> tuple[Address, ...]:
    """Hosts, as numbers, and ports."""
    pairs = value if isinstance(value, list) else []
    good = [pair for pair in pairs if isinstance(pair, list) and len(pair) == 2]
    return tuple((host, port) for host, port in good if _is_host(host) and type(port) is int and 0 < port < 65536)


def _is_host(text: object) -> bool:
    return isinstance(text, str) and re.fullmatch(r"[0-9a-fA-F.:]{2,45}", text) is not None
