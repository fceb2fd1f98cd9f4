"""Files that were fetched by hand, or lie in another program's cache: copied, checked on the way, and only then kept."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sda.errors import WeightsError
from sda.weights.config import MAX_BYTES, check_config
from sda.weights.state import State
from sda.weights.store import CONFIG, HASH_BYTES, Store

SPARE_BYTES = 1 << 20


def bring(store: Store, folder: Path, *, unverified: bool = False) -> State:
    """Take the weights from a folder. The configuration may be missing: pinned weights say as much.

    Raises `WeightsError` where they are not the pinned ones, unless `unverified` takes them as they are, which is
    remembered; a configuration of another network is refused always, for no weights of one could sound here.
    """
    source = folder / store.pin.file
    if not folder.is_dir():
        raise WeightsError(f"{folder}: expected the folder that holds {store.pin.file} and {CONFIG}")
    if not source.is_file():
        raise WeightsError(f"{folder}: found no {store.pin.file}; expected it there, and {CONFIG} beside it")
    with store.lock_now():
        config = _read_config(folder / CONFIG)
        _take(store, source, unverified)
        if config is not None:
            keep_config(store, config)
        store.part.unlink(missing_ok=True)
    return store.state()


def take_cached(store: Store, source: Path) -> bool:
    """Copy the generator out of the hub's cache if it is the pinned one; the caller holds the lock."""
    try:
        _take(store, source, False)
    except WeightsError:
        return False
    return True


def keep_config(store: Store, content: bytes) -> None:
    """Store a checked configuration; the caller holds the lock."""
    with _temporary(store, CONFIG) as temporary:
        temporary.write_bytes(content)
        store.accept(temporary, CONFIG, hashlib.sha256(content).hexdigest(), True)


def _read_config(path: Path) -> bytes | None:
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    check_config(content, str(path))
    return content


def _take(store: Store, source: Path, unverified: bool) -> None:
    """Copy a generator in, hashing what is really written."""
    try:
        size = source.stat().st_size
    except OSError as error:
        raise WeightsError(f"{source}: cannot be read ({error.strerror})") from error
    if size != store.pin.size and not unverified:
        raise _refused(store, source, store.mismatch("", size))
    store.make_folder()
    store.check_space(size + SPARE_BYTES)
    with _temporary(store, store.pin.file) as temporary:
        found = _copy(source, temporary)
        if found != store.pin.sha256 and not unverified:
            raise _refused(store, source, store.mismatch(found, store.pin.size))
        store.accept(temporary, store.pin.file, found, found == store.pin.sha256)


def _refused(store: Store, source: Path, difference: str) -> WeightsError:
    return WeightsError(f"{source.parent}: {difference}; nothing was taken (--unverified takes it nevertheless)")


def _copy(source: Path, target: Path) -> str:
    digest = hashlib.sha256()
    try:
        with source.open("rb") as reader, target.open("wb") as writer:
            while chunk := reader.read(HASH_BYTES):
                digest.update(chunk)
                writer.write(chunk)
    except OSError as error:
        raise WeightsError(f"{source} to {target.parent}: cannot be copied ({error.strerror})") from error
    return digest.hexdigest()


@contextlib.contextmanager
def _temporary(store: Store, name: str) -> Iterator[Path]:
    """A path in the store's folder that is gone afterwards, unless it was given another name."""
    try:
        handle, path = tempfile.mkstemp(dir=store.folder, prefix=f".{name}.")
    except OSError as error:
        raise WeightsError(f"{store.folder}: cannot write there ({error.strerror})") from error
    os.close(handle)
    try:
        yield Path(path)
    finally:
        Path(path).unlink(missing_ok=True)
