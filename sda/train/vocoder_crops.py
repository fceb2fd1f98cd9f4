"""What a step of a vocoder's training hears: crops of the recordings at random places, speeds, levels and polarities.

Some are changed much: far slower or faster, backwards, through an equaliser, far quieter. A vocoder has to make the sound
of any mel, and few recordings have few of them; what it learns from changed ones holds for recordings it never met.
Some of them come with the mel that the model's VAE makes of them instead of their own, since that is what the vocoder will
be played with (Kong et al. 2020, arXiv 2010.05646, section 4.4); those keep their speed, and begin on a frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
import soxr
from numpy.typing import NDArray

from sda.core import grid
from sda.core.network import Network
from sda.core.offline import reconstruct
from sda.spec import BIGVGAN_GRID
from sda.train import equaliser
from sda.train.corpus import Corpus, Recording
from sda.train.vocoder_plan import VocoderPlan

Floats = NDArray[np.float32]

QUIETEST = 1e-3  # peak below which another crop is drawn, up to three times
LOUDEST = 0.98  # peak that no gain exceeds
HOP = BIGVGAN_GRID.hop
SILENCE = math.log(BIGVGAN_GRID.floor)


@dataclass(frozen=True, slots=True)
class Crop:
    """One crop with its surroundings."""

    audio: Floats  # [T]
    predicted: Floats | None  # log-mel [M, T / hop] that the VAE makes of it, or None
    noise: Floats  # [N, T / hop], standard normal
    number: int  # of its first frame, by which its excitation goes


def predictions(recordings: Iterable[Recording], corpus: Corpus, vae: Network) -> dict[str, Floats]:
    """What a VAE makes of whole recordings: by name, mel magnitudes [M, F] in step with the samples, frame j at hop * j."""
    made = {}
    for recording in recordings:
        mel = vae.normalise(grid.magnitudes(corpus.whole(recording)))
        blocks = reconstruct(mel, vae.encode, lambda z: vae.magnitudes(vae.decode(z)), vae.frames)
        count = math.ceil(mel.shape[1] / (vae.frames // 2)) + 1
        made[recording.name] = np.concatenate(list(islice(blocks, count)), axis=1)[:, : mel.shape[1]]
    return made


class Crops:
    """The crops of one training; crop n of step s is drawn from (seed, s, n) alone."""

    def __init__(self, corpus: Corpus, plan: VocoderPlan, predicted: Mapping[str, Floats], noise: int = 0) -> None:
        """predicted: see `predictions`; of none where the plan's share of them is 0. noise: channels of it."""
        self._corpus, self._plan, self._predicted, self._noise = corpus, plan, predicted, noise
        self._size = (plan.before + plan.after) * HOP + plan.segment

    def batch(self, step: int, numbers: Iterable[int]) -> list[Crop]:
        """Crops of a step by their numbers within it."""
        return [self._crop(np.random.default_rng([self._plan.seed, step, number])) for number in numbers]

    def _crop(self, random: np.random.Generator) -> Crop:
        plan = self._plan
        for _ in range(4):
            recording = self._corpus.pick(random)
            crop, magnitudes = self._of(recording, random)
            if float(np.abs(crop[plan.before * HOP :][: plan.segment]).max()) >= QUIETEST:
                break
        peak = float(np.abs(crop).max())
        gain = 10 ** (random.uniform(plan.quieter_db, plan.louder_db) / 20)
        gain *= min(1.0, LOUDEST / max(peak * gain, 1e-9))
        audio = crop * np.float32(gain * random.choice([-1, 1]))
        noise = random.standard_normal((self._noise, self._size // HOP), np.float32)
        number = int(random.integers(1 << 20))
        return Crop(audio, None if magnitudes is None else grid.to_log(magnitudes * np.float32(gain)), noise, number)

    def _of(self, recording: Recording, random: np.random.Generator) -> tuple[Floats, Floats | None]:
        """A crop of a recording at random, and the mel that the VAE makes of it or None."""
        plan = self._plan
        if recording.name in self._predicted and random.random() < plan.predicted:
            start = self._start(recording, plan.segment, random) // HOP - plan.before  # frames
            return (
                self._corpus.read(recording, start * HOP, self._size),
                _frames(self._predicted[recording.name], start, self._size // HOP),
            )
        if plan.varied and random.random() < plan.varied:
            return self._varied(recording, random), None
        return self._played(recording, plan.speed, random), None

    def _varied(self, recording: Recording, random: np.random.Generator) -> Floats:
        """A crop of a recording at random, changed much."""
        plan = self._plan
        crop = self._played(recording, plan.varied_speed, random)
        if random.random() < 0.5:
            crop = crop[::-1]
        crop = equaliser.equalised(crop, plan.varied_tilt_db, random)
        gain = random.uniform(plan.varied_quieter_db, plan.varied_louder_db)
        return crop * np.float32(10 ** (gain / 20))

    def _played(self, recording: Recording, semitones: float, random: np.random.Generator) -> Floats:
        """A crop of a recording at random, half the time up to so many semitones slower or faster."""
        plan = self._plan
        faster = 2 ** (random.uniform(-semitones, semitones) / 12) if random.random() < 0.5 else 1.0
        start = self._start(recording, math.ceil(plan.segment * faster) + 1, random) - round(plan.before * HOP * faster)
        crop = self._corpus.read(recording, start, math.ceil(self._size * faster) + 1)
        if faster != 1.0:
            crop = soxr.resample(crop, faster, 1.0, quality="HQ")
        crop = crop[: self._size]
        return np.pad(crop, (0, self._size - len(crop)))

    def _start(self, recording: Recording, length: int, random: np.random.Generator) -> int:
        """Where a crop of so many samples begins: anywhere, up to an eighth of it beyond the recording's ends."""
        over = self._plan.segment // 8
        return int(random.integers(-over, max(1, recording.length - length + over)))


def _frames(mel: Floats, start: int, count: int) -> Floats:
    """`count` frames of a mel [M, F] from `start` on, silence beyond its edges."""
    out = np.zeros((len(mel), count), np.float32)
    low, high = max(0, start), min(mel.shape[1], start + count)
    if high > low:
        out[:, low - start : high - start] = mel[:, low:high]
    return out
