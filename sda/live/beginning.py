"""What a run begins with: the last one's values and model, unless others are asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sda.choice import choose
from sda.control import MODEL_SOURCE, Controls, Setting
from sda.core.latent import Slider
from sda.errors import ControlError, SdaError
from sda.formats import model_file
from sda.formats.preset import Preset, fit
from sda.library import Library
from sda.live.keeper import Keeper
from sda.live.options import Options

Say = Callable[[str], None]


def first_model(options: Options, keeper: Keeper, controls: Controls, say: Say) -> Path | None:
    """The model to begin with, its sliders announced so that they can be set before it is loaded.

    One that was asked for must be there: raises `SdaError`. The last run's may be gone, or to blame for two crashes: said so.
    """
    if options.model is not None:
        announce(options.model, controls, str(options.values.get("vocoder", "auto")))
        return options.model
    last = keeper.last
    if last is None or not last.model:
        return None
    if keeper.safe:
        ends = f"the last {keeper.crashes} runs ended badly soon after they had begun"
        say(f"safe start: {ends}, so {last.model_name!r} is not loaded; /sda/model {last.model_name} loads it")
        return None
    try:
        path = _last_model(last)
        announce(path, controls, "auto")
    except SdaError as error:
        say(f"the model of the last run, {last.model_name!r}, cannot be had: {error}")
        return None
    return path


def announce(path: Path, controls: Controls, vocoder: str) -> None:
    """The sliders of a model that is not loaded yet. Raises `SdaError` where it, or this vocoder for it, cannot be had."""
    header = model_file.read_header(path)
    choose(header, vocoder)
    sliders = [Slider(**slider) for slider in header.analysis.get("sliders", ())]
    controls.install_sliders([slider.name for slider in sliders], [slider.explains for slider in sliders])
    controls.set("model", header.name, MODEL_SOURCE)


def first_values(options: Options, keeper: Keeper, controls: Controls, say: Say) -> None:
    """The last run's values, then those that were asked for. Raises `ControlError` for one of these that is not taken."""
    if keeper.trouble:
        say(f"{keeper.trouble}; beginning with defaults")
    if keeper.last is not None:
        values = fit(keeper.last, controls.rows, own=False).values
        controls.set_many([Setting(*pair) for pair in values.items()], "last run")
    for identity, value in options.values.items():
        change = controls.set(identity, value, "command line")
        if change is not None and change.adjusted:
            row = controls.row(identity)
            raise ControlError(f"{identity}: expected {row.low:g} to {row.high:g}, found {value}")


def _last_model(last: Preset) -> Path:
    """By its id in the library, else where its file was. Raises `SdaError`."""
    try:
        return Library().resolve(last.model, paths=False)
    except SdaError:
        path = Path(str(last.extra.get("path", "")))
        if not path.is_absolute() or not path.is_file():
            raise
        return path
