"""Any model file, this program's or an older one's, as one document. The content says which it is, never the suffix."""

from __future__ import annotations

from pathlib import Path

from sda.core.graphs import content
from sda.errors import ModelError
from sda.formats import distill, legacy
from sda.formats.document import ModelDocument
from sda.formats.legacy.as_document import OLDER, as_document

HEAD = 4  # bytes that tell the kinds apart


def read(path: Path, *, activation: str | None = None, imported: bool = False) -> ModelDocument:
    """A whole model file, closed again. Raises `ModelError` for a file that is missing, damaged, too new or of another kind.

    activation: of an older model's decoder, "sigmoid" or "softplus", where the guess is wrong. imported: as `as_document`.
    """
    if is_old(path):
        return as_document(legacy.read(path, activation=activation), imported=imported)
    if activation is not None:
        raise ModelError(f"{path}: an activation is chosen for models of older programs only, this is none")
    return distill.read(path)


def read_header(path: Path) -> ModelDocument:
    """A model's document without its tensors. Raises as `read`."""
    if is_old(path):
        return as_document(legacy.read(path, header_only=True))
    return distill.read_header(path)


def sound_hash(document: ModelDocument) -> str:
    """SHA-256 of all that a model sounds by: its networks, its sliders' curves, its vocoder. Names and notes may change."""
    return content("model", document.vae, document.tensors)


def is_old(path: Path) -> bool:
    """Whether this is a file of an older program; what cannot be read is none."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return legacy.is_old(file.read(HEAD))
    except (OSError, ValueError):
        return False


def format_of(document: ModelDocument) -> str:
    """What kind of file a document came from, in words."""
    older = document.extra.get(OLDER)
    if not isinstance(older, dict):
        return "distill v2"
    end = f"{str(older.get('activation'))[:40]}{', guessed' if older.get('guessed') else ''}"
    kind = f"{str(older.get('format'))[:40]} v1 ({end})"
    return f"distill v2, imported from {kind}" if older.get("imported") else kind
