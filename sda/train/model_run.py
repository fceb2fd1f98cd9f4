"""A whole training of a model: gather the recordings, train the VAE, find its sliders, hand over the document."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from sda.core.analysis import Analysis
from sda.core.latent import PREFIX
from sda.core.vae import Vae
from sda.errors import TrainError
from sda.formats.distill import ModelDocument
from sda.spec import BIGVGAN_GRID, VaeSpec
from sda.train import loop
from sda.train.analyze import analyzing
from sda.train.corpus import Corpus, Recording, gather
from sda.train.device import pick
from sda.train.preview import ModelPreviews
from sda.train.run import Event, Run
from sda.train.threads import PerThread, Vocoder
from sda.train.vae import VaePlan, VaeTraining, choose
from sda.voices import by_name

STEPS_FOR_SECONDS = 60.0  # s of training on a CPU when nothing else is asked


def gathered(run: Run, source: Path, shortest: int, rate: int = BIGVGAN_GRID.sample_rate) -> Iterator[Event]:
    """Decode the recordings into the run folder, unless a resumed run has them already; a file event for each.

    shortest: samples to which a recording is padded, at `rate` Hz.
    The run's spec may say which files, under which names, and which of them are held out (`sda.sources.Found`).
    """
    folder = run.path / "corpus"
    if (folder / "corpus.json").exists():
        yield from (file_event(r) for r in Corpus(folder).recordings)
        return
    if run.spec.get("note"):
        yield Event("warn", {"text": run.spec["note"]})
    files, held_out = [(Path(path), name) for path, name in run.spec.get("files", ())], run.spec.get("held_out", ())
    seed = run.spec["seed"]
    for recording in gather(source, folder, rate=rate, shortest=shortest, seed=seed, files=files, held_out=held_out):
        yield file_event(recording)
        if run.cancelled:
            raise TrainError("stopped while the recordings were being read; nothing was trained")


def file_event(recording: Recording) -> Event:
    return Event(
        "file",
        {
            "name": recording.name,
            "seconds": recording.seconds,
            "rate": recording.rate,
            "channels": recording.channels,
            "peak_db": recording.peak_db,
            "used": recording.used,
            "notes": list(recording.notes),
        },
    )


def train_model(run: Run, keep: Callable[[ModelDocument], Path]) -> Iterator[Event]:
    """Train, or go on training, what the run's spec asks for; `keep` stores the model, also one that was cut short.

    Events in order: file for each recording, start, step, checkpoint and preview, end. Raises `SdaError` for what a user
    can mend.
    """
    spec = run.spec
    if spec.get("finished"):
        raise TrainError(f"{run.path.name}: this run is finished, there is nothing to resume")
    yield from gathered(run, Path(spec["source"]), shortest=VaeSpec().frames * BIGVGAN_GRID.hop)
    corpus = Corpus(run.path / "corpus")
    vae_spec, plan = planned(run, corpus)
    training = VaeTraining(corpus, vae_spec, plan, device=pick(spec["device"]))
    if run.checkpoint.exists():
        loop.resume(run, training)
    yield Event(
        "start", {"step": training.done, "steps": plan.steps, "parameters": parameters(training.net), **summary(corpus)}
    )
    previews = ModelPreviews(run, corpus, vae_spec)

    def preview() -> Event | None:
        return previews.of(training.averaged.state_dict(), training.done) if previews.due() else None

    yield from loop.follow(run, training, plan.steps, preview)
    yield previews.of(training.best, training.best_step)
    finished = training.done >= plan.steps
    training.net.load_state_dict(training.best)
    net = training.net.cpu().eval()
    analysis = yield from sliders_found(corpus, net, lambda: by_name("draft", "cpu"), run.spec["seed"])
    document = document_of(run, corpus, training, analysis)
    path = keep(document)
    if finished:
        conclude(run)
    sliders = [s["name"] for s in document.analysis["sliders"]]
    yield Event(
        "end",
        {
            "finished": finished,
            "model": str(path),
            "sliders": sliders,
            "training": document.training,
            "notes": document.analysis["notes"],
        },
    )


def planned(run: Run, corpus: Corpus) -> tuple[VaeSpec, VaePlan]:
    """The net and plan of a run: read from its spec, or chosen now and written there, minutes made into steps."""
    if "plan" in run.spec:
        return VaeSpec.from_json(run.spec["vae"]), VaePlan.from_json(run.spec["plan"])
    vae_spec, plan = choose(corpus.seconds, run.spec.get("latents"))
    plan = replace(plan, seed=run.spec["seed"])
    if epochs := run.spec.get("epochs"):
        crop_s = vae_spec.frames * BIGVGAN_GRID.hop / corpus.rate
        steps = max(1, math.ceil(epochs * corpus.seconds / (plan.batch * crop_s)))
    else:
        trial = VaeTraining(corpus, vae_spec, plan, device=pick(run.spec["device"]))
        wanted = (run.spec.get("minutes") or 0) * 60 or STEPS_FOR_SECONDS
        steps = max(1, round(wanted / loop.seconds_per_step(trial)))
    plan = replace(plan, steps=steps)
    run.amend(vae=vae_spec.to_json(), plan=plan.to_json())
    return vae_spec, plan


def conclude(run: Run) -> None:
    """Mark a run as finished and remove its copy of the recordings."""
    run.amend(finished=True)
    shutil.rmtree(run.path / "corpus")


def sliders_found(corpus: Corpus, net: Vae, build: Callable[[], Vocoder], seed: int) -> Generator[Event, None, Analysis]:
    """The analysis of a trained net, its names tested on the sound of the vocoder that `build` makes, one for each thread; a
    stage event for each part."""
    steps = analyzing(corpus, net, PerThread(build), seed=seed)
    while True:
        try:
            progress = next(steps)
        except StopIteration as end:
            analysis: Analysis = end.value
            return analysis
        yield Event("stage", {"name": progress.stage, "share": progress.share})


def with_sliders(document: ModelDocument, analysis: Analysis) -> ModelDocument:
    """The model with another analysis. What an older program's file held of its own stays."""
    older = f"{PREFIX}older."
    others = {k: tensor for k, tensor in document.tensors.items() if not k.startswith(PREFIX) or k.startswith(older)}
    return replace(document, analysis=analysis.to_header(), tensors={**others, **analysis.tensors()})


