"""The library: one folder with the models, runs, presets and caches of a user, and how a model is called by name.

Where a model's recordings lie is remembered beside the models (`sda.sources`), never in a model, which may be shared.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import filelock
import platformdirs

from sda import catalog, sources
from sda.catalog import Entry
from sda.errors import ModelError, SdaError, TrainError
from sda.formats import distill, whole
from sda.formats.distill import SUFFIX, ModelDocument
from sda.formats.document import check_name
from sda.sources import Source

STEM_BYTES = 100  # of a file name, well below the 255 that file systems take
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³")}  # on Windows
SHOWN = 5  # candidates named in a message
LOCK_SECONDS = 20.0


def home() -> Path:
    """The library's folder: SDA_HOME, or the platform's place for a user's data. It need not exist yet."""
    chosen = os.environ.get("SDA_HOME")
    return Path(chosen).absolute() if chosen else platformdirs.user_data_path("sda", appauthor=False)


def file_stem(name: str, kind: str = "model") -> str:
    """The name of a thing of some kind as a file name without suffix that every file system takes."""
    text = re.sub(r"[^\w.-]+", "-", name).encode()[:STEM_BYTES].decode(errors="ignore").strip("-._") or kind
    return f"{text}-{kind}" if text.split(".")[0].casefold() in RESERVED else text


def numbered(stem: str, count: int) -> list[str]:
    """Names for several files: `tide-1`, `tide-2`, with as many digits as the last has; one file has the name as it is."""
    return [stem] if count == 1 else [f"{stem}-{number:0{len(str(count))}}" for number in range(1, count + 1)]


def engine_folder(name: str) -> Path:
    """Where an engine of this name keeps what is its own. It need not exist yet."""
    return home() / "engines" / file_stem(name, "engine")


