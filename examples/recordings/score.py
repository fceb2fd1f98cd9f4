"""The score: what is played, how loud, and under which name. Brightness, noise, attack and level are dealt out apart.

Every recording draws from a generator of its own (seed and name), so changing one leaves the others as they were.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recordings import air, particles, strings, struck
from recordings.signals import LEAD, RATE, Sound, curve, pitch, polished

Random = np.random.Generator
Play = Callable[[Random], Sound]
Blows = tuple[tuple[float, float, float], ...]  # time s, force, contact ms


@dataclass(frozen=True, slots=True)
class Recording:
    """One entry: a model as it is played."""

    name: str  # of the file, without its ending
    level: float  # dBFS RMS, less where the peak would pass -1.5 dBFS
    play: Play
    fade: float = 0.25  # s at the end

    def sound(self, seed: int) -> Sound:
        """The finished recording, [T]."""
        return polished(self.play(np.random.default_rng([seed, zlib.crc32(self.name.encode())])), self.level, self.fade)


def samples(seconds: float) -> int:
    """A length in samples."""
    return round(seconds * RATE)


def bar(note: str, t60: float, power: float, blows: Blows, thump: float) -> Play:
    """A bar, struck at a place that differs a little with the seed."""

    def play(random: Random) -> Sound:
        body = struck.bar(pitch(note), t60, power=power, place=random.uniform(0.42, 0.5))
        return struck.struck(random, body, 2.0, blows, thump=thump)

    return play


def bowl(note: str, seconds: float, contact_ms: float) -> Play:
    """A bowl, struck once and left to beat."""

    def play(random: Random) -> Sound:
        body = struck.bowl(random, pitch(note), 4.5, split=0.8 / pitch(note))
        return struck.struck(random, body, seconds, ((0.0, 1.0, contact_ms),))

    return play


def rubbed_bowl(note: str, seconds: float) -> Play:
    """A bowl whose rim is rubbed: its first modes held by friction, swelling, with the stick's own rustle."""

    def play(random: Random) -> Sound:
        swell = curve(samples(seconds), (0, 0.05), (0.45, 1), (0.8, 0.9), (1, 0.3))
        body = struck.bowl(random, pitch(note), 60.0, split=1.1 / pitch(note), count=3)
        held = struck.Body(body.frequencies, body.t60s * 0 + 60.0, body.gains * np.tile([1, 0.12, 0.02], 2))
        rustle = particles.scraped(random, 0.5 * swell, held, ridges=60, grit=1.0)
        return np.asarray(held.ring(seconds) * swell + 0.02 * rustle / rustle.std())

    return play


def gong(f0: float, contact_ms: float, onset: float, seconds: float) -> Play:
    """A plate whose high modes wake after the blow."""

    def play(random: Random) -> Sound:
        body = struck.plate(random, f0, 14.0, aspect=1.31)
        return struck.bloom(struck.struck(random, body, seconds, ((0.0, 1.0, contact_ms),)), onset)

    return play


def sheet(f0: float, blows: Blows, seconds: float) -> Play:
    """A stiff sheet of metal, struck hard."""

    def play(random: Random) -> Sound:
        body = struck.plate(random, f0, 1.6, aspect=1.43, power=0.25)
        return struck.struck(random, body, seconds, blows, thump=0.12)

    return play


def drum(f0: float, t60: float, place: float, blows: Blows, thump: float) -> Play:
    """A drum whose pitch falls after each blow."""

    def play(random: Random) -> Sound:
        return struck.struck(random, struck.membrane(f0, t60, place=place), 1.8, blows, thump=thump, bend=0.12)

    return play


def guitar(notes: tuple[tuple[float, str], ...], seconds: float, dullness: float, touch_hz: float, place: float) -> Play:
    """Strings plucked at their times, each left to ring, on one box."""

    def play(random: Random) -> Sound:
        sound = np.zeros(samples(seconds))
        for start, note in notes:
            at = samples(LEAD + start)
            rest = (len(sound) - at) / RATE
            one = strings.plucked(
                random, pitch(note), rest, t60=3.0, dullness=dullness, place=place * random.uniform(0.9, 1.1), touch_hz=touch_hz
            )
            sound[at:] += one / np.abs(one).max()
        return strings.boxed(sound, 0.35)

    return play


