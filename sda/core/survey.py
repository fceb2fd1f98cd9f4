"""What one VAE makes of its recordings: their latents, how those spread, and what their decoded sound is like.

How far a slider is wanted to reach is what the recordings say, how far it is safe to go what the decoder makes of them: one
that smooths attacks away would else have no range for them, one that overshoots a range that nobody recorded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sda.core import grid
from sda.core.descriptors import DESCRIPTORS, describe
from sda.core.vae import Vae

Floats = NDArray[np.float32]

AUDIBLE_DB = 45.0  # below the loud ones (95th percentile) a chunk counts as silence
BATCH = 50  # chunks at once, to bound memory
LEAST_VARIANCE = 1e-6  # of any direction of the latents, so that the covariance has an inverse
PERCENTILES = (2.0, 5.0, 50.0, 95.0, 98.0)
LEAST = np.array([d.least for d in DESCRIPTORS], np.float32)


@dataclass(frozen=True, slots=True)
class Survey:
    """The audible chunks of the recordings, seen through one VAE."""

    chunks: NDArray[np.int64]  # [N] which of the given chunks are audible
    latents: Floats  # [N, Z] posterior means
    spread: Floats  # [Z, Z] A with A A^T the covariance of the latents, posterior variance included
    recorded: Floats  # [N, D] descriptors of the chunks
    decoded: Floats  # [N, D] the same of the decoded means
    home: int  # row of the chunk nearest to the median of all descriptors

    @property
    def percentiles(self) -> Floats:
        """[5, D] of the recordings' descriptors, at `PERCENTILES`."""
        return np.asarray(np.percentile(self.recorded, PERCENTILES, axis=0), np.float32)

    @property
    def ranges(self) -> Floats:
        """5-95 % range of each of the recordings' descriptors [D], at least what is worth a slider."""
        return spans(self.recorded)

    @property
    def varies(self) -> NDArray[np.bool_]:
        """Which descriptors [D] have a range worth a slider."""
        low, high = np.percentile(self.recorded, (5, 95), axis=0)
        return np.asarray(high - low >= LEAST)


def spans(values: Floats) -> Floats:
    """5-95 % range of each descriptor [D] of values [N, D], at least what is worth a slider."""
    low, high = np.percentile(values, (5, 95), axis=0)
    return np.asarray(np.maximum(high - low, LEAST), np.float32)


def survey(vae: Vae, mels: Floats) -> Survey:
    """Look at the normalised mels [N, M, L] of the recordings' chunks. At least one is needed."""
    assert len(mels)
    recorded = np.concatenate([describe(grid.expand(m, vae.spec.gain)) for m in _batches(mels)])
    chunks = np.flatnonzero(recorded[:, 0] >= np.percentile(recorded[:, 0], 95) - AUDIBLE_DB)
    with torch.no_grad():
        found = [vae.encode(torch.from_numpy(m)) for m in _batches(mels[chunks])]
        mean, logvar = (torch.cat(x) for x in zip(*found, strict=True))
        decoded = np.concatenate([values(vae, z).numpy() for z in mean.split(BATCH)])
    latents = mean.numpy()
    centred = (latents - latents.mean(0)).astype(np.float64)
    covariance = centred.T @ centred / len(latents) + np.diag(logvar.exp().mean(0).double().numpy())
    variance, axes = np.linalg.eigh(covariance)
    spread = (axes * np.sqrt(np.maximum(variance, LEAST_VARIANCE)))[:, ::-1]  # largest first
    recorded = recorded[chunks]
    distance = np.square((decoded - np.median(decoded, axis=0)) / spans(recorded)).sum(1)
    return Survey(chunks, latents, np.ascontiguousarray(spread, np.float32), recorded, decoded, int(distance.argmin()))


def values(vae: Vae, z: Tensor) -> Tensor:
    """Descriptors [B, D] of decoded latent points [B, Z]."""
    return describe(magnitudes(vae, z))


def magnitudes(vae: Vae, z: Tensor) -> Tensor:
    """Decoded mel magnitudes [B, M, L] of latent points [B, Z]: `grid.expand` of what the VAE gives."""
    return torch.expm1(vae.decode(z) * math.log1p(vae.spec.gain)) / vae.spec.gain


def decode(vae: Vae, z: Floats) -> Floats:
    """`magnitudes` for numpy, in batches."""
    with torch.no_grad():
        return np.concatenate([magnitudes(vae, torch.from_numpy(b)).numpy() for b in _batches(z)])


def _batches(x: Floats) -> list[Floats]:
    return [x[i : i + BATCH] for i in range(0, len(x), BATCH)]
