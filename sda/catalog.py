"""What lies in a folder of models: the header of every file, saved in an index so that not all are opened each time.

The files are the truth. The index is made anew whenever it is stale or broken.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sda.errors import ModelError, SdaError
from sda.formats import distill, whole
from sda.formats.distill import SUFFIX, ModelDocument

INDEX_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file of the library. `document` has no tensors, and is None where the file is damaged: `error` says how."""

    path: Path
    size: int  # bytes
    document: ModelDocument | None = None
    error: str = ""

    @property
    def name(self) -> str:
        return self.document.name if self.document else self.path.stem

    @property
    def id(self) -> str:
        return self.document.id if self.document else ""


def entries(folder: Path, index: Path) -> list[Entry]:
    """All models of a folder by name, damaged ones too. Raises `SdaError` for a folder that may not be listed."""
    known, found, seen = _known(index), [], {}
    for path in _files(folder):
        try:
            status = path.stat()
        except OSError:  # it went away meanwhile
            continue
        stamp = {"size": status.st_size, "mtime_ns": status.st_mtime_ns}
        entry = _indexed(path, known.get(path.name), stamp) or _opened(path, status.st_size)
        if entry.document:
            seen[path.name] = stamp | {"document": entry.document.to_json()}
        found.append(entry)
    if seen != known:
        with suppress(SdaError, OSError):  # a library that may not be written can still be listed
            index.parent.mkdir(parents=True, exist_ok=True)
            whole.write(index, json.dumps({"version": INDEX_VERSION, "files": seen}).encode())
    return sorted(found, key=lambda entry: (entry.name.casefold(), entry.path.name))


def read_object(path: Path) -> dict[str, Any]:
    """A file's JSON object; empty where there is none that can be read."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _known(index: Path) -> dict[str, Any]:
    data = read_object(index)
    files = data.get("files")
    return files if data.get("version") == INDEX_VERSION and isinstance(files, dict) else {}


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.suffix == SUFFIX and not p.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SdaError(f"{folder}: cannot be listed ({error.strerror})") from error


def _indexed(path: Path, row: Any, stamp: dict[str, int]) -> Entry | None:
    """What the index says of a file, unless that is stale or broken."""
    if not isinstance(row, dict) or not isinstance(row.get("document"), dict) or row != row | stamp:
        return None
    with suppress(ModelError):
        return Entry(path=path, size=stamp["size"], document=ModelDocument.from_json(row["document"]))
    return None


def _opened(path: Path, size: int) -> Entry:
    try:
        return Entry(path=path, size=size, document=distill.read_header(path))
    except ModelError as error:
        return Entry(path=path, size=size, error=str(error).removeprefix(f"{path}: "))
