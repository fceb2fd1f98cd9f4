"""The solve against its closed form, the judge against arithmetic and scipy, the header against damage."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from sda.core import selftest
from sda.core.analysis import Analysis
from sda.core.curves import POSITIONS, even
from sda.core.latent import LatentMap, Slider
from sda.core.selftest import judge, rank_correlation
from sda.core.solve import REGULAR, slopes, solve
from sda.errors import ModelError

D, Z = 3, 6


def linear() -> tuple[torch.Tensor, torch.Tensor]:
    """A linear world: W [D, Z] and a covariance [Z, Z]."""
    random = np.random.default_rng(0)
    root = random.standard_normal((Z, Z))
    return torch.from_numpy(random.standard_normal((D, Z))), torch.from_numpy(root @ root.T + np.eye(Z))


def test_in_a_linear_world_the_solve_is_the_ridge_formula() -> None:
    # The minimum of |W d - t|^2 + r d^T S^-1 d is d = S W^T (W S W^T + r I)^-1 t.
    w, s = linear()
    target = torch.tensor([0.5, 0.0, 0.0], dtype=torch.float64)
    found = solve(lambda z: z @ w.T, torch.zeros(1, Z).double(), torch.ones(1).double(), target[None, None], s)
    wanted = s @ w.T @ torch.linalg.solve(w @ s @ w.T + REGULAR * torch.eye(D), target)
    torch.testing.assert_close(found[0, 0], wanted, rtol=1e-6, atol=1e-8)


def test_a_bent_world_is_followed_and_the_others_held() -> None:
    w, s = linear()

    def values(z: torch.Tensor) -> torch.Tensor:
        y = z @ w.T
        return y + 0.1 * y.roll(1, -1) ** 2 + 0.2 * torch.tanh(y)

    start = torch.full((1, Z), 0.2).double()
    share = torch.linspace(0.2, 1, 5).double()
    targets = torch.zeros(2, 5, D).double()
    targets[0, :, 1], targets[1, :, 2] = 2 * share, -2 * share
    found = solve(values, start, torch.ones(1).double(), targets, s)
    reached = values((start + found).flatten(0, 1)).unflatten(0, (2, 5)) - values(start)
    assert float((reached - targets).abs().max()) < 0.02
    # A straight line along the first step misses: the world is bent, so the test can fail.
    straight = found[:, :1] * (share / share[0])[:, None]
    assert float((values((start + straight).flatten(0, 1)).unflatten(0, (2, 5)) - values(start) - targets).abs().max()) > 0.1


def test_slopes_are_a_matrix_in_a_linear_world() -> None:
    w, _ = linear()
    _, found = slopes(lambda z: z @ w.T, torch.randn(4, Z, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(found, w.expand(4, D, Z))


def test_a_jump_is_spread_over_its_neighbours() -> None:
    curve = np.zeros((21, 2), np.float32)
    curve[:, 0] = np.linspace(-1, 1, 21)
    curve[15:, 1] = 3.0
    steps = np.linalg.norm(np.diff(curve, axis=0), axis=1)
    assert steps.max() > 20 * np.median(steps)
    smooth = even(curve)
    steps = np.linalg.norm(np.diff(smooth, axis=0), axis=1)
    assert steps.max() <= 3 * np.median(steps)
    np.testing.assert_array_equal(smooth[[0, 10, 20]], curve[[0, 10, 20]])


def test_an_even_curve_stays_and_a_flat_half_is_no_jump() -> None:
    for curve in (np.linspace(-1, 1, 21), np.maximum(np.linspace(-1, 1, 21), 0)):
        wide = curve[:, None].astype(np.float32)
        np.testing.assert_array_equal(even(wide), wide)


@pytest.mark.parametrize("seed", range(5))
def test_rank_correlation_is_scipys(seed: int) -> None:
    x, y = np.random.default_rng(seed).integers(0, 6, (2, 12))  # with ties
    assert rank_correlation(x, y) == pytest.approx(spearmanr(x, y)[0])


def test_what_does_not_move_has_no_rank_correlation() -> None:
    assert rank_correlation(np.arange(5), np.ones(5)) == 0


def sweep(moves: tuple[float, ...], count: int) -> np.ndarray:
    """Descriptors [count, D] that move so far over a sweep."""
    return (np.linspace(0, 1, count)[:, None] * np.array(moves)).astype(np.float32)


RANGES = np.array([10.0, 2.0, 1.0], np.float32)


def verdict(home=(8.0, 0.2, 0.1), backwards: int = 0, mel=None) -> selftest.Fidelity:
    starts = [sweep(home, 5)] * (8 - backwards) + [sweep(home, 5)[::-1]] * backwards
    return judge(0, sweep(home if mel is None else mel, 9), RANGES, sweep(home, 9), np.stack(starts), RANGES)


def test_a_slider_that_holds_passes_with_the_numbers_worked_out() -> None:
    found = verdict()
    assert found.failure() == ""
    assert (found.home, found.median, found.tenth, found.starts) == (1, 1, 1, 8)
    assert found.reach == pytest.approx(8)
    assert found.share == pytest.approx(0.8)  # 8 of 10
    assert found.leakage == pytest.approx(0.125)  # 0.2 / 2 and 0.1 / 1, both 0.1, over 0.8
    assert found.leakage_elsewhere == pytest.approx(0.125)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (verdict(backwards=1), "10th percentile"),  # one of eight backwards: rho -1 at 10 %: 0.7 * -1 + 0.3 * 1 = -0.4
        (verdict(backwards=5), "median"),
        (verdict(home=(4.0, 0.1, 0.0)), "reaches 40%"),
        (verdict(home=(8.0, 0.8, 0.4)), "moves the others by 0.50 of its own movement"),  # 0.4 over 0.8
        (verdict(home=(-8.0, 0.2, 0.1)), "rank correlation -1.00 from home"),
    ],
)
def test_a_slider_that_does_not_hold_is_told_why(found: selftest.Fidelity, reason: str) -> None:
    assert reason in found.failure()


@pytest.mark.parametrize(
    ("found", "nearness"),
    [
        (verdict(), 1.0),
        (verdict(home=(4.0, 0.1, 0.0)), 0.4 / 0.5),  # of the range
        (verdict(home=(8.0, 0.8, 0.4)), 0.3 / 0.5),  # of the leakage
        (verdict(home=(-8.0, 0.2, 0.1)), 0.0),
    ],
)
def test_how_near_a_name_is_to_holding_is_what_it_lacks_most(found: selftest.Fidelity, nearness: float) -> None:
    assert found.nearness == pytest.approx(nearness)


def test_what_the_recordings_do_not_vary_has_no_unit_of_leakage() -> None:
    moving = sweep((8.0, 0.8, 0.4), 9)  # each of the others by .4 of its range, over .8
    only = np.array([True, False, True])
    assert judge(0, moving, RANGES, moving, moving[:0, None], RANGES).leakage_heard == pytest.approx(0.5)
    moving[:, 1] *= 2
    assert judge(0, moving, RANGES, moving, moving[:0, None], RANGES, only).leakage_heard == pytest.approx(0.5)
    assert judge(0, moving, RANGES, moving, moving[:0, None], RANGES, np.zeros(3, bool)).leakage_heard == 0


def test_the_sound_counts_and_not_the_mel() -> None:
    found = verdict(mel=(8.0, 0.8, 0.4))
    assert found.failure() == ""
    assert found.leakage == pytest.approx(0.5)


def test_where_a_slider_makes_no_difference_it_is_not_said_not_to_follow() -> None:
    resting = sweep((8.0, 0.2, 0.1), 5)[[0, 1, 2, 2, 2]]  # a home at the recordings' upper end
    assert selftest.follows(resting, 0) == 1.0
    assert rank_correlation(np.arange(5), resting[:, 0]) < 0.9
    assert selftest.follows(np.ones((5, 3), np.float32), 0) == 0.0
    assert selftest.follows(resting[::-1], 0) == -1.0


def test_what_is_not_a_number_never_passes() -> None:
    assert replace(verdict(), home=float("nan")).failure()


def made() -> Analysis:
    curves = np.random.default_rng(0).standard_normal((2, POSITIONS, Z)).astype(np.float32)
    latent_map = LatentMap(np.ones(Z, np.float32), curves, np.eye(Z, dtype=np.float32))
    sliders = (Slider(1, "loudness", -10.0, 10.0, -8.5, 9.0, "level"), Slider(2, "axis-1", 0.0, 10.0, 0.0, 7.0, "rest"))
    return Analysis(latent_map, sliders, {"descriptors": [{"name": "loudness", "kept": True}]}, ("a note",))


def test_the_header_comes_back_through_json() -> None:
    back = Analysis.from_header(json.loads(json.dumps(made().to_header())), made().latent_map.tensors())
    assert (back.sliders, back.report, back.notes) == (made().sliders, made().report, made().notes)
    np.testing.assert_array_equal(back.latent_map.curves, made().latent_map.curves)


@pytest.mark.parametrize(
    "damage",
    [
        lambda h: h.pop("sliders"),
        lambda h: h["sliders"].pop(),
        lambda h: h["sliders"][0].pop("low"),
        lambda h: h["sliders"][0].update(colour="red"),
        lambda h: h["sliders"][0].update(low="down"),
        lambda h: h.update(sliders=3),
    ],
)
def test_a_damaged_header_is_refused(damage) -> None:
    header = made().to_header()
    damage(header)
    with pytest.raises(ModelError):
        Analysis.from_header(header, made().latent_map.tensors())
