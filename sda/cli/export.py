"""What every command that writes sound has in common: options, the file, its tags, and the sidecar beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sda.errors import AudioError, ControlError
from sda.params import PARAMS, Kind, Param

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sda.choice import Choice
    from sda.model import Model
    from sda.params import Value

Command = TypeVar("Command", bound=Callable[..., Any])

ROWS = {"mono": (), "stereo": ("width",), "binaural": ("azimuth", "elevation", "distance")}  # what each way of space heeds
SPACE = ("spatial", *(name for names in ROWS.values() for name in names))
RATE = click.IntRange(8_000, 192_000)
DEPTH = click.Choice(["16", "24", "32f"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The file that was asked for."""

    target: Path
    rate: int  # Hz
    bit_depth: str | None  # None: the format's own
    title: str
    artist: str
    album: str
    sidecar: bool
    as_json: bool
    space: Mapping[str, Value]  # rows of the registry that were given


def file_options(command: Command) -> Command:
    """The options of a file and of the space in it, handed to the command as one `wish`."""
    return _options(command, [_space_option(row) for row in PARAMS if row.id in SPACE])


def sound_options(command: Command) -> Command:
    """The same for a sound that says itself where it is."""
    return _options(command, [])


def _options(command: Command, more: list[Callable[[Any], Any]]) -> Command:
    import functools

    @functools.wraps(command)
    def gathered(**given: Any) -> Any:
        space = {name: value for name in SPACE if (value := given.pop(name, None)) is not None}
        names = ("target", "rate", "bit_depth", "title", "artist", "album", "sidecar", "as_json")
        wish = Wish(**{name: given.pop(name) for name in names}, space=space)
        return command(**given, wish=wish)

    own = [
        click.option(
            "-o",
            "--output",
            "target",
            type=click.Path(path_type=Path),
            required=True,
            help="The file to write: .wav, .flac, .ogg or .mp3.",
        ),
        click.option("--rate", type=RATE, default=48_000, show_default=True, help="Hz."),
        click.option("--bit-depth", type=DEPTH, help="Of wav and flac, 32f of wav alone.  [default: 24]"),
        *more,
        click.option("--title", default="", help="Tag; the model's name if not given."),
        click.option("--artist", default="", help="Tag."),
        click.option("--album", default="", help="Tag."),
        click.option("--sidecar/--no-sidecar", default=True, help="The recipe as NAME.json beside the file.  [default: on]"),
        click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON."),
    ]
    for option in reversed(own):
        gathered = option(gathered)
    return gathered  # type: ignore[return-value]  # click hands over by name what the signature names


def _space_option(row: Param) -> Callable[[Any], Any]:
    kind = click.Choice(row.choices) if row.kind is Kind.CHOICE else click.FloatRange(row.low, row.high)
    unit = f" ({row.unit})" if row.unit else ""
    default = "" if row.id == "spatial" else f"  [default: {row.default}]"  # the one that depends on the command
    return click.option(f"--{row.id}", row.id, type=kind, default=None, help=row.help[:-1] + unit + "." + default)


def space(wish: Wish, spatial: Value, values: Mapping[str, Value]) -> dict[str, Value]:
    """The rows of space that will be heeded, with their values: `spatial` unless the wish or `values` say otherwise.

    Raises `ControlError` for an option of a way of space that is not the one.
    """
    given = {**values, **wish.space}
    way = str(given.get("spatial", spatial))
    for name in wish.space:
        if name != "spatial" and name not in ROWS[way]:
            home = next(other for other, names in ROWS.items() if name in names)
            raise ControlError(f"--{name}: has no meaning for {way}; expected --spatial {home} with it")
    rows = {row.id: row for row in PARAMS}
    return {"spatial": way, **{name: given.get(name, rows[name].default) for name in ROWS[way]}}


def check(wish: Wish) -> None:
    """Refuse what cannot be written before anything is computed. Raises `AudioError`."""
    from sda.formats import audio_out, sidecar

    audio_out.check(wish.target, wish.rate, wish.bit_depth)
    if wish.target.is_dir():
        raise AudioError(f"{wish.target}: found a folder, expected the name of a file")
    if not wish.target.parent.is_dir():
        raise AudioError(f"{wish.target}: cannot write there (found no folder {wish.target.parent})")
    if wish.sidecar:
        sidecar.check(wish.target)


def write(model: Model, blocks: Iterator[NDArray[np.float32]], wish: Wish, choice: Choice, recipe: Mapping[str, Any]) -> None:
    """Stream the blocks to the file, put the sidecar beside it, and say what was made."""
    say([save(model, blocks, wish, choice, recipe)], choice, as_json=wish.as_json)


def say(made: Sequence[Mapping[str, Any]], choice: Choice, *, as_json: bool) -> None:
    """What was made: of one file as JSON an object, of several a list."""
    from sda.cli import output

    if as_json:
        output.print_json(made[0] if len(made) == 1 else made)
        return
    console = output.console()
    for file in made:
        path, rate = Path(file["file"]), file["rate"]
        depth = f"{file['bit_depth']} bit" if file["bit_depth"] else path.suffix[1:].lower()
        sides = {1: "mono", 2: "two channels"}.get(file["channels"], f"{file['channels']} channels")
        text = f"{path}  {file['samples'] / rate:.3f} s, {rate} Hz, {depth}, {sides}"
        console.print(text, highlight=False, soft_wrap=True)
    console.print(f"vocoder: {choice.name} ({choice.why})", highlight=False)


def save(
    model: Model, blocks: Iterator[NDArray[np.float32]], wish: Wish, choice: Choice, recipe: Mapping[str, Any]
) -> dict[str, Any]:
    """Stream the blocks to the file and put the sidecar beside it; what was made, and its recipe, for programs."""
    import itertools

    import numpy as np

    import sda
    from sda.formats import sidecar
    from sda.formats.audio_out import AudioWriter, Tags

    recipe = {**recipe, "vocoder": choice.name, "why": choice.why}
    tags = Tags(
        title=wish.title or model.document.name,
        artist=wish.artist,
        album=wish.album,
        comment=json.dumps(recipe),
        software=f"sda-engine {sda.__version__}",
    )
    first = next(blocks, np.zeros((1, 0), np.float32))  # a sound too short for a sample is the writer's to refuse
    dither = np.random.default_rng(int(str(recipe.get("seed", 0))))
    loudness = sidecar.Loudness()
    with AudioWriter(wish.target, wish.rate, len(first), depth=wish.bit_depth, random=dither, tags=tags) as writer:
        for block in itertools.chain([first], blocks):
            writer.write(block)
            loudness = loudness.with_block(block)
    if wish.sidecar:
        sidecar.write(wish.target, sidecar.describe(wish.target, writer, loudness, tags, recipe))
    made = {
        "file": str(wish.target),
        "rate": wish.rate,
        "bit_depth": writer.depth or None,
        "channels": writer.channels,
        "samples": writer.frames,
    }
    return {**made, **recipe}
