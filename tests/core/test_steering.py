"""Several sliders at once in small worlds whose descriptors are known: what is asked for is what is reached."""

from dataclasses import replace

import numpy as np
import pytest

from sda.core import settle
from sda.core.descriptors import describe
from sda.core.latent import NEARER, LatentMap
from sda.core.settle import WAIT
from sda.core.steering import Steering
from sda.core.surrogate import Surrogate
from sda.errors import ModelError
from sda.spec import BIGVGAN_GRID

Z, D, P = 6, 3, 21
HOME = np.linspace(-0.2, 0.3, Z).astype(np.float32)
SPREAD = np.diag(np.linspace(1.5, 0.5, Z)).astype(np.float32)
OFF = 0.15  # what the surrogate is wrong by, in part


def surrogate() -> Surrogate:
    """A bent world: nets with random weights, of whose descriptors every one depends on every direction."""
    random = np.random.default_rng(3)
    shapes = ((12, Z), (12,), (12, 12), (12,), (D, 12), (D,))
    scale = (0.3, 0.3, 0.5, 0.3, 0.7, 0.0)
    return Surrogate(*((s * random.standard_normal(shape)).astype(np.float32) for s, shape in zip(scale, shapes, strict=True)))


def whitened(z: np.ndarray) -> np.ndarray:
    return ((z - HOME) @ np.linalg.inv(SPREAD).T).astype(np.float32)


def true(z: np.ndarray) -> np.ndarray:
    """The decoder's own descriptors: nearly the surrogate's."""
    w = whitened(z)
    return surrogate()(w) + np.float32(OFF) * np.sin(w[:, :D])


