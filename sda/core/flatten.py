"""Many-dimensional neighbours laid out in a plane: exact t-SNE, and how far such a plane can be trusted.

t-SNE (van der Maaten & Hinton 2008, *Visualizing data using t-SNE*, with its early exaggeration, momentum and gains)
starts from the two largest principal components instead of chance, so the same points give the same plane. With at most
some hundred points nothing needs to be approximated: a step costs a few products of N x N matrices.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

PERPLEXITY = 20.0  # neighbours that matter, or a third of the points where they are few
STEPS, EARLY = 500, 120  # steps, and how many of them with attraction exaggerated
EXAGGERATED = 4.0  # as in the paper; 12, for large sets, tears small ones apart
MOMENTUM = (0.5, 0.8)  # early, late
GAIN_UP, GAIN_DOWN, LEAST_GAIN = 0.2, 0.8, 0.01
START = 1e-4  # standard deviation of the start
BISECTIONS = 40  # of a width
NEIGHBOURS = 7  # that trustworthiness looks at


def flattened(distance: Floats) -> Floats:
    """Places [N, 2] in -1..1, near where distances [N, N] are small. The same distances, the same places.

    Where the principal components can be trusted more, as with a few points they may, it is these.
    """
    count = len(distance)
    if count < 3 or not distance.any():
        return _framed(np.stack([np.arange(count), np.zeros(count)], 1))
    square = np.square(distance, dtype=np.float64)
    principal = _principal(square)
    candidates = (_framed(_neighbourly(square, principal)), _framed(principal))
    return max(candidates, key=lambda places: trustworthiness(distance, places))


def trustworthiness(distance: Floats, places: Floats, neighbours: int = NEIGHBOURS) -> float:
    """How far neighbours in the plane are neighbours indeed, 0..1 (Venna & Kaski 2001, equation 1); 1 where all are.

    1 - 2 / (N k (2 N - 3 k - 1)) * the sum of r(i, j) - k over the k nearest j of i in the plane, r being j's rank by
    distance from i. Of N points at most (N - 1) / 2 neighbours are looked at.
    """
    count = len(distance)
    near = min(neighbours, (count - 1) // 2)
    if near < 1:
        return 1.0
    plane = np.square(places[:, None].astype(np.float64) - places).sum(2)
    ranks = np.argsort(np.argsort(_without_itself(distance), 1, kind="stable"), 1, kind="stable") + 1  # 1 for the nearest
    nearest = np.argsort(_without_itself(plane), 1, kind="stable")[:, :near]
    intruders = np.maximum(np.take_along_axis(ranks, nearest, 1) - near, 0).sum()
    return 1 - 2 * float(intruders) / (count * near * (2 * count - 3 * near - 1))


def _neighbourly(square: Doubles, start: Doubles) -> Doubles:
    """t-SNE's places [N, 2] for squared distances [N, N], from the shape of a start [N, 2]."""
    attraction = _attraction(square)
    places = start * START / max(float(start[:, 0].std()), 1e-12)
    rate = max(len(square) / EXAGGERATED / 4, 50.0)  # of a step (Belkina et al. 2019)
    moved, gains = np.zeros_like(places), np.ones_like(places)
    for step in range(STEPS):
        early = step < EARLY
        slope = _slope(places, attraction * EXAGGERATED if early else attraction)
        gains = np.where(slope * moved < 0, gains + GAIN_UP, gains * GAIN_DOWN).clip(LEAST_GAIN)
        moved = MOMENTUM[0 if early else 1] * moved - rate * gains * slope
        places = places + moved
    return places


def _without_itself(distance: NDArray[np.floating]) -> Doubles:
    """Distances in which no point is its own neighbour."""
    there = distance.astype(np.float64)
    np.fill_diagonal(there, np.inf)
    return there


def _attraction(square: Doubles) -> Doubles:
    """Joint probabilities P [N, N]: Gaussians about each point as wide as gives the perplexity, made symmetric."""
    count = len(square)
    wanted = np.log(min(PERPLEXITY, max(1.5, (count - 1) / 3)))
    off = square + np.where(np.eye(count, dtype=bool), np.inf, 0)
    off -= off.min(1, keepdims=True)
    scale = max(float(square.mean()), 1e-12)
    low, high = np.full(count, -20.0), np.full(count, 20.0)  # of log2 of the precision, in units of the mean square
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        weight = np.exp(-off * (np.exp2(middle) / scale)[:, None])
        total = weight.sum(1)
        finite = np.where(np.isfinite(off), off, 0)
        entropy = np.log(total) + (np.exp2(middle) / scale) * (weight * finite).sum(1) / total
        wide = entropy > wanted
        low, high = np.where(wide, middle, low), np.where(wide, high, middle)
    each = weight / total[:, None]
    joint: Doubles = np.maximum((each + each.T) / (2 * count), 1e-12)
    return joint


def _principal(square: Doubles) -> Doubles:
    """The two largest principal coordinates [N, 2] of squared distances (Torgerson 1952), signs by a rule."""
    middle = square - square.mean(0) - square.mean(1)[:, None] + square.mean()
    variance, axes = np.linalg.eigh(-middle / 2)
    found = axes[:, ::-1][:, :2] * np.sqrt(np.maximum(variance[::-1][:2], 0))
    signs = np.where(np.take_along_axis(found, np.abs(found).argmax(0)[None], 0) < 0, -1.0, 1.0)
    signed: Doubles = found * signs
    return signed


def _slope(places: Doubles, attraction: Doubles) -> Doubles:
    """The gradient [N, 2] of the divergence between attraction and the plane's Student t kernel (equation 5)."""
    length = np.square(places).sum(1)
    kernel = 1 / (1 + np.maximum(length[:, None] + length - 2 * places @ places.T, 0))
    np.fill_diagonal(kernel, 0)
    pull = (attraction - kernel / kernel.sum()) * kernel
    slope: Doubles = 4 * (pull.sum(1)[:, None] * places - pull @ places)
    return slope


def _framed(places: NDArray[np.floating]) -> Floats:
    """Places about the middle of a square from -1 to 1, the wider side filling it."""
    middle = (places.max(0, initial=-np.inf) + places.min(0, initial=np.inf)) / 2 if len(places) else 0
    centred = places - middle
    return np.asarray(centred / max(float(np.abs(centred).max(initial=0)), 1e-12), np.float32)
