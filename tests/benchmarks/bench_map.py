"""How far a model's map can be trusted, what the distance to the nearest chunk tells, and what a way over chunks is worth.

`python bench_map.py [MODEL=FOLDER_OF_RECORDINGS ...]`, without any the demo model and the recordings it was made from.
"trust" is the trustworthiness (Venna & Kaski 2001) of the map's neighbours, by scikit-learn too, against the decoded sound
and against the recordings themselves, beside that of the latents' first two principal components. "good from bad" is how
often a point near a chunk (0.3 of the recordings' spread away) is nearer to the chunks than one drawn about their mean.
The last columns are dB to the nearest chunk over nine points between chunks of two recordings, straight and by `between`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.manifold import trustworthiness as theirs

import sda
from sda.core import grid
from sda.core.flatten import NEIGHBOURS, trustworthiness
from sda.core.likeness import distances, levels
from sda.core.sound_map import drawn, heard_levels
from sda.core.surroundings import Surroundings
from sda.core.survey import decode, survey
from sda.spec import BIGVGAN_GRID
from sda.train.analyze import chunk_places
from sda.train.corpus import Corpus, gather
from sda.train.vocoder_run import vae_of

EXAMPLES = Path(__file__).parents[2] / "examples"
DRAWS, PAIRS, POINTS = 200, 40, 9
HEADS = "model chunks trust sklearn recorded PCA | near far good-from-bad | worst straight way, mean straight way | CPU s"


def row(model: str, recordings: Path, work: Path) -> str:
    vae = vae_of(sda.load(model).document)
    list(gather(recordings, work, rate=BIGVGAN_GRID.sample_rate, shortest=vae.spec.frames * BIGVGAN_GRID.hop, seed=0))
    corpus, length = Corpus(work), vae.spec.frames * BIGVGAN_GRID.hop
    places = chunk_places(corpus.training, length, corpus.rate)
    mels = np.stack([grid.compress(grid.magnitudes(corpus.read(r, at, length)), vae.spec.gain) for r, at in places])
    seen, random = survey(vae, mels), np.random.default_rng(0)
    names, starts = zip(*((places[i][0].name, places[i][1] / corpus.rate) for i in seen.chunks), strict=True)
    begun = time.process_time()
    made = drawn(seen.latents, names, starts, lambda z: decode(vae, z))
    cost = time.process_time() - begun
    heard, own = heard_levels(made.latents, lambda z: decode(vae, z)), levels(grid.expand(mels[seen.chunks], vae.spec.gain))
    centred = made.latents - made.latents.mean(0)
    principal = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
    trust = (
        made.trust,
        theirs(heard, made.places, n_neighbors=min(NEIGHBOURS, (len(made) - 1) // 2)),
        trustworthiness(distances(own, own), made.places),
        trustworthiness(distances(heard, heard), principal),
    )
    around = Surroundings(made.latents, lambda z: decode(vae, z))
    noise = random.standard_normal((2, DRAWS, seen.spread.shape[1])).astype(np.float32) @ seen.spread.T
    near = around.apart(made.latents[random.integers(len(made), size=DRAWS)] + np.float32(0.3) * noise[0]).min(1)
    far = around.apart(made.latents.mean(0) + noise[1]).min(1)
    told = f"{np.median(near):.1f} {np.median(far):.1f} {(near[:, None] < far).mean():.3f}"
    drawn_pairs = random.integers(len(made), size=(4 * PAIRS, 2))
    pairs = [made.latents[pair] for pair in drawn_pairs if made.owners[pair[0]] != made.owners[pair[1]]][:PAIRS]
    straight = [around.apart(np.linspace(*pair, POINTS, dtype=np.float32)).min(1) for pair in pairs]
    ways = [around.between(*pair, POINTS).distances for pair in pairs]
    worst, mean = (" ".join(f"{np.median(f(x, 1)):.1f}" for x in (straight, ways)) for f in (np.max, np.mean))
    shown = " ".join(f"{value:.3f}" for value in trust)
    return f"{Path(model).stem} {len(made)} {shown} | {told} | {worst}, {mean} | {cost:.2f}"


def main(pairs: list[str]) -> None:
    with tempfile.TemporaryDirectory() as work:
        if not pairs:
            sys.path.insert(0, str(EXAMPLES))
            from make_recordings import make

            make(Path(work) / "recordings", seed=1)
            pairs = [f"{EXAMPLES / 'driftwood.distill'}={work}/recordings"]
        print(HEADS)
        for number, pair in enumerate(pairs):
            model, _, folder = pair.rpartition("=")
            print(row(model, Path(folder), Path(work) / str(number)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
