"""Sounds computed from a random generator, for what samples and instruments lack: pure tones, sweeps, noises, clicks.

Every function takes (random, rate in Hz) and returns mono float32 [T] with a peak below 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import signal

Floats = NDArray[np.float32]


def level(sound: NDArray[np.float64], peak: float = 0.7) -> Floats:
    """Scale to a peak, with 5 ms ramps at both ends."""
    ramp = min(220, len(sound) // 2)
    sound[:ramp] *= np.linspace(0, 1, ramp)
    sound[-ramp:] *= np.linspace(1, 0, ramp)
    return (peak * sound / max(1e-9, np.abs(sound).max())).astype(np.float32)


def frequency(random: np.random.Generator, low: float = 40, high: float = 8000) -> float:
    """Log-uniform, in Hz."""
    return float(low * (high / low) ** random.random())


def tones(random: np.random.Generator, rate: int) -> Floats:
    """A few steady or slowly beating sines, some close together."""
    t = np.arange(3 * rate) / rate
    sound = np.zeros_like(t)
    for _ in range(int(random.integers(1, 6))):
        sound += random.uniform(0.1, 1) * np.sin(2 * np.pi * (frequency(random) * t + random.random()))
    return level(sound)


def sweep(random: np.random.Generator, rate: int) -> Floats:
    """A rising or falling sine, saw or square."""
    t = np.arange(3 * rate) / rate
    ends = sorted((frequency(random), frequency(random)))
    phase = signal.chirp(t, ends[0], 3, ends[1] + 1, "logarithmic", phi=-90)
    shapes = (phase, np.tanh(8 * phase), phase + 0.5 * phase**2)
    sound = shapes[int(random.integers(3))]
    return level(sound[::-1].copy() if random.random() < 0.5 else sound.copy())


def filtered_noise(random: np.random.Generator, rate: int) -> Floats:
    """Noise through one band, swelling and fading."""
    noise = random.standard_normal(3 * rate)
    low = frequency(random, 60, 8000)
    high = min(low * random.uniform(1.2, 12), 0.45 * rate)
    band = signal.sosfilt(signal.butter(2, [low, high], "bandpass", fs=rate, output="sos"), noise)
    t = np.arange(len(band)) / rate
    return level(band * (0.05 + np.sin(np.pi * t * random.uniform(0.2, 4)) ** 2))


def clicks(random: np.random.Generator, rate: int) -> Floats:
    """Impulses, each ringing through a resonance of its own."""
    sound = np.zeros(3 * rate)
    for _ in range(int(random.integers(4, 40))):
        start, f = int(random.integers(0, 2.5 * rate)), frequency(random, 150, 14000)
        t = np.arange(int(0.4 * rate)) / rate
        decay = random.uniform(8, 400)
        ring = np.exp(-decay * t) * np.sin(2 * np.pi * f * t) * random.uniform(0.05, 1)
        sound[start : start + len(t)] += ring[: len(sound) - start]
    return level(sound)


def pluck(random: np.random.Generator, rate: int) -> Floats:
    """Plucked strings (Karplus and Strong 1983): a burst of noise in a loop that averages neighbours."""
    sound = np.zeros(3 * rate)
    for start in np.sort(random.integers(0, 2 * rate, int(random.integers(2, 8)))):
        period = int(rate / frequency(random, 55, 1200))
        burst = np.zeros(3 * rate - start)
        burst[:period] = random.uniform(-1, 1, period)
        loss = random.uniform(0.985, 0.9995)
        loop = np.zeros(period + 2)
        loop[0], loop[period], loop[period + 1] = 1, -loss / 2, -loss / 2
        sound[start:] += signal.lfilter([1], loop, burst)
    return level(sound)


def fm(random: np.random.Generator, rate: int) -> Floats:
    """Frequency modulation (Chowning 1973) with a decaying index, from bells to growls."""
    t = np.arange(3 * rate) / rate
    carrier, ratio = frequency(random, 60, 2000), float(random.choice([0.5, 1, 1.41, 2, 3.5, 7.07]))
    index = random.uniform(0.5, 9) * np.exp(-t * random.uniform(0.2, 5))
    sound = np.sin(2 * np.pi * carrier * t + index * np.sin(2 * np.pi * carrier * ratio * t))
    return level(sound * np.exp(-t * random.uniform(0.1, 3)))


def chord(random: np.random.Generator, rate: int) -> Floats:
    """Detuned saws through a low-pass that opens: a synthesiser's pad."""
    t = np.arange(3 * rate) / rate
    root, sound = frequency(random, 45, 300), np.zeros(3 * rate)
    for step in random.choice([0, 3, 4, 7, 10, 12, 16, 19], int(random.integers(1, 5)), replace=False):
        for cents in (-7, 0, 6):
            f = root * 2 ** (step / 12 + cents / 1200)
            top = int(min(60, 0.45 * rate / f))
            phase = 2 * np.pi * (f * t + random.random())
            sound += sum(np.sin(n * phase) / n for n in range(1, top + 1))
    cutoff = frequency(random, 400, 12000)
    return level(signal.sosfilt(signal.butter(2, cutoff, fs=rate, output="sos"), sound))


def grains(random: np.random.Generator, rate: int) -> Floats:
    """A dense cloud of short tones and noises."""
    sound = np.zeros(3 * rate)
    centre = frequency(random, 200, 5000)
    for _ in range(int(random.integers(40, 300))):
        length = int(rate * random.uniform(0.01, 0.12))
        start, t = int(random.integers(0, len(sound) - length)), np.arange(length) / rate
        f = centre * 2 ** random.uniform(-1.5, 1.5)
        body = np.sin(2 * np.pi * f * t) if random.random() < 0.7 else random.standard_normal(length)
        sound[start : start + length] += np.hanning(length) * body * random.uniform(0.1, 1)
    return level(sound)


SOUNDS: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    f.__name__: f for f in (tones, sweep, filtered_noise, clicks, pluck, fm, chord, grains)
}
