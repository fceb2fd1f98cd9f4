"""A whole training of a model's own vocoder: the model's recordings, the base or a fresh start, the bundled result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sda import voices
from sda.core.vae import Vae
from sda.errors import TrainError
from sda.formats.base import read_base
from sda.formats.distill import ModelDocument
from sda.spec import GeneratorSpec, VaeSpec
from sda.train import loop
from sda.train.corpus import Corpus
from sda.train.device import pick
from sda.train.model_run import conclude, gathered, parameters, sliders_found
from sda.train.run import Event, Run
from sda.train.vocoder import VocoderPlan, VocoderTraining, held_out_clips, held_out_error

LEAST_S = 2.0  # s of recordings below which there is nothing to learn a vocoder from
FROM_BASE = VocoderPlan(rate=1e-4, warmup=30, decay=0.5, ema=0.99)  # at 3e-4 held-out recordings got worse from the start
FROM_SCRATCH = VocoderPlan(rate=1e-3, warmup=100, decay=0.5, ema=0.995)
DEFAULT_MINUTES = 5.0


def train_vocoder(run: Run, document: ModelDocument, keep: Callable[[ModelDocument], Path]) -> Iterator[Event]:
    """Train, or go on training, a vocoder for a model; `keep` stores the model with it, also when it was cut short.

    The result is the state with the least mel error on held-out recordings, the untouched start among the candidates;
    of those within 1 % of it, the one with the least error on its own recordings.
    The sliders are found anew, since a name must hold on the sound that the model now makes.
    Events in order: file for each recording, start, step and checkpoint, end. Raises `SdaError` for what a user can mend.
    """
    spec = run.spec
    if spec.get("finished"):
        raise TrainError(f"{run.path.name}: this run is finished, there is nothing to resume")
    plan = planned(run) if "plan" in spec else None
    yield from gathered(run, Path(spec["source"]), shortest=(plan or FROM_BASE).segment)
    corpus = Corpus(run.path / "corpus")
    if corpus.seconds < LEAST_S:
        raise TrainError(f"{spec['source']}: {corpus.seconds:.1f} s of recordings, expected at least {LEAST_S:g} s")
    plan = plan or choose(run, corpus)
    training = started(corpus, plan, scratch=spec["from_scratch"], device=pick(spec["device"]))
    if run.checkpoint.exists():
        loop.resume(run, training)
    else:
        training.held_out()
    own = held_out_clips(corpus, own=True)
    before = spec.get("before") or {"held_out": training.best_error, "own": held_out_error(training.net, own)["mel"]}
    run.amend(before=before)
    yield Event("start", {"step": training.done, "steps": plan.steps, "parameters": parameters(training.net), "before": before})
    yield from loop.follow(run, training, plan.steps)
    finished = training.done >= plan.steps
    training.averaged.load_state_dict(training.best)
    after = {"held_out": training.best_error, "own": held_out_error(training.averaged, own)["mel"]}
    notes = []
    if training.best_step == 0:
        notes.append("no step did better on the held-out recordings than the start, which is what was kept")
    result = with_vocoder(document, training, before, after, notes)
    analysis = yield from sliders_found(corpus, vae_of(result), voices.build(result), spec["seed"])
    path = keep(replace(result, analysis=analysis.to_header(), tensors={**result.tensors, **analysis.map.tensors()}))
    if finished:
        conclude(run)
    sliders = [slider.name for slider in analysis.sliders]
    ended = {"finished": finished, "model": str(path), "before": before, "after": after, "sliders": sliders, "notes": notes}
    yield Event("end", ended)


def vae_of(document: ModelDocument) -> Vae:
    """A model's VAE in torch."""
    if not isinstance(document.vae, VaeSpec):
        raise TrainError(f"{document.name} comes from an older program: it can be played, but not be given a vocoder here")
    net = Vae(document.vae)
    net.load_state_dict({name: torch.from_numpy(value) for name, value in voices.part(document, "vae.").items()})
    return net.eval()


def planned(run: Run) -> VocoderPlan:
    return VocoderPlan.from_json(run.spec["plan"])


def choose(run: Run, corpus: Corpus) -> VocoderPlan:
    """The plan of a new run, minutes made into steps by what a step costs here; written to the run's spec."""
    plan = replace(FROM_SCRATCH if run.spec["from_scratch"] else FROM_BASE, seed=run.spec["seed"])
    if run.spec.get("batch"):
        plan = replace(plan, batch=run.spec["batch"])
    steps = run.spec.get("steps")
    if not steps:
        trial = started(corpus, plan, scratch=run.spec["from_scratch"], device=pick(run.spec["device"]))
        minutes = run.spec.get("minutes") or DEFAULT_MINUTES
        steps = max(1, round(minutes * 60 / loop.seconds_per_step(trial)))
    plan = replace(plan, steps=steps)
    run.amend(plan=plan.to_json())
    return plan


def started(corpus: Corpus, plan: VocoderPlan, *, scratch: bool, device: str) -> VocoderTraining:
    """A training at its start: the shipped base's weights, or fresh ones."""
    if scratch:
        return VocoderTraining(corpus, GeneratorSpec(), plan, device=device)
    spec, weights, _ = read_base()
    start = {name: torch.from_numpy(value) for name, value in weights.items()}
    return VocoderTraining(corpus, spec, plan, start, device=device)


def with_vocoder(
    document: ModelDocument, training: VocoderTraining, before: dict[str, float], after: dict[str, float], notes: list[str]
) -> ModelDocument:
    """The model with the training's best weights as its own vocoder."""
    weights: dict[str, np.ndarray[Any, Any]] = {
        f"vocoder.{name}": tensor.cpu().numpy().astype(np.float32) for name, tensor in training.best.items()
    }
    tensors = {name: tensor for name, tensor in document.tensors.items() if not name.startswith("vocoder.")}
    summary = {
        "steps": training.done,
        "best_step": training.best_step,
        "mel_error_before": before,
        "mel_error": after,
        "plan": training.plan.to_json(),
        "notes": notes,
    }
    return replace(document, vocoder=training.net.spec, vocoder_training=summary, tensors={**tensors, **weights})
