"""The partials and the noise that a generator is excited by, against sounds of which all is known."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from sda.core import grid
from sda.core.band_groups import GROUPS
from sda.core.excitation import LATE, excite, in_step, start
from sda.core.partials import peaks
from sda.spec import EXCITATION_CYCLE

Floats = NDArray[np.float32]

RATE, HOP = 44_100, 512
SECONDS = np.arange(RATE * 2 // HOP * HOP) / RATE
INSIDE = slice(8192, -8192)  # samples where no edge is heard


def tone(pitch: float | Floats, level: float = 0.1) -> Floats:
    """A sine with a peak of `level`; pitch in Hz, one or one a sample."""
    return (level * np.sin(2 * np.pi * np.cumsum(np.broadcast_to(pitch, SECONDS.shape)) / RATE)).astype(np.float32)


def partials(sound: Floats) -> Floats:
    return in_step(grid.log_mel(sound))[:GROUPS].sum(axis=0)


def spectrum(sound: Floats) -> Floats:
    """Power [bins] of a whole sound, 0.5 Hz apart and less."""
    inside = sound[INSIDE]
    return np.abs(np.fft.rfft(inside * np.hanning(len(inside)), 1 << 18)).astype(np.float32) ** 2


def loudest(power: Floats) -> float:
    """Hz."""
    return float(power.argmax()) * RATE / (1 << 18)


@pytest.mark.parametrize("pitch", [41.2, 82.4, 220.0, 440.0, 997.0, 2500.0, 6000.0])
def test_a_steady_tone_comes_back_in_tune_and_as_loud_and_alone(pitch: float) -> None:
    power = spectrum(partials(tone(pitch)))
    assert abs(1200 * np.log2(loudest(power) / pitch)) < (10 if pitch < 100 else 2)
    assert 10 * np.log10(power.sum() / spectrum(tone(pitch)).sum()) == pytest.approx(0, abs=1)
    near = np.abs(np.arange(len(power)) * RATE / (1 << 18) - loudest(power)) < 20
    assert power[~near].sum() < 0.02 * power.sum()


def test_it_does_not_repeat_with_the_hop() -> None:
    """440 Hz lies between the multiples of 86.13 Hz; a sound that repeats every hop has nothing there."""
    power = spectrum(partials(tone(440.0)))
    bins = np.arange(1, 20) * (RATE / HOP) * (1 << 18) / RATE
    lines = sum(power[round(b) - 6 : round(b) + 7].sum() for b in bins)
    assert lines < 1e-3 * power.sum()


def test_a_vibrato_across_bands_is_followed_without_a_break() -> None:
    pitch = 700 * 2 ** (0.5 / 12 * np.sin(2 * np.pi * 5 * SECONDS))  # half a semitone, over two bands
    made = partials(tone(pitch.astype(np.float32)))[INSIDE]
    analytic = np.fft.ifft(np.where(np.arange(len(made)) < len(made) // 2, 2, 0) * np.fft.fft(made))
    envelope, cycles = np.abs(analytic)[2000:-2000], np.diff(np.unwrap(np.angle(analytic)))[2000:-2000] * RATE / 2 / np.pi
    assert envelope.min() > 0.06
    assert np.abs(1200 * np.log2(cycles / pitch[INSIDE][2000:-2001])).max() < 60


def test_two_tones_are_two_partials() -> None:
    power = spectrum(partials(tone(440.0) + tone(660.0, 0.05)))
    bins = [round(f * (1 << 18) / RATE) for f in (440, 660)]
    one, other = (power[b - 40 : b + 41].sum() for b in bins)
    assert 10 * np.log10(one / other) == pytest.approx(6, abs=1)
    assert one + other > 0.97 * power.sum()


def test_a_tone_in_noise_is_as_loud_as_it_is() -> None:
    """What lies in the bands beside its peak is not its own."""
    sound = tone(440.0, 0.05) + (0.05 * np.random.default_rng(0).standard_normal(len(SECONDS))).astype(np.float32)
    log_mel = grid.log_mel(sound)
    band = int(log_mel.mean(axis=1).argmax())
    assert np.abs(grid.log_mel(partials(sound))[band] - log_mel[band])[8:-8].mean() < 0.05


def test_noise_leaves_a_valley_empty() -> None:
    spectrum = np.fft.rfft(0.1 * np.random.default_rng(0).standard_normal(len(SECONDS)))
    frequencies = np.fft.rfftfreq(len(SECONDS), 1 / RATE)
    spectrum[(frequencies > 2000) & (frequencies < 4000)] *= 0.003
    log_mel = grid.log_mel(np.fft.irfft(spectrum).astype(np.float32))
    centres = grid.band_centres()
    for inside, bound in (((2550, 3500), 0.2), ((2000, 2100), 1.8), ((3750, 3850), 1.8)):  # nat, of 5.8
        bands = (centres > inside[0]) & (centres < inside[1])
        apart = grid.log_mel(in_step(log_mel)[GROUPS:].sum(axis=0)) - log_mel
        assert np.abs(apart[bands, 8:-8].mean(axis=1)).max() < bound


def test_noise_has_the_level_and_the_spectrum_of_noise() -> None:
    white = (0.1 * np.random.default_rng(0).standard_normal(len(SECONDS))).astype(np.float32)
    white = white + 4 * np.concatenate([[0], white[:-1]]).astype(np.float32)  # darker than white
    made = in_step(grid.log_mel(white)).sum(axis=0)
    assert made.std() == pytest.approx(white.std(), rel=0.05)
    apart = (grid.log_mel(made) - grid.log_mel(white))[4:, 8:-8].mean(axis=1)
    assert np.abs(apart).max() < 0.25
    assert abs(np.corrcoef(made[HOP * EXCITATION_CYCLE % len(made) :][:HOP], made[:HOP])[0, 1]) < 0.5


def test_noise_is_evened_by_what_its_own_mel_does() -> None:
    """Two takes of a noise are .33 nat apart, and .28 would be what is shaped by one frame's mel after the other."""
    white = (0.1 * np.random.default_rng(0).standard_normal(len(SECONDS))).astype(np.float32)
    log_mel = grid.log_mel(white)
    for number in (0, EXCITATION_CYCLE - 80):  # across the end of the circle too
        made = in_step(log_mel, number).sum(axis=0)
        assert np.abs(grid.log_mel(made) - log_mel)[:, 8:-8].mean() < 0.22


