"""The crops of a vocoder's training: what the VAE makes of them lies where they lie, at their level."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from sda.core import grid
from sda.train.corpus import Corpus, gather
from sda.train.vocoder_crops import Crops, predictions
from sda.train.vocoder_plan import VocoderPlan

RATE, HOP = 44_100, 512
PLAN = VocoderPlan(steps=6, batch=2, segment=8192, before=14, after=4, speed=0.0, seed=5, predicted=1.0)


class Perfect:
    """A VAE that loses nothing: what it makes of a recording is the recording."""

    frames = 88

    def encode(self, normal: np.ndarray) -> np.ndarray:
        return normal

    decode = normalise = magnitudes = encode


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    source, work = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("work")
    random, time = np.random.default_rng(0), np.arange(3 * RATE) / RATE
    for number in range(3):
        sound = 0.2 * np.sin(2 * np.pi * (200 + 300 * time + 90 * number) * time) + 0.02 * random.standard_normal(len(time))
        soundfile.write(source / f"{number}.wav", sound, RATE)
    for _ in gather(source, work, rate=RATE, shortest=8192, seed=0):
        pass
    return Corpus(work)


def test_what_a_perfect_vae_makes_of_a_crop_is_its_own_mel(corpus: Corpus) -> None:
    made = predictions(corpus.training, corpus, Perfect())  # type: ignore[arg-type]
    assert {mel.shape for mel in made.values()} == {(128, 3 * RATE // HOP)}
    for crop in Crops(corpus, PLAN, made).batch(0, range(8)):
        assert crop.predicted is not None
        own = grid.log_mel(crop.audio)
        inner = slice(2, -2)  # the crop's own edges are reflected
        assert np.median(np.abs(crop.predicted - own)[:, inner]) < 1e-3
        shifted = np.abs(crop.predicted[:, 3:-1] - own[:, 2:-2]).mean()  # a frame late would show
        assert shifted > 20 * np.abs(crop.predicted - own)[:, inner].mean()


def test_their_share_is_the_plans(corpus: Corpus) -> None:
    made = predictions(corpus.training, corpus, Perfect())  # type: ignore[arg-type]
    crops = Crops(corpus, replace(PLAN, predicted=0.25), made).batch(0, range(400))
    assert 0.18 < np.mean([crop.predicted is not None for crop in crops]) < 0.32
    assert all(crop.predicted is None for crop in Crops(corpus, replace(PLAN, predicted=0.0), made).batch(0, range(40)))


def test_a_crop_is_drawn_from_its_number_alone(corpus: Corpus) -> None:
    crops = Crops(corpus, replace(PLAN, predicted=0.0, speed=3.0), {})
    together, alone = crops.batch(4, range(4)), crops.batch(4, [2])
    np.testing.assert_array_equal(together[2].audio, alone[0].audio)
    assert not np.array_equal(together[2].audio, crops.batch(5, [2])[0].audio)
