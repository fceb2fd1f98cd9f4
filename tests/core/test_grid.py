"""The mel grid against librosa, scipy, the reference package of BigVGAN, its own twin in torch, and closed forms."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch
from bigvgan.meldataset import mel_spectrogram
from numpy.typing import NDArray

from sda.core import grid
from sda.spec import BIGVGAN_GRID, MelSpec
from sda.train.losses import LogMel

Floats = NDArray[np.float32]

OLD_GRID = MelSpec(sample_rate=48_000, f_max=24_000.0, scale="htk", power=2.0, centered=True)


def sounds() -> list[Floats]:
    """Noise, a decaying chord, a click, over noise at -50 dB; lengths that are no multiples of the hop."""
    random = np.random.default_rng(1)
    t = np.arange(44_100) / 44_100
    chord = sum(np.sin(2 * np.pi * f * t) for f in (110.0, 554.37, 3_000.0, 15_000.0)) / 5 * np.exp(-4 * t)
    click = np.zeros(20_000)
    click[9_000] = 1
    clean = (random.normal(size=30_001) * 0.1, chord, click)
    return [(each + 3e-3 * random.normal(size=len(each))).astype(np.float32) for each in clean]


def reference(audio: Floats) -> NDArray[np.float64]:
    """BigVGAN's mel in double precision with librosa's transform and filters."""
    padded = np.pad(audio.astype(np.float64), 768, mode="reflect")
    spectrum = librosa.stft(padded, n_fft=2048, hop_length=512, window="hann", center=False)
    bank = librosa.filters.mel(sr=44_100, n_fft=2048, n_mels=128, fmin=0, fmax=22_050, dtype=np.float64)
    return np.log(np.maximum(1e-5, bank @ np.sqrt(spectrum.real**2 + spectrum.imag**2 + 1e-9)))


@pytest.mark.parametrize("audio", sounds(), ids=["noise", "chord", "click"])
def test_equals_librosa(audio: Floats) -> None:
    ours, theirs = grid.log_mel(audio), reference(audio)
    assert ours.shape == theirs.shape == (128, len(audio) // 512)
    assert np.abs(ours - theirs).max() <= 1e-4


@pytest.mark.parametrize("audio", sounds(), ids=["noise", "chord", "click"])
def test_equals_the_reference_package(audio: Floats) -> None:
    theirs = mel_spectrogram(torch.from_numpy(audio)[None], 2048, 128, 44_100, 512, 2048, 0, None)[0].numpy()
    assert np.abs(grid.log_mel(audio) - theirs).max() <= 1e-4


@pytest.mark.parametrize("audio", sounds(), ids=["noise", "chord", "click"])
def test_equals_its_twin_in_torch(audio: Floats) -> None:
    theirs = LogMel()(torch.from_numpy(audio)[None])[0].numpy()
    assert np.abs(grid.log_mel(audio) - theirs).max() <= 1e-4


def test_pure_tones_are_nearer_to_double_precision_than_the_reference_package() -> None:
    """Beside a tone without noise single precision itself is off by more than 1e-4 nat, the package's more than ours."""
    t = np.arange(44_100) / 44_100
    audio = (0.5 * np.sin(2 * np.pi * 3_000 * t) * np.exp(-4 * t)).astype(np.float32)
    theirs = mel_spectrogram(torch.from_numpy(audio)[None], 2048, 128, 44_100, 512, 2048, 0, None)[0].numpy()
    truth = reference(audio)
    assert np.abs(grid.log_mel(audio) - truth).max() < min(1e-3, np.abs(theirs - truth).max())


