"""Runs followed by their folders, whoever started them: what they tell, and which of a kind go on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sda.errors import TrainError
from sda.train.run import Event, Run

LARGEST = 1 << 20  # bytes of news that are read at once; of more, the last


@dataclass(frozen=True, slots=True)
class News:
    """Something that a run told."""

    run: str  # the folder's name
    kind: str  # of the run: train, train-vocoder, download
    event: Event


class Follower:
    """Tells what runs wrote since the last look. Raises nothing: a folder that is no run is none of its business."""

    def __init__(self, runs: Path) -> None:
        """runs: their folder, which need not exist. What is written there already is not told."""
        self._runs = runs
        self._read: dict[str, int] = {}  # bytes of each record that were read
        self._kinds: dict[str, str] = {}
        for path, size in self._records():
            self._read[path.parent.name] = size

    def look(self) -> Iterator[News]:
        """What came since the last look, run by run, in the order in which it was written."""
        for path, size in self._records():
            run = path.parent.name
            start = self._read.get(run, 0)
            if size <= start:
                continue
            with path.open("rb") as file:
                file.seek(max(start, size - LARGEST))
                text = file.read(LARGEST)
            whole = text[: text.rfind(b"\n") + 1]
            self._read[run] = size - len(text) + len(whole)
            yield from (News(run, self._kind(path.parent), event) for event in events(whole))

    def living(self, *kinds: str) -> list[Run]:
        """The runs of some kinds on which a process works now."""
        found = (run for kind in kinds for run in _runs_of(self._runs, kind))
        return [run for run in found if run.spec.get("kind") in kinds and run.lives]

    def _records(self) -> Iterator[tuple[Path, int]]:
        try:
            paths = [folder / "events.jsonl" for folder in self._runs.iterdir()]
        except OSError:
            return
        for path in paths:
            try:
                yield path, path.stat().st_size
            except OSError:
                continue

    def _kind(self, folder: Path) -> str:
        if folder.name not in self._kinds:
            try:
                self._kinds[folder.name] = str(Run(folder).spec.get("kind", ""))
            except TrainError:
                return ""
        return self._kinds[folder.name]


def _runs_of(runs: Path, kind: str) -> Iterator[Run]:
    for path in runs.glob(f"{kind}-*"):
        try:
            yield Run(path)
        except TrainError:
            continue


def events(text: bytes) -> Iterator[Event]:
    """The events of whole lines; what is none, as the first of a record that was read from its middle, is passed over."""
    for line in text.splitlines():
        try:
            data: Any = json.loads(line)
        except ValueError:
            continue
        if isinstance(data, dict) and isinstance(kind := data.pop("kind", None), str):
            yield Event(kind, data)