def document_of(run: Run, corpus: Corpus, training: VaeTraining, analysis: Analysis) -> ModelDocument:
    """The model file of a training's best weights and their sliders."""
    error = training.judge.measure(training.net)
    weights = {f"vae.{name}": tensor.detach().cpu().numpy() for name, tensor in training.best.items()}
    return ModelDocument(
        id=run.spec["id"],
        name=run.spec["name"],
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        tags=(),
        grid=BIGVGAN_GRID,
        vae=training.net.spec,
        analysis=analysis.to_header(),
        dataset=summary(corpus),
        training={
            "steps": training.done,
            "planned_steps": training.plan.steps,
            "best_step": training.best_step,
            "held_out": {k: round(float(v), 4) for k, v in error.items() if isinstance(v, float)},
            "seed": run.spec["seed"],
        },
        vocoder=None,
        vocoder_training={},
        extra={},
        tensors={**weights, **analysis.tensors()},
    )


def summary(corpus: Corpus) -> dict[str, Any]:
    """What a model file says of its recordings: no names, no paths."""
    used = [r for r in corpus.recordings if r.used]
    held_out = sum(r.held_out for r in used)
    return {"files": len(used), "held_out": held_out, "judged_on": corpus.judged_on, "seconds": round(corpus.seconds, 2)}


def parameters(net: torch.nn.Module) -> int:
    """Numbers that training may change."""
    return sum(p.numel() for p in net.parameters())
