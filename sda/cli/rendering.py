"""A rendering as a job: how far it is, as events in a run folder that anybody may follow or cancel."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sda.cli.progress import recorded
from sda.errors import AudioError
from sda.library import Library
from sda.train.run import Event, Run

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOG_S = 0.25  # between two events


class Rendering:
    """Some files of one length, rendered one after the other."""

    def __init__(self, run: Run | None, samples: int) -> None:
        """Without a run nothing is recorded. samples: a channel, of all files together."""
        self._run, self._samples, self._done = run, samples, 0
        self._began = self._logged = time.monotonic()

    def begin(self) -> None:
        """All that had to be loaded is there."""
        self._began = time.monotonic()
        self._log(Event("start", {"step": 0, "steps": self._samples}))

    def watched(self, blocks: Iterator[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """The same blocks [C, t]. Raises `AudioError` once somebody asked the run to stop."""
        for block in blocks:
            if self._run is not None and self._run.cancelled:
                raise AudioError("the rendering was cancelled; files that were whole before are kept")
            yield block
            self._done += block.shape[1]
            if time.monotonic() - self._logged >= LOG_S:
                self._step()

    def made(self, file: dict[str, Any]) -> None:
        """A file is whole."""
        self._step()
        self._log(Event("file", file))

    def end(self) -> None:
        self._log(Event("end", {"finished": True}))

    def _step(self) -> None:
        self._logged = time.monotonic()
        rate = self._done / max(1e-3, self._logged - self._began)  # samples/s
        eta = (self._samples - self._done) / rate if rate else None
        data = {"step": self._done, "steps": self._samples, "losses": {}, "held_out": None, "rate": rate, "eta_s": eta}
        self._log(Event("step", data))

    def _log(self, event: Event) -> None:
        if self._run is not None:
            self._run.log(event)


@contextmanager
def rendering(model: str, targets: Sequence[Path], samples: int, *, job: bool) -> Iterator[Rendering]:
    """The rendering of some files of so many samples each, recorded in a run folder of its own where it is a job."""
    if not job:
        yield Rendering(None, samples * len(targets))
        return
    files = [str(target.absolute()) for target in targets]
    run = Run.create(Library().runs, "generate", targets[0].stem, {"model": model, "files": files})
    with run.alive(), recorded(run):
        yield Rendering(run, samples * len(targets))
