"""Sample rates changed by one short polyphase FIR, live and offline alike.

The rates' ratio is reduced to up / down (44.1 kHz to 48 kHz: 160 / 147). In the plain picture the input is spread by `up`
with zeros, low-passed by h, and every `down`-th value kept, so output m is

    y[m] = sum_k h[p + k up] x[i - k],   i = (m down) // up,  p = (m down) % up.

`up` outputs in a row always need the same `down` new inputs in the same way, so a group of them is one product with a
constant matrix [taps - 1 + down, up], and a block of audio is one matrix product (Crochiere & Rabiner 1983, ch. 3.3).

h is a sinc under a Kaiser window (Kaiser 1974): half-width w seconds and A dB of stop band cost a transition of
(A - 7.95) / (14.36 * 2 w) Hz. A delay of 1.2 ms therefore costs 2.8 kHz. The stop band begins at the lower of the two Nyquist
frequencies, so that no image and no alias is left anywhere, not even above hearing; the pass band (flat to 1e-4 dB) ends
2.8 kHz lower: at 19.2 kHz between 44.1 kHz and anything higher, with -0.6 dB at 20 kHz.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sda.errors import AudioError

Floats = NDArray[np.float32]
State = NDArray[np.float32]

LONGEST_DELAY = 1.2e-3  # seconds
STOP_BAND = 104.0  # dB asked of the formulas: images add up, and all of them together shall stay below -100 dB
LOWEST_RATE = 8_000  # Hz, below which the transition would leave no pass band
SMALLEST_GROUP, LARGEST_GROUP = 64, 2048  # outputs a matrix product: worth its call, and at most 17 MB of matrix
INPUTS_AT_ONCE = 1 << 16  # bounds the working memory of `whole`


class Resampler:
    """Audio from `rate_in` to `rate_out` (whole Hz). Invariant: `cat(steps)` is the same whatever the block sizes.

    `delay` is in output samples and whole, `passband` in Hz. Equal rates pass through with no delay. Raises `AudioError`
    for rates below 8 kHz and for pairs whose ratio is too odd (44,101 to 48,000).
    """

    held_back = 0  # output samples by which it is behind, the delay apart

    def __init__(self, rate_in: int, rate_out: int) -> None:
        if min(rate_in, rate_out) < LOWEST_RATE:
            raise AudioError(f"cannot go from {rate_in} Hz to {rate_out} Hz: expected rates of at least {LOWEST_RATE} Hz")
        common = math.gcd(rate_in, rate_out)
        up, down = rate_out // common, rate_in // common
        if up > LARGEST_GROUP or down > LARGEST_GROUP:
            raise AudioError(
                f"cannot go from {rate_in} Hz to {rate_out} Hz: expected rates in a simpler ratio, as 44100 to 48000"
            )
        self.rate_in, self.rate_out = rate_in, rate_out
        self._same = up == down
        self.delay = 0 if self._same else int(LONGEST_DELAY * rate_out)
        width = 2 * LONGEST_DELAY if self._same else 2 * self.delay / rate_out  # seconds
        transition = (STOP_BAND - 7.95) / (14.36 * width)
        self.passband = min(rate_in, rate_out) / 2 - (0.0 if self._same else transition)
        repeats = -(-SMALLEST_GROUP // up)
        self._up, self._down = up * repeats, down * repeats
        taps = _prototype(up, self.delay * down, (min(rate_in, rate_out) - transition) / (rate_in * up))
        self._reach = taps.shape[0] - 1  # earlier inputs an output needs
        self._matrix = _group_matrix(taps, self._up, self._down)

    def out_count(self, total_in: int) -> int:
        """How many outputs a stream has given after `total_in` inputs: ceil(total_in * rate_out / rate_in)."""
        return -(-total_in * self._up // self._down)

    def start(self, inputs: int = 0) -> State:
        """Silence before the first sample, or so many inputs of it: the outputs that they complete count as given.

        The state is the inputs that later outputs still need, [taps - 1 + j] or [C, taps - 1 + j]: its length holds the
        phase, j inputs into a group.
        """
        return np.zeros(self._reach + inputs % self._down, np.float32)

    def step(self, x: Floats, state: State) -> tuple[Floats, State]:
        """The next block [T] or [C, T] at the input rate -> its outputs, [out_count(n + T) - out_count(n)] in time.

        Output m of a stream is the input at time (m - delay) / rate_out.
        """
        if self._same:
            return x.astype(np.float32), state
        into = state.shape[-1] - self._reach
        inputs = into + x.shape[-1]
        first, last = self.out_count(into), self.out_count(inputs)  # of the group that was begun
        groups = -(-last // self._up)
        buffer = np.zeros((*x.shape[:-1], self._reach + max(inputs, groups * self._down)), np.float32)
        buffer[..., : state.shape[-1]] = state
        buffer[..., state.shape[-1] : self._reach + inputs] = x
        done = inputs // self._down * self._down
        tail = buffer[..., done : self._reach + inputs].copy()
        if not groups:
            return buffer[..., :0], tail
        windows = np.lib.stride_tricks.sliding_window_view(buffer, self._reach + self._down, axis=-1)
        grouped = windows[..., : groups * self._down : self._down, :] @ self._matrix  # [..., groups, up]
        return grouped.reshape(*x.shape[:-1], -1)[..., first:last], tail

    def whole(self, x: Floats) -> Floats:
        """A whole signal [T] or [C, T], aligned: [out_count(T)] in time, sample m at time m / rate_out."""
        length = self.out_count(x.shape[-1])
        flush = -(-self.delay * self._down // self._up)
        padded = np.concatenate([x, np.zeros((*x.shape[:-1], flush), np.float32)], axis=-1)
        state, parts = self.start(), []
        for start in range(0, padded.shape[-1], INPUTS_AT_ONCE):
            y, state = self.step(padded[..., start : start + INPUTS_AT_ONCE], state)
            parts.append(y)
        return np.concatenate([x[..., :0].astype(np.float32), *parts], axis=-1)[..., self.delay : self.delay + length]


def _prototype(up: int, half: int, cutoff: float) -> NDArray[np.float64]:
    """Low-pass h as polyphase taps [K, up], row k and phase p holding h[p + k up]; its centre is h[half].

    `cutoff` (-6 dB) as a fraction of half the spread rate. Each phase sums to 1: a constant stays exactly that constant.
    """
    beta = 0.1102 * (STOP_BAND - 8.7)  # Kaiser 1974, for more than 50 dB
    n = np.arange(-half, half + 1)
    h = np.zeros(-(-len(n) // up) * up)
    h[: len(n)] = np.sinc(cutoff * n) * np.kaiser(len(n), beta)
    taps = h.reshape(-1, up)
    normalised: NDArray[np.float64] = taps / taps.sum(axis=0)
    return normalised


def _group_matrix(taps: NDArray[np.float64], up: int, down: int) -> Floats:
    """What turns a window of inputs [K - 1 + down] into a group of outputs [up]."""
    reach, phases = taps.shape[0] - 1, taps.shape[1]
    matrix = np.zeros((reach + down, up), np.float32)
    for r in range(up):
        newest, phase = divmod(r * (down * phases // up), phases)
        matrix[newest : newest + reach + 1, r] = taps[::-1, phase]
    return matrix
