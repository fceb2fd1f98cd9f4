"""Model files of older programs: `.sda`, `.distill` before version 2, `.distillgan`, told apart by content.

`archive` opens them safely, this module says what they mean, `as_document` says it in the words of this program's files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import numpy as np
from numpy.typing import NDArray

from sda.errors import ModelError
from sda.formats.layout import old_vae_shapes
from sda.formats.legacy import analysis, archive, tensors, words
from sda.formats.legacy.analysis import OldAnalysis
from sda.formats.legacy.archive import Opened, is_old
from sda.formats.legacy.words import Json
from sda.spec import ACTIVATIONS, GeneratorSpec, MelSpec, OldVaeSpec

__all__ = ["ACTIVATIONS", "OldModel", "OldVocoder", "is_old", "read"]

Floats = NDArray[np.float32]

KINDS = {
    "sda_model": "sigmoid",
    "distill_model": "",
    "distillgan_model": "softplus",
}  # and their output activation, "" to guess
NEWER_FREE_BITS = 0.5  # nat a latent, below which the newer programs, with softplus, kept it
COMPLEX = "a .distill of the complex branch (2-channel VAE-128 of magnitude and phase)"


@dataclass(frozen=True, kw_only=True, eq=False)
class OldVocoder:
    """A HiFi-GAN of its own that an old model carries. It eats log1p of mel powers on the model's own grid."""

    spec: GeneratorSpec
    weights: dict[str, Floats]  # by their names in `core.hifigan.Generator`
    config: Json
    training: Json


@dataclass(frozen=True, kw_only=True, eq=False)
class OldModel:
    """What an old file holds. Words and numbers that this program has no use for are kept as they were."""

    kind: str  # "sda_model", "distill_model" or "distillgan_model"
    id: str  # uuid
    name: str
    created: str  # ISO 8601 with its zone
    tags: tuple[str, ...]
    grid: MelSpec
    vae: OldVaeSpec  # with the output's activation
    guessed: bool  # whether the activation was guessed from the training's settings
    weights: dict[str, Floats]  # by their old names
    analysis: OldAnalysis  # latent map, sliders, their warning limits
    vocoder: OldVocoder | None = None
    analysis_words: Json = field(default_factory=dict)  # `latent_analysis`
    training: Json = field(default_factory=dict)  # `training_config`
    metadata: Json = field(default_factory=dict)


def read(path: Path, *, activation: str | None = None, header_only: bool = False) -> OldModel:
    """An old model, closed again. activation: "sigmoid" or "softplus" where the guess is wrong.

    header_only: check names and shapes of the networks' tensors, but leave them where they are. Raises
    `ModelError` for a file that is damaged, unsafe, or of a kind that this program does not play.
    """
    if activation not in (None, *ACTIVATIONS):
        raise ModelError(f"activation {activation!r}: expected {' or '.join(ACTIVATIONS)}")
    try:
        with archive.opened(path) as opened:
            return _model(opened, path, activation, header_only)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def _model(opened: Opened, path: Path, activation: str | None, header_only: bool) -> OldModel:
    content = opened.content
    kind = _kind(content)
    training, metadata = words.plain(content.get("training_config")), words.plain(content.get("metadata"))
    grid = words.mel_grid(words.plain(content.get("spectrogram_config")))
    state = content.get("model_state_dict")
    spec = tensors.vae_spec(state, grid, training, activation or KINDS[kind] or _guess(training))
    declared = content.get("latent_dim", spec.latent)
    if not words.is_same(declared, spec.latent):
        raise ModelError(f"damaged: it declares {words.shown(declared)} latents, its tensors have {spec.latent}")
    shapes = old_vae_shapes(spec)
    tensors.check(state, shapes)
    weights = {} if header_only else tensors.arrays(opened, state, shapes)
    return OldModel(
        kind=kind,
        id=_id(metadata) or _made_id(tensors.arrays(opened, state, {"decoder.fc.bias": shapes["decoder.fc.bias"]})),
        name=_name(words.text(metadata, "name"), path),
        created=_created(metadata, path),
        tags=tuple(tag[:100] for tag in words.texts(metadata, "tags") if tag.isprintable()),
        grid=grid,
        vae=spec,
        guessed=activation is None and not KINDS[kind],
        weights=weights,
        analysis=analysis.read(content.get("latent_analysis"), spec.latent),
        vocoder=_vocoder(opened, grid, header_only),
        analysis_words=words.plain(content.get("latent_analysis")),
        training=training,
        metadata=metadata,
    )


def _kind(content: dict[str, Any]) -> str:
    """The file's kind. Raises `ModelError` for those that this program does not play, naming them."""
    kind, version = content.get("format"), content.get("version")
    if not isinstance(content.get("model_state_dict"), dict):
        raise ModelError("found an archive of tensors without model_state_dict; expected a model of an older program")
    if words.is_same(content.get("model_type"), "vqvae"):
        raise ModelError("found a VQ-VAE .distill (version 2 of the older format), which this program does not play")
    first = tensors.shape_of(content.get("model_state_dict"), "encoder.convs.0.weight")
    if "normalization_stats" in content or first == (64, 2, 3, 3):
        raise ModelError(f"found {COMPLEX}, which this program does not play")
    if not isinstance(kind, str) or kind not in KINDS:
        shown = f"of the format {kind[:40]!r}" if isinstance(kind, str) else "without a format"
        raise ModelError(f"found an archive of tensors {shown}; expected one of {', '.join(KINDS)}")
    if type(version) is not int or version != 1:
        shown = str(version) if type(version) is int else f"a {type(version).__name__}"
        raise ModelError(f"found version {shown} of {kind}; expected version 1")
    return kind


def _guess(training: Json) -> str:
    """The activation of a `distill_model`, whose keys are the same for both."""
    free_bits = training.get("free_bits")
    newer = "kl_weight_max" in training or (isinstance(free_bits, int | float) and free_bits < NEWER_FREE_BITS)
    return "softplus" if newer else "sigmoid"


def _vocoder(opened: Opened, grid: MelSpec, header_only: bool) -> OldVocoder | None:
    state = opened.content.get("vocoder_state")
    if state is None:
        return None
    if not isinstance(state, dict) or not words.is_same(state.get("type"), "hifigan_v2"):
        raise ModelError("vocoder_state: expected a vocoder of the type hifigan_v2")
    config = words.plain(state.get("config"))
    spec = tensors.generator_spec(config, grid)
    found = state.get("generator_state_dict")
    tensors.check(found, tensors.generator_stored(spec))
    weights = {} if header_only else tensors.generator_arrays(opened, found, spec)
    return OldVocoder(spec=spec, weights=weights, config=config, training=words.plain(state.get("training_metadata")))


def _id(metadata: Json) -> str:
    """The model's own uuid, empty where it has none."""
    try:
        return str(UUID(words.text(metadata, "model_id")))
    except ValueError:
        return ""


def _made_id(weights: dict[str, Floats]) -> str:
    """A uuid that the same weights always give."""
    return str(uuid5(NAMESPACE_OID, weights["decoder.fc.bias"].tobytes().hex()))


def _name(name: str, path: Path) -> str:
    printable = "".join(sign if sign.isprintable() else " " for sign in name or path.stem)
    return printable.strip()[:100].strip() or "old model"


def _created(metadata: Json, path: Path) -> str:
    """When it was saved; the file's own time where it does not say."""
    for name in ("save_date", "training_date"):
        try:
            when = datetime.fromisoformat(words.text(metadata, name))
        except ValueError:
            continue
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).isoformat()
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat()
