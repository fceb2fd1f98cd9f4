"""Which networks sound a model, and how they are run: ONNX Runtime sessions and the choice of a vocoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from sda import universal
from sda.core import graph
from sda.core.vocoder import HifiganVocoder, Vocoder
from sda.errors import DeviceError, ModelError, WeightsError
from sda.formats.base import read_base
from sda.formats.distill import ModelDocument

Floats = NDArray[np.float32]

WISHES = ("auto", "bigvgan", "hifigan")
FETCH = "fetch it with: sda-engine vocoder download"


@dataclass(frozen=True, slots=True)
class Choice:
    """The vocoder that sounds, and why it does. It is a wish in its turn, for this same vocoder."""

    name: str  # "hifigan", "bigvgan" or "draft"
    why: str


def choose(document: ModelDocument, wish: str) -> Choice:
    """What a wish means for this model. Raises `ModelError` where it cannot be had.

    BigVGAN that is wished for is promised even where its weights are not here: whoever loads it says so, or fetches them.
    """
    own = document.vocoder is not None
    match wish:
        case "hifigan" if not own:
            train = f"train one with: sda-engine train-vocoder {document.name}"
            raise ModelError(f"{document.name} has no vocoder of its own; {train}, or take --vocoder bigvgan")
        case "hifigan":
            return Choice("hifigan", "the model's own vocoder, as asked")
        case "bigvgan":
            return Choice("bigvgan", f"the universal vocoder, as asked{_unverified()}")
        case "draft":
            return Choice("draft", "the shipped base vocoder, a draft, as asked")
        case "auto" if own:
            return Choice("hifigan", "the model's own vocoder")
        case "auto":
            return _for_all()
    raise ModelError(f"vocoder {wish!r}: expected one of {', '.join(WISHES)}")


def build(document: ModelDocument, wish: str = "auto", device: str = "auto") -> Vocoder:
    """The vocoder that a wish means for this model, ready to run. device: of BigVGAN; the others know the CPU alone.

    Raises `SdaError` where the vocoder, its weights or the device cannot be had.
    """
    choice = choose(document, wish)
    if choice.name != "hifigan":
        return by_name(choice.name, device)
    assert document.vocoder is not None
    _on_cpu(f"{document.name}'s own vocoder", device)
    return HifiganVocoder(document.vocoder, part(document, "vocoder."))


def by_name(name: str, device: str = "auto") -> Vocoder:
    """A vocoder that belongs to no model. Raises `SdaError` for an unknown name and as `build` does."""
    if name == "bigvgan":
        return universal.load(device)
    if name != "draft":
        raise ModelError(f"vocoder {name!r}: expected a model, bigvgan, or draft for the shipped base vocoder")
    _on_cpu("the shipped draft", device)
    spec, weights, _ = read_base()
    return HifiganVocoder(spec, weights)


def _for_all() -> Choice:
    """BigVGAN where it can be loaded, else the draft; and why."""
    missing = "the model has none of its own, and BigVGAN"
    place = universal.store()
    if place.state().status != "present":
        return Choice("draft", f"the shipped base vocoder, a draft: {missing} is not here; {FETCH}")
    try:
        place.usable()
    except WeightsError as error:
        return Choice("draft", f"the shipped base vocoder, a draft: {missing} cannot be used: {error}")
    return Choice("bigvgan", f"the universal vocoder: the model has none of its own{_unverified()}")


def _unverified() -> str:
    return ", with UNVERIFIED weights" if universal.store().state().verdict == "unverified" else ""


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


class Networks:
    """A model's encoder and decoder; each session is built at first use."""

    def __init__(self, document: ModelDocument) -> None:
        self._spec, self._weights = document.vae, part(document, "vae.")
        self._sessions: dict[str, InferenceSession] = {}

    def decode(self, z: Floats) -> Floats:
        """Latent points [B, Z] to normalised mels [B, M, F]."""
        if "decoder" not in self._sessions:
            self._sessions["decoder"] = graph.session(graph.decoder_graph(self._spec, self._weights))
        mel: Floats = self._sessions["decoder"].run(None, {"z": z})[0]
        return mel

    def encode(self, mel: Floats) -> Floats:
        """Normalised mels [B, M, F] to posterior means [B, Z]."""
        if "encoder" not in self._sessions:
            self._sessions["encoder"] = graph.session(graph.encoder_graph(self._spec, self._weights))
        mean: Floats = self._sessions["encoder"].run(None, {"mel": mel})[0]
        return mean
