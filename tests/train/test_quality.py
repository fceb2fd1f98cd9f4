"""The measures of copy synthesis against arithmetic: known changes of known sounds."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from sda.train import quality
from sda.train.quality import judge

Floats = NDArray[np.float32]
RATE = 44_100
LN2, DB6 = np.log(2), 20 * np.log10(2)


def noise(seconds: float = 1.0, seed: int = 0, level: float = 0.1) -> Floats:
    return (level * np.random.default_rng(seed).standard_normal(int(RATE * seconds))).astype(np.float32)


def scaled_band(sound: Floats, low: float, high: float, factor: float) -> Floats:
    """A sound whose spectrum is multiplied by `factor` from `low` to `high` Hz, all of it at once."""
    spectrum, hz = np.fft.rfft(sound), np.fft.rfftfreq(len(sound), 1 / RATE)
    spectrum[(hz >= low) & (hz < high)] *= factor
    return np.fft.irfft(spectrum, len(sound)).astype(np.float32)


def test_a_copy_of_half_the_level() -> None:
    # Every magnitude is halved: ln 2 in mel and log magnitude, 20 lg 2 in dB, and ||S - S/2|| / ||S|| = 1/2.
    real = noise()
    found = judge(real / 2, real)
    assert found.mel == pytest.approx(LN2, abs=1e-4)
    assert found.log_magnitude == pytest.approx(LN2, abs=1e-3)
    assert found.convergence == pytest.approx(0.5, abs=1e-3)
    assert found.stft == pytest.approx(0.5 + LN2, abs=2e-3)
    assert found.lsd == pytest.approx([DB6] * 4, abs=1e-2)


def test_the_same_sound_and_a_sound_of_no_likeness() -> None:
    real = noise()
    same, silent = judge(real, real), judge(np.zeros_like(real), real)
    assert (same.mel, same.stft, *same.lsd) == (0, 0, 0, 0, 0, 0)
    assert silent.convergence == pytest.approx(1, abs=1e-3)
    assert min(silent.lsd) > 60
    assert silent.mel > 4


def test_two_takes_of_one_noise() -> None:
    # ln of an exponential variable has the deviation pi / sqrt 6; in dB 4.343 times that, and sqrt 2 for the difference.
    found = judge(noise(4.0, 1), noise(4.0, 2))
    assert found.lsd == pytest.approx([np.sqrt(2) * 10 / np.log(10) * np.pi / np.sqrt(6)] * 4, abs=0.25)


@pytest.mark.parametrize("band", range(4))
def test_a_change_is_seen_in_its_band_alone(band: int) -> None:
    low, high = (1000 * edge for edge in quality.BANDS[band])
    real = noise(2.0)
    found = judge(scaled_band(real, low, high, 2.0), real)
    for number, value in enumerate(found.lsd):
        if number == band:
            assert value == pytest.approx(DB6, abs=0.2)
        else:
            assert value < 1.2  # the window blurs the band's limits by two bins, of the 46 below 1 kHz


@pytest.mark.parametrize(("level_db", "counts"), [(-75, False), (-50, True)])
def test_near_silent_frames_are_left_out_of_the_log_spectral_distance(level_db: float, counts: bool) -> None:
    loud, quiet = noise(1.0, 0), noise(1.0, 1) * np.float32(10 ** (level_db / 20))
    real, made = np.concatenate([loud, quiet]), np.concatenate([loud, 4 * quiet])
    # Half the frames count or do not: 12.04 dB in each of them.
    expected = DB6 if counts else 0
    assert judge(made, real).lsd == pytest.approx([expected] * 4, abs=0.2)


def test_what_the_longer_one_has_more_is_cut_off() -> None:
    real = noise()
    longer = np.concatenate([real, noise(0.5, 3)])
    assert judge(longer, real) == judge(real, longer) == judge(real, real)


@pytest.mark.parametrize("length", [1, 400, 2048])
def test_short_and_silent_sounds_have_finite_distances(length: int) -> None:
    for real in (noise()[:length], np.zeros(length, np.float32)):
        found = judge(noise(1.0, 1)[:length], real)
        assert np.isfinite([found.mel, found.stft, *found.lsd]).all()


def test_the_mean_over_files_and_its_json() -> None:
    real = noise()
    found = quality.mean([judge(real / 2, real), judge(real, real)])
    data = json.loads(json.dumps(found.to_json()))
    assert data["mel"] == pytest.approx(LN2 / 2, abs=1e-3)
    assert list(data["lsd"]) == ["0-1 kHz", "1-4 kHz", "4-10 kHz", "10-20 kHz"]
    assert list(data["lsd"].values()) == pytest.approx([DB6 / 2] * 4, abs=1e-2)
    assert data["stft"] == pytest.approx(data["convergence"] + data["log_magnitude"])
