"""The presets of the library: a folder with one file each, in the order of their numbers.

A number is given when a preset is saved first, the lowest that is free, and stays with it. A preset whose file has none, or
one that another has as well, comes behind the others. The files are the truth: every method looks at the disk anew.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from sda.errors import SdaError
from sda.formats import preset as file
from sda.formats.preset import SUFFIX, Preset, check_preset_name, renewed
from sda.library import Library, file_stem

SHOWN = 8  # names in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A preset's file. `preset` is None where it is damaged: `error` says how."""

    path: Path
    number: int | None = None  # None where it is damaged
    preset: Preset | None = None
    error: str = ""

    @property
    def name(self) -> str:
        return self.preset.name if self.preset else self.path.stem


class Presets:
    """The presets of one user. Methods that write raise `SdaError` where the disk does not let them."""

    def __init__(self, library: Library | None = None) -> None:
        self._library = library or Library()

    @property
    def folder(self) -> Path:
        """Where they lie. It need not exist yet."""
        return self._library.home / "presets"

    def all(self) -> list[Kept]:
        """By number, each distinct, the damaged ones last. Raises `SdaError` for a folder that may not be listed."""
        try:
            paths = [path for path in self.folder.iterdir() if path.suffix == SUFFIX and not path.name.startswith(".")]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SdaError(f"{self.folder}: cannot be listed ({error.strerror})") from error
        return _numbered([_read(path) for path in sorted(paths)])

    def find(self, name: str) -> Kept:
        """The preset of a name; case does not count unless it must. Raises `SdaError` for none, and for a damaged one."""
        name = check_preset_name(name)
        known = self.all()
        exact = [kept for kept in known if kept.name == name]
        found = exact or [kept for kept in known if kept.name.casefold() == name.casefold()]
        if not found:
            raise SdaError(f"no preset {name!r} in the library; {_hint(name, known)}")
        if found[0].error:
            raise SdaError(found[0].error)
        return found[0]

    def at(self, number: int) -> Kept:
        """The preset of a number. Raises `SdaError` where there is none."""
        known = [kept for kept in self.all() if kept.number is not None]
        for kept in known:
            if kept.number == number:
                return kept
        numbers = f"{known[0].number} to {known[-1].number}" if known else "none yet"
        raise SdaError(f"no preset has the number {number}; the library has {numbers}")

    def save(self, preset: Preset) -> Kept:
        """Store a preset, in the place of one with its name if there is one, whose unknown values go on living in it."""
        preset = replace(preset, name=check_preset_name(preset.name))
        with self._writing():
            known = self.all()
            old = next((kept for kept in known if kept.name.casefold() == preset.name.casefold()), None)
            if old is not None and old.preset is not None:
                preset = renewed(replace(old.preset, number=old.number), preset)
            else:
                preset = replace(preset, number=_free(known))
            path = old.path if old is not None else self._fresh(preset.name)
            file.write(path, preset)
        return Kept(path=path, number=preset.number, preset=preset)

    def bring(self, presets: Iterable[Preset]) -> list[Kept]:
        """Store presets that come from elsewhere, those aside that are here already; a name that is taken gets a number."""
        with self._writing():
            stored, known = [], self.all()
            for preset in presets:
                if any(_is_copy(kept.preset, preset) for kept in known):
                    continue
                taken = {kept.name.casefold() for kept in known}
                names = (preset.name if n == 1 else f"{preset.name[: file.MAX_NAME - 6]} {n}" for n in count(1))
                name = next(name for name in names if name.casefold() not in taken)
                fresh = replace(preset, name=name, number=_free(known))
                kept = Kept(path=self._fresh(name), number=fresh.number, preset=fresh)
                file.write(kept.path, fresh)
                known.append(kept)
                stored.append(kept)
        return stored

    def rename(self, old: str, new: str) -> Kept:
        """Give a preset another name, and its file too. Raises `SdaError` where another preset has it."""
        new = check_preset_name(new)
        with self._writing():
            kept = self.find(old)
            if any(other.name.casefold() == new.casefold() and other.path != kept.path for other in self.all()):
                raise SdaError(f"the name {new!r} is taken by another preset; expected another name")
            assert kept.preset is not None
            renamed = replace(kept.preset, name=new, number=kept.number)
            path = self._fresh(new, but=kept.path)
            file.write(path, renamed)
            if path != kept.path:
                _remove(kept.path)
        return Kept(path=path, number=kept.number, preset=renamed)

    def delete(self, name: str) -> Kept:
        """Remove a preset, or the damaged file that is called so."""
        with self._writing():
            damaged = [kept for kept in self.all() if kept.error and kept.name == name]
            kept = damaged[0] if damaged else self.find(name)
            _remove(kept.path)
        return kept

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One writer at a time; what a kill left of an earlier one is cleared away."""
        with self._library.locked():
            for left in self.folder.glob(f".*{SUFFIX}.*{SUFFIX}"):
                with suppress(OSError):
                    left.unlink()
            yield

    def _fresh(self, name: str, but: Path | None = None) -> Path:
        """A path that no preset has, `but` counting as free."""
        folder = self._library.presets
        taken = {path.name.casefold() for path in folder.iterdir() if path != but}
        stem = file_stem(name, "preset")
        names = (f"{stem}{SUFFIX}" if n == 1 else f"{stem}-{n}{SUFFIX}" for n in count(1))
        return folder / next(name for name in names if name.casefold() not in taken)


def _read(path: Path) -> Kept:
    try:
        preset = file.read(path)
    except SdaError as error:
        return Kept(path=path, error=str(error))
    return Kept(path=path, number=preset.number, preset=preset)


def _numbered(found: list[Kept]) -> list[Kept]:
    """In order, each sound one with a number of its own."""
    good = [kept for kept in found if not kept.error]
    placed: dict[int, Kept] = {}
    rest = []
    for kept in sorted(good, key=lambda kept: kept.name.casefold()):
        if kept.number is None or kept.number in placed:
            rest.append(kept)
        else:
            placed[kept.number] = kept
    behind = max(placed, default=-1) + 1
    numbered = [placed[number] for number in sorted(placed)]
    numbered += [replace(kept, number=number) for number, kept in enumerate(rest, start=behind)]
    return numbered + [kept for kept in found if kept.error]


def _free(known: list[Kept]) -> int:
    """The lowest number that no preset has."""
    taken = {kept.number for kept in known}
    return next(number for number in count() if number not in taken)


def _is_copy(one: Preset | None, other: Preset) -> bool:
    """Whether two say the same, whatever they and their model are called."""
    return one is not None and _bare(one) == _bare(other)


def _bare(preset: Preset) -> Preset:
    return replace(preset, name="", number=None, model_name="")


def _hint(name: str, known: list[Kept]) -> str:
    names = [kept.name for kept in known]
    if not names:
        return "it has none yet; /sda/preset/save makes one"
    near = difflib.get_close_matches(name.casefold(), [text.casefold() for text in names], n=3, cutoff=0.5)
    likely = [text for text in names if text.casefold() in near]
    if likely:
        return f"did you mean {' or '.join(map(repr, likely))}?"
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"it has {', '.join(map(repr, names[:SHOWN]))}{more}"


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        raise SdaError(f"{path}: cannot be deleted ({error.strerror})") from error
