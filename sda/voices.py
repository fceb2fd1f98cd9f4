"""Vocoders ready to run, and the tensors of a model's file that its networks are built from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sda import universal
from sda.choice import choose
from sda.core.vocoder import HifiganVocoder, Vocoder
from sda.errors import DeviceError, ModelError
from sda.formats.base import read_base
from sda.formats.distill import ModelDocument
from sda.spec import BIGVGAN_GRID, LOG1P_POWER

Floats = NDArray[np.float32]


def build(document: ModelDocument, wish: str = "auto", device: str = "auto") -> Vocoder:
    """The vocoder that a wish means for this model, ready to run. device: of BigVGAN; the others know the CPU alone.

    Raises `SdaError` where the vocoder, its weights or the device cannot be had.
    """
    choice = choose(document, wish)
    if choice.name != "hifigan":
        return by_name(choice.name, device)
    assert document.vocoder is not None
    _on_cpu(f"{document.name}'s own vocoder", device)
    grid = document.grid if document.vocoder.eats == LOG1P_POWER else BIGVGAN_GRID
    return HifiganVocoder(document.vocoder, part(document, "vocoder."), grid=grid)


def by_name(name: str, device: str = "auto") -> Vocoder:
    """A vocoder that belongs to no model. Raises `SdaError` for an unknown name and as `build` does."""
    if name == "bigvgan":
        return universal.load(device)
    if name != "draft":
        raise ModelError(f"vocoder {name!r}: expected a model, bigvgan, or draft for the shipped base vocoder")
    _on_cpu("the shipped draft", device)
    spec, weights, _ = read_base()
    return HifiganVocoder(spec, weights)


def _on_cpu(what: str, device: str) -> None:
    if universal.check_device(device) not in ("auto", "cpu"):
        raise DeviceError(f"device {device!r}: {what} runs on the CPU in this version; expected auto or cpu")


def part(document: ModelDocument, prefix: str) -> dict[str, Floats]:
    """The tensors below a prefix, as float32 and by their names without it."""
    return {
        name.removeprefix(prefix): tensor.astype(np.float32)
        for name, tensor in document.tensors.items()
        if name.startswith(prefix)
    }
