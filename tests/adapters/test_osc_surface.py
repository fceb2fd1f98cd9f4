"""What OSC messages do to the controls and the engine, and what is answered. No socket; python-osc reads the answers."""

from __future__ import annotations

import math
import struct

import pytest
from osc_desk import DESIGNER, MAX, Desk, others, read

from sda.adapters.osc_packet import encode
from sda.errors import ModelError


def test_set_and_ask_in_units() -> None:
    desk = Desk()
    assert desk.send("/sda/gain", -6.0) == []
    assert desk.send("/sda/q/gain") == [("/sda/gain", -6.0)]
    assert desk.send("sda/play", 1) == []  # Max: no leading slash
    assert desk.send("/sda/q/play") == [("/sda/play", 1)]
    desk.send("/sda/model", "rain")
    assert desk.send("/sda/q/model") == [("/sda/model", "rain")]
    assert desk.send("/sda/model", "wait...: what") == []


def test_the_twin_below_gives_and_takes_the_place_in_the_range() -> None:
    desk = Desk()
    desk.send("/sda/drift/norm", 0.5)
    assert desk.send("/sda/q/drift") == [("/sda/drift", 1.25)]  # 10 Hz * 0.5^3
    desk.send("/sda/gain", -42.0)
    assert desk.send("/sda/q/gain/norm") == [("/sda/gain/norm", 0.25)]  # 18 of 72 dB
    desk.send("/sda/slider/1/norm", 2)
    assert desk.controls.get("slider.1") == 10.0
    assert desk.send("/sda/gain/norm", math.nan)[0][:3] == ("/sda/error", "/sda/gain/norm", "value")


@pytest.mark.parametrize(("value", "tag"), [(1, "i"), (1.0, "f"), (1.0, "d"), (1, "h"), (True, "T")])
@pytest.mark.parametrize(("id", "expected"), [("gain", 1.0), ("play", True), ("seed", 1), ("slider.2", 1.0)])
def test_every_number_type_sets_numbers_and_bools(value: object, tag: str, id: str, expected: object) -> None:
    desk = Desk()
    assert desk.raw(others("/sda/" + id.replace(".", "/"), value, tag)) == []
    assert desk.controls.get(id) == expected


def test_false_is_zero() -> None:
    desk = Desk()
    desk.raw(others("/sda/limiter", False, "F"))
    assert desk.controls.get("limiter") is False


def test_sliders_by_number_by_name_and_all_at_once() -> None:
    desk = Desk()
    desk.send("/sda/slider/brightness", 3.5)
    assert desk.send("/sda/q/slider/1") == [("/sda/slider/1", 3.5)]
    desk.send("/sda/sliders", 1, -2.5)
    assert desk.send("/sda/q/sliders") == [("/sda/sliders", 1.0, -2.5)]
    assert desk.send("/sda/q/slider/noise") == [("/sda/slider/noise", -2.5)]
    assert desk.send("/sda/sliders", 5.0)[0:] == []  # fewer: the first ones
    assert desk.send("/sda/q/sliders") == [("/sda/sliders", 5.0, -2.5)]
    assert desk.send("/sda/sliders", 1, 2, 3)[0][1:] == ("/sda/sliders", "value", "expected 1 to 2 values, found 3")


@pytest.mark.parametrize(
    ("address", "args"),
    [
        ("/sda/gain", (math.nan,)),
        ("/sda/gain", (math.inf,)),
        ("/sda/gain", ("loud",)),
        ("/sda/gain", ()),
        ("/sda/gain", (1.0, 2.0)),
        ("/sda/gain", (b"1234",)),
        ("/sda/model", (3,)),
        ("/sda/model", ("../secret",)),
        ("/sda/model", ("/etc/passwd",)),
        ("/sda/model", ("C:x",)),
        ("/sda/model", ("..",)),
        ("/sda/model", ("a\\b",)),
        ("/sda/sliders", (math.nan, math.nan)),
    ],
)
def test_bad_values_are_answered_and_change_nothing(address: str, args: tuple[object, ...]) -> None:
    desk = Desk()
    before = desk.controls.values()
    answer = desk.send(address, *args)
    assert answer[0][0] == "/sda/error"
    assert answer[0][2] == "value"
    assert desk.controls.values() == before


def test_unknown_addresses_are_answered_but_not_for_ever() -> None:
    desk = Desk()
    assert desk.send("/sda/nothing", 1)[0][:3] == ("/sda/error", "/sda/nothing", "unknown")
    answers = [desk.send("/sda/nothing", 1) for _ in range(500)]  # half a second
    assert answers == [[]] * 500
    answers = [desk.send(f"/sda/{n}", 1) for n in range(1000)]  # one second of others
    assert 10 <= sum(map(len, answers)) <= 45
    desk.now += 1
    assert len(desk.send("/sda/nothing", 1)) == 1
    assert len(desk.send("/sda/nothing", 1, source=DESIGNER)) == 1  # another sender's errors are its own


def test_without_sliders_one_error_for_all_slider_messages() -> None:
    desk = Desk(names=())
    answers = [
        desk.send(address, 1.0)
        for _ in range(60)
        for address in ("/sda/slider/1", "/sda/slider/noise", "/sda/sliders", "/sda/slider/1/norm", "/sda/q/slider/1")
    ]
    assert [answer[0][2] for answer in answers if answer] == ["no-model"]


