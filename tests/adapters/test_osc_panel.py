"""What a panel asks for besides values: safe ranges, the map, where OSCQuery is, and what others send."""

from __future__ import annotations

import pytest
from osc_desk import DESIGNER, HOST, MAX, Desk

from sda.adapters.osc_acts import MapShown
from sda.adapters.osc_packet import DATAGRAM, encode


def test_safe_ranges_come_in_one_message() -> None:
    assert Desk().send("/sda/q/safe") == [("/sda/safe", -4.5, 5.0, -10.0, 2.25)]


def test_the_files_that_are_being_written() -> None:
    assert Desk().send("/sda/q/files") == [("/sda/files", "monday.wav", "")]


def test_the_port_of_oscquery() -> None:
    assert Desk().send("/sda/q/oscquery") == [("/sda/oscquery", 16181)]


def test_the_map_has_names_places_and_the_shade_that_was_asked_for() -> None:
    desk = Desk()
    for args, shades in (((), (-4.0, 2.0)), ((1,), (-4.0, 2.0)), ((2,), (1.0, 3.0))):
        assert desk.send("/sda/q/map", *args) == [
            ("/sda/map/recordings", 0, "rain.wav"),
            ("/sda/map/points", 0, 0.5, 0.25, 0.0, 0.0, shades[0], -1.0, 1.0, 1.5, 0.0, shades[1]),
            ("/sda/map", 2),
        ]
    for wrong in (3, 0, "x", float("nan")):
        assert desk.send("/sda/q/map", wrong)[0][:2] == ("/sda/error", "/sda/q/map")
        desk.now += 2.0


def test_a_large_map_comes_in_parts_that_fit_a_datagram() -> None:
    desk = Desk()
    count = 1234
    names = tuple(f"{n} {'鐘' * 90}.wav" for n in range(57))
    numbers = tuple(n / 1000 for n in range(count))
    desk.engine.map = lambda: MapShown(  # type: ignore[method-assign]
        numbers, numbers, numbers, tuple(n % 57 for n in range(count)), names, ((0.0,) * count,)
    )
    out = desk.raw(encode("/sda/q/map"))
    assert max(len(packet) for packet, _ in out) <= DATAGRAM
    told = desk.send("/sda/q/map")
    points = [number for address, _, *part in told[:-1] if address == "/sda/map/points" for number in part]
    assert len(points) == 5 * count
    assert points[5 * 1000] == pytest.approx(1.0)
    heard = [name for address, _, *part in told[:-1] if address == "/sda/map/recordings" for name in part]
    assert len(heard) == 57
    assert str(heard[56]).startswith("56 鐘鐘")
    assert told[-1] == ("/sda/map", count)


def test_who_watches_sees_what_others_send_and_of_a_flood_some() -> None:
    desk = Desk()
    assert desk.send("/sda/monitor/listen", source=DESIGNER) == []
    desk.now += 1.0
    desk.send("/sda/gain", -6.0)
    assert desk.due() == [("/sda/monitor", f"{HOST}:{MAX[1]}", "/sda/gain -6.0")]
    desk.now += 1.0
    desk.send("/sda/q/gain")
    desk.send("/sda/status")
    assert desk.due() == []  # questions are no news
    for n in range(1000):
        desk.send("/sda/gain", -float(n) / 100)  # a millisecond from one to the next
    assert 40 <= len(desk.due()) <= 55
    desk.send("/sda/monitor/unlisten", source=DESIGNER)
    desk.now += 1.0
    desk.send("/sda/gain", 3.0)
    assert desk.due() == []


@pytest.mark.parametrize(
    "address",
    [
        "/sda/safe",
        "/sda/map",
        "/sda/map/points",
        "/sda/map/recordings",
        "/sda/map/here",
        "/sda/oscquery",
        "/sda/files",
        "/sda/monitor",
    ],
)
def test_answers_that_come_back_are_dropped(address: str) -> None:
    assert Desk().send(address, 1.0) == []
