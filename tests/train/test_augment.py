"""What the discriminators hear: changed alike for a recording and what was made of it, with gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sda.train import augment
from sda.train.augment import augmented


def randoms(count: int, seed: int = 0) -> list[np.random.Generator]:
    return [np.random.default_rng([seed, number]) for number in range(count)]


def waves(count: int = 6) -> torch.Tensor:
    return torch.from_numpy(0.1 * np.random.default_rng(1).standard_normal((count, 1, 8192)).astype(np.float32))


def test_a_recording_and_its_equal_stay_equal() -> None:
    pairs = waves().expand(-1, 2, -1)
    changed = augmented(pairs, 1.0, randoms(len(pairs)))
    torch.testing.assert_close(changed[:, 0], changed[:, 1])
    assert (changed - pairs).abs().amax(dim=(1, 2)).min() > 0.05  # and each was changed


def test_two_crops_are_changed_unlike() -> None:
    same = waves(1).expand(2, 2, -1)
    one, other = augmented(same, 1.0, randoms(2))
    assert (one - other).abs().max() > 0.05


def test_a_chance_of_zero_changes_nothing() -> None:
    pairs = waves().expand(-1, 2, -1)
    assert torch.equal(augmented(pairs, 0.0, randoms(len(pairs))), pairs)


@pytest.mark.parametrize("change", augment.CHANGES, ids=lambda change: change.__name__)
def test_each_change_lets_gradients_through(change: augment.Change) -> None:
    pair = waves(1)[0].expand(2, -1).clone().requires_grad_()
    change(pair, np.random.default_rng(3))[1].square().sum().backward()
    assert pair.grad is not None
    assert pair.grad[1].abs().sum() > 0
    assert pair.grad[0].abs().sum() == 0  # what was made does not reach into the recording


def test_a_filter_stays_within_its_range() -> None:
    impulse = torch.zeros(2, 4096)
    impulse[:, 2048] = 1
    for seed in range(20):
        response = torch.fft.rfft(augment._filtered(impulse, np.random.default_rng(seed))[0]).abs()
        assert (20 * response.log10()).abs().max() <= augment.TILT_DB + 0.01


def test_a_gap_is_silent_and_short_enough() -> None:
    pair = torch.ones(2, 8000)
    for seed in range(20):
        silent = (augment._gapped(pair, np.random.default_rng(seed))[0] == 0).float().mean()
        assert 0.04 < silent <= augment.LONGEST_GAP


def test_noise_is_the_same_on_both_and_as_loud_as_it_should_be() -> None:
    pair = waves(1)[0].expand(2, -1)
    for seed in range(10):
        noise = augment._noisy(pair, np.random.default_rng(seed)) - pair
        torch.testing.assert_close(noise[0], noise[1])
        level = 20 * torch.log10(noise[0].std() / pair[0].std())
        low, high = augment.NOISE_DB
        assert low - 0.5 < level < high + 0.5
