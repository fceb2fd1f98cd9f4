"""What a generator is excited by: partials and noise, worked out from the log-mel alone and without a net.

A net that sees nothing but frames answers equal frames with equal sound, so what should be steady repeats every hop: pitches
are drawn to multiples of 86 Hz, and noise buzzes. What it lacks is a phase that goes on, which `partials` have, and chance,
which `shaped_noise` has; `tonality` says which band is whose. A generator makes its sound of both, as neural source-filter
models do (Wang et al. 2019, arXiv 1904.12088), which however need to be told one pitch.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from sda.core.band_groups import GROUPS
from sda.core.partials import go_on, mel_of, peaks
from sda.core.shaped_noise import SIZE, segments, shape
from sda.core.tonality import nearness, tonality
from sda.spec import BIGVGAN_GRID as GRID
from sda.spec import EXCITATION_LATE

Floats = NDArray[np.float32]
State = Floats
"""What goes on: for each band the frequency in Hz, amplitude and phase of its partial, then half a segment of noise a group."""

CHANNELS = 2 * GROUPS  # the partials' groups, then the noise's
EXCITEMENT = 8.0  # by which a generator raises it from the level of sound to that of what it adds it to
LATE = EXCITATION_LATE  # samples by which the stream is late: a frame's middle lies half a hop behind its beginning
LEAST = 1e-3  # of its magnitude that noise keeps where partials have a band
PARTIALS = (3, GRID.n_mels)  # shape of a state's part that goes on for ever; the noise only remembers a frame


def start() -> State:
    """Before the first frame: silence. The tables that frames need are there from then on: no live block waits for them."""
    _make_tables()
    return _silence()


def _silence() -> State:
    return np.zeros(3 * GRID.n_mels + GROUPS * SIZE // 2, np.float32)


@cache
def _make_tables() -> None:
    excite(np.full((GRID.n_mels, 1), np.log(GRID.floor), np.float32), 0, _silence())


def partials(state: State) -> Floats:
    """Of a state what no length of past brings back, `PARTIALS`: frequencies, amplitudes and phases; a copy."""
    return state[: 3 * GRID.n_mels].reshape(PARTIALS).copy()


def with_partials(state: State, others: Floats) -> State:
    """The state with other partials, `PARTIALS`."""
    assert others.shape == PARTIALS, others.shape
    return np.concatenate([others.reshape(-1), state[3 * GRID.n_mels :]])


def excite(log_mel: Floats, number: int, state: State) -> tuple[Floats, State]:
    """log_mel [M, F] of the project's grid, its first frame's number -> samples [CHANNELS, F * hop], `LATE` late; new state.

    However frames are cut into calls, the samples are the same.
    """
    magnitudes = np.exp(np.ascontiguousarray(log_mel, np.float32))
    frequency, amplitude = peaks(magnitudes)
    shaped = shape(magnitudes, number)
    as_noise = magnitudes * (shaped.heard / shaped.wanted)
    nearer = nearness(magnitudes, mel_of(frequency, amplitude), as_noise)
    bands, tail = state[: 3 * GRID.n_mels].reshape(3, -1), state[3 * GRID.n_mels :].reshape(GROUPS, -1)
    out = np.empty((CHANNELS, log_mel.shape[1] * GRID.hop), np.float32)
    noises = np.empty_like(magnitudes)  # shares
    for frame in range(log_mel.shape[1]):
        tonal = tonality(nearer[:, frame], bands[1] > GRID.floor)
        noises[:, frame] = np.maximum(1 - tonal, LEAST)
        here = slice(frame * GRID.hop, (frame + 1) * GRID.hop)
        out[:GROUPS, here], bands = go_on(bands, frequency[:, frame], amplitude[:, frame] * tonal, number + frame)
    noise = segments(shaped, noises, number)
    for frame in range(log_mel.shape[1]):
        here = slice(frame * GRID.hop, (frame + 1) * GRID.hop)
        np.add(tail, noise[frame, :, : GRID.hop], out=out[GROUPS:, here])
        tail = noise[frame, :, GRID.hop :]
    return out, np.concatenate([bands.reshape(-1), tail.reshape(-1)])


def in_step(log_mel: Floats, number: int = 0) -> Floats:
    """The whole excitation [CHANNELS, F * hop] of a log-mel [M, F] with silence before it, in step with the frames."""
    samples, _ = excite(np.concatenate([log_mel, log_mel[:, -1:]], axis=1), number, start())
    return samples[:, LATE : LATE + log_mel.shape[1] * GRID.hop]
