"""Transposed convolutions without a rhythm of their own.

One of stride r gives each of the r samples that it makes of one other taps. Where their sums differ, an input that does not
change comes out as a pattern of period r: tones at multiples of the rate that it reads (Pons et al. 2020, arXiv 2010.14356).
What is heard through gates that ripple so buzzes. With equal sums what is steady stays steady.
"""

from __future__ import annotations

from typing import Any, TypeVar

Weight = TypeVar("Weight", bound=Any)
"""A tensor or an array."""


def even(weight: Weight) -> Weight:
    """The nearest weight [C, O, 2 r] whose r sums of two taps are equal: the two share what theirs has over the mean."""
    taps = weight.reshape(*weight.shape[:2], 2, -1)  # [C, O, 2, r]
    sums = taps.sum(2)  # [C, O, r]
    over = sums - sums.mean(2)[..., None]
    result: Weight = (taps - over[:, :, None] / 2).reshape(weight.shape)
    return result
