"""The network that older programs of this family trained, as a yardstick: 2-D convolutions on log1p of power mels.

Its grid: 48 kHz, centred frames of 2048 at a hop of 512, 128 HTK bands of peak 1 over 0..24 kHz, power. Its training
here: Adam 1e-3, batch 16, crops of one second at random places, mean square error plus KL with the weight grown over the
first 30 % of the steps and 0.5 nat free a latent; all its layers are trained, the linear ones included.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from sda.spec import MelSpec

Floats = NDArray[np.float32]

GRID = MelSpec(sample_rate=48_000, f_max=24_000.0, scale="htk", power=2.0, centered=True, floor=1e-10)
CROP, FRAMES, PADDED = 48_000, 94, 96  # samples; frames of a crop, and as the network pads them
CHANNELS = (1, 32, 64, 128, 256)
LATENT, DROPOUT, FREE_NATS, KL_WEIGHT = 64, 0.2, 0.5, 1.0


class OldVae(nn.Module):
    """log1p power mel [B, 128, 94] <-> z [B, 64]."""

    def __init__(self) -> None:
        super().__init__()
        down: list[nn.Module] = []
        for inside, outside in pairwise(CHANNELS):
            down += [nn.Conv2d(inside, outside, 3, 2, 1), nn.BatchNorm2d(outside), nn.ReLU(), nn.Dropout2d(DROPOUT)]
        self.down = nn.Sequential(*down)
        self.mean, self.logvar = nn.Linear(256 * 8 * 6, LATENT), nn.Linear(256 * 8 * 6, LATENT)
        self.stem = nn.Linear(LATENT, 256 * 8 * 6)
        up: list[nn.Module] = []
        for inside, outside in ((256, 128), (128, 64), (64, 32)):
            up += [nn.ConvTranspose2d(inside, outside, 3, 2, 1, 1), nn.BatchNorm2d(outside), nn.ReLU(), nn.Dropout2d(DROPOUT)]
        self.up = nn.Sequential(*up, nn.ConvTranspose2d(32, 1, 3, 2, 1, 1), nn.Softplus())

    def encode(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        h = self.down(F.pad(mel, (0, PADDED - FRAMES)).unsqueeze(1)).flatten(1)
        return self.mean(h), self.logvar(h).clamp(-20, 20)

    def decode(self, z: Tensor) -> Tensor:
        made: Tensor = self.up(self.stem(z).unflatten(1, (256, 8, 6)))
        return made[:, 0, :, :FRAMES]


def loss(net: OldVae, mel: Tensor, noise: Tensor, weight: float) -> Tensor:
    """Per-element square error plus the divergence beyond its free nats, spread over as many elements."""
    mean, logvar = net.encode(mel)
    made = net.decode(mean + noise * torch.exp(logvar / 2))
    divergence = ((mean.square() + logvar.exp() - 1 - logvar) / 2).mean(dim=0).clamp(min=FREE_NATS).sum()
    return F.mse_loss(made, mel) + weight * KL_WEIGHT * divergence / mel[0].numel()
