"""`sda-engine preset`: the presets of the library, listed and looked after. The engine makes and recalls them."""

from __future__ import annotations

from typing import Any

import click

from sda.cli import output
from sda.formats.preset import Preset
from sda.presets import Kept, Presets

as_json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.group(invoke_without_command=True)
@click.pass_context
def preset(ctx: click.Context) -> None:
    """List, show, rename and delete presets.

    They are made by /sda/preset/save NAME and recalled by /sda/preset/recall NAME while `sda-engine run` plays.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@preset.command("list")
@as_json_option
def list_presets(as_json: bool) -> None:
    """List the presets by number, which is what a MIDI program change recalls."""
    presets = Presets()
    found = presets.all()
    if as_json:
        output.print_json([_summary(kept) for kept in found])
        return
    if not found:
        click.echo(f"{presets.folder} has no presets. While `sda-engine run` plays, /sda/preset/save NAME makes one.")
        return
    good = [(kept, kept.preset) for kept in found if kept.preset]
    if good:
        rows = [_cells(kept, preset) for kept, preset in good]
        output.print_table(("number", "name", "model", "controls", "sliders", "made"), rows, numbers=("number", "controls"))
    if damaged := [(kept.path.name, kept.error.removeprefix(f"{kept.path}: ")) for kept in found if kept.error]:
        output.print_pairs("Cannot be read:", damaged)


@preset.command()
@click.argument("name")
@as_json_option
def show(name: str, as_json: bool) -> None:
    """Show everything that a preset says."""
    kept = Presets().find(name)
    assert kept.preset is not None
    if as_json:
        output.print_json(kept.preset.to_json() | {"path": str(kept.path)})
        return
    preset = kept.preset
    head = [("number", str(kept.number)), ("model", preset.model_name), ("model's id", preset.model), ("made", preset.created)]
    output.print_pairs(preset.name, [(word, text) for word, text in [*head, ("file", str(kept.path))] if text])
    for title, values in (("Controls", preset.values), ("Sliders by name", preset.sliders), ("Also kept", preset.extra)):
        if values:
            output.print_pairs(title, [(id, _said(value)) for id, value in values.items()])


@preset.command()
@click.argument("name")
@click.argument("new")
def rename(name: str, new: str) -> None:
    """Give a preset a NEW name. Its number stays."""
    kept = Presets().rename(name, new)
    click.echo(f"{output.printable(kept.name)}: {kept.path}")


@preset.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(name: str, yes: bool) -> None:
    """Remove a preset."""
    presets = Presets()
    if not yes and not click.confirm(f"Delete {output.printable(name)}?"):
        click.echo("Nothing was deleted.")
        raise click.exceptions.Exit(1)
    kept = presets.delete(name)
    click.echo(f"Deleted {output.printable(kept.name)}.")


def _cells(kept: Kept, preset: Preset) -> tuple[str, ...]:
    model = preset.model_name or preset.model[:8] or "any"
    return str(kept.number), preset.name, model, str(len(preset.values)), ", ".join(preset.sliders) or "-", preset.created[:10]


def _summary(kept: Kept) -> dict[str, Any]:
    place = {"name": kept.name, "path": str(kept.path)}
    if kept.preset is None:
        return place | {"error": kept.error}
    return kept.preset.to_json() | {"number": kept.number} | place


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
