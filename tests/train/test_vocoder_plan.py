"""The recipe's numbers: schedules against arithmetic, what is refused, what a processor is given."""

from __future__ import annotations

import pytest

from sda.errors import ModelError
from sda.train.vocoder_plan import PAPER, DiscriminatorSpec, VocoderPlan, planned_for


def test_a_late_fall_is_one_minus_a_root() -> None:
    plan = VocoderPlan(steps=1000, warmup=1, rate=0.01, decay=0.4)
    assert plan.rate_at(600) == pytest.approx(0.01)
    assert plan.rate_at(700) == pytest.approx(0.01 * (1 - 0.25**0.5))  # a quarter of the fall
    assert plan.rate_at(1000) == pytest.approx(0.0)


def test_an_exponential_fall_is_one_by_its_middle() -> None:
    plan = VocoderPlan(steps=1000, warmup=1, rate=0.01, shape="exponential", decay=0.01)
    assert [plan.rate_at(step) for step in (0, 500, 1000)] == pytest.approx([0.01, 0.001, 0.0001])


def test_the_warm_up_is_even() -> None:
    plan = VocoderPlan(steps=1000, warmup=100, rate=0.01)
    assert plan.rate_at(24) == pytest.approx(0.0025)


def test_of_more_steps_the_rate_falls_with_the_root_of_their_number() -> None:
    rates = {steps: VocoderPlan(steps=steps, warmup=1, rate=0.01, full_rate_steps=900).rate_at(0) for steps in (3, 900, 3600)}
    assert rates == pytest.approx({3: 0.01, 900: 0.01, 3600: 0.005})
    assert VocoderPlan(steps=3600, warmup=1, rate=0.01).rate_at(0) == pytest.approx(0.01)


def test_the_discriminators_take_the_last_part() -> None:
    assert VocoderPlan(steps=200, adversarial=0.25).first_adversarial == 150
    assert VocoderPlan(steps=200).first_adversarial == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"batch": 0},
        {"shape": "steep"},
        {"predicted": 1.5},
        {"varied": 1.5},
        {"after": -1},
        {"full_rate_steps": -1},
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="vocoder plan"):
        VocoderPlan(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [{"periods": (1,)}, {"period_channels": (4, 8)}, {"scale_groups": (1, 3, 1, 1, 1, 1, 1)}, {"scale_channels": (0,) * 7}],
)
def test_discriminators_that_cannot_be_built_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="discriminators"):
        DiscriminatorSpec(**wrong)  # type: ignore[arg-type]


def test_plan_and_discriminators_go_to_json_and_back() -> None:
    plan = VocoderPlan(steps=3, shape="exponential", predicted=0.25)
    assert VocoderPlan.from_json(plan.to_json()) == plan
    assert DiscriminatorSpec.from_json(PAPER.to_json()) == PAPER


def test_a_gpu_has_discriminators_all_the_time_and_a_cpu_when_there_is_time() -> None:
    assert planned_for("cuda", 5, scratch=False).adversarial == 1.0
    assert planned_for("cpu", 5, scratch=False).adversarial == 0.0
    assert planned_for("cpu", 60, scratch=False).adversarial > 0


def test_only_from_the_base_and_on_a_cpu_long_runs_are_gentle() -> None:
    """On a GPU stages grow that are next to silent at first, and from scratch there is a long way to go."""
    plans = [planned_for(device, 60, scratch=scratch) for device, scratch in (("cpu", False), ("cuda", False), ("cpu", True))]
    assert [plan.full_rate_steps > 0 for plan in plans] == [True, False, False]
