"""Where a model's recordings are: remembered when it is trained, found again after they were moved or renamed.

`sources.json` in the library's folder holds, by model id, the folder and, of every recording that was used, its name below
the folder, size, SHA-256 and whether it was held out. Older programs wrote the folder alone. What cannot be read counts as
unknown. None of this is in a model file, which may be shared.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from sda import catalog
from sda.errors import TrainError
from sda.formats import whole

if TYPE_CHECKING:
    from sda.train.corpus import Recording

FILE = "sources.json"
UP = 3  # folders that are searched: the nearest one that still exists and those above it, never a file system's root
DEPTH = 4  # levels of folders below each of them
ENTRIES = 20_000  # files and folders looked at in one search; a few seconds
BYTES = 4 << 30  # read in one search to compare contents, beyond the size of the recordings themselves


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """A recording as it was when it was gathered."""

    name: str  # path below the folder, with "/" between parts
    size: int  # bytes
    sha256: str  # of the file, in hex
    held_out: bool = False

    @property
    def own_name(self) -> str:
        """The name without its folders."""
        return PurePosixPath(self.name).name


@dataclass(frozen=True, slots=True)
class Source:
    """Where the recordings of one model lay. Without `files`, every file of the folder counts as one of them."""

    folder: Path
    files: tuple[Remembered, ...] = ()  # in the order in which they were gathered

    @classmethod
    def of(cls, folder: Path, recordings: Iterable[Recording]) -> Source:
        """The recordings that a training used; the folder alone if it was gathered by a program that took no digests."""
        used = [r for r in recordings if r.used]
        files = (Remembered(name=r.name, size=r.size, sha256=r.sha256, held_out=r.held_out) for r in used)
        return cls(folder.absolute(), tuple(files) if all(r.sha256 for r in used) else ())

    def to_json(self) -> dict[str, Any]:
        return {"folder": str(self.folder), "files": [asdict(file) for file in self.files]}

    @classmethod
    def from_json(cls, data: Any) -> Source | None:
        """What an entry says, that of an older program too: None for a damaged one, no files if any of them is damaged."""
        entry = data if isinstance(data, dict) else {"folder": data}
        if not _is_path(entry.get("folder")):
            return None
        files = entry.get("files", [])
        whole_list = isinstance(files, list) and all(_is_remembered(file) for file in files)
        keys = ("name", "size", "sha256", "held_out")
        known = [Remembered(**{key: file[key] for key in keys}) for file in files] if whole_list else []
        return cls(Path(entry["folder"]), tuple(known))


@dataclass(frozen=True, slots=True)
class Found:
    """Recordings to train on: their paths in the remembered order with their remembered names, and what to tell the user.

    Without `files`, all of the folder.
    """

    folder: Path
    files: tuple[tuple[Path, str], ...] = ()
    held_out: tuple[str, ...] = ()  # names of those that the VAE's training was judged on
    note: str = ""

    def to_spec(self) -> dict[str, Any]:
        """The part of a run's spec that says what is to be gathered."""
        files = [[str(path.absolute()), name] for path, name in self.files]
        return {"source": str(self.folder.resolve()), "files": files, "held_out": list(self.held_out), "note": self.note}


def load(home: Path) -> dict[str, Any]:
    """All entries of a library by model id, as JSON; none if the file is missing or damaged."""
    return catalog.read_object(home / FILE)


def store(home: Path, entries: dict[str, Any]) -> None:
    """Replace all entries of a library, whose lock the caller holds."""
    whole.write(home / FILE, json.dumps(entries, indent=1).encode())


