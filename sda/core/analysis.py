"""From a survey of the recordings to a model's sliders: curves that follow descriptors, axes for what is left.

The named sliders are `sda.core.curves`'. The axes are orthogonal to them in the metric of the recordings' latents: there the
solved displacements are S J^T c, so orthogonal means J v = 0: near home an axis leaves every named descriptor where it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sda.core.curves import POSITIONS, changes, held, scaled
from sda.core.latent import LatentMap, Slider, displacements
from sda.core.selftest import HOME_POSITIONS
from sda.core.solve import slopes
from sda.core.sound_map import SoundMap
from sda.core.steering import Steering
from sda.core.surrogate import Surrogate
from sda.core.survey import PERCENTILES, Survey, decode
from sda.core.vae import Vae
from sda.errors import ModelError
from sda.params import SLIDER_RANGE

Floats = NDArray[np.float32]

SLIDERS = 8  # wished for, if the named ones leave anything
FEWEST_AXES = 2  # beside however many named sliders
MOST = 12
AUDIBLE_DB = 1.0  # mean change between an axis' ends, below which it is left out
FLOOR_DB = 60.0  # below the loudest bin, what changes is not heard


@dataclass(frozen=True, slots=True)
class Analysis:
    """A model's sliders and how they were found."""

    latent_map: LatentMap
    sliders: tuple[Slider, ...]
    report: dict[str, Any] = field(default_factory=dict)  # JSON: per descriptor what was measured and why it is kept or not
    notes: tuple[str, ...] = ()  # what the musician should know, in sentences
    sound_map: SoundMap | None = None

    def to_header(self) -> dict[str, Any]:
        """The part that goes into a model file's JSON; the arrays go beside it (`tensors`)."""
        said = {"sliders": [asdict(s) for s in self.sliders], "notes": list(self.notes), "report": self.report}
        return said if self.sound_map is None else said | {"map": self.sound_map.to_header()}

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The arrays by the names they have in a model file."""
        return self.latent_map.tensors() | (self.sound_map.tensors() if self.sound_map else {})

    @classmethod
    def from_header(cls, header: Mapping[str, Any], tensors: dict[str, NDArray[Any]]) -> Analysis:
        """Rebuild from `to_header` and `tensors`. Raises `ModelError` where the two do not fit."""
        try:
            latent_map = LatentMap.from_tensors(tensors)
            sliders = tuple(_slider(row) for row in header["sliders"])
            places = SoundMap.of(header["map"], tensors, len(latent_map.home)) if "map" in header else None
            analysis = cls(latent_map, sliders, dict(header.get("report", {})), tuple(header.get("notes", ())), places)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"analysis: not one this program wrote ({error})") from error
        if len(sliders) != len(latent_map.curves):
            raise ModelError(f"analysis: {len(sliders)} sliders are named, {len(latent_map.curves)} have curves")
        return analysis


def _slider(row: Mapping[str, Any]) -> Slider:
    """One slider of a header; unknown fields are refused by name."""
    kinds = {f.name: {"int": int, "str": str, "float": float}[str(f.type)] for f in fields(Slider)}
    if set(row) != set(kinds):
        raise ValueError(f"a slider has the fields {sorted(kinds)}, found {sorted(row)}")
    return Slider(**{name: kind(row[name]) for name, kind in kinds.items()})


def steered(vae: Vae, survey: Survey, found: Floats, owns: list[int], surrogate: Surrogate) -> LatentMap:
    """The map of curves [S, P, Z], with what it takes to play several at once. owns [S]: their descriptors, -1 for an axis."""
    steering = Steering(
        surrogate,
        survey.spread,
        np.linalg.inv(survey.spread),
        np.array(owns, np.int64),
        np.asarray(survey.percentiles[[0, -1]] / survey.ranges, np.float32),
        survey.ranges,
        changes(vae, survey, found),
    )
    return LatentMap(survey.latents[survey.home], found, survey.spread, steering)


@dataclass(frozen=True, slots=True)
class Axis:
    """An unnamed direction. Where home lies at the recordings' edge, one side of it is flat and out of its range."""

    curve: Floats  # [P, Z]
    low: float  # positions
    high: float
    safe_low: float
    safe_high: float
    changes: Floats  # [9] dB, mean over the audible bins against the lower end, at positions spread from `low` to `high`


