"""The VAE as ONNX graphs, made from its spec and weights without torch. The torch net is `vae`; both are equal to 1e-4.

Group normalisation is instance normalisation of each group's channels as one.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sda.core.onnx_writer import Floats, Writer
from sda.core.ort import session
from sda.spec import VaeSpec

__all__ = ["decoder_graph", "encoder_graph", "session"]

GROUPS, NECK, SOFTPLUS_BETA = 8, 48, 20.0  # as in `vae`
LOGVAR_RANGE = (-12.0, 6.0)
NORM_EPSILON = 1e-5  # torch's


def decoder_graph(spec: VaeSpec, weights: Mapping[str, Floats]) -> bytes:
    """`z` [B, Z] -> `mel` [B, M, L], normalised. weights: by their names in `vae.Vae`'s state dict.

    Raises `ModelError` where a weight is missing or of another shape.
    """
    layers = _Layers(spec, Writer("VAE decoder", weights))
    writer, width, bands, short = layers.writer, spec.width, spec.n_mels, spec.frames // 8
    z = writer.input("z", ("B", spec.latent))
    h = writer.reshape(layers.linear("decoder.stem", z, spec.latent, width * short), 0, width, 1, short)
    h = layers.residual("decoder.blocks.0", h)
    for number in range(3):
        twice = writer.reshape(h, 0, width, -1, 1)  # [B, W, T, 1]
        h = writer.reshape(writer.node("Concat", [twice, twice], {"axis": 3}), 0, width, 1, -1)  # [B, W, 1, 2 T]
        h = layers.conv(f"decoder.ups.{number}", h, width, width, 3)
        h = layers.residual(f"decoder.blocks.{number + 1}", h)
    h = layers.conv("decoder.conv_out", layers.active("decoder.norm", h), width, bands, 3)
    skip = writer.reshape(layers.linear("decoder.skip", z, spec.latent, bands * spec.frames), 0, bands, spec.frames)
    standard = writer.node("Add", [writer.reshape(h, 0, bands, spec.frames), skip])
    # The bands' deviation and mean, already times the softplus' beta.
    std, mean = (writer.weight(f"band_{name}", bands)[:, None] * SOFTPLUS_BETA for name in ("std", "mean"))
    scaled = writer.node("Add", [writer.node("Mul", [standard, writer.floats(std)]), writer.floats(mean)])
    writer.output("mel", layers.softplus(scaled), ("B", bands, spec.frames))
    return writer.to_bytes()


def encoder_graph(spec: VaeSpec, weights: Mapping[str, Floats]) -> bytes:
    """`mel` [B, M, L], normalised -> `mean` and `logvar` [B, Z]. weights and errors as for `decoder_graph`."""
    layers = _Layers(spec, Writer("VAE encoder", weights))
    writer, width, bands, latent = layers.writer, spec.width, spec.n_mels, spec.latent
    mel = writer.input("mel", ("B", bands, spec.frames))
    std, mean = (writer.weight(f"band_{name}", bands)[:, None] for name in ("std", "mean"))
    standard = writer.node("Div", [writer.node("Sub", [mel, writer.floats(mean)]), writer.floats(std)])
    h = layers.conv("encoder.conv_in", writer.reshape(standard, 0, bands, 1, spec.frames), bands, width, 5)
    for number in range(3):
        h = layers.residual(f"encoder.blocks.{number}", h)
        weight, bias = layers.pair(f"encoder.downs.{number}", (width, width, 4))
        h = writer.conv(h, weight, bias, {"pads": [0, 1, 0, 1], "strides": [1, 2]})
    h = layers.active("encoder.norm", layers.residual("encoder.blocks.3", h))
    h = writer.reshape(layers.conv("encoder.neck", h, width, NECK, 1), 0, -1)
    head = layers.linear("encoder.head", h, NECK * (spec.frames // 8), 2 * latent)
    skip = layers.linear("encoder.skip", writer.reshape(standard, 0, -1), bands * spec.frames, latent)
    low, high = (writer.floats(np.array(limit)) for limit in LOGVAR_RANGE)
    logvar = writer.node("Clip", [writer.slice(head, latent, 2 * latent), low, high])
    writer.output("mean", writer.node("Add", [writer.slice(head, 0, latent), skip]), ("B", latent))
    writer.output("logvar", logvar, ("B", latent))
    return writer.to_bytes()


class _Layers:
    """The VAE's layers on [B, C, 1, T], by the names of their weights."""

    def __init__(self, spec: VaeSpec, writer: Writer) -> None:
        self.spec, self.writer = spec, writer

    def pair(self, name: str, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
        """A layer's weight and its bias, one a row of the weight."""
        return self.writer.weight(f"{name}.weight", *shape), self.writer.weight(f"{name}.bias", shape[0])

    def linear(self, name: str, x: str, inputs: int, outputs: int) -> str:
        """[B, inputs] -> [B, outputs]."""
        weight, bias = self.pair(name, (outputs, inputs))
        return self.writer.node("Gemm", [x, self.writer.floats(weight.T), self.writer.floats(bias)])

    def conv(self, name: str, x: str, inputs: int, outputs: int, kernel: int) -> str:
        """Symmetric convolution, zeros beyond the edges."""
        weight, bias = self.pair(name, (outputs, inputs, kernel))
        return self.writer.conv(x, weight, bias, {"pads": [0, kernel // 2, 0, kernel // 2]})

    def active(self, name: str, x: str) -> str:
        """silu of the group normalisation; x [B, W, 1, T]."""
        writer, width = self.writer, self.spec.width
        ones, zeros = writer.floats(np.ones(GROUPS)), writer.floats(np.zeros(GROUPS))
        grouped = writer.reshape(x, 0, GROUPS, -1)  # [B, groups, channels of one * T]
        normal = writer.node("InstanceNormalization", [grouped, ones, zeros], {"epsilon": NORM_EPSILON})
        scale, shift = (writer.floats(each[:, None, None]) for each in self.pair(name, (width,)))
        y = writer.node("Mul", [writer.reshape(normal, 0, width, 1, -1), scale])
        y = writer.node("Add", [y, shift])
        return writer.node("Mul", [y, writer.node("Sigmoid", [y])])

    def softplus(self, x: str) -> str:
        """ln(1 + e^x) / beta as (max(0, x) + ln(1 + e^-|x|)) / beta: its parts are fast, ONNX Runtime's own Softplus is not."""
        writer = self.writer
        small = writer.node("Exp", [writer.node("Neg", [writer.node("Abs", [x])])])
        rest = writer.node("Log", [writer.node("Add", [small, writer.floats(np.ones(1))])])
        both = writer.node("Add", [writer.node("Relu", [x]), rest])
        return writer.node("Mul", [both, writer.floats(np.array([1 / SOFTPLUS_BETA]))])

    def residual(self, name: str, x: str) -> str:
        """`vae.Residual`."""
        width, h = self.spec.width, x
        for number in (1, 2):
            h = self.conv(f"{name}.conv{number}", self.active(f"{name}.norm{number}", h), width, width, 3)
        return self.writer.node("Add", [x, h])
