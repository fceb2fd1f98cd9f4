"""The library as rows that can be searched and sorted, and one model's details in words. No toolkit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sda.catalog import Entry
from sda.formats.distill import ModelDocument
from sda.panel import words
from sda.sources import Source

COLUMNS = ("name", "sound", "sliders", "own vocoder", "size", "made")
Rows = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Row:
    """A model of the library, or a file there that cannot be read."""

    entry: Entry
    seconds: float  # of its recordings, 0 where the file does not say
    sliders: tuple[str, ...]
    own_vocoder: bool

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return self.entry.path.name

    @property
    def cells(self) -> tuple[str, ...]:
        """As `COLUMNS` has them."""
        document = self.entry.document
        if document is None:
            return self.entry.name, "-", "cannot be read", "-", words.size(self.entry.size), "-"
        sound = words.span(self.seconds) if self.seconds else "-"
        own = "yes" if self.own_vocoder else "no"
        return self.entry.name, sound, str(len(self.sliders)), own, words.size(self.entry.size), document.created[:10]

    def meant_by(self, name: object) -> bool:
        """Whether it is what the engine calls so, which loads models by name and by id."""
        return name in (self.entry.name, self.entry.id)

    def holds(self, word: str) -> bool:
        """Whether a word of a search, in lower case, is found in its name, tags or sliders."""
        document = self.entry.document
        texts = (self.entry.name, self.entry.path.name, *self.sliders, *(document.tags if document else ()))
        return any(word in text.casefold() for text in texts)


KEYS: dict[str, Callable[[Row], Any]] = {
    "name": lambda row: row.entry.name.casefold(),
    "sound": lambda row: row.seconds,
    "sliders": lambda row: len(row.sliders),
    "own vocoder": lambda row: row.own_vocoder,
    "size": lambda row: row.entry.size,
    "made": lambda row: row.entry.document.created if row.entry.document else "",
}


def rows(entries: Iterable[Entry]) -> list[Row]:
    """What the library's files say."""
    return [_row(entry, entry.document) for entry in entries]


def _row(entry: Entry, document: ModelDocument | None) -> Row:
    if document is None:
        return Row(entry, 0.0, (), False)
    seconds = document.dataset.get("seconds")
    names = tuple(str(slider["name"]) for slider in document.analysis.get("sliders", ()))
    return Row(entry, float(seconds) if isinstance(seconds, int | float) else 0.0, names, document.vocoder is not None)


def chosen(found: Iterable[Row], search: str, column: str, *, descending: bool) -> list[Row]:
    """Those rows in which every word of the search is found, in order of a column."""
    wanted = search.casefold().split()
    kept = [row for row in found if all(row.holds(word) for word in wanted)]
    return sorted(sorted(kept, key=KEYS["name"]), key=KEYS[column], reverse=descending)


def details(row: Row, source: Source | None) -> list[tuple[str, Rows]]:
    """What there is to know of a model: titles, each with its pairs of name and words."""
    document, path = row.entry.document, row.entry.path
    if document is None:
        return [("Cannot be read", [("file", str(path)), ("why", row.entry.error)])]
    file = [("file", str(path)), ("size", words.size(row.entry.size)), ("id", document.id), ("made", _made(document))]
    file += [("tags", ", ".join(document.tags))] if document.tags else []
    found = [("Recordings", _dataset(document, source)), ("Training", _training(document)), ("Sliders", _sliders(document))]
    found += [("Own vocoder", _vocoder(document)), ("File", file)]
    if document.notes:
        found.append(("Notes", [("", note) for note in document.notes]))
    return found


def _made(document: ModelDocument) -> str:
    return document.created.replace("T", " ")[:16]


def _dataset(document: ModelDocument, source: Source | None) -> Rows:
    data = document.dataset
    pairs = [("files", str(data["files"]))] if "files" in data else []
    pairs += [("length", words.span(data["seconds"]))] if "seconds" in data else []
    pairs += [("judged on", str(data["judged_on"]))] if "judged_on" in data else []
    return [*pairs, ("folder", str(source.folder) if source else "not known here")]


def _training(document: ModelDocument) -> Rows:
    data = document.training
    if not data:
        return [("", "the file says nothing of it")]
    pairs = []
    if "steps" in data:
        pairs.append(("steps", f"{data['steps']}, best at {data.get('best_step', '-')}"))
    errors = data.get("held_out")
    if isinstance(errors, dict):
        pairs += [(f"held-out, {name}", f"{words.number(value)}{_unit(name)}") for name, value in errors.items()]
    return pairs or [("", "the file says nothing of it")]


def _unit(name: str) -> str:
    return " nat" if name in ("loud", "quiet", "all", "kl") else ""


def _sliders(document: ModelDocument) -> Rows:
    found = document.analysis.get("sliders", ())
    if not found:
        return [("", "none; `sda-engine analyze` finds them")]
    return [
        (f"{s['number']}  {s['name']}", f"safe {s['safe_low']:+.1f} to {s['safe_high']:+.1f}, {s['explains']}") for s in found
    ]


def _vocoder(document: ModelDocument) -> Rows:
    if document.vocoder is None:
        return [("", "no: it sounds through BigVGAN or the shipped draft; Train Vocoder gives it one")]
    data = document.vocoder_training
    pairs = [("", "yes")]
    if "steps" in data:
        pairs.append(("steps", f"{data['steps']}, best at {data.get('best_step', '-')}"))
    for key, name in (("mel_error_before", "mel error before"), ("mel_error", "mel error")):
        errors = data.get(key)
        if isinstance(errors, dict):
            pairs.append((name, f"{words.number(errors.get('held_out'))} nat on held-out recordings"))
    return pairs


def by_name(found: Iterable[Row]) -> dict[str, Row]:
    """Rows by names to choose them by: the model's, with the beginning of its id where two have the same."""
    known = [row for row in found if row.entry.document is not None]
    names = [row.entry.name for row in known]
    twice = {name for name in names if names.count(name) > 1}
    return {f"{name} ({row.entry.id[:8]})" if name in twice else name: row for name, row in zip(names, known, strict=True)}
