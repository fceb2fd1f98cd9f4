"""Opening an old file: a zip archive by torch, whose layout is checked before anything in it is believed.

Neither torch nor Python's unpickler is used: `unpickle` follows the list of contents as data. Tensors are read when they are
asked for, so what is not used (a discriminator's 900 MB) costs nothing.
"""

from __future__ import annotations

import math
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sda.errors import ModelError
from sda.formats.legacy.unpickle import TensorAt, unpickle

MAX_FILE = 2 << 30  # bytes; a cancelled vocoder training leaves some 880 MB
MAX_ENTRIES = 20_000
MAX_DIRECTORY = 8 << 20  # bytes, which zipfile reads at once
MAX_PICKLE = 4 << 20  # bytes; genuine ones have some 20 kB
MAX_READ = 256 << 20  # bytes of tensors; VAE and vocoder together have 17 MB
MAX_NAME = 512  # characters
STORED = 0  # zip's method without compression, the only one torch writes
BROKEN = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OverflowError, IndexError, MemoryError)


def is_old(head: bytes) -> bool:
    """Whether a file's first bytes are those of a zip archive, as old models are."""
    return head[:4] == b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Opened:
    """An old file's contents, whose tensors can be read while it is open."""

    content: dict[str, Any]
    _archive: zipfile.ZipFile
    _root: str
    _read: dict[str, bytes]  # storages by their keys

    def numbers(self, tensor: TensorAt) -> NDArray[Any]:
        """A contiguous tensor's numbers, as they are stored. Raises `ModelError` where they are damaged, or far too many."""
        assert tensor.contiguous
        storage = tensor.storage
        if storage.key not in self._read:
            if sum(map(len, self._read.values())) + storage.count * storage.dtype.itemsize > MAX_READ:
                raise ModelError(f"its tensors fill more than {MAX_READ} bytes; expected a smaller network")
            with _in_words():
                self._read[storage.key] = self._archive.read(f"{self._root}data/{storage.key}")  # checksum included
        found = np.frombuffer(
            self._read[storage.key], storage.dtype, math.prod(tensor.shape), tensor.offset * storage.dtype.itemsize
        )
        return found.reshape(tensor.shape)


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """An old file, open. Raises `ModelError` for anything that is not a whole archive of an old program."""
    with _in_words():
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ModelError("found a folder, device or pipe where a model file was expected")
        if status.st_size > MAX_FILE:
            raise ModelError(f"expected an old model of at most {MAX_FILE} bytes, found {status.st_size}")
        if _directory_bytes(path, status.st_size) > MAX_DIRECTORY:
            raise ModelError(f"damaged or hostile: its archive's directory has more than {MAX_DIRECTORY} bytes")
        archive = zipfile.ZipFile(path)
    with archive:
        with _in_words():
            entries = _entries(archive, status.st_size)
            root, pickle, storages = _parts(archive, entries)
            content = unpickle(archive.read(pickle), storages)
        if not isinstance(content, dict):
            raise ModelError(f"expected an old model's dict, found a {type(content).__name__}")
        yield Opened(content, archive, root, {})


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror or error})") from error
    except BROKEN as error:
        raise ModelError("damaged: no readable archive of tensors (cut off, or bytes were changed)") from error


def _directory_bytes(path: Path, size: int) -> int:
    """How long the archive says that its directory is (PKWARE APPNOTE 6.3, 4.3.14 to 4.3.16); torch adds no comment."""
    with path.open("rb") as file:
        file.seek(max(0, size - 98))
        tail = file.read(98).rjust(98, b"\0")
    if tail[56:60] == b"PK\x06\x07" and tail[:4] == b"PK\x06\x06":  # the 64-bit end record and its locator
        return int.from_bytes(tail[40:48], "little")
    return int.from_bytes(tail[88:92], "little")


def _entries(archive: zipfile.ZipFile, size: int) -> list[zipfile.ZipInfo]:
    """The archive's entries where they are plain, distinct, and no larger than the file."""
    entries = archive.infolist()
    if not 0 < len(entries) <= MAX_ENTRIES:
        raise ModelError(f"expected 1 to {MAX_ENTRIES} entries in its archive, found {len(entries)}")
    if len({entry.filename for entry in entries}) != len(entries) or archive.comment or entries[0].header_offset != 0:
        raise ModelError("damaged: its archive is not laid out as torch does it")
    for entry in entries:
        if entry.compress_type != STORED or entry.flag_bits & 1 or entry.file_size != entry.compress_size:
            raise ModelError("its archive is compressed or encrypted; expected plain entries, as torch writes them")
        if len(entry.filename) > MAX_NAME:
            raise ModelError(f"damaged: an entry's name has {len(entry.filename)} characters")
    if sum(entry.file_size for entry in entries) > size:
        raise ModelError("damaged: its archive declares more bytes than the file has")
    return entries


def _parts(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> tuple[str, zipfile.ZipInfo, dict[str, int]]:
    """The folder that everything lies in, the entry that lists the contents, and the bytes of each storage by its key."""
    lists = [entry for entry in entries if entry.filename.endswith("/data.pkl") and entry.filename.count("/") == 1]
    if len(lists) != 1:
        raise ModelError("found a zip archive of another kind; expected one that torch wrote")
    if lists[0].file_size > MAX_PICKLE:
        raise ModelError(f"its list of contents is {lists[0].file_size} bytes long; expected at most {MAX_PICKLE}")
    root = lists[0].filename.removesuffix("data.pkl")
    sizes = {entry.filename.removeprefix(root): entry.file_size for entry in entries if entry.filename.startswith(root)}
    if len(sizes) != len(entries):
        raise ModelError(f"damaged: its archive holds entries outside {root[:80]!r}")
    if sizes.get("byteorder", 0) > 6 or ("byteorder" in sizes and archive.read(f"{root}byteorder") != b"little"):
        raise ModelError("its numbers are not little-endian, as every old program wrote them")
    return root, lists[0], {name.removeprefix("data/"): size for name, size in sizes.items() if name.startswith("data/")}
