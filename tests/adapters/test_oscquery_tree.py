"""The OSCQuery tree against the examples of the proposal, and against the registry."""

from __future__ import annotations

from typing import Any

import pytest

from sda.acts import ACTS, Act, Argument
from sda.adapters.oscquery_tree import Tree, host_info
from sda.params import PARAMS, Kind, Param, slider_rows

HOST = host_info("My Special Server", "", 9000, 9001)
FOO = Param(id="foo", kind=Kind.FLOAT, low=0, high=100, help="single float value ranged 0-100")
QUX = Param(
    id="baz.qux", kind=Kind.CHOICE, choices=("empty", "half-full", "full"), help="accepts one of several string-type inputs"
)
BAR = Act(
    id="bar",
    help="two ints with different ranges",
    arguments=(
        Argument(name="one", kind=Kind.INT, low=0, high=50),
        Argument(name="two", kind=Kind.INT, low=51, high=100),
    ),
)


def example() -> Tree:
    """The address space of the proposal's examples, below /sda as all of ours."""
    return Tree((FOO, QUX), (BAR,))


def asked(target: str, **values: Any) -> tuple[int, Any]:
    status, body = example().query(target, {"foo": 0.5, "baz.qux": "half-full", **values}, HOST)
    return int(status), body


def test_the_proposals_examples() -> None:
    # README.md of the proposal, "Examples": / , /baz , ?VALUE , ?RANGE , ?TYPE of a container, a path that is none.
    qux = {
        "DESCRIPTION": "accepts one of several string-type inputs",
        "FULL_PATH": "/sda/baz/qux",
        "ACCESS": 3,
        "TYPE": "s",
        "VALUE": ["half-full"],
        "RANGE": [{"VALS": ["empty", "half-full", "full"]}],
    }
    status, baz = asked("/sda/baz")
    assert status == 200
    assert {"FULL_PATH": baz["FULL_PATH"], "ACCESS": baz["ACCESS"]} == {"FULL_PATH": "/sda/baz", "ACCESS": 0}
    assert qux.items() <= baz["CONTENTS"]["qux"].items()
    whole = asked("/")[1]
    assert (whole["FULL_PATH"], list(whole["CONTENTS"])) == ("/", ["sda"])
    inside = whole["CONTENTS"]["sda"]["CONTENTS"]
    assert inside["baz"] == baz
    foo = {"FULL_PATH": "/sda/foo", "TYPE": "f", "VALUE": [0.5], "RANGE": [{"MIN": 0.0, "MAX": 100.0}]}
    assert foo.items() <= inside["foo"].items()
    bar = {"FULL_PATH": "/sda/bar", "TYPE": "ii", "RANGE": [{"MIN": 0, "MAX": 50}, {"MIN": 51, "MAX": 100}]}
    assert bar.items() <= inside["bar"].items()
    assert asked("/sda/foo?VALUE") == (200, {"VALUE": [0.5]})
    assert asked("/sda/baz/qux?RANGE") == (200, {"RANGE": [{"VALS": ["empty", "half-full", "full"]}]})
    assert asked("/sda/baz?TYPE") == (200, {})
    assert asked("/sda/bazzzzz?TYPE") == (404, None)


def test_host_info_is_the_same_wherever_it_is_asked() -> None:
    for target in ("/?HOST_INFO", "/sda/foo?HOST_INFO", "/nowhere?HOST_INFO"):
        assert asked(target) == (200, HOST)
    assert HOST["NAME"] == "My Special Server"
    assert (HOST["OSC_PORT"], HOST["OSC_TRANSPORT"], HOST["WS_PORT"]) == (9000, "UDP", 9001)
    assert "OSC_IP" not in HOST  # then it is where the query was sent to
    assert host_info("x", "127.0.0.1", 1, 2)["OSC_IP"] == "127.0.0.1"
    supported = {"ACCESS", "VALUE", "RANGE", "DESCRIPTION", "UNIT", "CLIPMODE", "LISTEN", "PATH_CHANGED"}
    assert supported <= {name for name, there in HOST["EXTENSIONS"].items() if there is True}


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/sda/foo?GABBA", 400),
        ("/sda/foo?", 400),
        ("/nowhere?GABBA", 400),
        ("/sda/foo?VALUE&RANGE", 400),
        ("/sda/baz?VALUE", 204),  # a container has none
        ("/sda/bar?VALUE", 204),  # and an act is only written
        ("/sda/foo?TAGS", 204),
        ("/sda/fo", 404),
        ("//sda/foo", 404),
        ("/sda/foo/norm", 404),
        ("/sda/../sda/foo", 404),
        ("/sda/%00", 404),
        ("", 200),
        ("/sda/", 200),
        ("/sda/baz%2Fqux", 200),
        ("/sda/foo?%56ALUE", 200),
    ],
)
def test_what_is_asked_wrongly(target: str, status: int) -> None:
    assert asked(target)[0] == status
    assert (asked(target)[1] is None) == (status != 200)


