"""What the rows of the registry say to the boxes of the signal path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sda.core.grains import GrainSettings
from sda.core.head import Place
from sda.core.space import SpaceSettings
from sda.core.stage import StageSettings
from sda.params import PARAMS, Value, check

ROWS_OF_SPACE = ("spatial", "width", "azimuth", "elevation", "distance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every control but the sliders, as the boxes take them."""

    grains: GrainSettings = field(default_factory=GrainSettings)
    stage: StageSettings = field(default_factory=StageSettings)
    glide_ms: float = 0.0
    freeze: bool = False

    def moved(self, identity: str, value: Value) -> Settings:
        """With one row at a new value, which was checked. Rows that no box knows mean nothing here."""
        if identity in ROWS_OF_SPACE:
            return replace(self, stage=replace(self.stage, space=_moved(self.stage.space, identity, value)))
        match identity:
            case "play":
                return replace(self, stage=replace(self.stage, play=bool(value)))
            case "gain":
                return replace(self, stage=replace(self.stage, gain_db=float(value)))
            case "limiter":
                return replace(self, stage=replace(self.stage, limiter=bool(value)))
            case "glide":
                return replace(self, glide_ms=float(value))
            case "freeze":
                return replace(self, freeze=bool(value))
            case "seed":
                return replace(self, grains=replace(self.grains, seed=int(value)))
            case "variation":
                return replace(self, grains=replace(self.grains, variation=float(value)))
            case "drift":
                return replace(self, grains=replace(self.grains, drift=float(value)))
            case "density":
                return replace(self, grains=replace(self.grains, density=float(value)))
        return self


def space_of(values: Mapping[str, Value]) -> SpaceSettings:
    """What the rows of space among `values` say, defaults for the rest. Raises `ControlError` for what a row does not take."""
    space = SpaceSettings()
    for row in PARAMS:
        if row.id in ROWS_OF_SPACE:
            space = _moved(space, row.id, check(row, values.get(row.id, row.default)))
    return space


def _moved(space: SpaceSettings, identity: str, value: Value) -> SpaceSettings:
    """The space with one of its rows at a new value."""
    if identity == "spatial":
        return replace(space, spatial=str(value))
    if identity == "width":
        return replace(space, width=float(value))
    place = {"azimuth": space.place.azimuth, "elevation": space.place.elevation, "distance": space.place.distance}
    return replace(space, place=Place(**{**place, identity: float(value)}))
