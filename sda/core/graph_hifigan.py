"""The HiFi-GAN generator as an ONNX graph that goes on by n mel frames: only new samples are computed.

Every convolution keeps the end of its input, so a step sees that and n new frames. A symmetric layer then answers late by
its look-ahead, and so does everything behind it:

* A residual pair adds its input delayed by (d + 1)(K - 1) / 2, which lies within the (K - 1) d samples that its first
  convolution keeps anyway. That is why the input is kept as it is before the leaky ReLU.
* The blocks that stand side by side are delayed to the latest, K = 11, on one shared buffer of their common input.
* A transposed convolution of stride r and 2 r taps is a 2-tap convolution with r outputs a channel, laid side by side:
  y[r i + p - r / 2] = w[p] x[i] + w[p + r] x[i - 1]. It answers r / 2 of its output samples late.

Leaky ReLUs let positive factors through, so the mean over the blocks is a sum and the next layer's weights over 3.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sda.core.even import even
from sda.core.excitation import CHANNELS as EXCITATIONS
from sda.core.excitation import EXCITEMENT
from sda.core.onnx_writer import Floats, Writer
from sda.spec import EXCITATION_LATE, GeneratorSpec

SLOPE = 0.1  # of the leaky ReLUs, as in `hifigan`
LAST_SLOPE = 0.01  # of the one before conv_post
PRE_TAPS, POST_TAPS = 7, 7


def step_graph(spec: GeneratorSpec, weights: Mapping[str, Floats], frames: int) -> bytes:
    """The generator as ONNX for blocks of n = `frames` mel frames. weights: by their names in `hifigan.Generator`'s state dict.

    Inputs `heard` [1, M + N, 1, n], log-mel and noise, `excitation` [1, E, 1, n * hop] where the spec has any, as late as
    `excite` gives it, and `s0`, `s1`, ...; outputs `audio` [1, 1, 1, n * hop] and `t0`, ...: t's of one step are the s's of
    the next, and their shapes are the same for every n.
    Raises `ModelError` where a weight is missing or of another shape.
    """
    layers = _Layers(spec, Writer("vocoder", weights))
    layers.arrival(frames)
    x, samples, channels = layers.entry(frames), frames, spec.channels
    for stage, rate in enumerate(spec.rates[: spec.built]):
        x = layers.up(stage, x, channels, samples)
        channels, samples = channels // 2, samples * rate
        x = layers.excited(stage, x, channels, samples)
        x = layers.side_by_side(stage, x, channels, samples)
        if stage == 0:
            layers.mix(x, channels, samples)
    layers.exit(x, channels, samples)
    return layers.writer.to_bytes()


class _Layers:
    """The generator's layers, each written together with what it keeps."""

    def __init__(self, spec: GeneratorSpec, writer: Writer) -> None:
        self.spec, self.writer = spec, writer
        self.states = 0  # so far
        self.excitation, self.mixed = "", ""
        self.both, self.kept = "", 0  # partials and noise, with so many samples of the steps before

    def extended(self, x: str, channels: int, kept: int, samples: int) -> str:
        """x [1, C, 1, T] behind the last `kept` samples of the steps before: [1, C, 1, kept + T]."""
        if kept == 0:
            return x
        number, shape = self.states, (1, channels, 1, kept)
        self.states += 1
        both = self.writer.node("Concat", [self.writer.input(f"s{number}", shape), x], {"axis": 3})
        self.writer.output(f"t{number}", self.writer.slice(both, samples, samples + kept), shape)
        return both

    def arrival(self, frames: int) -> None:
        """Take in the excitation, and keep as much of it as the mixer needs, of its sums what the latest stage does."""
        spec, writer = self.spec, self.writer
        if not spec.excited:
            return
        samples = frames * spec.hop
        heard = writer.input("excitation", (1, EXCITATIONS, 1, samples))
        self.excitation = self.extended(heard, EXCITATIONS, spec.mixer_wait, samples)
        if not any(spec.is_excited):
            return
        kinds = np.repeat(np.eye(2), EXCITATIONS // 2, axis=1)[:, :, None]
        self.kept = max(spec.excitation_waits.values())
        self.both = self.extended(writer.conv(heard, kinds, np.zeros(2)), 2, self.kept, samples)

    def excited(self, stage: int, x: str, channels: int, samples: int) -> str:
        """x [1, C, 1, T] and what a stage makes of partials and noise of the same time."""
        spec, writer = self.spec, self.writer
        if not spec.is_excited[stage]:
            return x
        stride = spec.strides[stage]
        taps, start = spec.excitation_taps[stage], self.kept - spec.excitation_waits[stage]
        seen = writer.slice(self.both, start, start + samples * stride + taps - stride)
        weight = writer.weight(f"excitations.{stage}.weight", channels, 2, taps) * EXCITEMENT
        return writer.node("Add", [x, writer.conv(seen, weight, np.zeros(channels), {"strides": [1, stride]})])

    def mix(self, x: str, channels: int, samples: int) -> None:
        """Mix the excitation by the first stage's x [1, C, 1, T], gates going straight from sample to sample, and keep it
        until the rest of the net has answered."""
        spec, writer = self.spec, self.writer
        if not spec.excited:
            return
        stride, length = spec.strides[0], samples * spec.strides[0]
        weight = writer.weight("mixer.gate.weight", EXCITATIONS, channels, 1) / len(spec.res_kernels)
        gates = writer.conv(x, weight, writer.weight("mixer.gate.bias", EXCITATIONS))
        gates = self.extended(gates, EXCITATIONS, 1, samples)
        rising = (np.arange(stride) + 0.5) / stride
        ways = []
        for start, share in ((0, 1 - rising), (1, rising)):
            column = writer.reshape(writer.slice(gates, start, start + samples), 1, EXCITATIONS, samples, 1)
            ways.append(writer.node("Mul", [column, writer.floats(share)]))
        open_by = writer.reshape(writer.node("Add", ways), 1, EXCITATIONS, 1, length)
        let_through = writer.node("Mul", [writer.slice(self.excitation, 0, length), open_by])
        mixed = writer.conv(let_through, np.ones((1, EXCITATIONS, 1)), np.zeros(1))
        late = spec.look_ahead - spec.mixer_wait - EXCITATION_LATE
        self.mixed = writer.slice(self.extended(mixed, 1, late, length), 0, length)

    def entry(self, frames: int) -> str:
        """conv_pre [1, M + N, 1, n] -> [1, C, 1, n], with the normalisation of the mel in its weights."""
        spec, writer = self.spec, self.writer
        heard = writer.input("heard", (1, spec.inputs, 1, frames))
        weight = writer.weight("conv_pre.weight", spec.channels, spec.inputs, PRE_TAPS).astype(np.float64)
        weight[:, : spec.n_mels] /= writer.weight("mel_std")
        shift = weight[:, : spec.n_mels].sum(axis=2) @ writer.weight("mel_mean", spec.n_mels)
        bias = writer.weight("conv_pre.bias", spec.channels) - shift
        return writer.conv(self.extended(heard, spec.inputs, PRE_TAPS - 1, frames), weight, bias)

    def up(self, stage: int, x: str, channels: int, samples: int) -> str:
        """Leaky ReLU and transposed convolution, [1, C, 1, T] -> [1, C / 2, 1, T * rate]."""
        writer, rate, outputs = self.writer, self.spec.rates[stage], channels // 2
        summed = len(self.spec.res_kernels) if stage else 1
        weight = writer.weight(f"ups.{stage}.weight", channels, outputs, 2 * rate) / summed
        if stage == 0 and self.spec.excited:  # what opens the mixer
            weight = even(weight)
        taps = np.stack([weight[:, :, rate:], weight[:, :, :rate]], axis=-1)  # of the sample before, of this one [C, O, r, 2]
        taps = taps.transpose(1, 2, 0, 3).reshape(outputs * rate, channels, 2)
        bias = np.repeat(writer.weight(f"ups.{stage}.bias", outputs), rate)
        y = writer.conv(self.extended(writer.leaky(x, SLOPE), channels, 1, samples), taps, bias)  # [1, O * r, 1, T]
        y = writer.node("Transpose", [writer.reshape(y, outputs, rate, samples)], {"perm": [0, 2, 1]})  # [O, T, r]
        return writer.reshape(y, 1, outputs, 1, samples * rate)

    def side_by_side(self, stage: int, x: str, channels: int, samples: int) -> str:
        """The sum of one stage's residual blocks, [1, C, 1, T] -> [1, C, 1, T]."""
        spec, writer, causal = self.spec, self.writer, self.spec.is_causal[stage]
        delays = [0 if causal else sum(pair_delay(k, d) for d in spec.dilations) for k in spec.res_kernels]
        lags = [max(delays) - delay for delay in delays]
        kept = max(lag + (k - 1) * spec.dilations[0] for lag, k in zip(lags, spec.res_kernels, strict=True))
        before = self.extended(x, channels, kept, samples)
        active = writer.leaky(before, SLOPE)
        ends = []
        for number, (kernel, lag) in enumerate(zip(spec.res_kernels, lags, strict=True)):
            name = f"resblocks.{stage * len(spec.res_kernels) + number}"
            now, reach = kept - lag, (kernel - 1) * spec.dilations[0]  # where this block's first new sample lies
            whole = now == reach and lag == 0
            seen = active if whole else writer.slice(active, now - reach, now + samples)
            direct = x if causal else self.delayed(before, now, samples, kernel, spec.dilations[0])
            ends.append(self.block(name, seen, direct, channels, samples, kernel, causal=causal))
        return writer.node("Sum", ends)

    def block(self, name: str, active: str, direct: str, channels: int, samples: int, kernel: int, *, causal: bool) -> str:
        """A residual block. active: what its first convolution sees; direct: what is added to the first pair's answer."""
        writer, x = self.writer, ""
        for number, dilation in enumerate(self.spec.dilations):
            if number:
                reach = (kernel - 1) * dilation
                before = self.extended(x, channels, reach, samples)
                active = writer.leaky(before, SLOPE)
                direct = x if causal else self.delayed(before, reach, samples, kernel, dilation)
            y = self.conv(f"{name}.convs1.{number}", active, channels, kernel, dilation)
            y = self.extended(writer.leaky(y, SLOPE), channels, kernel - 1, samples)
            x = writer.node("Add", [self.conv(f"{name}.convs2.{number}", y, channels, kernel, 1), direct])
        return x

    def delayed(self, before: str, now: int, samples: int, kernel: int, dilation: int) -> str:
        """The samples that a symmetric pair answers to when its newest begin at `now` in `before`."""
        start = now - pair_delay(kernel, dilation)
        return self.writer.slice(before, start, start + samples)

    def conv(self, name: str, x: str, channels: int, kernel: int, dilation: int) -> str:
        """Convolution [1, C, 1, (K - 1) d + T] -> [1, C, 1, T]."""
        weight = self.writer.weight(f"{name}.weight", channels, channels, kernel)
        return self.writer.conv(x, weight, self.writer.weight(f"{name}.bias", channels), {"dilations": [1, dilation]})

    def exit(self, x: str, channels: int, samples: int) -> None:
        """Leaky ReLU, conv_post and tanh, [1, C, 1, T] -> `audio` [1, 1, 1, T]; and what is mixed, or that alone."""
        writer = self.writer
        if self.spec.mixer_only:
            writer.output("audio", self.mixed, (1, 1, 1, samples * self.spec.strides[0]))
            return
        weight = writer.weight("conv_post.weight", 1, channels, POST_TAPS) / len(self.spec.res_kernels)
        x = self.extended(writer.leaky(x, LAST_SLOPE), channels, POST_TAPS - 1, samples)
        y = writer.conv(x, weight, writer.weight("conv_post.bias", 1))
        audio = writer.node("Tanh", [y])
        audio = writer.node("Add", [audio, self.mixed]) if self.mixed else audio
        writer.output("audio", audio, (1, 1, 1, samples))


def pair_delay(kernel: int, dilation: int) -> int:
    """Samples by which a symmetric residual pair answers late."""
    return (dilation + 1) * (kernel - 1) // 2
