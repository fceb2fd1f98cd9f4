"""A VAE that starts as the probabilistic PCA of its recordings (Tipping & Bishop 1999).

With X the standardised crops [N, M * L] less their mean and X = U S V^T cut to the Z largest singular values,
s = S / sqrt(N):  z = V^T x / s has unit variance, and x = V s z is the best linear way back.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from sda.core.vae import Vae

Floats = NDArray[np.float32]

LEAST_STD = 0.02  # of a band, in normalised mel: bands that hold nothing are not blown up to noise
LEAST_SHARE = 1e-3  # of the largest singular value: directions that hold less are not blown up either


def start_as_pca(net: Vae, mels: Floats) -> None:
    """Set a new net's band statistics and skip path from normalised mels [N, M, L], N > Z."""
    count, latent = len(mels), net.spec.latent
    mean = mels.mean(axis=(0, 2))
    std = np.maximum(mels.std(axis=(0, 2)), LEAST_STD)
    flat = ((mels - mean[:, None]) / std[:, None]).reshape(count, -1)  # [N, M * L]
    centre = flat.mean(axis=0)
    flat -= centre
    values, left = np.linalg.eigh((flat @ flat.T).astype(np.float64))
    singular = np.sqrt(np.maximum(values[::-1][:latent], 0))
    singular = np.maximum(singular, max(LEAST_SHARE * float(singular[0]), 1e-6))
    right = (left[:, ::-1][:, :latent].astype(np.float32).T @ flat) / singular[:, None]  # [Z, M * L]
    right = right.astype(np.float32)
    scale = (singular / np.sqrt(count)).astype(np.float32)[:, None]
    encoder, decoder = net.encoder.skip, net.decoder.skip
    with torch.no_grad():
        net.band_mean.copy_(torch.from_numpy(mean))
        net.band_std.copy_(torch.from_numpy(std))
        encoder.weight.copy_(torch.from_numpy(right / scale))
        encoder.bias.copy_(torch.from_numpy(-(right / scale) @ centre))
        decoder.weight.copy_(torch.from_numpy((right * scale).T.copy()))
        decoder.bias.copy_(torch.from_numpy(centre))
