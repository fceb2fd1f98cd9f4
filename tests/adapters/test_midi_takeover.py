"""How a knob gets hold of a control, in places 0..1."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sda.adapters.midi_takeover import TOLERANCE, Knob, resolved, ticks
from sda.mapping import Binding, Sender, Takeover
from sda.params import PARAMS, slider_rows


class Desk:
    """A knob and its control."""

    def __init__(self, takeover: Takeover, current: float) -> None:
        self.knob, self.takeover, self.current = Knob(), takeover, current

    def turn(self, *places: float) -> list[float]:
        heard = []
        for place in places:
            moved = self.knob.move(self.takeover, place, 0, self.current)
            if moved is not None:
                self.current = moved
            heard.append(self.current)
        return heard


def test_jump_follows_at_once() -> None:
    assert Desk(Takeover.JUMP, 0.5).turn(0.1, 0.9) == [0.1, 0.9]


def test_pickup_waits_until_the_value_is_reached() -> None:
    assert Desk(Takeover.PICKUP, 0.5).turn(0.1, 0.3, 0.45, 0.49, 0.6) == [0.5, 0.5, 0.5, 0.49, 0.6]


@pytest.mark.parametrize(("start", "end"), [(0.2, 0.9), (0.9, 0.2), (0.0, 1.0)])
def test_pickup_takes_over_where_the_value_is_jumped_over(start: float, end: float) -> None:
    assert Desk(Takeover.PICKUP, 0.5).turn(start, end) == [0.5, end]


def test_a_knob_that_lost_its_control_picks_it_up_anew() -> None:
    desk = Desk(Takeover.PICKUP, 0.5)
    assert desk.turn(0.5, 0.6) == [0.5, 0.6]
    desk.knob.rearm()
    desk.current = 0.1
    assert desk.turn(0.7, 0.4, 0.05, 0.3) == [0.1, 0.1, 0.05, 0.3]


@settings(max_examples=300)
@given(st.floats(0, 1), st.lists(st.floats(0, 1), max_size=12), st.booleans())
def test_a_sweep_from_end_to_end_always_takes_over(current: float, middle: list[float], up: bool) -> None:
    desk = Desk(Takeover.PICKUP, current)
    desk.turn(0.0 if up else 1.0)
    sweep = sorted(middle, reverse=not up)
    assert desk.turn(*sweep, 1.0 if up else 0.0)[-1] == (1.0 if up else 0.0)


def test_pickup_does_not_take_over_on_one_side() -> None:
    assert set(Desk(Takeover.PICKUP, 0.5).turn(0.0, 0.4, 0.1, 0.5 - TOLERANCE - 0.001)) == {0.5}


def test_scale_brings_both_to_the_end_together() -> None:
    desk = Desk(Takeover.SCALE, 0.5)
    # From knob 0.2 to 0.6 half of the way to the end is gone, so half of 0.5 .. 1 as well.
    assert desk.turn(0.2, 0.6, 1.0) == pytest.approx([0.5, 0.75, 1.0])
    assert desk.turn(0.5, 0.0) == pytest.approx([0.5, 0.0])
    still = Desk(Takeover.SCALE, 0.3)
    assert still.turn(1.0, 1.0, 0.5) == pytest.approx([0.3, 0.3, 0.15])


@pytest.mark.parametrize(
    ("takeover", "expected"),
    [
        (Takeover.TWOS, {0: 0, 1: 1, 63: 63, 64: -64, 127: -1}),
        (Takeover.OFFSET, {64: 0, 65: 1, 63: -1, 0: -64, 127: 63}),
        (Takeover.SIGN, {0: 0, 1: 1, 63: 63, 64: 0, 65: -1, 127: -63}),
    ],
)
def test_the_three_ways_encoders_count(takeover: Takeover, expected: dict[int, int]) -> None:
    assert {raw: ticks(takeover, raw) for raw in expected} == expected
    assert Knob().move(takeover, 0.9, next(raw for raw, step in expected.items() if step == 1), 0.5) == 0.5 + 1 / 127


def test_what_is_best_where_nothing_is_said() -> None:
    rows = {row.id: row for row in (*PARAMS, *slider_rows(["one"]))}
    best = {
        (Sender.CC, "gain"): Takeover.PICKUP,
        (Sender.NRPN, "slider.1"): Takeover.PICKUP,
        (Sender.CC, "play"): Takeover.JUMP,
        (Sender.CC, "spatial"): Takeover.JUMP,
        (Sender.NOTE, "play"): Takeover.TOGGLE,
        (Sender.NOTE, "spatial"): Takeover.TOGGLE,
        (Sender.NOTE, "gain"): Takeover.JUMP,
        (Sender.PROGRAM, "gain"): Takeover.JUMP,
    }
    assert {key: resolved(Binding(sender=key[0], control=key[1]), rows[key[1]]) for key in best} == best
    chosen = Binding(sender=Sender.CC, control="gain", takeover=Takeover.SCALE)
    assert resolved(chosen, rows["gain"]) is Takeover.SCALE
