"""Training's spectra against librosa and scipy, its losses against arithmetic."""

from __future__ import annotations

import librosa
import numpy as np
import torch

from sda.spec import BIGVGAN_GRID
from sda.train.losses import LogMel, SpectralLoss, advance
from sda.train.vae import CHARBONNIER_EPS, charbonnier, reconstruction_loss


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(int(44_100 * seconds))).astype(np.float32)


def test_log_mel_is_librosas() -> None:
    audio = noise(0.5)
    pad = (BIGVGAN_GRID.n_fft - BIGVGAN_GRID.hop) // 2
    spectrum = np.abs(librosa.stft(np.pad(audio, pad, mode="reflect"), n_fft=2048, hop_length=512, center=False))
    bank = librosa.filters.mel(sr=44_100, n_fft=2048, n_mels=128, fmin=0, fmax=22_050)
    expected = np.log(np.maximum(1e-5, bank @ np.sqrt(spectrum**2 + 1e-9)))
    made = LogMel()(torch.from_numpy(audio)[None]).numpy()[0]
    np.testing.assert_allclose(made, expected, atol=1e-3)


def test_surroundings_replace_the_reflection() -> None:
    audio, mel = torch.from_numpy(noise(1.0))[None], LogMel()
    pad, hop = (BIGVGAN_GRID.n_fft - BIGVGAN_GRID.hop) // 2, BIGVGAN_GRID.hop
    whole = mel(audio)
    inside = audio[:, 20 * hop - pad : 50 * hop + pad]
    torch.testing.assert_close(mel(inside, edges=False), whole[..., 20:50], atol=1e-4, rtol=0)
    reflected = mel(audio[:, 20 * hop : 50 * hop])
    assert (reflected - whole[..., 20:50]).abs().max() > 0.1  # what the surroundings are needed for


def test_spectral_loss_of_half_the_level() -> None:
    # Half the amplitude: every log-mel and log-magnitude differs by ln 2, and ||S - S/2|| / ||S|| = 1/2.
    audio = torch.from_numpy(noise(0.4))[None]
    total, parts = SpectralLoss()(audio / 2, audio)
    assert abs(parts["mel"].item() - np.log(2)) < 1e-2
    assert abs(parts["log_magnitude"].item() - np.log(2)) < 1e-2
    assert abs(parts["convergence"].item() - 0.5) < 1e-4
    assert abs(total.item() - (22 * np.log(2) + 15 * (np.log(2) + 0.5))) < 0.3


def test_spectral_loss_sees_another_sound() -> None:
    one, other = (torch.from_numpy(noise(0.4, seed))[None] for seed in (0, 1))
    assert SpectralLoss()(one, one)[0].item() < 1e-4
    assert SpectralLoss()(one, other)[0].item() > 10


def test_reconstruction_loss_of_an_even_difference() -> None:
    # A constant d has itself as every pool's mean and no slopes: (1 + .5 + .5) sqrt(d^2 + eps^2).
    difference = torch.full((2, 128, 88), 0.3)
    expected = 2 * np.sqrt(0.09 + CHARBONNIER_EPS**2)
    assert abs(reconstruction_loss(difference).item() - expected) < 1e-5


def test_reconstruction_loss_of_a_chequerboard() -> None:
    # +-d alternating in both directions: pools average to zero, every slope is 2 d: sqrt(d^2 + e^2) + e + .25 (2 d + 2 d).
    sign = torch.from_numpy((-1.0) ** np.add.outer(np.arange(128), np.arange(88))).float()
    expected = np.sqrt(0.09 + CHARBONNIER_EPS**2) + CHARBONNIER_EPS + 0.3
    assert abs(reconstruction_loss(0.3 * sign[None]).item() - expected) < 1e-5


def test_charbonnier_is_round_at_zero() -> None:
    x = torch.zeros(4, requires_grad=True)
    charbonnier(x).backward()
    assert x.grad is not None
    assert (x.grad == 0).all()


def test_what_goes_on_from_hop_to_hop() -> None:
    # A sine of f advances by 2 pi f hop / rate a hop: bin 20 of 1024 by 20 half turns, f a quarter of a bin higher by pi / 4
    # more. Noise of windows that overlap by half keeps what they share, sum w(n) w(n + hop) / sum w^2 = 1/6 for Hann; what
    # repeats every hop is 1.
    time = torch.arange(60 * 512)
    sine = torch.sin(2 * torch.pi * 20.25 / 1024 * time)[None]
    assert abs(torch.angle(advance(sine, 512)[0, 20]).item() - np.pi / 4) < 1e-3
    loop = torch.from_numpy(noise(0.1)[:512]).tile(60)[None]
    assert (advance(loop, 512) - 1).abs().max() < 1e-2
    free = torch.from_numpy(noise(20.0))[None]
    sign = (-1.0) ** torch.arange(513)  # the windows' own phases, one hop apart
    assert abs((advance(free, 512)[0] * sign).mean().real.item() - 1 / 6) < 0.02


def test_a_loop_of_noise_is_told_from_noise_by_how_it_goes_on_alone() -> None:
    free, loop = (torch.from_numpy(x)[None] for x in (noise(0.6), np.tile(noise(0.1, 3)[:512], 50)))
    other = torch.from_numpy(noise(0.6, 5))[None][:, : loop.shape[1]]
    parts = [SpectralLoss(advance_weight=1.0)(made, free[:, : loop.shape[1]])[1] for made in (loop, other)]
    assert parts[0]["advance"] > 2 * parts[1]["advance"]
    assert parts[0]["mel"] < 1.5 * parts[1]["mel"]
