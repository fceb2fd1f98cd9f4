"""`sda-engine model`: the models of the library, listed and looked after."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from sda.catalog import Entry
from sda.cli import chunk_list, output, slider_report
from sda.errors import SdaError
from sda.formats import distill, model_file, whole
from sda.formats.distill import SUFFIX, ModelDocument
from sda.formats.document import check_name
from sda.formats.legacy import presets
from sda.formats.legacy.as_document import OLDER
from sda.library import Library
from sda.presets import Presets
from sda.spec import ACTIVATIONS

ERRORS = ("mel_error_before", "mel_error")  # of a vocoder's training, nat
RECIPE = ("plan", "discriminators")  # of a vocoder's training: thirty rows, which `--json` gives
MOST_NAMES = 6  # sliders named in a row of the list

as_json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.group(invoke_without_command=True)
@click.pass_context
def model(ctx: click.Context) -> None:
    """List, show, import, rename, delete, export and verify models.

    MODEL is a name, an id, the beginning of either, or the path of a file.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@model.command("list")
@as_json_option
def list_models(as_json: bool) -> None:
    """List the models of the library."""
    library = Library()
    entries = library.entries()
    if as_json:
        output.print_json([_summary(entry) for entry in entries])
        return
    if not entries:
        click.echo(f"The library {library.home / 'models'} is empty. `sda-engine train AUDIO_DIR --name NAME` makes a model.")
        return
    heads = ("name", "id", "sound", "sliders", "own vocoder", "size", "made")
    good = [entry for entry in entries if entry.document]
    if good:
        output.print_table(
            heads, [_cells(entry, entry.document) for entry in good if entry.document], numbers=("sound", "size")
        )
    if damaged := [(entry.path.name, entry.error) for entry in entries if not entry.document]:
        output.print_pairs("Cannot be read:", damaged)


@model.command()
@click.argument("model")
@click.option(
    "--sliders", is_flag=True, help="What each slider was measured to do, with a picture; what was not named, and why."
)
@click.option("--map", "chunks", is_flag=True, help="The seconds of the recordings that the sliders can start from.")
@as_json_option
def info(model: str, sliders: bool, chunks: bool, as_json: bool) -> None:
    """Show everything that a model's file says."""
    path = Library().resolve(model)
    if chunks:
        chunk_list.show(model_file.read(path), as_json=as_json)
        return
    document = model_file.read_header(path)
    if sliders:
        if as_json:
            output.print_json(slider_report.described(document))
        else:
            slider_report.show(document)
        return
    entry = Entry(path=path, size=path.stat().st_size, document=document)
    if as_json:
        output.print_json(document.to_json() | {"path": str(path), "bytes": entry.size, "source": _source(document)})
        return
    output.print_pairs(document.name, _head(entry, document))
    if found := document.analysis.get("sliders"):
        spans = [(f"{s['low']:g} .. {s['high']:g}", f"{s['safe_low']:g} .. {s['safe_high']:g}") for s in found]
        rows = [(str(s["number"]), s["name"], *span, s["explains"]) for s, span in zip(found, spans, strict=True)]
        output.print_table(("slider", "name", "range", "safe", "moves"), rows)
    for title, values in (("Dataset", document.dataset), ("Training", document.training)):
        output.print_pairs(title, _flat(values))
    output.print_pairs("Grid", _flat(document.grid.to_json()))
    output.print_pairs("Network", _flat(document.vae.to_json()))
    if document.vocoder:
        training = {key: value for key, value in document.vocoder_training.items() if key not in RECIPE}
        output.print_pairs("Own vocoder", _flat(document.vocoder.to_json()) + _flat(training))
    tested, analysis = _analysis(document)
    if tested:
        output.print_table(("tested", "named", "rank", "moves", "why not"), [_tested(row) for row in tested])
    unknown = dict(document.extra)
    older = {"says": unknown.pop(OLDER)} if OLDER in unknown else {}
    for title, values in (("Analysis", analysis), ("Older file", older), ("Unknown to this version", unknown)):
        if values:
            output.print_pairs(title, _flat(values))


@model.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="What the model is called here (default: what it was called).")
@click.option("--activation", type=click.Choice(ACTIVATIONS), help="Of an old .distill's decoder, where the guess is wrong.")
@click.option("--force", is_flag=True, help="Replace the model that has its id.")
def import_model(file: Path, name: str | None, activation: str | None, force: bool) -> None:
    """Bring a model's FILE into the library; .sda, .distill and .distillgan of older programs become files of this one.

    The presets beside an old model come along.
    """
    document = model_file.read(file, activation=activation, imported=True)
    document = document if name is None else replace(document, name=check_name(name))
    library = Library()
    if not force and any(entry.id == document.id for entry in library.entries()):
        raise SdaError(f"{file}: the library has this model already (id {document.id[:8]}); --force replaces it")
    if not force and library.taken(document.name):
        raise SdaError(f"a model named {document.name!r} is in the library already; expected another --name, or --force")
    beside = presets.find(file, document.id) if model_file.is_old(file) else None
    found = presets.read(beside, document) if beside else []
    path = library.add(document, overwrite=force)
    click.echo(f"{output.printable(document.name)}: {path} ({output.size(path.stat().st_size)})")
    if found:
        stored = Presets(library).bring(found)
        here = f", {len(found) - len(stored)} here already" if len(stored) < len(found) else ""
        click.echo(f"presets: {len(stored)}{here}; `sda-engine preset list` shows them")
    for note in document.notes:
        click.echo(f"note: {output.printable(note)}")


@model.command()
@click.argument("model")
@click.argument("name")
def rename(model: str, name: str) -> None:
    """Give a model another NAME."""
    library = Library()
    path = library.rename(library.resolve(model), name)
    click.echo(f"{output.printable(name.strip())}: {path}")


