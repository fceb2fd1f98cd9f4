"""`controls.toml`: what it may hold, what is said about what it may not, and that a change keeps what people wrote."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sda.errors import ControlError, SdaError
from sda.formats import controls
from sda.mapping import Alias, Binding, ClockUse, Mapping, Sender, Takeover

FILE = """\
# my desk
play_channel = 10

[clock]
transport = false
density = 2   # grains per beat
drift = 0.5

[[midi]]
# the first fader
cc = 21
channel = 1
port = "nanoKONTROL"
control = "slider.brightness"
range = [5, -5]
curve = 2
takeover = "jump"

[[midi]]   # a pad
note = 36
act = "center"
feedback = false

[[osc]]
address = "/brightness"
from = [0, 127]
control = "slider.brightness"
to = [-10, 10]
curve = 1.5
"""
FADER = Binding(
    sender=Sender.CC, number=21, channel=1, port="nanoKONTROL", control="slider.brightness", span=(5.0, -5.0), curve=2.0,
    takeover=Takeover.JUMP,
)  # fmt: skip
PAD = Binding(sender=Sender.NOTE, number=36, act="center", feedback=False)
MAPPING = Mapping(
    play_channel=10,
    clock=ClockUse(transport=False, density=2.0, drift=0.5),
    bindings=(FADER, PAD),
    aliases=(Alias(address="/brightness", control="slider.brightness", low=0, high=127, span=(-10, 10), curve=1.5),),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "controls.toml"
    made.write_text(FILE)
    return made


def test_everything_that_may_be_in_it_is_read(path: Path) -> None:
    assert controls.read(path) == MAPPING


def test_no_file_and_an_empty_one_hold_nothing(tmp_path: Path) -> None:
    assert controls.read(tmp_path / "none.toml") == controls.decode("", "x") == Mapping()


def test_the_example_in_the_docstring_is_a_file() -> None:
    assert controls.__doc__ is not None
    text = controls.__doc__.split("\n\n", 2)[2]
    found = controls.decode(text, "example")
    assert [b.target for b in found.bindings] == ["slider.brightness"]
    assert (found.clock, found.play_channel) == (ClockUse(density=2.0, drift=0.25), 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("play_channel = 17", "controls.toml: play_channel: expected a whole number from 1 to 16, found '17'"),
        ("volume = 1", "controls.toml: volume: not known; expected one of play_channel, clock, midi, osc"),
        ("x = 1 2", "controls.toml: not TOML: .*line 1"),
        ("[clock]\ndensity = nan", "[clock]: density: expected a number from 0 to 1000, found 'nan'"),
        ("[midi]\ncc = 1", "midi: expected entries with [[ ]] around their name"),
        (
            '\n[[midi]]\ncc = 1\ncontrol = "gian"',
            ":2, [[midi]] 1: control: expected slider.NUMBER, slider.NAME or one of play, gain",
        ),
        ('[[midi]]\ncc = 1\ncontrol = "model"', "[[midi]] 1: control: expected slider.NUMBER"),
        (
            '[[midi]]\ncc = 1\ncontrol="gain"\n[[midi]]\ncc = 120\ncontrol="gain"',
            ":4, [[midi]] 2: cc: expected a whole number from 0 to 119",
        ),
        ('[[midi]]\ncc = 1\nnote = 2\ncontrol = "gain"', "cc or note: expected exactly one of cc, cc14, nrpn"),
        ('[[midi]]\ncontrol = "gain"', "sender: expected exactly one of cc"),
        ("[[midi]]\ncc = 1", 'expected either control = "ID" or act = "ID"'),
        ('[[midi]]\ncc = 1\ncontrol = "gain"\nact = "panic"', 'expected either control = "ID" or act = "ID"'),
        ('[[midi]]\ncc = 1\nact = "preset.recall"', "args: preset.recall: expected 1 to 2 values"),
        ('[[midi]]\ncc = 1\nact = "exec"', "act: expected one of panic, "),
        ('[[midi]]\ncc = 1\nact = "panic"\nrange = [0, 1]', "range: belongs to a control"),
        ('[[midi]]\ncc = 1\ncontrol = "gain"\nargs = [1]', "args: belongs to an act"),
        ('[[midi]]\ncc = 1\ncontrol = "gain"\nrange = [-60, 13]', "range: expected two different numbers from -60 to 12"),
        ('[[midi]]\ncc = 1\ncontrol = "gain"\nrange = [1, 1]', "range: expected two different numbers"),
        ('[[midi]]\ncc = 1\ncontrol = "play"\nrange = [0, 1]', "range: expected no range"),
        ('[[midi]]\ncc = 1\ncontrol = "gain"\ntakeover = "grab"', "takeover: expected one of jump, pickup, scale"),
        ('[[midi]]\nbend = 3\ncontrol = "gain"', "bend: expected true, found '3'"),
        ('[[midi]]\ncc = true\ncontrol = "gain"', "cc: expected a whole number"),
        ('[[midi]]\ncc = 1\ncontrol = "gain"\ncurve = "x + 1"', "curve: expected a number from 0.1 to 10"),
        ('[[osc]]\ncontrol = "gain"', ":1, [[osc]] 1: address: expected, but left out"),
        (
            '[[osc]]\naddress = "/sda/gain"\ncontrol = "gain"',
            "address: expected an OSC address such as /brightness, and none below /sda",
        ),
        ('[[osc]]\naddress = "/a*"\ncontrol = "gain"', "address: expected an OSC address"),
        ('[[osc]]\naddress = "/a"\ncontrol = "gain"\nfrom = [0, inf]', "from: expected two different numbers"),
    ],
)
def test_an_error_says_where_and_what_was_expected(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "controls.toml"
    path.write_text(text)
    with pytest.raises(ControlError) as error:
        controls.read(path)
    assert all(part in str(error.value) for part in said.split(".*"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = 1\0", b"[" * 100_000, b"a=" + b"[" * 5000])
def test_what_is_no_text_or_too_deep_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "controls.toml"
    path.write_bytes(content)
    with pytest.raises(ControlError):
        controls.read(path)


@given(
    st.recursive(
        st.one_of(st.booleans(), st.integers(), st.floats(), st.text()), lambda v: st.lists(v, max_size=3), max_leaves=5
    )
)
def test_whatever_a_value_is_it_is_taken_or_refused(value: object) -> None:
    for key in ("channel", "port", "control", "range", "curve", "takeover", "feedback", "args", "act"):
        entry = controls._Entry({"cc": 1, "control": "gain", key: value}, "x", "", controls.MIDI)
        with suppress(ControlError):
            assert controls._binding(entry).sender is Sender.CC


def test_a_learned_binding_joins_the_file_and_comments_stay(path: Path) -> None:
    wheel = Binding(sender=Sender.BEND, channel=2, port='Key "Station"', control="gain")
    after = controls.add(path, wheel)
    assert controls.read(path) == after
    assert after.bindings == (FADER, PAD, wheel)
    assert path.read_text().startswith(FILE[: FILE.index("[[osc]]")].rstrip())
    assert "# a pad" in path.read_text()


def test_learning_again_replaces_what_moved_the_control_and_what_the_knob_moved(path: Path) -> None:
    same_target = Binding(sender=Sender.CC, number=3, channel=1, port="nanoKONTROL", control="slider.brightness")
    after = controls.add(path, same_target)
    assert controls.read(path) == after
    assert after.bindings == (PAD, same_target)
    same_knob = Binding(sender=Sender.CC, number=3, channel=1, port="NANOkontrol", act="panic")
    after = controls.add(path, same_knob)
    assert controls.read(path).bindings == (PAD, same_knob)
    assert "# my desk" in path.read_text()


def test_how_a_knob_moves_its_control_is_changed_and_comments_stay(path: Path) -> None:
    after = controls.adjust(path, "slider.brightness", Takeover.SCALE, (-2.0, 8.0), None)
    changed = replace(FADER, takeover=Takeover.SCALE, span=(-2.0, 8.0), curve=None)
    assert controls.read(path) == after
    assert after.bindings == (PAD, changed)
    assert "# my desk" in path.read_text()
    assert "# a pad" in path.read_text()
    text = path.read_text()
    assert controls.adjust(path, "slider.brightness", Takeover.SCALE, (-2.0, 8.0), None) == after
    assert path.read_text() == text
    with pytest.raises(ControlError, match="two different numbers from -10 to 10"):
        controls.adjust(path, "slider.brightness", None, (-2.0, 80.0), None)
    with pytest.raises(ControlError, match="gain: no controller moves it"):
        controls.adjust(path, "gain", None, None, None)
    assert path.read_text() == text


def test_a_binding_is_forgotten_and_the_rest_stays(path: Path) -> None:
    after = controls.remove(path, "slider.brightness")
    assert (controls.read(path), after.bindings) == (after, (PAD,))
    after = controls.remove(path, "center")
    assert (controls.read(path), after.bindings) == (after, ())
    with pytest.raises(ControlError, match="gain: nothing is bound to it; found nothing"):
        controls.remove(path, "gain")
    assert controls.read(path).aliases == MAPPING.aliases


def test_a_file_is_made_where_there_is_none_and_every_field_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "controls.toml"
    mapping = Mapping()
    for binding in (
        FADER,
        PAD,
        Binding(sender=Sender.PRESSURE, control="drift"),
        Binding(sender=Sender.NRPN, number=16383, control="seed"),
    ):
        mapping = mapping.learned(binding)
        assert controls.add(path, binding) == controls.read(path) == mapping
    assert len(tomllib.loads(path.read_text())["midi"]) == 4


@pytest.mark.parametrize(
    "text",
    [
        'midi = [{cc = 1, control = "gain"}, {cc = 2, control = "width"}]',
        "midi = []",
        "[clock]\ndrift = 1",
        "midi = [ # two\n]",
    ],
)
def test_entries_in_another_notation_are_added_to_as_well(tmp_path: Path, text: str) -> None:
    path = tmp_path / "controls.toml"
    path.write_text(text)
    mapping = controls.read(path)
    after = controls.add(path, FADER)
    assert controls.read(path) == after
    assert after.bindings == (*mapping.bindings, FADER)


def test_a_file_that_cannot_be_written_is_said_and_stays(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    with pytest.raises(SdaError, match=r"folder\.toml"):
        controls.add(folder, FADER)
