"""Jobs that are asked for while the engine runs: started by the commands of a terminal, followed by their run folders.

A job outlives the engine, and gives way to everything that sounds. What is told of its course comes from the run folders
alone, so that a training which a terminal started, or an engine before this one, is followed and cancelled like any other.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Any

from sda.control import Controls
from sda.errors import SdaError
from sda.job import Job
from sda.library import Library
from sda.live.deeds import Deed
from sda.live.facts import Facts
from sda.live.ports import Ports
from sda.live.supervisor import Events
from sda.params import Value
from sda.train.follow import Follower, News

LOOK_S = 0.5  # s between looks at the run folders
TRAININGS = ("train", "train-vocoder")
NOT_RENDERED = ("play", "model", "vocoder", "seed")  # of the controls: generate has options of its own, or does not need it
MEGABYTE = 1e6
LOSSES = 20  # told of a step


class JobError(SdaError):
    """A job that cannot be started or ended now."""


class Jobs:
    """The jobs of one engine. Its main thread calls everything but the deeds in `table`."""

    def __init__(self, controls: Controls, facts: Facts, events: Events, ports: Ports) -> None:
        """`ports` reach those who ask and those who listen."""
        deeds = {
            "generate": self._generate,
            "train.vocoder": self._train_vocoder,
            "train.cancel": self._cancel_training,
            "download.bigvgan": self._download,
            "download.cancel": self._cancel_download,
        }
        self.table: dict[str, Deed] = {id: partial(self._ask, id, deed) for id, deed in deeds.items()}
        self._controls, self._facts, self._events, self._ports = controls, facts, events, ports
        self._library = Library()
        self._follower = Follower(self._library.home / "runs")
        self._jobs: dict[str, tuple[Job, str]] = {}  # by address, with the source that asked
        self._looked = float("-inf")

    def look(self, now: float) -> None:
        """Tell what became of jobs since the last look; now: s of the monotonic clock."""
        if now - self._looked < LOOK_S:
            return
        self._looked = now
        last: dict[str, News] = {}
        for news in self._follower.look():
            if news.event.kind == "step":
                last[news.run] = news
        for news in last.values():
            self._report(news)
        for address, (job, source) in tuple(self._jobs.items()):
            why = job.ended()
            if why is None:
                continue
            del self._jobs[address]
            if why:
                self._ports.refuse(source, address, why)
            else:
                self._ports.tell(source, "/sda/done", address, job.result)

    def _report(self, news: News) -> None:
        """The step of a run, to the listeners."""
        data = news.event.data
        done, steps = int(data.get("step") or 0), int(data.get("steps") or 0)
        if news.kind == "download":
            fraction = done / steps if steps else 0.0
            self._ports.push("/sda/download/progress", fraction, round(done / MEGABYTE), round(steps / MEGABYTE))
        elif news.kind in TRAININGS:
            losses: list[Any] = []
            for name, value in (data.get("losses") or {}).items():
                if value is not None:
                    losses += [str(name), float(value)]
            self._ports.push("/sda/train/progress", news.run, done, steps, *losses[: 2 * LOSSES])

    def _ask(self, id: str, deed: Deed, args: Sequence[Value], source: str) -> None:
        """Leave an act to the main thread: to start a process takes some milliseconds."""

        def run() -> None:
            try:
                deed(args, source)
            except SdaError as error:
                self._ports.refuse(source, "/sda/" + id.replace(".", "/"), str(error))

        self._events.put((None, {"kind": "call", "run": run}))

    # The acts. Each raises `SdaError` where it cannot be done now.

    def _generate(self, args: Sequence[Value], source: str) -> None:
        """What sounds now, as long as is asked for, into a file among the recordings."""
        if self._facts.model is None:
            raise JobError("no model is loaded that could be rendered")
        target = self._library.recording(str(args[0]))
        values = self._controls.values()
        settings = ["--seed", str(values["seed"]), "--vocoder", str(values["vocoder"]), "--offline"]
        for id, value in values.items():
            if id.startswith("slider."):
                settings += ["--slider", f"{id.removeprefix('slider.')}={value}"]
            elif id not in NOT_RENDERED:
                settings += ["--set", f"{id}={int(value) if isinstance(value, bool) else value}"]
        command = ["generate", str(self._facts.model.path), "-o", str(target), "-d", str(args[1]), "--job", *settings]
        self._start("/sda/generate", command, target.name, source)

    def _train_vocoder(self, args: Sequence[Value], source: str) -> None:
        if running := self._follower.living(*TRAININGS):
            raise JobError(f"{running[0].path.name} is being trained; /sda/train/cancel ends that")
        path = self._library.resolve(str(args[0]), paths=False)
        threads = max(1, (os.cpu_count() or 1) - 2)
        self._start("/sda/train/vocoder", ["train-vocoder", str(path), "--threads", str(threads)], str(args[0]), source)

    def _download(self, args: Sequence[Value], source: str) -> None:
        self._start("/sda/download/bigvgan", ["vocoder", "download"], "bigvgan", source)

    def _cancel_training(self, args: Sequence[Value], source: str) -> None:
        self._cancel("/sda/train/cancel", "no training goes on", TRAININGS, source)

    def _cancel_download(self, args: Sequence[Value], source: str) -> None:
        self._cancel("/sda/download/cancel", "no download goes on", ("download",), source)

    def _start(self, address: str, command: Sequence[str], result: str, source: str) -> None:
        if address in self._jobs:
            raise JobError(f"{self._jobs[address][0].result} is still at work")
        self._jobs[address] = Job(command, result), source

    def _cancel(self, address: str, otherwise: str, kinds: Sequence[str], source: str) -> None:
        running = self._follower.living(*kinds)
        if not running:
            raise JobError(otherwise)
        for run in running:
            run.cancel()
        self._ports.tell(source, "/sda/done", address, running[0].path.name)
