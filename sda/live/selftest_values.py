"""What trials set, and how they fail."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sda.control import Controls
from sda.core.limiter import CEILING
from sda.errors import SdaError
from sda.model import Model
from sda.params import Kind, Param, Value, check

Floats = NDArray[np.float32]


class TrialError(SdaError):
    """Something did not come out as it must."""


def rows_of(model: Model) -> list[Param]:
    """Every control of a model but its own name and the vocoder's, which the engine acts on."""
    controls = Controls()
    controls.install_sliders([slider.name for slider in model.sliders])
    return [row for row in controls.rows if row.kind is not Kind.TEXT and row.id != "vocoder"]


def drawn(random: np.random.Generator, row: Param) -> Value:
    """A value that a control takes; now and then one of its ends, or one beyond."""
    if row.kind is Kind.CHOICE:
        return str(random.choice(row.choices))
    if row.kind is Kind.BOOL:
        return bool(random.integers(2))
    low, high = float(row.low), float(row.high)
    value = float(random.choice([low, high, low - 1, high + 1])) if random.random() < 0.2 else float(random.uniform(low, high))
    return check(row, value)


def check_sound(sound: Floats, what: str, *, limited: bool = True) -> None:
    """Raises `TrialError` for samples that are not numbers, or that the limiter let through."""
    if not np.isfinite(sound).all():
        raise TrialError(f"{what}: samples that are not numbers")
    peak = float(np.abs(sound).max(initial=0.0))
    if limited and peak > CEILING:
        raise TrialError(f"{what}: a peak of {peak:.3f} behind the limiter, expected at most {CEILING:.3f}")
