"""Struck bodies by modal synthesis: bars, bowls, plates and membranes.

A body is its modes: frequencies, decay times, and how much the place that is struck moves in each of them. The blow is
a force pulse as long as the contact: soft mallets stay longer and wake fewer high modes. Sources: N. Fletcher and
T. Rossing, The Physics of Musical Instruments (2nd ed. 1998), sections 2.15 (bars), 3.2-3.8 (membranes, plates), 18
(drums), 19 (mallet percussion); J.-M. Adrien, The missing link: modal synthesis (1991).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recordings.signals import LEAD, RATE, Sound, clock, convolve, filtered

TOP = 18_000.0  # Hz, above which modes are left out

# Zeros of Bessel's J_m (m, n) as (m, j_mn): F&R table 3.1 gives their ratios.
DRUM_ZEROS = (
    (0, 2.40483), (1, 3.83171), (2, 5.13562), (0, 5.52008), (3, 6.38016), (1, 7.01559), (4, 7.58834), (2, 8.41724),
    (0, 8.65373), (5, 8.77148), (3, 9.76102), (6, 9.93611), (1, 10.17347), (4, 11.06471), (2, 11.61984), (0, 11.79153),
    (3, 13.01520), (1, 13.32369), (4, 14.37254), (2, 14.79595),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Body:
    """Modes of a thing that rings: three arrays [N]."""

    frequencies: Sound  # Hz
    t60s: Sound  # s to fall by 60 dB
    gains: Sound  # linear

    def ring(self, seconds: float, glide: Sound | None = None) -> Sound:
        """The response [T] to a unit impulse; `glide` [T] multiplies every frequency."""
        time = clock(seconds)
        phase = 2 * np.pi * (time if glide is None else np.cumsum(glide) / RATE)
        sound = np.zeros_like(time)
        for f, t60, gain in zip(self.frequencies, self.t60s, self.gains, strict=True):
            alive = slice(0, min(len(time), round(1.5 * t60 * RATE)))
            sound[alive] += gain * np.exp(-np.log(1000) / t60 * time[alive]) * np.sin(f * phase[alive])
        return sound


# A small wooden box, under strings and as a stand: air, then top and back (Hz, s, gain).
BOX = Body(
    np.array([118.0, 209.0, 298.0, 431.0, 587.0, 906.0, 1240.0, 1890.0, 2650.0]),
    np.array([0.12, 0.10, 0.08, 0.06, 0.05, 0.035, 0.03, 0.02, 0.015]),
    np.array([0.9, 1.0, 0.7, 0.8, 0.6, 0.6, 0.5, 0.5, 0.4]),
)


def losses(frequencies: Sound, t60: float, power: float) -> Sound:
    """Decay times: `t60` at the lowest mode, falling as frequency to `power` (about 0.5 for metal, 1.5 for wood)."""
    return np.asarray(t60 * (frequencies[0] / frequencies) ** power)


def bar(f0: float, t60: float, *, power: float, place: float, count: int = 7) -> Body:
    """A uniform bar with free ends, struck at `place` (0 the end, 0.5 the middle).

    Euler-Bernoulli: cos(kL) cosh(kL) = 1, frequency as (kL)^2, so 1 : 2.757 : 5.404 : 8.933 ... (F&R 2.15).
    """
    k = np.array([4.730041, 7.853205, 10.995608, *((np.arange(4, count + 1) + 0.5) * np.pi)])[:count]
    sigma = (np.cosh(k) - np.cos(k)) / (np.sinh(k) - np.sin(k))
    x = k * place
    shape = np.cosh(x) + np.cos(x) - sigma * (np.sinh(x) + np.sin(x))
    f = f0 * (k / k[0]) ** 2
    kept = f < TOP
    return Body(f[kept], losses(f, t60, power)[kept], (shape / 2)[kept])


def bowl(random: np.random.Generator, f0: float, t60: float, *, split: float, count: int = 7) -> Body:
    """A bowl: bending modes of a ring, n(n^2 - 1) / sqrt(n^2 + 1), each a pair `split` (a part of f) apart that beats.

    O. Inacio, L. Henrique and J. Antunes, The dynamics of Tibetan singing bowls (Acta Acustica 92, 2006).
    """
    n = np.arange(2, count + 2)
    f = f0 * n * (n**2 - 1) / np.sqrt(n**2 + 1) / (6 / np.sqrt(5))
    pair = split * random.uniform(0.6, 1.4, count)
    both = np.concatenate([f * (1 - pair / 2), f * (1 + pair / 2)])
    where = random.uniform(0.15, 0.35, count) * np.pi
    gains = np.concatenate([np.cos(where), np.sin(where)])
    t60s = np.tile(losses(f, t60, 0.7), 2)
    kept = both < TOP
    return Body(both[kept], t60s[kept], gains[kept])


def plate(random: np.random.Generator, f0: float, t60: float, *, aspect: float, power: float = 0.4) -> Body:
    """A thin rectangular plate on supported edges, struck at a random place: f as (m/a)^2 + (n/b)^2 (F&R 3.7)."""
    m, n = (grid.ravel() for grid in np.meshgrid(np.arange(1, 13), np.arange(1, 13)))
    f = m**2 + (n * aspect) ** 2
    order = np.argsort(f)[:90]
    x, y = random.uniform(0.1, 0.45, 2)
    shape = (np.sin(np.pi * m * x) * np.sin(np.pi * n * y))[order]
    f = f0 * f[order] / f[order][0] * (1 + random.normal(0, 0.002, len(order)))
    kept = f < TOP
    return Body(f[kept], losses(f, t60, power)[kept], shape[kept])


def membrane(f0: float, t60: float, *, place: float) -> Body:
    """An ideal round drumhead struck at `place` (0 the centre, 1 the rim): zeros of J_m (F&R 3.3).

    Modes with nodal diameters (m > 0) stay still at the centre; a falling weight stands for J_m near the origin.
    """
    m, zero = (np.array(column) for column in zip(*DRUM_ZEROS, strict=True))
    f = f0 * zero / zero[0]
    gains = (place ** (0.7 * m)) * np.cos(zero * place * 0.9 * (m == 0))
    # The (0, n) modes radiate best and die first (F&R 18.2).
    t60s = losses(f, t60, 0.6) * np.where(m == 0, 0.7, 1.0)
    return Body(f, t60s, gains / (1 + 0.15 * np.arange(len(f))))


def blow(contact_ms: float) -> Sound:
    """The force of a mallet, a raised cosine of `contact_ms` and unit area (after Hertz; F&R 19.1)."""
    pulse = np.hanning(max(3, round(contact_ms * RATE / 1000)) + 2)[1:-1]
    return np.asarray(pulse / pulse.sum())


def knock(random: np.random.Generator, contact_ms: float) -> Sound:
    """The noise of the contact itself, a burst some contacts long, and the stand that it shakes; peak 1."""
    time = clock(0.2)
    burst = random.standard_normal(len(time)) * np.exp(-time * 1000 / contact_ms)
    burst = filtered(burst, low=150.0, high=min(2500.0 / contact_ms, TOP))
    stand = BOX.ring(0.2)
    both = burst / np.abs(burst).max() + stand / np.abs(stand).max()
    return np.asarray(both / np.abs(both).max())


def struck(
    random: np.random.Generator,
    body: Body,
    seconds: float,
    blows: tuple[tuple[float, float, float], ...],
    *,
    thump: float = 0.0,
    bend: float = 0.0,
) -> Sound:
    """A body under `blows` of (time s after LEAD, force, contact ms), [T].

    `thump` mixes in the contact's own noise. `bend` is how far (a part of f) a unit blow tightens the body: pitch that
    falls as the sound dies, tension growing with the square of displacement (F&R 18.1).
    """
    sound = np.zeros(round(seconds * RATE))
    for start, force, contact_ms in blows:
        at = round((LEAD + start) * RATE)
        rest = (len(sound) - at) / RATE
        glide = 1 + bend * force**2 * np.exp(-clock(rest) / (0.12 * float(body.t60s[0]))) if bend else None
        ring = convolve(body.ring(rest, glide), blow(contact_ms))
        noise = knock(random, contact_ms)[: len(ring)]
        ring[: len(noise)] += thump * np.abs(ring).max() * noise
        sound[at : at + len(ring)] += force * ring
    return sound


def bloom(sound: Sound, onset: float) -> Sound:
    """Let what lies above 2 kHz wake over `onset` s, as in gongs, where low modes feed high ones.

    K. Legge and N. Fletcher, Nonlinearity, chaos, and the sound of shallow gongs (JASA 86, 1989).
    """
    time = np.arange(len(sound)) / RATE
    high = filtered(sound, low=2000.0, order=3)
    return sound - high * np.exp(-time / onset)
