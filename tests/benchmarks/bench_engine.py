"""The whole signal path at live block size, one core: real-time factors, and what each part of them is.

The reference in the same run is the vocoder alone on the same frames, so that ratios hold on another machine. Networks
have their full size and random weights: speed does not depend on what they learned.
"""

from __future__ import annotations

import time

import numpy as np
import threadpoolctl

from sda.core import grid
from sda.core.render import Renderer
from sda.live.stand_in import stand_in
from sda.model import Model
from sda.spec import VaeSpec

BLOCKS = 400
CELL_S = 1024 / 44_100  # s of sound in a block


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


@threadpoolctl.threadpool_limits.wrap(limits=1)  # as the command has it
def main() -> None:
    print("RTF of the whole path at 2-frame blocks (bar 0.20 at density 2, all sliders moving), ratio to the vocoder alone")
    for spec in (VaeSpec(), VaeSpec(latent=32, width=64)):
        model = Model(stand_in(spec))
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
