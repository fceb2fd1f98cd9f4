"""The whole signal path at live block size, one core: real-time factors, and what each part of them is.

The reference in the same run is the vocoder alone on the same frames, so that ratios hold on another machine. Networks
have their full size and random weights: speed does not depend on what they learned.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from small_models import sounding

from sda.core import grid
from sda.core.render import Renderer
from sda.formats.base import read_base
from sda.formats.distill import ModelDocument
from sda.formats.layout import vae_shapes
from sda.model import Model
from sda.spec import VaeSpec

BLOCKS = 400
CELL_S = 1024 / 44_100  # s of sound in a block


def full_size(spec: VaeSpec) -> ModelDocument:
    """A model of this VAE and the shipped base vocoder, with eight sliders."""
    random = np.random.default_rng(0)
    generator, weights, _ = read_base()
    tensors = {k: 0.05 * random.standard_normal(shape).astype(np.float32) for k, shape in vae_shapes(spec).items()}
    tensors |= {f"vocoder.{name}": value for name, value in weights.items()}
    z = spec.latent
    curves = random.standard_normal((8, 1, z)) * np.linspace(-1, 1, 21)[None, :, None] / np.sqrt(z)
    tensors |= {"analysis.home": np.zeros(z), "analysis.curves": curves, "analysis.spread": np.eye(z)}
    sliders = [
        {"number": n, "name": f"axis-{n}", "low": -10, "high": 10, "safe_low": -8, "safe_high": 8, "explains": ""}
        for n in range(1, 9)
    ]
    tensors = {name: np.asarray(tensor, np.float32) for name, tensor in tensors.items()}
    return replace(sounding(), vae=spec, analysis={"sliders": sliders}, vocoder=generator, tensors=tensors)


def cost(renderer: Renderer, moving: bool) -> float:
    """Process seconds a second of sound."""
    random = np.random.default_rng(1)
    for _ in range(20):
        renderer.block()
    before = time.process_time()
    for _ in range(BLOCKS):
        if moving:
            for number in range(1, 9):
                renderer.set(f"slider.{number}", float(random.uniform(-8, 8)))
        renderer.block()
    return (time.process_time() - before) / (BLOCKS * CELL_S)


def vocoder_alone(model: Model) -> float:
    vocoder, state = model.vocoder(), model.vocoder().start()
    mel = grid.to_log(np.random.default_rng(0).uniform(0, 0.1, (128, 2)).astype(np.float32))
    before = time.process_time()
    for _ in range(BLOCKS):
        _, state = vocoder.step(mel, state)
    return (time.process_time() - before) / (BLOCKS * CELL_S)


def main() -> None:
    print("RTF of the whole path at 2-frame blocks (bar 0.20 at density 2, all sliders moving), ratio to the vocoder alone")
    for spec in (VaeSpec(), VaeSpec(latent=32, width=64)):
        model = Model(full_size(spec))
        reference = vocoder_alone(model)
        print(f"latent {spec.latent}, width {spec.width}: vocoder alone {reference:.3f}")
        for density in (2.0, 16.0):
            for moving in (False, True):
                values = {"play": True, "density": density, "glide": 50.0}
                rtf = cost(model.renderer(values=values), moving)
                print(
                    f"  density {density:4.0f}, sliders {'moving' if moving else 'still '}: {rtf:.3f}  {rtf / reference:.2f}x"
                )


if __name__ == "__main__":
    main()
