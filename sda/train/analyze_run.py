"""A whole analysis of a model that exists: its recordings gathered once more, its sliders found anew, its file replaced.

A model of an older program keeps its own components, as axes without a name (`sda.core.components`); it needs no recordings
for that, and gets a map where they are there.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sda import voices
from sda.core import grid, network
from sda.core.adapter import MelAdapter
from sda.core.analysis import Analysis
from sda.core.components import Old, kept
from sda.core.latent import PREFIX, LatentMap, Slider
from sda.core.network import Network
from sda.core.sound_map import SoundMap, drawn
from sda.core.survey import AUDIBLE_DB
from sda.errors import TrainError
from sda.formats.distill import ModelDocument
from sda.spec import BIGVGAN_GRID, MelSpec, VaeSpec
from sda.train.analyze import chunk_places
from sda.train.corpus import Corpus
from sda.train.model_run import gathered, sliders_found, with_sliders
from sda.train.run import Event, Run
from sda.train.vocoder_run import vae_of

Floats = NDArray[np.float32]


def analyze_model(run: Run, document: ModelDocument, keep: Callable[[ModelDocument], Path]) -> Iterator[Event]:
    """Find a model's sliders as the run's spec asks; `keep` stores the result, and nothing is stored where it was stopped.

    Names are tested on the sound of the model's own vocoder, else of the shipped draft, as when it was trained.
    Events in order: file for each recording, stage for each part, end. Raises `SdaError` for what a user can mend.
    """
    try:
        steps = _of_ours(run, document) if isinstance(document.vae, VaeSpec) else _of_older(run, document)
        analysis = yield from _until_cancelled(run, steps)
        if analysis is None:
            yield Event("end", {"finished": False})
            return
        path = keep(with_sliders(document, analysis))
    finally:
        shutil.rmtree(run.path / "corpus", ignore_errors=True)
    run.amend(finished=True)
    sliders = [slider.name for slider in analysis.sliders]
    yield Event("end", {"finished": True, "model": str(path), "sliders": sliders, "notes": list(analysis.notes)})


def _until_cancelled(run: Run, steps: Generator[Event, None, Analysis]) -> Generator[Event, None, Analysis | None]:
    """Steps until they end, with what they find, or until somebody asks the run to stop, with nothing."""
    while True:
        try:
            event = next(steps)
        except StopIteration as end:
            found: Analysis = end.value
            return found
        yield event
        if run.cancelled:
            return None


def _of_ours(run: Run, document: ModelDocument) -> Generator[Event, None, Analysis]:
    net = vae_of(document)
    corpus = yield from _corpus(run, BIGVGAN_GRID, net.spec.frames * BIGVGAN_GRID.hop)
    wish = "hifigan" if document.vocoder is not None else "draft"
    analysis = yield from sliders_found(corpus, net, lambda: voices.build(document, wish, "cpu"), run.spec["seed"])
    return analysis


def _of_older(run: Run, document: ModelDocument) -> Generator[Event, None, Analysis]:
    net = network.build(document.vae, voices.part(document, "vae."))
    latent_map = _latent_map(document)
    sliders = tuple(Slider(**row) for row in document.analysis.get("sliders", ()))
    sound_map = None
    if run.spec.get("source"):
        shortest = (net.frames - 1) * document.grid.hop  # a centred grid has a frame more than hops
        corpus = yield from _corpus(run, document.grid, shortest)
        yield Event("stage", {"name": "listening", "share": 0.1})
        sound_map = _older_map(corpus, net, document.grid, shortest)
    elif not sliders:
        raise TrainError(
            f"{document.name} has no components to keep, and its recordings are not known here; expected --audio DIR"
        )
    yield Event("stage", {"name": "measuring the components", "share": 0.5})
    adapter = MelAdapter(document.grid)

    def decode(z: Floats) -> Floats:
        return np.stack([np.exp(adapter(np.square(mel))) for mel in net.magnitudes(net.decode(z))])

    return kept(Old(latent_map, sliders, document.notes, decode), sound_map)


def _latent_map(document: ModelDocument) -> LatentMap:
    analysed = f"{PREFIX}home" in document.tensors
    return LatentMap.from_tensors(document.tensors) if analysed else LatentMap.without_sliders(document.vae.latent)


def _corpus(run: Run, spec: MelSpec, shortest: int) -> Generator[Event, None, Corpus]:
    """The recordings at the grid's rate, a file event for each; `shortest` in samples."""
    yield from gathered(run, Path(run.spec["source"]), shortest, spec.sample_rate)
    return Corpus(run.path / "corpus")


def _older_map(corpus: Corpus, net: Network, spec: MelSpec, length: int) -> SoundMap:
    """The audible chunks of `length` samples on a map, as an older model's encoder takes them. Raises `ModelError`."""
    places = chunk_places([r for r in corpus.recordings if r.used], length, corpus.rate)
    audio = [corpus.read(recording, start, length) for recording, start in places]
    level = np.array([10 * np.log10(np.mean(np.square(a, dtype=np.float64)) + 1e-12) for a in audio])
    chosen = np.flatnonzero(level >= np.percentile(level, 95) - AUDIBLE_DB)
    normal = [net.normalise(grid.magnitudes(audio[i], spec))[:, : net.frames] for i in chosen]
    latents = np.concatenate([net.encode(mel[None]) for mel in normal])
    names = [places[i][0].name.rsplit("/", 1)[-1] for i in chosen]
    starts = [max(0, places[i][1]) / corpus.rate for i in chosen]
    return drawn(latents, names, starts, lambda z: net.magnitudes(net.decode(z)))
