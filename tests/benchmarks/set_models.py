"""Models of the benchmarks' sets of recordings, trained once for so many CPU seconds and kept in a folder."""

from __future__ import annotations

import time
from pathlib import Path
from uuid import UUID

import torch

from sda.core.vae import Vae
from sda.formats import distill
from sda.formats.distill import ModelDocument
from sda.spec import BIGVGAN_GRID
from sda.train.corpus import Corpus, gather
from sda.train.vae import VaePlan, VaeTraining, choose
from sda.voices import part

MEASURED = 8  # times that the training is judged on its held-out recordings


def gathered(source: Path, kept: Path, seed: int = 0) -> Corpus:
    """The recordings of a folder, decoded once."""
    folder = kept / f"{source.name}-corpus"
    if not (folder / "corpus.json").exists():
        shortest = 88 * BIGVGAN_GRID.hop
        list(gather(source, folder, rate=BIGVGAN_GRID.sample_rate, shortest=shortest, seed=seed))
    return Corpus(folder)


def trained(source: Path, kept: Path, cpu_s: float, seed: int = 0) -> tuple[Corpus, ModelDocument]:
    """A set's corpus and its model, without sliders, from `kept` or trained for `cpu_s`."""
    corpus, path = gathered(source, kept, seed), kept / f"{source.name}-{cpu_s:.0f}-{seed}.distill"
    if not path.exists():
        distill.write(path, _train(corpus, source.name, cpu_s, seed))
    return corpus, distill.read(path)


def net_of(document: ModelDocument) -> Vae:
    """The VAE of a model file."""
    net = Vae(document.vae)
    net.load_state_dict({name: torch.from_numpy(value) for name, value in part(document, "vae.").items()})
    return net.eval().requires_grad_(False)


def _train(corpus: Corpus, name: str, cpu_s: float, seed: int) -> ModelDocument:
    spec, plan = choose(corpus.seconds)
    trial = VaeTraining(corpus, spec, plan)
    trial.step()
    started = time.process_time()
    for _ in range(10):
        trial.step()
    steps = max(20, int(cpu_s / ((time.process_time() - started) / 10)))
    training = VaeTraining(corpus, spec, VaePlan(**plan.to_json() | {"seed": seed, "steps": steps}))
    while training.done < steps:
        training.step()
        if training.done % max(1, steps // MEASURED) == 0 or training.done == steps:
            training.held_out()
    return ModelDocument(
        id=str(UUID(int=seed + 1, version=4)),
        name=name,
        created="2026-01-01T00:00:00+00:00",
        vae=spec,
        training={"steps": steps, "best_step": training.best_step, "seed": seed},
        tensors={f"vae.{key}": value.detach().numpy() for key, value in training.best.items()},
    )