def viol(note: str, seconds: float, press: tuple[float, float], place: float, damping: float) -> Play:
    """One stroke of the bow, from the first pressure to the second."""

    def play(random: Random) -> Sound:
        length = samples(seconds)
        speed = curve(length, (0, 0.07), (0.12, 0.55), (0.7, 0.7), (1, 0.04))
        return strings.bowed(
            random,
            pitch(note),
            seconds,
            press=curve(length, (0, press[0]), (1, press[1])),
            speed=speed,
            place=place,
            damping=damping,
        )

    return play


def flute(note: str, seconds: float, noise: float, damping: float, *points: tuple[float, float]) -> Play:
    """One breath on a flute, its pressure through `points`."""

    def play(random: Random) -> Sound:
        return air.flute(random, pitch(note), curve(samples(seconds), *points), air=noise, damping=damping)

    return play


def breath(note: str, seconds: float, ring: float, top: float, *points: tuple[float, float]) -> Play:
    """Breath over a pipe that does not speak."""

    def play(random: Random) -> Sound:
        return air.breath_pipe(random, pitch(note), curve(samples(seconds), *points), ring=ring, top=top)

    return play


def wind(seconds: float, centre: float, octaves: float) -> Play:
    """Wind about a frequency."""
    return lambda random: air.wind(random, seconds, centre=centre, octaves=octaves, gusts=1.5)


def rattle(modes: tuple[float, ...], t60: float, beans: float, times: tuple[float, ...], fall: float) -> Play:
    """A shell with grains in it, shaken at `times`."""

    def play(random: Random) -> Sound:
        shell = struck.Body(np.array(modes), np.full(len(modes), t60), np.ones(len(modes)))
        return particles.shaken(random, particles.shakes(samples(2.0), times, fall), shell, beans=beans)

    return play


def brook(seconds: float, rate_hz: tuple[float, float], smallest: float, largest: float) -> Play:
    """Water: bubbles of radii in m, from the first rate to the second."""

    def play(random: Random) -> Sound:
        rates = curve(samples(seconds), (0, rate_hz[0]), (1, rate_hz[1]))
        return particles.bubbles(random, rates, smallest=smallest, largest=largest)

    return play


def rain(seconds: float, rate_hz: tuple[float, float], leaf_hz: float, high: float) -> Play:
    """Rain on leaves that answer at `leaf_hz` and above."""

    def play(random: Random) -> Sound:
        f = leaf_hz * np.array([1.0, 1.7, 2.9, 4.3])
        leaf = struck.Body(f, np.array([0.03, 0.02, 0.012, 0.008]), np.array([1.0, 0.8, 0.6, 0.5]))
        return particles.rain(random, curve(samples(seconds), (0, rate_hz[0]), (1, rate_hz[1])), leaf, high=high)

    return play


def scrape(seconds: float, note: str, ridges: float, grit: float, *points: tuple[float, float]) -> Play:
    """A stick over ridged wood of a bar's modes, its speed through `points`."""

    def play(random: Random) -> Sound:
        body = struck.bar(pitch(note), 0.15, power=0.6, place=0.31)
        return particles.scraped(random, curve(samples(seconds), *points), body, ridges=ridges, grit=grit)

    return play


