"""The presets of an old model, `presets/<model id>/presets.json` beside its folder, as presets of this program.

Slider positions become values, the seed as well; what else such a preset says (its folder, its description) is kept under one
key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sda.errors import SdaError
from sda.formats.document import ModelDocument, plain
from sda.formats.legacy.words import Json
from sda.formats.preset import MAX_NAME, Preset, check_preset_name

MAX_FILE = 16 << 20  # bytes
OLDER = "older"  # the key for what this program has no place for
READ = ("name", "slider_positions", "seed", "created")


def find(model: Path, id: str) -> Path | None:
    """The presets file of a model file, if there is one: the folders of both lie side by side, or one in the other."""
    for folder in (model.absolute().parent.parent, model.absolute().parent):
        path = folder / "presets" / id / "presets.json"
        if path.is_file():
            return path
    return None


def read(path: Path, model: ModelDocument) -> list[Preset]:
    """The presets of an old file, for the model that they were made for. Raises `SdaError` for anything else."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise SdaError(f"{path}: expected old presets of at most {MAX_FILE} bytes")
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise SdaError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        raise SdaError(f"{path}: damaged, expected JSON") from error
    if not isinstance(data, dict) or data.get("version") != 1 or not isinstance(data.get("presets"), dict):
        raise SdaError(f"{path}: expected the presets of an older program, version 1")
    names = [str(slider["name"]) for slider in model.analysis.get("sliders", ())]
    kept: Json = plain(data["presets"])
    return [_preset(row, key, model, names) for key, row in kept.items() if isinstance(row, dict)]


def _preset(row: Json, key: str, model: ModelDocument, names: Sequence[str]) -> Preset:
    positions = [float(p) if _is_number(p) else 0.0 for p in _list(row.get("slider_positions"))]
    values: dict[str, Any] = {f"slider.{n}": position for n, position in enumerate(positions, start=1)}
    seed = row.get("seed")
    return Preset(
        name=_name(row.get("name"), key),
        model=model.id,
        model_name=model.name,
        values=values | ({"seed": seed} if type(seed) is int else {}),
        sliders=dict(zip(names, positions, strict=False)),
        created=row["created"] if isinstance(row.get("created"), str) else "",
        extra={OLDER: {name: value for name, value in row.items() if name not in READ}},
    )


def _name(text: Any, key: str) -> str:
    """The name as one of ours: old ones could hold separators."""
    words = re.sub(r"[/\\:\x00-\x1f]+", "-", text if isinstance(text, str) and text.strip(" .") else key)
    return check_preset_name("".join(letter for letter in words if letter.isprintable())[:MAX_NAME].strip(" .") or "preset")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e6
