"""A generator judged by copy synthesis: recordings to log-mel and back, and which of two results is the better one."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from sda.core import grid
from sda.core.hifigan import Generator
from sda.spec import BIGVGAN_GRID
from sda.train.corpus import Corpus
from sda.train.losses import magnitude

Floats = NDArray[np.float32]

NEAR = 1.01  # times the least held-out error: differences below 5 % are noise


def preferred(one: tuple[float, float], other: tuple[float, float], least: float, start: float = 0.0) -> bool:
    """Whether a candidate's mel errors on held-out and on own recordings are better than another's.

    Held-out recordings decide; among candidates that do as well on them as the best of all (`NEAR` the `least` error) or
    as the weights that training started from (their error `start`), the own ones.
    """
    limit = max(NEAR * least, start)
    if (one[0] <= limit) != (other[0] <= limit):
        return one[0] <= limit
    return one[1] < other[1] if one[0] <= limit else one[0] < other[0]


@torch.no_grad()
def synthesise(net: Generator, log_mel: Floats) -> Floats:
    """Waveform [T = hop * F] of a log-mel [M, F], silence beyond its edges."""
    spec = net.spec
    before, after = spec.memory, math.ceil(spec.look_ahead / spec.hop)
    silence = math.log(BIGVGAN_GRID.floor)
    padded = np.pad(log_mel, ((0, 0), (before, after)), constant_values=silence)
    whole: Floats = net(torch.from_numpy(padded)[None].to(net.mel_mean.device)).cpu().numpy()[0, 0]
    return whole[before * spec.hop : (before + log_mel.shape[1]) * spec.hop]


def held_out_error(vocoder: Generator | Callable[[Floats], Floats], clips: list[Floats]) -> dict[str, float]:
    """Copy synthesis of held-out clips: mean mel L1 in nat and mean spectral convergence (n_fft 1024).

    vocoder: log-mel [M, F] to samples [512 * F], a generator through `synthesise`.
    """
    mel_errors, convergences = [], []
    for clip in clips:
        clip = clip[: len(clip) // BIGVGAN_GRID.hop * BIGVGAN_GRID.hop]
        target = grid.log_mel(clip)
        made = synthesise(vocoder, target) if isinstance(vocoder, Generator) else vocoder(target)
        mel_errors.append(float(np.abs(grid.log_mel(made) - target).mean()))
        one, other = (magnitude(torch.from_numpy(x)[None], 1024) for x in (made, clip))
        convergences.append(float((other - one).norm() / other.norm()))
    return {"mel": float(np.mean(mel_errors)), "convergence": float(np.mean(convergences))}


def held_out_clips(corpus: Corpus, count: int = 24, seconds: float = 1.5, *, own: bool = False) -> list[Floats]:
    """The loudest stretch of each of the first `count` held-out recordings, in an order drawn once for ever.

    own: of the training recordings instead; so too in a corpus that has nothing held out.
    """
    recordings = corpus.training if own else corpus.held_out or corpus.training
    clips = []
    for number in np.random.default_rng(0).permutation(len(recordings))[:count]:
        recording = recordings[int(number)]
        whole, length = corpus.whole(recording), int(seconds * corpus.rate)
        starts = range(0, max(1, len(whole) - length + 1), corpus.rate // 4)
        best = max(starts, key=lambda s: float(np.square(whole[s : s + length]).sum()))
        clips.append(whole[best : best + length])
    return clips