def curves() -> np.ndarray:
    """Curves [D, P, Z] along which one of the true descriptors moves by up to .8 and the others stay, found by Newton steps."""
    found = np.zeros((D, P, Z), np.float32)
    for own in range(D):
        for side in (range(P // 2 + 1, P), range(P // 2 - 1, -1, -1)):
            z = HOME.copy()
            for p in side:
                target = true(HOME[None])[0].copy()
                target[own] += 0.8 * (p - P // 2) / (P // 2)
                for _ in range(20):
                    slopes = np.stack([(true((z + e)[None]) - true((z - e)[None]))[0] / 2e-2 for e in 1e-2 * np.eye(Z)], 1)
                    z = (z + np.linalg.pinv(slopes) @ (target - true(z[None])[0])).astype(np.float32)
                found[own, p] = z - HOME
    return found


@pytest.fixture(scope="module")
def steered() -> LatentMap:
    found = curves()
    changes = true((HOME + found).reshape(-1, Z)).reshape(D, P, D) - true(HOME[None])[0]
    ends = np.stack([true(HOME[None])[0] - 0.8, true(HOME[None])[0] + 0.8])
    steering = Steering(
        surrogate(), SPREAD, np.linalg.inv(SPREAD), np.arange(D), ends, np.ones(D, np.float32), changes.astype(np.float32)
    )
    return LatentMap(HOME, found, SPREAD, steering)


POSITIONS = np.random.default_rng(1).uniform(-8, 8, (40, D))


def missed(points: np.ndarray, positions: np.ndarray) -> float:
    """Mean distance from what the sliders ask for: each its own descriptor, evenly."""
    return float(np.abs(true(points) - true(HOME[None]) - 0.08 * positions).mean())


def test_alone_a_slider_stays_on_its_curve(steered: LatentMap) -> None:
    for own in range(D):
        positions = np.zeros((P, D))
        positions[:, own] = np.linspace(-10, 10, P)
        np.testing.assert_allclose(steered.point(positions), HOME + steered.curves[own], atol=2e-5)


def test_recordings_that_all_sound_alike_have_no_sliders_and_are_played_all_the_same(steered: LatentMap) -> None:
    none = replace(steered.steering, owns=steered.steering.owns[:0], changes=steered.steering.changes[:0])
    bare = replace(steered, curves=steered.curves[:0], steering=none)
    away = (HOME + 0.3).astype(np.float32)
    for home, wanted in ((None, HOME), (away, away)):
        np.testing.assert_allclose(bare.point(np.zeros((2, 0)), home), np.stack([wanted] * 2), atol=1e-5)
        np.testing.assert_allclose(bare.settled(np.zeros(0), true, home), wanted, atol=1e-5)


def test_together_they_do_what_they_do_alone(steered: LatentMap) -> None:
    plain = replace(steered, steering=None)
    sums, points = missed(plain.point(POSITIONS), POSITIONS), missed(steered.point(POSITIONS), POSITIONS)
    rested = missed(np.stack([steered.settled(p, true) for p in POSITIONS]), POSITIONS)
    assert points < 0.5 * sums  # .022 of .079
    assert rested < 0.5 * points  # .004


def roughness(points: np.ndarray) -> float:
    """The longest step of a path [n, Z] in its median steps."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return float(steps.max() / np.median(steps))


def test_the_same_positions_give_the_same_point_and_near_ones_a_near_point(steered: LatentMap) -> None:
    path = np.linspace([-9, 9, -4], [9, -7, 8], 400)  # a diagonal through all of it
    there, back = ([steered.point(position[None])[0] for position in way] for way in (path, path[::-1]))  # as hands go
    points = np.stack(there)
    np.testing.assert_array_equal(points[::-1], back)
    np.testing.assert_allclose(steered.point(path[::-1])[::-1], points, atol=2e-6)  # all at once, but for rounding
    assert roughness(points) < 1.5 * roughness(replace(steered, steering=None).point(path))


def test_from_another_home_the_ends_are_the_same(steered: LatentMap) -> None:
    home = (HOME + SPREAD @ np.array([0.5, -0.3, 0.4, 0.2, -0.5, 0.1])).astype(np.float32)
    start = true(home[None])[0]
    assert np.abs(start - true(HOME[None])).max() > 0.1
    plain, misses = replace(steered, steering=None), []
    for own in range(D):
        for position, end in ((-10.0, steered.steering.ends[0, own]), (10.0, steered.steering.ends[1, own])):
            positions = np.where(np.arange(D) == own, position, 0.0)
            wanted = np.where(np.arange(D) == own, end, start)
            points = (steered.settled(positions, true, home), plain.point(positions[None], home)[0])
            misses.append([np.abs(true(point[None])[0] - wanted).mean() for point in points])
    rested, sums = np.mean(misses, axis=0)
    assert rested < 0.5 * sums
    np.testing.assert_allclose(steered.point(np.zeros((1, D)), home)[0], home, atol=1e-5)


def test_a_home_at_the_end_leaves_that_side_of_a_slider_at_rest(steered: LatentMap) -> None:
    home = (HOME + 0.5 * steered.curves[0, -1]).astype(np.float32)
    ends = steered.steering.ends.copy()
    ends[1, 0] = surrogate()(whitened(home[None]))[0, 0] - 0.01  # the home lies beyond it
    cut = replace(steered, steering=replace(steered.steering, ends=ends))
    positions = np.zeros((5, D))
    positions[:, 0] = np.linspace(-10, 10, 5)
    points = cut.point(positions, home)
    np.testing.assert_allclose(points[2:], np.stack([home] * 3), atol=1e-5)
    assert np.linalg.norm(points[0] - home) > 0.3
    assert np.linalg.norm(steered.point(positions, home)[4] - home) > 0.1  # with the end further up it moves


def played(latent_map: LatentMap, positions: np.ndarray) -> list[np.ndarray]:
    """The points of cell after cell."""
    rest, points = settle.begin(latent_map, positions[0], HOME), []
    for at in positions:
        point, rest = settle.step(latent_map, rest, at, HOME, true)
        points.append(point)
    return points


def test_where_they_rest_the_decoder_has_the_last_word_and_nothing_jumps(steered: LatentMap) -> None:
    held = np.array([6.0, -5.0, 7.0])
    positions = np.concatenate([np.linspace(np.zeros(D), held, 30), np.repeat(held[None], 60, 0), np.linspace(held, -held, 40)])
    points = np.array(played(steered, positions))
    np.testing.assert_allclose(points[29], steered.point(held[None])[0], atol=1e-6)  # still moving: the surrogate's
    np.testing.assert_allclose(points[89], steered.settled(held, true), atol=1e-6)
    assert np.linalg.norm(points[89] - points[29]) > 0.02
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert steps[30:89].max() < steps[:29].max()


def test_before_it_has_rested_the_decoder_is_not_asked(steered: LatentMap) -> None:
    asked = []

    def measure(z: np.ndarray) -> np.ndarray:
        asked.append(len(z))
        return true(z)

    held, rest = np.array([6.0, -5.0, 7.0]), settle.begin(steered, np.zeros(D), HOME)
    for cell in range(WAIT + NEARER + 20):
        _, rest = settle.step(steered, rest, held, HOME, measure)
        assert (len(asked) > 0) == (cell >= WAIT), cell
    assert len(asked) == 1 + NEARER  # home and the point, then one a step, then never again


def test_its_arrays_come_back_and_damage_is_said(steered: LatentMap) -> None:
    tensors = steered.tensors()
    back = LatentMap.from_tensors(tensors)
    np.testing.assert_array_equal(back.point(POSITIONS), steered.point(POSITIONS))
    for name in ("analysis.steering.changes", "analysis.steering.surrogate.first"):
        with pytest.raises(ModelError, match="analysis"):
            LatentMap.from_tensors({key: array for key, array in tensors.items() if key != name})
    for name, array in (("changes", np.zeros((D, P - 1, D))), ("owns", np.array([0, 1, 7])), ("ends", np.zeros((2, 1)))):
        with pytest.raises(ModelError, match="fit"):
            LatentMap.from_tensors(tensors | {f"analysis.steering.{name}": array})


def test_a_model_analysed_before_a_descriptor_was_added_is_measured_by_those_it_knows(steered: LatentMap) -> None:
    assert steered.steering is not None
    older = replace(steered, steering=replace(steered.steering, ranges=np.full(3, 2, np.float32)))
    mels = np.random.default_rng(3).uniform(0, 1, (2, 128, 88)).astype(np.float32)
    measured = settle.measuring(lambda _: mels, BIGVGAN_GRID, older)(mels[:, 0])
    np.testing.assert_array_equal(measured, describe(mels)[:, :3] / 2)
