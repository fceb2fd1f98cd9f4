"""A whole training of a vocoder in this process: what is told, kept, refused, and gone on with."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from small_models import SMALL_VAE, sounding

from sda.core.hifigan import Generator, start_weights
from sda.errors import TrainError
from sda.formats.base import read_base
from sda.formats.distill import ModelDocument
from sda.spec import OWN_GENERATOR
from sda.train.corpus import Corpus, gather
from sda.train.run import Event, Run
from sda.train.vae import VaePlan, VaeTraining
from sda.train.vocoder_plan import FROM_BASE, VocoderPlan
from sda.train.vocoder_run import mean_seconds_per_step, train_vocoder

RATE = 44_100
PLAN = replace(FROM_BASE, steps=3, batch=1, segment=8192, warmup=1)


def bells(folder: Path, levels: tuple[float, ...]) -> Path:
    """Recordings of a second, which differ in loudness alone: a bell over soft noise."""
    folder.mkdir(exist_ok=True)
    time = np.arange(RATE) / RATE
    bell = 0.3 * np.sin(2 * np.pi * 600 * time) * np.exp(-3 * time)
    for number, level in enumerate(levels):
        noise = 0.01 * np.random.default_rng(number).standard_normal(RATE)
        soundfile.write(folder / f"{number}.wav", level * (bell + noise), RATE)
    return folder


def model_of(recordings: Path, work: Path) -> ModelDocument:
    """A model of recordings without a vocoder: their PCA, untrained."""
    for _ in gather(recordings, work, rate=RATE, shortest=88 * 512, seed=0):
        pass
    net = VaeTraining(Corpus(work), SMALL_VAE, VaePlan(pca_crops=100)).net
    model = sounding(own_vocoder=False)
    return replace(model, tensors=model.tensors | {f"vae.{name}": tensor.numpy() for name, tensor in net.state_dict().items()})


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four that sound alike, so that analysis has little to do."""
    return bells(tmp_path_factory.mktemp("recordings"), (1, 1, 1, 1))


