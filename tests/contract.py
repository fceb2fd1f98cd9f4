"""The contract of every stream: however its input is cut into steps, the output is that of the whole at once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Step = Callable[[Floats, Any], tuple[Floats, Any]]

BLOCKS = (1, 2, 7, 64)


def assert_streams(
    start: Callable[[], Any],
    step: Step,
    whole: Floats,
    x: Floats,
    blocks: Sequence[int] = BLOCKS,
    *,
    delay: int = 0,
    tolerance: float = 1e-4,
) -> None:
    """x [..., F] cut in steps gives whole [..., T], `delay` samples late, within `tolerance` of full scale.

    Also: a step leaves the state that it was given as it was, so that going on from a copy gives the same again.
    """
    for block in blocks:
        streamed = run(start, step, x, block)
        assert streamed.shape[-1] > delay, f"{streamed.shape[-1]} samples say nothing about a stream {delay} late"
        error = np.abs(streamed[..., delay:] - whole[..., : streamed.shape[-1] - delay]).max()
        assert error <= tolerance, f"in steps of {block} it is off by {error:.2g}; allowed are {tolerance:.2g}"
    assert_state_is_a_value(start, step, x)


def run(start: Callable[[], Any], step: Step, x: Floats, block: int) -> Floats:
    """x [..., F] in steps of `block` -> what they answer, joined."""
    state, answers = start(), []
    for place in range(0, x.shape[-1], block):
        answer, state = step(x[..., place : place + block], state)
        answers.append(answer)
    return np.concatenate(answers, axis=-1)


def assert_state_is_a_value(start: Callable[[], Any], step: Step, x: Floats) -> None:
    """The second half of x, from one state, three times: as it comes, from the same state again, and from a copy of it."""
    half = x.shape[-1] // 2
    first, state = step(x[..., :half], start())
    first_then, saved = first.copy(), copy.deepcopy(state)
    once, after = step(x[..., half:], state)
    once_then = once.copy()
    again, _ = step(x[..., half:], state)
    from_copy, after_copy = step(x[..., half:], saved)
    assert np.array_equal(again, once_then), "a step changed the state that it was given"
    assert np.array_equal(from_copy, once_then), "a copied state does not go on like the original"
    assert np.array_equal(first, first_then), "a step wrote into samples that were already given away"
    assert np.array_equal(once, once_then), "a step wrote into samples that were already given away"
    last, last_copy = step(x[..., :1], after)[0], step(x[..., :1], after_copy)[0]
    assert np.array_equal(last, last_copy), "two equal pasts go on differently"
