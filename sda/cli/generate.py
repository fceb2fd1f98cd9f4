"""`sda-engine generate`: sound files from a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from sda.cli import export
from sda.cli.voice import chosen, device_option, offline_option, vocoder_option
from sda.errors import ControlError
from sda.params import PARAMS, Kind, Param, check, slider_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sda.choice import Choice
    from sda.core.sound_map import Chunk
    from sda.model import Model
    from sda.params import Value

LAST_SEED = 2**31 - 1


@click.command()
@click.argument("model")
@click.option(
    "-d", "--duration", type=click.FloatRange(0, 86_400, min_open=True), default=10.0, show_default=True, help="Seconds."
)
@click.option(
    "--slider", "sliders", multiple=True, metavar="NAME=VALUE", help="A slider by name or number, -10 to 10. May repeat."
)
@click.option(
    "--home",
    metavar="CHUNK",
    help="Where the sliders start from: a chunk by number, NAME or NAME@SECONDS (`model info --map` lists them).",
)
@click.option(
    "--set", "controls", multiple=True, metavar="ID=VALUE", help="Any other control (see `sda-engine params`). May repeat."
)
@click.option("--seed", type=click.IntRange(0, LAST_SEED), default=0, show_default=True)
@click.option(
    "-n",
    "--count",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="Files, with seeds from SEED up; of several each has its number in its name.",
)
@vocoder_option
@device_option
@offline_option
@click.option("--job", is_flag=True, help="Keep a run folder, as trainings do: others see how far it is, and may stop it.")
@export.file_options
def generate(
    model: str,
    duration: float,
    sliders: tuple[str, ...],
    home: str | None,
    controls: tuple[str, ...],
    seed: int,
    count: int,
    vocoder: str,
    device: str,
    offline: bool,
    job: bool,
    wish: export.Wish,
) -> None:
    """Render sound from MODEL (a name, id, unique prefix or path). The same seed gives the same bytes.

    The file is stereo unless --spatial says otherwise.
    """
    from sda.cli.rendering import rendering
    from sda.library import numbered
    from sda.model import load

    export.check(wish)
    wishes = [replace(wish, target=wish.target.with_stem(stem)) for stem in numbered(wish.target.stem, count)]
    for each in wishes:
        export.check(each)
    with rendering(model, [each.target for each in wishes], round(duration * wish.rate), job=job) as course:
        loaded = load(model, device)
        values = {"seed": seed} | _values(loaded, sliders, controls)
        values |= export.space(wish, "stereo", values)
        chunk = None if home is None else loaded.map.chunk(home)
        choice = chosen(loaded, vocoder, offline=offline)
        course.begin()
        first, made = int(values["seed"]), []
        for number, each in enumerate(wishes):
            values["seed"] = (first + number) % (LAST_SEED + 1)
            blocks, recipe = rendered(loaded, values, chunk, duration, wish.rate, choice)
            made.append(export.save(loaded, course.watched(blocks), each, choice, recipe))
            course.made(made[-1])
        course.end()
    export.say(made, choice, as_json=wish.as_json)


def _values(model: Model, sliders: tuple[str, ...], controls: tuple[str, ...]) -> dict[str, Value]:
    """The controls that were set. Raises `ControlError`."""
    rows = {row.id: row for row in (*PARAMS, *slider_rows([s.name for s in model.sliders]))}
    values: dict[str, Value] = {}
    for name, text in map(_assignment, sliders):
        number = f"slider.{model.slider(name).number}"
        values[number] = _value(rows[number], name, text)
    for name, text in map(_assignment, controls):
        if name == "vocoder":
            raise ControlError(f"--set {name}={text}: expected the option --vocoder")
        values[name] = _value(rows.get(name), name, text)
    return values


def rendered(
    model: Model, values: Mapping[str, Value], chunk: Chunk | None, seconds: float, rate: int, choice: Choice
) -> tuple[Iterator[NDArray[np.float32]], dict[str, Any]]:
    """The sound in blocks [C, t], and the recipe to make it again."""
    home = None if chunk is None else chunk.number
    blocks = model.blocks(seconds, values=values, vocoder=choice.name, rate=rate, home=home)
    recipe = {
        "model": model.document.name,
        "id": model.document.id,
        "seed": values["seed"],
        "seconds": seconds,
        "sliders": {s.name: values[f"slider.{s.number}"] for s in model.sliders if f"slider.{s.number}" in values},
        "values": dict(values),
    }
    if chunk:
        recipe["home"] = {"chunk": chunk.number, "recording": chunk.recording, "start_s": chunk.start_s}
    return blocks, recipe


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise ControlError(f"expected NAME=VALUE, found {text!r}")
    return name, value


def _value(row: Param | None, name: str, text: str) -> Value:
    """What a text says to a control. Raises `ControlError` for what the control would not take as it is."""
    if row is not None and row.kind is Kind.CHOICE and text in row.choices:
        return text
    try:
        number = float(text)
    except ValueError as error:
        expected = f"one of {', '.join(row.choices)}" if row is not None and row.kind is Kind.CHOICE else "a number"
        raise ControlError(f"{name}: expected {expected}, found {text!r}") from error
    if row is not None and row.kind in (Kind.FLOAT, Kind.INT) and check(row, number) != number:
        raise ControlError(f"{row.id}: expected {row.low:g} to {row.high:g}, found {number:g}")
    return number if row is None else check(row, number)
