"""Small models that every test may use: real files of random weights, built without torch."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import numpy as np
import pytest

from sda.core.hifigan import Generator, start_weights
from sda.core.latent import LatentMap
from sda.core.vae import Vae
from sda.formats.distill import ModelDocument
from sda.spec import GeneratorSpec, VaeSpec

SMALL_VAE = VaeSpec(frames=88, latent=4, width=8)
SMALL_GENERATOR = GeneratorSpec(channels=16)
SLIDERS = ("brightness", "axis-1")


def small_document(name: str = "pebbles", *, own_vocoder: bool = True, seed: int = 0) -> ModelDocument:
    """A model of random weights with two sliders along the first two latents."""
    import torch

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
        generator.conv_post.weight *= 8  # loud enough that an error shows
    positions = np.linspace(-10, 10, 21, dtype=np.float32)
    curves = np.zeros((2, 21, 4), np.float32)
    curves[0, :, 0], curves[1, :, 1] = positions / 5, positions / 5
    latent_map = LatentMap(np.zeros(4, np.float32), curves, np.eye(4, dtype=np.float32))
    sliders = [
        {"number": n, "name": slider, "low": -10, "high": 10, "safe_low": -8, "safe_high": 8, "explains": "a test"}
        for n, slider in enumerate(SLIDERS, start=1)
    ]
    tensors = {f"vae.{key}": value.numpy() for key, value in net.state_dict().items()} | latent_map.tensors()
    if own_vocoder:
        tensors |= {f"vocoder.{key}": value.numpy() for key, value in generator.state_dict().items()}
    return ModelDocument(
        id=str(UUID(int=seed + 1, version=4)),
        name=name,
        created="2026-01-01T00:00:00+00:00",
        vae=SMALL_VAE,
        analysis={"sliders": sliders, "notes": []},
        dataset={"files": 5, "seconds": 5.0},
        vocoder=SMALL_GENERATOR if own_vocoder else None,
        tensors=tensors,
    )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty library that the program and its children use."""
    monkeypatch.setenv("SDA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