@pytest.fixture(scope="module")
def pebbles(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelDocument:
    return model_of(recordings, tmp_path_factory.mktemp("vae"))


@pytest.fixture
def new_run(recordings: Path, home: Path) -> Callable[..., Run]:
    def make(plan: VocoderPlan | None = PLAN, **changes: Any) -> Run:
        spec = {
            "source": str(recordings), "seed": 0, "device": "cpu", "from_scratch": False, "minutes": None, "steps": None,
            "batch": None,
        }  # fmt: skip
        return Run.create(
            home / "runs", "train-vocoder", "pebbles", spec | ({"plan": plan.to_json()} if plan else {}) | changes
        )

    return make


def trained(run: Run, document: ModelDocument) -> tuple[list[Event], list[ModelDocument]]:
    kept: list[ModelDocument] = []

    def keep(result: ModelDocument) -> Path:
        kept.append(result)
        return Path("somewhere.distill")

    return list(train_vocoder(run, document, keep)), kept


def events_before(kind: str, run: Run, document: ModelDocument) -> list[Event]:
    """What a run tells before the first event of a kind; then it is left where it is."""
    return list(takewhile(lambda event: event.kind != kind, train_vocoder(run, document, lambda result: Path("x"))))


def with_the_base(document: ModelDocument) -> ModelDocument:
    """The model with the shipped base as its own vocoder."""
    spec, weights, _ = read_base()
    tensors = {name: value for name, value in document.tensors.items() if not name.startswith("vocoder.")}
    return replace(document, vocoder=spec, tensors=tensors | {f"vocoder.{name}": value for name, value in weights.items()})


def test_what_is_told_and_kept(new_run: Callable[..., Run], tmp_path: Path) -> None:
    recordings = bells(tmp_path / "recordings", (1, 0.5, 0.25, 0.12))
    pebbles = model_of(recordings, tmp_path / "vae")
    run = new_run(source=str(recordings))
    events, kept = trained(run, pebbles)
    kinds = [event.kind for event in events]
    assert kinds[:4] == ["file"] * 4
    assert kinds.index("start") < kinds.index("step") < kinds.index("preview") < len(kinds) - 1
    assert kinds[-1] == "end"
    end = events[-1].data
    assert [row["name"] for row in end["quality"]] == ["trained", "start", "resampled"]
    assert end["quality"][2]["mel"] < 0.1 < end["quality"][1]["mel"]  # the ceiling is far away
    sound, rate = soundfile.read(next(event for event in events if event.kind == "preview").data["file"])
    assert (rate, bool(np.abs(sound).max() > 1e-4)) == (48_000, True)
    (model,) = kept
    assert model.vocoder == OWN_GENERATOR
    summary = model.vocoder_training
    assert VocoderPlan.from_json(summary["plan"]) == PLAN
    assert (end["sliders"][0], model.analysis["sliders"][0]["name"]) == ("loudness", "loudness")  # found anew on its sound
    assert model.analysis["report"]["descriptors"][0]["measured_on"] == "sound"
    assert summary["mel_error_before"]["held_out"] == pytest.approx(end["quality"][1]["mel"], rel=0.02)
    assert str(recordings) not in json.dumps(model.to_json())
    assert not any(name.startswith(("optimizer", "adversary")) for name in model.tensors)
    assert not run.checkpoint.exists()  # nothing needs the optimizers any more
    with pytest.raises(TrainError, match="finished"):
        trained(run, pebbles)


def test_one_that_does_worse_is_not_bundled_unless_asked(
    new_run: Callable[..., Run], pebbles: ModelDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_quiet(net: Generator, random: torch.Generator) -> None:  # a fresh start as it is does as well as the base here
        start_weights(net, random)
        torch.nn.init.constant_(net.mixer.gate.bias, 0.3)

    monkeypatch.setattr("sda.train.vocoder.start_weights", too_quiet)
    model = with_the_base(pebbles)
    afresh: dict[str, Any] = {"plan": replace(PLAN, steps=1), "from_scratch": True}
    events, kept = trained(new_run(**afresh), model)
    assert (kept, events[-1].data["bundled"]) == ([], False)
    assert "the model's vocoder does better on held-out recordings" in events[-1].data["notes"][-1]
    events, kept = trained(new_run(**afresh, bundle_worse=True), model)
    assert (len(kept), events[-1].data["bundled"]) == (1, True)


def test_a_whole_generator_has_its_stages_behind_the_base_s(new_run: Callable[..., Run], pebbles: ModelDocument) -> None:
    """As on a GPU, and as a run goes on that began on one."""
    start = events_before("step", new_run(whole=False), pebbles)[-1].data
    _, (model,) = trained(new_run(plan=replace(PLAN, steps=1), whole=True, bundle_worse=True), pebbles)
    assert model.vocoder == replace(OWN_GENERATOR, mixer_only=False)
    before = model.vocoder_training["mel_error_before"]
    assert before["held_out"] == pytest.approx(start["before"]["held_out"], rel=0.05)  # they are all but silent


def test_recordings_of_another_kind_are_warned_of(new_run: Callable[..., Run], pebbles: ModelDocument) -> None:
    known, strange = (replace(pebbles, training={"held_out": {"loud": loud}}) for loud in (9.0, 0.01))
    warnings = [
        [event.data["text"] for event in events_before("step", new_run(), each) if event.kind == "warn"]
        for each in (known, strange)
    ]
    assert warnings[0] == []
    assert warnings[1][0].startswith("these do not sound like what pebbles learned: its VAE remakes them with an error of")


def test_too_little_is_refused(new_run: Callable[..., Run], pebbles: ModelDocument, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "short.wav", 0.1 * np.ones(RATE), RATE)
    with pytest.raises(TrainError, match=r"1\.0 s of recordings, expected at least 2 s"):
        trained(new_run(source=str(tmp_path)), pebbles)


def test_a_loss_that_is_no_number_stops_at_its_step_and_leaves_the_last_good_state(
    new_run: Callable[..., Run], pebbles: ModelDocument
) -> None:
    run = new_run(replace(PLAN, steps=5, rate=1e35))
    with pytest.raises(TrainError, match="step 2: the loss is not a number"):
        trained(run, pebbles)
    state = torch.load(run.checkpoint, weights_only=True)
    assert state["step"] == 1


def losses(events: list[Event]) -> dict[int, dict[str, float]]:
    return {event.data["step"]: event.data["losses"] for event in events if event.kind == "step"}


def test_a_cancelled_run_goes_on_with_the_same_losses(new_run: Callable[..., Run], pebbles: ModelDocument) -> None:
    plan = replace(PLAN, steps=6, adversarial=0.7, alone=1)
    whole = losses(events_before("preview", new_run(plan), pebbles))
    assert "discriminator" in whole[6]
    run, first = new_run(plan), []
    for event in train_vocoder(run, pebbles, lambda result: Path("x")):
        first.append(event)
        if event.kind == "step" and event.data["step"] == 4:
            run.cancel()
    assert not first[-1].data["finished"]
    (run.path / "cancel").unlink()
    second, kept = trained(Run(run.path), pebbles)
    assert losses(first) | losses(second) == whole
    assert max(losses(first)) == 4
    assert kept[0].vocoder_training["discriminators"]["scales"] == (2, 4)


class Counted:
    """A training whose steps take one second, and three with discriminators."""

    def __init__(self, adversarial: float) -> None:
        self.plan, self.done, self.now = VocoderPlan(steps=100, adversarial=adversarial, alone=10), 0, 0.0

    def step(self) -> dict[str, float]:
        self.now += 3.0 if self.done >= self.plan.first_adversarial else 1.0
        self.done += 1
        return {}


@pytest.mark.parametrize(("adversarial", "seconds"), [(0.0, 1.0), (0.25, 1.5), (1.0, 3.0)])
def test_minutes_are_made_into_steps_at_what_the_whole_plan_costs(adversarial: float, seconds: float) -> None:
    trial = Counted(adversarial)
    assert mean_seconds_per_step(trial, lambda: trial.now) == pytest.approx(seconds)  # type: ignore[arg-type]
