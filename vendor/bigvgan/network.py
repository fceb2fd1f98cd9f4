"""The inference network of BigVGAN-v2 in torch, from Lee et al. 2023 (arXiv 2206.04658) and the published configuration.

Log-mel in, waveform out: upsampling stages whose residual blocks (AMP, section 3.3) are periodic by SnakeBeta and kept from
aliasing by running it at twice the rate. Names of the weights are those of the published checkpoint, weight norm folded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

CHECKPOINT_KEY = "generator"
ACTIVATION_REACH = 5  # samples either way: three to rise to twice the rate, two more to come back
POST_TAPS = 7  # of the convolutions before and after the stages


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The shape of the network; the default is nvidia/bigvgan_v2_44khz_128band_512x."""

    n_mels: int = 128
    channels: int = 1536  # after the first convolution; halved by each stage
    rates: tuple[int, ...] = (8, 4, 2, 2, 2, 2)  # upsampling factor of each stage; kernels are twice as long
    res_kernels: tuple[int, ...] = (3, 7, 11)
    dilations: tuple[int, ...] = (1, 3, 5)

    @property
    def hop(self) -> int:
        """Samples per mel frame."""
        return math.prod(self.rates)

    @property
    def context(self) -> int:
        """Mel frames on either side that a frame's samples can depend on, rounded up.

        A transposed convolution reaches rate / 2 of its output samples, a residual block those of its convolutions and
        activations; blocks stand side by side, so the longest counts. All is symmetric.
        """
        per_frame, reach = 1, float(POST_TAPS // 2)
        taps = (max(self.res_kernels) - 1) // 2 * (sum(self.dilations) + len(self.dilations))
        block = taps + 2 * len(self.dilations) * ACTIVATION_REACH
        for rate in self.rates:
            per_frame *= rate
            reach += (rate / 2 + block) / per_frame
        return math.ceil(reach + (ACTIVATION_REACH + POST_TAPS // 2) / self.hop)


def lowpass() -> Tensor:
    """The filter [12] of every change of rate: windowed sinc, cutoff a quarter of the doubled rate, sum 1.

    Kaiser's formulas for the window (Kaiser 1974; Oppenheim & Schafer, section 7.6) with a transition of 0.6 / 2 either
    way, 12 taps.
    """
    taps, half_width = 12, 0.6 / 2
    attenuation = 2.285 * (taps / 2 - 1) * math.pi * 4 * half_width + 7.95  # dB
    assert attenuation > 50
    window = torch.kaiser_window(taps, periodic=False, beta=0.1102 * (attenuation - 8.7), dtype=torch.float64)
    kernel = window * torch.sinc((torch.arange(taps, dtype=torch.float64) - (taps - 1) / 2) / 2)
    return (kernel / kernel.sum()).float()


def phases() -> Tensor:
    """The low-pass split into what it does to even and odd samples: [4, 1, 7], up to even, to odd, down from even, from odd.

    Of the twelve taps six meet each phase, because every other sample of a signal spread to twice its rate is zero. Up:
    even[t] = 2 sum_j x[t + j] f[5 - 2 j], odd[t] = 2 sum_j x[t + j] f[6 - 2 j]. Down: y[t] = sum_j even[t + j] f[5 + 2 j]
    + odd[t + j] f[6 + 2 j]. j runs from -3 to 3, and where f has no such tap it is zero.
    """
    kernel, split = lowpass(), torch.zeros(4, 1, 7)
    for j in range(-3, 4):
        for phase in (0, 1):
            if 0 <= 5 + phase - 2 * j < 12:
                split[phase, 0, j + 3] = 2 * kernel[5 + phase - 2 * j]
            if 0 <= 5 + phase + 2 * j < 12:
                split[2 + phase, 0, j + 3] = kernel[5 + phase + 2 * j]
    return split


class SnakeBeta(nn.Module):
    """x + sin²(a x) / b with a = exp(alpha), b = exp(beta) for each channel (Ziyin et al. 2020, arXiv 2006.08195, eq. 3)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.alpha, self.beta = nn.Parameter(torch.zeros(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """x [B, C, T], changed in place to save memory."""
        frequency, height = self.scales()
        wave = (x * frequency[:, None]).sin_().square_().mul_(height[:, None])
        return x.add_(wave)

    def scales(self) -> tuple[Tensor, Tensor]:
        """a [C] and 1 / b [C]; the reference adds 1e-9 to b against division by zero."""
        return self.alpha.exp(), 1 / (self.beta.exp() + 1e-9)


class Activation(nn.Module):
    """SnakeBeta at twice the rate: [B, C, T] up, bent, down to [B, C, T]. The ends repeat beyond both edges."""

    phases: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.act = SnakeBeta(channels)
        self.register_buffer("phases", phases(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        up_even, up_odd, down_even, down_odd = self.phases.unsqueeze(1).expand(-1, channels, -1, -1)
        x = F.pad(x, (3, 3), mode="replicate")
        even = self.act(F.conv1d(x, up_even, groups=channels))
        odd = self.act(F.conv1d(x, up_odd, groups=channels))
        # At the doubled rate it is the first even and the last odd sample that repeat, in both phases.
        before, after = even[..., :1].expand(-1, -1, 3), odd[..., -1:].expand(-1, -1, 3)
        y = F.conv1d(torch.cat([before, even, after], dim=2), down_even, groups=channels)
        return y.add_(F.conv1d(torch.cat([before, odd, after], dim=2), down_odd, groups=channels))


class Conv(nn.Module):
    """Convolution [B, C, T] -> [B, O, T], zeros beyond the edges."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int = 1, *, bias: bool = True) -> None:
        super().__init__()
        self.dilation, self.padding = dilation, dilation * (kernel - 1) // 2
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return F.conv1d(x, self.weight, self.bias, padding=self.padding, dilation=self.dilation)


class Upsampler(nn.Module):
    """Transposed convolution [B, C, T] -> [B, C / 2, T * rate] with a kernel of twice the rate."""

    def __init__(self, inputs: int, rate: int) -> None:
        super().__init__()
        self.rate = rate
        self.weight = nn.Parameter(torch.zeros(inputs, inputs // 2, 2 * rate))
        self.bias = nn.Parameter(torch.zeros(inputs // 2))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv_transpose1d(x, self.weight, self.bias, stride=self.rate, padding=self.rate // 2)


class AmpBlock(nn.Module):
    """Residual pairs of a dilated and a plain convolution, each after its activation (the paper's figure 1, right)."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(Conv(channels, channels, kernel, dilation) for dilation in dilations)
        self.convs2 = nn.ModuleList(Conv(channels, channels, kernel) for _ in dilations)
        self.activations = nn.ModuleList(Activation(channels) for _ in range(2 * len(dilations)))

    def pairs(self) -> Iterator[tuple[Activation, Conv, Activation, Conv]]:
        """What each residual pair applies, in order."""
        yield from zip(self.activations[::2], self.convs1, self.activations[1::2], self.convs2, strict=True)

    def forward(self, x: Tensor) -> Tensor:
        for before, dilated, between, plain in self.pairs():
            x = x + plain(between(dilated(before(x))))
        return x


class Network(nn.Module):
    """Log-mel [B, M, F] in nat -> waveform [B, 1, T = hop * F] in -1..1."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.conv_pre = Conv(config.n_mels, config.channels, POST_TAPS)
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        channels = config.channels
        for rate in config.rates:
            self.ups.append(nn.ModuleList([Upsampler(channels, rate)]))
            channels //= 2
            for kernel in config.res_kernels:
                self.resblocks.append(AmpBlock(channels, kernel, config.dilations))
        self.activation_post = Activation(channels)
        self.conv_post = Conv(channels, 1, POST_TAPS, bias=False)

    def stages(self) -> Iterator[tuple[Upsampler, list[AmpBlock]]]:
        """Each upsampler with the residual blocks whose mean follows it."""
        side_by_side = len(self.config.res_kernels)
        for stage, (up,) in enumerate(self.ups):  # type: ignore[misc]
            yield up, list(self.resblocks[stage * side_by_side : (stage + 1) * side_by_side])  # type: ignore[arg-type, has-type]

    def forward(self, log_mel: Tensor) -> Tensor:
        x = self.conv_pre(log_mel)
        for up, blocks in self.stages():
            x = up(x)
            total = blocks[0](x)
            for block in blocks[1:]:
                total += block(x)
            x = total.div_(len(blocks))
        return self.conv_post(self.activation_post(x)).clamp_(-1, 1)  # type: ignore[no-any-return]


def load(path: Path, config: Config | None = None) -> Network:
    """The network with the weights of `bigvgan_generator.pt`, a pickle of tensors below the key `generator`.

    config: the published one where it is None, at the width that the weights have.
    Raises `OSError` where the file cannot be read and `ValueError` where it is anything else; nothing in it is run.
    """
    try:
        document = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # torch names no set of errors for damaged files
        raise ValueError(f"{path.name}: expected a pickle of tensors alone, found what torch refuses: {_line(error)}") from None
    weights = document.get(CHECKPOINT_KEY) if isinstance(document, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in weights.items()):
        raise ValueError(f"{path.name}: expected named tensors below the key {CHECKPOINT_KEY!r}, found none")
    try:
        return from_weights(weights, config)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from None


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Network:
    """The network with what `to_arrays` gave. Raises `ValueError` as `from_weights` does."""
    return from_weights({name: torch.from_numpy(array) for name, array in arrays.items()})


def to_arrays(network: Network) -> dict[str, NDArray[np.float32]]:
    """The weights by name, weight norm folded; they share the network's memory."""
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}


def from_weights(weights: Mapping[str, Tensor], config: Config | None = None) -> Network:
    """The network with these weights, by the published names; weight norm, old style or new, is folded.

    config: the published one where it is None, at the width that the weights have.
    Raises `ValueError` naming the first tensor that is missing, too many, of another shape or not finite.
    """
    given = fold(weights)
    with torch.device("meta"):
        network = Network(config or _as_wide(given))
    for name, wanted in network.state_dict().items():
        if name not in given:
            raise ValueError(f"{name}: found no such tensor")
        found = given[name]
        if found.shape != wanted.shape:
            raise ValueError(f"{name}: expected the shape {list(wanted.shape)}, found {list(found.shape)}")
        if not torch.isfinite(found.sum()):
            raise ValueError(f"{name}: expected finite numbers")
    if unknown := sorted(given.keys() - network.state_dict().keys()):
        raise ValueError(f"{unknown[0]}: this network has no such tensor")
    network.load_state_dict(given, assign=True)
    for module in network.modules():
        if isinstance(module, Activation):
            module.phases = phases()
    return network.eval().requires_grad_(False)


def _as_wide(weights: Mapping[str, Tensor]) -> Config:
    """The published configuration, but as many channels as the first convolution has."""
    published, first = Config(), weights.get("conv_pre.bias")
    fits = first is not None and first.ndim == 1 and len(first) > 0 and len(first) % 2 ** len(published.rates) == 0
    return Config(channels=len(first)) if first is not None and fits else published


def fold(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Bare float32 weights: weight = g v / |v| for each row (Salimans & Kingma 2016, arXiv 1602.07868, eq. 2).

    The low-pass filters that a checkpoint carries are the same in every layer: they are compared with ours and left out.
    """
    styles = ((".weight_g", ".weight_v"), (".parametrizations.weight.original0", ".parametrizations.weight.original1"))
    bare = {name: tensor.detach().float() for name, tensor in weights.items()}
    for length, direction in styles:
        for name in [name for name in bare if name.endswith(length)]:
            layer = name.removesuffix(length)
            g, v = bare.pop(name), bare.pop(layer + direction, None)
            if v is None or g.shape != (len(v), *(1,) * (v.ndim - 1)):
                raise ValueError(f"{layer}: expected a direction and a length for each of its rows")
            norm = torch.linalg.vector_norm(v, dim=tuple(range(1, v.ndim)), keepdim=True)
            bare[f"{layer}.weight"] = v * (g / norm)
    ours = lowpass()
    for name in [name for name in bare if name.endswith(".filter")]:
        found = bare.pop(name)
        if found.numel() != ours.numel() or not torch.allclose(found.flatten(), ours, atol=1e-5):
            raise ValueError(f"{name}: expected the low-pass filter of the paper, found another")
    return bare


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
