"""HiFi-GAN V2 generator in torch (Kong et al. 2020, arXiv 2010.05646, section 2.2), for training and for GPUs.

Differences from the paper, each measured to pay on small budgets: the input is normalised per band, every layer starts
variance-preserving, half of each upsampler starts as linear interpolation, weights are bare (no weight norm), and the
layers at the lowest rates may be causal (`GeneratorSpec.causal_stages`). It may be excited by partials and noise that
`excitation` works out from the mel: the last stages hear both, and the first one, whose upsampler is `even` then, says what of
them passes straight to the output. Where nothing else is to sound, the last stages are left out (`GeneratorSpec.mixer_only`).
Names of the weights are the reference's, but for that.

Convolutions run as two-dimensional ones of height 1 on channels-last tensors, which the CPU does a third faster.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sda.core.even import even
from sda.core.excitation import CHANNELS as EXCITATIONS
from sda.core.excitation import EXCITEMENT
from sda.spec import GeneratorSpec

SLOPE = 0.1  # of every leaky ReLU
LEAKY_GAIN = math.sqrt(2 / (1 + SLOPE**2))  # keeps the variance through a leaky ReLU (He et al. 2015, eq. 15)


class Conv(nn.Module):
    """Convolution [B, C, 1, T] -> [B, O, 1, T], symmetric or causal, zeros beyond the edges."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int = 1, *, causal: bool) -> None:
        super().__init__()
        self.dilation, self.causal = dilation, causal
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        weight, reach = self.weight.unsqueeze(2), self.dilation * (self.weight.shape[-1] - 1)
        if self.causal:
            return F.conv2d(F.pad(x, (reach, 0)), weight, self.bias, dilation=(1, self.dilation))
        return F.conv2d(x, weight, self.bias, padding=(0, reach // 2), dilation=(1, self.dilation))


class Upsampler(nn.Module):
    """Transposed convolution [B, C, 1, T] -> [B, C / 2, 1, T * rate] with a kernel of twice the rate.

    steady: what does not change comes out as what does not change, whatever the weights are.
    """

    def __init__(self, inputs: int, outputs: int, rate: int, *, steady: bool) -> None:
        super().__init__()
        self.rate, self.steady = rate, steady
        self.weight = nn.Parameter(torch.empty(inputs, outputs, 2 * rate))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        weight, rate = even(self.weight) if self.steady else self.weight, self.rate
        return F.conv_transpose2d(x, weight.unsqueeze(2), self.bias, stride=(1, rate), padding=(0, rate // 2))


class ResBlock(nn.Module):
    """Three residual pairs of dilated and plain convolutions at one rate (the paper's MRF, type "1")."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...], *, causal: bool) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(Conv(channels, channels, kernel, d, causal=causal) for d in dilations)
        self.convs2 = nn.ModuleList(Conv(channels, channels, kernel, causal=causal) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for first, second in zip(self.convs1, self.convs2, strict=True):
            x = x + second(F.leaky_relu(first(F.leaky_relu(x, SLOPE)), SLOPE))
        return x


class Excitation(nn.Module):
    """Convolution of partials and noise [B, 2, 1, T] down to a stage's rate, [B, C, 1, T / stride], centred on its samples."""

    def __init__(self, channels: int, stride: int, taps: int) -> None:
        super().__init__()
        self.stride = stride
        self.weight = nn.Parameter(torch.zeros(channels, 2, taps))

    def forward(self, both: Tensor) -> Tensor:
        weight, stride = self.weight.unsqueeze(2) * EXCITEMENT, self.stride
        return F.conv2d(both, weight, stride=(1, stride), padding=(0, stride // 2))


class Mixer(nn.Module):
    """The excitation [B, E, 1, T] mixed to [B, 1, 1, T] as the first stage [B, C, 1, T / stride] says, channel by channel.

    A way around every other layer: what is excited passes without distortion. At the beginning all of it is let through.
    """

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.gate = Conv(channels, EXCITATIONS, 1, causal=False)
        nn.init.zeros_(self.gate.weight)
        nn.init.constant_(self.gate.bias, 1.0)

    def forward(self, x: Tensor, excitation: Tensor) -> Tensor:
        gates = F.interpolate(self.gate(x).squeeze(2), scale_factor=float(self.stride), mode="linear").unsqueeze(2)
        return (excitation * gates).sum(dim=1, keepdim=True)


class Generator(nn.Module):
    """Log-mel [B, M, F] in nat (noise [B, N, F], excitation [B, E, T]) -> waveform [B, 1, T = hop * F].

    It lies in -1..1, but for an excitation, which is added after the tanh, as that would distort it: other phases than a
    recording's may add up to more.
    """

    mel_mean: Tensor
    mel_std: Tensor

    def __init__(self, spec: GeneratorSpec) -> None:
        super().__init__()
        self.spec = spec
        self.register_buffer("mel_mean", torch.zeros(spec.n_mels))
        self.register_buffer("mel_std", torch.ones(()))
        self.conv_pre = Conv(spec.inputs, spec.channels, 7, causal=spec.causal_stages > 0)
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        self.excitations = nn.ModuleDict()
        channels, stride = spec.channels, spec.hop
        for stage, (rate, causal) in enumerate(zip(spec.rates[: spec.built], spec.is_causal[: spec.built], strict=True)):
            self.ups.append(Upsampler(channels, channels // 2, rate, steady=stage == 0 and spec.excited > 0))
            channels, stride = channels // 2, stride // rate
            if spec.is_excited[stage]:
                self.excitations[str(stage)] = Excitation(channels, stride, spec.excitation_taps[stage])
            if stage == 0 and spec.excited:
                self.mixer = Mixer(channels, stride)
            for kernel in spec.res_kernels:
                self.resblocks.append(ResBlock(channels, kernel, spec.dilations, causal=causal))
        if not spec.mixer_only:
            self.conv_post = Conv(channels, 1, 7, causal=False)

    def forward(
        self,
        log_mel: Tensor,
        before: int = 0,
        after: int = 0,
        noise: Tensor | None = None,
        excitation: Tensor | None = None,
    ) -> Tensor:
        """before, after: frames at the ends that are surroundings only, known but not sounded.

        noise: standard normal [B, N, F], excitation: `excite`'s [B, E, hop * F], in step with the frames; where the spec has
        any.

        They pass through the causal layers, which hold most of the net's reach and little of its work; the others see
        no more of them than they reach.
        """
        spec, frames = self.spec, log_mel.shape[-1]
        margin = math.ceil(spec.look_ahead / spec.hop)  # of the symmetric layers, the same on either side
        first, last = max(0, before - margin), frames - max(0, after - margin)
        x = (log_mel - self.mel_mean[:, None]) / self.mel_std
        if noise is not None:
            x = torch.cat([x, noise], dim=1)
        x = self.conv_pre(x.unsqueeze(2).contiguous(memory_format=torch.channels_last))
        mixed = both = x.new_zeros(1)
        if excitation is not None:
            excitation = excitation.unsqueeze(2)
            both = excitation.unflatten(1, (2, -1)).sum(dim=2) if self.excitations else both
        side_by_side = len(self.spec.res_kernels)
        for stage, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, SLOPE))
            if str(stage) in self.excitations:
                x = x + self.excitations[str(stage)](both)
            blocks = self.resblocks[stage * side_by_side : (stage + 1) * side_by_side]
            x = sum((block(x) for block in blocks), x.new_zeros(())) / side_by_side
            if stage == 0 and excitation is not None:
                mixed = self.mixer(x, excitation)
            if stage + 1 == min(max(1, spec.causal_stages), spec.built):
                per_frame = x.shape[-1] // frames
                x = x[..., first * per_frame : last * per_frame]
                if excitation is not None:
                    both, mixed = (sound[..., first * spec.hop : last * spec.hop] for sound in (both, mixed))
        audio: Tensor = mixed if spec.mixer_only else torch.tanh(self.conv_post(F.leaky_relu(x, 0.01))) + mixed
        audio = audio.squeeze(2)
        return audio[..., (before - first) * spec.hop : audio.shape[-1] - (after - frames + last) * spec.hop]


def start_weights(net: Generator, random: torch.Generator) -> None:
    """Fill a generator with the variance-preserving start, in place.

    Each residual pair would double the variance at gain 1; its second convolution starts at a third, so that three
    pairs add about a third to it. The first half of each upsampler's outputs starts as linear interpolation (a triangle
    over 2 * rate samples) of a random mix of its inputs, the rest as noise.
    """

    def normal(parameter: nn.Parameter, std: float) -> None:
        parameter.data = torch.randn(parameter.shape, generator=random) * std

    normal(net.conv_pre.weight, 1 / math.sqrt(net.conv_pre.weight[0].numel()))
    if not net.spec.mixer_only:
        normal(net.conv_post.weight, 1 / math.sqrt(net.conv_post.weight[0].numel()))
        net.conv_post.weight.data *= 0.001 if net.spec.excited else 0.1  # audio's own level is far below the tanh's range
    for excitation in net.excitations.values():
        assert isinstance(excitation, Excitation)
        normal(excitation.weight, 1 / math.sqrt(excitation.weight[0].numel()))
    for block in net.resblocks:
        assert isinstance(block, ResBlock)
        for first, second in zip(block.convs1, block.convs2, strict=True):
            assert isinstance(first, Conv)
            assert isinstance(second, Conv)
            fan_in = first.weight[0].numel()
            normal(first.weight, LEAKY_GAIN / math.sqrt(fan_in))
            normal(second.weight, LEAKY_GAIN / math.sqrt(fan_in) / 3)
    for up in net.ups:
        assert isinstance(up, Upsampler)
        inputs, outputs, taps = up.weight.shape
        normal(up.weight, LEAKY_GAIN / math.sqrt(2 * inputs))
        triangle = 1 - (torch.arange(taps) + 0.5 - up.rate).abs() / up.rate
        mix = torch.randn(inputs, outputs // 2, generator=random) * LEAKY_GAIN / math.sqrt(inputs)
        up.weight.data[:, : outputs // 2] = mix[..., None] * triangle


def grown(weights: Mapping[str, Tensor], spec: GeneratorSpec, seed: int = 0) -> dict[str, Tensor]:
    """The weights of a generator that has less, in one of `spec`: what it lacks is as at the start, and next to silent."""
    net = Generator(spec)
    start_weights(net, torch.Generator().manual_seed(seed))
    net.conv_post.weight.data *= 0.1  # beside sound that is right already, a thousandth is heard in its valleys
    return {**net.state_dict(), **weights}
