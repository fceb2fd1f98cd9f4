"""What one VAE makes of its recordings: their latents, how those spread, and what their decoded sound is like.

How far a slider is wanted to reach is what the recordings say, how far it is safe to go what the decoder makes of them: one
that smooths attacks away would else have no range for them, one that overshoots a range that nobody recorded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sda.core import grid
from sda.core.descriptors import DESCRIPTORS, describe
from sda.core.vae import Vae

Floats = NDArray[np.float32]

AUDIBLE_DB = 45.0  # below the loud ones (95th percentile) a chunk, or what the decoder makes of it, counts as silence
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
    home: int  # row of the chunk from which the sliders start; at first that nearest to the median of all descriptors

    @property
    def percentiles(self) -> Floats:
        """[5, D] of the recordings' descriptors, at `PERCENTILES`."""
        return np.asarray(np.percentile(self.recorded, PERCENTILES, axis=0), np.float32)

    @property
    def ranges(self) -> Floats:
        """5-95 % range of each of the recordings' descriptors [D], at least what is worth a slider."""
        return spans(self.recorded)

    @property
    def middling(self) -> NDArray[np.int64]:
        """Rows [N] of the chunks, that whose decoded descriptors are nearest to their median first."""
        distance = np.square((self.decoded - np.median(self.decoded, axis=0)) / self.ranges).sum(1)
        return np.argsort(distance, kind="stable")

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
    chunks = np.flatnonzero(_audible(recorded))
    with torch.no_grad():
        found = [vae.encode(torch.from_numpy(m)) for m in _batches(mels[chunks])]
        mean, logvar = (torch.cat(x) for x in zip(*found, strict=True))
        decoded = np.concatenate([values(vae, z).numpy() for z in mean.split(BATCH)])
    kept = _audible(decoded)
    chunks, decoded, mean, logvar = chunks[kept], decoded[kept], mean[kept], logvar[kept]
    latents = mean.numpy()
    centred = (latents - latents.mean(0)).astype(np.float64)
    covariance = centred.T @ centred / len(latents) + np.diag(logvar.exp().mean(0).double().numpy())
    variance, axes = np.linalg.eigh(covariance)
    spread = (axes * np.sqrt(np.maximum(variance, LEAST_VARIANCE)))[:, ::-1]  # largest first
    recorded = recorded[chunks]
    made = Survey(chunks, latents, np.ascontiguousarray(spread, np.float32), recorded, decoded, 0)
    return replace(made, home=int(made.middling[0]))


def _audible(described: Floats) -> NDArray[np.bool_]:
    """Which of some descriptors [N, D] are of sounds that are heard beside the loud ones."""
    loudness = described[:, 0]
    return np.asarray(loudness >= np.percentile(loudness, 95) - AUDIBLE_DB)


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
