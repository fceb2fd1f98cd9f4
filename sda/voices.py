"""Vocoders ready to run, and the tensors of a model's file that its networks are built from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sda import universal
from sda.choice import choose
from sda.core.vocoder import HifiganVocoder, Vocoder
from sda.errors import ModelError
from sda.formats.base import read_base
from sda.formats.distill import ModelDocument
from sda.graph_store import GraphStore
from sda.spec import BIGVGAN_GRID, LOG1P_POWER, GeneratorSpec, MelSpec

Floats = NDArray[np.float32]


def build(document: ModelDocument, wish: str = "auto", device: str = "auto") -> Vocoder:
    """The vocoder that a wish means for this model, ready to run. device: as in `by_name`.

    Raises `SdaError` where the vocoder, its weights or the device cannot be had.
    """
    choice = choose(document, wish)
    if choice.name != "hifigan":
        return by_name(choice.name, device)
    assert document.vocoder is not None
    grid = document.grid if document.vocoder.eats == LOG1P_POWER else BIGVGAN_GRID
    return _hifigan(document.vocoder, part(document, "vocoder."), grid, device)


def by_name(name: str, device: str = "auto") -> Vocoder:
    """A vocoder that belongs to no model.

    device: "auto" puts BigVGAN on the fastest one that is there and a HiFi-GAN into ONNX Runtime on the CPU, which takes .07
    of real time and spares 2 s and 600 MB for torch; "cpu" does so with both; "cuda" and "mps" run either in torch.
    Raises `SdaError` for an unknown name and as `build` does.
    """
    if name == "bigvgan":
        return universal.load(device)
    if name != "draft":
        raise ModelError(f"vocoder {name!r}: expected a model, bigvgan, or draft for the shipped base vocoder")
    spec, weights, _ = read_base()
    return _hifigan(spec, weights, BIGVGAN_GRID, device)


def _hifigan(spec: GeneratorSpec, weights: dict[str, Floats], grid: MelSpec, device: str) -> Vocoder:
    if universal.check_device(device) in ("auto", "cpu"):
        return HifiganVocoder(spec, weights, grid=grid, kept=GraphStore())
    from sda.core.hifigan_device import WINDOW, HifiganOnDevice
    from sda.train.device import pick

    kind = pick(device.partition(":")[0])
    context = spec.memory + -(-spec.look_ahead // spec.hop)
    window = universal.MPS_SAMPLES // spec.hop - context if kind == "mps" else WINDOW
    return HifiganOnDevice(spec, weights, grid=grid, device=device, window=max(1, window))


def part(document: ModelDocument, prefix: str) -> dict[str, Floats]:
    """The tensors below a prefix, as float32 and by their names without it."""
    return {
        name.removeprefix(prefix): tensor.astype(np.float32)
        for name, tensor in document.tensors.items()
        if name.startswith(prefix)
    }
