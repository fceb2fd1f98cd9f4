"""A training's events on the terminal: what became of each recording, a bar with losses and time left, the end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from sda.errors import SdaError
from sda.train.run import Event, Run

SHOWN = {
    "loss": "loss", "total": "loss", "mel": "mel", "kl": "KL",
    "adversarial": "G", "discriminator": "D", "features": "features",
    "accuracy_real": "D right on own", "accuracy_held_out": "held-out", "accuracy_made": "made",
}  # fmt: skip
HELD_OUT = ("loud", "quiet", "mel", "convergence")
PLAIN_LINES = 20  # where there is no terminal to draw a bar on
Asked = Callable[[Callable[[], None]], AbstractContextManager[None]]
"""How a training hears that it should stop: a context in which what it is given may be called."""


@contextmanager
def by_signal(ask: Callable[[], None]) -> Iterator[None]:
    """Turn the first Ctrl-C or SIGTERM into a request, and the second into what it usually is."""
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in signals}

    def heard(number: int, frame: FrameType | None) -> None:
        for which, handler in before.items():
            signal.signal(which, handler)
        ask()

    for number in signals:
        signal.signal(number, heard)
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)


def show(events: Iterator[Event], run: Run, console: Console, asked: Asked = by_signal) -> Event:
    """Draw a run's events, record them in its folder, and return the last one; stop the run when asked."""
    last = Event("end", {"finished": False})

    def stop() -> None:
        run.cancel()
        console.print(
            "stopping after this step; the best so far is kept, with sliders found for it (once more to stop at once)"
        )

    with asked(stop), _bar(console) as bar, recorded(run):
        drawn = _Drawn(bar, console)
        for event in events:
            last = run.log(event)
            drawn.add(last)
    return last


@contextmanager
def recorded(run: Run) -> Iterator[None]:
    """Put on the run's record what it fails by."""
    try:
        yield
    except SdaError as error:
        run.log(Event("error", {"text": str(error)}))
        raise


class _Drawn:
    """A training as it is told: the recordings, then a bar with the losses."""

    def __init__(self, bar: Progress, console: Console) -> None:
        self._bar, self._console = bar, console
        self._files: list[dict[str, Any]] = []
        self._losses: dict[str, float] = {}
        self._task: TaskID | None = None

    def add(self, event: Event) -> None:
        data, console = event.data, self._console
        match event.kind:
            case "file":
                self._files.append(data)
            case "start":
                _report_files(self._files, console)
                console.print(_start_line(data), highlight=False)
                self._task = self._bar.add_task("", total=data["steps"], completed=data["step"], losses="")
            case "step" if self._task is not None:
                self._losses = _smoothed(self._losses, data["losses"])
                said = f"{_losses(self._losses, data['held_out'])}  {data['rate']:.1f} steps/s"
                self._bar.update(self._task, completed=data["step"], losses=said)
                _plain_line(data, said, console)
            case "warn":
                console.print(f"[yellow]{escape(data['text'])}[/]")
            case "preview":
                text = f"preview: {data['file']}  ({data['vocoder']}: {data['why']})"
                console.print(text, highlight=False, markup=False, soft_wrap=True)
            case "stage":
                console.print(f"sliders, {data['share']:.0%}: {data['name']} ...", markup=False, highlight=False)


def show_stages(events: Iterator[Event], run: Run, console: Console, asked: Asked = by_signal) -> Event:
    """Draw a run that goes through stages with a share of the whole, record it in its folder, and return its last event."""
    files: list[dict[str, Any]] = []
    last = Event("end", {"finished": False})

    def stop() -> None:
        run.cancel()
        console.print("stopping after this part; nothing will be changed (once more to stop at once)")

    columns = BarColumn(30), TaskProgressColumn(), TextColumn("{task.description}", markup=False)
    with (
        asked(stop),
        Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar,
        recorded(run),
    ):
        task = bar.add_task("reading the recordings", total=1.0)
        for event in events:
            last = run.log(event)
            if last.kind == "file":
                files.append(last.data)
            elif last.kind == "warn":
                console.print(f"[yellow]{escape(last.data['text'])}[/]")
            elif last.kind == "stage":
                if files:
                    _report_files(files, console)
                    files.clear()
                bar.update(task, completed=last.data["share"], description=last.data["name"])
                if not console.is_terminal:
                    console.print(f"{last.data['share']:4.0%} {last.data['name']}", markup=False)
    return last


def _bar(console: Console) -> Progress:
    columns = BarColumn(30), MofNCompleteColumn(), TextColumn("{task.fields[losses]}"), TimeRemainingColumn()
    return Progress(*columns, console=console, disable=not console.is_terminal)


def _report_files(files: list[dict[str, Any]], console: Console) -> None:
    """A table of every recording that was not taken just as it is, then one line on all of them."""
    noted = [f for f in files if f["notes"]]
    if noted:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("recording", "length", "rate", "note"):
            table.add_column(heading)
        for f in noted:
            text = escape("; ".join(f["notes"]))
            table.add_row(
                escape(f["name"]), f"{f['seconds']:.2f} s", f"{f['rate']} Hz", text if f["used"] else f"[red]{text}[/]"
            )
        console.print(table)
    used = [f for f in files if f["used"]]
    console.print(f"{len(used)} of {len(files)} files used, {sum(f['seconds'] for f in used):.1f} s", highlight=False)


def _start_line(data: dict[str, Any]) -> str:
    steps = f"step {data['step']} of {data['steps']}" if data["step"] else f"{data['steps']} steps"
    return f"training {data['parameters'] / 1e6:.2f} M parameters, {steps}; Ctrl-C keeps the best so far"


def _smoothed(before: dict[str, float], now: dict[str, float]) -> dict[str, float]:
    """A running mean of the losses, about ten reports long."""
    return {name: 0.9 * before.get(name, value) + 0.1 * value for name, value in now.items()}


def _losses(losses: dict[str, float], held_out: dict[str, Any] | None) -> str:
    parts = [f"{SHOWN[name]} {value:.3f}" for name, value in losses.items() if name in SHOWN]
    held_out = held_out or {}
    parts += [f"held-out {name} {held_out[name]:.3f}" for name in HELD_OUT if isinstance(held_out.get(name), float)]
    return "  ".join(parts)


def _plain_line(data: dict[str, Any], losses: str, console: Console) -> None:
    """Without a terminal, a line now and then."""
    every = max(1, data["steps"] // PLAIN_LINES)
    if not console.is_terminal and (data["step"] % every == 0 or data["step"] == data["steps"]):
        text = f"step {data['step']}/{data['steps']}  {losses}  {data['eta_s']:.0f} s left"
        console.print(text, highlight=False, soft_wrap=True)
