"""What a model file says: the document beside the tensors, to JSON and back, and what makes it valid."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from sda.errors import ModelError
from sda.spec import BIGVGAN_GRID, LOG1P_POWER, GeneratorSpec, MelSpec, NetworkSpec, OldVaeSpec, network_from_json

FORMAT, VERSION = "distill", 2
HASHES = ("tensors_sha256", "sha256")  # keys of the document that belong to the file, not to the model
MAX_DEPTH = 32  # of nested JSON
MAX_NAME = 100  # characters
# fields of `core.latent.Slider`, as the list analysis["sliders"] holds them
SLIDER = {"number": int, "name": str, "low": float, "high": float, "safe_low": float, "safe_high": float, "explains": str}

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelDocument:
    """What a model file says. `tensors` is empty where only the header was read."""

    id: str  # uuid4
    name: str
    created: str  # ISO 8601, UTC
    tags: tuple[str, ...] = ()
    grid: MelSpec = BIGVGAN_GRID
    vae: NetworkSpec
    analysis: Json = field(default_factory=dict)  # "sliders" and reports
    dataset: Json = field(default_factory=dict)  # "files", "seconds"; never a path
    training: Json = field(default_factory=dict)
    vocoder: GeneratorSpec | None = None
    vocoder_training: Json = field(default_factory=dict)
    extra: Json = field(default_factory=dict)  # keys of the document that this version does not know
    tensors: dict[str, NDArray[Any]] = field(default_factory=dict)  # "vae.*", "analysis.*", "vocoder.*"

    @property
    def notes(self) -> tuple[str, ...]:
        """What its analysis tells the musician, in sentences."""
        found = self.analysis.get("notes")
        return tuple(str(note) for note in found) if isinstance(found, list | tuple) else ()

    def to_json(self) -> Json:
        """The document without its tensors and hashes. Numbers that are not finite become null."""
        known = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("extra", "tensors")}
        for name in ("grid", "vae", "vocoder"):
            known[name] = known[name].to_json() if known[name] else None
        assert not self.extra.keys() & (known.keys() | {"format", "version", *HASHES})
        data: Json = plain({"format": FORMAT, "version": VERSION, **known, **self.extra})
        return data

    @classmethod
    def from_json(cls, data: Json) -> ModelDocument:
        """Rebuild a document without tensors. Raises `ModelError` where anything in it is not as it should be."""
        check_version(data)
        known = {f.name: data[f.name] for f in fields(cls) if f.name in data and f.name not in ("extra", "tensors")}
        for name in ("analysis", "dataset", "training", "vocoder_training"):
            if not isinstance(known.get(name), dict):
                raise ModelError(f"{name}: expected an object, found {str(known.get(name))[:40]!r}")
        known |= {"grid": MelSpec.from_json(data.get("grid")), "vae": network_from_json(data.get("vae"))}
        known["vocoder"] = GeneratorSpec.from_json(data["vocoder"]) if data.get("vocoder") is not None else None
        known["tags"] = _tags(data.get("tags", []))
        known |= {name: _text(data, name) for name in ("id", "name", "created")}
        extra = {key: value for key, value in data.items() if key not in known and key not in ("format", "version")}
        document = cls(**known, extra=extra)
        check_words(document)
        check_specs(document)
        return document


def check_name(name: str) -> str:
    """A model's name, trimmed. Raises `ModelError` unless it is 1 to 100 printable characters."""
    trimmed = name.strip()
    if not 0 < len(trimmed) <= MAX_NAME or not trimmed.isprintable():
        raise ModelError(f"a model's name: expected 1 to {MAX_NAME} printable characters, found {name[:40]!r}")
    return trimmed


def check_version(data: Json) -> None:
    version = data.get("version")
    if data.get("format") != FORMAT or type(version) is not int:
        raise ModelError(f"expected format {FORMAT!r} and a version, found {str(data.get('format'))[:40]!r}")
    if version > VERSION:
        raise ModelError(f"written by a newer program: found version {version}, this one reads up to version {VERSION}")
    if version != VERSION:
        raise ModelError(f"found version {version}, expected version {VERSION}")