SCORE = (
    # Struck and tonal, dark to bright.
    Recording("bar_wood_low_soft", -22, bar("D3", 1.4, 0.8, ((0.0, 0.6, 3.0), (1.0, 1.0, 2.0)), 0.05)),
    Recording("bar_wood_mid", -22, bar("A4", 0.9, 0.9, ((0.0, 1.0, 1.5), (0.6, 0.5, 2.0), (1.2, 0.8, 1.2)), 0.05)),
    Recording("bar_metal_high_hard", -20, bar("F#6", 2.4, 0.5, ((0.0, 1.0, 0.25), (1.0, 0.7, 0.3)), 0.15)),
    Recording("bar_metal_highest", -20, bar("E7", 1.6, 0.4, ((0.0, 0.4, 0.2), (0.5, 0.8, 0.15), (1.1, 1.0, 0.1)), 0.25)),
    Recording("bowl_low_soft", -20, bowl("F#3", 2.8, 2.0), 0.5),
    Recording("plate_gong_bloom", -21, gong(110.0, 0.2, 0.9, 3.0), 0.5),
    Recording("plate_sheet_hard", -22, sheet(310.0, ((0.0, 1.0, 0.15), (0.9, 0.6, 0.3)), 2.0)),
    # Plucked.
    Recording("string_low_thumb", -20, guitar(((0.0, "D2"), (1.2, "A2")), 2.6, 14.0, 700.0, 0.35)),
    Recording("string_mid_finger", -21, guitar(((0.0, "A3"), (0.4, "D4"), (0.8, "F#4")), 2.2, 5.0, 3000.0, 0.2)),
    Recording("string_bright_nail", -20, guitar(((0.0, "D3"), (0.9, "E4")), 2.2, 1.0, 14000.0, 0.07)),
    # Held and tonal.
    Recording("bowl_rubbed", -25, rubbed_bowl("A3", 2.8), 0.4),
    Recording("bowl_rubbed_glass", -25, rubbed_bowl("E6", 2.4), 0.4),
    Recording("bowed_low_dark", -17, viol("D2", 2.6, (0.4, 0.7), 0.16, 0.75), 0.3),
    Recording("bowed_mid_pressed", -18, viol("B3", 2.4, (0.6, 0.95), 0.1, 0.4), 0.3),
    Recording("flute_low", -24, flute("D4", 2.4, 0.1, 0.7, (0, 0), (0.08, 0.8), (0.8, 1.0), (1, 0)), 0.2),
    Recording("flute_high_breathy", -20, flute("B6", 2.0, 1.5, 0.3, (0, 0), (0.1, 0.8), (0.7, 1), (1, 0)), 0.2),
    # Between tone and noise.
    Recording("pipe_breath_low", -24, breath("A2", 2.6, 1.2, 700.0, (0, 0.1), (0.5, 1), (1, 0.2)), 0.3),
    Recording("pipe_breath_high", -24, breath("E5", 2.2, 0.35, 5000.0, (0, 0.2), (0.3, 1), (1, 0.1)), 0.3),
    Recording("water_brook", -21, brook(2.6, (40.0, 140.0), 0.0012, 0.006)),
    Recording("water_plops", -23, brook(2.4, (14.0, 22.0), 0.004, 0.011)),
    # Struck and noisy.
    Recording("drum_low", -21, drum(73.4, 0.9, 0.2, ((0.0, 0.7, 6.0), (0.9, 1.0, 4.0)), 0.1)),
    Recording(
        "drum_hand_edge",
        -27,
        drum(220.0, 0.45, 0.7, ((0.0, 1.0, 0.8), (0.35, 0.4, 1.5), (0.7, 0.7, 1.0), (1.2, 1.0, 0.5)), 0.25),
    ),
    Recording("rattle_seeds", -24, rattle((260.0, 3200.0, 5100.0, 7400.0), 0.008, 4000.0, (0.05, 0.55, 0.8, 1.3), 0.07)),
    Recording("rattle_pods_low", -22, rattle((420.0, 760.0, 1300.0), 0.03, 300.0, (0.05, 0.7, 1.2), 0.15)),
    Recording(
        "scrape_ridged", -21, scrape(2.0, "A4", 55.0, 0.3, (0, 0.2), (0.4, 1), (0.5, 0.1), (0.6, 0.3), (0.95, 1), (1, 0))
    ),
    # Held and noisy.
    Recording("scrape_grit", -21, scrape(2.2, "D5", 400.0, 2.0, (0, 0.1), (0.4, 1), (0.6, 0.5), (1, 0.1)), 0.3),
    Recording("rain_leaves", -25, rain(2.8, (300.0, 1800.0), 1400.0, 12000.0), 0.3),
    Recording("rain_roof", -26, rain(2.6, (900.0, 400.0), 330.0, 1500.0), 0.3),
    Recording("wind_low", -24, wind(2.8, 320.0, 0.9), 0.4),
    Recording("wind_high", -22, wind(2.4, 3800.0, 0.7), 0.4),
)
