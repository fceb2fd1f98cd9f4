"""Strings as digital waveguides: plucked, exactly in the frequency domain, and bowed, one sample after the other.

Sources: K. Karplus and A. Strong (Computer Music Journal 7(2), 1983), D. Jaffe and J. O. Smith, Extensions of the
Karplus-Strong plucked-string algorithm (same issue); M. McIntyre, R. Schumacher and J. Woodhouse, On the oscillations
of musical instruments (JASA 74, 1983); J. O. Smith, Physical Audio Signal Processing (2010), Bowed strings.
"""

from __future__ import annotations

import numpy as np

from recordings.signals import RATE, Sound, clock, convolve, filtered, fundamental
from recordings.struck import BOX


def boxed(sound: Sound, share: float) -> Sound:
    """The sound on a wooden box: `share` of it through the box's modes, [T]."""
    box = BOX.ring(0.15)
    return (1 - share) * sound + share * convolve(sound, 12 * box / np.abs(box).sum())


def plucked(
    random: np.random.Generator, f0: float, seconds: float, *, t60: float, dullness: float, place: float, touch_hz: float
) -> Sound:
    """A plucked string: a noise burst of one period through 1 / (1 - G z^-P), P the period (Jaffe and Smith), [T].

    `t60` s at f0; `dullness` times as fast a decay at 5 kHz; `place` the plucked point's part of the length (a comb);
    `touch_hz` how soft the finger is. G = 10^(-3 / (f t60)) per period and without phase, so the pitch is f0 exactly.
    The loop is evaluated on a circle outside the unit circle, where it has died before the transform wraps around.
    """
    length = round(seconds * RATE)
    size = 1 << (2 * length - 1).bit_length()
    f = np.fft.rfftfreq(size, 1 / RATE)
    shrink = np.log(1e7) / size  # 140 dB over the transform
    period = RATE / f0
    s = shrink + 2j * np.pi * f / RATE  # z = exp(s)
    decay = 10 ** (-3 / (f0 * t60) * (1 + dullness * (f / 5000) ** 2))
    burst = random.uniform(-1, 1, int(period))
    burst -= burst.mean()
    excitation = filtered(np.pad(burst, (0, length - len(burst))), high=touch_hz, order=2)
    weighted = np.fft.rfft(excitation * np.exp(-shrink * np.arange(length)), size)
    comb = 1 - 0.9 * np.exp(-s * period * place)
    string = np.fft.irfft(weighted * comb / (1 - decay * np.exp(-s * period)), size)[:length]
    return np.asarray(string * np.exp(shrink * np.arange(length)))


def bow_loop(period: float, velocity: Sound, force: Sound, place: float, damping: float) -> Sound:
    """The bowed string's samples at the bridge, [T]: two delay lines that meet at the bow.

    The bow's grip is a reflection coefficient that falls with the slip between bow and string, Smith's
    min(1, (|slip| slope + 3/4)^-4); more force is a gentler slope and a longer grip.
    """
    lag = damping / (1 - damping)
    to_bridge = max(4, round(period * place))
    rest = period - to_bridge - lag - 1
    to_nut, part = int(rest), rest - int(rest)
    bridge, nut = [0.0] * to_bridge, [0.0] * (to_nut + 1)
    held, last, out = 0.0, 0.0, []
    for n, (speed, slope) in enumerate(zip(velocity.tolist(), (5 - 4 * force).tolist(), strict=True)):
        arrived, neck = bridge[n % to_bridge], nut[n % (to_nut + 1)]
        held = 0.97 * (1 - damping) * arrived + damping * held
        delayed, last = (1 - part) * neck + part * last, neck
        slip = speed + held + delayed
        grip = (abs(slip * slope) + 0.75) ** -4
        wave = slip * (grip if grip < 1 else 1.0)
        nut[n % (to_nut + 1)] = wave - held
        bridge[n % to_bridge] = wave - delayed
        out.append(arrived)
    return np.array(out)


def bowed(
    random: np.random.Generator, f0: float, seconds: float, *, press: Sound, speed: Sound, place: float, damping: float
) -> Sound:
    """A bowed string on a box, [T]: `press` 0..1 and `speed` 0..1 are [T]; `damping` 0..0.9 darkens it.

    A first half second is played to hear how far the loop's filters pull the pitch, and the string cut to suit.
    """
    length = round(seconds * RATE)
    trial = np.full(RATE // 2, 0.2)
    heard = fundamental(bow_loop(RATE / f0, trial, np.full(len(trial), 0.5), place, damping)[RATE // 5 :], f0)
    grain = filtered(random.standard_normal(length), high=3000.0) * 0.02
    vibrato = 1 + 0.01 * np.sin(2 * np.pi * 5.1 * clock(seconds))
    string = bow_loop(RATE / f0 * heard / f0, 0.25 * speed * (1 + grain) * vibrato, press, place, damping)
    return boxed(filtered(string, low=60.0, high=7000.0, order=2), 0.6)
