"""The table of controls, walked row by row."""

from __future__ import annotations

import math

import pytest

from sda.errors import ControlError
from sda.params import PARAMS, Kind, Param, check, from_unit, slider_rows, slug, slugs, to_unit, unbend

# Range and default of every row, from the table of the control surface's page.
PAGE = {
    "play": (0, 1, False),
    "gain": (-60, 12, 0),
    "glide": (0, 5000, 50),
    "variation": (0, 1, 0.3),
    "drift": (0, 10, 0.25),
    "density": (0, 16, 2),
    "freeze": (0, 1, False),
    "seed": (0, 2**31 - 1, 0),
    "vocoder": (0, 1, "auto"),
    "map.x": (-1, 1, 0),
    "map.y": (-1, 1, 0),
    "map.share": (0, 1, 0),
    "morph": (0, 1, 0),
    "spatial": (0, 1, "stereo"),
    "width": (0, 1, 0.5),
    "azimuth": (-180, 180, 0),
    "elevation": (-40, 90, 0),
    "distance": (0.2, 10, 1),
    "limiter": (0, 1, True),
}
VOCODER = next(row for row in PARAMS if row.id == "vocoder")
ROWS = (*PARAMS, *slider_rows(["Brightness", "noise"]))
NUMBERS = [row for row in ROWS if row.kind in (Kind.FLOAT, Kind.INT)]


def test_rows_are_those_of_the_page() -> None:
    assert {row.id: (row.low, row.high, row.default) for row in PARAMS if row.kind is not Kind.TEXT} == PAGE
    assert [row.id for row in PARAMS if row.kind is Kind.TEXT] == ["model"]
    choices = {"vocoder": ("auto", "bigvgan", "hifigan"), "spatial": ("mono", "stereo", "binaural")}
    assert {row.id: row.choices for row in PARAMS if row.kind is Kind.CHOICE} == choices


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_takes_its_default_and_says_what_it_is(row: Param) -> None:
    assert check(row, row.default) == row.default
    assert type(check(row, row.default)) is {"float": float, "int": int, "bool": bool}.get(row.kind, str)
    assert row.address == "/sda/" + "/".join(row.id.split("."))
    assert not row.help or row.help.endswith(".")
    assert len(row.help) < 200  # more is cut in an OSC answer


@pytest.mark.parametrize("row", NUMBERS, ids=lambda row: row.id)
def test_a_number_is_clipped_and_its_unit_range_spans_the_row(row: Param) -> None:
    assert check(row, row.high + 1) == check(row, 10**400) == row.high
    assert check(row, row.low - 0.001) == check(row, -(10**400)) == row.low
    assert (from_unit(row, 0.0), from_unit(row, 1.0)) == (row.low, row.high)
    assert (from_unit(row, -3.0), from_unit(row, 7.0)) == (row.low, row.high)
    places = [n / 16 for n in range(17)]
    values = [from_unit(row, place) for place in places]
    assert values == sorted(values)
    assert len(set(values)) == 17
    assert [to_unit(row, value) for value in values] == pytest.approx(places, abs=1e-6)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, None, b"x", [1.0]], ids=repr)
def test_what_is_no_value_is_refused(row: Param, bad: object) -> None:
    with pytest.raises(ControlError, match=row.id):
        check(row, bad)


def test_the_curve_is_a_power() -> None:
    drift = next(row for row in PARAMS if row.id == "drift")
    # The page: 0 .. 10 Hz, power 3. Half way is 10 / 2^3 = 1.25 Hz, and 1.25 Hz is half way.
    assert from_unit(drift, 0.5) == 1.25
    assert to_unit(drift, 1.25) == pytest.approx(0.5)
    gain = next(row for row in PARAMS if row.id == "gain")
    assert unbend(gain, 1.25) == 30.0  # 12 dB and a quarter of 72 dB beyond
    assert unbend(gain, -0.5) == -96.0


def test_kinds_round_and_look_up() -> None:
    seed, play = (next(row for row in PARAMS if row.id == id) for id in ("seed", "play"))
    assert check(seed, 6.7) == 7
    assert type(check(seed, 6.7)) is int
    assert [check(play, value) for value in (0, 0.49, 0.5, 1, True, 3.0, -1)] == [False, False, True, True, True, True, False]
    assert [check(VOCODER, value) for value in ("hifigan", 1, 2.0, 9, -1)] == [
        "hifigan",
        "bigvgan",
        "hifigan",
        "hifigan",
        "auto",
    ]
    assert [from_unit(VOCODER, place) for place in (0.0, 0.5, 1.0)] == ["auto", "bigvgan", "hifigan"]
    assert to_unit(VOCODER, "bigvgan") == 0.5
    with pytest.raises(ControlError, match="auto, bigvgan, hifigan"):
        check(VOCODER, "wavenet")
    with pytest.raises(ControlError, match="number"):
        check(seed, "7")
    model = next(row for row in PARAMS if row.id == "model")
    with pytest.raises(ControlError, match="200"):
        check(model, "x" * 201)
    with pytest.raises(ControlError):
        unbend(model, 0.5)
    with pytest.raises(ControlError):
        to_unit(model, "bells")


def test_names_become_slugs() -> None:
    assert [slug(name) for name in ("Bright Ness", "Ärger!", "7", "--", "a_b.c")] == [
        "bright-ness",
        "rger",
        "axis-7",
        "axis",
        "a-b-c",
    ]
    assert slugs(["Noise", "noise", "noise-2", "NOISE"]) == ("noise", "noise-2", "noise-2-2", "noise-3")
    assert [row.id for row in slider_rows(["b", "a"])] == ["slider.1", "slider.2"]
    assert [row.name for row in slider_rows(["b", "a"])] == ["b", "a"]
