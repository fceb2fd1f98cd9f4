"""Packets that come one behind the other: a number that the same hand overrules at once is passed over, nothing else is."""

from __future__ import annotations

import socket
import time

import pytest
from osc_desk import DESIGNER, MAX, Desk, bundle, read
from pythonosc.osc_message import OscMessage

from sda.adapters.osc import OscPort
from sda.adapters.osc_packet import encode
from sda.control import Change, Controls


class Crowd(Desk):
    """Every packet has another one behind it; what moved is written down."""

    def __init__(self) -> None:
        super().__init__()
        self.moves: list[tuple[str, object, str]] = []
        self.controls.subscribe(self._note)

    def _note(self, changes: tuple[Change, ...]) -> None:
        self.moves += [(change.id, change.value, change.source) for change in changes]

    def come(self, address: str, *args: object, source: tuple[str, int] = MAX) -> list[tuple[object, ...]]:
        self.now += 0.001
        return read(self.surface.receive(encode(address, *args), source, self.now, more=True))


@pytest.fixture
def crowd() -> Crowd:
    return Crowd()


def test_the_last_of_many_numbers_counts(crowd: Crowd) -> None:
    for value in (-1.0, -2.0, -3.0):
        crowd.come("/sda/gain", value)
        crowd.come("/sda/slider/1", value)
    assert crowd.moves == []
    crowd.due()
    assert [(id, value) for id, value, _ in crowd.moves] == [("gain", -3.0), ("slider.1", -3.0)]


def test_the_last_packet_of_a_crowd_waits_for_nothing(crowd: Crowd) -> None:
    crowd.come("/sda/gain", -1.0)
    crowd.send("/sda/gain", -2.0)
    assert [(id, value) for id, value, _ in crowd.moves] == [("gain", -2.0)]


def test_who_asks_in_the_midst_is_answered_with_what_was_sent_before(crowd: Crowd) -> None:
    crowd.come("/sda/gain", -1.0)
    assert crowd.come("/sda/q/gain") == [("/sda/gain", -1.0)]
    crowd.come("/sda/gain", -2.0)
    assert crowd.come("/sda/q/gain", source=DESIGNER) == [("/sda/gain", -2.0)]


def test_an_act_comes_in_its_place(crowd: Crowd) -> None:
    crowd.come("/sda/slider/1", 5.0)
    crowd.come("/sda/center")
    crowd.come("/sda/slider/1", 6.0)
    crowd.due()
    assert [value for id, value, _ in crowd.moves if id == "slider.1"] == [5.0, 0.0, 6.0]


def test_what_is_no_number_or_bad_is_never_passed_over(crowd: Crowd) -> None:
    for value in (1, 0, 1):
        crowd.come("/sda/play", value)
    assert [value for id, value, _ in crowd.moves if id == "play"] == [True, False, True]
    answers = [answer for value in (float("nan"), -4.0) for answer in crowd.come("/sda/gain", value)]
    assert [answer[:2] for answer in answers] == [("/sda/error", "/sda/gain")]
    crowd.due()
    assert crowd.controls.get("gain") == -4.0


def test_a_hand_that_comes_back_to_what_it_asked_for_before_has_moved(crowd: Crowd) -> None:
    crowd.send("/sda/gain", -1.0)
    crowd.controls.set("gain", -5.0, "somebody else")
    crowd.come("/sda/gain", -1.0)
    crowd.come("/sda/gain", -1.0)
    crowd.due()
    assert crowd.controls.get("gain") == -5.0  # it repeats itself, and holds nothing in its hand
    for values in ((-2.0, -1.0), (-1.0, -2.0, -1.0)):
        for value in values:
            crowd.come("/sda/gain", value)
        crowd.due()
        assert crowd.controls.get("gain") == -1.0
        crowd.controls.set("gain", -5.0 - len(values), "somebody else")


def test_two_hands_overrule_only_themselves(crowd: Crowd) -> None:
    crowd.come("/sda/gain", -1.0)
    crowd.come("/sda/gain", -2.0, source=DESIGNER)
    crowd.come("/sda/gain", -3.0)
    crowd.due()
    assert [value for _, value, _ in crowd.moves] == [-1.0, -2.0, -3.0]
    assert len({source for _, _, source in crowd.moves}) == 2


def test_what_has_its_time_comes_at_its_time(crowd: Crowd) -> None:
    crowd.surface.receive(bundle(encode("/sda/gain", -9.0), after=0.5), MAX, crowd.now, more=True)
    crowd.come("/sda/gain", -1.0)
    crowd.due()
    assert crowd.controls.get("gain") == -1.0
    crowd.due(0.5)
    assert crowd.controls.get("gain") == -9.0


def test_a_flood_through_the_port_ends_where_its_last_packet_says_and_makes_fewer_moves() -> None:
    controls, moves = Controls(), []
    controls.subscribe(lambda changes: moves.extend(changes))
    port = OscPort("127.0.0.1", 0, controls, Desk().engine)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hand:
        hand.connect(port.address)
        hand.settimeout(5)
        for number in range(2000):
            hand.send(encode("/sda/gain", -float(number % 59)))
            if number % 20 == 0:
                time.sleep(0.001)
        hand.send(encode("/sda/gain", -59.5))
        hand.send(encode("/sda/q/gain"))
        assert OscMessage(hand.recv(4096)).params == [-59.5]
        took = port.received
    port.close()
    assert took == 2002
    assert moves[-1].value == -59.5
    assert len(moves) < 1000
