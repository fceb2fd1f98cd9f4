"""`sda-engine train-vocoder`: a vocoder of a model's own, trained on its recordings and bundled into its file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sda.errors import TrainError

if TYPE_CHECKING:
    from rich.console import Console

    from sda.formats.distill import ModelDocument
    from sda.library import Library
    from sda.train.run import Run

WHOSE = {"held_out": "held-out recordings", "own": "its own recordings"}


@click.command("train-vocoder")
@click.argument("model")
@click.option("--audio", type=click.Path(path_type=Path), help="The recordings, if they are not where they were.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="How long to train (default: 5).")
@click.option("--steps", type=click.IntRange(min=1), help="Steps, instead of minutes.")
@click.option("--batch", type=click.IntRange(1, 256), help="Crops a step (default: 2).")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Default: the model's own.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@click.option("--threads", type=click.IntRange(min=1), help="Processor threads (default: all).")
@click.option("--from-scratch", is_flag=True, help="Start from nothing instead of the shipped base.")
@click.option("--bundle-worse", is_flag=True, help="Replace the model's vocoder even by one that does worse.")
@click.option("--resume", is_flag=True, help="Go on with this model's run where it stopped.")
def train_vocoder(model: str, audio: Path | None, resume: bool, **asked: Any) -> None:
    """Train a vocoder for MODEL on its own recordings, from the shipped base, and bundle it into the model file."""
    from sda.cli import output
    from sda.cli.progress import show
    from sda.formats import distill
    from sda.library import Library
    from sda.train import vocoder_run
    from sda.train.run import Run
    from sda.train.threads import use_threads

    console, library = output.console(), Library()
    path = library.resolve(model)
    header = distill.read_header(path)
    click.get_current_context().with_resource(library.training(header.id, header.name))
    document = distill.read(path)  # under the lock, or another training's result could be lost
    vocoder_run.vae_of(document)  # before anything is gathered: a model of an older program is refused
    run = Run.find(library.runs, "train-vocoder", document.name) if resume else _new_run(library, document, audio, asked)
    use_threads(asked["threads"] or run.spec["threads"])  # another number would not give the same losses

    def keep(result: ModelDocument) -> Path:
        distill.write(path, result, half=True)  # 71 dB below the sound
        return path

    with run.alive():
        end = show(vocoder_run.train_vocoder(run, document, keep), run, console)
    if end.kind == "end":
        _conclude(end.data, model, console)


def _new_run(library: Library, document: ModelDocument, audio: Path | None, asked: dict[str, Any]) -> Run:
    from sda.sources import locate
    from sda.train.run import Run

    if asked["minutes"] and asked["steps"]:
        raise TrainError("found both --minutes and --steps; expected one of them")
    found = locate(document.name, library.source(document.id), audio)
    seed = int(document.training.get("seed", 0)) if asked["seed"] is None else asked["seed"]
    spec = {**asked, "seed": seed, **found.to_spec()}
    return Run.create(library.runs, "train-vocoder", document.name, spec)


def _conclude(data: dict[str, Any], model: str, console: Console) -> None:
    """Say what came of it."""
    before, after = data["before"], data["after"]
    for what, name in WHOSE.items():
        console.print(f"mel error on {name}: {before[what]:.3f} nat at the start, {after[what]:.3f} now", highlight=False)
    for note in data["notes"]:
        console.print(f"[yellow]{note}[/]")
    console.print(f"sliders, tested on its sound: {', '.join(data['sliders']) or 'none'}", highlight=False)
    if data["bundled"]:
        console.print(f"[bold]{data['model']}[/] has its own vocoder now", highlight=False, soft_wrap=True)
    if not data["finished"]:
        console.print(f"stopped early; go on with: sda-engine train-vocoder {model} --resume", highlight=False)
