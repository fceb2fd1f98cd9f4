"""What was rendered into the library's recordings: each sound file with the recipe beside it, and its picture. No toolkit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sda import catalog
from sda.errors import AudioError
from sda.formats import audio, sidecar
from sda.panel import words

Floats = NDArray[np.float32]

MOST = 50  # results that are listed, the newest


@dataclass(frozen=True, slots=True)
class Result:
    """One sound file and what made it."""

    path: Path
    made: float  # s since 1970
    seconds: float
    rate: int  # Hz
    channels: int
    recipe: dict[str, Any]

    @property
    def words(self) -> str:
        """Its recipe in a line: model, seed, vocoder, what the sliders and other controls were set to."""
        recipe = self.recipe
        parts = [str(recipe.get("model", "")), f"seed {recipe.get('seed')}", str(recipe.get("vocoder", ""))]
        parts += [f"{name} {value:+g}" for name, value in (recipe.get("sliders") or {}).items() if value]
        values = recipe.get("values") or {}
        parts += [f"{id} {_said(value)}" for id, value in values.items() if not id.startswith("slider.") and id != "seed"]
        return ", ".join(part for part in parts if part)

    @property
    def facts(self) -> str:
        sides = {1: "mono", 2: "two channels"}.get(self.channels, f"{self.channels} channels")
        return f"{words.span(self.seconds)}, {self.rate} Hz, {sides}"


def results(folder: Path) -> list[Result]:
    """The newest sound files of a folder that have a sidecar of ours."""
    found = []
    for path, made in _by_age(folder)[:MOST]:
        data = catalog.read_object(sidecar.place(path))
        recipe, facts = data.get("recipe"), data.get("audio")
        if not isinstance(recipe, dict) or not isinstance(facts, dict) or facts.get("file") != path.name:
            continue
        try:
            numbers = float(facts["duration_s"]), int(facts["sample_rate"]), int(facts["channels"])
        except (KeyError, TypeError, ValueError):
            continue
        found.append(Result(path, made, *numbers, recipe))
    return found


def _by_age(folder: Path) -> list[tuple[Path, float]]:
    """Sound files of a folder and when they were made, the newest first."""
    found = []
    try:
        for path in folder.iterdir():
            if path.suffix.lower() in audio.READABLE and sidecar.place(path).is_file():
                found.append((path, path.stat().st_mtime))
    except OSError:
        return []
    return sorted(found, key=lambda pair: pair[1], reverse=True)


def outline(path: Path, columns: int) -> Floats:
    """Lowest and highest sample of each of so many parts of a sound file, all channels together, in turn [2 * columns].

    Raises `AudioError`.
    """
    frames = audio.probe(path).frames
    low, high = np.zeros(columns, np.float32), np.zeros(columns, np.float32)
    if not frames:
        raise AudioError(f"{path}: found no samples, expected at least one")
    for start, block in _placed(path):
        places = np.minimum((start + np.arange(len(block))) * columns // frames, columns - 1)
        np.minimum.at(low, places, block.min(axis=1))
        np.maximum.at(high, places, block.max(axis=1))
    return np.stack([low, high], axis=1).reshape(-1)


def _placed(path: Path) -> Iterator[tuple[int, Floats]]:
    start = 0
    for block in audio.blocks(path):
        yield start, block
        start += len(block)


def _said(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
