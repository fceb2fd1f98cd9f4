"""Random crops of a corpus as mel magnitudes, varied as a musician's material varies: place, level, tape speed, mixture.

Waveforms are read with the samples that surround them, so that the first and last frames are those of the recording.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from sda.core import grid
from sda.spec import Spec
from sda.train.corpus import Corpus
from sda.train.losses import LogMel

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation(Spec):
    """How far crops stray from the recordings."""

    beyond: int = 8  # frames by which a crop may reach over either end of a recording
    quieter_db: float = -6.0
    louder_db: float = 3.0
    pitch: float = 7.0  # semitones by which a crop is played slower or faster
    pitch_share: float = 0.8  # of the crops
    mix_share: float = 0.6  # of the crops, mixed in power with another of the batch


class Crops:
    """Batches of crops [B, M, F] of one corpus."""

    def __init__(self, corpus: Corpus, frames: int, augmentation: Augmentation) -> None:
        self.corpus, self.frames, self.augmentation = corpus, frames, augmentation
        self.mel = LogMel()
        self.around = grid.edge_padding(self.mel.spec)  # samples

    def draw(self, random: np.random.Generator, count: int) -> Tensor:
        """`count` crops as mel magnitudes [B, M, F]."""
        audio = np.stack([self._crop(random) for _ in range(count)])
        with torch.no_grad():
            return self._mix(random, self.mel.magnitudes(torch.from_numpy(audio), edges=False))

    def _crop(self, random: np.random.Generator) -> Floats:
        """A crop with its surroundings [T = hop * F + 2 * around]."""
        how, hop = self.augmentation, self.mel.spec.hop
        recording = self.corpus.pick(random)
        faster = 2 ** (random.uniform(-how.pitch, how.pitch) / 12) if random.random() < how.pitch_share else 1.0
        wanted = hop * self.frames + 2 * self.around
        length = math.ceil(wanted * faster)
        inner = round(hop * self.frames * faster)
        first, last = -how.beyond * hop, recording.length - inner + how.beyond * hop
        start = int(random.integers(min(first, last), max(first, last) + 1)) - self.around
        crop = self.corpus.read(recording, start, length)
        if faster != 1.0:
            crop = soxr.resample(crop, faster, 1.0, quality="LQ")[:wanted]
            crop = np.pad(crop, (0, wanted - len(crop)))
        return crop * np.float32(10 ** (random.uniform(how.quieter_db, how.louder_db) / 20))

    def _mix(self, random: np.random.Generator, mel: Tensor) -> Tensor:
        """Some crops mixed with another one of the batch (Zhang et al. 2018, arXiv 1710.09412), powers adding as sounds' do."""
        count = len(mel)
        mixed = random.random(count) < self.augmentation.mix_share
        share = torch.from_numpy(np.where(mixed, random.random(count), 1.0).astype(np.float32))[:, None, None]
        other = torch.from_numpy((np.arange(count) + random.integers(1, max(2, count), count)) % count)
        return torch.sqrt(share * mel.square() + (1 - share) * mel[other].square())
