"""Models of a few kilobytes with random weights, for tests of everything around them."""

from dataclasses import replace

import numpy as np

from sda.formats.distill import ModelDocument
from sda.formats.layout import generator_shapes, vae_shapes
from sda.spec import GeneratorSpec, MelSpec, VaeSpec

TINY_GRID = MelSpec(n_mels=4)
TINY_VAE = VaeSpec(n_mels=4, frames=8, latent=2, width=8)
TINY_VOCODER = GeneratorSpec(channels=16, res_kernels=(3,), dilations=(1,))
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
