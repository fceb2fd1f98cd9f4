"""A trained model as an object: load it, move its sliders, encode, decode and render sound.

On the CPU every network but BigVGAN runs in ONNX Runtime; torch is imported for that one, and for a GPU's vocoder, alone.
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

from sda import universal, voices
from sda.choice import Choice, choose
from sda.core import grid, network, settle
from sda.core.adapter import MelAdapter
from sda.core.chain import Chain
from sda.core.latent import LatentMap, Slider
from sda.core.mel_path import Voice
from sda.core.offline import exactly, resynthesised
from sda.core.render import Renderer
from sda.core.settings import space_of
from sda.core.sound_map import NONE, Near, SoundMap
from sda.core.space import SpaceSettings
from sda.core.surroundings import Surroundings, Way
from sda.core.vocoder import Vocoder
from sda.errors import ControlError
from sda.formats import model_file
from sda.formats.distill import ModelDocument
from sda.graph_store import GraphStore
from sda.library import Library
from sda.mel import mono
from sda.params import Value, slug
from sda.spec import BIGVGAN_GRID, MelSpec

Floats = NDArray[np.float32]
Home = int | str | Floats | None
"""Where sliders start from: a chunk by number or name (`SoundMap.chunk`), a latent point [Z], or None, the model's own home."""


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

    def __init__(self, document: ModelDocument, device: str = "auto") -> None:
        self.document, self.device = document, device
        self._bigvgan: Vocoder | None = None
        self.sliders = tuple(Slider(**s) for s in document.analysis.get("sliders", ()))
        analysed = "analysis.home" in document.tensors
        tensors, latent = document.tensors, document.vae.latent
        analysed = "analysis.home" in tensors
        self.latent_map = LatentMap.from_tensors(tensors) if analysed else LatentMap.without_sliders(latent)
        self.map = SoundMap.of(document.analysis.get("map"), tensors, latent)

    @cached_property
    def info(self) -> ModelInfo:
        """Name, dataset, training and everything else in the header."""
        d = self.document
        own = "hifigan" if d.vocoder is not None else "none"
        kind = model_file.format_of(d)
        return ModelInfo(d.name, d.id, kind, d.grid, self.sliders, d.dataset, d.training, own, d.notes)

    def latent(self, positions: Mapping[str | int, float], *, home: Home = None) -> Floats:
        """The latent point [Z] of slider positions given by name or 1-based number; the rest stand at 0.

        Where several move, it is the one that sounds once they rest (`sda.core.settle`). home: see `Home`.
        Raises `ControlError` for a slider or a chunk that this model has not, or a position outside its range.
        """
        values = np.zeros(len(self.sliders))
        for key, position in positions.items():
            slider = self.slider(key)
            if not slider.low <= position <= slider.high:
                raise ControlError(f"slider {slider.name}: expected {slider.low:g} to {slider.high:g}, found {position:g}")
            values[slider.number - 1] = position
        measure = settle.measuring(self._magnitudes, self.document.grid, self.latent_map)
        return self.latent_map.settled(values, measure, self._start(home))

    def nearest(self, z: Floats) -> Near:
        """The second of a recording that sounds most like what the decoder makes of a latent point [Z], and how far it is.

        Raises `ControlError` for a model without a map.
        """
        apart = self._surroundings.apart(np.asarray(z, np.float32)[None])[0]
        return Near(self.map.chunk(int(apart.argmin()) + 1), round(float(apart.min()), 3))

    def between(self, a: Floats, b: Floats, count: int = 8) -> Way:
        """`count` latent points, two or more, from a [Z] to b [Z] that stay near the recordings, about evenly apart in sound.

        How near is in `Way.distances` (see `sda.core.likeness`). Raises `ControlError` as `nearest` does.
        """
        if count < 2:
            raise ControlError(f"a way has 2 points or more, found {count}")
        return self._surroundings.between(np.asarray(a, np.float32), np.asarray(b, np.float32), count)

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

    def renderer(
        self,
        *,
        rate: int = 48_000,
        values: Mapping[str, Value] | None = None,
        vocoder: str = "auto",
        channels: int = 2,
        for_file: bool = False,
        home: Home = None,
    ) -> Renderer:
        """The endless signal path of this model; values by control id ("slider.1", "density", ...), home: see `Home`.

        Sound that will be mono for ever may do with one channel of two; `for_file` changes the rate by soxr, as files want it.
        """
        names = tuple(s.name for s in self.sliders)
        frames, grid = self._network.frames, self.document.grid
        voice = Voice(self.latent_map, names, self._magnitudes, frames, grid, self.vocoder(vocoder), self.document.id, self.map)
        return Renderer(voice, rate, values, channels=channels, for_file=for_file, home=self._start(home))

    def choice(self, wish: str = "auto") -> Choice:
        """Which vocoder a wish ("auto", "bigvgan", "hifigan") means for this model, and why. Raises `ModelError`."""
        return choose(self.document, wish)

    def vocoder(self, wish: str = "auto") -> Vocoder:
        """The vocoder that a wish means for this model. BigVGAN, which takes seconds to load, is kept."""
        name = self.choice(wish).name
        if name != "bigvgan":
            return voices.build(self.document, name, self.device)
        if self._bigvgan is None:
            self._bigvgan = voices.build(self.document, name, self.device)
        return self._bigvgan

    def blocks(
        self,
        seconds: float,
        *,
        values: Mapping[str, Value] | None = None,
        vocoder: str = "auto",
        rate: int = 48_000,
        home: Home = None,
    ) -> Iterator[Floats]:
        """Rendered sound in blocks [C, t], exactly round(seconds * rate) samples together, in constant memory.

        C is 2, and 1 where `values` has the control `spatial` at "mono".
        """
        playing, length = {**(values or {}), "play": True}, round(seconds * rate)
        channels = _channels(space_of(playing))
        renderer = self.renderer(rate=rate, values=playing, vocoder=vocoder, channels=channels, for_file=True, home=home)
        cells = renderer.cells_for(length)
        endless = (renderer.block(cells) for _ in itertools.count())
        return exactly(endless, skip=renderer.stage_delay, length=length, rate=rate)

    def render(
        self,
        seconds: float,
        *,
        sliders: Mapping[str | int, float] | None = None,
        values: Mapping[str, Value] | None = None,
        vocoder: str = "auto",
        seed: int = 0,
        rate: int = 48_000,
        home: Home = None,
    ) -> Floats:
        """Rendered sound [C, T], T = round(seconds * rate); the same arguments give the same samples. home: see `Home`."""
        positions: dict[str, Value] = {f"slider.{self.slider(k).number}": v for k, v in (sliders or {}).items()}
        together = {**(values or {}), **positions, "seed": seed}
        return np.concatenate(list(self.blocks(seconds, values=together, vocoder=vocoder, rate=rate, home=home)), axis=1)

    def resynthesise(
        self,
        audio: NDArray[Any],
        rate: int,
        *,
        vocoder: str = "auto",
        out_rate: int = 48_000,
        values: Mapping[str, Value] | None = None,
    ) -> Iterator[Floats]:
        """A recording [T] or [C, T] through encoder, decoder and vocoder: blocks [C, t] of its own length together.

        values: of the controls `spatial`, `width`, ...; mono without any.
        """
        space = space_of({"spatial": "mono", **(values or {})})
        length = round(audio.shape[-1] * out_rate / rate)
        chain = Chain(self.vocoder(vocoder), out_rate, channels=_channels(space), for_file=True)
        return resynthesised(self._normal_mel(audio, rate), self._network, self.document.grid, chain, length, space)

    def _normal_mel(self, audio: NDArray[Any], rate: int) -> Floats:
        single = mono(audio, rate, self.document.grid.sample_rate)
        return self._network.normalise(grid.magnitudes(single, self.document.grid))

    def _start(self, home: Home) -> Floats | None:
        """The latent point [Z] that a wish for a home means. Raises `ControlError`."""
        if home is None or isinstance(home, int | str):
            return None if home is None else self.map.latent(home)
        if np.shape(home) != self.latent_map.home.shape or not np.isfinite(home).all():
            raise ControlError(f"home: expected a finite latent point {self.latent_map.home.shape}, found {np.shape(home)}")
        return np.asarray(home, np.float32)

    @cached_property
    def _surroundings(self) -> Surroundings:
        if not len(self.map):
            raise ControlError(f"{self.document.name}: {NONE}")
        return Surroundings(self.map.latents, self._magnitudes)

    def _magnitudes(self, z: Floats) -> Floats:
        return self._network.magnitudes(self._network.decode(z))

    @cached_property
    def _network(self) -> network.Network:
        return network.build(self.document.vae, voices.part(self.document, "vae."), GraphStore())


def _channels(space: SpaceSettings) -> int:
    return 1 if space.spatial == "mono" else 2


def load(source: str | Path, device: str = "auto") -> Model:
    """A model by path, name, id or unique prefix; a path may lead to a file of an older program.

    Raises `SdaError` where it is missing, ambiguous or damaged.
    device: of the vocoder, "auto", "cpu", "cuda" or "mps" (see `voices.by_name`); the VAE runs in ONNX Runtime on the CPU.
    """
    universal.check_device(device)
    return Model(model_file.read(Library().resolve(str(source))), device)


def vocoder(source: str | Model, device: str = "auto") -> Vocoder:
    """A vocoder: the one that "auto" means for a model, "bigvgan", or "draft" for the shipped one. Raises `SdaError`.

    It eats BigVGAN's log-mel; the own vocoder of an older program's model eats that model's normalised mel (`spec.eats`).
    """
    if isinstance(source, Model):
        return voices.build(source.document, "auto", device)
    return voices.by_name(source, device)
