"""The network on a CPU, for the extra `fast`: the activation as one compiled loop, long convolutions with fewer products.

The activation of the reference passes the memory twelve times; here each sample is read and written once.

A convolution y[m] = sum_k h[k] z[m + k] over K taps is split into even and odd taps h0, h1 and samples e[n] = z[2 n],
o[n] = z[2 n + 1] (Parker & Parhi 1997, "Low-area/power parallel FIR digital filter implementations", the two-parallel fast
filter, turned round in time). With S = (h0 + h1) * (e + o), A = h0 * o, B = h1 * e,

    y[2 n] = S[n] - A[n] - B[n],        y[2 n + 1] = A[n] + B[n + 1],

three convolutions of half the taps at half the rate instead of four. Done twice it gives nine of a quarter of the taps at a
quarter of the rate instead of sixteen: for 11 taps 26 products in place of 44, for 7 taps 17 in place of 28. Only sums are
added, so the error stays that of float32. A dilated convolution is the same on every d-th sample; columns are kept in the
order (n, sample within d), so that it stays a dilated convolution.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from . import kernels
from .network import Activation, AmpBlock, Conv, Network, lowpass

SHORTEST_SPLIT = 5  # taps; shorter kernels win nothing


def halves(weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """h0 + h1, h0, h1 of kernels [O, C, K]: [O, C, K / 2] rounded up, and the last rounded down."""
    even, odd = weight[..., ::2], weight[..., 1::2]
    both = even.clone()
    both[..., : odd.shape[-1]] += odd
    return both, even, odd


class Rows:
    """Runs a kernel over channels, on as many threads as torch uses."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, "bigvgan") if threads > 1 else None

    def __call__(self, kernel: Callable[..., None], channels: int, *given: object) -> None:
        """kernel(*given, (first, end)) for ranges of channels that together are all of them."""
        if self._pool is None:
            kernel(*given, (0, channels))
            return
        edges = [channels * i // self._threads for i in range(self._threads + 1)]
        for done in [self._pool.submit(kernel, *given, bounds) for bounds in pairwise(edges)]:
            done.result()


class Packed:
    """A convolution [1, C, T] -> [1, O, T - (K - 1) d] that keeps its weights in the order in which oneDNN computes.

    `conv1d` sorts them anew on each call, which costs short blocks a fifth of their time, and hands one tap to another
    library. On other processors than x86, where torch may lack these operators, it does so nevertheless.
    """

    def __init__(self, weight: Tensor, dilation: int, bias: Tensor | None) -> None:
        self.taps, self._dilation = weight.shape[-1], dilation
        self._packed, self._weight, self._bias = None, weight, bias
        if torch.backends.mkldnn.is_available() and platform.machine() in ("x86_64", "AMD64"):
            typical = [1, weight.shape[1], 1, 1024]
            way = ([1, 1], [0, 0], [1, dilation], 1, typical, "none")
            given = weight.unsqueeze(2).clone(memory_format=torch.contiguous_format)
            self._packed = torch.ops.mkldnn_prepacked.conv2d_prepack(given, bias, *way)
            given.untyped_storage().resize_(
                0
            )  # the packed form keeps what it was made of, a gigabyte in all, and never reads it
            self._weight = weight.new_empty(0)

    def __call__(self, x: Tensor) -> Tensor:
        if self._packed is None:
            return F.conv1d(x, self._weight, self._bias, dilation=self._dilation)
        y: Tensor = torch.ops.mkldnn_prepacked.conv2d_run(x.unsqueeze(2), self._packed)
        return y.squeeze(2)


class Step:
    """An activation and the convolution after it: x [1, C, T] -> y [1, O, T]. Holds its own weights."""

    def __init__(self, activation: Activation, conv: Conv, rows: Rows) -> None:
        self._rows, self._dilation, self._before = rows, conv.dilation, conv.padding
        self._scales = tuple(scale.detach().numpy() for scale in activation.act.scales())
        self._low = lowpass().numpy()
        self._bias = conv.bias
        is_split = conv.weight.shape[-1] >= SHORTEST_SPLIT and conv.weight.shape[0] > 1
        split = [part for half in halves(conv.weight) for part in halves(half)] if is_split else []
        self._parts = [Packed(part, self._dilation, None) for part in split]
        self._whole = None if split else Packed(conv.weight, self._dilation, conv.bias)

    def __call__(self, x: Tensor) -> Tensor:
        """A new tensor."""
        if self._whole is not None:
            return self._whole(self._bent(x))
        out = torch.empty_like(x)
        self._join(x, out, add=False)
        return out

    def add(self, x: Tensor, out: Tensor) -> None:
        """Added to out [1, O, T]."""
        if self._whole is not None:
            out += self._whole(self._bent(x))
        else:
            self._join(x, out, add=True)

    def _bent(self, x: Tensor) -> Tensor:
        """The activation, in the zeros that the convolution sees beyond the edges."""
        bent = x.new_empty(1, x.shape[1], x.shape[2] + 2 * self._before)
        self._rows(kernels.bend, x.shape[1], x[0].numpy(), *self._scales, self._low, self._before, bent[0].numpy())
        return bent

    def _join(self, x: Tensor, out: Tensor, *, add: bool) -> None:
        channels, length, d = x.shape[1], x.shape[2], self._dilation
        columns = (-(-length // (kernels.PHASES * d)) + self._parts[0].taps) * d
        bent = x.new_empty(kernels.PARTS, channels, columns)
        given = (x[0].numpy(), *self._scales, self._low, self._before, d, bent.numpy())
        self._rows(kernels.bend_split, channels, *given)
        answers = tuple(part(bent[i : i + 1])[0].numpy() for i, part in enumerate(self._parts))
        assert self._bias is not None
        self._rows(kernels.join, len(self._bias), answers, self._bias.numpy(), d, add, out[0].numpy())


class FastNetwork:
    """What `Network` computes, on the CPU."""

    def __init__(self, network: Network, *, cache: Path | None = None, consume: bool = False) -> None:
        """cache: the folder that keeps the compiled code for the next process; without it each process compiles anew.

        consume: take each weight out of the network once it is packed, so that there are never two of all: it is useless then.
        """
        if cache is not None:
            kernels.keep_in(cache)
        self.config = network.config
        self._consume, rows = consume, Rows(torch.get_num_threads())
        self._pre = network.conv_pre
        self._stages = [(up, [self._block(block, rows) for block in blocks]) for up, blocks in network.stages()]
        self._post = Step(network.activation_post, network.conv_post, rows)

    def _block(self, block: AmpBlock, rows: Rows) -> list[tuple[Step, Step]]:
        steps = []
        for before, dilated, between, plain in block.pairs():
            steps.append((Step(before, dilated, rows), Step(between, plain, rows)))
            if self._consume:
                del dilated.weight, plain.weight
        return steps

    def __call__(self, log_mel: Tensor) -> Tensor:
        """Log-mel [1, M, F] in nat -> waveform [1, 1, T = hop * F] in -1..1."""
        x = self._pre(log_mel)
        for up, blocks in self._stages:
            x = up(x)
            total = torch.zeros_like(x)
            for block in blocks:
                y = x.clone()
                for first, second in block:
                    second.add(first(y), y)
                total += y
            x = total.div_(len(blocks))
        return self._post(x).clamp_(-1, 1)
