"""A whole training of a model's own vocoder: the model's recordings, the base or a fresh start, the bundled result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sda import voices
from sda.core import network
from sda.core.hifigan import grown
from sda.core.network import Network
from sda.core.vae import Vae
from sda.core.vocoder import HifiganVocoder
from sda.errors import TrainError
from sda.formats.base import read_base
from sda.formats.distill import ModelDocument
from sda.spec import LOG_MEL, OWN_GENERATOR, VaeSpec
from sda.train import loop
from sda.train.comparison import bigvgan, rows
from sda.train.copy_synthesis import held_out_clips, held_out_error, slack
from sda.train.corpus import Corpus
from sda.train.device import pick
from sda.train.heldout import HeldOut
from sda.train.model_run import conclude, gathered, parameters, sliders_found, with_sliders
from sda.train.preview import VocoderPreviews
from sda.train.run import Event, Run
from sda.train.together import ALONE, Together
from sda.train.vocoder import VocoderTraining
from sda.train.vocoder_crops import predictions
from sda.train.vocoder_plan import PAPER, DiscriminatorSpec, VocoderPlan, planned_for

Floats = NDArray[np.float32]

LEAST_S = 2.0  # s of recordings below which there is nothing to learn a vocoder from
DEFAULT_MINUTES = 5.0
MEASUREMENTS = 10  # held-out measurements in a run; each costs about as much as ten steps
COMPARED = 12  # held-out recordings in the table at the end
STRANGE, STRANGE_BY = 1.5, 0.1  # times and nat by which the VAE may do worse than when it was trained


def train_vocoder(
    run: Run, document: ModelDocument, keep: Callable[[ModelDocument], Path], together: Together = ALONE
) -> Iterator[Event]:
    """Train, or go on training, a vocoder for a model; `keep` stores the model with it, also when it was cut short.

    The result is the state that `copy_synthesis.preferred` prefers, the untouched start among the candidates. It is not
    stored where it does worse on held-out recordings than the vocoder that the model has, unless the run's spec says
    "bundle_worse". The sliders are found anew, since a name must hold on the sound that the model now makes.
    Events in order: file for each recording, start, step, checkpoint and preview, end. Raises `SdaError` for what a user
    can mend.
    """
    spec = run.spec
    if spec.get("finished"):
        raise TrainError(f"{run.path.name}: this run is finished, there is nothing to resume")
    if together.leads:
        yield from gathered(run, Path(spec["source"]), shortest=VocoderPlan().segment)
    together.wait()
    corpus = Corpus(run.path / "corpus")
    if corpus.seconds < LEAST_S:
        raise TrainError(f"{spec['source']}: {corpus.seconds:.1f} s of recordings, expected at least {LEAST_S:g} s")
    job = _Job(run, corpus, document, together)
    if together.leads and (warning := job.strangeness()):
        yield Event("warn", {"text": warning})
    plan = job.plan()
    training = job.training(plan)
    if run.checkpoint.exists():
        loop.resume(run, training)
    elif together.leads:
        training.held_out()
    if together.leads:
        before = job.before(training)
        yield Event("start", {"step": training.done, "steps": plan.steps, "parameters": parameters(training.net), **before})
    previews = VocoderPreviews(run, corpus, job.vae, training.net.spec)

    def preview() -> Event | None:
        return previews.of(training.averaged.state_dict(), training.done) if previews.due() else None

    yield from loop.follow(run, training, plan.steps, preview, measurements=MEASUREMENTS, together=together)
    if together.leads:
        yield previews.of(training.best, training.best_step)
        yield from job.concluded(training, keep)


class _Job:
    """What one training of a vocoder works on."""

    def __init__(self, run: Run, corpus: Corpus, document: ModelDocument, together: Together) -> None:
        self.run, self.corpus, self.document, self.together = run, corpus, document, together
        self.torch_vae = vae_of(document)
        self.vae: Network = network.build(self.torch_vae.spec, voices.part(document, "vae."))
        self.device = pick(run.spec["device"]) if together.count == 1 else together.device

    def strangeness(self) -> str:
        """A warning where the VAE remakes these recordings much worse than those that it learned, else nothing."""
        known = self.document.training.get("held_out", {}).get("loud")
        if not isinstance(known, float):
            return ""
        found = HeldOut(self.corpus, self.torch_vae.spec.frames).measure(self.torch_vae)["loud"]
        if found <= max(STRANGE * known, known + STRANGE_BY):
            return ""
        name = self.document.name
        return (
            f"these do not sound like what {name} learned: its VAE remakes them with an error of {found:.2f} nat, its own "
            f"recordings with {known:.2f}"
        )

    def plan(self) -> VocoderPlan:
        """The plan of the run: read from its spec, or chosen now and written there, minutes made into steps."""
        spec = self.run.spec
        if "plan" in spec:
            return VocoderPlan.from_json(spec["plan"])
        minutes = spec.get("minutes") or DEFAULT_MINUTES
        plan = planned_for(self.device, minutes, scratch=spec["from_scratch"])
        plan = replace(
            plan, seed=spec["seed"], batch=spec.get("batch") or -(-plan.batch // self.together.count) * self.together.count
        )
        steps = spec.get("steps")
        if not steps:
            seconds = self.together.mean({"seconds": mean_seconds_per_step(self.training(plan))})["seconds"]
            steps = max(1, round(minutes * 60 / seconds))
        plan = replace(plan, steps=steps)
        if self.together.leads:
            self.run.amend(plan=plan.to_json(), whole=self.whole)
        return plan

    def training(self, plan: VocoderPlan) -> VocoderTraining:
        """A training at its start: the shipped base's weights, or fresh ones; of a whole generator with stages behind them."""
        spec, start = OWN_GENERATOR, None
        if not self.run.spec["from_scratch"]:
            spec, weights, _ = read_base()
            start = {name: torch.from_numpy(value) for name, value in weights.items()}
        if self.whole:
            spec = replace(spec, mixer_only=False)
            start = None if start is None else grown(start, spec, plan.seed)
        predicted = predictions(self.corpus.training, self.corpus, self.vae) if plan.predicted else {}
        return VocoderTraining(
            self.corpus,
            spec,
            plan,
            start,
            predicted=predicted,
            discriminators=self.discriminators,
            together=self.together,
            device=self.device,
        )

    @property
    def whole(self) -> bool:
        """Whether all stages of the generator are trained: on a GPU, and wherever a run that began on one goes on."""
        return bool(self.run.spec.get("whole", self.device != "cpu"))

    @property
    def discriminators(self) -> DiscriminatorSpec:
        """Narrow on a CPU, as wide as the paper's elsewhere."""
        return DiscriminatorSpec() if self.device == "cpu" else PAPER

    def before(self, training: VocoderTraining) -> dict[str, Any]:
        """The errors at the start, remembered by the run: of the weights that training began from."""
        if "before" not in self.run.spec:
            self.run.amend(before=self._errors(training.averaged.state_dict(), training))
        return {"before": self.run.spec["before"]}

    def _errors(self, weights: dict[str, torch.Tensor], training: VocoderTraining) -> dict[str, float]:
        training.averaged.load_state_dict(weights)
        own = held_out_clips(self.corpus, own=True)
        return {
            name: held_out_error(training.averaged, clips)["mel"]
            for name, clips in (("held_out", training.clips), ("own", own))
        }

    def concluded(self, training: VocoderTraining, keep: Callable[[ModelDocument], Path]) -> Iterator[Event]:
        """Bundle the best weights, unless the model's own vocoder is better; the end event last."""
        spec = self.run.spec
        finished = training.done >= training.plan.steps
        before, after = spec["before"], self._errors(training.best, training)
        quality = list(self.compared(training))
        ended: dict[str, Any] = {
            "finished": finished, "before": before, "after": after, "quality": quality, "notes": [], "bundled": True,
        }  # fmt: skip
        if training.best_step == 0 and training.start is not None:
            ended["notes"].append("no step brought own recordings more than it cost held-out ones: the start is what was kept")
        if training.start is not None and training.best_error > training.start_error:
            rise = training.best_error / training.start_error - 1
            ended["notes"].append(
                f"the held-out error rose by {rise:.1%}, which so few held-out recordings cannot tell from none"
            )
        if training.adversary is not None and training.adversary.strength < 1:
            ended["notes"].append("the discriminators began to learn the recordings by heart and were made weaker")
        has = self.present_error(training)
        worse = has is not None and training.best_error > slack(len(self.corpus.held_out)) * has
        if worse and not spec.get("bundle_worse"):
            text = f"the model's vocoder does better on held-out recordings ({has:.3f} nat, this one {training.best_error:.3f})"
            ended["notes"].append(f"{text}: it was kept, and this one was not bundled; --bundle-worse would")
            ended |= {"bundled": False, "model": None, "sliders": [s["name"] for s in self.document.analysis["sliders"]]}
        else:
            result = with_vocoder(self.document, training, ended)
            analysis = yield from sliders_found(self.corpus, self.torch_vae, lambda: voices.build(result), spec["seed"])
            path = keep(with_sliders(result, analysis))
            ended |= {"model": str(path), "sliders": [slider.name for slider in analysis.sliders]}
        if finished:
            conclude(self.run)
            self.run.checkpoint.unlink(missing_ok=True)  # optimizers and discriminators, which nothing needs any more
        yield Event("end", ended)

    def compared(self, training: VocoderTraining) -> Iterator[dict[str, Any]]:
        """Rows of what was reached on held-out recordings, beside the start, BigVGAN where it is here, and the ceiling."""

        def vocoder(weights: Mapping[str, torch.Tensor]) -> HifiganVocoder:
            return HifiganVocoder(training.net.spec, {name: tensor.cpu().numpy() for name, tensor in weights.items()})

        start = vocoder(training.start) if training.start is not None else voices.by_name("draft")
        yield from rows(vocoder(training.best), start, training.clips[:COMPARED], slow=bigvgan())

    def present_error(self, training: VocoderTraining) -> float | None:
        """Held-out mel error of the vocoder that the model has, None where it has none to compare with."""
        vocoder = self.document.vocoder
        if vocoder is None or vocoder.eats != LOG_MEL:
            return None
        return held_out_error(voices.build(self.document, "hifigan"), training.clips)["mel"]


