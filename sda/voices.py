"""Which vocoder sounds a model, and how it is built from what the model's file holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sda.core.vocoder import HifiganVocoder
from sda.errors import ModelError
from sda.formats.base import read_base
from sda.formats.distill import ModelDocument
from sda.spec import BIGVGAN_GRID, LOG1P_POWER

Floats = NDArray[np.float32]

WISHES = ("auto", "hifigan")


@dataclass(frozen=True, slots=True)
class Choice:
    """The vocoder that sounds, and why it does."""

    name: str  # "hifigan" or "draft"
    why: str


def choose(document: ModelDocument, wish: str) -> Choice:
    """What a wish means for this model. Raises `ModelError` where it cannot be had."""
    if wish not in WISHES:
        raise ModelError(f"vocoder {wish!r}: expected {' or '.join(WISHES)}")
    if document.vocoder is not None:
        return Choice("hifigan", "the model's own vocoder")
    if wish == "hifigan":
        raise ModelError(f"{document.name} has no vocoder of its own; train one with: sda-engine train-vocoder {document.name}")
    return Choice("draft", "the shipped base vocoder, a draft: the model has none of its own yet")


def build(document: ModelDocument, wish: str = "auto") -> HifiganVocoder:
    """The vocoder that a wish means for this model, ready to run."""
    if choose(document, wish).name == "draft":
        return by_name("draft")
    assert document.vocoder is not None
    grid = document.grid if document.vocoder.eats == LOG1P_POWER else BIGVGAN_GRID
    return HifiganVocoder(document.vocoder, part(document, "vocoder."), grid=grid)


def by_name(name: str) -> HifiganVocoder:
    """A vocoder that belongs to no model. Raises `ModelError` for an unknown name."""
    if name != "draft":
        raise ModelError(f"vocoder {name!r}: expected a model, or draft for the shipped base vocoder")
    spec, weights, _ = read_base()
    return HifiganVocoder(spec, weights)


def part(document: ModelDocument, prefix: str) -> dict[str, Floats]:
    """The tensors below a prefix, as float32 and by their names without it."""
    return {
        name.removeprefix(prefix): tensor.astype(np.float32)
        for name, tensor in document.tensors.items()
        if name.startswith(prefix)
    }
