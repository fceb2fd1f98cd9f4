"""`sda-engine params`: the registry, printed."""

from __future__ import annotations

from dataclasses import asdict

import click

from sda.acts import ACTS, Act
from sda.cli import output
from sda.params import PARAMS, Kind, Param


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def params(as_json: bool) -> None:
    """Print every control: its id, OSC address, range, unit and default; and every act.

    A model adds one control for each of its sliders: slider.1, slider.2, ... and their names.
    """
    if as_json:
        controls = [asdict(row) | {"address": row.address} for row in PARAMS]
        output.print_json({"params": controls, "acts": [asdict(act) | {"address": act.address} for act in ACTS]})
        return
    rows = [(row.id, row.address, str(row.kind), _range(row), row.unit, _value(row.default), row.help) for row in PARAMS]
    output.print_table(("id", "OSC address", "kind", "range", "unit", "default", "help"), rows)
    click.echo()
    output.print_table(("act", "OSC address", "takes", "help"), [(act.id, act.address, _takes(act), act.help) for act in ACTS])


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
