"""Finite sound from streams: cut to the exact length, and recordings taken through the VAE chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from sda.core.chain import Chain
from sda.core.feed import between, fed
from sda.core.network import Network
from sda.core.space import SpaceSettings
from sda.core.stage import StageSettings
from sda.spec import MelSpec

Floats = NDArray[np.float32]

FADE_S = 0.005  # s, over which a finite sound ends
CHUNKS_AT_ONCE = 8


def exactly(blocks: Iterable[Floats], *, skip: int, length: int, rate: int) -> Iterator[Floats]:
    """Exactly `length` samples of a stream of blocks [C, t] after its first `skip`, ending in a 5 ms fade."""
    fade = min(length, round(FADE_S * rate))
    given = 0
    for whole in blocks:
        block = whole[:, skip:]
        skip = max(0, skip - whole.shape[1])
        block = block[:, : length - given]
        left = length - given - np.arange(block.shape[1])  # samples to the end, 1 at the last one
        if fade and left.size and left[-1] <= fade:
            block = block * (0.5 - 0.5 * np.cos(np.pi * np.minimum(1, (left - 1) / fade))).astype(np.float32)
        given += block.shape[1]
        if block.shape[1]:
            yield block
        if given >= length:
            return


def reconstruct(
    mel: Floats, encode: Callable[[Floats], Floats], decode: Callable[[Floats], Floats], frames: int
) -> Iterator[Floats]:
    """A normalised mel [M, F] through the VAE: magnitudes [M, n] of F frames together, and silence after them.

    Chunks of `frames` overlap by half under a Hann window, whose weights add to 1, so that no seam is heard. Their
    magnitudes are averaged, as those of grains are.
    """
    hop = frames // 2
    window = (0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(frames) + 0.5) / frames)).astype(np.float32)
    count = -(-mel.shape[1] // hop) + 1  # chunks, the first one half before the beginning
    padded = np.pad(mel, ((0, 0), (hop, count * hop + hop - mel.shape[1] - hop)))
    tail = np.zeros((len(mel), hop), np.float32)
    for first in range(0, count, CHUNKS_AT_ONCE):
        starts = range(first * hop, min(count, first + CHUNKS_AT_ONCE) * hop, hop)
        chunks = np.stack([padded[:, s : s + frames] for s in starts])  # [n, M, frames]
        for start, magnitude in zip(starts, decode(encode(chunks)), strict=True):
            weighted = window * magnitude
            if start:
                yield tail + weighted[:, :hop]
            tail = weighted[:, hop:]
    while True:
        yield np.zeros((len(mel), frames), np.float32)


def regrouped(log_mels: Iterable[Floats], frames: int) -> Iterator[Floats]:
    """Log-mels [M, n] of any lengths as blocks [M, frames]; what is left over at the end is dropped."""
    waiting: list[Floats] = []
    for log_mel in log_mels:
        waiting.append(log_mel)
        if sum(part.shape[1] for part in waiting) < frames:
            continue
        whole = np.concatenate(waiting, axis=1)
        end = whole.shape[1] - whole.shape[1] % frames
        yield from np.split(whole[:, :end], end // frames, axis=1)
        waiting = [whole[:, end:]]


def resynthesised(
    mel: Floats, net: Network, model_grid: MelSpec, chain: Chain, length: int, space: SpaceSettings | None = None
) -> Iterator[Floats]:
    """A recording's normalised mel [M, F] through a VAE and a chain: blocks [C, t], exactly `length` samples together."""
    magnitudes = reconstruct(mel, net.encode, lambda z: net.magnitudes(net.decode(z)), net.frames)
    log_mels = fed(magnitudes, between(model_grid, chain.vocoder.spec))
    blocks = sound(log_mels, chain, chain.block_for(length), space)
    return exactly(blocks, skip=chain.delay, length=length, rate=chain.rate)


def sound(log_mels: Iterable[Floats], chain: Chain, frames: int, space: SpaceSettings | None = None) -> Iterator[Floats]:
    """Endless log-mels [M, n] through a chain, so many frames at a time: blocks [C, t], the first with the chain's delay."""
    settings = StageSettings(play=True, space=space or SpaceSettings())
    state = chain.start(settings)
    for log_mel in regrouped(log_mels, frames):
        block, state = chain.step(log_mel, settings, state)
        yield block