class Library:
    """The models of one user. Every method looks at the disk anew, so any number of processes may share a folder.

    Folders are made when they are first needed. Methods that write raise `SdaError` where the disk does not let them.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.home = folder or home()

    @property
    def models(self) -> Path:
        return self._folder("models")

    @property
    def runs(self) -> Path:
        return self._folder("runs")

    @property
    def presets(self) -> Path:
        return self._folder("presets")

    @property
    def recordings(self) -> Path:
        return self._folder("recordings")

    def recording(self, name: str, suffix: str = ".wav", *, count: int = 1) -> Path:
        """A file for a new recording of this name; a number is added where there is one already.

        count: of files that will be `numbered` after it; then none of those is there.
        """
        stem = file_stem(name)
        taken = {path.stem.casefold() for path in self.recordings.iterdir()}
        candidates = (stem, *(f"{stem}-{number}" for number in range(2, 10_000)))
        free = (each for each in candidates if not taken & {one.casefold() for one in numbered(each, count)})
        return self.recordings / (next(free) + suffix)

    @property
    def cache(self) -> Path:
        return self._folder("cache")

    def entries(self) -> list[Entry]:
        """All models by name, damaged ones too."""
        return catalog.entries(self.home / "models", self.home / "cache" / "index.json")

    def resolve(self, text: str, *, paths: bool = True) -> Path:
        """The file of the model that a text means: a path, a name, an id, or the unique beginning of a name or id.

        A text with a separator or the suffix of a model is a path first; without `paths` it never is. Case does not count
        unless it must. Raises `ModelError` where nothing or more than one thing is meant.
        """
        path, paths = Path(text), paths and text != ""
        if paths and (path.name != text or path.suffix.lower() == SUFFIX) and _exists(path):
            return path
        entries = self.entries()
        found = _meant(entries, text) if text else []
        if len(found) == 1:
            return found[0].path
        if found:
            raise ModelError(f"{text!r} could be {_listed(found)}; write more of the name or the id")
        if paths and _exists(path):
            return path
        if paths and path.name != text:
            raise ModelError(f"{path}: no such file; expected the path, name or id of a model")
        raise ModelError(self._missing(text, entries))

    def taken(self, name: str) -> bool:
        """Whether a model of the library has this name, whatever its case."""
        return any(entry.name.casefold() == name.strip().casefold() for entry in self.entries())

    def add(self, document: ModelDocument, *, overwrite: bool = False, half: bool = False) -> Path:
        """Store a model under a file name made from its name, and return the path. Two models may have the same name.

        Raises `ModelError` where its id is there already, unless `overwrite` lets it replace that file.
        """
        content = distill.encode(document, half=half)
        with self.locked():
            same = [entry for entry in self.entries() if entry.id == document.id]
            if same and not overwrite:
                raise ModelError(f"{_listed(same)} is in the library already; expected another id")
            path = same[0].path if same else self._fresh(document.name)
            whole.write(path, content)
            return path

    def rename(self, path: Path, name: str) -> Path:
        """Give a model another name, and its file too if it lies in the library; return the file's path.

        Raises `ModelError` where another model of the library has that name.
        """
        name = check_name(name)
        with self.locked():
            others = [e for e in self.entries() if e.name.casefold() == name.casefold() and not _same(e.path, path)]
            if others:
                raise ModelError(f"the name {name!r} is taken by {_listed(others)}; expected another name")
            distill.write(path, replace(distill.read(path), name=name))
            if not self._holds(path):
                return path
            target = self._fresh(name, but=path)
            with _words(path, "renamed"):
                os.replace(path, target)
            return target

    def delete(self, path: Path) -> None:
        """Remove a model's file from the library. Raises `ModelError` for a file that is elsewhere."""
        if not self._holds(path):
            raise ModelError(f"{path}: not in the library {self.home / 'models'}; nothing was deleted")
        with self.locked():
            entry = next((e for e in self.entries() if _same(e.path, path)), None)
            with _words(path, "deleted"):
                path.unlink()
            known = sources.load(self.home)
            if entry and known.pop(entry.id, None):
                sources.store(self.home, known)

    def remember_source(self, id: str, source: Source) -> None:
        """Note where the recordings of a model lie."""
        with self.locked():
            sources.store(self.home, sources.load(self.home) | {id: source.to_json()})

    def source(self, id: str) -> Source | None:
        """Where the recordings of a model lay when it was trained, if that is known."""
        return Source.from_json(sources.load(self.home).get(id))

    @contextmanager
    def training(self, id: str, name: str) -> Iterator[None]:
        """Hold a model for training it, whatever of it is trained. Raises `TrainError` if another process does."""
        busy = TrainError(f"{name} is being trained by another process; wait for its end, or stop it")
        with _held(self._folder("locks") / f"{id}.lock", 0.0, busy):
            yield

    def _folder(self, name: str) -> Path:
        path = self.home / name
        with _words(path, "made"):
            path.mkdir(parents=True, exist_ok=True)
        return path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One writer at a time, of all processes."""
        self._folder(".")
        busy = SdaError(f"{self.home}: another program has held the library for {LOCK_SECONDS:g} s; try again")
        with _held(self.home / ".lock", LOCK_SECONDS, busy):
            yield

    def _fresh(self, name: str, but: Path | None = None) -> Path:
        """A path that no model has, `but` counting as free."""
        taken = {p.name.casefold() for p in self.models.iterdir() if but is None or p.name != but.name}
        stem = file_stem(name)
        names = (f"{stem}{SUFFIX}" if n == 1 else f"{stem}-{n}{SUFFIX}" for n in range(1, len(taken) + 2))
        return self.models / next(name for name in names if name.casefold() not in taken)

    def _holds(self, path: Path) -> bool:
        return _same(path.parent, self.home / "models")

    def _missing(self, text: str, entries: list[Entry]) -> str:
        place = self.home / "models"
        if not entries:
            return f"no model {text!r}: the library {place} is empty"
        near = difflib.get_close_matches(text.casefold(), [e.name.casefold() for e in entries], n=3, cutoff=0.5)
        names = dict.fromkeys(e.name for n in near for e in entries if e.name.casefold() == n)
        hint = f"did you mean {' or '.join(map(repr, names))}?" if names else f"it has {_listed(entries)}"
        return f"no model {text!r} in the library {place}; {hint}"


def _meant(entries: list[Entry], text: str) -> list[Entry]:
    """The models that a text means, by the first of these readings that fits any."""
    low = text.casefold()
    readings = (
        lambda e: e.name == text,
        lambda e: low in (e.name.casefold(), e.id),
        lambda e: low in (e.path.name.casefold(), e.path.stem.casefold()),
        lambda e: e.name.casefold().startswith(low),
        lambda e: e.id.startswith(low),
    )
    return next((found for reading in readings if (found := [e for e in entries if reading(e)])), [])


def _listed(entries: list[Entry]) -> str:
    """Models with all that tells them apart: copies of one file have the same id."""
    names = [f"{e.name!r} ({e.id[:8]}{e.id and ', '}{e.path.name})" for e in entries[:SHOWN]]
    return ", ".join(names) + (f" and {len(entries) - SHOWN} more" if len(entries) > SHOWN else "")


def _exists(path: Path) -> bool:
    """Whether anything is there. Raises `ModelError` for a folder."""
    try:
        if path.is_dir():
            raise ModelError(f"{path}: found a folder where a model file was expected")
        return path.exists()
    except OSError:  # a name too long to be one
        return False


def _same(a: Path, b: Path) -> bool:
    return a.resolve() == b.resolve()


@contextmanager
def _held(path: Path, patience: float, busy: SdaError) -> Iterator[None]:
    """Hold the lock of a file, which ends with the process. Raises `busy` if another holds it for `patience` seconds."""
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=patience)
    except filelock.Timeout as error:
        raise busy from error
    except OSError as error:
        raise SdaError(f"{path.parent}: cannot write there ({error.strerror})") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _words(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SdaError(f"{path}: cannot be {what} ({error.strerror})") from error
