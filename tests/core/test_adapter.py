"""The mel conversion against true mels of the same sound, and as a stream."""

from __future__ import annotations

import numpy as np
import pytest
import soxr
from contract import assert_streams
from numpy.typing import NDArray

from sda.core import grid
from sda.core.adapter import MelAdapter
from sda.errors import ModelError
from sda.spec import BIGVGAN_GRID, MelSpec

Floats = NDArray[np.float32]
OLD = MelSpec(sample_rate=48_000, f_max=24_000.0, scale="htk", power=2.0, centered=True)
SECONDS = 3


@pytest.fixture(scope="module")
def adapter() -> MelAdapter:
    return MelAdapter(OLD)


def both(audio: Floats) -> tuple[Floats, Floats]:
    """The old mel powers and BigVGAN's true log-mel of a sound [T] at 44.1 kHz."""
    return grid.magnitudes(np.asarray(soxr.resample(audio, 44_100, 48_000, "VHQ"), np.float32), OLD), grid.log_mel(audio)


def melody() -> Floats:
    """Plucked notes with decaying overtones over a little noise."""
    random, t = np.random.default_rng(3), np.arange(SECONDS * 44_100) / 44_100
    sound = 0.003 * random.standard_normal(len(t))
    for start, hz in zip(np.arange(0, SECONDS, 0.25), 110 * 2 ** (random.integers(0, 36, 4 * SECONDS) / 12), strict=True):
        since = np.maximum(0, t - start)
        sound += sum(0.2 / n * np.sin(2 * np.pi * n * hz * since) * np.exp(-4 * n * since) * (t >= start) for n in range(1, 9))
    return sound.astype(np.float32)


def pink() -> Floats:
    """Noise of -3 dB an octave, swelling and fading."""
    random, t = np.random.default_rng(4), np.arange(SECONDS * 44_100) / 44_100
    spectrum = np.fft.rfft(random.standard_normal(len(t)))
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), len(t))
    return (0.2 * noise / noise.std() * np.exp(2 * np.sin(2 * np.pi * t))).astype(np.float32)


@pytest.mark.parametrize(("audio", "allowed"), [(melody(), 0.22), (pink(), 0.15)], ids=["melody", "pink"])
def test_it_reads_a_sound_as_bigvgan_does(adapter: MelAdapter, audio: Floats, allowed: float) -> None:
    power, truth = both(audio)
    error = np.abs(adapter(power, truth.shape[1]) - truth)[:126]  # the last half kHz is the resampler's slope
    assert error.mean() < allowed
    assert np.abs(adapter(power, truth.shape[1] + 4)[:, 4:] - truth)[:126].mean() > 1.3 * error.mean()  # 46 ms late


def test_levels_are_kept_exactly(adapter: MelAdapter) -> None:
    # Half the amplitude is a quarter of the power and ln 2 = 0.693 nat less, wherever the floors are far.
    power, _ = both(pink())
    loud, soft = adapter(power), adapter(power / 4)
    far = soft > np.log(1e-3)
    assert far.mean() > 0.5
    assert np.abs(loud - soft - np.log(2))[far].max() < 1e-3


def test_frames_lie_at_the_right_times(adapter: MelAdapter) -> None:
    """A click at time t is loudest in the frame whose centre is nearest, late in a recording too."""
    for j in (3, 200, 1000):
        centre = (512 * j + 256) / 44_100  # s
        power = np.zeros((128, 1200), np.float32)
        k = centre * 48_000 / 512  # of the old frames
        power[60, int(k)], power[60, int(k) + 1] = 1, 1
        log_mel = adapter(power)
        assert abs(int(log_mel.max(axis=0).argmax()) - j) <= 1
        ramp = adapter(np.tile(np.square(np.arange(1, 1201, dtype=np.float32)), (128, 1)))
        # Amplitudes that grow by one a frame are read between frames: frame k has k + 1.
        ratio = np.exp(ramp[60, j] - ramp[60, 0])
        assert ratio == pytest.approx((k + 1) / (1 + 0.5 * 48_000 / 44_100), rel=1e-4)


def test_streamed_equals_whole(adapter: MelAdapter) -> None:
    power, truth = both(melody())
    whole = adapter(power, truth.shape[1])
    state, parts, ends = adapter.start(), [], []
    for at in range(power.shape[1]):
        part, state = adapter.step(power[:, at : at + 1], state)
        parts.append(part)
        ends.append(sum(p.shape[1] for p in parts))
    assert ends == [adapter.out_count(n + 1) for n in range(power.shape[1])]
    assert_streams(adapter.start, adapter.step, whole, power)


def test_a_stream_that_forgets_its_last_frame_is_noticed(adapter: MelAdapter) -> None:
    power, truth = both(melody())

    def step(x: Floats, state: object) -> tuple[Floats, object]:
        return adapter(x), state

    with pytest.raises((AssertionError, ValueError)):
        assert_streams(adapter.start, step, adapter(power, truth.shape[1]), power, (16,))


def test_no_frame_and_silence_are_taken(adapter: MelAdapter) -> None:
    nothing, state = adapter.step(np.zeros((128, 0), np.float32), adapter.start())
    assert nothing.shape == (128, 0)
    silence, _ = adapter.step(np.zeros((128, 10), np.float32), state)
    assert np.allclose(silence, np.log(1e-5), atol=1e-6)
    assert silence.shape[1] == 8  # the frames j with (j + 1/2) 160 / 147 < 9
    assert np.isfinite(adapter(np.full((128, 4), 1e7, np.float32))).all()


def test_other_grids_are_refused() -> None:
    with pytest.raises(ModelError, match="expected power 2, centred True"):
        MelAdapter(BIGVGAN_GRID)
