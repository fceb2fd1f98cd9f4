"""Where a renderer stands as JSON: its vocoder's phases. What else a moment holds is tested where streams are taken up."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import numpy as np
import pytest
from small_models import sounding

from sda.core.render import Moment
from sda.errors import TakeError
from sda.formats import moment
from sda.model import Model


@pytest.fixture(scope="module")
def kept() -> Moment:
    """One with phases, and with the past of a vocoder that computes 512 frames at a time."""
    random = np.random.default_rng(0)
    phases, past = random.uniform(0, 8000, (3, 128)), random.uniform(0, 2, (128, 560))
    stands = Model(sounding()).renderer(rate=48_000).moment()
    return replace(stands, samples=600 * 512, past=past.astype(np.float32), phases=phases.astype(np.float32))


def packed(numbers: np.ndarray) -> str:
    return base64.b64encode(numbers.astype("<f4").tobytes()).decode()


def test_phases_and_past_come_back_as_they_were(kept: Moment) -> None:
    read = moment.from_json(json.loads(json.dumps(moment.to_json(kept), allow_nan=False)))
    for name in ("phases", "past"):
        one, other = getattr(kept, name), getattr(read, name)
        assert (other.dtype, other.shape, other.tobytes()) == (np.float32, one.shape, one.tobytes())


def test_phases_lie_row_by_row(kept: Moment) -> None:
    assert kept.phases is not None
    assert moment.to_json(kept)["phases"] == packed(kept.phases)
    assert moment.to_json(kept)["phases"] != packed(kept.phases.T)


def test_without_phases_there_are_none(kept: Moment) -> None:
    data = moment.to_json(replace(kept, phases=None))
    assert data["phases"] is None
    assert moment.from_json(data).phases is None
    del data["phases"]  # as takes of before have it
    assert moment.from_json(data).phases is None


@pytest.mark.parametrize(
    "phases",
    [3, [], "AAA", "AACAPw==", packed(np.full((3, 128), np.nan)), packed(np.full((3, 128), -1)), packed(np.ones((3, 127)))],
    ids=["number", "list", "cut short", "one number", "not finite", "below zero", "a band too few"],
)
def test_damaged_phases_are_refused(kept: Moment, phases: object) -> None:
    with pytest.raises(TakeError, match="not one this program wrote"):
        moment.from_json({**moment.to_json(kept), "phases": phases})
