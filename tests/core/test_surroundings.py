"""The nearest chunk and ways that keep near to chunks, in a world of two latents whose decoder is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from sda.core.surroundings import Surroundings


def decode(z: np.ndarray) -> np.ndarray:
    """Two latents are the levels, in dB, of the lower and the upper half of the bands: distance is Euclid's over sqrt 2."""
    level = np.repeat(np.asarray(z, np.float64), 64, axis=1)[:, :, None] - 50
    return np.repeat(10 ** (level / 20), 88, axis=2).astype(np.float32)


ANGLES = np.linspace(0, np.pi, 21)
ARC = np.stack([30 * np.cos(ANGLES), 30 * np.sin(ANGLES)], 1).astype(np.float32)  # half a circle of chunks
LEFT, RIGHT = ARC[-1], ARC[0]


def test_the_distance_is_that_of_the_plane() -> None:
    apart = Surroundings(ARC, decode).apart(np.array([[0.0, 0.0], [30.0, 0.0]], np.float32))
    assert apart[0] == pytest.approx(30 / np.sqrt(2), abs=0.01)
    assert (int(apart[1].argmin()), float(apart[1].min())) == (0, pytest.approx(0, abs=0.01))


def test_a_way_goes_round_where_the_straight_line_leaves_what_is_known() -> None:
    way = Surroundings(ARC, decode).between(RIGHT, LEFT, 9)
    assert np.array_equal(way.points[0], RIGHT)
    assert np.array_equal(way.points[-1], LEFT)
    # between two of the 20 chords of an arc of radius 30 a point is at most half a chord away: 30 sin(pi / 40) / sqrt 2
    assert way.distances.max() <= 30 * np.sin(np.pi / 40) / np.sqrt(2) + 0.02
    straight = Surroundings(ARC, decode).apart(np.linspace(RIGHT, LEFT, 9).astype(np.float32)).min(1)
    assert straight.max() > 20


def test_a_way_is_walked_at_an_even_pace() -> None:
    points = Surroundings(ARC, decode).between(RIGHT, LEFT, 9).points
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert steps == pytest.approx(steps.mean(), rel=0.01)
    assert (np.diff(np.arctan2(points[:, 1], points[:, 0])) > 0).all()  # and never back


def test_the_nearest_chunk_of_each_point_is_named() -> None:
    way = Surroundings(ARC, decode).between(ARC[3], ARC[9], 7)  # one of the seven chunks on the way a point
    assert way.nearest.tolist() == [3, 4, 5, 6, 7, 8, 9]


def test_near_points_need_no_stops_and_the_same_point_is_no_way() -> None:
    around = Surroundings(ARC, decode)
    near = around.between(np.array([29.0, 0.0], np.float32), np.array([29.5, 0.0], np.float32), 3)
    assert near.points[1] == pytest.approx([29.25, 0.0], abs=0.01)
    assert (around.between(LEFT, LEFT, 4).points == LEFT).all()


def test_one_chunk_is_enough() -> None:
    way = Surroundings(ARC[:1], decode).between(LEFT, RIGHT, 2)
    assert way.nearest.tolist() == [0, 0]
    assert way.points == pytest.approx(np.stack([LEFT, RIGHT]))
