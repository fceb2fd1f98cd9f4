"""A generator judged by copy synthesis: recordings to log-mel and back, and which of two results is the better one."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from sda.core import grid
from sda.core.excitation import in_step
from sda.core.frame_noise import noise_of
from sda.core.hifigan import Generator
from sda.spec import BIGVGAN_GRID
from sda.train.corpus import Corpus
from sda.train.losses import magnitude

Floats = NDArray[np.float32]

STRETCHES = 6  # of a recording
FAINT_DB = 30.0  # below the loudest stretch
CHANCE = 0.05  # by which the error of one held-out recording moves whatever was learned


def slack(recordings: int) -> float:
    """The factor within which mel errors on so many held-out recordings are alike: their mean is surer than one of them.

    With one held out of nine, its error rose by 6 % while those of three that nobody had met fell by 1 %, and of those
    trained on by 20 % (ambient set of tests/benchmarks/make_sets.py, 3 CPU minutes).
    """
    return 1 + CHANCE / math.sqrt(max(1, recordings))


def preferred(one: tuple[float, float], other: tuple[float, float], limit: float) -> bool:
    """Whether a candidate's mel errors on held-out and on own recordings are better than another's.

    Held-out recordings decide. Among candidates that do as well on them as can be told (at most `limit`), a percent lost on
    them must bring more than one on the own ones: the product of both errors is the least.
    """

    def rank(errors: tuple[float, float]) -> tuple[bool, float]:
        held_out, own = errors
        alike = held_out <= limit
        return not alike, held_out * own if alike else held_out

    return rank(one) < rank(other)


@torch.no_grad()
def synthesise(net: Generator, log_mel: Floats) -> Floats:
    """Waveform [T = hop * F] of a log-mel [M, F], silence beyond its edges."""
    spec = net.spec
    before, after = spec.memory, math.ceil(spec.look_ahead / spec.hop)
    silence = math.log(BIGVGAN_GRID.floor)
    padded = np.pad(log_mel, ((0, 0), (before, after)), constant_values=silence)
    noise = noise_of(spec.noise, -before, padded.shape[1])
    given = {"log_mel": padded, "noise": noise}
    if spec.excited:
        given["excitation"] = in_step(padded, -before)
    inputs = {name: torch.from_numpy(x)[None].to(net.mel_mean.device) for name, x in given.items()}
    whole: Floats = net(**inputs).cpu().numpy()[0, 0]
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

    Of few recordings up to `STRETCHES` of each, which do not overlap: one clip is too little to decide by.
    own: of the training recordings instead; so too in a corpus that has nothing held out.
    """
    recordings = corpus.training if own else corpus.held_out or corpus.training
    chosen = [recordings[int(number)] for number in np.random.default_rng(0).permutation(len(recordings))[:count]]
    each = min(STRETCHES, count // max(1, len(chosen)))
    return [clip for r in chosen for clip in stretches(corpus.whole(r), int(seconds * corpus.rate), each, corpus.rate // 4)]


def stretches(whole: Floats, length: int, count: int, step: int) -> list[Floats]:
    """Up to `count` stretches of a recording [T] that do not overlap, the loudest first, none `FAINT_DB` below that one.

    length: samples of each; step: samples between the places where one may begin.
    """
    starts = range(0, max(1, len(whole) - length + 1), step)
    energy = {start: float(np.square(whole[start : start + length]).sum()) for start in starts}
    taken: list[int] = []
    for start in sorted(energy, key=energy.__getitem__, reverse=True):
        if len(taken) == count or energy[start] < energy[taken[0] if taken else start] * 10 ** (-FAINT_DB / 10):
            break
        if all(abs(start - other) >= length for other in taken):
            taken.append(start)
    return [whole[start : start + length] for start in taken]
