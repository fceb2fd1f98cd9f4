"""The sliders of an old model: its principal components as the latent map of this program.

Position p of slider i displaces the latent point by p * step_i * component_i. Safe limits are those of the recordings' 2nd
and 98th percentile, warning limits those of the 0.5th and 99.5th, in whole steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sda.core.latent import LatentMap, Slider
from sda.errors import ModelError
from sda.formats.legacy import words
from sda.formats.legacy.words import Json
from sda.params import SLIDER_RANGE, slugs

Floats = NDArray[np.float32]

STEPS = 21  # positions of a slider
MOST_SLIDERS = 64
QUANTILE = 2.0537  # of the normal distribution at 98 %, in standard deviations
LIMITS = ("safe_min", "safe_max", "warning_min", "warning_max")
PER_SLIDER = (*LIMITS, "step_size", "explained_variance_ratio")


@dataclass(frozen=True, slots=True, kw_only=True)
class OldAnalysis:
    """What the old program knew of a latent space, in this program's terms."""

    latent_map: LatentMap
    sliders: tuple[Slider, ...]
    warnings: tuple[tuple[float, float], ...]  # positions of each slider beyond which its old window showed red


def read(data: Any, latent: int) -> OldAnalysis:
    """The map of `latent_analysis`, a dict or None. Raises `ModelError` where it does not fit `latent` dimensions.

    Without an analysis there are no sliders: home is the prior's mean, its spread the prior's.
    """
    if data is None:
        return OldAnalysis(latent_map=LatentMap.without_sliders(latent), sliders=(), warnings=())
    if not isinstance(data, dict):
        raise ModelError(f"latent_analysis: expected a dict, found a {type(data).__name__}")
    components = _array(data, "pca_components", (None, latent))
    count = len(components)
    if not 1 <= count <= MOST_SLIDERS or not words.is_same(data.get("n_steps", STEPS), STEPS):
        raise ModelError(f"latent_analysis: expected 1 to {MOST_SLIDERS} sliders of {STEPS} steps, found {count} sliders")
    rows = {name: _array(data, name, (count,)) for name in PER_SLIDER}
    positions = np.linspace(*SLIDER_RANGE, STEPS, dtype=np.float32)
    values = positions[None, :] * rows["step_size"][:, None]  # [S, P]
    curves = values[:, :, None] * components[:, None, :]
    spread = components.T * (rows["safe_max"] - rows["safe_min"]) / np.float32(2 * QUANTILE)
    limits = [_steps(*(float(rows[name][i]) for name in ("step_size", *LIMITS))) for i in range(count)]
    return OldAnalysis(
        latent_map=LatentMap(
            _array(data, "pca_mean", (latent,)), curves.astype(np.float32), np.ascontiguousarray(spread, np.float32)
        ),
        sliders=_sliders(words.plain(data), limits, rows["explained_variance_ratio"]),
        warnings=tuple((low, high) for _, _, low, high in limits),
    )


def _sliders(data: Json, limits: list[tuple[float, float, float, float]], shares: Floats) -> tuple[Slider, ...]:
    """Named as the old program suggested; a name that came twice is numbered."""
    axes = [f"Axis {n + 1}" for n in range(len(limits))]
    suggested, labels = words.texts(data, "suggested_labels"), words.texts(data, "component_labels")
    names = suggested if len(suggested) == len(limits) else axes
    labels = labels if len(labels) == len(limits) else axes
    rows = zip(slugs(name[:40] for name in names), labels, limits, shares, strict=True)
    return tuple(
        Slider(n, name, *SLIDER_RANGE, safe[0], safe[1], f"{label[:40]} of the old analysis, {share:.1%} of the variance")
        for n, (name, label, safe, share) in enumerate(rows, start=1)
    )


def _steps(step: float, *limits: float) -> tuple[float, float, float, float]:
    """Safe and warning limits [low, high, low, high] as whole positions; a slider without steps stands at 0."""
    if step <= 0:
        return (0.0, 0.0, 0.0, 0.0)
    rounded = (math.ceil, math.floor) * 2
    # Divided as the old program did, in single precision: a limit that lies on a step stays on it.
    places = (round_to(float(np.float32(limit) / np.float32(step))) for round_to, limit in zip(rounded, limits, strict=True))
    low, high, warning_low, warning_high = (float(np.clip(place, *SLIDER_RANGE)) for place in places)
    return low, high, warning_low, warning_high


def _array(data: dict[Any, Any], name: str, shape: tuple[int | None, ...]) -> Floats:
    """A finite array of numbers of this shape, None standing for any length."""
    found = data.get(name)
    seen = list(found.shape) if isinstance(found, np.ndarray) and found.dtype.kind == "f" else f"a {type(found).__name__}"
    fits = isinstance(seen, list) and len(seen) == len(shape)
    if not fits or any(wanted not in (None, n) for n, wanted in zip(seen, shape, strict=True)):
        raise ModelError(f"latent_analysis: {name}: expected numbers of the shape {list(shape)}, found {seen}")
    array = np.array(found, np.float32, order="C")
    if not np.isfinite(array).all():
        raise ModelError(f"latent_analysis: {name}: holds numbers that are not finite (NaN or infinity)")
    return array
