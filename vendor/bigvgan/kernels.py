"""Two loops over channels, compiled by numba: the anti-aliased activation, and the ends of a fast convolution.

Everything is float32 on rows [C, T]. `channels` bounds the rows a call works on, so that threads can share the work. What
they compute is explained in `fast.py`; the compiled functions exist in this file's `Kernels` only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numba.core import config
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Range = tuple[int, int]
Function = TypeVar("Function", bound=Callable[..., Any])

TILE = 512  # samples worked on at a time: all that is kept between two loops stays in the nearest cache
HALO = 3  # samples at twice the rate that the way down reaches beyond a tile, either side
PARTS = 9  # convolutions that stand for one
PHASES = 4

# sin r on -pi/2..pi/2: odd powers 1 to 9, the least greatest error (3.3e-9) by Lawson's iteration.
S1, S3, S5, S7, S9 = np.array([0.99999997659, -0.166666476346, 0.008332899824, -0.000198008978, 2.5904885e-6], np.float32)
PI, PI_REST, PER_PI = np.array([np.pi, np.pi - float(np.float32(np.pi)), 1 / np.pi], np.float32)
HALF = np.float32(0.5)


def machine(function: Function) -> Function:
    """Compiled at the first call. Of the liberties of fast mathematics only fused multiply-add is taken."""
    return njit(nogil=True, error_model="numpy", fastmath={"contract"})(function)  # type: ignore[no-any-return]


@machine
def _sine_squared(v: Any) -> Any:
    """sin² v, of period pi: v is brought to -pi/2..pi/2 in two subtractions (Cody & Waite 1980)."""
    turns = np.floor(v * PER_PI + HALF)
    r = (v - turns * PI) - turns * PI_REST
    square = r * r
    sine = r * (S1 + square * (S3 + square * (S5 + square * (S7 + square * S9))))
    return sine * sine


@machine
def _bend_tile(x: Floats, start: int, count: int, low: Floats, a: Any, height: Any, work: Floats, out: Floats) -> None:
    """SnakeBeta at twice the rate of x[start : start + count] into out[:count]; work [3, TILE + 4 HALO]."""
    last, near, even, odd = len(x) - 1, work[0], work[1], work[2]
    for i in range(count + 4 * HALO):
        near[i] = x[min(max(start - 2 * HALO + i, 0), last)]
    f0, f1, f2, f3, f4, f5 = low[0], low[1], low[2], low[3], low[4], low[5]  # the other half is their mirror
    for i in range(count + 2 * HALO):
        u = f0 * near[i] + f2 * near[i + 1] + f4 * near[i + 2] + f5 * near[i + 3] + f3 * near[i + 4] + f1 * near[i + 5]
        v = f1 * near[i + 1] + f3 * near[i + 2] + f5 * near[i + 3] + f4 * near[i + 4] + f2 * near[i + 5] + f0 * near[i + 6]
        u, v = u + u, v + v
        even[i] = u + height * _sine_squared(a * u)
        odd[i] = v + height * _sine_squared(a * v)
    for i in range(HALO - start):  # before the first even sample
        even[i] = odd[i] = even[HALO - start]
    end = last - start + HALO
    for i in range(end + 1, count + 2 * HALO):  # after the last odd one
        even[i] = odd[i] = odd[end]
    for i in range(count):
        y = f1 * even[i + 1] + f3 * even[i + 2] + f5 * even[i + 3] + f4 * even[i + 4] + f2 * even[i + 5] + f0 * even[i + 6]
        out[i] = y + f0 * odd[i] + f2 * odd[i + 1] + f4 * odd[i + 2] + f5 * odd[i + 3] + f3 * odd[i + 4] + f1 * odd[i + 5]


@machine
def bend(x: Floats, a: Floats, height: Floats, low: Floats, before: int, out: Floats, channels: Range) -> None:
    """The activation of x [C, T] into out [C, before + T + rest], zeros before and after."""
    work = np.empty((3, TILE + 4 * HALO), np.float32)
    length = x.shape[1]
    for c in range(channels[0], channels[1]):
        out[c, :before] = 0
        out[c, before + length :] = 0
        for start in range(0, length, TILE):
            count = min(TILE, length - start)
            _bend_tile(x[c], start, count, low, a[c], height[c], work, out[c, before + start :])


@machine
def bend_split(
    x: Floats, a: Floats, height: Floats, low: Floats, before: int, dilation: int, out: Floats, channels: Range
) -> None:
    """The same, then split into the inputs [9, C, W] of a fast convolution."""
    columns = out.shape[2]
    work = np.empty((3, TILE + 4 * HALO), np.float32)
    row, phase = np.empty(columns * PHASES, np.float32), np.empty((PHASES, columns), np.float32)
    length = x.shape[1]
    for c in range(channels[0], channels[1]):
        row[:before] = 0
        row[before + length :] = 0
        for start in range(0, length, TILE):
            count = min(TILE, length - start)
            _bend_tile(x[c], start, count, low, a[c], height[c], work, row[before + start :])
        if dilation == 1:
            for j in range(columns):
                phase[0, j], phase[1, j], phase[2, j], phase[3, j] = row[4 * j], row[4 * j + 1], row[4 * j + 2], row[4 * j + 3]
        else:
            for q in range(columns // dilation):
                for p in range(PHASES):
                    for r in range(dilation):
                        phase[p, q * dilation + r] = row[(q * PHASES + p) * dilation + r]
        for j in range(columns):
            p0, p1, p2, p3 = phase[0, j], phase[1, j], phase[2, j], phase[3, j]
            out[0, c, j], out[1, c, j], out[2, c, j] = (p0 + p1) + (p2 + p3), p2 + p3, p0 + p1
            out[3, c, j], out[4, c, j], out[5, c, j] = p1 + p3, p3, p1
            out[6, c, j], out[7, c, j], out[8, c, j] = p0 + p2, p2, p0


@machine
def join(parts: tuple[Floats, ...], bias: Floats, dilation: int, add: bool, out: Floats, channels: Range) -> None:
    """The nine answers [C, W] and the bias [C] into out [C, T], added to what is there or in its place."""
    s0, s1, s2, o0, o1, o2, e0, e1, e2 = parts
    d, length = dilation, out.shape[1]
    blocks = -(-length // (PHASES * d))  # of four phases
    per_tile = max(TILE // d, 1)
    y = np.empty((PHASES, per_tile * d), np.float32)
    for c in range(channels[0], channels[1]):
        b = bias[c]
        for first in range(0, blocks, per_tile):
            count = min(per_tile, blocks - first)
            for i in range(count * d):
                j = first * d + i
                e_even, o_even = e0[c, j] - e1[c, j] - e2[c, j], o0[c, j] - o1[c, j] - o2[c, j]
                e_odd, o_odd = e1[c, j] + e2[c, j + d], o1[c, j] + o2[c, j + d]
                y[0, i] = s0[c, j] - s1[c, j] - s2[c, j] - o_even - e_even + b
                y[1, i] = o_even + e_odd + b
                y[2, i] = s1[c, j] + s2[c, j + d] - o_odd - e_odd + b
                y[3, i] = o_odd + (e0[c, j + d] - e1[c, j + d] - e2[c, j + d]) + b
            for q in range(count):
                for p in range(PHASES):
                    place = ((first + q) * PHASES + p) * d
                    for r in range(min(d, length - place)):
                        value = y[p, q * d + r]
                        out[c, place + r] = out[c, place + r] + value if add else value


def keep_in(folder: Path) -> None:
    """Keep the machine code in this folder, where the next process finds it."""
    before, config.CACHE_DIR = config.CACHE_DIR, str(folder)
    try:
        for kernel in (bend, bend_split, join):
            kernel.enable_caching()  # type: ignore[attr-defined]
    finally:
        config.CACHE_DIR = before
