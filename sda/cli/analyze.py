"""`sda-engine analyze`: a model's sliders and map, found anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sda.errors import ModelError

if TYPE_CHECKING:
    from sda.formats.distill import ModelDocument
    from sda.library import Library
    from sda.train.run import Run


@click.command()
@click.argument("model")
@click.option("--audio", type=click.Path(path_type=Path), help="The recordings, if they are not where they were.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Default: the model's own.")
@click.option("--threads", type=click.IntRange(min=1), help="Processor threads (default: all).")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def analyze(model: str, audio: Path | None, seed: int | None, threads: int | None, as_json: bool) -> None:
    """Find the sliders and the map of MODEL anew, test every name on its sound, and store what holds in its file.

    The recordings are found as `train-vocoder` finds them. A model of an older program (once imported) keeps its components
    as axes without names. Ctrl-C leaves the model as it was.
    """
    from sda.cli import output, slider_report
    from sda.cli.progress import show_stages
    from sda.formats import distill, model_file
    from sda.library import Library
    from sda.train.analyze_run import analyze_model
    from sda.train.run import Run
    from sda.train.threads import use_threads

    library = Library()
    path = library.resolve(model)
    if model_file.is_old(path):
        raise ModelError(f"{path}: a file of an older program is only read; bring it in first: sda-engine model import {path}")
    console = output.console(stderr=as_json)
    header = distill.read_header(path)
    with library.training(header.id, header.name):
        document = distill.read(path)  # only now, or another training's result could be lost
        run = Run.create(library.runs, "analyze", document.name, _asked(library, document, audio, seed))
        use_threads(threads)

        def keep(result: ModelDocument) -> Path:
            distill.write(path, result, half=_is_half(document))
            _remember(library, document, run)
            return path

        with run.alive():
            end = show_stages(analyze_model(run, document, keep), run, console)
    if not end.data["finished"]:
        console.print("stopped; the model is as it was", highlight=False)
        return
    result = distill.read_header(path)
    if as_json:
        output.print_json(slider_report.described(result))
    else:
        slider_report.show(result)


def _asked(library: Library, document: ModelDocument, audio: Path | None, seed: int | None) -> dict[str, Any]:
    """The spec of the run. Only a model of an older program can do without recordings. Raises `TrainError`."""
    from sda.sources import locate
    from sda.spec import OldVaeSpec

    known = library.source(document.id)
    chosen = {"seed": int(document.training.get("seed") or 0) if seed is None else seed}
    if isinstance(document.vae, OldVaeSpec) and known is None and audio is None:
        return chosen | {"source": ""}
    return chosen | locate(document.name, known, audio).to_spec()


def _is_half(document: ModelDocument) -> bool:
    """Whether the file holds its matrices at half precision."""
    return any(tensor.dtype == "float16" for tensor in document.tensors.values())


def _remember(library: Library, document: ModelDocument, run: Run) -> None:
    """Note where the recordings are, if that was not known."""
    from sda.sources import Source
    from sda.train.corpus import Corpus

    if run.spec["source"] and library.source(document.id) is None:
        recordings = Corpus(run.path / "corpus").recordings
        library.remember_source(document.id, Source.of(Path(run.spec["source"]), recordings))
