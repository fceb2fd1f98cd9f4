"""Many dimensions in a plane: what is known of it in closed form, and scikit-learn's word on how far it can be trusted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist, squareform
from sklearn.manifold import TSNE
from sklearn.manifold import trustworthiness as theirs

from sda.core.flatten import flattened, trustworthiness


def clusters(count: int, seed: int, groups: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Points [N, 30] about some centres, and whose each is."""
    random = np.random.default_rng(seed)
    owner = random.integers(groups, size=count)
    return 4 * random.normal(size=(groups, 30))[owner] + random.normal(size=(count, 30)), owner


def apart(points: np.ndarray) -> np.ndarray:
    return cdist(points, points).astype(np.float32)


@pytest.mark.parametrize(("count", "seed"), [(12, 0), (40, 1), (150, 2)])
def test_trustworthiness_is_scikit_learn_s(count: int, seed: int) -> None:
    points, _ = clusters(count, seed)
    for places in (flattened(apart(points)), np.random.default_rng(seed).normal(size=(count, 2)).astype(np.float32)):
        near = min(7, (count - 1) // 2)
        assert trustworthiness(apart(points), places) == pytest.approx(theirs(points, places, n_neighbors=near), abs=1e-6)


def test_a_plane_in_a_plane_is_wholly_trusted_and_chance_is_not() -> None:
    places = np.random.default_rng(3).normal(size=(50, 2)).astype(np.float32)
    assert trustworthiness(apart(places), places) == 1.0
    # a random order has mean rank N / 2: about half of what the worst order would cost
    assert 0.3 < trustworthiness(apart(places), np.random.default_rng(4).normal(size=(50, 2)).astype(np.float32)) < 0.7


def test_neighbours_are_kept_as_well_as_by_scikit_learn() -> None:
    points, owner = clusters(150, 5)
    places = flattened(apart(points))
    reference = TSNE(init="pca", perplexity=20, random_state=0).fit_transform(points)
    assert trustworthiness(apart(points), places) > trustworthiness(apart(points), reference) - 0.01
    near = squareform(pdist(places)) + np.where(np.eye(len(places), dtype=bool), np.inf, 0)
    assert (owner[near.argmin(1)] == owner).mean() > 0.97


def test_places_fill_the_square_and_come_again() -> None:
    points, _ = clusters(60, 6)
    places = flattened(apart(points))
    assert np.abs(places).max() == pytest.approx(1.0)
    assert np.array_equal(places, flattened(apart(points)))
    assert np.array_equal(
        np.argsort(places[:, 0]), np.argsort(flattened(apart(points + 7.0))[:, 0])
    )  # where it is does not count


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5])
def test_a_few_points_have_places_too(count: int) -> None:
    places = flattened(apart(np.random.default_rng(7).normal(size=(count, 4))) if count else np.zeros((0, 0), np.float32))
    assert places.shape == (count, 2)
    assert np.isfinite(places).all()
    assert len({tuple(place) for place in places}) == count


def test_the_same_sound_over_and_over_has_places() -> None:
    assert np.isfinite(flattened(np.zeros((9, 9), np.float32))).all()
    half = np.repeat(np.random.default_rng(8).normal(size=(5, 3)), 4, axis=0)
    assert np.isfinite(flattened(apart(half))).all()
