"""Changes to what the discriminators hear, so that few recordings cannot be learned by heart.

The same change meets a recording and what was made of it, and gradients pass through: a change to recordings alone would
teach the generator to make it (Zhao et al. 2020, arXiv 2006.10738; Karras et al. 2020, arXiv 2006.06676, section 2.2: no
leaks as long as each change is left out often enough).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from sda.train import equaliser

MOST = 0.8  # chance of a change beyond which it would leak into what is made

LONGEST_SHIFT = 1024  # samples
TILT_DB = 9.0  # dB, the most that any frequency is raised or lowered
NOISE_DB = (-60.0, -25.0)  # of the crop's RMS
LONGEST_GAP = 0.25  # of the crop

Change = Callable[[Tensor, np.random.Generator], Tensor]


def augmented(pairs: Tensor, chance: float, randoms: Sequence[np.random.Generator]) -> Tensor:
    """pairs: waveforms [B, 2, T], each with what was made of it, changed alike. One generator a pair. Same shape."""
    return torch.stack([_changed(pair, chance, random) for pair, random in zip(pairs, randoms, strict=True)])


def _changed(pair: Tensor, chance: float, random: np.random.Generator) -> Tensor:
    for change in CHANGES:
        if random.random() < chance:
            pair = change(pair, random)
    return pair


def _inverted(pair: Tensor, random: np.random.Generator) -> Tensor:
    return -pair


def _shifted(pair: Tensor, random: np.random.Generator) -> Tensor:
    """Later by up to 23 ms, the end coming in at the beginning."""
    return pair.roll(int(random.integers(1, LONGEST_SHIFT)), dims=-1)


def _filtered(pair: Tensor, random: np.random.Generator) -> Tensor:
    """Through a random equaliser."""
    length = pair.shape[-1]
    gains = torch.from_numpy(equaliser.response(length // 2 + 1, TILT_DB, random)).to(pair.device)
    filtered: Tensor = torch.fft.irfft(torch.fft.rfft(pair) * gains, n=length)
    return filtered


def _noisy(pair: Tensor, random: np.random.Generator) -> Tensor:
    """With the same white noise added to both."""
    level = pair[0].detach().square().mean().sqrt() * 10 ** (random.uniform(*NOISE_DB) / 20)
    noise = torch.from_numpy(random.standard_normal(pair.shape[-1], np.float32)).to(pair.device)
    return pair + level * noise


def _gapped(pair: Tensor, random: np.random.Generator) -> Tensor:
    """Silent for a while, in and out over 2 ms."""
    length = pair.shape[-1]
    gap = int(random.uniform(0.05, LONGEST_GAP) * length)
    start = int(random.integers(0, length - gap))
    place = np.arange(length)
    outside = np.clip(np.maximum(start - place, place - start - gap) / 88, 0, 1).astype(np.float32)
    return pair * torch.from_numpy(outside).to(pair.device)


CHANGES: tuple[Change, ...] = (_inverted, _shifted, _filtered, _noisy, _gapped)
