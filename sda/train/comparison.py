"""What a training of a vocoder was worth: the trained one beside others on the same recordings, as rows of a table.

Each row is copy synthesis of held-out clips: log-mel of the original, a vocoder's sound of it, `quality` between the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sda import choice, universal
from sda.core import grid
from sda.core.resample import Resampler
from sda.core.vocoder import Vocoder
from sda.spec import BIGVGAN_GRID
from sda.train import quality
from sda.train.quality import Quality

Floats = NDArray[np.float32]
Copy = Callable[[Floats], Floats]  # log-mel [M, F] -> waveform [T = hop * F] at 44.1 kHz; every `Vocoder` is one

PLAYED_AT = 48_000  # Hz, the engine's rate on most devices
SLOW_CLIPS, SLOW_S = 3, 1.5  # what a vocoder far slower than real time is asked for


def rows(trained: Copy, start: Copy, clips: Sequence[Floats], *, slow: Copy | None = None) -> Iterator[dict[str, Any]]:
    """The rows one by one, as they are measured, ready for JSON: {"name", "about", "clips"} and `Quality.to_json`.

    clips: mono [T] at 44.1 kHz, of which there is at least one. slow: BigVGAN, where it is here (`bigvgan`); it is judged
    on a few short clips, and so that there is something to compare it with, the trained one on the very same.
    """
    yield _row("trained", "the vocoder that was trained", copies(trained, clips), len(clips))
    yield _row("start", "the weights it started from", copies(start, clips), len(clips))
    if slow is not None:
        few = [clip[: round(SLOW_S * BIGVGAN_GRID.sample_rate)] for clip in clips[:SLOW_CLIPS]]
        yield _row("bigvgan", "the universal vocoder, on a few clips", copies(slow, few), len(few))
        yield _row("trained, on these", "the trained one, on those few clips", copies(trained, few), len(few))
    yield _row("resampled", f"the original through {PLAYED_AT} Hz and back: the ceiling", ceiling(clips), len(clips))


def bigvgan(device: str = "auto") -> Vocoder | None:
    """The universal vocoder, where its weights are here and can be used."""
    return universal.load(device) if choice.for_all().name == "bigvgan" else None


def copies(vocoder: Copy, clips: Sequence[Floats]) -> Quality:
    """Copy synthesis of clips by one vocoder, the mean over them."""
    return quality.mean([quality.judge(vocoder(grid.log_mel(clip)), clip) for clip in map(_framed, clips)])


def ceiling(clips: Sequence[Floats]) -> Quality:
    """What is left of the originals on their way through the engine's resampler and back, with no vocoder at all."""
    return quality.mean([quality.judge(resampled(clip), clip) for clip in map(_framed, clips)])


def resampled(clip: Floats) -> Floats:
    """A clip [T] to `PLAYED_AT` and back by the live resampler, its delay taken off: [T]."""
    rate = BIGVGAN_GRID.sample_rate
    there, back = Resampler(rate, PLAYED_AT), Resampler(PLAYED_AT, rate)
    return back.whole(there.whole(clip))[: len(clip)]


def _framed(clip: Floats) -> Floats:
    """A clip cut to whole frames, which is what a vocoder answers with; one too short for a frame is filled with silence."""
    hop = BIGVGAN_GRID.hop
    return clip[: len(clip) // hop * hop] if len(clip) >= hop else np.pad(clip, (0, hop - len(clip)))


def _row(name: str, about: str, found: Quality, clips: int) -> dict[str, Any]:
    return {"name": name, "about": about, "clips": clips} | found.to_json()
