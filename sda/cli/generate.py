"""`sda-engine generate` and `sda-engine resynth`: sound files from a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sda.cli.voice import chosen, device_option, offline_option, vocoder_option
from sda.errors import ControlError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from sda.choice import Choice
    from sda.model import Model
    from sda.params import Value

RATE = click.IntRange(8_000, 192_000)
DEPTH = click.Choice(["16", "24", "32f"])


@click.command()
@click.argument("model")
@click.option("-o", "--output", "target", type=click.Path(path_type=Path), required=True, help="The file to write.")
@click.option(
    "-d", "--duration", type=click.FloatRange(0, 86_400, min_open=True), default=10.0, show_default=True, help="Seconds."
)
@click.option(
    "--slider", "sliders", multiple=True, metavar="NAME=VALUE", help="A slider by name or number, -10 to 10. May repeat."
)
@click.option(
    "--set", "controls", multiple=True, metavar="ID=VALUE", help="Any other control (see `sda-engine params`). May repeat."
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@vocoder_option
@device_option
@offline_option
@click.option("--rate", type=RATE, default=48_000, show_default=True, help="Hz.")
@click.option("--bit-depth", type=DEPTH, default="24", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
def generate(
    model: str,
    target: Path,
    duration: float,
    sliders: tuple[str, ...],
    controls: tuple[str, ...],
    seed: int,
    vocoder: str,
    device: str,
    offline: bool,
    rate: int,
    bit_depth: str,
    as_json: bool,
) -> None:
    """Render sound from MODEL (a name, id, unique prefix or path). The same seed gives the same bytes."""
    from sda.model import load
    from sda.params import PARAMS, check, slider_rows

    loaded = load(model, device)
    values: dict[str, Value] = {"seed": seed}
    for name, value in map(_assignment, sliders):
        values[f"slider.{loaded.slider(name).number}"] = _number(name, value)
    for name, value in map(_assignment, controls):
        if name == "vocoder":
            raise ControlError(f"--set {name}={value}: expected the option --vocoder")
        values[name] = _number(name, value)
    rows = {row.id: row for row in (*PARAMS, *slider_rows([s.name for s in loaded.sliders]))}
    for name, wish in values.items():
        if name in rows and rows[name].low != rows[name].high and check(rows[name], wish) != wish:
            raise ControlError(f"{name}: expected {rows[name].low:g} to {rows[name].high:g}, found {wish:g}")
    choice = chosen(loaded, vocoder, offline=offline)
    blocks = loaded.blocks(duration, values=values, vocoder=choice.name, rate=rate)
    recipe = {"model": loaded.document.name, "id": loaded.document.id, "seconds": duration, "values": values}
    _write(loaded, blocks, target, rate, bit_depth, choice, seed, recipe, as_json)


@click.command()
@click.argument("model")
@click.argument("recording", type=click.Path(path_type=Path))
@click.option("-o", "--output", "target", type=click.Path(path_type=Path), required=True, help="The file to write.")
@vocoder_option
@device_option
@offline_option
@click.option("--rate", type=RATE, default=48_000, show_default=True, help="Hz.")
@click.option("--bit-depth", type=DEPTH, default="24", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
def resynth(
    model: str,
    recording: Path,
    target: Path,
    vocoder: str,
    device: str,
    offline: bool,
    rate: int,
    bit_depth: str,
    as_json: bool,
) -> None:
    """Take RECORDING through MODEL: encode it, decode it, and vocode it to a file of the same length."""
    from sda.formats.audio import read_mono
    from sda.model import load

    loaded = load(model, device)
    own_rate = loaded.document.grid.sample_rate
    audio = read_mono(recording, own_rate)
    choice = chosen(loaded, vocoder, offline=offline)
    blocks = loaded.resynthesise(audio, own_rate, vocoder=choice.name, out_rate=rate)
    recipe: dict[str, object] = {
        "model": loaded.document.name,
        "id": loaded.document.id,
        "recording": recording.name,
    }
    _write(loaded, blocks, target, rate, bit_depth, choice, 0, recipe, as_json)


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise ControlError(f"expected NAME=VALUE, found {text!r}")
    return name, value


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ControlError(f"{name}: expected a number, found {text!r}") from error


def _write(
    model: Model,
    blocks: Iterator[NDArray[np.float32]],
    target: Path,
    rate: int,
    depth: str,
    choice: Choice,
    seed: int,
    recipe: dict[str, object],
    as_json: bool,
) -> None:
    """Stream the blocks to the file and say what it is."""
    import numpy as np

    from sda.cli import output
    from sda.formats.audio_out import AudioWriter, Tags

    samples, recipe = 0, {**recipe, "vocoder": choice.name, "why": choice.why}
    tags = Tags(title=model.document.name, comment=json.dumps(recipe), software="sda-engine")
    with AudioWriter(target, rate, channels=1, depth=depth, random=np.random.default_rng(seed), tags=tags) as writer:
        for block in blocks:
            writer.write(block)
            samples += block.shape[1]
    made = {
        "file": str(target),
        "rate": rate,
        "bit_depth": depth,
        "samples": samples,
    }
    if as_json:
        output.print_json({**made, **recipe})
        return
    console = output.console()
    console.print(f"{target}  {samples / rate:.3f} s, {rate} Hz, {depth} bit", highlight=False, soft_wrap=True)
    console.print(f"vocoder: {choice.name} ({choice.why})", highlight=False)
