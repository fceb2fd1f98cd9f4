"""What every model needs: time, pitch, filters that never look ahead, noise of a painted colour, and the last polish.

Sounds are float64 [T] at `RATE`. Filters are products in the frequency domain, padded so that nothing wraps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float64]

RATE = 44_100  # Hz
PEAK = 10 ** (-1.5 / 20)  # full scale: -1.5 dBFS
LEAD = 0.01  # s before the first blow, in which the fade-in has room
PAINT_HOP = 256  # samples from one painted frame to the next
PAINT_FFT = 1024  # samples

# Just pentatonic on D: the simplest ratios of neighbours in the chain of fifths, with a pure third and sixth.
SCALE = {"D": 1.0, "E": 9 / 8, "F#": 5 / 4, "A": 3 / 2, "B": 5 / 3}
D0 = 440 * 2 ** (-55 / 12)  # Hz: 55 semitones under A4


def pitch(name: str) -> float:
    """The frequency in Hz of a note of the scale, such as "F#4"; octaves begin at D."""
    return float(D0 * SCALE[name[:-1]] * 2 ** int(name[-1]))


def clock(seconds: float) -> Sound:
    """Times in s, [T]."""
    return np.asarray(np.arange(round(seconds * RATE)) / RATE)


def curve(length: int, *points: tuple[float, float]) -> Sound:
    """Straight lines through (part of the length 0..1, value), [T]."""
    at, values = zip(*points, strict=True)
    return np.asarray(np.interp(np.linspace(0, 1, length), at, values))


def wander(random: np.random.Generator, length: int, speed: float) -> Sound:
    """A smooth random curve in about -1..1 that turns `speed` times a second, [T]."""
    knots = random.uniform(-1, 1, int(length / RATE * speed) + 3)
    place = np.arange(length) * speed / RATE
    index, part = place.astype(int), place % 1
    ease = part * part * (3 - 2 * part)
    return np.asarray(knots[index] * (1 - ease) + knots[index + 1] * ease)


def convolve(sound: Sound, response: Sound) -> Sound:
    """`sound` [T] through an impulse response, cut to T."""
    size = 1 << (len(sound) + len(response) - 1).bit_length()
    product = np.fft.rfft(sound, size) * np.fft.rfft(response, size)
    return np.fft.irfft(product, size)[: len(sound)]


def filtered(sound: Sound, *, low: float = 0.0, high: float = 0.0, order: int = 1) -> Sound:
    """Cut below `low` Hz and above `high` Hz (0: leave) by `order` RC sections each, [T]."""
    size = 1 << (len(sound) + RATE // 8).bit_length()
    s = 1j * np.fft.rfftfreq(size, 1 / RATE)
    response = np.ones(len(s), complex)
    if low:
        response *= (s / (s + low)) ** order
    if high:
        response *= (high / (s + high)) ** order
    return np.fft.irfft(np.fft.rfft(sound, size) * response, size)[: len(sound)]


def painted(random: np.random.Generator, length: int, centre: Sound, octaves: float, loudness: Sound) -> Sound:
    """Noise whose spectrum is a bell of `octaves` width about `centre` [T] Hz, with the envelope `loudness` [T].

    White noise by overlapping frames (square root of Hann, four deep), each multiplied by its own bell.
    """
    frames = length // PAINT_HOP + PAINT_FFT // PAINT_HOP + 1
    noise = random.standard_normal(frames * PAINT_HOP + PAINT_FFT)
    window = np.sqrt(np.hanning(PAINT_FFT + 1)[:-1])
    cut = np.lib.stride_tricks.sliding_window_view(noise, PAINT_FFT)[::PAINT_HOP][:frames]  # [F, N]
    middle = np.clip((np.arange(frames) - 1) * PAINT_HOP, 0, length - 1)
    bins = np.log2(np.fft.rfftfreq(PAINT_FFT, 1 / RATE) + 1.0)
    bell = np.exp(-0.5 * ((bins - np.log2(centre[middle])[:, None]) / octaves) ** 2)  # [F, N/2+1]
    pieces = np.fft.irfft(np.fft.rfft(cut * window) * bell) * window
    sound = np.zeros(len(noise))
    for index, piece in enumerate(pieces):
        sound[index * PAINT_HOP : index * PAINT_HOP + PAINT_FFT] += piece
    sound = sound[PAINT_FFT // 2 :][:length]
    return np.asarray(sound / np.sqrt(np.mean(sound**2)) * loudness)


def rms(sound: Sound) -> float:
    """Root of the mean square, linear."""
    return float(np.sqrt(np.mean(sound**2)))


def fundamental(sound: Sound, near: float) -> float:
    """The frequency in Hz within a semitone and a half of `near` whose period the sound repeats best.

    Autocorrelation by the Wiener-Khinchin theorem, its highest point refined by a parabola.
    """
    size = 1 << (2 * len(sound)).bit_length()
    windowed = (sound - sound.mean()) * np.hanning(len(sound))
    correlation = np.fft.irfft(np.abs(np.fft.rfft(windowed, size)) ** 2, size)
    # So many periods away, the same error in pitch is as many times more samples.
    periods = max(1, int(0.08 * near))
    found = near
    for count, reach in ((1, 1.09), (periods, 1 + 0.45 / max(5, periods))):
        first, last = int(count * RATE / found / reach), int(count * RATE / found * reach) + 2
        k = first + int(np.argmax(correlation[first:last]))
        a, b, c = correlation[k - 1 : k + 2]
        found = count * RATE / (k + 0.5 * (a - c) / (a - 2 * b + c))
    return float(found)


def polished(sound: Sound, level: float, fade: float) -> Sound:
    """Without rumble or offset, faded in over 8 ms and out over `fade` s, at `level` dBFS RMS or the peak's limit."""
    sound = filtered(sound, low=25.0, order=2)
    ramp = round(fade * RATE)
    start = round(LEAD * 0.8 * RATE)
    sound[:start] *= np.linspace(0, 1, start)
    sound[-ramp:] *= np.cos(np.linspace(0, np.pi / 2, ramp)) ** 2
    sound -= sound.mean() * np.hanning(len(sound)) * 2
    return np.asarray(sound * min(10 ** (level / 20) / rms(sound), PEAK / np.abs(sound).max()))
