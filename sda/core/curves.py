"""One slider's way through the latent space: what it aims at, the points that do that, no step much longer than the others.

A named slider's positions -10, 0, +10 stand for the recordings' 2nd percentile, home and 98th percentile of its descriptor,
in straight lines between, all other descriptors held.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sda.core.descriptors import DESCRIPTORS
from sda.core.solve import solve
from sda.core.survey import BATCH, Survey, values
from sda.core.vae import Vae
from sda.params import SLIDER_RANGE

Floats = NDArray[np.float32]

POSITIONS = 21  # of a stored curve
KNOTS = 5  # positions solved on either side of home; those between are interpolated
EVEN = 2.5  # largest latent step of a curve, in its median steps


def aims(survey: Survey) -> Floats:
    """What the knots of each descriptor's slider change [D, 2, K, D] below and above home, outwards, in units of the ranges.

    Nothing for those that do not vary.
    """
    chosen = np.flatnonzero(survey.varies)
    found = np.zeros((len(DESCRIPTORS), 2, KNOTS, len(DESCRIPTORS)), np.float32)
    for own in chosen:
        found[own, :, :, own] = (_ends(survey) / survey.ranges)[:, own, None] * np.linspace(0, 1, KNOTS + 1)[1:]
    return found


def curves(
    vae: Vae,
    survey: Survey,
    wanted: Floats,
    starts: Floats,
    weights: Floats,
    firmness: float = 1.0,
    pool: Executor | None = None,
) -> Floats:
    """One curve [D, P, Z] for each descriptor's aims [D, 2, K, D], zero for those that do not vary.

    starts [N, Z]: home first, then other latents at which the same displacement should do the same, with weights [N];
    firmness: how much the other descriptors count beside the slider's own; pool: threads that share the work.
    """
    chosen = np.flatnonzero(survey.varies)
    found = np.zeros((len(DESCRIPTORS), POSITIONS, survey.latents.shape[1]), np.float32)
    if len(chosen) == 0:
        return found
    care = np.full((len(chosen), 2, len(DESCRIPTORS)), firmness, np.float32)
    care[np.arange(len(chosen)), :, chosen] = 1
    solved = solve(
        scaled(vae, survey),
        torch.from_numpy(starts),
        torch.from_numpy(weights),
        torch.from_numpy(wanted[chosen]).flatten(0, 1),
        torch.from_numpy(survey.spread @ survey.spread.T),
        care=torch.from_numpy(care).flatten(0, 1),
        pool=pool,
    ).unflatten(0, (len(chosen), 2))  # [C, 2, K, Z]
    for row, own in enumerate(chosen):
        found[own] = even(_joined(solved[row].numpy()))
    return found


def held(vae: Vae, survey: Survey, straight: Floats, pool: Executor | None = None) -> Floats:
    """Curves [C, P, Z] bent as little as holds the descriptors where they are at home. pool: threads that share the work."""
    knots = np.linspace(0, straight.shape[1] - 1, 2 * KNOTS + 1).round().astype(int)
    sides = np.stack([straight[:, knots[:KNOTS][::-1]], straight[:, knots[KNOTS + 1 :]]], 1)  # [C, 2, K, Z], outwards
    home = torch.from_numpy(survey.latents[survey.home])[None]
    covariance = torch.from_numpy(survey.spread @ survey.spread.T)
    guesses = torch.from_numpy(sides).flatten(0, 1)
    targets = torch.zeros(len(guesses), KNOTS, len(DESCRIPTORS))
    solved = solve(scaled(vae, survey), home, torch.ones(1), targets, covariance, guesses, pool=pool)
    return np.stack([even(_joined(curve)) for curve in solved.unflatten(0, sides.shape[:2]).numpy()])


def changes(vae: Vae, survey: Survey, found: Floats) -> Floats:
    """What curves [S, P, Z] change of the descriptors [S, P, D], in units of the recordings' ranges."""
    home = survey.latents[survey.home]
    points = torch.from_numpy(np.concatenate([home[None], (home + found).reshape(-1, len(home))]))
    with torch.no_grad():
        heard = torch.cat([scaled(vae, survey)(batch) for batch in points.split(BATCH)]).numpy()
    moved: Floats = (heard[1:] - heard[0]).reshape(*found.shape[:2], heard.shape[1])
    return moved


def scaled(vae: Vae, survey: Survey) -> Callable[[Tensor], Tensor]:
    """Descriptors [B, D] of latent points [B, Z] in units of the recordings' ranges."""
    scale = torch.from_numpy(survey.ranges)
    return lambda z: values(vae, z) / scale


def even(curve: Floats) -> Floats:
    """A curve [P, Z] without jumps: a running (1, 2, 1) / 4 mean, ends and home pinned, until no step is too long."""
    curve, middle = curve.copy(), len(curve) // 2
    for _ in range(100):
        steps = np.linalg.norm(np.diff(curve, axis=0), axis=1)
        if steps.max() <= EVEN * np.median(steps):
            break
        smooth = (curve[:-2] + 2 * curve[1:-1] + curve[2:]) / 4
        smooth[middle - 1] = 0
        curve[1:-1] = smooth
    return curve


def safe(survey: Survey, own: int) -> tuple[float, float]:
    """Positions of the 5th and the 95th percentile of decoded descriptor `own`, 0 on a side where home lies beyond it."""
    home, ends = survey.decoded[survey.home, own], _ends(survey)[:, own]
    found = np.percentile(survey.decoded[:, own], (5, 95))
    low = (home - found[0]) / -ends[0] if ends[0] < 0 else 0.0
    high = (found[1] - home) / ends[1] if ends[1] > 0 else 0.0
    bottom, top = SLIDER_RANGE
    return round(bottom * float(np.clip(low, 0, 1)), 2) + 0.0, round(top * float(np.clip(high, 0, 1)), 2)


def _ends(survey: Survey) -> Floats:
    """Changes of each descriptor [2, D] from home to the 2nd and the 98th percentile; 0 where home lies beyond it."""
    home, found = survey.decoded[survey.home], survey.percentiles
    return np.stack([np.minimum(found[0] - home, 0), np.maximum(found[-1] - home, 0)])


def _joined(sides: Floats) -> Floats:
    """Solved knots [2, K, Z] of the lower and the upper side, outwards, as one curve [P, Z] with home in its middle."""
    knots = np.concatenate([sides[0, ::-1], np.zeros_like(sides[0, :1]), sides[1]])  # [2 K + 1, Z]
    place = np.linspace(0, len(knots) - 1, POSITIONS)
    before = np.minimum(place.astype(np.int64), len(knots) - 2)
    part = (place - before)[:, None].astype(np.float32)
    joined: Floats = knots[before] * (1 - part) + knots[before + 1] * part
    return joined
