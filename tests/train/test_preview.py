"""What can be heard while a model trains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from small_models import SMALL_VAE

from sda.core.vae import Vae
from sda.formats.distill import ModelDocument
from sda.model import Model
from sda.train import preview
from sda.train.corpus import Corpus, gather
from sda.train.preview import ModelPreviews
from sda.train.run import Run

RATE = 44_100


@pytest.fixture
def previews(home: Path, tmp_path: Path) -> ModelPreviews:
    (tmp_path / "recordings").mkdir()
    random = np.random.default_rng(0)
    for number in range(3):
        soundfile.write(tmp_path / "recordings" / f"{number}.wav", 0.2 * random.standard_normal(4 * RATE), RATE)
    for _ in gather(tmp_path / "recordings", tmp_path / "corpus", rate=RATE, shortest=8192, seed=0):
        pass
    run = Run.create(tmp_path / "runs", "train", "x", {})
    return ModelPreviews(run, Corpus(tmp_path / "corpus"), SMALL_VAE)


def test_it_is_what_resynth_makes_of_the_same_weights(previews: ModelPreviews) -> None:
    torch.manual_seed(0)
    net = Vae(SMALL_VAE)
    event = previews.of(net.state_dict(), 7)
    assert (event.kind, event.data["step"], event.data["vocoder"]) == ("preview", 7, "draft")
    assert "a draft" in event.data["why"]
    made, rate = soundfile.read(event.data["file"], dtype="float32")
    assert (rate, len(made)) == (48_000, 3 * 48_000)
    tensors = {f"vae.{name}": value.numpy() for name, value in net.state_dict().items()}
    model = Model(ModelDocument(id="", name="x", created="", vae=SMALL_VAE, tensors=tensors))
    again = np.concatenate(list(model.resynthesise(previews._clip, RATE)), axis=1)[0]
    assert np.abs(made - again).max() < 2e-7  # 24 bits


def test_they_come_by_the_clock_and_start_anew(previews: ModelPreviews, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not previews.due()
    monkeypatch.setattr(preview, "EVERY_S", 0.0)
    assert previews.due()
    monkeypatch.setattr(preview, "EVERY_S", 60.0)
    previews.of(Vae(SMALL_VAE).state_dict(), 1)
    assert not previews.due()


def test_one_that_cannot_be_written_is_a_warning_and_no_more(previews: ModelPreviews) -> None:
    (previews._run.path / "preview-000003.wav").mkdir()
    event = previews.of(Vae(SMALL_VAE).state_dict(), 3)
    assert event.kind == "warn"
    assert "no preview" in event.data["text"]
