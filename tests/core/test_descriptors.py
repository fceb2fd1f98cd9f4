"""Descriptors against arithmetic, physics and librosa: on sounds whose numbers are known, not on what sda computed."""

import librosa
import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from sda.core import grid
from sda.core.descriptors import DESCRIPTORS, describe
from sda.core.listening import listen

RATE = 44_100
LENGTH = 88 * 512
NAMES = [d.name for d in DESCRIPTORS]
TIME = np.arange(LENGTH) / RATE


def on_mel(audio: np.ndarray) -> dict[str, float]:
    return dict(zip(NAMES, describe(grid.magnitudes(audio.astype(np.float32))).tolist(), strict=True))


def on_sound(audio: np.ndarray) -> dict[str, float]:
    return dict(zip(NAMES, listen(audio.astype(np.float32), RATE).tolist(), strict=True))


BOTH = pytest.mark.parametrize("measure", [on_mel, on_sound])


def noise(seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(LENGTH)


def coloured(slope: float, seed: int = 0) -> np.ndarray:
    """Noise from 40 Hz up whose power falls by `slope` dB an octave, at 0.1 RMS."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(LENGTH))
    hz = np.fft.rfftfreq(LENGTH, 1 / RATE)
    audio = np.fft.irfft(spectrum * (hz > 40) * 10 ** (-slope / 20 * np.log2(hz.clip(40))), LENGTH)
    return 0.1 * audio / audio.std()


def harmonic(f0: float, partials: int) -> np.ndarray:
    return 0.1 * sum(np.sin(2 * np.pi * f0 * n * TIME + n) / n for n in range(1, partials + 1))


def hits(rate: float, decay_s: float = 0.03) -> np.ndarray:
    """Noise struck `rate` times a second."""
    return noise() * np.exp(-((TIME % (1 / rate)) / decay_s))


def varied() -> list[np.ndarray]:
    """Sounds of many kinds: slopes, tones, mixtures, envelopes."""
    sounds = [coloured(s, i) for i, s in enumerate((0, 3, 6, 9, 12))]
    sounds += [harmonic(f, n) for f in (110, 220, 440) for n in (2, 8, 24)]
    sounds += [harmonic(220, 12) + g * noise(3) for g in (0.03, 0.1, 0.3, 1)]
    sounds += [hits(r) for r in (2, 4, 8)]
    sounds += [g * coloured(4, 9) * np.linspace(0, 1, LENGTH) ** p for g, p in ((0.3, 1), (2, 3), (0.1, 0.3))]
    return [x * 10 ** (-i % 7 / 4) for i, x in enumerate(sounds)]


@BOTH
def test_noise_of_a_tenth_has_minus_20_dbfs(measure) -> None:
    assert measure(noise())["loudness"] == pytest.approx(-20, abs=0.5)  # 20 log10(0.1)


@BOTH
@pytest.mark.parametrize("hz", [100.0, 440.0, 997.0])
def test_a_sine_has_3_db_less_than_its_amplitude(measure, hz: float) -> None:
    assert measure(0.5 * np.sin(2 * np.pi * hz * TIME))["loudness"] == pytest.approx(-9.03, abs=1.5)  # 20 log10(0.5 / sqrt 2)


@BOTH
def test_a_gain_moves_loudness_alone(measure) -> None:
    before, after = measure(coloured(4)), measure(coloured(4) / 4)
    assert before.pop("loudness") - after.pop("loudness") == pytest.approx(12.04, abs=0.1)  # 20 log10 4
    assert after == pytest.approx(before, abs=0.05)


@BOTH
@pytest.mark.parametrize("hz", [500.0, 2000.0, 6000.0])
def test_brightness_of_a_sine_is_its_octave(measure, hz: float) -> None:
    assert measure(0.5 * np.sin(2 * np.pi * hz * TIME))["brightness"] == pytest.approx(np.log2(hz / 1000), abs=0.15)


@BOTH
def test_two_sines_four_octaves_apart_spread_by_two(measure) -> None:
    sound = 0.2 * np.sin(2 * np.pi * 250 * TIME) + 0.2 * np.sin(2 * np.pi * 4000 * TIME)
    assert measure(sound)["width"] == pytest.approx(2.0, abs=0.15)  # half of log2(4000 / 250)
    assert measure(0.2 * np.sin(2 * np.pi * 1000 * TIME))["width"] < 0.4


@BOTH
def test_warmth_compares_two_sines_in_db(measure) -> None:
    sound = 0.4 * np.sin(2 * np.pi * 200 * TIME) + 0.1 * np.sin(2 * np.pi * 1500 * TIME)
    assert measure(sound)["warmth"] == pytest.approx(12.04, abs=1.5)  # 20 log10 (0.4 / 0.1)


@BOTH
def test_noise_is_noisier_than_tones_and_a_tilt_does_not_matter(measure) -> None:
    tone, mixture, hiss, dark = (
        measure(x)["noisiness"] for x in (harmonic(220, 20), harmonic(220, 20) + noise(), noise(), coloured(6))
    )
    assert tone < mixture < hiss
    assert abs(hiss - dark) < 0.2 * (hiss - tone)


@BOTH
def test_hits_are_more_percussive_than_what_swells(measure) -> None:
    steady, swelling, struck = (measure(x)["percussiveness"] for x in (noise(), noise() * TIME, hits(4)))
    assert struck > 3 * max(steady, swelling)


@BOTH
def test_lateness_is_the_centre_of_a_burst(measure) -> None:
    burst = np.where((TIME > 0.6) & (TIME < 0.8), noise(), 0)
    assert measure(burst)["lateness"] == pytest.approx(0.7, abs=0.012)  # s


@BOTH
@pytest.mark.parametrize("seconds", [0.1, 0.4, 0.8])
def test_length_is_that_of_what_stays_level(measure, seconds: float) -> None:
    burst = np.where(np.abs(TIME - 0.5) < seconds / 2, noise(), 0)
    assert measure(burst)["length"] == pytest.approx(seconds, abs=0.015)  # s; a frame takes in 23 ms


@BOTH
def test_the_length_of_a_decay_is_that_of_an_exponential(measure) -> None:
    struck = noise() * np.exp(-TIME / 0.1)  # energy falls by e in .05 s, whose deviation is .05 s too
    assert measure(struck)["length"] == pytest.approx(12**0.5 * 0.05, rel=0.12)


def test_the_mel_and_the_sound_agree() -> None:
    sounds = varied()
    mel, sound = (np.array([list(f(x).values()) for x in sounds]) for f in (on_mel, on_sound))
    agreement = {name: spearmanr(mel[:, i], sound[:, i])[0] for i, name in enumerate(NAMES)}
    assert all(rho >= 0.85 for rho in agreement.values()), agreement


def test_librosa_agrees_with_both() -> None:
    sounds = [x.astype(np.float32) for x in varied()]

    def pooled(x: np.ndarray) -> float:
        magnitude = np.abs(librosa.stft(y=x, n_fft=2048, hop_length=512, center=False))
        centroid = librosa.feature.spectral_centroid(S=magnitude, sr=RATE)[0]
        return float(np.log2((magnitude.sum(0) * centroid).sum() / magnitude.sum() / 1000))

    centroid = np.array([pooled(x) for x in sounds])
    level = np.array([10 * np.log10(np.mean(librosa.feature.rms(y=x, frame_length=2048, hop_length=512) ** 2)) for x in sounds])
    mel, sound = ([f(x) for x in sounds] for f in (on_mel, on_sound))
    inner = [describe(grid.magnitudes(x)[:, 2:-2])[NAMES.index("brightness")] for x in sounds]  # no reflected edges
    np.testing.assert_allclose(inner, centroid, atol=0.1)
    assert spearmanr([s["brightness"] for s in sound], centroid)[0] > 0.97
    np.testing.assert_allclose([s["loudness"] for s in sound], level, atol=0.5)
    np.testing.assert_allclose([m["loudness"] for m in mel], level, atol=2.0)


def test_reading_the_mel_backwards_in_frequency_is_noticed() -> None:
    # The negative case of the above: the same numbers in the wrong bands.
    mel = grid.magnitudes(coloured(6).astype(np.float32))
    assert abs(describe(mel[::-1])[1] - describe(mel)[1]) > 2


def test_torch_gives_the_same_numbers_as_numpy() -> None:
    mels = np.stack([grid.magnitudes(x.astype(np.float32)) for x in varied()])
    np.testing.assert_allclose(describe(torch.from_numpy(mels)).numpy(), describe(mels), rtol=2e-4, atol=2e-4)


def test_silence_gives_finite_numbers_and_slopes() -> None:
    mel = torch.zeros(2, 128, 88, requires_grad=True)
    found = describe(mel)
    found.sum().backward()
    assert torch.isfinite(found).all()
    assert mel.grad is not None
    assert torch.isfinite(mel.grad).all()
    assert np.isfinite(listen(np.zeros(LENGTH, np.float32))).all()


def test_slopes_are_those_of_small_differences() -> None:
    mel = torch.from_numpy(grid.magnitudes((hits(3) + harmonic(200, 9)).astype(np.float32))).double()
    direction = torch.from_numpy(np.random.default_rng(1).uniform(0, 1, mel.shape)) * mel
    point = mel.clone().requires_grad_()
    found = describe(point)
    slope = torch.stack([(torch.autograd.grad(x, point, retain_graph=True)[0] * direction).sum() for x in found])
    step = 1e-5
    difference = (describe(mel + step * direction) - describe(mel - step * direction)) / (2 * step)
    torch.testing.assert_close(slope, difference, rtol=1e-3, atol=1e-4)