@model.command()
@click.argument("model")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(model: str, yes: bool) -> None:
    """Remove a model from the library."""
    library = Library()
    path = library.resolve(model)
    name = next((e.name for e in library.entries() if e.path == path), path.name)
    if not yes and not click.confirm(f"Delete {output.printable(name)} ({path})?"):
        click.echo("Nothing was deleted.")
        raise click.exceptions.Exit(1)
    library.delete(path)
    click.echo(f"Deleted {output.printable(name)}.")


@model.command()
@click.argument("model")
@click.argument("dest", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def export(model: str, dest: Path, force: bool) -> None:
    """Copy a model's file to DEST, a file or a folder."""
    path = Library().resolve(model)
    target = dest / path.name if dest.is_dir() else dest
    if target.suffix != SUFFIX:
        target = target.with_name(target.name + SUFFIX)
    if target.exists() and target.samefile(path):
        raise SdaError(f"{target}: that is the model itself; expected another place")
    if target.exists() and not force:
        raise SdaError(f"{target}: there is a file already; --force replaces it")
    document = distill.read(path)
    whole.write(target, path.read_bytes())
    click.echo(f"{output.printable(document.name)}: {target}")


@model.command()
@click.argument("model")
def verify(model: str) -> None:
    """Read a model's whole file and check every number in it."""
    path = Library().resolve(model)
    document = model_file.read(path)
    numbers = sum(tensor.size for tensor in document.tensors.values())
    click.echo(f"{output.printable(document.name)}: good; {len(document.tensors)} tensors, {numbers} numbers, {path}")


def _cells(entry: Entry, document: ModelDocument) -> tuple[str, ...]:
    names = [s["name"] for s in document.analysis.get("sliders", ())]
    more = f", +{len(names) - MOST_NAMES}" if len(names) > MOST_NAMES else ""
    sliders = ", ".join(names[:MOST_NAMES]) + more or "-"
    own = "yes" if document.vocoder else "no"
    sound = output.duration(document.dataset.get("seconds"))
    return document.name, document.id[:8], sound, sliders, own, output.size(entry.size), document.created[:10]


def _summary(entry: Entry) -> dict[str, Any]:
    """A model in the list for programs."""
    place = {"path": str(entry.path), "bytes": entry.size}
    document = entry.document
    if document is None:
        return {"name": entry.name, "error": entry.error, **place}
    return {
        "name": document.name,
        "id": document.id,
        "created": document.created,
        "tags": list(document.tags),
        "dataset": document.dataset,
        "sliders": [s["name"] for s in document.analysis.get("sliders", ())],
        "own_vocoder": document.vocoder is not None,
        "vocoder_training": {key: value for key, value in document.vocoder_training.items() if key != "plan"},
        **place,
    }


def _head(entry: Entry, document: ModelDocument) -> list[tuple[str, str]]:
    pairs = [
        ("id", document.id),
        ("format", model_file.format_of(document)),
        ("made", document.created),
        ("tags", ", ".join(document.tags)),
        ("file", f"{entry.path} ({output.size(entry.size)})"),
        ("recordings", _source(document) or "not known here"),
        ("own vocoder", _own_vocoder(document)),
    ]
    return [(name, value) for name, value in pairs if value]


def _own_vocoder(document: ModelDocument) -> str:
    """Whether there is one, and what its training came to, as far as the file says."""
    if document.vocoder is None:
        return "no"
    training = document.vocoder_training
    words = [f"{steps} steps of training"] if isinstance(steps := training.get("steps"), int) else []
    sides = [errors.get("held_out") if isinstance(errors := training.get(key), dict) else None for key in ERRORS]
    if all(isinstance(side, int | float) for side in sides):
        words.append(f"mel error on held-out recordings {sides[0]:.3f} before, {sides[1]:.3f} after")
    return f"yes: {', '.join(words)}" if words else "yes"


def _source(document: ModelDocument) -> str | None:
    source = Library().source(document.id)
    return str(source.folder) if source else None


def _analysis(document: ModelDocument) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The self-test's rows, and what else the analysis says beside the sliders."""
    rest = {key: value for key, value in document.analysis.items() if key not in ("sliders", "report", "map") and value != []}
    if isinstance(places := document.analysis.get("map"), dict):
        rest["map"] = f"trustworthiness {places.get('trustworthiness', '-')}"
    report = document.analysis.get("report")
    if not isinstance(report, dict):
        return [], rest
    tested = report.get("descriptors")
    rows = [row for row in tested if isinstance(row, dict)] if isinstance(tested, list) else []
    return rows, rest | {key: value for key, value in report.items() if key != "descriptors"}


def _tested(row: dict[str, Any]) -> tuple[str, ...]:
    """A descriptor of the self-test: whether it became a slider, how evenly and how far it moved, and what was missing."""
    home, share = row.get("home"), row.get("share")
    return (
        str(row.get("name", "-")),
        "yes" if row.get("kept") else "no",
        f"{home:.2f}" if isinstance(home, int | float) else "-",
        f"{share:.0%} of the recordings' range" if isinstance(share, int | float) else "-",
        str(row.get("reason", "")),
    )


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested values as pairs of dotted names and texts."""
    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, dict):
            pairs += _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple) and value and all(isinstance(item, dict) for item in value):
            for number, item in enumerate(value, 1):
                pairs += _flat(item, f"{prefix}{name}.{item.get('name', number)}.")
        else:
            pairs.append((prefix + name, ", ".join(map(_said, value if isinstance(value, list | tuple) else [value]))))
    return pairs


def _said(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
