"""What was found out about the files of one folder, remembered for as long as their size and time stay.

A hash of half a gigabyte takes seconds; a start should not.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sda.errors import WeightsError

FILE = "verified.json"
MAX_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Note:
    """A verdict and the file that it was given on."""

    size: int  # bytes
    mtime_ns: int
    sha256: str
    verified: bool  # against what is pinned


def read_notes(folder: Path) -> dict[str, Note]:
    """The notes by file name; what cannot be read was never noted."""
    try:
        with (folder / FILE).open("rb") as file:
            found = json.loads(file.read(MAX_BYTES))
        return {str(name): Note(**_checked(note)) for name, note in found.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _checked(note: dict[str, Any]) -> dict[str, Any]:
    kinds = {"size": int, "mtime_ns": int, "sha256": str, "verified": bool}
    if not all(type(note.get(key)) is kind for key, kind in kinds.items()):
        raise ValueError("not a note")
    return note


def current(folder: Path, name: str) -> Note | None:
    """The note on a file, if the file is still the one that was looked at."""
    note = read_notes(folder).get(name)
    if note is None:
        return None
    try:
        facts = (folder / name).stat()
    except OSError:
        return None
    return note if (note.size, note.mtime_ns) == (facts.st_size, facts.st_mtime_ns) else None


def remember(folder: Path, name: str, sha256: str, verified: bool) -> None:
    """Note what a file is."""
    facts = (folder / name).stat()
    notes = read_notes(folder) | {name: Note(facts.st_size, facts.st_mtime_ns, sha256, verified)}
    content = json.dumps({key: asdict(note) for key, note in notes.items()}, indent=1).encode()
    try:
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{FILE}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, folder / FILE)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise WeightsError(f"{folder / FILE}: cannot be written ({error.strerror})") from error
