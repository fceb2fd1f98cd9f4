"""`sda-engine render-take`: a performance that was written down, rendered again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sda.cli import export
from sda.cli.voice import chosen, device_option, offline_option, vocoder_option

if TYPE_CHECKING:
    from sda.formats.take import Segment, Take
    from sda.model import Model


@click.command("render-take")
@click.argument("take", type=click.Path(path_type=Path))
@click.option("--model", help="A model in place of those of the take that are not here.")
@vocoder_option
@device_option
@offline_option
@export.sound_options
def render_take(take: Path, model: str | None, vocoder: str, device: str, offline: bool, wish: export.Wish) -> None:
    """Render TAKE, a file that `run --take` or /sda/take/start wrote, with everything that was done in it.

    With --vocoder auto it sounds as it did, sample for sample where --rate is the take's own; --vocoder bigvgan has the
    same performance in the better sound.
    """
    from sda.choice import Choice
    from sda.core.offline import exactly
    from sda.live.replay import Replay

    export.check(wish)
    read = _read(take)
    models = _Models(take, model, device)
    first = next((segment for segment in read.segments if segment.moment is not None), None)
    if first is None:
        raise _error(take, "nothing sounds in it")
    choice = Choice(first.vocoder, "as in the take") if vocoder == "auto" else chosen(models(first), vocoder, offline=offline)
    if not read.whole:
        click.echo(f"{take}: was cut off; rendered up to {read.seconds:.1f} s", err=True)
    if vocoder == "auto":
        _tell_of_loops(take, read)
    replay = Replay(read, models, wish.rate, "" if vocoder == "auto" else choice.name)
    blocks = exactly(replay.blocks(), skip=0, length=replay.length, rate=wish.rate)
    named = {segment.name for segment in read.segments if segment.moment is not None}
    recipe = {"take": take.name, "model": ", ".join(sorted(named)), "id": first.model, "seconds": read.seconds}
    export.write(models(first), blocks, wish, choice, recipe)


class _Models:
    """The models of a take, each loaded once, and each told of that is not what it was."""

    def __init__(self, take: Path, other: str | None, device: str) -> None:
        self._take, self._other, self._device = take, other, device
        self._loaded: dict[str, Model] = {}

    def __call__(self, segment: Segment) -> Model:
        """Raises `SdaError` where it is not here."""
        if segment.model not in self._loaded:
            self._loaded[segment.model] = self._load(segment)
        return self._loaded[segment.model]

    def _load(self, segment: Segment) -> Model:
        from sda.errors import ModelError
        from sda.formats.model_file import sound_hash
        from sda.model import load

        try:
            model = load(segment.model, self._device)
        except ModelError as error:
            if self._other is None:
                text = f"its model {segment.name} ({segment.model}) is not in the library; another one can be named by --model"
                raise _error(self._take, text) from error
            model = load(self._other, self._device)
        if sound_hash(model.document) != segment.hash:
            found = "has changed since" if model.info.id == segment.model else f"is played by {model.info.name}"
            click.echo(f"{self._take}: its model {segment.name} {found}: it will sound different", err=True)
        return model


def _read(path: Path) -> Take:
    from sda.errors import TakeError
    from sda.formats import take

    try:
        return take.read(path.read_bytes())
    except OSError as error:
        raise _error(path, f"cannot be read ({error.strerror})") from error
    except TakeError as error:
        raise _error(path, str(error)) from error


def _tell_of_loops(path: Path, take: Take) -> None:
    from sda.live.replay import heard_through

    if heard := heard_through(take):
        seconds = (heard[0].pos - take.position) / take.rate
        text = f"{heard[0].value} was heard from {seconds:.1f} s on, in loops; --vocoder {heard[0].value} renders with it"
        click.echo(f"{path}: {text}", err=True)


def _error(path: Path, text: str) -> Exception:
    from sda.errors import TakeError

    return TakeError(f"{path}: {text}")
