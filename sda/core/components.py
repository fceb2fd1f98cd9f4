"""The sliders of an older program's model, kept as what they are: principal components, called `axis-1`, `axis-2`, ...

The old program named them by correlation and tested nothing, so its names are not kept. What each component moves most is
measured on the decoded sound and said in words. With recordings the safe limits are their 5th and 95th percentile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sda.core.analysis import AUDIBLE_DB, Analysis
from sda.core.curves import POSITIONS
from sda.core.descriptors import DESCRIPTORS, describe
from sda.core.latent import LatentMap, Slider
from sda.core.selftest import HOME_POSITIONS
from sda.core.sound_map import SoundMap
from sda.params import SLIDER_RANGE

Floats = NDArray[np.float32]

NEW, NEW_REACH = 8, 2.0  # components found where the old program had left none, standard deviations at their ends
FLOOR_DB = 60.0  # below the loudest bin, what changes is not heard
SAFE = (5.0, 95.0)  # percentiles


@dataclass(frozen=True, slots=True)
class Old:
    """What is known of the model: its sliders as they are, and how it sounds."""

    latent_map: LatentMap
    sliders: tuple[Slider, ...]
    notes: tuple[str, ...]
    decode: Callable[[Floats], Floats]  # latent points [B, Z] to mel magnitudes [B, M, F] on BigVGAN's grid


def kept(old: Old, sound_map: SoundMap | None) -> Analysis:
    """The components as sliders without names. sound_map: of the recordings, where they are there; nothing else is known.

    A model without sliders gets the principal components of its map's chunks.
    """
    latent_map, sliders = old.latent_map, old.sliders
    if sound_map is not None:
        latent_map, sliders = _fitted(latent_map, sliders, sound_map.latents)
    rows = [_measured(old, latent_map, slider) for slider in sliders]
    named = tuple(
        Slider(s.number, f"axis-{s.number}", s.low, s.high, s.safe_low, s.safe_high, words)
        for s, (words, _) in zip(sliders, rows, strict=True)
    )
    report = {"chunks": 0 if sound_map is None else len(sound_map), "axes": [row for _, row in rows], "descriptors": []}
    notes = (*(note for note in old.notes if not note.startswith(REPLACED)), _note(len(sliders), sound_map))
    return Analysis(latent_map, named, report, notes, sound_map)


REPLACED = ("its sliders are the old program's", "the old file holds no analysis", "its sliders are the components")


def _note(count: int, sound_map: SoundMap | None) -> str:
    words = f"its sliders are the components of the older program, {count}: none has a name, because"
    if sound_map is None:
        return f"{words} its recordings are not here and no name can be tested without them"
    return f"{words} names are found for models of this program alone; their safe limits are those of its recordings"


def _fitted(latent_map: LatentMap, sliders: tuple[Slider, ...], latents: Floats) -> tuple[LatentMap, tuple[Slider, ...]]:
    """The map with the spread of the recordings' latents [N, Z], and the sliders with safe limits from their percentiles."""
    centred = (latents - latents.mean(0)).astype(np.float64)
    variance, axes = np.linalg.eigh(centred.T @ centred / len(latents))
    variance, axes = np.maximum(variance[::-1], 0), axes[:, ::-1]
    spread = np.ascontiguousarray(axes * np.sqrt(variance), np.float32)
    if not sliders:
        count = min(NEW, int((variance > 1e-9).sum()))
        ends = NEW_REACH * spread[:, :count].T  # [S, Z]
        curves = (np.linspace(-1, 1, POSITIONS)[None, :, None] * ends[:, None]).astype(np.float32)
        latent_map = LatentMap(latents.mean(0), curves, spread)
        sliders = tuple(Slider(n + 1, "", *SLIDER_RANGE, *SLIDER_RANGE, "") for n in range(count))
    steps = (latent_map.curves[:, -1] - latent_map.curves[:, 0]) / (SLIDER_RANGE[1] - SLIDER_RANGE[0])  # [S, Z] a position
    length = np.maximum(np.square(steps).sum(1), 1e-12)
    places = (latents - latent_map.home) @ (steps / length[:, None]).T  # [N, S] positions
    low, high = np.clip(np.percentile(places, SAFE, axis=0), *SLIDER_RANGE)
    low, high = np.minimum(low, 0), np.maximum(high, 0)  # home is where all stand at 0
    limited = (
        Slider(s.number, s.name, s.low, s.high, round(float(a), 2), round(float(b), 2), s.explains)
        for s, a, b in zip(sliders, low, high, strict=True)
    )
    return LatentMap(latent_map.home, latent_map.curves, spread), tuple(limited)


def _measured(old: Old, latent_map: LatentMap, slider: Slider) -> tuple[str, dict[str, Any]]:
    """What a component does from home, in words, and its row of the report."""
    at = np.linspace(slider.low, slider.high, HOME_POSITIONS)
    positions = np.zeros((HOME_POSITIONS, len(latent_map.curves)))
    positions[:, slider.number - 1] = at
    magnitudes = old.decode(latent_map.point(positions))
    floor = float(magnitudes.max()) * 10 ** (-FLOOR_DB / 20)
    level = 20 * np.log10(np.maximum(magnitudes, max(floor, 1e-9))).reshape(HOME_POSITIONS, -1)
    changes = np.abs(level - level[0]).mean(1)
    moved = np.ptp(describe(magnitudes), axis=0)  # [D]
    most = int((moved / np.array([d.least for d in DESCRIPTORS])).argmax())
    words = f"component {slider.number} of the older program"
    if changes[-1] >= AUDIBLE_DB:
        words += f"; of all that it moves, {DESCRIPTORS[most].name} most: {moved[most]:.3g} {DESCRIPTORS[most].unit}"
    else:
        words += "; moves nothing that is heard"
    heard = {"positions": at.tolist(), "heard": [round(float(value), 4) for value in changes]}
    return words, {"name": f"axis-{slider.number}", "unit": "dB", **heard}