def axes(vae: Vae, survey: Survey, named: Floats, owns: list[int], count: int, pool: Executor | None = None) -> list[Axis]:
    """Up to `count` directions of what the named curves [S, P, Z] leave, the largest decoded change first.

    owns [S]: the curves' descriptors; pool: threads that share the work. In whitened coordinates w (z = home + A w) every
    direction is equally likely in the recordings; among those orthogonal to the named ones, the right singular vectors of the
    decoder's response order by what is heard. Each is then bent where that holds the descriptors.
    """
    home, spread = survey.latents[survey.home], survey.spread
    _, jacobian = slopes(scaled(vae, survey), torch.from_numpy(home)[None])  # [1, D, Z]
    chords = np.linalg.solve(spread, (named[:, -1] - named[:, 0]).T)  # [Z, S]
    taken = np.concatenate([chords, (jacobian[0].numpy()[owns] @ spread).T], 1)  # [Z, 2 S]
    free = _complement(taken)  # [Z, Z']
    if free.shape[1] == 0:
        return []
    response = _log(vae, home + free.T @ spread.T) - _log(vae, home - free.T @ spread.T)  # [Z', M L] dB
    _, _, order = np.linalg.svd(response.T, full_matrices=False)
    directions = order @ free.T  # [Z', Z], whitened
    largest = directions[np.arange(len(directions)), np.abs(directions).argmax(1)]
    directions *= np.where(largest > 0, 1, -1)[:, None]  # a rule, so that the same recordings give the same axes
    found: list[Axis] = []
    for at in range(0, len(directions), count):
        some = directions[at : at + count]
        reaches = [_reach(survey, direction) for direction in some]
        straight = np.stack([_straight(survey, *each) for each in zip(some, reaches, strict=True)])
        bent = held(vae, survey, straight, pool)
        heard = [axis for axis in map(partial(_axis, vae, survey), bent, reaches) if axis]
        found += heard
        if not heard or len(found) >= count:  # what comes later is heard less
            break
    return found[:count]


def _reach(survey: Survey, direction: Floats) -> Floats:
    """Where the recordings' percentiles [5] lie along a whitened direction [Z], seen from home."""
    home = survey.latents[survey.home]
    places = np.linalg.solve(survey.spread, (survey.latents - home).T).T @ direction  # [N]
    return np.asarray(np.percentile(places, PERCENTILES), np.float32)


def _straight(survey: Survey, direction: Floats, reach: Floats) -> Floats:
    """The straight curve [P, Z] along a whitened direction [Z] from the first of the percentiles [5] to the last."""
    low, high = min(reach[0], 0.0), max(reach[-1], 0.0)
    bottom, top = SLIDER_RANGE
    position = np.linspace(bottom, top, POSITIONS)
    way = np.where(position < 0, low * position / bottom, high * position / top)
    return np.asarray(way[:, None] * (survey.spread @ direction), np.float32)


def _axis(vae: Vae, survey: Survey, curve: Floats, reach: Floats) -> Axis | None:
    """The axis of a curve [P, Z] that reaches so far [5]; None if inaudible."""
    home = survey.latents[survey.home]
    low, safe_low, _, safe_high, high = reach
    low, high = min(low, 0.0), max(high, 0.0)
    bottom, top = SLIDER_RANGE
    ends_at = (bottom if low < 0 else 0.0, top if high > 0 else 0.0)
    levels = _log(vae, home + displacements(curve[None], np.linspace(*ends_at, HOME_POSITIONS)[:, None])[:, 0])
    changes = np.abs(levels - levels[0]).mean(1)
    if changes[-1] < AUDIBLE_DB:
        return None
    inner_low = bottom * float(np.clip(safe_low / low, 0, 1)) if low < 0 else 0.0
    inner_high = top * float(np.clip(safe_high / high, 0, 1)) if high > 0 else 0.0
    return Axis(curve, *ends_at, round(inner_low, 2), round(inner_high, 2), changes)


def _log(vae: Vae, z: Floats) -> Floats:
    """Decoded levels [n, M L] in dB, not below what is heard."""
    mel = decode(vae, z.astype(np.float32)).reshape(len(z), -1)
    floor = mel.max() * 10 ** (-FLOOR_DB / 20)
    level: Floats = 20 * np.log10(np.maximum(mel, floor))
    return level


def _complement(directions: Floats) -> Floats:
    """An orthonormal basis [Z, Z - r] of what is orthogonal to directions [Z, n] of rank r."""
    u, s, _ = np.linalg.svd(directions.astype(np.float64), full_matrices=True)
    rank = int((s > 1e-6 * s.max(initial=0)).sum())
    return u[:, rank:].astype(np.float32)
