"""The VAE of older programs as ONNX graphs, made from its weights without torch: two-dimensional convolutions on log1p mels.

The encoder halves bands and time four times, [1, M, F] to [C, H, W], flattens and ends in two linear heads; the decoder
goes the same way back. Mels are padded with zeros at their end, in time and bands, to multiples of 16.

Batch normalisation at rest is one factor and one summand a channel (Ioffe & Szegedy 2015, arXiv 1502.03167, algorithm 2),
which the convolution before it takes in. A transposed convolution of stride 2, 3 taps, padding 1 and output padding 1 is

    y[2 m] = w[1] x[m],    y[2 m + 1] = w[2] x[m] + w[0] x[m + 1]

in each direction: an ordinary convolution of 2 taps with four outputs a channel, laid side by side, which runs faster.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from sda.core.onnx_writer import Floats, Writer
from sda.core.ort import session
from sda.spec import OldVaeSpec

__all__ = ["decoder_graph", "encoder_graph", "expand", "session"]

LAST = 3  # the number of the layer that has no normalisation behind it
NORM_EPSILON = 1e-5  # torch's
LOGVAR_RANGE = (-20.0, 20.0)
LOUDEST = 16.0  # of log1p mels; a full-scale sine reaches about 12.5: a decoder asked for what never was must not overflow


def expand(normal: Floats) -> Floats:
    """The inverse of the old normalisation log1p: mel powers, never negative and never infinite."""
    powers = np.expm1(np.clip(normal, 0.0, np.float32(LOUDEST)))
    return np.asarray(powers, np.float32)


def decoder_graph(spec: OldVaeSpec, weights: Mapping[str, Floats]) -> bytes:
    """`z` [B, Z] -> `mel` [B, M, F], log1p of mel powers. weights: by their names in the old file's `model_state_dict`.

    Raises `ModelError` where a weight is missing or of another shape.
    """
    writer = Writer("old VAE decoder", weights)
    inner, (bands, frames) = spec.inner, spec.padded
    z = writer.input("z", ("B", spec.latent))
    h = writer.reshape(_linear(writer, "decoder.fc", z, spec.latent, int(np.prod(inner))), 0, *inner)
    widths = (*reversed(spec.channels), 1)
    for number, (inputs, outputs) in enumerate(pairwise(widths)):
        name, norm = f"decoder.deconvs.{4 * number}", f"decoder.deconvs.{4 * number + 1}"
        weight = writer.weight(f"{name}.weight", inputs, outputs, 3, 3).swapaxes(0, 1)  # [O, I, 3, 3]
        bias = writer.weight(f"{name}.bias", outputs)
        if number < LAST:
            weight, bias = _folded(writer, norm, weight, bias)
        h = _doubled(writer, h, weight, bias)
        if number < LAST:
            h = writer.node("Relu", [h])
    h = writer.slice(writer.reshape(h, 0, bands, frames), 0, spec.frames)
    h = writer.node("Slice", [h, writer.ints(0), writer.ints(spec.n_mels), writer.ints(1)])
    writer.output("mel", _activated(writer, h, spec.activation), ("B", spec.n_mels, spec.frames))
    return writer.to_bytes()


def encoder_graph(spec: OldVaeSpec, weights: Mapping[str, Floats]) -> bytes:
    """`mel` [B, M, F], log1p of mel powers -> `mean` and `logvar` [B, Z]. weights and errors as for `decoder_graph`."""
    writer = Writer("old VAE encoder", weights)
    bands, frames = spec.padded
    mel = writer.input("mel", ("B", spec.n_mels, spec.frames))
    h, beyond = writer.reshape(mel, 0, 1, spec.n_mels, spec.frames), [bands - spec.n_mels, frames - spec.frames]
    for number, (inputs, outputs) in enumerate(pairwise((1, *spec.channels))):
        name, norm = f"encoder.convs.{4 * number}", f"encoder.convs.{4 * number + 1}"
        weight = writer.weight(f"{name}.weight", outputs, inputs, 3, 3)
        weight, bias = _folded(writer, norm, weight, writer.weight(f"{name}.bias", outputs))
        shape = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1 + beyond[0], 1 + beyond[1]]}
        h = writer.node("Relu", [writer.node("Conv", [h, writer.floats(weight), writer.floats(bias)], shape)])
        beyond = [0, 0]
    h, inputs = writer.reshape(h, 0, -1), int(np.prod(spec.inner))
    writer.output("mean", _linear(writer, "encoder.fc_mu", h, inputs, spec.latent), ("B", spec.latent))
    low, high = (writer.floats(np.array(limit)) for limit in LOGVAR_RANGE)
    logvar = writer.node("Clip", [_linear(writer, "encoder.fc_logvar", h, inputs, spec.latent), low, high])
    writer.output("logvar", logvar, ("B", spec.latent))
    return writer.to_bytes()


def _linear(writer: Writer, name: str, x: str, inputs: int, outputs: int) -> str:
    """[B, inputs] -> [B, outputs]."""
    weight, bias = writer.weight(f"{name}.weight", outputs, inputs), writer.weight(f"{name}.bias", outputs)
    return writer.node("Gemm", [x, writer.floats(weight.T), writer.floats(bias)])


def _folded(writer: Writer, norm: str, weight: Floats, bias: Floats) -> tuple[Floats, Floats]:
    """A convolution's weight [O, I, 3, 3] and bias [O] with the batch normalisation behind it taken in."""
    scale, shift, mean, variance = (
        writer.weight(f"{norm}.{part}", len(bias)).astype(np.float64)
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    factor = scale / np.sqrt(np.maximum(variance, 0) + NORM_EPSILON)
    folded = weight * factor[:, None, None, None], (bias - mean) * factor + shift
    return folded[0].astype(np.float32), folded[1].astype(np.float32)


def _doubled(writer: Writer, x: str, weight: Floats, bias: Floats) -> str:
    """The transposed convolution of the module's docstring: x [B, I, H, W], weight [O, I, 3, 3] -> [B, O, 2 H, 2 W]."""
    outputs, inputs = weight.shape[:2]
    taps = np.zeros((2, 2, outputs, inputs, 2, 2), np.float32)  # output's phase in H and W first, input's distance last
    reach = ((0, 0, 1), (1, 0, 2), (1, 1, 0))  # phase, distance, tap
    for phase_h, far_h, tap_h in reach:
        for phase_w, far_w, tap_w in reach:
            taps[phase_h, phase_w, :, :, far_h, far_w] = weight[:, :, tap_h, tap_w]
    kernel = writer.floats(taps.reshape(4 * outputs, inputs, 2, 2))
    shape = {"kernel_shape": [2, 2], "pads": [0, 0, 1, 1]}
    y = writer.node("Conv", [x, kernel, writer.floats(np.tile(bias, 4))], shape)
    return writer.node("DepthToSpace", [y], {"blocksize": 2})


def _activated(writer: Writer, x: str, activation: str) -> str:
    """Sigmoid, or softplus as max(0, x) + ln(1 + e^-|x|), whose parts are fast."""
    if activation == "sigmoid":
        return writer.node("Sigmoid", [x])
    small = writer.node("Exp", [writer.node("Neg", [writer.node("Abs", [x])])])
    rest = writer.node("Log", [writer.node("Add", [small, writer.floats(np.ones(1))])])
    return writer.node("Add", [writer.node("Relu", [x]), rest])
