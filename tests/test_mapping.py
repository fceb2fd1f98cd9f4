"""Ranges of bindings: a knob's way over a control's values and back."""

from __future__ import annotations

import pytest

from sda.mapping import Binding, Mapping, Sender, place_of, spanned, value_at
from sda.params import PARAMS, slider_rows

ROWS = {row.id: row for row in (*PARAMS, *slider_rows(["one"]))}


@pytest.mark.parametrize(
    ("id", "span", "curve", "values"),
    [
        ("slider.1", None, None, (-10, 0, 10)),
        ("slider.1", (5, -5), None, (5, 0, -5)),
        ("density", None, None, (0, 4, 16)),  # its own curve is 2: a half squared is a quarter of 16
        ("density", (0, 8), None, (0, 4, 8)),
        ("density", (8, 0), 2, (8, 6, 0)),
        ("gain", None, 2, (-60, -42, 12)),  # a quarter of 72 dB above -60
        ("play", None, None, (0, 0.5, 1)),
        ("spatial", None, None, (0, 1, 2)),
    ],
)
def test_a_way_has_its_ends_its_middle_and_its_way_back(
    id: str, span: tuple[float, float] | None, curve: float | None, values: tuple[float, ...]
) -> None:
    row = spanned(ROWS[id], span, curve)
    assert [value_at(row, place) for place in (0, 0.5, 1)] == pytest.approx(values)
    assert [value_at(row, place) for place in (-1, 2)] == pytest.approx([values[0], values[-1]])
    if id not in ("play", "spatial"):
        assert [place_of(row, value) for value in values] == pytest.approx([0, 0.5, 1])
        assert place_of(row, min(values) - 1) == float(values[0] > values[-1])


def test_a_choice_and_a_switch_have_places() -> None:
    assert [place_of(ROWS["spatial"], value) for value in ("mono", "stereo", "binaural")] == [0, 0.5, 1]
    assert [place_of(ROWS["play"], value) for value in (False, True)] == [0, 1]


def test_words_for_people() -> None:
    assert Binding(sender=Sender.CC14, number=1, channel=3, port="Desk", act="panic").place == "cc14 1, channel 3, Desk"
    assert Binding(sender=Sender.BEND, control="gain").place == "bend, any channel, any port"


def test_bindings_of_a_target_are_forgotten_together() -> None:
    one, two = (Binding(sender=Sender.CC, number=n, control="gain") for n in (1, 2))
    other = Binding(sender=Sender.CC, number=3, act="panic")
    assert Mapping(bindings=(one, other, two)).forgotten("gain").bindings == (other,)