def test_every_row_and_act_is_there_and_nothing_else() -> None:
    rows = (*PARAMS, *slider_rows(["brightness", "decay"], ["spectral centroid", ""]))
    values = {row.id: row.default for row in rows}
    tree = Tree(rows)

    def leaves(node: dict[str, Any]) -> dict[str, dict[str, Any]]:
        own = {node["FULL_PATH"]: node} if node["ACCESS"] else {}
        for inner in node.get("CONTENTS", {}).values():
            own |= leaves(inner)
        return own

    found = leaves(tree.query("/", values, HOST)[1] or {})
    assert found.keys() == {row.address for row in rows} | {act.address for act in ACTS}
    for row in rows:
        node = found[row.address]
        assert node["ACCESS"] == 3
        assert len(node["VALUE"]) == len(node["TYPE"]) == 1
        assert node["VALUE"][0] == row.default
        assert type(node["VALUE"][0]) is {"f": float, "i": int, "s": str}[node["TYPE"]]
        if row.kind in (Kind.FLOAT, Kind.INT):
            assert (node["RANGE"], node["CLIPMODE"]) == ([{"MIN": row.low, "MAX": row.high}], ["both"])
    assert found["/sda/gain"]["UNIT"] == ["gain.db"]  # units.md of the proposal
    assert found["/sda/drift"]["UNIT"] == ["time.hz"]
    assert found["/sda/slider/1"]["DESCRIPTION"] == "brightness: spectral centroid"
    assert found["/sda/slider/2"]["DESCRIPTION"] == "decay"
    assert found["/sda/play"]["OVERLOADS"] == [{"TYPE": "T"}, {"TYPE": "F"}]
    assert found["/sda/vocoder"]["OVERLOADS"][0]["RANGE"] == [{"MIN": 0, "MAX": 2}]
    assert [found[act.address]["ACCESS"] for act in ACTS] == [2] * len(ACTS)
    assert "VALUE" not in found["/sda/panic"]


def test_an_act_with_arguments_says_what_may_be_left_out() -> None:
    act = Act(
        id="preset.recall",
        arguments=(
            Argument(name="name", kind=Kind.TEXT),
            Argument(name="seconds", kind=Kind.FLOAT, unit="s", high=60, needed=False),
        ),
    )
    node = Tree((), (act,)).query("/sda/preset/recall", {}, HOST)[1]
    assert node is not None
    assert (node["TYPE"], node["RANGE"], node["UNIT"]) == ("sf", [{}, {"MIN": 0.0, "MAX": 60}], ["", "time.second"])
    assert node["OVERLOADS"] == [{"TYPE": "s"}]


def test_where_a_model_changed_the_tree() -> None:
    def tree(*names: str) -> Tree:
        return Tree((*PARAMS, *slider_rows(names)))

    assert tree("a", "b").changed_since(tree("a", "b")) is None
    assert tree("a", "c").changed_since(tree("a", "b")) == "/sda/slider"  # the container of what changed
    assert tree("a").changed_since(tree("a", "b")) == "/sda/slider"
    assert tree().changed_since(tree("a")) == "/sda"  # the container of sliders is gone as well
    assert tree("a").changed_since(tree()) == "/sda"
