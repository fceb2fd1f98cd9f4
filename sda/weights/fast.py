"""The fast copy: the weights as they are used, weight norm folded, written by the first load for all that follow.

It belongs to one content of the original (by hash) and is passed over, never an error, where anything about it is odd.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sda.errors import WeightsError
from sda.weights import notes

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILE = "folded.safetensors"


def write_fast_copy(folder: Path, source: str, arrays: Mapping[str, NDArray[Any]]) -> Path:
    """Store arrays made of the original with hash `source`, in one step. Raises `WeightsError` where the disk refuses;
    nothing but the next load's speed hangs on it."""
    import numpy as np
    from safetensors.numpy import save_file

    path = folder / FILE
    packed = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    try:
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{FILE}.")
        os.close(handle)
        try:
            save_file(packed, temporary, {"source": source})
            with open(temporary, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except Exception as error:  # safetensors' own errors are no OSError
        raise WeightsError(f"{path}: cannot be written ({error}); loading goes on without") from error
    notes.remember(folder, FILE, source, True)
    return path


def read_fast_copy(folder: Path, source: str) -> dict[str, NDArray[Any]] | None:
    """The arrays made of the original with hash `source`; None where there is no such copy, or one that was touched."""
    from safetensors import SafetensorError, safe_open

    if not fits(folder, source):
        return None
    try:
        with safe_open(folder / FILE, framework="numpy") as file:
            if (file.metadata() or {}).get("source") != source:
                return None
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it is no dictionary
    except (OSError, SafetensorError):
        return None


def fits(folder: Path, source: str) -> bool:
    """Whether the copy that is there was made of the original with hash `source`, as far as its note says."""
    note = notes.current(folder, FILE)
    return note is not None and note.sha256 == source
