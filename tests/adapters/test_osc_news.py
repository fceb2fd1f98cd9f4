"""What the engine tells by itself: who hears of levels, the scope and the log, and for how long."""

from __future__ import annotations

import pytest
from osc_desk import DESIGNER, HOST, MAX, Desk, read

from sda.adapters.osc_clients import LISTENERS
from sda.adapters.osc_packet import DATAGRAM, OscError, encode


def test_a_level_goes_to_listeners_whose_prefix_it_has() -> None:
    desk = Desk()
    desk.surface.news.push("/sda/meter", -6.0, -7.0)
    assert desk.due() == []  # nobody listens, so nothing was kept
    desk.send("/sda/listen")
    desk.send("/sda/listen", "slider", source=DESIGNER)
    desk.surface.news.push("/sda/meter", -6.0, -7.0)
    out, _ = desk.surface.due(desk.now)
    assert read(out) == [("/sda/meter", -6.0, -7.0)]
    assert [to for _, to in out] == [MAX]


@pytest.mark.parametrize("topic", ["scope", "log"])
def test_a_topic_goes_to_those_who_asked_for_it(topic: str) -> None:
    desk = Desk()
    news = desk.surface.news
    assert not news.wanted(topic)
    desk.send("/sda/listen")
    news.push(f"/sda/{topic}", b"1234", topic=topic)
    assert desk.due() == []
    desk.send(f"/sda/{topic}/listen", 9002, source=DESIGNER)
    assert news.wanted(topic)
    news.push(f"/sda/{topic}", b"1234", topic=topic)
    out, _ = desk.surface.due(desk.now)
    assert (read(out), [to for _, to in out]) == ([(f"/sda/{topic}", b"1234")], [(HOST, 9002)])
    desk.controls.set("gain", -3.0, "panel")
    assert {to for _, to in desk.surface.due(desk.now)[0]} == {MAX}  # who wants a topic does not get the controls
    desk.send(f"/sda/{topic}/unlisten", source=DESIGNER)
    assert not news.wanted(topic)
    desk.send(f"/sda/{topic}/listen")
    desk.send("/sda/unlisten")
    assert not news.wanted(topic)


def test_who_is_silent_for_ten_minutes_hears_no_more() -> None:
    desk = Desk()
    desk.send("/sda/scope/listen")
    desk.now += 599
    desk.surface.news.push("/sda/scope", b"1234", topic="scope")
    assert desk.due() == [("/sda/scope", b"1234")]
    desk.now += 2
    desk.surface.news.push("/sda/scope", b"1234", topic="scope")
    assert desk.due() == []
    assert not desk.surface.news.wanted("scope")


def test_there_is_a_limit_and_our_own_port_is_refused() -> None:
    desk = Desk()
    desk.surface.audience.own = (HOST, 16180)
    assert desk.send("/sda/log/listen", 16180)[0][:3] == ("/sda/error", "/sda/log/listen", "refused")
    for port in range(6000, 6000 + LISTENERS):
        assert desk.send("/sda/log/listen", source=(HOST, port)) == []
    assert desk.send("/sda/log/listen", source=(HOST, 7000))[0][2] == "refused"
    assert desk.send("/sda/log/listen", source=(HOST, 6000)) == []  # again


def test_what_we_push_is_dropped_where_it_comes_back() -> None:
    desk = Desk()
    for address in ("/sda/meter", "/sda/scope", "/sda/log", "/sda/train/progress"):
        assert desk.send(address, 1.0) == []


def test_many_words_that_nobody_fetches_are_bounded_and_a_long_one_is_a_bug() -> None:
    desk = Desk()
    desk.send("/sda/listen")
    for n in range(1000):
        desk.surface.news.push("/sda/meter", float(n), 0.0)
    heard = desk.due()
    assert len(heard) <= 64
    assert heard[-1] == ("/sda/meter", 999.0, 0.0)
    with pytest.raises(OscError, match=str(DATAGRAM)):
        desk.surface.news.push("/sda/log", "x" * DATAGRAM)
    assert encode("/sda/scope", bytes(640), bytes(512))  # which a look of the scope is
