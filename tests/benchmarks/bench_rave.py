"""A step of our vocoder beside one of the decoder of RAVE (Caillon & Esling 2021), the peer that plays live: one thread each.

    pip install --no-deps acids-rave==2.3.1 cached-conv==2.5.0 gin-config einops
    python tests/benchmarks/bench_rave.py

RAVE's side is its own code: configuration `v2` (16 bands, capacity 96, latent 128) with random weights, cached convolutions,
weight norm taken off as its export does, filter bank included, TorchScript, blocks of 2048 samples at 48 kHz. The modules that
only its training imports are left out, so that none of its other requirements is needed. Ours is a step of four frames, 2048
samples at 44.1 kHz, the resampler to 48 kHz included. CPU seconds a second of sound, the least of many, both sides in turns.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import Any

import numpy as np
import scipy.signal
import torch
from bench_vocoder import least_seconds, shipped_net

from sda.core.resample import Resampler
from sda.core.vocoder import HifiganVocoder

RATE, BLOCK = 48_000, 2048
BANDS, LATENT, CAPACITY, RATIOS = 16, 128, 96, [4, 4, 4, 2]
DILATIONS = [[1, 3, 9], [1, 3, 9], [1, 3, 9], [1, 3]]
FRAMES = 4
BAR, MOONSHOT = 2.0, 4.0


class Empty(type):
    """A class of which every attribute is itself."""

    def __getattr__(cls, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls


class Base(metaclass=Empty):
    """What the training half derives its classes from."""


class Unneeded(ModuleType):
    """A module that only training needs."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return Base


def load() -> tuple[ModuleType, ModuleType]:
    """`rave.blocks` and `rave.pqmf`, without the package's training half, as cached as its export makes them."""
    for name in ("GPUtil", "lmdb", "pytorch_lightning"):
        sys.modules.setdefault(name, Unneeded(name))
    if not hasattr(scipy.signal, "kaiser"):  # moved in SciPy 1.13
        scipy.signal.kaiser = scipy.signal.windows.kaiser
    found = importlib.util.find_spec("rave")
    if found is None or found.submodule_search_locations is None:
        sys.exit("acids-rave is not installed; expected: " + __doc__.splitlines()[2].strip())
    package = ModuleType("rave")
    package.__path__ = list(found.submodule_search_locations)
    sys.modules["rave"] = package
    import cached_conv
    import rave.blocks
    import rave.pqmf

    pqmf, order, design = rave.pqmf, scipy.signal.kaiserord, scipy.signal.firwin  # whose signatures SciPy has changed since
    pqmf.kaiserord = lambda ripple, width: order(ripple, float(np.squeeze(width)))
    pqmf.firwin = lambda taps, cutoff, *, nyq, **rest: design(taps, float(np.squeeze(cutoff)), fs=2 * nyq, **rest)
    cached_conv.use_cached_conv(True)
    return rave.blocks, rave.pqmf


class Decoder(torch.nn.Module):
    """A latent frame [1, 128, 1] to a block [1, 1, 2048]."""

    def __init__(self) -> None:
        super().__init__()
        blocks, pqmf = load()
        self.net: Any = blocks.GeneratorV2(
            capacity=CAPACITY, ratios=RATIOS, latent_size=LATENT, kernel_size=3, dilations=DILATIONS, data_size=BANDS,
            amplitude_modulation=True,
        )  # fmt: skip
        self.bank: Any = pqmf.CachedPQMF(100, BANDS)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.bank.inverse(self.net(z))


@torch.no_grad()
def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    eager = Decoder().eval()
    z = torch.randn(1, LATENT, 1)
    eager(z)  # the caches take their sizes from the first call
    theirs = torch.jit.trace(eager, z, check_trace=False)
    assert theirs(z).shape[-1] == BLOCK

    net = shipped_net()
    vocoder = HifiganVocoder(net.spec, {name: tensor.numpy() for name, tensor in net.state_dict().items()})
    log_mel = (np.random.default_rng(0).normal(size=(net.spec.n_mels, FRAMES)) * 2 - 6).astype(np.float32)
    state = vocoder.step(log_mel, vocoder.start())[1]
    resampler = Resampler(vocoder.rate, RATE)
    filled = resampler.start()

    def ours() -> None:
        resampler.step(vocoder.step(log_mel, state)[0], filled)

    mine, peer = least_seconds([ours, lambda: theirs(z)])
    mine, peer = mine * vocoder.rate / (FRAMES * vocoder.hop), peer * RATE / BLOCK
    sizes = [sum(p.numel() for p in side.parameters()) / 1e6 for side in (net, eager.net)]
    print(f"ours {mine:.3f} ({sizes[0]:.2f} M weights), RAVE v2 {peer:.3f} ({sizes[1]:.1f} M weights): {peer / mine:.1f}x")
    print(f"bar {BAR:g}x, moonshot {MOONSHOT:g}x")


if __name__ == "__main__":
    main()
