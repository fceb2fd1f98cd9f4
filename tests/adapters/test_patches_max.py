"""The Max patch: its file by py2max, its script by an ECMAScript 5 engine, and what Max sends, replayed.

Max cannot run here. What [udpsend] makes of a Max message is built from its reference (docs.cycling74.com/reference/udpsend):
an OSC message with the first word as the address and `i`, `f`, `s` for ints, floats and symbols, never a bundle.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import dukpy
import pytest
from osc_desk import Desk, read
from py2max import Patcher

MAX = Path(__file__).parents[2] / "patches" / "max"

# A stand-in for Max's `patcher` and `Maxobj` (docs.cycling74.com: "JavaScript in Max"), which keeps what is made.
STAND_IN = """
var made = [], wires = [], sent = [], messagename = "";
function Box(kind, words) { this.kind = kind; this.words = words; this.told = []; this.gone = false; }
Box.prototype.message = function () { this.told.push([].slice.call(arguments)); };
var out = {message: function () { sent.push([].slice.call(arguments)); }};
var patcher = {
    newdefault: function (x, y, kind) {
        var box = new Box(kind, [].slice.call(arguments, 3)); made.push(box); return box;
    },
    remove: function (box) { box.gone = true; },
    getnamed: function (name) { if (name !== "sda_send") { throw name; } return out; },
    hiddenconnect: function (from, outlet, to, inlet) {
        wires.push([made.indexOf(from), outlet, to === out ? "out" : made.indexOf(to), inlet]);
    }
};
function arrayfromargs(args) { return [].slice.call(args); }
function receive(messages) {
    for (var i = 0; i < messages.length; i++) {
        messagename = messages[i][0];
        anything.apply(this, messages[i].slice(1));
    }
}
"""


class Js:
    """`sda.js` in a patch that holds nothing else."""

    def __init__(self) -> None:
        self._engine = dukpy.JSInterpreter()
        self._engine.evaljs(STAND_IN + (MAX / "sda.js").read_text(encoding="utf-8") + "\n;null")

    def receive(self, messages: list[tuple[object, ...]]) -> list[list[Any]]:
        """Hear messages; what is sent meanwhile."""
        sent: list[list[Any]] = self._engine.evaljs("sent = []; receive(dukpy.messages); sent", messages=messages)
        return sent

    def boxes(self) -> list[dict[str, Any]]:
        """Boxes that are there: `kind`, `told`, and `to`, the addresses their outlets lead to."""
        made, wires = self._engine.evaljs("[made, wires]")
        assert all(made[target]["kind"] == "prepend" for _, _, target, _ in wires if target != "out")
        for n, box in enumerate(made):
            box["to"] = [(outlet, made[to]["words"][0]) for source, outlet, to, _ in wires if source == n and to != "out"]
        return [box for box in made if not box["gone"]]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def table(desk: Desk) -> list[tuple[object, ...]]:
    return desk.send("/sda/q/params")


def test_the_patch_has_no_fault_that_py2max_finds() -> None:
    patch = Patcher.from_file(MAX / "sda.maxpat")
    assert [str(finding) for finding in patch.lint()] == []
    texts = [box.text for box in patch._boxes if getattr(box, "text", None)]
    assert {"udpsend 127.0.0.1 16180", "udpreceive 16181", "js sda.js", "/sda/listen 16181", "/sda/q/params"} <= set(texts)
    broken = json.loads((MAX / "sda.maxpat").read_text())
    broken["patcher"]["lines"][0]["patchline"]["source"][1] = 9
    assert Patcher.from_dict(broken["patcher"]).lint()


def test_the_script_builds_a_control_for_every_row_that_leads_to_its_address(desk: Desk) -> None:
    js = Js()
    asked = js.receive(table(desk))
    assert asked == [["/sda/q/models"], ["/sda/q/presets"], ["/sda/q/all"]]
    leads = {address for box in js.boxes() for _, address in box["to"]}
    for row in desk.controls.rows:
        assert row.address in leads, row.id
    assert {"/sda/slider/1/norm", "/sda/drift/norm"} <= leads
    labels = [words[1] for box in js.boxes() for words in box["told"] if box["kind"] == "comment" and words[0] == "set"]
    assert {"brightness", "noise", "gain", "dB"} <= set(labels)


def test_the_script_shows_what_changed_and_offers_models_and_choices(desk: Desk) -> None:
    js = Js()
    js.receive(table(desk))
    js.receive([*desk.send("/sda/q/models"), ("/sda/drift", 10 * 0.5**3), ("/sda/slider/2", 5.0), ("/sda/vocoder", "hifigan")])
    last = {box["to"][0][1]: box["told"] for box in js.boxes() if box["to"]}
    assert last["/sda/drift/norm"][-1] == ["setlist", pytest.approx(0.5)]  # the curve of drift is the third power
    assert last["/sda/drift"][-1] == ["set", 1.25]
    assert last["/sda/slider/2/norm"][-1] == ["setlist", pytest.approx(0.75)]
    assert last["/sda/vocoder"][-4:] == [
        ["append", "auto"],
        ["append", "bigvgan"],
        ["append", "hifigan"],
        ["setsymbol", "hifigan"],
    ]
    assert last["/sda/model"][-3:] == [["clear"], ["append", "bells"], ["append", "rain"]]
    js.receive([("/sda/presets/name", "dusk", 1, "bells"), ("/sda/presets/name", "two words", 2, "rain"), ("/sda/presets", 2)])
    menu = next(box for box in js.boxes() if box["to"] == [(1, "/sda/preset/recall")])
    assert menu["told"] == [["clear"], ["append", "dusk"], ["append", "two words"]]
    assert js.receive([("/sda/done", "/sda/preset/save")]) == [["/sda/q/presets"]]


def test_the_script_builds_anew_for_another_model_only_and_asks_again_for_a_row_that_was_lost(desk: Desk) -> None:
    js = Js()
    js.receive(table(desk))
    before = len(js.boxes())
    assert js.receive(table(desk)) == []
    desk.controls.install_sliders(["one"])
    assert js.receive(table(desk)[1:]) == [["/sda/q/params"]]
    assert len(js.boxes()) == before
    js.receive(table(desk))
    assert len(js.boxes()) < before
    assert "/sda/slider/2" not in {address for box in js.boxes() for _, address in box["to"]}


def osc(address: str, tags: str, *values: object) -> bytes:
    """A message byte by byte: strings end in a zero and fill fours, numbers are big-endian."""

    def padded(text: str) -> bytes:
        data = text.encode() + b"\0"
        return data + bytes(-len(data) % 4)

    body = b"".join(padded(str(v)) if tag == "s" else struct.pack(">" + tag, v) for tag, v in zip(tags, values, strict=True))
    return padded(address) + padded("," + tags) + body


def test_what_udpsend_makes_of_max_messages_is_taken(desk: Desk) -> None:
    assert osc("/sda/play", "i", 1) == b"/sda/play\0\0\0,i\0\0\0\0\0\1"
    desk.raw(osc("/sda/play", "i", 1))  # [/sda/play 1(
    desk.raw(osc("/sda/slider/brightness", "f", 6.0))  # [/sda/slider/brightness 6.(
    desk.raw(osc("/sda/vocoder", "s", "hifigan"))  # a umenu's text
    desk.raw(osc("sda/gain", "f", -6.0))  # without the slash
    desk.raw(osc("/sda/sliders", "fi", 1.5, 2))  # a list of both kinds
    values = [desk.controls.get(id) for id in ("play", "vocoder", "gain", "slider.1", "slider.2")]
    assert values == [True, "hifigan", -6.0, 1.5, 2.0]
    answers = desk.raw(osc("/sda/listen", "i", 16181))
    assert {address for _, address in answers} == {("127.0.0.1", 16181)}
    assert len(read(answers)) == len(desk.controls.rows) + 1