def digest(path: Path) -> str:
    """The SHA-256 of a file in hex. Raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find(folder: Path) -> list[Path]:
    """Every file below a folder that could be audio, in a stable order. Raises `TrainError` if there is none."""
    if not folder.is_dir():
        what = "a file" if folder.exists() else "nothing"
        raise TrainError(f"{folder}: found {what} where a folder of recordings was expected")
    files = sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
    if not files:
        raise TrainError(f"{folder}: an empty folder; expected recordings (wav, flac, ogg, mp3, aiff)")
    return files


def locate(model: str, source: Source | None, audio: Path | None = None) -> Found:
    """The recordings of a model, wherever they are now. Files that joined the folder later are none of its own.

    Without `audio`: those that are where they were, and the others by their content in the folders nearest to the old one
    (`UP`, `DEPTH`, `ENTRIES` and `BYTES` bound the search; hidden folders and links to folders are left out). All must be
    found. A file whose content changed is not the recording any more.

    With `audio`, only that folder counts. The model's own recordings in it are taken, whatever they are called, and nothing
    else: a model and its vocoder are to know the same sounds, and the held-out ones stay held out. If there is none of them,
    or nothing is known of them, the user means other recordings, and all files of the folder are taken.

    Raises `TrainError` if they are not known, not all found, or `audio` is not a folder with files.
    """
    if audio is not None:
        return _located_in(audio, model, source)
    if source is None:
        raise TrainError(f"where the recordings of {model} are is not known here; expected --audio DIR")
    if source.files:
        return _located_by_itself(model, source)
    if not _is_folder(source.folder):
        raise TrainError(f"the recordings of {model} are no longer in {source.folder}; expected --audio DIR")
    return Found(source.folder)


def _located_in(audio: Path, model: str, source: Source | None) -> Found:
    files, wanted = find(audio), source.files if source else ()
    found = _matched(wanted, _with_sizes(files), _Digests())
    if not found:
        note = f"none of the {len(wanted)} recordings of {model} is in {audio}; all files there are taken instead"
        return Found(audio, note=note if wanted else "")
    others = len(files) - len(set(found.values()))
    left_out = f"; other files there, left out: {others}" if others else ""
    note = f"{len(found)} of the {len(wanted)} recordings of {model} are in {audio}{left_out}"
    return _found(audio, wanted, found, note if others or len(found) < len(wanted) else "")


def _located_by_itself(model: str, source: Source) -> Found:
    digests = _Digests(BYTES + sum(file.size for file in source.files))
    there = {file.name: path for file in source.files if _is(path := source.folder / file.name, file)}
    moved = _searched(source.folder, [file for file in source.files if file.name not in there], digests)
    found, total = there | moved, len(source.files)
    if lost := [file.name for file in source.files if file.name not in found]:
        raise TrainError(
            f"found {len(found)} of the {total} recordings of {model}: {lost[0]!r} is gone from {source.folder} or changed, and"
            " not near it either; expected --audio DIR"
        )
    if not moved:
        return _found(source.folder, source.files, found, "")
    place = Path(os.path.commonpath([path.parent for path in moved.values()]))
    what = f"{len(moved)} of the {total} recordings" if there else "the recordings"
    note = f"{what} of {model} are no longer where they were in {source.folder}; found by their content in {place}"
    return _found(source.folder if there else place, source.files, found, note)


def _found(folder: Path, wanted: Sequence[Remembered], found: dict[str, Path], note: str) -> Found:
    taken = [file for file in wanted if file.name in found]
    held_out = tuple(file.name for file in taken if file.held_out)
    return Found(folder, tuple((found[file.name], file.name) for file in taken), held_out, note)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name too long to be one, or a folder that may not be looked into
        return False


def _is(path: Path, file: Remembered) -> bool:
    """Whether a path still is that recording."""
    try:
        return path.is_file() and path.stat().st_size == file.size and digest(path) == file.sha256
    except OSError:
        return False


class _Digests:
    """Digests of files, each taken once, until `limit` bytes were read."""

    def __init__(self, limit: float = float("inf")) -> None:
        self._left = limit
        self._known: dict[Path, str] = {}

    def of(self, path: Path, size: int) -> str:
        """In hex; empty where the file cannot be read or the limit is reached."""
        if path not in self._known and size <= self._left:
            self._left -= size
            self._known[path] = ""
            with suppress(OSError):
                self._known[path] = digest(path)
        return self._known.get(path, "")


def _searched(folder: Path, missing: list[Remembered], digests: _Digests) -> dict[str, Path]:
    """Those of the missing files that lie in or around a folder, the nearest places first."""
    found: dict[str, Path] = {}
    tickets = iter(range(ENTRIES))
    inside: Path | None = None
    for place in _nearest(folder):
        if not missing:
            break
        found |= _matched(missing, list(_below(place, inside, tickets)), digests)
        missing = [file for file in missing if file.name not in found]
        inside = place
    return found


def _nearest(folder: Path) -> list[Path]:
    """A folder and those above it that exist, the first `UP` of them."""
    return [place for place in (folder, *folder.parents) if _is_folder(place) and place != place.parent][:UP]


def _below(top: Path, known: Path | None, tickets: Iterator[int]) -> Iterator[tuple[Path, int]]:
    """Files below a folder with their sizes, level by level, without those of a `known` folder; a ticket for each entry."""
    level = [top]
    for _ in range(DEPTH + 1):
        deeper: list[Path] = []
        for folder in level:
            with suppress(OSError), os.scandir(folder) as entries:  # one that may not be listed has nothing for us
                for entry in entries:
                    if next(tickets, None) is None:
                        return
                    path = Path(entry.path)
                    if entry.name.startswith(".") or path == known:
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        deeper.append(path)
                    else:
                        yield from _with_sizes([path])
        level = sorted(deeper)


def _with_sizes(paths: Iterable[Path]) -> list[tuple[Path, int]]:
    """Those of the paths that are files, with their sizes in bytes."""
    sized = []
    for path in paths:
        with suppress(OSError):
            if path.is_file():
                sized.append((path, path.stat().st_size))
    return sized


def _matched(wanted: Sequence[Remembered], places: list[tuple[Path, int]], digests: _Digests) -> dict[str, Path]:
    """By remembered name the files that have the content: one of the same name if there is one, else any of the same size."""
    of_size: dict[int, list[Path]] = defaultdict(list)
    of_name: dict[tuple[int, str], list[Path]] = defaultdict(list)
    for path, size in places:
        of_size[size].append(path)
        of_name[size, path.name].append(path)
    found: dict[str, Path] = {}
    for file in wanted:
        for path in of_name[file.size, file.own_name]:
            if file.name not in found and digests.of(path, file.size) == file.sha256:
                found[file.name] = path
    contents: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))  # size, digest: names
    for file in wanted:
        if file.name not in found:
            contents[file.size][file.sha256].append(file.name)
    for size, names in contents.items():
        for path in of_size[size]:
            if not names:
                break
            found |= dict.fromkeys(names.pop(digests.of(path, size), []), path)
    return found


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and value != "" and "\0" not in value


def _is_remembered(value: Any) -> bool:
    if not isinstance(value, dict) or not _is_path(value.get("name")):
        return False
    size, sha256 = value.get("size"), value.get("sha256")
    counted = isinstance(size, int) and not isinstance(size, bool) and size >= 0
    return counted and isinstance(sha256, str) and len(sha256) == 64 and isinstance(value.get("held_out"), bool)
