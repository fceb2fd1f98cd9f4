"""What training minimises: mel and short-time spectra of a waveform, in torch, with gradients.

Each loss is a small module that returns its total and its named parts.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sda.core import grid
from sda.spec import BIGVGAN_GRID, MelSpec


class LogMel(nn.Module):
    """`sda.core.grid.log_mel` on batches: waveform [B, T] -> log-mel [B, M, F]; equal to it within 1e-4 nat."""

    bank: Tensor
    window: Tensor

    def __init__(self, spec: MelSpec = BIGVGAN_GRID) -> None:
        super().__init__()
        assert spec.power == 1.0
        self.spec = spec
        self.register_buffer("bank", torch.from_numpy(grid.filter_bank(spec).copy()), persistent=False)
        self.register_buffer("window", torch.from_numpy(grid.hann(spec.n_fft)), persistent=False)

    def forward(self, audio: Tensor, *, edges: bool = True) -> Tensor:
        """edges: reflect the ends as the grid says; False where the caller already brought their surroundings."""
        return torch.log(torch.clamp(self.magnitudes(audio, edges=edges), min=self.spec.floor))

    def magnitudes(self, audio: Tensor, *, edges: bool = True) -> Tensor:
        """`sda.core.grid.magnitudes` on batches: waveform [B, T] -> mel magnitudes [B, M, F]."""
        if edges:
            pad = grid.edge_padding(self.spec)
            audio = F.pad(audio.unsqueeze(1), (pad, pad), mode="reflect").squeeze(1)
        spectrum = torch.stft(audio, self.spec.n_fft, self.spec.hop, window=self.window, center=False, return_complex=True)
        return self.bank @ torch.sqrt(spectrum.real.square() + spectrum.imag.square() + grid.MAGNITUDE_GUARD)


class SpectralLoss(nn.Module):
    """Mel L1 plus multi-resolution STFT loss (Yamamoto et al. 2020, arXiv 1910.11480, eq. 3 to 5).

    The second is, at each resolution, the spectral convergence ||S - S'|| / ||S|| and the mean |ln S - ln S'|. Every part is
    a mean over the crops, so that shares of a batch can be worked out apart.
    """

    def __init__(self, mel_weight: float = 22.0, stft_weight: float = 15.0, sizes: tuple[int, ...] = (512, 1024, 2048)) -> None:
        super().__init__()
        self.mel, self.mel_weight, self.stft_weight, self.sizes = LogMel(), mel_weight, stft_weight, sizes

    def forward(self, made: Tensor, real: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """made, real: waveforms [B, T]. Returns the total and {"mel": nat, "convergence": ratio, "log_magnitude": nat}."""
        mel = F.l1_loss(self.mel(made), self.mel(real))
        convergence, log_magnitude = mel.new_zeros(()), mel.new_zeros(())
        for size in self.sizes:
            one, other = magnitude(made, size), magnitude(real, size)
            apart = (other - one).flatten(1).norm(dim=1) / other.flatten(1).norm(dim=1).clamp(min=1e-3)  # [B]
            convergence = convergence + apart.mean() / len(self.sizes)
            log_magnitude = log_magnitude + F.l1_loss(one.log(), other.log()) / len(self.sizes)
        total = self.mel_weight * mel + self.stft_weight * (convergence + log_magnitude)
        return total, {"mel": mel, "convergence": convergence, "log_magnitude": log_magnitude}


def magnitude(audio: Tensor, size: int) -> Tensor:
    """STFT magnitudes [B, size / 2 + 1, F] of waveforms [B, T], hop size / 4, at least 1e-4."""
    window = torch.hann_window(size, device=audio.device)
    spectrum = torch.stft(audio, size, size // 4, window=window, return_complex=True)
    return torch.sqrt(spectrum.real.square() + spectrum.imag.square() + 1e-8)
