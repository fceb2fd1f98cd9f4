"""Air that sounds: a flute with a jet that oscillates, pipes filled with breath, and wind.

Sources: N. Fletcher and T. Rossing, The Physics of Musical Instruments (2nd ed. 1998), chapters 8 (pipes) and 16 (jets);
P. Cook, Real Sound Synthesis (2002), chapter 12, for jet and pipe as two delay lines; A. Farnell, Designing Sound
(2010), for wind.
"""

from __future__ import annotations

import math

import numpy as np

from recordings.signals import RATE, Sound, clock, convolve, filtered, fundamental, painted, wander


def jet_loop(period: float, breath: Sound, air: Sound, damping: float) -> Sound:
    """The samples in an open pipe that a jet blows across, [T]; `breath` its pressure, `air` its turbulence, both [T].

    What comes back from the pipe bends the jet, which meets the edge half a period later; the flow that enters follows
    the bend as a tanh (F&R 16.2). At the pitch both detours add; at its octave the jet works against the pipe.
    """
    bore = max(4, round(period - damping / (1 - damping)))
    across = max(2, round(0.5 * period))
    pipe, flight = [0.0] * bore, [0.0] * across
    held, out, tanh = 0.0, [], math.tanh
    for n, (blown, rough) in enumerate(zip(breath.tolist(), air.tolist(), strict=True)):
        held = (1 - damping) * pipe[n % bore] + damping * held
        flow = blown * tanh(1.1 * flight[n % across] + rough + 0.5)
        flight[n % across] = -held
        pipe[n % bore] = 0.86 * held + 0.4 * (flow - 0.462 * blown)
        out.append(held)
    return np.array(out)


def retuned(sound: Sound, ratio: float) -> Sound:
    """The sound played `ratio` times as fast, on a line between samples (the top octave is empty here)."""
    return np.asarray(np.interp(np.arange(0, len(sound) - 1, ratio), np.arange(len(sound)), sound))


def flute(random: np.random.Generator, f0: float, breath: Sound, *, air: float, damping: float) -> Sound:
    """A flute under `breath` [T] (0 to 1), with `air` of turbulence on it, about [T]."""
    time = np.arange(len(breath)) / RATE
    noise = filtered(random.standard_normal(len(breath)), low=150.0, high=6000.0)
    tremble = 1 + 0.06 * np.sin(2 * np.pi * 4.7 * time) * np.clip(time - 0.3, 0, 1)
    sound = jet_loop(RATE / f0, breath * tremble, air * noise, damping)
    sound += 0.5 * air * noise * breath
    heard = fundamental(sound[len(sound) // 4 : -len(sound) // 4], f0)
    return retuned(filtered(sound, low=100.0), f0 / heard)


def breath_pipe(random: np.random.Generator, f0: float, loudness: Sound, *, ring: float, top: float) -> Sound:
    """Breath through an open pipe that does not speak: noise in a comb of resonances that ring for `ring` s, [T].

    Harmonics n f0, each `ring` / sqrt(n) long, since wall losses grow as the root of frequency (F&R 8.2).
    """
    n = np.arange(1, max(2, int(top * 2.5 / f0)) + 1)
    time = clock(min(2.0, 1.5 * ring))
    decay = np.exp(-np.log(1000) / ring * np.sqrt(n)[:, None] * time)  # [N, T]
    response = (decay * np.sin(2 * np.pi * f0 * n[:, None] * time) * np.exp(-n * f0 / top)[:, None]).sum(axis=0)
    noise = filtered(random.standard_normal(len(loudness)), low=100.0, high=top, order=2)
    tone = convolve(noise, response)
    hiss = filtered(noise, low=0.5 * top)
    return np.asarray((tone / tone.std() + 0.15 * hiss / hiss.std()) * loudness)


def wind(random: np.random.Generator, seconds: float, *, centre: float, octaves: float, gusts: float) -> Sound:
    """Wind: noise about `centre` Hz whose pitch and level follow gusts that turn `gusts` times a second, [T].

    Under it moves what is common to all wind, broad and low.
    """
    length = round(seconds * RATE)
    gust = wander(random, length, gusts)
    level = 10 ** (0.35 * gust)
    air = painted(random, length, np.full(length, 250.0), 1.2, level)
    return painted(random, length, centre * 2 ** (0.7 * gust), octaves, level) + 0.15 * air
