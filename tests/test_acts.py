"""The table of acts: what each takes, what is refused, and that the engine has a deed for every row."""

from __future__ import annotations

import pytest

from sda.acts import ACTS, Act, Argument, check_arguments, is_release
from sda.errors import ControlError
from sda.live.engine import Engine
from sda.live.options import Options
from sda.params import Kind

RECALL = Act(
    id="preset.recall",
    arguments=(
        Argument(name="name", kind=Kind.TEXT),
        Argument(name="seconds", kind=Kind.FLOAT, unit="s", low=0, high=60, needed=False),
    ),
)
BUTTON = Act(id="center")


def test_addresses_are_ids_with_slashes_and_no_two_are_alike() -> None:
    assert RECALL.address == "/sda/preset/recall"
    assert len({act.address for act in ACTS}) == len(ACTS)


def test_arguments_are_clipped_and_may_be_left_out_at_the_end() -> None:
    assert check_arguments(RECALL, ["dusk"]) == ("dusk",)
    assert check_arguments(RECALL, ["dusk", 99]) == ("dusk", 60.0)


@pytest.mark.parametrize(
    ("args", "found"),
    [
        ([], "expected 1 to 2 values"),
        (["a", 1, 2], "found 3"),
        ([1.0], "expected a text"),
        ([""], "expected a text"),
        (["../dusk"], "a name from the library"),
        (["C:dusk"], "a name from the library"),
        (["dusk", float("nan")], "a finite number"),
        (["dusk", "soon"], "a finite number"),
    ],
)
def test_what_an_act_does_not_take_is_said(args: list[object], found: str) -> None:
    with pytest.raises(ControlError, match=found):
        check_arguments(RECALL, args)


def test_a_button_that_is_let_go_is_no_press() -> None:
    assert is_release(BUTTON, [0])
    assert is_release(BUTTON, [False])
    assert not is_release(BUTTON, [1.0])
    assert not is_release(BUTTON, [])
    assert not is_release(RECALL, [0])
    assert check_arguments(BUTTON, [1.0, "whatever"]) == ()


def test_every_act_has_a_deed_and_no_deed_is_without_its_row(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDA_HOME", str(tmp_path))
    engine = Engine(Options(osc=("127.0.0.1", 0), audio="null"), print)
    assert set(engine.deeds.table) == {act.id for act in ACTS}
