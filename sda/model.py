"""A trained model as an object: load it, move its sliders, encode, decode and render sound.

On the CPU every network runs in ONNX Runtime; torch is never imported here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sda import voices
from sda.core import grid, network
from sda.core.adapter import MelAdapter
from sda.core.chain import Chain
from sda.core.feed import between, fed
from sda.core.latent import LatentMap, Slider
from sda.core.offline import exactly, reconstruct, sound
from sda.core.render import Renderer, Voice
from sda.core.vocoder import HifiganVocoder
from sda.errors import ControlError, DeviceError
from sda.formats import model_file
from sda.formats.distill import ModelDocument
from sda.library import Library
from sda.mel import mono
from sda.params import Value, slug
from sda.spec import BIGVGAN_GRID, MelSpec

Floats = NDArray[np.float32]

BLOCK_CELLS = 16  # of an offline block: 32 frames, the longest that the vocoder has a graph for


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a model says of itself."""

    name: str
    id: str
    format: str
    grid: MelSpec
    sliders: tuple[Slider, ...]
    dataset: Mapping[str, Any]
    training: Mapping[str, Any]
    vocoder: str  # "hifigan" if it has its own, else "none"
    warnings: tuple[str, ...]


class Model:
    """One model, loaded. Networks are built at first use."""

    def __init__(self, document: ModelDocument) -> None:
        self.document = document
        self.sliders = tuple(Slider(**s) for s in document.analysis.get("sliders", ()))
        analysed = "analysis.home" in document.tensors
        self.map = LatentMap.from_tensors(document.tensors) if analysed else LatentMap.without_sliders(document.vae.latent)

    @cached_property
    def info(self) -> ModelInfo:
        """Name, dataset, training and everything else in the header."""
        d = self.document
        own = "hifigan" if d.vocoder is not None else "none"
        kind = model_file.format_of(d)
        return ModelInfo(d.name, d.id, kind, d.grid, self.sliders, d.dataset, d.training, own, d.notes)

    def latent(self, positions: Mapping[str | int, float]) -> Floats:
        """The latent point [Z] of slider positions given by name or 1-based number; the rest stand at 0.

        Raises `ControlError` for a slider that this model has not, or a position outside its range.
        """
        values = np.zeros(len(self.sliders))
        for key, position in positions.items():
            slider = self.slider(key)
            if not slider.low <= position <= slider.high:
                raise ControlError(f"slider {slider.name}: expected {slider.low:g} to {slider.high:g}, found {position:g}")
            values[slider.number - 1] = position
        point: Floats = self.map.point(values[None])[0]
        return point

    def slider(self, key: str | int) -> Slider:
        """A slider by name or 1-based number. Raises `ControlError` if there is none."""
        number = int(key) if isinstance(key, int) or key.isdigit() else None
        for slider in self.sliders:
            if slider.number == number or (number is None and slider.name == slug(str(key))):
                return slider
        have = ", ".join(f"{s.number} {s.name}" for s in self.sliders) or "none"
        raise ControlError(f"no slider {key!r} in {self.document.name}; it has: {have}")

    def decode(self, z: Floats) -> Floats:
        """The model's normalised mel [M, F] of a latent point [Z], or [B, M, F] of points [B, Z]."""
        mel = self._network.decode(np.atleast_2d(np.asarray(z, np.float32)))
        single: Floats = mel[0]
        return single if np.ndim(z) == 1 else mel

    def vocoder_mel(self, mel: Floats) -> Floats:
        """BigVGAN's log-mel [128, F'] of a normalised mel [M, F]: exact where the model lives on its grid, else converted."""
        magnitudes = self._network.magnitudes(np.asarray(mel, np.float32))
        if self.document.grid == BIGVGAN_GRID:
            return grid.to_log(magnitudes)
        return MelAdapter(self.document.grid)(np.square(magnitudes))

    def encode(self, audio: NDArray[Any], rate: int) -> Floats:
        """Posterior means [n, Z] of a recording [T] or [C, T], one per decoder length of sound, the last one padded."""
        mel = self._normal_mel(audio, rate)
        frames = self._network.frames
        padded = np.pad(mel, ((0, 0), (0, -mel.shape[1] % frames)))
        chunks = padded.reshape(len(mel), -1, frames).transpose(1, 0, 2)  # [n, M, F]
        return self._network.encode(np.ascontiguousarray(chunks))

    def renderer(self, *, rate: int = 48_000, values: Mapping[str, Value] | None = None, vocoder: str = "auto") -> Renderer:
        """The endless signal path of this model; values by control id ("slider.1", "density", ...)."""
        names = tuple(s.name for s in self.sliders)
        frames, grid = self._network.frames, self.document.grid
        voice = Voice(self.map, names, self._magnitudes, frames, grid, self.vocoder(vocoder))
        return Renderer(voice, rate, values)

    def vocoder(self, wish: str = "auto") -> HifiganVocoder:
        """The vocoder that a wish ("auto", "hifigan") means for this model; `voices.choose` says which and why."""
        return voices.build(self.document, wish)

    def blocks(
        self, seconds: float, *, values: Mapping[str, Value] | None = None, vocoder: str = "auto", rate: int = 48_000
    ) -> Iterator[Floats]:
        """Rendered sound in blocks [C, t], exactly round(seconds * rate) samples together, in constant memory."""
        renderer = self.renderer(rate=rate, values={**(values or {}), "play": True}, vocoder=vocoder)
        endless = (renderer.block(cells=BLOCK_CELLS) for _ in itertools.count())
        return exactly(endless, skip=renderer.stage_delay, length=round(seconds * rate), rate=rate)

    def render(
        self,
        seconds: float,
        *,
        sliders: Mapping[str | int, float] | None = None,
        values: Mapping[str, Value] | None = None,
        vocoder: str = "auto",
        seed: int = 0,
        rate: int = 48_000,
    ) -> Floats:
        """Rendered sound [C, T], T = round(seconds * rate); the same arguments give the same samples."""
        positions: dict[str, Value] = {f"slider.{self.slider(k).number}": v for k, v in (sliders or {}).items()}
        together = {**(values or {}), **positions, "seed": seed}
        return np.concatenate(list(self.blocks(seconds, values=together, vocoder=vocoder, rate=rate)), axis=1)

    def resynthesise(
        self, audio: NDArray[Any], rate: int, *, vocoder: str = "auto", out_rate: int = 48_000
    ) -> Iterator[Floats]:
        """A recording [T] or [C, T] through encoder, decoder and vocoder: blocks [C, t] of its own length together."""
        length = round(audio.shape[-1] * out_rate / rate)
        mel = self._normal_mel(audio, rate)
        magnitudes = reconstruct(mel, self._network.encode, self._magnitudes, self._network.frames)
        chain = Chain(self.vocoder(vocoder), out_rate)
        log_mels = fed(magnitudes, between(self.document.grid, chain.vocoder.spec))
        return exactly(sound(log_mels, chain), skip=chain.delay, length=length, rate=out_rate)

    def _normal_mel(self, audio: NDArray[Any], rate: int) -> Floats:
        single = mono(audio, rate, self.document.grid.sample_rate)
        return self._network.normalise(grid.magnitudes(single, self.document.grid))

    def _magnitudes(self, z: Floats) -> Floats:
        return self._network.magnitudes(self._network.decode(z))

    @cached_property
    def _network(self) -> network.Network:
        return network.build(self.document.vae, voices.part(self.document, "vae."))


def load(source: str | Path, device: str = "auto") -> Model:
    """A model by path, name, id or unique prefix; a path may lead to a file of an older program.

    Raises `SdaError` where it is missing, ambiguous or damaged.
    device: "auto" and "cpu" run in ONNX Runtime.
    """
    if device not in ("auto", "cpu"):
        raise DeviceError(f"device {device!r}: models play on the CPU in this version; expected auto or cpu")
    return Model(model_file.read(Library().resolve(str(source))))


def vocoder(source: str | Model, device: str = "auto") -> HifiganVocoder:
    """A vocoder: a model's own one (the shipped draft if it has none), or "draft" for the shipped one itself.

    It eats BigVGAN's log-mel; the own vocoder of an older program's model eats that model's normalised mel (`spec.eats`).
    """
    if device not in ("auto", "cpu"):
        raise DeviceError(f"device {device!r}: vocoders play on the CPU in this version; expected auto or cpu")
    if isinstance(source, Model):
        return source.vocoder()
    return voices.by_name(source)
