"""The folder of the weights: what it holds, what may be used of it, and how it is emptied.

A file has its final name only once its content was found right (or was taken unverified, which stays written). Whoever
writes holds `lock()`; whoever reads need not.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock

from sda.errors import WeightsError
from sda.weights import fast, notes
from sda.weights.config import MAX_BYTES, check_config
from sda.weights.state import FileState, State

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sda._vendor.bigvgan import Pin

CONFIG = "config.json"
PART, REFUSED = ".part", ".refused"  # what is still coming; what was found wrong in its place
HASH_BYTES = 1 << 22
HUB = "https://huggingface.co"


class Store:
    """The weights of one pinned revision, below a cache folder. Folders are made when they are first needed."""

    def __init__(self, cache: Path, pin: Pin) -> None:
        self.pin = pin
        self.base = cache / "bigvgan"
        self.folder: Path = self.base / pin.revision[:12]
        self.generator: Path = self.folder / pin.file
        self.config = self.folder / CONFIG
        self.part: Path = self.folder / (pin.file + PART)

    def state(self) -> State:
        """What is there, from sizes, times and notes alone: nothing is hashed."""
        note = notes.current(self.folder, self.pin.file)
        copy = note is not None and fast.fits(self.folder, note.sha256)
        return State(self.folder, self._generator_state(note), self._config_state(), copy)

    def usable(self) -> Path:
        """The generator's file, hashed first unless the verdict on it is remembered.

        Raises `WeightsError` where it is absent, or wrong: then it is put aside, never used.
        """
        if not self.state().usable:
            self.verify()
        return self.generator

    def verify(self) -> State:
        """Hash the generator and check the configuration, whatever is remembered. Raises `WeightsError` as `usable` does."""
        if not self.generator.is_file():
            raise WeightsError(f"BigVGAN is not here ({self.folder}); fetch it with: sda-engine vocoder download")
        taken = notes.current(self.folder, self.pin.file)
        found, size = self._hash_of_generator(), self.generator.stat().st_size
        if found != self.pin.sha256 and (taken is None or taken.verified or taken.sha256 != found):
            aside = self._put_aside(self.generator)
            what = f"{self.mismatch(found, size)}; it is put aside as {aside} and not used"
            raise WeightsError(f"{what}; run: sda-engine vocoder download")
        with suppress(WeightsError):  # where nothing can be written, it is hashed again the next time
            notes.remember(self.folder, self.pin.file, found, found == self.pin.sha256)
        self._check_config()
        return self.state()

    def accept(self, temporary: Path, name: str, sha256: str, verified: bool) -> None:
        """Give a checked file its final name, and note what it is."""
        try:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            os.replace(temporary, self.folder / name)
        except OSError as error:
            raise WeightsError(f"{self.folder / name}: cannot be written ({error.strerror})") from error
        notes.remember(self.folder, name, sha256, verified)

    def remove(self) -> int:
        """Delete everything, parts and other revisions too; the number of bytes that came free."""
        if not self.base.is_dir():
            return 0
        with self.lock_now():
            folders = [path for path in self.base.iterdir() if path.is_dir()]
            files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
            freed = sum(path.stat().st_size for path in files)
            try:
                for folder in folders:
                    shutil.rmtree(folder)
            except OSError as error:
                raise WeightsError(f"{self.base}: cannot be removed ({error.strerror})") from error
            return freed

    def lock(self) -> filelock.BaseFileLock:
        """The lock of whoever writes here, not yet taken; the operating system lets go of it when its process dies."""
        self.make_folder()
        return filelock.FileLock(self.base / ".lock", thread_local=False)

    @contextmanager
    def lock_now(self) -> Iterator[None]:
        """Hold the lock. Raises `WeightsError` where another process does."""
        lock = self.lock()
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise WeightsError(f"{self.base}: another process is fetching BigVGAN just now; wait for it or stop it") from error
        except OSError as error:
            raise WeightsError(f"{self.base}: cannot write there ({error.strerror})") from error
        try:
            yield
        finally:
            lock.release()

    def make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WeightsError(f"{self.folder}: cannot be made ({error.strerror})") from error

    def check_space(self, needed: int) -> None:
        """Raise `WeightsError` where the disk cannot take so many bytes more."""
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            place = f"the disk of {self.folder}"
            raise WeightsError(f"{place}: found {free / 1e6:.1f} MB free, expected {needed / 1e6:.1f} MB; nothing was fetched")

    def part_size(self) -> int:
        """Bytes that came already."""
        return _size(self.part) or 0

    def fast_copy_path(self) -> Path:
        """Where the fast copy lies or would."""
        return self.folder / fast.FILE

    def write_fast_copy(self, arrays: Mapping[str, NDArray[Any]]) -> Path:
        """Keep the weights as they are used, for the next load. Only after `usable`. Raises `WeightsError` if it cannot be."""
        note = notes.current(self.folder, self.pin.file)
        if note is None:
            raise WeightsError(
                f"{self.generator}: no check of it is on record, so no fast copy is made; loading goes on without"
            )
        return fast.write_fast_copy(self.folder, note.sha256, arrays)

    def read_fast_copy(self) -> dict[str, NDArray[Any]] | None:
        """What the first load kept, if it was made of the file that is here now."""
        note = notes.current(self.folder, self.pin.file)
        return None if note is None else fast.read_fast_copy(self.folder, note.sha256)

    def by_hand(self) -> str:
        """What to do without a network."""
        where = f"{HUB}/{self.pin.repo_id}/resolve/{self.pin.revision}"
        urls = f"{where}/{self.pin.file} and {where}/{CONFIG}"
        return f"fetch {urls} on another machine, bring both in a folder DIR and run: sda-engine vocoder import DIR"

    def mismatch(self, found: str, size: int) -> str:
        """How a generator differs from the pinned one."""
        if size != self.pin.size:
            return f"{self.pin.file}: found {size} bytes, expected {self.pin.size}"
        return f"{self.pin.file}: found sha256 {found}, expected {self.pin.sha256}"

    def _generator_state(self, note: notes.Note | None) -> FileState:
        name, path, expected = self.pin.file, self.generator, self.pin.size
        size = _size(path)
        if size is None:
            begun = _size(self.part)
            return FileState(name, path, "absent" if begun is None else "partly", "", begun or 0, expected)
        if note is not None:
            return FileState(name, path, "present", "verified" if note.verified else "unverified", size, expected, note.sha256)
        return FileState(name, path, "present", "unchecked" if size == expected else "wrong", size, expected)

    def _config_state(self) -> FileState:
        size, note = _size(self.config), notes.current(self.folder, CONFIG)
        if size is None:
            return FileState(CONFIG, self.config, "absent", "", 0, None)
        return FileState(
            CONFIG, self.config, "present", "verified" if note else "unchecked", size, None, note.sha256 if note else ""
        )

    def _hash_of_generator(self) -> str:
        try:
            return sha256(self.generator)
        except OSError as error:
            raise WeightsError(f"{self.generator}: cannot be read ({error.strerror})") from error

    def _check_config(self) -> None:
        if not self.config.is_file():
            return
        with self.config.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        try:
            check_config(content, str(self.config))
        except WeightsError as error:
            raise WeightsError(f"{error}; it is put aside as {self._put_aside(self.config)}") from error
        with suppress(WeightsError):
            notes.remember(self.folder, CONFIG, hashlib.sha256(content).hexdigest(), True)

    def _put_aside(self, path: Path) -> str:
        aside = path.with_name(path.name + REFUSED)
        try:
            os.replace(path, aside)
        except OSError as error:
            raise WeightsError(f"{path}: not what is pinned, and cannot be put aside ({error.strerror})") from error
        return aside.name


def hashing(path: Path) -> Generator[int, None, str]:
    """Hash a file bit by bit: yields the bytes done, returns the SHA-256 in hex."""
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(HASH_BYTES):
            digest.update(chunk)
            done += len(chunk)
            yield done
    return digest.hexdigest()


def sha256(path: Path) -> str:
    """The SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(path: Path) -> int | None:
    """Bytes of a file, None where there is none."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None
