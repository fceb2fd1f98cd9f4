"""The latent map: arithmetic on curves small enough to work out by hand."""

import numpy as np
import pytest

from sda.core.latent import LatentMap


def tent() -> LatentMap:
    """Two sliders of three positions (-10, 0, 10) in a plane: one bends, the other is straight."""
    bends = [[-1.0, 0.0], [0.0, 0.0], [2.0, 4.0]]
    straight = [[0.0, -10.0], [0.0, 0.0], [0.0, 10.0]]
    curves = np.array([bends, straight], np.float32)
    return LatentMap(np.array([5.0, 6.0], np.float32), curves, np.eye(2, dtype=np.float32))


@pytest.mark.parametrize(
    ("positions", "point"),
    [
        ((0, 0), (5, 6)),
        ((-10, 0), (4, 6)),
        ((5, 0), (6, 8)),  # half of (2, 4)
        ((-5, 0), (4.5, 6)),  # half of (-1, 0)
        ((0, 2.5), (5, 8.5)),
        ((5, 2.5), (6, 10.5)),  # displacements add
        ((99, -99), (7, 0)),  # ends of the ranges: (2, 4) and (0, -10)
    ],
)
def test_points_lie_on_the_curves(positions, point) -> None:
    np.testing.assert_allclose(tent().point(np.array([positions], np.float64)), [point], atol=1e-6)


def test_many_points_at_once_are_the_single_ones() -> None:
    positions = np.random.default_rng(0).uniform(-10, 10, (50, 2))
    single = np.concatenate([tent().point(p[None]) for p in positions])
    np.testing.assert_array_equal(tent().point(positions), single)


def test_a_slider_is_continuous_across_its_knots() -> None:
    around = np.array([[-1e-4, 0], [0, 0], [1e-4, 0]])
    assert np.abs(np.diff(tent().point(around), axis=0)).max() < 1e-3


def test_without_sliders_there_is_home() -> None:
    bare = LatentMap(np.array([1.0, 2.0], np.float32), np.zeros((0, 21, 2), np.float32), np.zeros((2, 0), np.float32))
    np.testing.assert_array_equal(bare.point(np.zeros((3, 0))), [[1, 2]] * 3)


def test_tensors_come_back() -> None:
    back = LatentMap.from_tensors(tent().tensors())
    for name in ("home", "curves", "spread"):
        np.testing.assert_array_equal(getattr(back, name), getattr(tent(), name))
