"""Several sliders at once: how far from what they ask for, how fast, how evenly: `python bench_steering.py MODEL.distill ...`.

For random positions of all named sliders: the mean miss of the descriptors in units of the recordings' ranges, of the plain sum
of the curves, of the surrogate's point (while sliders move) and of the decoder's (where they rest); what a move costs; how
different the two sound, as librosa hears it through the model's vocoder; and the longest latent step in median ones, along
each slider and along diagonals through all of them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from librosa_descriptors import judge
from numpy.typing import NDArray

from sda.core import grid, settle
from sda.core.descriptors import DESCRIPTORS
from sda.formats import distill
from sda.model import Model
from sda.spec import BIGVGAN_GRID, VaeSpec

Floats = NDArray[np.float32]
DEMO = Path(__file__).parents[2] / "examples" / "driftwood.distill"
SETTINGS = 60  # random positions of all sliders
HEARD = 12  # of them, rendered
DIAGONALS = 20
STEPS = 400
SHARE = 0.8  # of the sliders' range that positions come from


def named(model: Model) -> list[int]:
    """Rows of the sliders with a descriptor's name."""
    names = [d.name for d in DESCRIPTORS]
    return [i for i, s in enumerate(model.sliders) if s.name in names]


def positions(model: Model, random: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Random positions [count, S] of the named sliders, the others at 0."""
    found = np.zeros((count, len(model.sliders)))
    for row in named(model):
        slider = model.sliders[row]
        found[:, row] = random.uniform(SHARE * slider.low, SHARE * slider.high, count)
    return found


def magnitudes(model: Model) -> Callable[[Floats], Floats]:
    """A decoder of latent points [B, Z] to mel magnitudes."""
    assert isinstance(model.document.vae, VaeSpec)
    gain = model.document.vae.gain
    return lambda z: grid.expand(model.decode(z), gain)


def misses(model: Model, settings: NDArray[np.float64]) -> str:
    """How far each way lands from what the sliders ask for, each alone."""
    latent_map, measure = model.latent_map, settle.measuring(magnitudes(model), BIGVGAN_GRID, model.latent_map)
    base = measure(latent_map.home[None])[0]
    alone = np.zeros((len(settings), len(base)))
    for row in named(model):
        only = np.where(np.arange(settings.shape[1]) == row, settings, 0.0)
        alone += measure(latent_map.point(only)) - base
    ways = {
        "sum": replace(latent_map, steering=None).point(settings),
        "moving": latent_map.point(settings),
        "resting": np.stack([latent_map.settled(at, measure) for at in settings]),
    }
    found = {name: float(np.abs(measure(z) - base - alone).mean()) for name, z in ways.items()}
    return "miss " + ", ".join(f"{name} {miss:.3f}" for name, miss in found.items())


def costs(model: Model, settings: NDArray[np.float64]) -> str:
    """Process seconds of a move of all sliders, and of the decoder's correction once they rest."""
    measure = settle.measuring(magnitudes(model), BIGVGAN_GRID, model.latent_map)
    model.latent_map.point(settings[:1])
    spent = []
    for at in np.tile(settings, (5, 1)):
        before = time.process_time()
        model.latent_map.point(at[None])
        spent.append(time.process_time() - before)
    before = time.process_time()
    for at in settings:
        model.latent_map.settled(at, measure)
    rest = (time.process_time() - before) / len(settings)
    low, high = 1e3 * np.percentile(spent, (50, 99))
    return f"a move {low:.2f} ms ({high:.2f} at the 99th percentile), settled {1e3 * rest:.1f} ms"


def heard(model: Model, settings: NDArray[np.float64]) -> str:
    """Between moving and resting: mean |ln-mel| of the decoder, and librosa's descriptors of the vocoder's sound."""
    decode, vocoder = magnitudes(model), model.vocoder()
    measure = settle.measuring(decode, BIGVGAN_GRID, model.latent_map)
    pairs = [(model.latent_map.point(at[None])[0], model.latent_map.settled(at, measure)) for at in settings]
    mels = [grid.to_log(decode(np.stack(pair))) for pair in pairs]  # [2, M, L]
    apart = float(np.mean([np.abs(mel[0] - mel[1]).mean() for mel in mels]))
    sounds = np.array([[judge(vocoder(each)) for each in mel] for mel in mels])  # [n, 2, D]
    differ = np.abs(sounds[:, 0] - sounds[:, 1]).mean(0)
    words = ", ".join(f"{d.name} {x:.2g} {d.unit}" for d, x in zip(DESCRIPTORS, differ, strict=True))
    return f"moving and resting differ by {apart:.2f} nat; {words}"


def longest(points: Floats) -> float:
    """The longest step of a path [n, Z] in its median steps, where it moves."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return float(steps.max() / np.median(steps[steps > 1e-6]))


def evenness(model: Model, random: np.random.Generator) -> str:
    """The longest latent step in median ones, over all sliders and over diagonals."""
    along, across, count = [], [], len(model.sliders)
    for row, slider in enumerate(model.sliders):
        path = np.zeros((STEPS, count))
        path[:, row] = np.linspace(slider.low, slider.high, STEPS)
        along.append(longest(model.latent_map.point(path)))
    for start, end in zip(positions(model, random, DIAGONALS), positions(model, random, DIAGONALS), strict=True):
        across.append(longest(model.latent_map.point(np.linspace(start, end, STEPS))))
    return f"longest step {max(along):.1f} medians along a slider, {max(across):.1f} along a diagonal"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", type=Path, default=[DEMO])
    for path in parser.parse_args().models:
        model, random = Model(distill.read(path)), np.random.default_rng(0)
        if model.latent_map.steering is None:
            print(f"{path.stem}: analysed before sliders were steered together; sda-engine analyze does it anew")
            continue
        settings = positions(model, random, SETTINGS)
        print(f"{path.stem}: {', '.join(model.sliders[row].name for row in named(model))}")
        for line in (misses(model, settings), costs(model, settings), heard(model, settings[:HEARD]), evenness(model, random)):
            print(f"  {line}", flush=True)


if __name__ == "__main__":
    main()
