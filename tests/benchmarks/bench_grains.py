"""In which domain grains should add: level dips and flutter at a latent point that stands still, linear against ln.

`python bench_grains.py FOLDER_OF_RECORDINGS`. The net is the PCA start of these recordings. "flutter" is the standard
deviation of the frames' level in dB, beside that of the decoded second itself; "dip" is the 5th percentile of the level
below its median; "level" is the mean level beside the decoded second's.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from sda.core import grid
from sda.core.grains import Grains, GrainSettings
from sda.spec import BIGVGAN_GRID, VaeSpec
from sda.train.corpus import Corpus, gather
from sda.train.vae import VaePlan, VaeTraining

FLOOR = BIGVGAN_GRID.floor
CELLS = 400  # 9.3 s


def level_db(magnitudes: np.ndarray) -> np.ndarray:
    return 10 * np.log10(np.square(magnitudes).sum(axis=0) + 1e-12)


def rendered(decode, point: np.ndarray, spread: np.ndarray, density: float) -> np.ndarray:
    grains = Grains(decode, 88, BIGVGAN_GRID.frame_rate, spread)
    state, out = grains.start(), []
    for _ in range(CELLS):
        cell, state = grains.cell(point, GrainSettings(variation=0.3, density=density), state)
        out.append(cell)
    return np.concatenate(out, axis=1)[:, 88:]


def main(source: Path) -> None:
    with tempfile.TemporaryDirectory() as work:
        list(gather(source, Path(work), rate=44_100, shortest=45_056, seed=0))
        training = VaeTraining(Corpus(Path(work)), VaeSpec(latent=32, width=64), VaePlan())
        net, corpus = training.net.eval(), training.corpus
        with torch.no_grad():
            mels = [grid.compress(grid.magnitudes(corpus.read(r, 0, 88 * 512)), 1e5) for r in corpus.training]
            points = net.encode(torch.from_numpy(np.stack(mels)))[0].numpy()

        def linear(z: np.ndarray) -> np.ndarray:
            with torch.no_grad():
                return grid.expand(net.decode(torch.from_numpy(z)).numpy(), 1e5)

        def logarithmic(z: np.ndarray) -> np.ndarray:
            return np.log(np.maximum(linear(z), FLOOR) / FLOOR)

        spread = np.linalg.cholesky(np.cov(points.T) + 1e-3 * np.eye(32)).astype(np.float32)
        for density in (1.0, 2.0, 4.0, 16.0):
            rows = []
            for point in points[::3]:
                own = level_db(linear(point[None])[0])
                for name, decode in (("linear", linear), ("ln", logarithmic)):
                    sound = rendered(decode, point, spread, density)
                    level = level_db(FLOOR * np.exp(sound) if name == "ln" else sound)
                    rows.append(
                        (name, level.std(), np.median(level) - np.percentile(level, 5), level.mean() - own.mean(), own.std())
                    )
            for name in ("linear", "ln"):
                flutter, dip, difference, own = np.mean([row[1:] for row in rows if row[0] == name], axis=0)
                own_and_dip = f"(decoded {own:4.1f}), dip {dip:5.1f} dB, level {difference:+5.1f} dB"
                print(f"density {density:4.0f} {name:7s} flutter {flutter:5.1f} dB {own_and_dip}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