def test_nothing_sounds_in_silence() -> None:
    made = in_step(grid.log_mel(np.zeros(RATE, np.float32)))
    assert np.abs(made[:GROUPS]).max() == 0
    assert np.abs(made[GROUPS:].sum(axis=0)).max() < 1e-4  # the mel's floor


def test_it_is_in_step_with_its_frames() -> None:
    """A click is where it was, to the eighth of a frame."""
    sound = np.zeros(RATE, np.float32)
    place = 20_000
    sound[place - 100 : place + 100] = np.random.default_rng(0).standard_normal(200) * 0.3
    energy = np.square(in_step(grid.log_mel(sound))[GROUPS:].sum(axis=0), dtype=np.float64)
    middle = (energy * np.arange(len(energy))).sum() / energy.sum()
    assert abs(middle - place) < HOP / 8


def test_however_it_is_cut_it_is_the_same() -> None:
    log_mel = (np.random.default_rng(3).normal(size=(128, 75)) * 2 - 6).astype(np.float32)
    whole, _ = excite(log_mel, 5, start())
    for blocks in ((1,), (2,), (7, 3)):
        parts, state, place, number = [], start(), 0, 0
        while place < 75:
            size = blocks[number % len(blocks)]
            kept = state.copy()
            part, after = excite(log_mel[:, place : place + size], 5 + place, state)
            assert np.array_equal(state, kept)  # a state is a value
            parts.append(part)
            state, place, number = after, place + size, number + 1
        assert np.abs(np.concatenate(parts, axis=1) - whole).max() <= 1e-6
    assert np.array_equal(in_step(log_mel[:, :-1], 5)[:, : 70 * HOP], whole[:, LATE:][:, : 70 * HOP])


def test_no_block_waits_for_tables() -> None:
    """Not even the first of a process, after `start`; they take half a second."""
    code = """
import time
import numpy as np
from sda.core.excitation import excite, start
def spent(call):
    began = time.process_time()
    made = call()
    return time.process_time() - began, made
making, state = spent(start)
frames = np.full((128, 2), -6, np.float32)
first, _ = spent(lambda: excite(frames, 0, state))
print(first / making)
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert float(shown.stdout) < 0.2  # .01


def test_groups_are_where_the_sound_is() -> None:
    low, high = in_step(grid.log_mel(tone(100.0))), in_step(grid.log_mel(tone(4000.0)))
    for made, group in ((low, 0), (high, 9)):  # of eight bands each; 4000 Hz is in the 75th
        loud = np.square(made[:GROUPS]).sum(axis=1).argsort()[-2:]
        assert group in loud
        assert np.square(made[:GROUPS][loud]).sum() > 0.98 * np.square(made[:GROUPS]).sum()


def test_peaks_are_between_bands_where_the_tone_is() -> None:
    frequencies, amplitudes = peaks(np.exp(grid.log_mel(tone(450.0))[:, 40:41]))
    loud = int(amplitudes[:, 0].argmax())
    assert frequencies[loud, 0] == pytest.approx(450, abs=1)
    assert amplitudes[loud, 0] == pytest.approx(0.1, rel=0.08)
    assert not frequencies[amplitudes == 0].any()
