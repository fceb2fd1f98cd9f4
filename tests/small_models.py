"""Small models with random weights: a few kilobytes for tests of everything around a model, a little more for its sound."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np

from sda.core.latent import LatentMap
from sda.core.sound_map import SoundMap
from sda.formats.distill import ModelDocument
from sda.formats.layout import generator_shapes, vae_shapes
from sda.spec import GeneratorSpec, MelSpec, VaeSpec

if TYPE_CHECKING:
    from sda.core.vae import Vae
    from sda.train.corpus import Corpus

TINY_GRID = MelSpec(n_mels=4)
TINY_VAE = VaeSpec(n_mels=4, frames=8, latent=2, width=8)
TINY_VOCODER = GeneratorSpec(channels=16, res_kernels=(3,), dilations=(1,))
SMALL_VAE = VaeSpec(latent=4, width=8)
SMALL_GENERATOR = GeneratorSpec(channels=16, excited=3)
SLIDERS = [
    {"number": n, "name": name, "low": -10, "high": 10.0, "safe_low": -4.5, "safe_high": 5.0, "explains": "Hz"}
    for n, name in enumerate(("brightness", "grit"), start=1)
]


def document(*, vocoder: GeneratorSpec | None = None, **changes: object) -> ModelDocument:
    random = np.random.default_rng(0)
    shapes = vae_shapes(TINY_VAE) | (generator_shapes(vocoder) if vocoder else {})
    shapes |= {"analysis.home": (2,), "analysis.curves": (2, 5, 2), "analysis.spread": (2, 2)}
    made = ModelDocument(
        id="0b8f7d4e-3a86-4c4b-9a52-6e0d6a2f9c11",
        name="Glöckchen 鐘",
        created="2026-01-02T03:04:05+00:00",
        tags=("bell",),
        grid=TINY_GRID,
        vae=TINY_VAE,
        analysis={"sliders": SLIDERS},
        dataset={"files": 5, "seconds": 5.5},
        training={"held_out": {"loud": 0.25}, "loss": float("nan")},
        vocoder=vocoder,
        extra={"colour": {"of": ["tomorrow", 1, None]}},
        tensors={name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()},
    )
    return replace(made, **changes)


def small_map(chunks: int, seed: int = 0) -> SoundMap:
    """So many chunks anywhere, half of them of each recording, half a second apart."""
    random = np.random.default_rng([seed, 1])
    owners = (np.arange(chunks) >= chunks // 2).astype(np.int64)
    starts = (np.arange(chunks) - owners * (chunks // 2)) / np.float32(2)
    places, latents = random.uniform(-1, 1, (chunks, 2)), 2 * random.standard_normal((chunks, SMALL_VAE.latent))
    both = ("drip.wav", "gravel.flac")
    return SoundMap(places.astype(np.float32), latents.astype(np.float32), starts.astype(np.float32), owners, both, 0.9)


def sounding(name: str = "pebbles", *, own_vocoder: bool = True, seed: int = 0, chunks: int = 0) -> ModelDocument:
    """A model of random weights with two sliders along the first two latents; chunks: on its map, of two recordings."""
    import torch

    from sda.core.hifigan import Generator, start_weights
    from sda.core.vae import Vae

    random = np.random.default_rng(seed)
    net, generator = Vae(SMALL_VAE), Generator(SMALL_GENERATOR)
    start_weights(generator, torch.Generator().manual_seed(seed))
    generator.mel_mean.fill_(-6)
    generator.mel_std.fill_(2)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.from_numpy(0.2 * random.standard_normal(parameter.shape).astype(np.float32)))
        net.band_mean.fill_(0.4)
        net.band_std.fill_(0.1)
        generator.conv_post.weight *= 800  # loud enough that an error shows
    positions = np.linspace(-10, 10, 21, dtype=np.float32)
    curves = np.zeros((2, 21, 4), np.float32)
    curves[0, :, 0], curves[1, :, 1] = positions / 5, positions / 5
    latent_map = LatentMap(np.zeros(4, np.float32), curves, np.eye(4, dtype=np.float32))
    sliders = [
        {"number": n, "name": slider, "low": -10, "high": 10, "safe_low": -8, "safe_high": 8, "explains": "a test"}
        for n, slider in enumerate(("brightness", "axis-1"), start=1)
    ]
    tensors = {f"vae.{key}": value.numpy() for key, value in net.state_dict().items()} | latent_map.tensors()
    analysis: dict[str, object] = {"sliders": sliders, "notes": []}
    if chunks:
        places = small_map(chunks, seed)
        tensors |= places.tensors()
        analysis["map"] = places.to_header()
    if own_vocoder:
        tensors |= {f"vocoder.{key}": value.numpy() for key, value in generator.state_dict().items()}
    return ModelDocument(
        id=str(UUID(int=seed + 1, version=4)),
        name=name,
        created="2026-01-01T00:00:00+00:00",
        vae=SMALL_VAE,
        analysis=analysis,
        dataset={"files": 5, "seconds": 5.0},
        vocoder=SMALL_GENERATOR if own_vocoder else None,
        tensors=tensors,
    )


def pca_vae(corpus: Corpus, spec: VaeSpec) -> Vae:
    """A VAE that is the principal components of the recordings' chunks, worked out here."""
    import torch

    from sda.core import grid
    from sda.core.vae import Vae
    from sda.train.analyze import chunk_places

    torch.manual_seed(0)
    vae, length = Vae(spec).eval(), spec.frames * 512
    chunks = [corpus.read(r, start, length) for r, start in chunk_places(corpus.training, length, corpus.rate)]
    mels = np.stack([grid.compress(grid.magnitudes(a), spec.gain) for a in chunks])
    vae.band_mean.copy_(torch.from_numpy(mels.mean((0, 2))))
    vae.band_std.copy_(torch.from_numpy(np.maximum(mels.std((0, 2)), 0.02)))
    x = ((mels - vae.band_mean.numpy()[:, None]) / vae.band_std.numpy()[:, None]).reshape(len(mels), -1)
    _, s, rows = np.linalg.svd(x - x.mean(0), full_matrices=False)
    scale, rows = np.maximum(s[: spec.latent] / np.sqrt(len(x)), 1e-2), rows[: spec.latent]
    missing = spec.latent - len(rows)
    scale, rows = np.pad(scale, (0, missing), constant_values=1.0), np.pad(rows, ((0, missing), (0, 0)))
    with torch.no_grad():
        vae.encoder.skip.weight.copy_(torch.from_numpy(rows / scale[:, None]))
        vae.encoder.skip.bias.copy_(torch.from_numpy(-(rows / scale[:, None]) @ x.mean(0)))
        vae.decoder.skip.weight.copy_(torch.from_numpy((rows * scale[:, None]).T))
        vae.decoder.skip.bias.copy_(torch.from_numpy(x.mean(0)))
    return vae.requires_grad_(False)
