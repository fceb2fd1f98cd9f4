"""A model of the usual size with random weights, where none is named: speed and soundness do not depend on what was learned."""

from __future__ import annotations

from uuid import UUID

import numpy as np

from sda.formats.base import read_base
from sda.formats.distill import ModelDocument
from sda.formats.layout import vae_shapes
from sda.params import SLIDER_RANGE
from sda.spec import VaeSpec

SLIDERS = 8
POSITIONS = 21  # of a slider's curve
SPREAD = 0.2  # of the weights
MEAN, STD = 0.6, 0.3  # of the normalised mel's bands: neither silence nor noise at full scale


def stand_in(spec: VaeSpec | None = None, *, seed: int = 0) -> ModelDocument:
    """A model of this VAE, eight sliders that go straight, and the shipped base vocoder as its own."""
    spec, random = spec or VaeSpec(), np.random.default_rng(seed)
    generator, weights, _ = read_base()
    tensors = {k: SPREAD * random.standard_normal(shape).astype(np.float32) for k, shape in vae_shapes(spec).items()}
    tensors |= {"vae.band_mean": np.full(spec.n_mels, MEAN, np.float32), "vae.band_std": np.full(spec.n_mels, STD, np.float32)}
    tensors |= {f"vocoder.{name}": value for name, value in weights.items()}
    ends = random.standard_normal((SLIDERS, 1, spec.latent)) / np.sqrt(spec.latent)
    tensors |= {
        "analysis.home": np.zeros(spec.latent, np.float32),
        "analysis.curves": (ends * np.linspace(-1, 1, POSITIONS)[None, :, None]).astype(np.float32),
        "analysis.spread": np.eye(spec.latent, dtype=np.float32),
    }
    low, high = SLIDER_RANGE
    sliders = [
        {"number": n, "name": f"axis-{n}", "low": low, "high": high, "safe_low": low, "safe_high": high, "explains": ""}
        for n in range(1, SLIDERS + 1)
    ]
    return ModelDocument(
        id=str(UUID(int=seed + 1, version=4)),
        name=f"stand-in-{seed}",
        created="2026-01-01T00:00:00+00:00",
        vae=spec,
        analysis={"sliders": sliders, "notes": []},
        dataset={},
        vocoder=generator,
        tensors=tensors,
    )
