"""A download as a job: its reports on the terminal, and as events in a run folder that anybody may follow or cancel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from sda.cli import output
from sda.errors import SdaError, WeightsError
from sda.library import Library
from sda.train.run import Event, Run
from sda.weights import Progress, about, download

if TYPE_CHECKING:
    from sda.weights import Store

LOG_S = 1.0  # between two events of one stage
PLAIN_S = 10.0  # between two lines where there is no terminal to draw a bar on


def follow(store: Store, offline: bool) -> None:
    """Fetch the weights as a job, drawn on stderr. Raises what the download raises, once that is on record."""
    pin = store.pin
    asked = {"repo": pin.repo_id, "revision": pin.revision, "file": pin.file, "bytes": pin.size, "offline": offline}
    run = Run.create(Library().runs, "download", "bigvgan", asked)
    with run.alive():
        run.log(Event("start", {"step": store.part_size(), "steps": pin.size}))
        try:
            with closing(download(store, offline=offline)) as reports:
                _drawn(_recorded(reports, run))
        except SdaError as error:
            run.log(Event("error", {"text": str(error)}))
            raise
        except BaseException:
            run.log(Event("end", {"finished": False}))
            if kept := store.part_size():
                click.echo(f"\n{output.size(kept)} are kept; go on with: sda-engine vocoder download", err=True)
            raise
        run.log(Event("end", {"finished": True, "place": str(store.folder)}))


def _recorded(reports: Iterator[Progress], run: Run) -> Iterator[Progress]:
    """Write reports to the run's record, and stop where somebody asks it to."""
    last, stage = 0.0, ""
    for report in reports:
        if run.cancelled:
            raise WeightsError("the download was cancelled; what came is kept: sda-engine vocoder download goes on there")
        if report.stage != stage or time.monotonic() - last >= LOG_S:
            last, stage = time.monotonic(), report.stage
            run.log(Event("step", report.to_json()))
        yield report


def _drawn(reports: Iterator[Progress]) -> None:
    """Draw reports until they end."""
    console = Console(stderr=True, highlight=False)
    columns = TextColumn("{task.description}", markup=False), BarColumn(30), TextColumn("{task.fields[numbers]}")
    last, stage = 0.0, ""
    with Bar(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=None, numbers="")
        for report in reports:
            what = output.printable(about(report.stage, report.file, report.note))
            bar.update(task, description=what, completed=report.done, total=report.total, numbers=_numbers(report))
            if not console.is_terminal and (report.stage != stage or time.monotonic() - last >= PLAIN_S):
                last, stage = time.monotonic(), report.stage
                click.echo(f"{what}  {_numbers(report)}", err=True)


def _numbers(report: Progress) -> str:
    """Bytes, rate and time left."""
    text = f"{report.done / 1e6:.1f} of {report.total / 1e6:.1f} MB"
    if report.stage == "download" and report.rate is not None:
        left = output.duration(report.eta_s) if report.eta_s is not None else "?"
        text += f"  {report.rate / 1e6:.2f} MB/s  {left} left"
    return text
