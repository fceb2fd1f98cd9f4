"""`sda-engine explore`: a contact sheet of a model, many sounds as unlike as it can make them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sda.cli import export
from sda.cli.voice import chosen, device_option, offline_option, vocoder_option
from sda.errors import ControlError, SdaError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sda.choice import Choice
    from sda.core.explore import Heard, State
    from sda.core.sound_map import Chunk
    from sda.formats.contact_sheet import Sound
    from sda.model import Model
    from sda.params import Value

PAGE = "index.html"


@click.command()
@click.argument("model")
@click.option("-n", "--count", type=click.IntRange(1, 200), default=24, show_default=True, help="Sounds.")
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path), required=True, help="The folder to write.")
@click.option("-d", "--duration", type=click.FloatRange(0.1, 600), default=4.0, show_default=True, help="Seconds of each.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1 - 200), default=0, show_default=True)
@click.option("--rate", type=export.RATE, default=48_000, show_default=True, help="Hz.")
@vocoder_option
@device_option
@offline_option
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
def explore(
    model: str, count: int, folder: Path, duration: float, seed: int, rate: int, vocoder: str, device: str, offline: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Make a contact sheet of MODEL: wav files as unlike each other as can be, and one page, index.html, to hear them on.

    Each starts from a second of the recordings, with some sliders anywhere in their safe range; of many such states those
    near the recordings stay, and of these the ones are taken that lie farthest apart in loudness, brightness and the other
    descriptors. The page shows what each is set to and copies the `generate` command that makes the same file again.
    """
    from rich.progress import track

    from sda.cli import output
    from sda.core.explore import diverse
    from sda.formats import contact_sheet, whole
    from sda.model import load

    loaded = load(model, device)
    if not (loaded.sliders or len(loaded.map)):
        raise ControlError(f"{loaded.document.name} has no sliders and no map; expected: sda-engine analyze {model}")
    _check(folder)
    choice = chosen(loaded, vocoder, offline=offline)
    made: list[_Made] = []
    states = diverse(loaded.sliders, len(loaded.map), lambda states: _heard(loaded, states), count, seed)
    folder.mkdir(parents=True, exist_ok=True)
    console = output.console(stderr=True)
    bar = track(states, "rendering", console=console, disable=not console.is_terminal, transient=True)
    for number, state in enumerate(bar):
        asked = _Asked(model, folder / f"{number + 1:02}.wav", duration, seed + number, rate, vocoder)
        made.append(_sound(loaded, state, asked, choice))
    words = _words(loaded, len(made), seed, choice)
    page = contact_sheet.page(loaded.document.name, words, [each.sound for each in made])
    whole.write(folder / PAGE, page.encode())
    if as_json:
        output.print_json({"page": str(folder / PAGE), "sounds": [each.said for each in made]})
    else:
        click.echo(f"{folder / PAGE}: {len(made)} sounds of {duration:g} s, the most unlike ones first")


@dataclass(frozen=True, slots=True)
class _Asked:
    """One sound that is to be made."""

    model: str  # as the user called it
    target: Path
    seconds: float
    seed: int
    rate: int  # Hz
    vocoder: str


@dataclass(frozen=True, slots=True)
class _Made:
    """One sound of the sheet: for the page, and for programs."""

    sound: Sound
    said: dict[str, Any]


def _check(folder: Path) -> None:
    """Refuse a folder with anything in it that is no sheet of ours. Raises `SdaError`."""
    from sda.formats.contact_sheet import MARK

    try:
        if folder.exists() and any(folder.iterdir()):
            page = folder / PAGE
            if not (page.is_file() and MARK in page.read_text("utf-8", errors="replace")):
                raise SdaError(f"{folder}: found other files there; expected a new or empty folder, or an earlier sheet")
    except NotADirectoryError as error:
        raise SdaError(f"{folder}: found a file where a folder was to be made") from error