def mean_seconds_per_step(trial: VocoderTraining, clock: Callable[[], float] = time.monotonic) -> float:
    """What a step of the whole plan costs on average; with discriminators it is about twice as much. The trial is spent."""
    plan = trial.plan
    with_none = loop.seconds_per_step(trial, clock=clock) if plan.adversarial < 1 else 0.0
    trial.done = max(trial.done, plan.first_adversarial + plan.alone)
    with_them = loop.seconds_per_step(trial, clock=clock) if plan.adversarial > 0 else 0.0
    return (1 - plan.adversarial) * with_none + plan.adversarial * with_them


def vae_of(document: ModelDocument) -> Vae:
    """A model's VAE in torch."""
    if not isinstance(document.vae, VaeSpec):
        raise TrainError(f"{document.name} comes from an older program: it can be played, but not be given a vocoder here")
    net = Vae(document.vae)
    net.load_state_dict({name: torch.from_numpy(value) for name, value in voices.part(document, "vae.").items()})
    return net.eval()


def with_vocoder(document: ModelDocument, training: VocoderTraining, found: Mapping[str, Any]) -> ModelDocument:
    """The model with the training's best weights as its own vocoder, and what was `found` of them."""
    weights: dict[str, NDArray[Any]] = {
        f"vocoder.{name}": tensor.cpu().numpy().astype(np.float32) for name, tensor in training.best.items()
    }
    tensors = {name: tensor for name, tensor in document.tensors.items() if not name.startswith("vocoder.")}
    summary = {
        "steps": training.done,
        "best_step": training.best_step,
        "mel_error_before": found["before"],
        "mel_error": found["after"],
        "quality": found["quality"],
        "plan": training.plan.to_json(),
        "discriminators": training.adversary.net.spec.to_json() if training.adversary else None,
        "notes": found["notes"],
    }
    return replace(document, vocoder=training.net.spec, vocoder_training=summary, tensors={**tensors, **weights})
