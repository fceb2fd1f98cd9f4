"""A preset: what the controls were at, under a name. One JSON file each, which a musician may read and edit.

    {"name": "dusk", "number": 3, "model": id, "model_name": "bells", "values": {id: value}, "sliders": {name: value},
     "created": ISO date}

Sliders stand in both: `values` has them by number, `sliders` by name, by which they are found again in another model. Any part
may be missing: what a preset does not say stays as it is. Ids and keys that this version does not know are kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sda.errors import ControlError, SdaError
from sda.formats import whole
from sda.formats.document import Json, plain
from sda.params import Param, Value, check_name

SUFFIX = ".json"
LARGEST = 1 << 20  # bytes of a file
MOST = 10_000  # values in a file
LARGEST_INT = 1 << 53  # beyond which a float no longer has every whole number
MAX_NAME = 100  # characters
MAX_NUMBER = 128**3 - 1  # what a MIDI program change with its bank can say
SLIDER = "slider."
KEYS = ("name", "number", "model", "model_name", "values", "sliders", "created")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Values under a name, and the model that they were made for."""

    name: str
    number: int | None = None  # its place in the row of presets, from 0; None: behind those that have one
    model: str = ""  # id; empty where it is for any model
    model_name: str = ""  # for people
    values: Mapping[str, Value] = field(default_factory=dict)  # by control id
    sliders: Mapping[str, float] = field(default_factory=dict)  # by the slider's name
    created: str = ""  # ISO 8601
    extra: Json = field(default_factory=dict)  # keys that this version does not know

    def is_for(self, model: str) -> bool:
        """Whether it was made for the model of this id, or for any."""
        return self.model in ("", model)

    def to_json(self) -> Json:
        """As the file has it."""
        known: Json = {key: getattr(self, key) for key in KEYS if getattr(self, key) not in (None, "")}
        return {**known, "values": dict(self.values), "sliders": dict(self.sliders), **self.extra}


@dataclass(frozen=True, slots=True)
class Fit:
    """What a preset says to the controls that are there."""

    values: Mapping[str, Value]  # by control id
    unknown: tuple[str, ...]  # ids that mean nothing here


def check_preset_name(text: str) -> str:
    """A preset's name, trimmed. Raises `ControlError` for what is no name, or could be a path."""
    trimmed = check_name("preset", text.strip())
    if not 0 < len(trimmed) <= MAX_NAME or not trimmed.isprintable():
        raise ControlError(f"a preset's name: expected 1 to {MAX_NAME} printable characters, found {text[:40]!r}")
    return trimmed


def taken(rows: Sequence[Param], values: Mapping[str, Value], **words: Any) -> Preset:
    """The preset of these controls as they stand; `words` are its other fields."""
    lasting = [row for row in rows if row.lasting]
    return Preset(
        values={row.id: values[row.id] for row in lasting},
        sliders={row.name: float(values[row.id]) for row in lasting if row.name},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        **words,
    )


def fit(preset: Preset, rows: Sequence[Param], *, own: bool) -> Fit:
    """What a preset says to these rows: sliders by name, by number only where they are those of its own model.

    The values are not checked yet.
    """
    known = {row.id: row for row in rows if row.lasting}
    names = {row.name: row.id for row in known.values() if row.name}
    found: dict[str, Value] = {}
    unknown = [f"{SLIDER}{name}" for name in preset.sliders if name not in names]
    for id, value in preset.values.items():
        slider = id.startswith(SLIDER)
        if id in known and (own or not slider):
            found[id] = value
        elif not (slider and preset.sliders):
            unknown.append(id)
    found.update((names[name], value) for name, value in preset.sliders.items() if name in names)
    return Fit(found, tuple(unknown))


def renewed(old: Preset, new: Preset) -> Preset:
    """The new preset in the place of an old one: what this program knows nothing of goes on living in it."""
    unknown = {id: value for id, value in old.values.items() if not id.startswith(SLIDER)}
    return replace(new, number=old.number, values={**unknown, **new.values}, extra={**old.extra, **new.extra})


def read(path: Path) -> Preset:
    """A preset's file; without a name in it, it is called as the file is. Raises `SdaError`, which says what is wrong."""
    try:
        if path.stat().st_size > LARGEST:
            raise SdaError(f"{path}: expected a preset of at most {LARGEST} bytes")
        data = json.loads(path.read_bytes(), parse_constant=_refuse)
    except OSError as error:
        raise SdaError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        raise SdaError(f"{path}: damaged, expected a preset as JSON ({str(error) or 'nested too deep'})") from error
    try:
        return from_json(data, path.stem)
    except SdaError as error:
        raise SdaError(f"{path}: damaged, {error}") from error


def write(path: Path, preset: Preset) -> None:
    """Put a preset into its file in one step. Raises `SdaError` where it cannot be written."""
    text = json.dumps(preset.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
    whole.write(path, f"{text}\n".encode())


def from_json(data: Any, name: str) -> Preset:
    """Rebuild a preset; `name` is for one that says none. Raises `SdaError` where anything in it is not as it should be."""
    if not isinstance(data, dict):
        raise SdaError("expected an object")
    data = plain(data)
    texts = {key: _text(data, key) for key in ("model", "model_name", "created")}
    return Preset(
        name=check_preset_name(_text(data, "name") or name),
        number=_number(data.get("number")),
        values=_values(data, "values", (bool, int, float, str)),
        sliders={key: float(value) for key, value in _values(data, "sliders", (int, float)).items()},
        extra={key: value for key, value in data.items() if key not in KEYS},
        **texts,
    )


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _text(data: Json, key: str) -> str:
    value = data.get(key, "")
    if not isinstance(value, str):
        raise SdaError(f"{key}: expected a text, found {str(value)[:40]!r}")
    return value


def _number(value: Any) -> int | None:
    if value is None or (type(value) is int and 0 <= value <= MAX_NUMBER):
        return value
    raise SdaError(f"number: expected a whole number from 0 to {MAX_NUMBER}, found {str(value)[:40]!r}")


def _values(data: Json, key: str, kinds: tuple[type, ...]) -> dict[str, Any]:
    values = data.get(key, {})
    if not isinstance(values, dict) or len(values) > MOST:
        raise SdaError(f"{key}: expected an object of at most {MOST} values, found {str(values)[:40]!r}")
    for id, value in values.items():
        if type(value) not in kinds or (type(value) is int and abs(value) > LARGEST_INT):
            raise SdaError(
                f"{key}: {id[:60]}: expected {'a finite number' if str not in kinds else 'a value'}, found {value!r:.40}"
            )
    return values
