"""`sda-engine train`: a model from a folder of recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import click

from sda.errors import ModelError, TrainError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from sda.formats.distill import ModelDocument
    from sda.library import Library
    from sda.train.run import Run


@click.command()
@click.argument("audio_dir", type=click.Path(path_type=Path), required=False)
@click.option("--name", required=True, help="What the model will be called.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="How long to train (default: 1).")
@click.option("--epochs", type=click.IntRange(min=1), help="Passes over the recordings, instead of minutes.")
@click.option("--leave-out", multiple=True, metavar="NAME", help="A file below AUDIO_DIR that is not to be used. May repeat.")
@click.option("--latents", type=click.IntRange(4, 512), help="Size of the latent space (default: 32, 64 or 128 by length).")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@click.option("--threads", type=click.IntRange(min=1), help="Processor threads (default: all but those of a live engine).")
@click.option("--resume", is_flag=True, help="Go on with the run of this name where it stopped.")
def train(audio_dir: Path | None, name: str, resume: bool, **asked: Any) -> None:
    """Train a model on the recordings in AUDIO_DIR (wav, flac, ogg, mp3, aiff; any rate, any channels).

    Five files of a second are enough, five hundred are fine. Ctrl-C keeps the best so far; --resume goes on.
    """
    from sda.cli import output
    from sda.cli.progress import show
    from sda.library import Library
    from sda.sources import Source
    from sda.train.corpus import Corpus
    from sda.train.model_run import train_model
    from sda.train.run import Run
    from sda.train.threads import use_threads

    console, library = output.console(), Library()
    run = Run.find(library.runs, "train", name) if resume else _new_run(library, audio_dir, name, asked)
    use_threads(asked["threads"] or run.spec["threads"])  # another number would not give the same losses

    def keep(document: ModelDocument) -> Path:
        recordings = Corpus(run.path / "corpus").recordings
        library.remember_source(document.id, Source.of(Path(run.spec["source"]), recordings))
        return library.add(_with_old_vocoder(library, document), overwrite=True, half=True)  # costs 3e-4 nat

    with library.training(run.spec["id"], name), run.alive():
        end = show(train_model(run, keep), run, console)
    if end.kind == "end":
        _conclude(end.data, name, console)


def _with_old_vocoder(library: Library, document: ModelDocument) -> ModelDocument:
    """A model that a run stores again keeps the vocoder that it was given in between."""
    from dataclasses import replace

    from sda.formats import distill

    try:
        old = distill.read(library.resolve(document.id, paths=False))
    except ModelError:
        return document
    vocoder = {name: tensor for name, tensor in old.tensors.items() if name.startswith("vocoder.")}
    tensors = {**document.tensors, **vocoder}
    return replace(document, vocoder=old.vocoder, vocoder_training=old.vocoder_training, tensors=tensors)


def _new_run(library: Library, audio_dir: Path | None, name: str, asked: dict[str, Any]) -> Run:
    from sda.formats.document import check_name
    from sda.train.device import pick
    from sda.train.run import Run

    if audio_dir is None:
        raise TrainError("no folder of recordings given; expected: sda-engine train AUDIO_DIR --name NAME")
    if asked["minutes"] and asked["epochs"]:
        raise TrainError("found both --minutes and --epochs; expected one of them")
    if library.taken(check_name(name)):
        raise TrainError(
            f"a model named {name!r} is in the library already; choose another --name, or rename or delete that one"
        )
    files = _chosen(audio_dir, asked["leave_out"])
    pick(asked["device"])
    source = {"source": str(audio_dir.resolve()), "files": files}
    return Run.create(library.runs, "train", name, {**asked, **source, "id": str(uuid4())})


def _chosen(audio_dir: Path, leave_out: Sequence[str]) -> list[tuple[str, str]]:
    """Paths and names of the files to use; none of them where it is the whole folder. Raises `TrainError`."""
    from sda.sources import find

    files = {path.relative_to(audio_dir).as_posix(): path for path in find(audio_dir)}
    if unknown := [name for name in leave_out if name not in files]:
        raise TrainError(f"--leave-out {unknown[0]}: found no such file below {audio_dir}")
    if leave_out and len(set(leave_out)) == len(files):
        raise TrainError(f"{audio_dir}: all of its {len(files)} files are left out; expected some to learn from")
    return [(str(path.resolve()), name) for name, path in files.items() if name not in leave_out] if leave_out else []


def _conclude(data: dict[str, object], name: str, console: Console) -> None:
    """Say what came of it, and what to do next."""
    sliders = data["sliders"]
    assert isinstance(sliders, list)
    console.print(f"[bold]{data['model']}[/]", highlight=False, soft_wrap=True)
    console.print(f"sliders: {', '.join(sliders) or 'none'}", highlight=False)
    if not data["finished"]:
        console.print(f"stopped early; go on with: sda-engine train --name {name} --resume", highlight=False)
    console.print(f"hear it: sda-engine generate {name} -o {name}.wav -d 10", highlight=False)
