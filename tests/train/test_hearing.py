"""Aims corrected by ear in a linear world, where what is missed can be worked out."""

from types import SimpleNamespace

import numpy as np

from sda.core.curves import KNOTS, POSITIONS
from sda.core.descriptors import DESCRIPTORS
from sda.train.hearing import MOST, SHARE, corrected

D = len(DESCRIPTORS)
HOME = np.linspace(-1, 1, D).astype(np.float32)
RECORDED = np.linspace(0, 20, 201, dtype=np.float32)[:, None] * np.arange(1, D + 1, dtype=np.float32)  # 5-95 %: 18 n


def curves_of(aims: np.ndarray) -> np.ndarray:
    """Curves [D, P, D] in a world whose mel has its latents, in units of the ranges, as descriptors."""
    knots = np.concatenate([aims[:, 0, ::-1], np.zeros((D, 1, D)), aims[:, 1]], 1)  # [D, 2 K + 1, D]
    at = np.linspace(0, 2 * KNOTS, POSITIONS)
    return np.stack([[np.interp(at, np.arange(2 * KNOTS + 1), k[:, d]) for d in range(D)] for k in knots]).swapaxes(1, 2)


def ear(weak: float, leak: float) -> SimpleNamespace:
    """A vocoder that gives descriptor 0 only in part, and lets it move descriptor 1."""
    heard = np.eye(D, dtype=np.float32)
    heard[0, 0], heard[1, 0] = weak, leak
    ranges = 18 * np.arange(1, D + 1, dtype=np.float32)
    seen = SimpleNamespace(latents=HOME[None], home=0)
    return SimpleNamespace(seen=seen, recorded=RECORDED, measure=lambda z: (z @ heard.T) * ranges)


def wanted() -> np.ndarray:
    """Only descriptor 0 has a slider, which is to reach .4 of the range either way."""
    found = np.zeros((D, 2, KNOTS, D), np.float32)
    found[0, :, :, 0] = 0.4 * np.array([[-1], [1]]) * np.arange(1, KNOTS + 1) / KNOTS
    return found


def test_what_is_missed_is_aimed_for_the_other_way() -> None:
    better = corrected(ear(weak=0.6, leak=0.5), wanted(), wanted(), curves_of(wanted()))
    # At the upper end .24 of .40 is heard and descriptor 1 moves by .20; .7 of what is missed is added.
    np.testing.assert_allclose(better[0, 1, -1, :2], [0.4 + SHARE * 0.16, -SHARE * 0.2], atol=1e-4)
    np.testing.assert_allclose(better[0, 0], -better[0, 1], atol=1e-4)
    assert not better[1:].any()


def test_heard_again_less_is_missed() -> None:
    vocoder, aims, missed = ear(weak=0.6, leak=0.5), wanted(), []
    for _ in range(4):
        heard = curves_of(aims)[0, -1]
        missed.append(abs(0.6 * heard[0] - 0.4) + abs(0.5 * heard[0] + heard[1]))
        aims = corrected(vocoder, wanted(), aims, curves_of(aims))
    assert missed[1] < 0.7 * missed[0]
    assert missed[3] < 0.2 * missed[0]


def test_a_deaf_vocoder_does_not_drive_the_aims_away() -> None:
    vocoder = ear(weak=0.0, leak=0.0)
    aims = wanted()
    for _ in range(20):
        aims = corrected(vocoder, wanted(), aims, curves_of(aims))
    assert np.abs(aims - wanted()).max() <= MOST + 1e-6


def test_a_faithful_vocoder_changes_nothing() -> None:
    np.testing.assert_allclose(corrected(ear(1.0, 0.0), wanted(), wanted(), curves_of(wanted())), wanted(), atol=1e-5)
