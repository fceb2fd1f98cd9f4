"""`sda-engine train-vocoder`: a vocoder of a model's own, trained on its recordings and bundled into its file."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sda.errors import TrainError
from sda.train.vocoder_plan import FROM_BASE, FROM_SCRATCH, GPU_BATCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from sda.formats.distill import ModelDocument
    from sda.library import Library
    from sda.train.parallel import Crew
    from sda.train.run import Event, Run
    from sda.train.together import Together

BATCHES = f"Crops a step (default: {FROM_BASE.batch}; from scratch {FROM_SCRATCH.batch}; on a GPU {GPU_BATCH})."
WHOSE = {"held_out": "held-out recordings", "own": "its own recordings"}


@click.command("train-vocoder")
@click.argument("model")
@click.option("--audio", type=click.Path(path_type=Path), help="The recordings, if they are not where they were.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="How long to train (default: 5).")
@click.option("--steps", type=click.IntRange(min=1), help="Steps, instead of minutes.")
@click.option("--batch", type=click.IntRange(1, 256), help=BATCHES)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Default: the model's own.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@click.option("--threads", type=click.IntRange(min=1), help="Processor threads of each process (default: all, shared).")
@click.option("--from-scratch", is_flag=True, help="Start from nothing instead of the shipped base.")
@click.option("--bundle-worse", is_flag=True, help="Replace the model's vocoder even by one that does worse.")
@click.option("--resume", is_flag=True, help="Go on with this model's run where it stopped.")
@click.option("--nproc", type=click.IntRange(1, 256), default=1, help="Processes on this machine, one for each GPU.")
@click.option("--nnodes", type=click.IntRange(1, 1024), default=1, help="Machines, which share the folder SDA_HOME.")
@click.option("--node-rank", type=int, default=0, help="This machine's number; what is asked on machine 0 holds for all.")
@click.option("--rendezvous", metavar="HOST:PORT", help="Where all machines reach machine 0.")
@click.option("--join", type=click.Path(path_type=Path), hidden=True)
def train_vocoder(
    model: str, nproc: int, nnodes: int, node_rank: int, rendezvous: str | None, join: Path | None, **asked: Any
) -> None:
    """Train a vocoder for MODEL on its own recordings, from the shipped base, and bundle it into the model file."""
    from sda.cli import output
    from sda.cli.progress import show
    from sda.library import Library
    from sda.train.parallel import Crew
    from sda.train.together import ALONE

    library = Library()
    path = library.resolve(model)
    crew = Crew(processes=nproc, machines=nnodes, machine=node_rank, rendezvous=rendezvous)
    if join:
        _work(library, path, join, asked["threads"], model)
    elif crew.count > 1:
        _start(library, path, crew, asked, model)
    else:
        console = output.console()
        with _held(library, path):
            run = _chosen(library, path, crew, asked)
            with run.alive():
                end = show(_events(run, path, ALONE, asked["threads"]), run, console)
        _conclude(end, model, console)


def _held(library: Library, path: Path) -> AbstractContextManager[None]:
    """Hold the model; it is read only then, or another training's result could be lost."""
    from sda.formats import distill

    header = distill.read_header(path)
    return library.training(header.id, header.name)


def _events(run: Run, path: Path, together: Together, threads: int | None) -> Iterator[Event]:
    """The training, which stores its result in the model's file."""
    from sda.formats import distill
    from sda.train import vocoder_run
    from sda.train.threads import use_threads

    def keep(result: ModelDocument) -> Path:
        distill.write(path, result, half=True)  # 71 dB below the sound
        return path

    use_threads(threads or run.spec["threads"], together.beside)  # another number would not give the same losses
    return vocoder_run.train_vocoder(run, distill.read(path), keep, together)


def _start(library: Library, path: Path, crew: Crew, asked: dict[str, Any], model: str) -> None:
    """Start this machine's workers and wait for them. The leader holds the model and the run while they work."""
    from sda.train.parallel import launch

    if crew.leads:
        with _held(library, path):
            place = _chosen(library, path, crew, asked).path
    else:
        place = Path(tempfile.mkdtemp(prefix="sda-"))
    threads = ["--threads", str(asked["threads"])] if asked["threads"] else []
    launch(crew, place, ["sda.cli", "train-vocoder", model, "--join", str(place), *threads])
    if not crew.leads:
        shutil.rmtree(place)


def _work(library: Library, path: Path, place: Path, threads: int | None, model: str) -> None:
    """Be one of several processes: the leader's run, shown and stored by the leader alone."""
    from sda.cli import output
    from sda.cli.progress import show
    from sda.train.parallel import joined, starter_asks, working
    from sda.train.run import Run

    with working(place) as rank, ExitStack() as held:
        name, device, console = "", "auto", output.console()
        if rank == 0:
            run = Run(place)
            held.enter_context(_held(library, path))
            held.enter_context(run.alive())
            name, device = run.path.name, run.spec["device"]
        with joined(name, device) as (together, name):
            run = Run(library.runs / name)
            events = _events(run, path, together, threads)
            if together.leads:
                _conclude(show(events, run, console, starter_asks), model, console)
            else:
                with starter_asks(run.cancel):
                    assert not list(events)


def _chosen(library: Library, path: Path, crew: Crew, asked: dict[str, Any]) -> Run:
    """The run to go on with, or a new one. Raises `SdaError` before anything is made that could not be trained."""
    from sda.formats import distill
    from sda.train.run import Run
    from sda.train.vocoder_run import vae_of

    document = distill.read(path)
    vae_of(document)  # a model of an older program is refused
    if not asked["resume"]:
        crew.check(asked["device"], asked["batch"])
        return _new_run(library, document, asked)
    run = Run.find(library.runs, "train-vocoder", document.name)
    crew.check(run.spec["device"], run.spec.get("plan", run.spec).get("batch"))
    return run


def _new_run(library: Library, document: ModelDocument, asked: dict[str, Any]) -> Run:
    from sda.sources import locate
    from sda.train.run import Run

    if asked["minutes"] and asked["steps"]:
        raise TrainError("found both --minutes and --steps; expected one of them")
    settings = {name: value for name, value in asked.items() if name not in ("audio", "resume")}
    found = locate(document.name, library.source(document.id), asked["audio"])
    seed = int(document.training.get("seed", 0)) if asked["seed"] is None else asked["seed"]
    return Run.create(library.runs, "train-vocoder", document.name, {**settings, "seed": seed, **found.to_spec()})


def _conclude(end: Event, model: str, console: Console) -> None:
    """Say what came of it."""
    from sda.cli.quality_table import quality_table

    if end.kind != "end":
        return
    data = end.data
    before, after = data["before"], data["after"]
    console.print(quality_table(data["quality"]))
    for what, name in WHOSE.items():
        console.print(f"mel error on {name}: {before[what]:.3f} nat at the start, {after[what]:.3f} now", highlight=False)
    for note in data["notes"]:
        console.print(f"[yellow]{note}[/]")
    console.print(f"sliders, tested on its sound: {', '.join(data['sliders']) or 'none'}", highlight=False)
    if data["bundled"]:
        console.print(f"[bold]{data['model']}[/] has its own vocoder now", highlight=False, soft_wrap=True)
    if not data["finished"]:
        console.print(f"stopped early; go on with: sda-engine train-vocoder {model} --resume", highlight=False)
