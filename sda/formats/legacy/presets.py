"""The presets of an old model, `presets/<model id>/presets.json` beside its folder, kept with all that they say."""

from __future__ import annotations

import json
from pathlib import Path

from sda.errors import SdaError
from sda.formats.document import plain
from sda.formats.legacy.words import Json

MAX_FILE = 16 << 20  # bytes


def find(model: Path, id: str) -> Path | None:
    """The presets file of a model file, if there is one: the folders of both lie side by side, or one in the other."""
    for folder in (model.absolute().parent.parent, model.absolute().parent):
        path = folder / "presets" / id / "presets.json"
        if path.is_file():
            return path
    return None


def read(path: Path) -> Json:
    """An old presets file; unknown keys stay, what is not finite becomes null. Raises `SdaError` for anything else."""
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
    kept: Json = plain(data)
    return kept
