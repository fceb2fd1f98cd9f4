"""`sda-engine params`: the registry, printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click

from sda.acts import ACTS, Act
from sda.cli import output
from sda.params import PARAMS, Kind, Param


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--markdown", is_flag=True, help="For a manual.")
def params(as_json: bool, markdown: bool) -> None:
    """Print every control: its id, OSC address, range, unit and default; and every act.

    A model adds one control for each of its sliders: slider.1, slider.2, ... and their names.
    """
    if as_json:
        controls = [asdict(row) | {"address": row.address} for row in PARAMS]
        output.print_json({"params": controls, "acts": [asdict(act) | {"address": act.address} for act in ACTS]})
        return
    show = _print_markdown if markdown else output.print_table
    rows = [(row.id, row.address, str(row.kind), _range(row), row.unit, _value(row.default), row.help) for row in PARAMS]
    show(("id", "OSC address", "kind", "range", "unit", "default", "help"), rows)
    click.echo()
    show(("act", "OSC address", "takes", "help"), [(act.id, act.address, _takes(act), act.help) for act in ACTS])


def _print_markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table of Markdown; ids and addresses as code."""
    click.echo(f"| {' | '.join(heads)} |")
    click.echo("|---" * len(heads) + "|")
    for row in rows:
        cells = [cell.replace("|", "\\|") for cell in row]
        click.echo(f"| `{cells[0]}` | `{cells[1]}` | {' | '.join(cells[2:])} |")


def _takes(act: Act) -> str:
    return " ".join(argument.name if argument.needed else f"[{argument.name}]" for argument in act.arguments)


def _range(row: Param) -> str:
    if row.kind is Kind.CHOICE:
        return ", ".join(row.choices)
    return f"{row.low:.12g} .. {row.high:.12g}" if row.kind in (Kind.FLOAT, Kind.INT) else ""


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)
