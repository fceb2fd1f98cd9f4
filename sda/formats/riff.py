"""The chunks of wav (RIFF, little-endian) and aiff (FORM, big-endian) files, for what libsndfile does not tell.

Layout: "Multimedia Programming Interface and Data Specifications 1.0" (IBM, Microsoft 1991), "AIFF 1.3" (Apple 1989):
four letters, a 32-bit size, the content, and a byte of padding where the size is odd.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

SAMPLES = (b"data", b"SSND")
UNKNOWN_SIZE = 0x7FFF0000  # programs that write into a pipe declare this or more
MOST_CHUNKS = 1000  # a guard against files made to be walked for ever


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk: its four letters, where its content starts, and the size it declares."""

    name: bytes
    start: int  # bytes
    size: int  # bytes


def chunks(file: BinaryIO) -> Iterator[Chunk]:
    """The chunks of an open file; none if it is neither wav nor aiff."""
    file.seek(0)
    kind = file.read(12)[:4]
    if kind not in (b"RIFF", b"FORM"):
        return
    order: Literal["little", "big"] = "little" if kind == b"RIFF" else "big"
    position = 12
    for _ in range(MOST_CHUNKS):
        file.seek(position)
        header = file.read(8)
        if len(header) < 8:
            return
        chunk = Chunk(header[:4], position + 8, int.from_bytes(header[4:], order))
        yield chunk
        position = chunk.start + chunk.size + chunk.size % 2


def present(path: Path) -> float:
    """The share 0..1 of the declared samples that a wav or aiff file holds; 1 for other files and unknown sizes."""
    length = path.stat().st_size
    with path.open("rb") as file:
        for chunk in chunks(file):
            if chunk.name in SAMPLES and 0 < chunk.size < UNKNOWN_SIZE:
                return min(1.0, (length - chunk.start) / chunk.size)
    return 1.0


def clear_peak_time(path: Path) -> None:
    """Zero the time of day in a float wav's PEAK chunk (version, time, peaks), so that equal sound is equal bytes."""
    with path.open("rb+") as file:
        for chunk in list(chunks(file)):
            if chunk.name == b"PEAK" and chunk.size >= 8:
                file.seek(chunk.start + 4)
                file.write(bytes(4))
