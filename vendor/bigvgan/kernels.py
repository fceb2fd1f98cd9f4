"""Two loops over channels, compiled by numba: the anti-aliased activation, and the ends of a fast convolution.

Everything is float32 on rows [C, T]. `channels` bounds the rows a call works on, so that threads can share the work. What
they compute is explained in `fast.py`; the compiled functions exist in this file's `Kernels` only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

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
    return cast(Function, njit(nogil=True, error_model="numpy", fastmath={"contract"})(function))


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
def _pair(parts: tuple[Floats, ...], c: int, start: int, count: int, d: int, even: Floats, odd: Floats) -> None:
    """Three answers to the samples that they stand for: even[:count + d] and odd[:count], from column `start` on."""
    both, ahead, behind = parts[0][c, start:], parts[1][c, start:], parts[2][c, start:]
    later = behind[d:]  # slices, because an index that might be negative keeps a loop from being vectorised
    for i in range(count + d):
        even[i] = both[i] - ahead[i] - behind[i]
    for i in range(count):
        odd[i] = ahead[i] + later[i]


@machine
def _lay(sums: Floats, b: Any, count: int, d: int, phase: Floats, line: Floats) -> None:
    """Phases of the whole from those of its three parts, then `line` [4 count] in the order of time."""
    s_even, s_odd, o_even, o_odd, e_even, e_odd = sums[0], sums[1], sums[2], sums[3], sums[4], sums[5]
    e_later = e_even[d:]
    if d == 1:
        for i in range(count):
            line[4 * i] = s_even[i] - o_even[i] - e_even[i] + b
            line[4 * i + 1] = o_even[i] + e_odd[i] + b
            line[4 * i + 2] = s_odd[i] - o_odd[i] - e_odd[i] + b
            line[4 * i + 3] = o_odd[i] + e_later[i] + b
        return
    y0, y1, y2, y3 = phase[0], phase[1], phase[2], phase[3]
    for i in range(count):
        y0[i] = s_even[i] - o_even[i] - e_even[i] + b
        y1[i] = o_even[i] + e_odd[i] + b
        y2[i] = s_odd[i] - o_odd[i] - e_odd[i] + b
        y3[i] = o_odd[i] + e_later[i] + b
    for q in range(count // d):
        for p in range(PHASES):
            for r in range(d):
                line[(q * PHASES + p) * d + r] = phase[p, q * d + r]


@machine
def join(parts: tuple[Floats, ...], bias: Floats, d: int, add: bool, out: Floats, channels: Range) -> None:
    """The nine answers [C, W] of dilation d and the bias [C] into out [C, T], added to what is there or in its place."""
    length = out.shape[1]
    columns, tile = -(-length // (PHASES * d)) * d, max(TILE // d, 1) * d
    sums, phase = np.empty((6, tile + d), np.float32), np.empty((PHASES, tile), np.float32)
    line = np.empty(PHASES * tile, np.float32)
    for c in range(channels[0], channels[1]):
        for start in range(0, columns, tile):
            count = min(tile, columns - start)
            _pair(parts[0:3], c, start, count, d, sums[0], sums[1])
            _pair(parts[3:6], c, start, count, d, sums[2], sums[3])
            _pair(parts[6:9], c, start, count, d, sums[4], sums[5])
            _lay(sums, bias[c], count, d, phase, line)
            row = out[c, PHASES * start : min(PHASES * (start + count), length)]
            if add:
                for i in range(len(row)):
                    row[i] += line[i]
            else:
                for i in range(len(row)):
                    row[i] = line[i]


def keep_in(folder: Path) -> None:
    """Keep the machine code in this folder, where the next process finds it."""
    kernels: tuple[Any, ...] = (bend, bend_split, join)
    settings: Any = config
    before, settings.CACHE_DIR = settings.CACHE_DIR, str(folder)
    try:
        for kernel in kernels:
            kernel.enable_caching()
    finally:
        settings.CACHE_DIR = before
