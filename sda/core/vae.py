"""The VAE in torch: one second of normalised mel in and out, around a linear skip path that starts as its PCA.

Kingma & Welling 2014 (arXiv 1312.6114) with the prior's weight beta (Higgins et al. 2017). The skip path alone is
probabilistic PCA (Tipping & Bishop 1999); the convolutional nets start at zero beside it and learn what is not linear.

Normalised mel is log1p(g * magnitude) / log1p(g) (`grid.compress`); inside, each band is standardised.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sda.spec import VaeSpec

GROUPS = 8  # of every group normalisation
NECK = 48  # channels before the encoder's linear layer
SOFTPLUS_BETA = 20.0  # sharp enough to leave what lies above 0.2 as it is
LOGVAR_RANGE = (-12.0, 6.0)
LOGVAR_START = -3.0


class Residual(nn.Module):
    """x + conv(silu(norm(conv(silu(norm(x)))))), [B, W, T] -> [B, W, T]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(GROUPS, width), nn.GroupNorm(GROUPS, width)
        self.conv1, self.conv2 = nn.Conv1d(width, width, 3, padding=1), nn.Conv1d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = self.conv2(F.silu(self.norm2(self.conv1(F.silu(self.norm1(x))))))
        return x + added


class Encoder(nn.Module):
    """Standardised mel [B, M, L] -> mean and log-variance [B, Z]."""

    def __init__(self, spec: VaeSpec) -> None:
        super().__init__()
        width, short = spec.width, spec.frames // 8
        self.latent = spec.latent
        self.conv_in = nn.Conv1d(spec.n_mels, width, 5, padding=2)
        self.blocks = nn.ModuleList(Residual(width) for _ in range(4))
        self.downs = nn.ModuleList(nn.Conv1d(width, width, 4, stride=2, padding=1) for _ in range(3))
        self.norm = nn.GroupNorm(GROUPS, width)
        self.neck = nn.Conv1d(width, NECK, 1)
        self.head = nn.Linear(NECK * short, 2 * spec.latent)
        self.skip = nn.Linear(spec.n_mels * spec.frames, spec.latent)
        nn.init.zeros_(self.head.weight)
        self.head.bias = nn.Parameter(torch.cat([torch.zeros(spec.latent), torch.full((spec.latent,), LOGVAR_START)]))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.conv_in(x)
        for block, down in zip(self.blocks, self.downs, strict=False):
            h = down(block(h))
        h = self.neck(F.silu(self.norm(self.blocks[3](h))))
        mean, logvar = self.head(h.flatten(1)).split(self.latent, dim=1)
        linear: Tensor = self.skip(x.flatten(1))
        return mean + linear, logvar.clamp(*LOGVAR_RANGE)


class Decoder(nn.Module):
    """z [B, Z] -> standardised mel [B, M, L]."""

    def __init__(self, spec: VaeSpec) -> None:
        super().__init__()
        self.spec = spec
        width = spec.width
        self.stem = nn.Linear(spec.latent, width * (spec.frames // 8))
        self.blocks = nn.ModuleList(Residual(width) for _ in range(4))
        self.ups = nn.ModuleList(nn.Conv1d(width, width, 3, padding=1) for _ in range(3))
        self.norm = nn.GroupNorm(GROUPS, width)
        self.conv_out = nn.Conv1d(width, spec.n_mels, 3, padding=1)
        self.skip = nn.Linear(spec.latent, spec.n_mels * spec.frames)
        nn.init.zeros_(self.conv_out.weight)
        self.conv_out.bias = nn.Parameter(torch.zeros(spec.n_mels))

    def forward(self, z: Tensor) -> Tensor:
        h = self.stem(z).unflatten(1, (self.spec.width, -1))  # [B, W, L / 8]
        h = self.blocks[0](h)
        for block, up in zip(self.blocks[1:], self.ups, strict=True):
            h = block(up(h.repeat_interleave(2, dim=2)))
        out: Tensor = self.conv_out(F.silu(self.norm(h)))
        linear: Tensor = self.skip(z).unflatten(1, (self.spec.n_mels, self.spec.frames))
        return out + linear


class Vae(nn.Module):
    """Normalised mel [B, M, L] <-> z [B, Z]."""

    band_mean: Tensor
    band_std: Tensor

    def __init__(self, spec: VaeSpec) -> None:
        super().__init__()
        self.spec = spec
        self.register_buffer("band_mean", torch.zeros(spec.n_mels))
        self.register_buffer("band_std", torch.ones(spec.n_mels))
        self.encoder, self.decoder = Encoder(spec), Decoder(spec)

    def encode(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior mean and log-variance [B, Z]."""
        mean, logvar = self.encoder((mel - self.band_mean[:, None]) / self.band_std[:, None])
        return mean, logvar

    def decode(self, z: Tensor) -> Tensor:
        """Normalised mel [B, M, L], never negative."""
        mel = self.decoder(z) * self.band_std[:, None] + self.band_mean[:, None]
        positive: Tensor = F.softplus(mel, beta=SOFTPLUS_BETA)
        return positive
