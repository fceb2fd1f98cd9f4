"""Preset files: what they say, byte for byte, what is kept of what nobody knows, and what is refused in which words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies

from sda.errors import ControlError, SdaError
from sda.formats import preset as file
from sda.formats.preset import Preset, check_preset_name, fit, renewed, taken
from sda.params import PARAMS, slider_rows

ROWS = (*PARAMS, *slider_rows(["Brightness", "grit"]))
MODEL = "0b8f7d4e-3a86-4c4b-9a52-6e0d6a2f9c11"
WRITTEN = """{
  "name": "Dämmerung",
  "number": 3,
  "model": "0b8f7d4e-3a86-4c4b-9a52-6e0d6a2f9c11",
  "model_name": "bells",
  "values": {
    "gain": -6.5,
    "seed": 7,
    "limiter": false,
    "spatial": "mono",
    "slider.1": 3.5,
    "reverb.size": 0.25
  },
  "sliders": {
    "brightness": 3.5
  },
  "created": "2026-01-02T03:04:05+00:00",
  "colour": "blue"
}
"""


def put(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_file_says_what_a_preset_says_byte_for_byte(tmp_path: Path) -> None:
    found = file.read(put(tmp_path / "a.json", WRITTEN))
    assert found == Preset(
        name="Dämmerung",
        number=3,
        model=MODEL,
        model_name="bells",
        values={"gain": -6.5, "seed": 7, "limiter": False, "spatial": "mono", "slider.1": 3.5, "reverb.size": 0.25},
        sliders={"brightness": 3.5},
        created="2026-01-02T03:04:05+00:00",
        extra={"colour": "blue"},
    )
    file.write(tmp_path / "b.json", found)
    assert (tmp_path / "b.json").read_bytes() == WRITTEN.encode()


def test_any_part_may_be_missing(tmp_path: Path) -> None:
    assert file.read(put(tmp_path / "dusk.json", {})) == Preset(name="dusk")
    assert file.read(put(tmp_path / "dusk.json", {"values": {"gain": -3}})).values == {"gain": -3}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (WRITTEN.replace("0.25", "[]"), "values: reverb.size: expected a value"),
        (WRITTEN[:100], "expected a preset as JSON"),
        ("", "expected a preset as JSON"),
        ("[" * 100_000, "expected a preset as JSON"),
        ('{"values": {"gain": NaN}}', "NaN is no number"),
        ('{"sliders": {"a": -Infinity}}', "-Infinity is no number"),
        ('{"values": {"gain": 1e999}}', "values: gain: expected a value"),
        ({"sliders": {"a": 10**400}}, "sliders: a: expected a finite number"),
        ({"sliders": {"a": True}}, "sliders: a: expected a finite number"),
        ({"sliders": {"a": "3"}}, "sliders: a: expected a finite number"),
        ({"values": {"gain": None}}, "values: gain: expected a value"),
        ({"values": [1]}, "values: expected an object"),
        ({"values": {str(n): n for n in range(10_001)}}, "at most 10000 values"),
        ([1, 2], "expected an object"),
        ({"name": "../dusk"}, "expected a name from the library"),
        ({"name": "a\nb"}, "expected a name from the library"),
        ({"name": 3}, "name: expected a text"),
        ({"name": "x" * 101}, "1 to 100 printable characters"),
        ({"number": -1}, "number: expected a whole number"),
        ({"number": True}, "number: expected a whole number"),
        ('{"name": "\\ud800"}', "not Unicode"),
        (" " * ((1 << 20) + 1), "at most 1048576 bytes"),
    ],
)
def test_what_is_no_preset_is_one_clear_error(tmp_path: Path, content: object, words: str) -> None:
    path = put(tmp_path / "bad.json", content)
    with pytest.raises(SdaError) as error:
        file.read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_preset_holds_what_lasts_by_number_and_by_name() -> None:
    values = {row.id: row.default for row in ROWS} | {"slider.2": -4.0, "gain": -9.0, "play": True, "model": "bells"}
    found = taken(ROWS, values, name="dusk", model=MODEL)
    assert found.values["gain"] == -9.0
    assert found.values["slider.2"] == -4.0
    assert found.sliders == {"brightness": 0.0, "grit": -4.0}
    assert set(found.values) == {row.id for row in ROWS} - {"play", "model", "freeze", "morph"}


def test_sliders_are_found_by_name_and_by_number_only_in_their_own_model() -> None:
    preset = Preset(name="a", model=MODEL, values={"slider.1": 1.0, "slider.2": 2.0, "gain": -3.0}, sliders={"grit": 2.0})
    assert fit(preset, ROWS, own=preset.is_for(MODEL)).values == {"slider.1": 1.0, "slider.2": 2.0, "gain": -3.0}
    assert fit(preset, ROWS, own=preset.is_for("another")).values == {"slider.2": 2.0, "gain": -3.0}
    moved = (*PARAMS, *slider_rows(["grit", "Brightness", "decay"]))  # the same model, analysed again
    assert fit(Preset(name="a", model=MODEL, sliders={"grit": 2.0}), moved, own=True).values == {"slider.1": 2.0}
    assert fit(Preset(name="a", values={"slider.2": 2.0}), moved, own=Preset(name="a").is_for(MODEL)).values == {
        "slider.2": 2.0
    }  # of any model


def test_what_means_nothing_here_is_reported() -> None:
    values = {"reverb": 0.5, "play": True, "model": "x", "slider.9": 1.0, "gain": -1.0}
    assert fit(Preset(name="a", values=values), ROWS, own=True).unknown == ("reverb", "play", "model", "slider.9")
    assert fit(Preset(name="a", sliders={"warmth": 1.0, "grit": 2.0}), ROWS, own=True).unknown == ("slider.warmth",)


def test_saving_over_a_preset_keeps_what_nobody_here_knows() -> None:
    old = Preset(name="a", number=5, values={"reverb": 0.5, "gain": 1.0, "slider.3": 2.0}, extra={"colour": "blue"})
    new = renewed(old, Preset(name="a", values={"gain": -2.0}, sliders={}))
    assert (new.number, new.values, new.extra) == (5, {"reverb": 0.5, "gain": -2.0}, {"colour": "blue"})


ANYTHING = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.floats() | strategies.text(max_size=8),
    lambda inner: strategies.lists(inner, max_size=4) | strategies.dictionaries(strategies.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = strategies.sampled_from([*file.KEYS, "colour"])


@settings(max_examples=150, deadline=None)
@given(strategies.dictionaries(KEYS, ANYTHING))
def test_whatever_is_in_a_file_is_a_preset_or_refused(data: dict[str, object]) -> None:
    try:
        preset = file.from_json(data, "name")
    except SdaError:
        return
    assert file.from_json(json.loads(json.dumps(preset.to_json(), allow_nan=False)), "name") == preset
    found = fit(preset, ROWS, own=True)
    assert set(found.values) <= {row.id for row in ROWS}


@pytest.mark.parametrize("name", ["", "  ", "..", "a/b", "a\\b", "C:x", "a\tb", "\u202ex", "x" * 101])
def test_a_name_is_never_a_path_nor_unprintable(name: str) -> None:
    with pytest.raises(ControlError):
        check_preset_name(name)
    assert check_preset_name(" Dämmerung 2.1 ") == "Dämmerung 2.1"
