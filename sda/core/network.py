"""A model's VAE ready to run, of either kind: what the signal path asks of it, and nothing of how it is built.

Between the decoder and the grains stand linear mel magnitudes, whatever the model's own normalised mel is: for those the
grains were measured. Each session is built at first use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from sda.core import graph, grid, old_vae
from sda.errors import ModelError
from sda.spec import NetworkSpec, OldVaeSpec, VaeSpec

Floats = NDArray[np.float32]


class Network(Protocol):
    """A VAE between latent points, its normalised mel and linear magnitudes."""

    frames: int  # decoder length F

    def decode(self, z: Floats) -> Floats:
        """Latent points [B, Z] to normalised mels [B, M, F]."""
        ...

    def encode(self, normal: Floats) -> Floats:
        """Normalised mels [B, M, F] to posterior means [B, Z]. Raises `ModelError` where the file holds no whole encoder."""
        ...

    def normalise(self, mel: Floats) -> Floats:
        """What `grid.magnitudes` gives on the model's grid [M, n], normalised."""
        ...

    def magnitudes(self, normal: Floats) -> Floats:
        """Normalised mels [..., M, n] as linear magnitudes."""
        ...


def build(spec: NetworkSpec, weights: Mapping[str, Floats]) -> Network:
    """The network of a spec; weights by the names that its kind gives them."""
    return _Old(spec, weights) if isinstance(spec, OldVaeSpec) else _New(spec, weights)


class _New:
    """This program's own VAE: log1p of gained magnitudes, one-dimensional convolutions."""

    def __init__(self, spec: VaeSpec, weights: Mapping[str, Floats]) -> None:
        self.frames, self._gain = spec.frames, spec.gain
        self._decoder = _Lazy(lambda: graph.decoder_graph(spec, weights))
        self._encoder = _Lazy(lambda: graph.encoder_graph(spec, weights))

    def decode(self, z: Floats) -> Floats:
        return self._decoder.run("z", z)

    def encode(self, normal: Floats) -> Floats:
        return self._encoder.run("mel", normal)

    def normalise(self, mel: Floats) -> Floats:
        return grid.compress(mel, self._gain)

    def magnitudes(self, normal: Floats) -> Floats:
        return grid.expand(normal, self._gain)


class _Old:
    """The VAE of older programs: log1p of mel powers."""

    def __init__(self, spec: OldVaeSpec, weights: Mapping[str, Floats]) -> None:
        self.frames, self._encodes = spec.frames, spec.encodes
        self._decoder = _Lazy(lambda: old_vae.decoder_graph(spec, weights))
        self._encoder = _Lazy(lambda: old_vae.encoder_graph(spec, weights))

    def decode(self, z: Floats) -> Floats:
        return self._decoder.run("z", z)

    def encode(self, normal: Floats) -> Floats:
        if not self._encodes:
            raise ModelError("this old model lacks its encoder's last layers: it can be played, but takes no recordings")
        return self._encoder.run("mel", normal)

    def normalise(self, mel: Floats) -> Floats:
        return np.log1p(mel)

    def magnitudes(self, normal: Floats) -> Floats:
        return np.sqrt(old_vae.expand(normal))


class _Lazy:
    """A session of which the first output is wanted."""

    def __init__(self, make: Callable[[], bytes]) -> None:
        self._make = make
        self._session: InferenceSession | None = None

    def run(self, name: str, value: Floats) -> Floats:
        if self._session is None:
            self._session = graph.session(self._make())
        found: Floats = self._session.run(None, {name: value})[0]
        return found