def test_what_we_send_ourselves_is_dropped_silently() -> None:
    desk = Desk()
    for address in ("/sda/error", "/sda/pong", "/sda/rev", "/sda/param", "/sda/status/reply", "/sda/synced"):
        assert desk.send(address, 1) == []


def test_ask_for_everything() -> None:
    desk = Desk()
    desk.send("/sda/gain", -3.0)
    everything = desk.send("/sda/q/all")
    assert ("/sda/gain", -3.0) in everything
    assert [a[0] for a in everything[:-1]] == [row.address for row in desk.controls.rows]
    assert everything[-1] == ("/sda/rev", desk.controls.rev)
    *rows, end = desk.send("/sda/q/params")
    assert end == ("/sda/params", len(desk.controls.rows)) == ("/sda/params", len(rows))
    assert rows[1] == ("/sda/param", "gain", "float", "dB", -60.0, 12.0, 0.0, 1.0, "", "", desk.controls.row("gain").help)
    assert rows[-2][1:3] + rows[-2][9:10] == ("slider.1", "float", "brightness")
    assert desk.send("/sda/q/models") == [("/sda/models/name", "bells"), ("/sda/models/name", "rain"), ("/sda/models", 2)]
    presets = [("/sda/presets/name", "dusk", 0, "bells"), ("/sda/presets/name", "Dämmerung", 3, ""), ("/sda/presets", 2)]
    assert desk.send("/sda/q/presets") == presets
    assert desk.send("/sda/q/nothing")[0][2] == "unknown"


# Health and acts.


def test_health() -> None:
    desk = Desk()
    assert desk.send("/sda/ping", 1, 2.5, "three") == [("/sda/pong", 1, 2.5, "three")]
    status = desk.send("/sda/status")[0]
    assert status == ("/sda/status/reply", "playing", "bells", "hifigan", "own", "", 0.25, 0.0, 0, 0.0, 48_000, 7, 0)
    assert struct.pack(">i", 0) in encode("/x", 0)  # integers stay integers on the wire:
    assert desk.raw(encode("/sda/status"))[0][0].split(b",", 1)[1][:13] == b"sssssffifiii\0"
    desk.send("/sda/panic")
    assert desk.engine.panics == 1
    assert desk.send("/sda/reload") == []
    desk.send("/sda/relo?d")  # a pattern stands for no act
    desk.send("/sda/reload", source=DESIGNER)
    first, second = desk.engine.reloads
    assert first != second  # each by its own name, so that it can be told
    desk.send("/sda/slider/1", 4.0)
    assert desk.send("/sda/center", 0) == []  # a button that was let go
    assert desk.controls.get("slider.1") == 4.0
    desk.send("/sda/center", 1)
    assert desk.controls.get("slider.1") == 0.0


def test_the_engine_answers_whoever_asked_later_and_no_other() -> None:
    desk = Desk()
    desk.send("/sda/reload")
    desk.surface.news.tell(desk.engine.reloads[0], "/sda/done", "/sda/reload")
    desk.send("/sda/ping", source=DESIGNER)
    packets, _ = desk.surface.due(1.0)
    assert [to for _, to in packets] == [MAX]
    assert packets[0][0] == encode("/sda/done", "/sda/reload")


def test_every_long_act_that_was_accepted_has_its_end() -> None:
    desk = Desk()
    asker = f"osc:{MAX[0]}:{MAX[1]}"
    desk.send("/sda/listen", source=DESIGNER)
    for _ in range(100):
        assert desk.send("/sda/preset/recall", "none") == [("/sda/accepted", "/sda/preset/recall")]
        desk.surface.news.refuse(asker, "/sda/preset/recall", "no preset 'none'")
    told = [to for packet, to in desk.surface.due(desk.now)[0] if packet.startswith(b"/sda/error")]
    assert told.count(MAX) == 64  # as many as may wait
    assert told.count(DESIGNER) == 1  # who only listens hears of it once a second
    desk.send("/sda/ping")
    desk.surface.news.refuse(asker, "/sda/model", "no model")
    desk.surface.news.refuse(asker, "/sda/model", "no model")
    assert len([to for _, to in desk.surface.due(desk.now)[0] if to == MAX]) == 1


def test_sync_is_answered_when_the_engine_says_so() -> None:
    desk = Desk()
    desk.engine.holds = True
    assert desk.send("/sda/sync", 42) == []
    assert desk.due() == []
    desk.engine.waiting.pop()()
    assert desk.due() == [("/sda/synced", 42)]


def test_an_act_that_cannot_be_done_says_why() -> None:
    desk = Desk()
    desk.engine.broken = ModelError("no such model")
    assert desk.send("/sda/status") == [("/sda/error", "/sda/status", "refused", "no such model")]


def test_what_comes_to_nothing_later_is_told_to_who_asked_and_to_listeners() -> None:
    desk = Desk()
    desk.send("/sda/ping", source=MAX)
    desk.send("/sda/ping", source=DESIGNER)
    desk.surface.news.refuse(f"osc:{MAX[0]}:{MAX[1]}", "/sda/model", "no model 'x'")
    told = desk.surface.due(desk.now)[0]
    assert [to for _, to in told] == [MAX]
    desk.send("/sda/listen", source=DESIGNER)
    desk.now += 2
    desk.surface.news.refuse("command line", "/sda/model", "no model 'y'")
    errors = [out for out in desk.surface.due(desk.now)[0] if out[0].startswith(b"/sda/error")]
    assert [to for _, to in errors] == [DESIGNER]
    assert read(errors) == [("/sda/error", "/sda/model", "refused", "no model 'y'")]
