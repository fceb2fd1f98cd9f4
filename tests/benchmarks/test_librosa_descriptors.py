"""The benchmark's measure of sliders against sounds whose numbers are known, and `sda`'s own two measures against it."""

import numpy as np
import pytest
from librosa_descriptors import RATE, judge
from scipy.stats import spearmanr

from sda.core import grid
from sda.core.descriptors import DESCRIPTORS, describe
from sda.core.listening import listen

LENGTH = 88 * 512
TIME = np.arange(LENGTH) / RATE
NAMES = [d.name for d in DESCRIPTORS]


def heard(audio: np.ndarray) -> dict[str, float]:
    return dict(zip(NAMES, judge(audio.astype(np.float32)).tolist(), strict=True))


def noise(slope: float = 0.0, seed: int = 0) -> np.ndarray:
    """Noise whose power falls by `slope` dB an octave, at .1 RMS."""
    hz = np.fft.rfftfreq(LENGTH, 1 / RATE).clip(40)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(LENGTH)) * 10 ** (-slope / 20 * np.log2(hz / 40))
    audio = np.fft.irfft(spectrum, LENGTH)
    return 0.1 * audio / audio.std()


def tone(f0: float) -> np.ndarray:
    return 0.1 * sum(np.sin(2 * np.pi * f0 * n * TIME + n) / n for n in range(1, 13))


def hits(rate: float) -> np.ndarray:
    return noise() * np.exp(-(TIME % (1 / rate)) / 0.03)


def test_what_can_be_worked_out() -> None:
    assert heard(noise())["loudness"] == pytest.approx(-20, abs=0.2)  # 20 log10(.1)
    assert heard(np.sin(2 * np.pi * 2000 * TIME))["brightness"] == pytest.approx(1, abs=0.1)  # an octave above 1 kHz
    two = 0.2 * np.sin(2 * np.pi * 250 * TIME) + 0.2 * np.sin(2 * np.pi * 4000 * TIME)
    assert heard(two)["width"] == pytest.approx(2.0, abs=0.1)  # half of log2(4000 / 250)
    warm = 0.4 * np.sin(2 * np.pi * 200 * TIME) + 0.1 * np.sin(2 * np.pi * 1500 * TIME)
    assert heard(warm)["warmth"] == pytest.approx(12.04, abs=0.3)  # 20 log10(.4 / .1)
    burst = np.where((TIME > 0.6) & (TIME < 0.8), noise(), 0)
    assert heard(burst)["lateness"] == pytest.approx(0.7, abs=0.01)  # s
    assert heard(burst)["length"] == pytest.approx(0.2, abs=0.01)  # s


@pytest.mark.parametrize("f0", [110.0, 220.0, 440.0])
def test_more_noise_beside_a_tone_is_noisier_for_all_three(f0: float) -> None:
    sounds = [tone(f0) + g * noise(3, seed=1) for g in (0.003, 0.03, 0.1, 0.3, 1, 3)]
    own = NAMES.index("noisiness")
    for measure in (lambda x: describe(grid.magnitudes(x)), listen, judge):
        assert (np.diff([measure(x.astype(np.float32))[own] for x in sounds]) > 0).all()


def test_more_attacks_are_more_percussive_for_all_three() -> None:
    sounds = [noise() * TIME, hits(1), hits(2), hits(4), hits(8)]
    own = NAMES.index("percussiveness")
    for measure in (lambda x: describe(grid.magnitudes(x)), listen, judge):
        assert (np.diff([measure(x.astype(np.float32))[own] for x in sounds]) > 0).all()


def test_the_three_agree_on_sounds_of_many_kinds() -> None:
    sounds = [noise(s, i) for i, s in enumerate((0, 3, 6, 9, 12))] + [tone(f) for f in (80, 150, 300, 600, 1200)]
    sounds += [tone(200) + g * noise(3, 7) for g in (0.03, 0.1, 0.3, 1)] + [hits(r) for r in (1, 2, 4, 8)]
    sounds += [g * noise(4, 9) * np.linspace(0, 1, LENGTH) ** p for g, p in ((0.3, 1), (2, 3), (0.1, 0.3))]
    sounds = [(x * 10 ** (-i % 7 / 4)).astype(np.float32) for i, x in enumerate(sounds)]
    third = np.array([judge(x) for x in sounds])
    for measure in (lambda x: describe(grid.magnitudes(x)), listen):
        other = np.array([measure(x) for x in sounds])
        agreement = {name: spearmanr(third[:, i], other[:, i])[0] for i, name in enumerate(NAMES[:-2])}
        assert all(rho >= 0.8 for rho in agreement.values()), agreement
        np.testing.assert_allclose(other[:, -2:], third[:, -2:], atol=0.03)  # lateness and length: most have theirs alike
