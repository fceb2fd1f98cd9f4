"""How near a copy comes to its original: measures of copy synthesis, each a number with a unit and a source.

None of them hears. Mel L1 is what trainings minimise and what a phasy copy passes; the short-time spectra see the harmonics
that mel bands swallow; the log-spectral distance says where in the spectrum a copy is wrong. Noise bounds the last one:
two recordings of one noise are 7.9 dB apart, since the level of a single bin has a spread of 5.57 dB (Rayleigh) in each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sda.core import grid
from sda.spec import BIGVGAN_GRID
from sda.train.losses import magnitude

Floats = NDArray[np.float32]

SIZES = (512, 1024, 2048)  # samples, the windows of the multi-resolution distance
BANDS = ((0, 1), (1, 4), (4, 10), (10, 20))  # kHz, of the log-spectral distance
LSD_SIZE = 2048  # samples, its window: 21.5 Hz a bin at 44.1 kHz
QUIETEST_DB = 60.0  # under the loudest frame of the original; quieter frames count for nothing in the log-spectral distance


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How far copies are from their originals, 0 where they are the same."""

    mel: float  # nat, mean |ln-mel - ln-mel'| on BigVGAN's grid
    convergence: float  # ||S - S'|| / ||S||, mean over the three resolutions
    log_magnitude: float  # nat, mean |ln S - ln S'|, likewise
    lsd: tuple[float, ...]  # dB, one for each of `BANDS`

    @property
    def stft(self) -> float:
        """The multi-resolution STFT distance: spectral convergence and log magnitude together."""
        return self.convergence + self.log_magnitude

    def to_json(self) -> dict[str, Any]:
        """Names and numbers, the bands by their limits."""
        bands = {f"{low}-{high} kHz": value for (low, high), value in zip(BANDS, self.lsd, strict=True)}
        return {
            "mel": self.mel, "stft": self.stft, "convergence": self.convergence, "log_magnitude": self.log_magnitude,
            "lsd": bands,
        }  # fmt: skip


def judge(made: Floats, real: Floats) -> Quality:
    """One copy [T] against its original [T], both at 44.1 kHz; what the longer one has more is cut off."""
    length = min(len(made), len(real))
    shortest = max(0, LSD_SIZE - length)  # of silence added, where there is not one window
    made, real = (np.pad(x[:length].astype(np.float32, copy=False), (0, shortest)) for x in (made, real))
    convergence, log_magnitude = stft_distance(made, real)
    return Quality(
        mel=mel_distance(made, real),
        convergence=convergence,
        log_magnitude=log_magnitude,
        lsd=log_spectral_distance(made, real),
    )


def mean(found: Sequence[Quality]) -> Quality:
    """Each measure's mean over files, however long they are."""
    assert found, "nothing was judged"
    return Quality(
        mel=float(np.mean([q.mel for q in found])),
        convergence=float(np.mean([q.convergence for q in found])),
        log_magnitude=float(np.mean([q.log_magnitude for q in found])),
        lsd=tuple(np.mean([q.lsd for q in found], axis=0).tolist()),
    )


def mel_distance(made: Floats, real: Floats) -> float:
    """Mean |ln-mel - ln-mel'| in nat over all bins of BigVGAN's grid, both clamped at its floor (Kong et al. 2020, eq. 3)."""
    return float(np.abs(grid.log_mel(made) - grid.log_mel(real)).mean())


def stft_distance(made: Floats, real: Floats) -> tuple[float, float]:
    """Spectral convergence (a ratio) and log magnitude (nat), means over `SIZES` (Yamamoto et al. 2020, 1910.11480, eq. 3-6).

    The hop is a quarter of the window; the paper's windows and hops are for speech of 24 kHz.
    """
    convergence, log_magnitude = 0.0, 0.0
    for size in SIZES:
        one, other = _magnitude(made, size), _magnitude(real, size)
        convergence += float((other - one).norm() / other.norm()) / len(SIZES)
        log_magnitude += float((one.log() - other.log()).abs().mean()) / len(SIZES)
    return convergence, log_magnitude


def log_spectral_distance(made: Floats, real: Floats) -> tuple[float, ...]:
    """dB in each band: root mean square over the band's bins of 20 lg S / S', mean over frames (Gray and Markel 1976).

    Frames of the original that are `QUIETEST_DB` under its loudest are left out, in all bands alike: what nobody hears,
    noise of the last bit against a net's own, would rule the figure below 1 kHz.
    """
    one, other = _magnitude(made, LSD_SIZE), _magnitude(real, LSD_SIZE)
    level = other.square().sum(dim=0)  # [F]
    counted = level >= level.max() * 10 ** (-QUIETEST_DB / 10)
    squares = (20 * torch.log10(one / other)).square()[:, counted]  # [bins, F], dB^2
    khz = torch.arange(len(squares)) * BIGVGAN_GRID.sample_rate / LSD_SIZE / 1000
    return tuple(float(squares[(khz >= low) & (khz < high)].mean(dim=0).sqrt().mean()) for low, high in BANDS)


def _magnitude(audio: Floats, size: int) -> Tensor:
    """STFT magnitudes [size / 2 + 1, F], at least 1e-4: what 16 bits cannot tell from silence."""
    return magnitude(torch.from_numpy(audio)[None], size)[0]
