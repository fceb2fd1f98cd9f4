"""The JSON file beside an exported sound: what it is, and the recipe to make it again.

The keys are those of the files that older programs of this family put beside their exports (version 1), with what can be
measured on the sound; version 2 adds `recipe`, `tags` and the number of samples, and leaves out the estimated signal-to-noise
ratio and the traffic light drawn from it, which said nothing of synthetic sound. Numbers are finite: it is valid JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sda.errors import AudioError, SdaError
from sda.formats import whole
from sda.formats.audio_out import AudioWriter, Tags

VERSION = 2
LARGEST = 1 << 20  # bytes of a file that may be one of ours


@dataclass(frozen=True, slots=True)
class Loudness:
    """The levels of a sound, gathered block by block."""

    peak: float = 0.0  # 1 is full scale
    clipped: int = 0  # samples at full scale or above, all channels together
    samples: int = 0  # all channels together

    def with_block(self, block: NDArray[np.float32]) -> Loudness:
        """And a further block [C, T]."""
        levels = np.abs(block)
        clipped = int((levels >= 1).sum())
        return Loudness(max(self.peak, float(levels.max(initial=0))), self.clipped + clipped, self.samples + levels.size)


def place(target: Path) -> Path:
    """Where the sidecar of a sound file lies."""
    return target.with_suffix(".json")


def check(target: Path) -> None:
    """Refuse to replace a file that is no sidecar. Raises `AudioError`."""
    path = place(target)
    try:
        content = json.loads(path.read_bytes()) if path.stat().st_size <= LARGEST else None
    except FileNotFoundError:
        return
    except (OSError, ValueError, RecursionError):
        content = None
    if not (isinstance(content, dict) and {"generation", "audio"} <= content.keys()):
        raise AudioError(f"{path}: found a file that is no sidecar of a sound; expected none there, or ask for --no-sidecar")


def describe(target: Path, written: AudioWriter, loudness: Loudness, tags: Tags, recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The content for a sound file that has been written."""
    values = recipe.get("values", {})
    clipping = {
        "clipped_samples": loudness.clipped,
        "clipped_percentage": 100 * loudness.clipped / max(1, loudness.samples),
        "peak_value": loudness.peak,
        "has_clipping": loudness.clipped > 0,
    }
    return {
        "version": VERSION,
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "model_name": recipe["model"],
        "seed": recipe.get("seed"),
        "generation": {**values, "duration_s": written.frames / written.rate},
        "quality": {"clipping": clipping},
        "audio": {
            "file": target.name,
            "format": target.suffix[1:].upper(),
            "sample_rate": written.rate,
            "bit_depth": {"16": 16, "24": 24, "32f": 32}.get(written.depth),
            "channels": written.channels,
            "samples": written.frames,
            "duration_s": written.frames / written.rate,
        },
        "tags": {name: text for name, text in asdict(tags).items() if name != "comment"},
        "recipe": dict(recipe),
    }


def write(target: Path, content: Mapping[str, Any]) -> None:
    """Put the sidecar beside a sound file in one step. Raises `AudioError` where it cannot be written."""
    try:
        whole.write(place(target), (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())
    except SdaError as error:
        raise AudioError(str(error)) from error
