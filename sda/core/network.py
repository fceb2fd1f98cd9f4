"""A model's VAE ready to run, of either kind: what the signal path asks of it, and nothing of how it is built.

Between the decoder and the grains stand linear mel magnitudes, whatever the model's own normalised mel is: for those the
grains were measured. Each session is built at first use. What writes graphs is imported only where one must be written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession

from sda.core import graphs, grid
from sda.core.graphs import Graphs
from sda.core.ort import session
from sda.errors import ModelError
from sda.spec import NetworkSpec, OldVaeSpec, VaeSpec

Floats = NDArray[np.float32]
Make = Callable[[str], bytes]
"""The graph of a network by which of them it is."""

DECODER, ENCODER = "decoder", "encoder"


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


def build(spec: NetworkSpec, weights: Mapping[str, Floats], kept: Graphs | None = None) -> Network:
    """The network of a spec; weights by the names that its kind gives them. kept: where graphs lie that were made before."""
    name = graphs.content("VAE", spec, weights) if kept is not None else ""
    lazy: Lazy = partial(_Lazy, kept, name)
    return _Old(spec, weights, lazy) if isinstance(spec, OldVaeSpec) else _New(spec, weights, lazy)


class _New:
    """This program's own VAE: log1p of gained magnitudes, one-dimensional convolutions."""

    def __init__(self, spec: VaeSpec, weights: Mapping[str, Floats], lazy: Lazy) -> None:
        def write(what: str) -> bytes:
            from sda.core import graph

            return (graph.decoder_graph if what == DECODER else graph.encoder_graph)(spec, weights)

        self.frames, self._gain = spec.frames, spec.gain
        self._decoder, self._encoder = lazy(DECODER, write), lazy(ENCODER, write)

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

    def __init__(self, spec: OldVaeSpec, weights: Mapping[str, Floats], lazy: Lazy) -> None:
        from sda.core import old_vae

        def write(what: str) -> bytes:
            return (old_vae.decoder_graph if what == DECODER else old_vae.encoder_graph)(spec, weights)

        self.frames, self._encodes, self._expand = spec.frames, spec.encodes, old_vae.expand
        self._decoder, self._encoder = lazy(DECODER, write), lazy(ENCODER, write)

    def decode(self, z: Floats) -> Floats:
        return self._decoder.run("z", z)

    def encode(self, normal: Floats) -> Floats:
        if not self._encodes:
            raise ModelError("this old model lacks its encoder's last layers: it can be played, but takes no recordings")
        return self._encoder.run("mel", normal)

    def normalise(self, mel: Floats) -> Floats:
        return np.log1p(mel)

    def magnitudes(self, normal: Floats) -> Floats:
        return np.sqrt(self._expand(normal))


class _Lazy:
    """A session of which the first output is wanted."""

    def __init__(self, kept: Graphs | None, network: str, what: str, make: Make) -> None:
        """kept: where the graph may lie, by the network's name and which of its graphs it is."""
        self._kept, self._network, self._what, self._make = kept, network, what, make
        self._session: InferenceSession | None = None

    def run(self, name: str, value: Floats) -> Floats:
        if self._session is None:
            self._session = session(graphs.made(self._kept, f"{self._network}-{self._what}", lambda: self._make(self._what)))
        found: Floats = self._session.run(None, {name: value})[0]
        return found


Lazy = Callable[[str, Make], _Lazy]
