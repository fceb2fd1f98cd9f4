"""Who hears of changes over OSC, where, how often, and who does not."""

from __future__ import annotations

import pytest
from osc_desk import DESIGNER, HOST, MAX, Desk, read

from sda.adapters.osc_packet import encode
from sda.errors import ControlError


def test_a_listener_hears_values_then_changes_at_the_port_it_named() -> None:
    desk = Desk()
    out = desk.raw(encode("/sda/listen", 9002))
    assert {to for _, to in out} == {(HOST, 9002)}
    assert [a[0] for a in read(out)] == [*(row.address for row in desk.controls.rows), "/sda/rev"]
    desk.send("/sda/gain", -6.0, source=DESIGNER)
    desk.controls.set("drift", 2.0, "panel")
    assert desk.due() == [("/sda/gain", -6.0), ("/sda/drift", 2.0)]
    assert desk.raw(encode("/sda/ping", 1))[0][1] == (HOST, 9002)  # all its answers go there
    desk.send("/sda/unlisten")
    desk.send("/sda/gain", -7.0, source=DESIGNER)
    assert desk.due() == []


def test_no_echo_but_for_clipped_values() -> None:
    desk = Desk()
    desk.send("/sda/listen")
    desk.send("/sda/gain", -6.0)
    assert desk.due() == []
    desk.send("/sda/gain", 99.0)
    assert desk.due() == [("/sda/gain", 12.0)]
    desk.send("/sda/gain", 99.0)
    assert desk.due(0.1) == []
    desk.send("/sda/gain", -5.0, source=DESIGNER)
    desk.send("/sda/gain", -4.0)  # what waited is overtaken by its own
    assert desk.due(0.1) == []


def test_sixty_a_second_and_the_last_always() -> None:
    desk = Desk()
    desk.send("/sda/listen", 9002)
    heard: list[tuple[object, ...]] = []
    for n in range(1000):  # one second
        desk.send("/sda/gain", -n / 100, source=DESIGNER)
        heard += [a for a in desk.due() if a[0] == "/sda/gain"]
    out, wait = desk.surface.due(desk.now)
    assert 0 < wait <= 1 / 60
    heard += [a for a in read(desk.surface.due(desk.now + wait)[0]) if a[0] == "/sda/gain"]
    assert 50 <= len(heard) <= 62
    assert heard[-1] == ("/sda/gain", pytest.approx(-9.99))
    assert out == []


def test_a_prefix_narrows_what_is_heard() -> None:
    desk = Desk()
    assert [a[0] for a in desk.send("/sda/listen", 9002, "/sda/slider")] == ["/sda/slider/1", "/sda/slider/2", "/sda/rev"]
    desk.send("/sda/gain", -6.0, source=DESIGNER)
    desk.send("/sda/slider/noise", 2.0, source=DESIGNER)
    assert desk.due() == [("/sda/slider/2", 2.0)]


def test_rev_each_second_and_the_table_after_a_model_change() -> None:
    desk = Desk()
    desk.send("/sda/listen")
    assert desk.due(0.5) == []
    assert desk.due(0.51) == [("/sda/rev", desk.controls.rev)]
    desk.controls.install_sliders(["decay"])
    answers = desk.due()
    names = [a[9] for a in answers if a[0] == "/sda/param"]
    assert names[-1] == "decay"
    assert ("/sda/params", len(desk.controls.rows)) in answers
    assert ("/sda/slider/1", 0.0) in answers


def test_one_that_is_named_at_the_start_hears_everything_for_ever() -> None:
    desk = Desk()
    desk.surface.audience.own = (HOST, 16180)
    with pytest.raises(ControlError, match="port 16180 is the engine's own"):
        desk.surface.audience.add((HOST, 16180), desk.now)
    desk.surface.audience.add(MAX, desk.now)
    desk.surface.audience.announce([DESIGNER, MAX, (HOST, 16180)], "/sda/started", "0.1")
    out = desk.surface.due(desk.now)[0]
    assert [to for packet, to in out if packet.startswith(b"/sda/started")] == [MAX, DESIGNER]
    assert [a[0] for a in read([sent for sent in out if sent[1] == MAX])[1:]] == [
        *(row.address for row in desk.controls.rows), "/sda/rev",
    ]  # fmt: skip
    desk.now += 5000
    desk.controls.set("gain", -1.0, "panel")
    assert ("/sda/gain", -1.0) in desk.due()
    assert desk.surface.audience.addresses == (MAX,)
    desk.send("/sda/listen", MAX[1], source=(HOST, 5003))  # the program there takes it in its own hand
    desk.now += 5000
    desk.controls.set("gain", -2.0, "panel")
    assert ("/sda/gain", -2.0) in desk.due()


def test_the_silent_the_restarted_and_ourselves() -> None:
    desk = Desk()
    desk.surface.audience.own = (HOST, 16180)
    assert desk.send("/sda/listen", 16180)[0][1:3] == ("/sda/listen", "refused")
    assert desk.send("/sda/listen", "x", "y") == []  # the second error of its kind within a second
    desk.now += 1
    assert desk.send("/sda/listen", 99_999)[0][2] == "refused"
    desk.send("/sda/listen", 9002)
    desk.send("/sda/listen", 9002, source=DESIGNER)  # the same program, started again
    desk.controls.set("gain", -1.0, "panel")
    assert desk.due() == [("/sda/gain", -1.0)]
    desk.now += 599
    desk.send("/sda/ping", source=DESIGNER)
    assert len(desk.due(300)) == 1
    desk.now += 301
    assert desk.due() == []