def check_words(document: ModelDocument) -> None:
    if check_name(document.name) != document.name:
        raise ModelError(f"name: expected no spaces around it, found {document.name!r}")
    try:
        if str(UUID(document.id)) != document.id or datetime.fromisoformat(document.created).utcoffset() is None:
            raise ValueError
    except ValueError as error:
        found = f"{document.id[:40]!r} and {document.created[:40]!r}"
        raise ModelError(f"expected a uuid as id and an ISO date with its zone, found {found}") from error
    if not all(tag.isprintable() and len(tag) <= MAX_NAME for tag in document.tags):
        raise ModelError(f"tags: expected printable texts, found {str(document.tags)[:80]}")


def check_specs(document: ModelDocument) -> None:
    """The grid can be built, and the networks fit it: a vocoder of ours eats BigVGAN's log-mel, an old one the model's own."""
    grid, vocoder = document.grid, document.vocoder
    sizes = 0 < grid.hop <= grid.n_fft <= 1 << 16 and 0 < grid.n_mels <= 1024 and 1000 <= grid.sample_rate <= 768_000
    band = 0 <= grid.f_min < grid.f_max <= grid.sample_rate / 2 and grid.power in (1.0, 2.0) and 0 < grid.floor < 1
    if not (sizes and band and grid.scale in ("slaney", "htk")):
        raise ModelError(f"grid: not one this program can build: {grid.to_json()}")
    if document.vae.n_mels != grid.n_mels:
        raise ModelError(f"the VAE has {document.vae.n_mels} bands, the grid {grid.n_mels}")
    sliders = document.analysis.get("sliders", [])
    if not isinstance(sliders, list) or not all(_is_slider(slider) for slider in sliders):
        raise ModelError(f"sliders: expected a list of objects with {', '.join(SLIDER)}, found {str(sliders)[:80]}")
    old = isinstance(document.vae, OldVaeSpec)
    if old != (grid.power == 2.0) or (old and not grid.centered):
        raise ModelError(
            f"the network and its grid are not of one kind: found power {grid.power:g} for {document.vae.to_json()}"
        )
    own = vocoder is not None and vocoder.eats == LOG1P_POWER
    if own and not old:
        raise ModelError("vocoder: it eats the mel powers of older programs, which this model does not make")
    eaten = grid if own else BIGVGAN_GRID
    if vocoder and (vocoder.n_mels, vocoder.hop) != (eaten.n_mels, eaten.hop):
        wanted = f"{eaten.n_mels} bands and a hop of {eaten.hop}"
        raise ModelError(f"vocoder: expected {wanted}, found {vocoder.n_mels} and {vocoder.hop}")


def _is_slider(value: Any) -> bool:
    kinds = {str: (str,), int: (int,), float: (int, float)}
    return (
        isinstance(value, dict)
        and value.keys() == SLIDER.keys()
        and all(type(value[name]) in kinds[kind] for name, kind in SLIDER.items())
    )


def _tags(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise ModelError(f"tags: expected a list of texts, found {str(value)[:80]}")
    return tuple(value)


def _text(data: Json, name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str):
        raise ModelError(f"{name}: expected a text, found {str(value)[:40]!r}")
    return value


def plain(value: Any, depth: int = 0) -> Any:
    """A deep copy in JSON's own kinds: tuples as lists, numpy's scalars as numbers, what is not finite as null.

    Raises `ModelError` for what is nested deeper than `MAX_DEPTH` and for texts that are not Unicode.
    """
    if depth > MAX_DEPTH:
        raise ModelError(f"its document is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dict):
        assert all(isinstance(key, str) for key in value)
        return {plain(key, depth): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ModelError(f"its document holds a text that is not Unicode: {value[:40]!r}") from error
    assert value is None or isinstance(value, str | int), f"not JSON: {type(value)}"
    return value
