"""Which bands are partials' and which noise's, on sounds of which that is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sda.core import grid
from sda.core.band_groups import GROUPS
from sda.core.excitation import in_step
from sda.core.partials import mel_of, peaks
from sda.core.shaped_noise import shape
from sda.core.tonality import nearness, tonality

Floats = NDArray[np.float32]

RATE = 44_100
SECONDS = np.arange(RATE) / RATE
CENTRES = grid.band_centres()


def noise(level: float, seed: int = 0) -> Floats:
    return (level * np.random.default_rng(seed).standard_normal(len(SECONDS))).astype(np.float32)


def tones(*pitches: float, level: float = 0.1) -> Floats:
    return sum(level * np.sin(2 * np.pi * pitch * SECONDS) for pitch in pitches).astype(np.float32)


def tonal(sound: Floats) -> Floats:
    """[M], a mean over frames that no edge reaches, nothing sounding before them."""
    magnitudes = np.exp(grid.log_mel(sound))
    shaped = shape(magnitudes, 0)
    of_partials = mel_of(*peaks(magnitudes))
    nearer = nearness(magnitudes, of_partials, magnitudes * shaped.heard / shaped.wanted).T
    return np.mean([tonality(frame, np.zeros(len(frame), bool)) for frame in nearer[4:-4]], axis=0)


def test_a_steady_tone_s_band_is_the_partial_s() -> None:
    for pitch in (60.0, 220.0, 997.0, 3000.0, 7000.0):
        near = np.abs(CENTRES - pitch).argmin()
        assert tonal(tones(pitch))[near] > 0.9, pitch


def test_noise_is_noise_where_bands_are_wide_enough_to_tell() -> None:
    found = tonal(noise(0.1))
    assert found[CENTRES > 2000].mean() < 0.1
    assert found[CENTRES > 8000].max() == 0  # no partial is that high


def test_a_chord_in_noise_is_both() -> None:
    found = tonal(tones(440.0, 2500.0) + noise(0.01))
    assert min(found[np.abs(CENTRES - pitch).argmin()] for pitch in (440.0, 2500.0)) > 0.9
    assert found[(CENTRES > 4000)].mean() < 0.1


def test_it_is_a_share_whatever_the_level() -> None:
    """Silence and the loudest there is included; a sound twice as loud is as tonal."""
    for sound in (np.zeros(RATE, np.float32), tones(440.0, level=1.0), noise(1.0)):
        found = tonal(sound)
        assert np.all((found >= 0) & (found <= 1))
    sound = tones(300.0, 1500.0) + noise(0.02)
    assert np.abs(tonal(sound) - tonal(2 * sound)).max() < 0.02


def test_a_copy_is_near_its_mel_before_any_net() -> None:
    """Tones keep their valleys, which noise would fill; noise is itself. In nat."""
    for sound, bound in ((tones(220.0, 440.0, 660.0, 1320.0), 0.2), (noise(0.1), 0.22), (tones(440.0) + noise(0.01), 0.25)):
        log_mel = grid.log_mel(sound)
        apart = np.abs(grid.log_mel(in_step(log_mel).sum(axis=0)[: len(sound)]) - log_mel[:, : len(sound) // 512])
        assert apart[:, 8:-8].mean() < bound


def test_a_tone_has_next_to_no_noise_beside_it() -> None:
    made = in_step(grid.log_mel(tones(440.0)))[:, 8192:-8192]  # samples: the mel's edges are a click
    assert np.square(made[GROUPS:].sum(axis=0)).sum() < 1e-4 * np.square(made[:GROUPS].sum(axis=0)).sum()


def test_what_sounded_goes_on_where_it_is_as_near() -> None:
    even, one = np.zeros(9, np.float32), np.arange(9) == 4
    assert tonality(even, np.zeros(9, bool))[4] == 0.5
    assert list(tonality(even, one) == 1) == [False, False, False, True, True, True, False, False, False]
    assert not tonality(even - 0.6, one).any()  # noise is much nearer
