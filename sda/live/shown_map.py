"""The map of a model's recordings as the engine tells it on: places and names as plain numbers, no latents.

The renderer makes it of the model that it loaded; it travels to the engine as JSON, and from there to whoever asks.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from sda.adapters.osc_acts import MapShown
from sda.params import SLIDER_RANGE

if TYPE_CHECKING:
    from sda.model import Model

DIGITS = 4


def shown(model: Model) -> dict[str, Any]:
    """A model's map as JSON takes it: the fields of `MapShown`."""
    places, sliders = model.map, model.latent_map
    directions = sliders.curves[:, -1] - sliders.curves[:, 0]  # [S, Z], what a slider's whole way changes
    lengths = np.maximum(np.square(directions).sum(axis=1), 1e-9)
    low, high = SLIDER_RANGE
    along = (places.latents - sliders.home) @ directions.T / lengths * (high - low)  # [N, S] positions
    return asdict(
        MapShown(
            x=_numbers(places.places[:, 0]),
            y=_numbers(places.places[:, 1]),
            starts=_numbers(places.starts),
            owners=tuple(int(owner) for owner in places.owners),
            recordings=places.recordings,
            shades=tuple(_numbers(np.clip(column, low, high)) for column in along.T),
        )
    )


def read(data: dict[str, Any]) -> MapShown:
    """The map again."""
    lists = {name: tuple(data[name]) for name in ("x", "y", "starts", "owners", "recordings")}
    return MapShown(**lists, shades=tuple(tuple(column) for column in data["shades"]))


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(round(float(value), DIGITS) for value in values)
