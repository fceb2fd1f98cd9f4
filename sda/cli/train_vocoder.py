"""`sda-engine train-vocoder`: a vocoder of a model's own, trained on its recordings and bundled into its file."""

from __future__ import annotations

from pathlib import Path

import click

from sda.errors import TrainError


@click.command("train-vocoder")
@click.argument("model")
@click.option("--audio", type=click.Path(path_type=Path), help="The recordings, if they are not where they were.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="How long to train (default: 5).")
@click.option("--steps", type=click.IntRange(min=1), help="Steps, instead of minutes.")
@click.option("--batch", type=click.IntRange(1, 256), help="Crops a step (default: 4).")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Default: the model's own.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@click.option("--threads", type=click.IntRange(min=1), help="Processor threads (default: all).")
@click.option("--from-scratch", is_flag=True, help="Start from nothing instead of the shipped base.")
@click.option("--resume", is_flag=True, help="Go on with this model's run where it stopped.")
def train_vocoder(
    model: str,
    audio: Path | None,
    minutes: float | None,
    steps: int | None,
    batch: int | None,
    seed: int | None,
    device: str,
    threads: int | None,
    from_scratch: bool,
    resume: bool,
) -> None:
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
    document = distill.read(path)
    if resume:
        run = Run.find(library.runs, "train-vocoder", document.name)
    elif minutes and steps:
        raise TrainError("found both --minutes and --steps; expected one of them")
    else:
        source = audio or library.source(document.id)
        if source is None:
            raise TrainError(f"where the recordings of {document.name} are is not known here; expected --audio DIR")
        seed = int(document.training.get("seed", 0)) if seed is None else seed
        asked = {
            "minutes": minutes,
            "steps": steps,
            "batch": batch,
            "seed": seed,
            "device": device,
            "from_scratch": from_scratch,
        }
        run = Run.create(
            library.runs, "train-vocoder", document.name, {"source": str(source.resolve()), "model": str(path), **asked}
        )
    use_threads(threads)

    def keep(result: distill.ModelDocument) -> Path:
        distill.write(path, result)
        return path

    with run.alive():
        end = show(vocoder_run.train_vocoder(run, document, keep), run, console)
    if end.kind == "end":
        before, after = end.data["before"], end.data["after"]
        for what in ("held_out", "own"):
            name = {"held_out": "held-out recordings", "own": "its own recordings"}[what]
            console.print(f"mel error on {name}: {before[what]:.3f} nat at the start, {after[what]:.3f} now", highlight=False)
        for note in end.data["notes"]:
            console.print(f"[yellow]{note}[/]")
        console.print(f"[bold]{end.data['model']}[/] has its own vocoder now", highlight=False, soft_wrap=True)
        if not end.data["finished"]:
            console.print(f"stopped early; go on with: sda-engine train-vocoder {model} --resume", highlight=False)