def _heard(model: Model, states: Sequence[State]) -> Heard:
    """What the states sound like, from the decoder."""
    import numpy as np

    from sda.core.descriptors import describe
    from sda.core.explore import Heard

    descriptors, distances = [], []
    for state in states:
        positions = np.zeros((1, len(model.sliders)))
        for number, position in state.positions:
            positions[0, number - 1] = position
        home = model.map.latents[state.home - 1] if state.home else None
        z = model.latent_map.point(positions, home)[0]
        descriptors.append(describe(np.exp(model.vocoder_mel(model.decode(z)))))
        distances.append(model.nearest(z).distance_db if len(model.map) else 0.0)
    return Heard(np.array(descriptors, np.float32), np.array(distances, np.float32))


def _sound(model: Model, state: State, asked: _Asked, choice: Choice) -> _Made:
    """Render one state to its file."""
    import numpy as np

    from sda.cli.generate import rendered
    from sda.formats.contact_sheet import Sound
    from sda.mel import log_mel

    wish = _wish(asked)
    names = {slider.number: slider.name for slider in model.sliders}
    values: dict[str, Value] = {"seed": asked.seed, **{f"slider.{number}": at for number, at in state.positions}}
    values |= export.space(wish, "stereo", values)
    chunk = model.map.chunk(state.home) if state.home else None
    blocks, recipe = rendered(model, values, chunk, asked.seconds, asked.rate, choice)
    heard: list[NDArray[np.float32]] = []
    export.save(model, _copied(blocks, heard), wish, choice, recipe)
    moved = tuple((names[number], at) for number, at in state.positions)
    z = model.latent(dict(state.positions), home=state.home or None)
    near = model.nearest(z) if len(model.map) else None
    closest = f"nearest: {near.chunk}, {near.distance_db:.1f} dB away" if near else ""
    command = _command(asked, moved, chunk)
    start = f"from {chunk} (chunk {chunk.number})" if chunk else "from the model's own home"
    picture = log_mel(np.concatenate(heard, axis=1), asked.rate)
    sound = Sound(asked.target.name, picture, asked.seconds, asked.seed, start, closest, moved, command)
    said = {"file": str(asked.target), "seed": asked.seed, "home": asdict(chunk) if chunk else None, "sliders": dict(moved)}
    return _Made(sound, said | {"nearest": asdict(near) if near else None, "command": command})


def _wish(asked: _Asked) -> export.Wish:
    return export.Wish(
        target=asked.target,
        rate=asked.rate,
        bit_depth=None,
        title="",
        artist="",
        album="",
        sidecar=False,
        as_json=False,
        space={},
    )


def _copied(blocks: Iterator[NDArray[np.float32]], to: list[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    for block in blocks:
        to.append(block)
        yield block


def _command(asked: _Asked, moved: tuple[tuple[str, float], ...], chunk: Chunk | None) -> str:
    """The command that makes the same file again."""
    words = [
        "sda-engine",
        "generate",
        asked.model,
        "-o",
        asked.target.name,
        "-d",
        f"{asked.seconds:g}",
        "--seed",
        str(asked.seed),
    ]
    words += ["--home", str(chunk.number)] if chunk else []
    words += [word for name, at in moved for word in ("--slider", f"{name}={at:g}")]
    words += ["--rate", str(asked.rate)] if asked.rate != 48_000 else []
    words += ["--vocoder", asked.vocoder] if asked.vocoder != "auto" else []
    return shlex.join(words)


def _words(model: Model, count: int, seed: int, choice: Choice) -> list[str]:
    """What the page says of itself."""
    homes = "a second of the recordings or the model's own home" if len(model.map) else "the model's own home (it has no map)"
    return [
        f"{count} sounds, seed {seed}. Each starts from {homes}, some sliders anywhere in their safe range. Of many such "
        "states the half nearer to the recordings was kept, and of these those that lie farthest apart in their descriptors.",
        f"Vocoder: {choice.name} ({choice.why}). The wav files lie beside this page; everything else is in it.",
    ]
