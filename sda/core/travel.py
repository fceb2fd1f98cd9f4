"""Where sliders start from while it plays: the model's own home, a place on the map of its recordings, or between both.

The place and the share that it has move as sliders do, evenly, a step a cell: a jump across the map is a journey through
what lies between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sda.core.glide import Glide
from sda.core.sound_map import SoundMap
from sda.params import Value

Floats = NDArray[np.float32]

ROWS = ("map.x", "map.y", "map.share")  # of the registry, in the order of `Travel.way`


@dataclass(frozen=True, slots=True)
class Travel:
    """A home that can move."""

    own: Floats  # [Z], where the share is 0
    way: Glide  # x, y, share

    @classmethod
    def at(cls, own: Floats, values: Mapping[str, Value]) -> Travel:
        """At rest where some values of the registry say, by id."""
        return cls(own, Glide.at(np.array([float(values.get(row, 0.0)) for row in ROWS])))

    def to(self, row: str, value: float, cells: int) -> Travel:
        """One of `ROWS` sent to a value, to arrive after so many cells."""
        return replace(self, way=self.way.to(ROWS.index(row), value, cells))

    def step(self) -> Travel:
        """One cell later; itself where nothing moves."""
        way = self.way.step()
        return self if way is self.way else replace(self, way=way)

    def home(self, sound_map: SoundMap) -> Floats:
        """The latent point [Z] that sliders start from; the own home in a model without a map."""
        x, y, share = self.way.position
        if share <= 0 or not len(sound_map):
            return self.own
        home: Floats = self.own + np.float32(share) * (sound_map.between(x, y) - self.own)
        return home