def test_another_hop_or_guard_would_be_noticed() -> None:
    """The comparisons can fail: half a hop late, or a magnitude without the guard, is further off than 1e-4 nat."""
    audio = sounds()[1]
    assert np.abs(grid.log_mel(audio[256:])[:, :80] - reference(audio)[:, :80]).max() > 1e-2
    # At 1e-5 of noise a bin has about 1e-5 * sqrt(768) = 2.8e-4, to which the guard adds 1e-9 / (2 * 2.8e-4^2) = 0.6 %.
    quiet = (1e-5 * np.random.default_rng(0).normal(size=20_000)).astype(np.float32)
    spectrum = librosa.stft(np.pad(quiet, 768, mode="reflect"), n_fft=2048, hop_length=512, center=False)
    bank = librosa.filters.mel(sr=44_100, n_fft=2048, n_mels=128)
    unguarded = np.log(np.maximum(1e-5, bank @ np.abs(spectrum)))
    assert np.abs(grid.log_mel(quiet) - reference(quiet)).max() <= 1e-4
    assert np.abs(grid.log_mel(quiet) - unguarded).max() > 1e-3


@pytest.mark.parametrize(
    ("spec", "htk", "norm"), [(BIGVGAN_GRID, False, "slaney"), (OLD_GRID, True, None)], ids=["slaney", "htk"]
)
def test_filters_equal_librosa(spec: MelSpec, htk: bool, norm: str | None) -> None:
    theirs = librosa.filters.mel(
        sr=spec.sample_rate, n_fft=2048, n_mels=128, fmax=spec.f_max, htk=htk, norm=norm, dtype=np.float64
    )
    assert np.abs(grid.filter_bank(spec) - theirs).max() <= 1e-6 * theirs.max()


def test_old_grid_equals_librosa() -> None:
    """Centred power mel on the HTK scale, one frame more than whole hops."""
    audio = sounds()[0]
    theirs = librosa.feature.melspectrogram(
        y=audio.astype(np.float64), sr=48_000, n_fft=2048, hop_length=512, n_mels=128, htk=True, norm=None, pad_mode="reflect"
    )
    ours = grid.magnitudes(audio, OLD_GRID)
    assert ours.shape == theirs.shape == (128, 30_001 // 512 + 1)
    assert np.abs(ours / theirs - 1).max() <= 1e-3


def test_sine_on_a_bin_has_magnitude_a_n_over_4() -> None:
    # A Hann window of N samples sums to N / 2, and half of a sine's amplitude is at its positive frequency: A N / 4 = 256
    # at the bin itself, half of it (the window's transform) at either neighbour, nothing elsewhere.
    amplitude, bin_number = 0.5, 200
    t = np.arange(44_100)
    audio = (amplitude * np.sin(2 * np.pi * bin_number * t / 2048)).astype(np.float32)
    expected = grid.filter_bank()[:, bin_number - 1 : bin_number + 2] @ np.array([128.0, 256.0, 128.0])
    middle = grid.magnitudes(audio)[:, 20:60]
    assert expected.max() > 1
    assert np.abs(middle - expected[:, None]).max() <= 1e-3 * expected.max()


def test_centres_rise_and_lie_under_the_filters_peaks() -> None:
    centres, bank = grid.band_centres(), grid.filter_bank()
    bins = np.arange(1025) * 44_100 / 2048
    wide = np.flatnonzero(np.diff(centres, prepend=0) > 100)  # where a band spans several bins
    assert np.all(np.diff(centres) > 0)
    assert np.abs(bins[bank[wide].argmax(axis=1)] - centres[wide]).max() <= 44_100 / 2048


def test_compress_is_0_at_silence_and_1_at_magnitude_1_and_has_an_inverse() -> None:
    magnitude = np.geomspace(1e-7, 30, 500).astype(np.float32)
    assert grid.compress(np.array([0, 1], np.float32), 1e5) == pytest.approx([0, 1], abs=1e-6)
    # By arithmetic: ln(1 + 1e5 * 1e-5) / ln(1 + 1e5) = 0.693147 / 11.512935
    assert grid.compress(np.array([1e-5], np.float32), 1e5) == pytest.approx([0.0602060], abs=1e-6)
    assert grid.expand(grid.compress(magnitude, 1e5), 1e5) == pytest.approx(magnitude, rel=1e-4)


def test_a_sound_shorter_than_the_padding_is_continued_with_silence() -> None:
    audio = np.full(600, 0.1, np.float32)
    assert np.abs(grid.log_mel(audio) - grid.log_mel(np.pad(audio, (0, 2048)))[:, :1]).max() <= 1e-4
