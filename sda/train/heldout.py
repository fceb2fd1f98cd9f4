"""How well a VAE remakes recordings: mean |ln-mel| in nat, in loud bins and in quiet ones.

Loud are the bins within 60 dB of their recording's loudest, quiet are the rest; both sides are clamped at the grid's
floor. Each recording is cut into successive decoder lengths; frames beyond its own end are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sda.core import grid
from sda.core.vae import Vae
from sda.spec import BIGVGAN_GRID, MelSpec
from sda.train.corpus import Corpus, Recording

Floats = NDArray[np.float32]

LOUD_DB = 60.0  # below the loudest bin of the recording
MOST_FILES, MOST_CHUNKS = 24, 8  # bounds a measurement to 192 chunks, which cost as much as some ten steps
ACTIVE = 0.01  # variance of the posterior means over the chunks from which a latent counts (Burda et al. 2016)


@dataclass(frozen=True, slots=True)
class Judged:
    """One recording's chunks."""

    name: str
    chunks: Floats  # mel magnitudes [n, M, L]
    counted: NDArray[np.bool_]  # [n, L], frames that the recording really has


class HeldOut:
    """The chunks on which nets of one corpus are judged; at most 24 recordings with 8 chunks each, spread evenly."""

    def __init__(self, corpus: Corpus, frames: int) -> None:
        order = np.random.default_rng(0).permutation(len(corpus.held_out))[:MOST_FILES]
        self.recordings = [_chunks(corpus, corpus.held_out[i], frames) for i in sorted(order.tolist())]

    @torch.no_grad()
    def measure(self, net: Vae) -> dict[str, Any]:
        """{"loud", "quiet", "all": nat over all bins, "files": {name: "all" of it}, "kl": nat a chunk, "active": latents}."""
        sums, files, means, divergences = np.zeros((2, 2)), {}, [], []
        for judged in self.recordings:
            mel = torch.from_numpy(grid.compress(judged.chunks, net.spec.gain)).to(net.band_mean.device)
            mean, logvar = net.encode(mel)
            made = grid.expand(net.decode(mean).cpu().numpy(), net.spec.gain)
            part = errors(judged.chunks, made, judged.counted)
            sums += part
            files[judged.name] = float(part[0].sum() / max(part[1].sum(), 1))
            means.append(mean.cpu().numpy())
            divergences.append((mean.square() + logvar.exp() - 1 - logvar).sum(dim=1).cpu().numpy() / 2)
        loud, quiet = sums[0] / np.maximum(sums[1], 1)
        spread = np.concatenate(means).var(axis=0)
        return {
            "loud": float(loud), "quiet": float(quiet), "all": float(sums[0].sum() / sums[1].sum()), "files": files,
            "kl": float(np.concatenate(divergences).mean()), "active": float((spread > ACTIVE).sum()),
        }  # fmt: skip


def errors(real: Floats, made: Floats, counted: NDArray[np.bool_], spec: MelSpec = BIGVGAN_GRID) -> NDArray[np.float64]:
    """Sums of |ln-mel| and numbers of bins, [[loud, quiet], [n loud, n quiet]], of one recording's magnitudes [n, M, L]."""
    target, result = grid.to_log(real, spec), grid.to_log(made, spec)
    frames = np.broadcast_to(counted[:, None], target.shape)
    difference = np.abs(result - target)
    is_loud = target >= target[frames].max() - LOUD_DB / 20 * np.log(10)
    loud, quiet = frames & is_loud, frames & ~is_loud
    return np.array([[difference[loud].sum(), difference[quiet].sum()], [loud.sum(), quiet.sum()]], np.float64)


def _chunks(corpus: Corpus, recording: Recording, frames: int) -> Judged:
    """Successive decoder lengths of a recording, the last one filled with silence, the samples around read along."""
    hop, pad = BIGVGAN_GRID.hop, grid.edge_padding(BIGVGAN_GRID)
    real = min(recording.length, max(hop, round(recording.seconds * corpus.rate))) // hop  # frames
    count = -(-real // frames)
    chosen = np.unique(np.linspace(0, count - 1, min(count, MOST_CHUNKS)).round().astype(int))
    chunks, skip = [], -(-pad // hop)
    for number in chosen:
        start = number * frames * hop
        wide = corpus.read(recording, start - skip * hop, (frames + 2 * skip) * hop)
        chunks.append(grid.magnitudes(wide)[:, skip : skip + frames])
    counted = chosen[:, None] * frames + np.arange(frames) < real
    return Judged(recording.name, np.stack(chunks), counted)
