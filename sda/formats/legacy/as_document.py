"""An old model in the words of this program's model files, so that one path plays, shows and stores both.

Nothing is lost: what has no place of its own goes into `extra["older"]`, the analysis' arrays beside the map made of them.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sda.formats.document import ModelDocument, plain
from sda.formats.legacy import OldModel
from sda.formats.legacy.words import Json

OLDER = "older"  # the key of what an older file said, in a document's `extra`
ARRAYS = ("pca_components", "pca_mean")  # of the old analysis, kept as tensors
RESULTS = ("training_epochs", "final_train_loss", "final_val_loss", "training_date")


def as_document(old: OldModel, *, imported: bool = False) -> ModelDocument:
    """The document of an old model, with tensors where the model has them. imported: whether it becomes a file of its own."""
    tensors: dict[str, NDArray[Any]] = dict(old.analysis.latent_map.tensors())
    tensors |= {f"vae.{name}": weight for name, weight in old.weights.items()}
    for name in ARRAYS:
        if name in old.analysis_words:
            tensors[f"analysis.older.{name}"] = np.asarray(old.analysis_words[name], np.float32)
    if old.vocoder is not None:
        tensors |= {f"vocoder.{name}": weight for name, weight in old.vocoder.weights.items()}
    sliders = [asdict(slider) for slider in old.analysis.sliders]
    return ModelDocument(
        id=old.id,
        name=old.name,
        created=old.created,
        tags=old.tags,
        grid=old.grid,
        vae=old.vae,
        analysis={"sliders": sliders, "notes": notes(old)},
        dataset=_dataset(old.metadata),
        training={**old.training, **{name: old.metadata.get(name) for name in RESULTS}},
        vocoder=old.vocoder.spec if old.vocoder else None,
        vocoder_training=old.vocoder.training if old.vocoder else {},
        extra={OLDER: plain(_older(old, imported))},
        tensors=tensors if old.weights else {},
    )


def notes(old: OldModel) -> list[str]:
    """What a musician should know of this model, in sentences."""
    found = []
    if old.guessed:
        other = {"sigmoid": "softplus", "softplus": "sigmoid"}[old.vae.activation]
        found.append(
            f"the old file does not say whether its decoder ends in a sigmoid or a softplus; {old.vae.activation} was guessed "
            f"from its training's settings; if it sounds wrong, import it with --activation {other}"
        )
    if old.analysis.sliders:
        found.append("its sliders are the old program's: principal components, named by correlation and not tested on sound")
    else:
        found.append("the old file holds no analysis, so the model has no sliders")
    if not old.vae.encodes:
        found.append("the old file lacks the encoder's last layers, so recordings cannot be encoded")
    return found


def _dataset(metadata: Json) -> Json:
    """Older programs always wrote 0 s, so that says nothing."""
    seconds = metadata.get("dataset_total_duration_s")
    found = {"files": metadata.get("dataset_file_count"), "seconds": seconds or None, "name": metadata.get("dataset_name")}
    return {key: value for key, value in found.items() if value is not None}


def _older(old: OldModel, imported: bool) -> Json:
    analysis = {name: value for name, value in old.analysis_words.items() if name not in ARRAYS}
    return {
        "format": old.kind,
        "version": 1,
        "activation": old.vae.activation,
        "guessed": old.guessed,
        "imported": imported,
        "warning_limits": old.analysis.warnings,
        "metadata": old.metadata,
        "latent_analysis": analysis,
        "vocoder_config": old.vocoder.config if old.vocoder else {},
    }
