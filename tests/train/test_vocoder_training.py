"""What a step of the vocoder's training hears: crops of the recordings, and what surrounds them."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from sda.spec import GeneratorSpec
from sda.train.copy_synthesis import preferred
from sda.train.corpus import Corpus, gather
from sda.train.vocoder import VocoderTraining
from sda.train.vocoder_crops import Crops
from sda.train.vocoder_plan import VocoderPlan

RATE, HOP = 44_100, 512
NARROW = GeneratorSpec(channels=16, excited=3)
PLAN = VocoderPlan(steps=6, batch=2, segment=4096, before=0, after=0, speed=0.0, seed=5)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Two recordings of a rising sine over soft noise."""
    source, work = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("work")
    random, time = np.random.default_rng(0), np.arange(2 * RATE) / RATE
    for number in range(2):
        sound = 0.3 * np.sin(2 * np.pi * (200 + 300 * time + 90 * number) * time) + 0.01 * random.standard_normal(len(time))
        soundfile.write(source / f"{number}.wav", sound, RATE)
    for _ in gather(source, work, rate=RATE, shortest=8192, seed=0):
        pass
    return Corpus(work)


def test_a_crop_with_its_surroundings_holds_the_crop_without(corpus: Corpus) -> None:
    wide = replace(PLAN, before=14, after=4)
    bare, around = (np.stack([c.audio for c in Crops(corpus, plan, {}).batch(3, range(2))]) for plan in (PLAN, wide))
    assert (bare.shape, around.shape) == ((2, 4096), (2, 4096 + 18 * HOP))
    inner = around[:, 14 * HOP : -4 * HOP]
    for one, other in zip(bare, inner, strict=True):  # levels differ: the loudest sample may lie outside the crop
        np.testing.assert_allclose(other / np.abs(other).max(), one / np.abs(one).max(), atol=1e-5)


@pytest.mark.parametrize("surroundings", [{"before": 0, "after": 0}, {"before": 14, "after": 4}])
def test_a_step_lowers_the_loss_and_gives_every_weight_a_gradient(corpus: Corpus, surroundings: dict[str, int]) -> None:
    training = VocoderTraining(corpus, NARROW, replace(PLAN, steps=60, warmup=5, **surroundings))
    training.net.mixer.gate.bias.data.fill_(0.3)  # half a nat away: as it starts there is nothing to learn of a sine
    losses = [training.step()["mel"] for _ in range(60)]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in training.net.parameters())


def chosen(candidates: list[tuple[float, float]]) -> int:
    """Which of some candidates (held-out error, own error) is kept, met in this order."""
    best, least, kept = (np.inf, np.inf), np.inf, -1
    for number, candidate in enumerate(candidates):
        least = min(least, candidate[0])
        if preferred(candidate, best, 1.01 * least):
            best, kept = candidate, number
    return kept


@pytest.mark.parametrize(
    ("candidates", "kept"),
    [
        ([(0.450, 0.54), (0.470, 0.40)], 0),  # its own recordings do not excuse what it does to others
        ([(0.450, 0.54), (0.453, 0.43), (0.452, 0.44)], 1),  # as good elsewhere, and much better at home
        ([(0.450, 0.54), (0.453, 0.43), (0.440, 0.50)], 2),  # the second is no longer near the best
        ([(0.450, 0.54), (0.449, 0.55)], 0),
        ([(0.600, 0.30), (0.500, 0.60)], 1),
    ],
)
def test_held_out_recordings_decide_and_own_ones_between_equals(candidates: list[tuple[float, float]], kept: int) -> None:
    assert chosen(candidates) == kept


def test_among_equals_a_percent_lost_elsewhere_must_bring_more_than_one_at_home() -> None:
    limit = 0.460
    ordered = [(0.445, 0.41), (0.440, 0.42), (0.450, 0.415), (0.439, 0.44), (0.461, 0.30), (0.470, 0.20)]  # best first
    for place, one in enumerate(ordered):
        for other in ordered[place + 1 :]:
            assert preferred(one, other, limit)
            assert not preferred(other, one, limit)


