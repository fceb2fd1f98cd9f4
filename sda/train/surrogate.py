"""Fitting the small net that stands for the decoder while sliders move (`sda.core.surrogate`)."""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sda.core.latent import displacements
from sda.core.surrogate import Surrogate
from sda.core.survey import BATCH, Survey, values
from sda.core.vae import Vae
from sda.params import SLIDER_RANGE

Floats = NDArray[np.float32]

POINTS = 3000
HIDDEN = 128
STEPS, CROWD, RATE, DECAY = 1200, 256, 4e-3, 0.05  # steps of so many points, peak learning rate and weight decay of AdamW
STRAY = 0.8  # most, in the recordings' standard deviations


def fitted(vae: Vae, seen: Survey, curves: Floats, seed: int, pool: Executor | None = None) -> tuple[Surrogate, Floats]:
    """The net for a survey and the curves [S, P, Z] found in it, and its error [D] on points of its own kind.

    pool: threads that share the decoding. Errors are root mean squares in units of the recordings' ranges, on a tenth of the
    points, which it was not fitted to.
    """
    random = np.random.default_rng([seed, 5])
    points = reached(seen, curves, POINTS, random)
    heard = decoded(vae, seen, points, pool)
    home = seen.latents[seen.home]
    whitened = np.linalg.solve(seen.spread, (points - home).T).T.astype(np.float32)
    kept = POINTS // 10
    net = _fit(whitened[kept:], heard[kept:], seed)
    error = np.sqrt(np.square(net(whitened[:kept]) - heard[:kept]).mean(0))
    return net, np.asarray(error, np.float32)


def reached(seen: Survey, curves: Floats, count: int, random: np.random.Generator) -> Floats:
    """Latent points [count, Z] that sliders and grains reach: some of the sliders anywhere, from home or from any chunk."""
    sliders = len(curves)
    used = random.random((count, sliders)) < random.random((count, 1))
    positions = random.uniform(*SLIDER_RANGE, (count, sliders)) * used
    starts = np.where(
        random.random((count, 1)) < 0.5,
        seen.latents[seen.home],
        seen.latents[random.integers(len(seen.latents), size=count)],
    )
    stray = random.uniform(0, STRAY, (count, 1)) * random.standard_normal((count, seen.spread.shape[1]))
    points: Floats = (starts + displacements(curves, positions).sum(1) + stray @ seen.spread.T).astype(np.float32)
    return points


def decoded(vae: Vae, seen: Survey, points: Floats, pool: Executor | None = None) -> Floats:
    """Descriptors [n, D] of what the decoder makes of latent points [n, Z], in units of the recordings' ranges."""

    def part(batch: Tensor) -> Floats:
        with torch.no_grad():  # counts in its own thread only
            found: Floats = values(vae, batch).numpy()
        return found

    each = map if pool is None else pool.map
    found = list(each(part, torch.from_numpy(points).split(BATCH)))
    return np.asarray(np.concatenate(found) / seen.ranges, np.float32)


def _fit(inputs: Floats, wanted: Floats, seed: int) -> Surrogate:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = [nn.Linear(inputs.shape[1], HIDDEN), nn.Linear(HIDDEN, HIDDEN), nn.Linear(HIDDEN, wanted.shape[1])]
    with torch.no_grad():
        layers[-1].bias.copy_(torch.from_numpy(wanted.mean(0)))
    net = nn.Sequential(layers[0], nn.SiLU(), layers[1], nn.SiLU(), layers[2])
    optimizer = torch.optim.AdamW(net.parameters(), RATE, weight_decay=DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS)
    x, y = torch.from_numpy(inputs), torch.from_numpy(wanted)
    random = np.random.default_rng([seed, 6])
    for _ in range(STEPS):
        chosen = torch.from_numpy(random.integers(len(x), size=CROWD))
        loss = (net(x[chosen]) - y[chosen]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    arrays = [array.detach().numpy().copy() for layer in layers for array in (layer.weight, layer.bias)]
    return Surrogate(*arrays)
