"""`sda-engine map`: what MIDI controllers move, as `controls.toml` holds it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sda.cli import output
from sda.errors import ControlError, DeviceError

if TYPE_CHECKING:
    from sda.adapters.osc_packet import Message

LEARNING_S = 130.0  # s; the engine lets go of an armed control before
ANSWER_S = 3.0  # s for an engine to answer at all

name_option = click.option("--name", default="sda", show_default=True, help="The engine's, where several run.")


@click.group("map")
def map_() -> None:
    """List, learn and forget what MIDI controllers move.

    The maps are in the file controls.toml of the library, one for each engine, and may be edited there: a running engine
    reads it again at once.
    """


@map_.command("list")
@name_option
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(name: str, as_json: bool) -> None:
    """Print what is bound, and where the file is."""
    from sda.formats import controls

    path = _path(name)
    mapping = controls.read(path)
    if as_json:
        bindings = [controls.described(binding) for binding in mapping.bindings]
        aliases = [{"address": alias.address, "control": alias.control} for alias in mapping.aliases]
        output.print_json({"file": str(path), "midi": bindings, "osc": aliases})
        return
    rows = [
        (b.target, b.place, "" if b.span is None else f"{b.span[0]:g} .. {b.span[1]:g}", b.takeover or "auto")
        for b in mapping.bindings
    ] + [(a.control, a.address, "" if a.span is None else f"{a.span[0]:g} .. {a.span[1]:g}", "") for a in mapping.aliases]
    if rows:
        output.print_table(("control or act", "moved by", "range", "takeover"), rows)
    else:
        click.echo("nothing is bound; `sda-engine map learn ID` binds what is moved next")
    click.echo(str(path))


@map_.command()
@click.argument("id")
@click.option("--osc", default="127.0.0.1:16180", show_default=True, metavar="HOST:PORT", help="Where the engine receives.")
def learn(id: str, osc: str) -> None:
    """Bind the knob, key or pedal that is moved next to ID, a control or an act of the running engine."""
    from sda.adapters.osc import parse_host_port

    try:
        click.echo(_learned(id, *parse_host_port(osc)))
    except OSError as error:
        raise DeviceError(
            f"--osc {osc}: no engine answers there; start one with `sda-engine run`, or say where it is"
        ) from error


def _learned(id: str, host: str, port: int) -> str:
    """Have the engine learn, and what it learned. Raises `OSError` where there is no engine."""
    from sda.adapters.osc_packet import encode
    from sda.adapters.osc_probe import Asker

    with Asker((host, port)) as engine:
        engine.send(encode("/sda/midi/learn", id))
        first = next(engine.heard(ANSWER_S), None)
        if first is None:
            raise TimeoutError
        _check(first)
        click.echo(f"move what is to move {output.printable(id)}")
        for answer in engine.heard(LEARNING_S):
            _check(answer)
            if answer.address == "/sda/done":
                return output.printable(str(answer.args[-1]))
    raise ControlError(f"{id}: nothing was moved")


@map_.command()
@click.argument("id")
@name_option
def forget(id: str, name: str) -> None:
    """Unbind ID, a control or an act."""
    from sda.formats import controls

    controls.remove(_path(name), id)
    click.echo(f"nothing moves {output.printable(id)} any more")


def _check(answer: Message) -> None:
    """Raises `ControlError` for an answer that says no."""
    if answer.address == "/sda/error":
        raise ControlError(str(answer.args[-1]))


def _path(name: str) -> Path:
    from sda.live.midi_desk import maps

    return maps(name)