def test_weights_on_the_way_are_kept_where_the_last_ones_cost_others_more_than_they_bring(corpus: Corpus) -> None:
    start = VocoderTraining(corpus, NARROW, PLAN).net.state_dict()
    training = VocoderTraining(corpus, NARROW, replace(PLAN, steps=1), start)
    errors = [(0.50, 0.60), (0.52, 0.30), (0.44, 0.50), (0.44, 0.45), (0.44, 0.40), (0.45, 0.37), (0.46, 0.33), (0.48, 0.32)]
    judged = iter([({"mel": held_out}, own) for held_out, own in errors])  # the start, the last weights, shares of the way
    training._judged = lambda weights: next(judged)  # type: ignore[method-assign]
    training.held_out()
    training.step()
    training.held_out()
    assert (training.best_error, training.best_own) == (0.46, 0.33)


def test_a_restored_training_goes_on_choosing_as_it_would_have(corpus: Corpus) -> None:
    first = VocoderTraining(corpus, NARROW, PLAN)
    first.held_out()
    second = VocoderTraining(corpus, NARROW, PLAN)
    second.restore(first.state())
    assert (second.best_error, second.best_own, second.least) == (first.best_error, first.best_own, first.least)
    assert np.isfinite(second.best_own)
    for training in (first, second):
        training.step()
    assert first.held_out() == second.held_out()
    assert first.best_step == second.best_step


def adversarial(**changes: object) -> VocoderPlan:
    return replace(PLAN, steps=30, adversarial=1.0, alone=2, warmup=2, discriminator_rate=2e-3, **changes)  # type: ignore[arg-type]


def test_discriminators_learn_and_are_left_out_until_their_turn(corpus: Corpus) -> None:
    late = VocoderTraining(corpus, NARROW, replace(adversarial(), adversarial=0.5, steps=4))
    said = [late.step() for _ in range(4)]
    assert ["discriminator" in losses for losses in said] == [False, False, True, True]


def test_resuming_gives_the_same_losses_discriminators_and_all(corpus: Corpus) -> None:
    plan = adversarial()
    whole = VocoderTraining(corpus, NARROW, plan)
    for _ in range(9):
        whole.step()
    resumed = VocoderTraining(corpus, NARROW, plan)
    resumed.restore(copy.deepcopy(whole.state()))
    assert [resumed.step() for _ in range(9)] == [whole.step() for _ in range(9)]
    unlike = VocoderTraining(corpus, NARROW, plan)
    unlike.restore(copy.deepcopy(whole.state()) | {"adversary": VocoderTraining(corpus, NARROW, plan).state()["adversary"]})
    assert unlike.step() != whole.step()  # what the discriminators' own state is needed for


def test_at_the_end_weights_on_the_way_back_to_the_start_are_candidates_too(corpus: Corpus) -> None:
    start = VocoderTraining(corpus, NARROW, PLAN).net.state_dict()
    training = VocoderTraining(corpus, NARROW, replace(PLAN, steps=10, ema=0.0), start)
    judged: list[dict[str, Tensor]] = []
    judge = training._judged
    training._judged = lambda weights: (judged.append(dict(weights)), judge(weights))[1]  # type: ignore[method-assign]
    training.held_out()
    for _ in range(9):
        training.step()
    training.held_out()
    assert len(judged) == 2  # a step is left: not yet
    training.step()
    training.held_out()
    now, *between = (weights["conv_post.weight"] for weights in judged[2:])
    for share, found in zip((0.25, 0.375, 0.5, 0.625, 0.75, 0.875), between, strict=True):
        torch.testing.assert_close(found, (1 - share) * start["conv_post.weight"] + share * now)
    assert not torch.equal(now, start["conv_post.weight"])
    assert set(training.best) == set(start)
