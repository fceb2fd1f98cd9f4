"""Many small events: shakers, rain, bubbles and scrapes.

Sources: P. Cook, Physically informed sonic modeling (PhISM): synthesis of percussive sounds (Computer Music Journal
21(3), 1997); K. van den Doel, Physically based models for liquid sounds (ACM TAP 2(4), 2005), after M. Minnaert (1933);
K. van den Doel, P. Kry and D. Pai, FoleyAutomatic (SIGGRAPH 2001), for scraping.
"""

from __future__ import annotations

import numpy as np

from recordings.signals import RATE, Sound, clock, convolve, filtered
from recordings.struck import Body


def shaken(random: np.random.Generator, energy: Sound, shell: Body, *, beans: float) -> Sound:
    """A rattle: `beans` grains that hit its shell at random, each blow as strong as what `energy` [T] is left, [T].

    PhISM: the chance of a blow per sample is constant, its strength random, and each is a burst of noise that decays
    within a millisecond, heard through the shell's resonances.
    """
    blows = (random.random(len(energy)) < beans / RATE) * energy * random.uniform(0.0, 2.0, len(energy))
    burst = random.standard_normal(len(energy)) * convolve(blows, np.exp(-clock(0.006) * 1500))
    response = shell.ring(0.2)
    return convolve(burst, response / np.sqrt(np.sum(response**2)))


def shakes(length: int, times: tuple[float, ...], fall: float) -> Sound:
    """Energy [T] that each of `times` (s) fills to one and that falls by e in `fall` s."""
    time = np.arange(length) / RATE
    return np.asarray(sum(np.where(time >= t, np.exp(-np.maximum(0, time - t) / fall), 0.0) for t in times))


def drop(random: np.random.Generator, radius: float) -> Sound:
    """One bubble of `radius` m: f = 3 / r Hz (Minnaert), damped by 0.13/r + 0.0072 r^-1.5 (van den Doel, equation 5)."""
    f, damping = 3.0 / radius, 0.13 / radius + 0.0072 * radius**-1.5
    time = clock(min(0.6, 7.0 / damping))
    rise = random.uniform(0.0, 0.15) * damping
    return np.asarray(np.exp(-damping * time) * np.sin(2 * np.pi * f * time * (1 + 0.5 * rise * time)))


def bubbles(random: np.random.Generator, rate_hz: Sound, *, smallest: float, largest: float) -> Sound:
    """Bubbles at `rate_hz` [T] a second, with radii (m) between the two, small ones more often, [T]."""
    sound = np.zeros(len(rate_hz))
    for at in np.flatnonzero(random.random(len(rate_hz)) < rate_hz / RATE):
        radius = smallest * (largest / smallest) ** (random.random() ** 1.5)
        one = drop(random, radius)[: len(sound) - at]
        sound[at : at + len(one)] += one * random.exponential(1.0) * np.sqrt(radius / largest)
    return sound


def rain(random: np.random.Generator, rate_hz: Sound, leaf: Body, *, high: float) -> Sound:
    """Drops that click on leaves, `rate_hz` [T] a second: impulses through the leaf's modes, below `high` Hz, [T]."""
    hits = (random.random(len(rate_hz)) < rate_hz / RATE) * random.exponential(1.0, len(rate_hz)) ** 1.5
    signed = hits * random.choice([-1.0, 1.0], len(hits))
    response = leaf.ring(0.15)
    wet = convolve(signed, response / np.sqrt(np.sum(response**2)))
    return filtered(signed * 0.3 + wet, low=80.0, high=high, order=2)


def scraped(random: np.random.Generator, speed: Sound, body: Body, *, ridges: float, grit: float) -> Sound:
    """A stick drawn over ridged wood at `speed` [T] (0..1), `ridges` a second at full speed, [T].

    Each ridge is a click of the stick; `grit` mixes in noise whose bandwidth grows with speed (FoleyAutomatic, 4.2).
    """
    travel = np.cumsum(speed) * ridges / RATE
    uneven = travel + 0.25 * np.interp(travel, np.arange(int(travel[-1]) + 3), random.uniform(-1, 1, int(travel[-1]) + 3))
    steps = np.maximum(0, np.diff(np.floor(uneven), prepend=0.0))
    clicks = steps * speed * random.uniform(0.5, 1.0, len(steps))
    rough = filtered(random.standard_normal(len(speed)), low=200.0, high=2000.0)
    rough += filtered(random.standard_normal(len(speed)), low=2000.0, high=9000.0) * speed
    force = convolve(clicks, np.exp(-clock(0.003) * 3000)) + grit * rough * speed * 0.2
    response = body.ring(0.25)
    return convolve(force, response / np.sqrt(np.sum(response**2)))
