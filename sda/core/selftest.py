"""Whether a slider does what its name says: sweeps of its positions, judged by descriptors of the sound that comes out.

A name holds if, from home and from starting points of other sounds, the descriptor follows the slider in rank, if it
reaches far enough, and if the other descriptors stay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

HOME_POSITIONS = 9
START_POSITIONS = 5
RANK = 0.9  # least rank correlation: from home, and median over the starts
RANK_TENTH = 0.75  # of their 10th percentile; a name should hold at .7 wherever a musician starts, of which these are few
REACH = 0.5  # least share of the recordings' 5-95 % range that the slider covers
LEAKAGE = 0.3  # most movement of the others over its own, from home, by the measure of the test


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How well one slider follows its name. Movements are in units of the recordings' 5-95 % range."""

    home: float  # rank correlation of position and descriptor, from home
    median: float  # the same over the other starts
    tenth: float  # their 10th percentile
    reach: float  # units of the descriptor, from home
    share: float  # of the recordings' 5-95 % range
    leakage: float  # mean movement of the other descriptors over its own, from home, by the descriptors of the mel
    leakage_most: float  # the same for the one that moves most
    leakage_heard: float  # as `leakage`, by the measure of the test (the sound, if there is a vocoder)
    leakage_elsewhere: float  # as `leakage_heard`, median over the other starts
    starts: int  # how many other starts; 0 if the name failed at home or there are no others

    @property
    def merit(self) -> float:
        """How well the name holds, to choose among curves for which it does: faithful, wide, clean."""
        return self.tenth + min(self.share, 1.0) - self.leakage_elsewhere / 4

    @property
    def nearness(self) -> float:
        """How near the name is to holding from home, 0 to 1, where it does, by whatever it lacks most."""
        return min(1.0, max(0.0, self.home / RANK), self.share / REACH, LEAKAGE / max(self.leakage_heard, 1e-6))

    def failure(self) -> str:
        """Why the name does not hold, in words; empty if it does."""
        reasons = []
        if not self.home >= RANK:
            reasons.append(f"rank correlation {self.home:.2f} from home, expected {RANK}")
        if self.starts and not self.median >= RANK:
            reasons.append(f"rank correlation {self.median:.2f} in the median of {self.starts} starts, expected {RANK}")
        if self.starts and not self.tenth >= RANK_TENTH:
            reasons.append(f"rank correlation {self.tenth:.2f} at the 10th percentile, expected {RANK_TENTH}")
        if not self.share >= REACH:
            reasons.append(f"reaches {self.share:.0%} of the recordings' range, expected {REACH:.0%}")
        if not self.leakage_heard <= LEAKAGE:
            reasons.append(f"moves the others by {self.leakage_heard:.2f} of its own movement, expected {LEAKAGE}")
        return "; ".join(reasons)


def rank_correlation(x: ArrayLike, y: ArrayLike) -> float:
    """Spearman's rho of two series [n] (ties share their mean rank); 0 where one does not vary."""
    ranks = [_ranks(np.asarray(v, np.float64)) for v in (x, y)]
    deviations = [r - r.mean() for r in ranks]
    norm = float(np.sqrt(np.square(deviations[0]).sum() * np.square(deviations[1]).sum()))
    return float(deviations[0] @ deviations[1]) / norm if norm > 0 else 0.0


def _ranks(values: Doubles) -> Doubles:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((last - counts + last + 1) / 2)[inverse]


def follows(sweep: Floats, own: int) -> float:
    """Rank correlation of positions and descriptor `own` over a sweep [P, D], in which what makes no difference counts once.

    At a home that lies at the end of the recordings, one side of a slider is at rest.
    """
    moved = np.concatenate([[True], (np.diff(sweep, axis=0) != 0).any(1)])
    return rank_correlation(np.arange(int(moved.sum())), sweep[moved, own])


def movements(sweep: Floats, ranges: Floats) -> Floats:
    """How far each descriptor moves [D] over a sweep [P, D], in units of the recordings' ranges [D]."""
    moved: Floats = (sweep.max(0) - sweep.min(0)) / ranges
    return moved


def leaks(sweep: Floats, ranges: Floats, own: int, varies: NDArray[np.bool_] | None = None) -> Floats:
    """Movement of each other descriptor over that of number `own`, of those that vary [D] in the recordings, else of all."""
    moved = movements(sweep, ranges)
    counted = np.ones(len(moved), bool) if varies is None else varies.copy()
    counted[own] = False
    return np.asarray(moved[counted] / max(float(moved[own]), 1e-6), np.float32)


def judge(
    own: int,
    mel: Floats,
    mel_ranges: Floats,
    heard: Floats,
    elsewhere: Floats,
    heard_ranges: Floats,
    varies: NDArray[np.bool_] | None = None,
) -> Fidelity:
    """Fidelity of the slider for descriptor `own`.

    mel [9, D]: descriptors of the decoded mel over the sweep from home; heard [9, D]: the independent measures of the
    same; elsewhere [N, 5, D]: these over the sweeps from other starts; ranges [D]: the recordings' 5-95 % in each measure;
    varies [D]: which of them the recordings vary, as leakage has no unit for the others.
    """
    rank, ranks = follows(heard, own), [follows(sweep, own) for sweep in elsewhere]
    leak = leaks(mel, mel_ranges, own, varies)
    reach = float(heard[:, own].max() - heard[:, own].min())
    return Fidelity(
        home=rank,
        median=float(np.median(ranks)) if ranks else 0.0,
        tenth=float(np.percentile(ranks, 10)) if ranks else 0.0,
        reach=reach,
        share=reach / float(heard_ranges[own]),
        leakage=_mean(leak),
        leakage_most=float(leak.max(initial=0)),
        leakage_heard=_mean(leaks(heard, heard_ranges, own, varies)),
        leakage_elsewhere=float(np.median([_mean(leaks(s, heard_ranges, own, varies)) for s in elsewhere])) if ranks else 0.0,
        starts=len(ranks),
    )


def _mean(leak: Floats) -> float:
    return float(leak.mean()) if len(leak) else 0.0
