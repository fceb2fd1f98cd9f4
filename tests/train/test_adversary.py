"""Discriminators in training: they learn what can be learned, teach the generator, and are held back from learning by heart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sda.train.adversary import Adversary
from sda.train.augment import MOST
from sda.train.together import ALONE
from sda.train.vocoder_plan import DiscriminatorSpec, VocoderPlan

SPEC = DiscriminatorSpec(period_channels=(4, 8, 16, 16, 16), scale_channels=(4, 4, 8, 8, 8, 8, 8))
PLAN = VocoderPlan(steps=200, batch=4, adversarial=1.0, alone=0, discriminator_rate=5e-3, augment=0.1)


def tones(step: int, count: int = 4, length: int = 4096) -> torch.Tensor:
    """Recordings: sines of random pitch and phase [B, T]."""
    random = np.random.default_rng([step, 9])
    time = np.arange(length) / 44_100
    pitch, phase = random.uniform(100, 2000, (2, count, 1))
    return torch.from_numpy((0.2 * np.sin(2 * np.pi * pitch * time + phase)).astype(np.float32))


def buzzing(real: torch.Tensor) -> torch.Tensor:
    """What a bad vocoder makes of them: the same with a buzz at an 8th of the rate."""
    return real + 0.2 * torch.cos(torch.arange(real.shape[1]) * np.pi / 4)


def adversary(plan: VocoderPlan = PLAN) -> Adversary:
    return Adversary(SPEC, plan, ALONE, "cpu")


def test_they_tell_a_buzz_and_the_gradient_points_away_from_it() -> None:
    judges = adversary()
    for step in range(80):
        real = tones(step)
        judges.step(real, buzzing(real), step, 1.0)
        judges.listen(tones(10_000 + step), step)
    assert min(judges.accuracy.values()) > 0.9
    real = tones(77)
    made = buzzing(real)
    towards, losses = judges.step(real, made, 80, 1.0)
    buzz = made - real
    assert (towards * buzz).sum() > 0  # minimising goes against the gradient, and so against the buzz
    assert losses["adversarial"] > 0.5


def test_while_they_learn_alone_nothing_is_taught() -> None:
    judges = adversary(replace(PLAN, alone=1))
    real = tones(0)
    assert judges.step(real, buzzing(real), 0, 1.0)[0].abs().sum() == 0
    assert judges.step(real, buzzing(real), 1, 1.0)[0].abs().sum() > 0


@pytest.mark.parametrize("gap", [0.4, 0.0])
def test_a_gap_is_met_with_augmentation_first_and_weaker_discriminators_then(gap: float) -> None:
    judges = adversary()
    said = []
    for step in range(40):
        judges.accuracy |= {"real": 0.95, "held_out": 0.95 - gap}  # as if measured; one look moves it by a tenth at most
        judges.listen(tones(step), step)
        said.append((judges.chance, judges.strength))
    if gap:
        reached = next(number for number, (chance, _) in enumerate(said) if chance == MOST)
        assert all(strength == 1 for _, strength in said[: reached + 1])
        assert said[-1][1] < 0.5
    else:
        assert said[-1] == (PLAN.augment, 1.0)


def test_weaker_discriminators_learn_less() -> None:
    moved = []
    for strength in (1.0, 0.1):
        judges = adversary()
        judges.strength = strength
        before = [p.clone() for p in judges.net.parameters()]
        judges.step(tones(0), buzzing(tones(0)), 0, 1.0)
        moved.append(sum(float((p - q).detach().abs().sum()) for p, q in zip(judges.net.parameters(), before, strict=True)))
    assert moved[1] == pytest.approx(0.1 * moved[0], rel=0.05)
