"""The crops of a vocoder's training: what the VAE makes of them lies where they lie, at their level."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soundfile

from sda.core import grid
from sda.train.corpus import Corpus, gather
from sda.train.vocoder_crops import Crop, Crops, predictions
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


UNCHANGED = {"speed": 0.0, "quieter_db": 0.0, "louder_db": 0.0, "predicted": 0.0}
VARIED = replace(
    PLAN, **UNCHANGED, varied=1.0, varied_speed=0.0, varied_tilt_db=0.0, varied_quieter_db=0.0, varied_louder_db=0.0
)


def share_found(corpus: Corpus, crops: list[Crop]) -> float:
    """Share of the crops that lie in a recording as they are, either polarity."""
    wholes = [corpus.whole(recording) for recording in corpus.training]

    def lies_in(piece: np.ndarray, whole: np.ndarray) -> bool:
        windows = np.lib.stride_tricks.sliding_window_view(whole.astype(np.float64), len(piece))
        apart = np.einsum("ij,ij->i", windows, windows) + piece @ piece - 2 * np.abs(windows @ piece)
        return bool(apart.min() < 1e-6 * (piece @ piece))

    return float(np.mean([any(lies_in(crop.audio[12_000:12_200], whole) for whole in wholes) for crop in crops]))


def test_half_of_the_varied_crops_run_backwards(corpus: Corpus) -> None:
    assert 0.3 < share_found(corpus, Crops(corpus, VARIED, {}).batch(0, range(40))) < 0.7
    assert share_found(corpus, Crops(corpus, replace(PLAN, **UNCHANGED), {}).batch(0, range(20))) == 1.0


def test_varied_crops_are_as_many_and_as_quiet_as_the_plan_says(corpus: Corpus) -> None:
    def quiet(share: float) -> float:
        plan = replace(VARIED, varied=share, varied_quieter_db=-40.0, varied_louder_db=-40.0)
        return float(np.mean([np.abs(crop.audio).max() < 0.01 for crop in Crops(corpus, plan, {}).batch(0, range(200))]))

    assert (quiet(0.0), quiet(1.0)) == (0.0, 1.0)
    assert 0.2 < quiet(0.3) < 0.4


def test_a_varied_crop_is_equalised_and_played_faster(corpus: Corpus) -> None:
    crops = [Crops(corpus, replace(VARIED, **change), {}) for change in ({}, {"varied_tilt_db": 24.0}, {"varied_speed": 12.0})]
    plain, tilted, faster = (np.stack([crop.audio for crop in crops.batch(0, range(12))]) for crops in crops)
    assert share_found(corpus, crops[1].batch(0, range(12))) == 0.0
    assert np.abs(faster - plain).max(axis=1).min() == 0.0  # half of them keep their speed
    assert np.abs(faster - plain).max(axis=1).max() > 0.01
    assert np.abs(tilted).max() < 1.0
