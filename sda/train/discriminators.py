"""What tells recordings from made sound: the multi-period and multi-scale discriminators of HiFi-GAN, of any width.

Kong et al. 2020 (arXiv 2010.05646, section 2.3, after Kumar et al. 2019, arXiv 1910.06711). Each crop is divided by its own
RMS first: a narrow net does not learn from raw levels (accuracy .13 on recordings and .95 on made sound, with it .94 and
.96). Convolutions are two-dimensional on channels-last tensors and weights are bare, which the CPU does a third faster.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sda.train.vocoder_plan import DiscriminatorSpec

SLOPE = 0.1  # of every leaky ReLU
LEVEL = 0.5  # RMS of what they hear
QUIETEST = 1e-4  # RMS below which a crop is not made louder any further
SCALE_KERNELS = ((15, 1), (41, 2), (41, 2), (41, 4), (41, 4), (41, 1), (5, 1))  # taps and stride of each layer


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one discriminator says of a batch."""

    score: Tensor  # [B, ...], 1 for a recording, 0 for made sound
    features: tuple[Tensor, ...]  # of each layer but the last, [B, C, ...]


class Stack(nn.Module):
    """Convolutions [B, 1, W, T] along T, leaky ReLUs between them, and a last one to a single channel.

    Along the last axis: along the one before it, oneDNN's gradients of long kernels wrote beyond their memory (torch 2.14,
    41 taps on 17 samples).
    """

    def __init__(
        self, channels: tuple[int, ...], kernels: tuple[tuple[int, int], ...], last: int, groups: tuple[int, ...]
    ) -> None:
        """kernels: taps and stride of each layer; last: taps of the last one."""
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, (1, taps), (1, stride), padding=(0, taps // 2), groups=number)
            for (before, after), (taps, stride), number in zip(pairwise((1, *channels)), kernels, groups, strict=True)
        )
        self.last = nn.Conv2d(channels[-1], 1, (1, last), padding=(0, last // 2))

    def forward(self, x: Tensor) -> Opinion:
        features = []
        x = x.contiguous(memory_format=torch.channels_last)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), SLOPE)
            features.append(x)
        return Opinion(self.last(x).flatten(1), tuple(features))


class PeriodDiscriminator(nn.Module):
    """Sees every `period`-th sample side by side: [B, T] as [B, 1, period, T / period]."""

    def __init__(self, period: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.period = period
        self.stack = Stack(channels, ((5, 3),) * 4 + ((5, 1),), 3, (1,) * 5)

    def forward(self, audio: Tensor) -> Opinion:
        """audio: [B, T], its end reflected up to a whole number of periods."""
        missing = -audio.shape[1] % self.period
        audio = F.pad(audio.unsqueeze(1), (0, missing), mode="reflect")
        opinion: Opinion = self.stack(audio.reshape(len(audio), 1, -1, self.period).mT)
        return opinion


class ScaleDiscriminator(nn.Module):
    """Sees averages of `scale` neighbouring samples: [B, T] as [B, 1, 1, T / scale]."""

    def __init__(self, scale: int, channels: tuple[int, ...], groups: tuple[int, ...]) -> None:
        super().__init__()
        self.scale = scale
        self.stack = Stack(channels, SCALE_KERNELS, 3, groups)

    def forward(self, audio: Tensor) -> Opinion:
        """audio: [B, T]. Averages overlap by half, as the paper's do (4 samples every 2)."""
        pooled = audio.unsqueeze(1)
        if self.scale > 1:
            pooled = F.avg_pool1d(pooled, 2 * self.scale, self.scale, padding=self.scale)
        opinion: Opinion = self.stack(pooled.unsqueeze(2))
        return opinion


class Discriminators(nn.Module):
    """All of them side by side."""

    def __init__(self, spec: DiscriminatorSpec) -> None:
        super().__init__()
        self.spec = spec
        periods = [PeriodDiscriminator(period, spec.period_channels) for period in spec.periods]
        scales = [ScaleDiscriminator(scale, spec.scale_channels, spec.scale_groups) for scale in spec.scales]
        self.parts = nn.ModuleList([*periods, *scales])

    def forward(self, audio: Tensor) -> list[Opinion]:
        """audio: [B, T] in -1..1."""
        level = audio.square().mean(dim=1, keepdim=True).sqrt().clamp(min=QUIETEST)
        audio = audio * (LEVEL / level)
        return [part(audio) for part in self.parts]
