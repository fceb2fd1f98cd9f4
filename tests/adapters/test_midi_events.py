"""Numbers put together from several messages: pairs, parameters, banks; in the order in which real devices send them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sda.adapters.midi_bytes import decode
from sda.adapters.midi_events import LOWER_S, Event, Reader
from sda.mapping import Sender


class Wire:
    """A port whose messages come a millisecond apart, as on a cable."""

    def __init__(self) -> None:
        self.reader = Reader()
        self.now = 10.0

    def send(self, *messages: str) -> list[Event]:
        events = []
        for text in messages:
            message = decode(bytes.fromhex(text))
            assert message is not None
            self.now += 0.001
            events += self.reader.read(message, self.now)
        return events

    def wait(self) -> list[Event]:
        self.now += 2 * LOWER_S
        return self.reader.due(self.now)


def of(sender: Sender, events: list[Event]) -> list[tuple[int, int, float]]:
    return [(event.channel, event.number, event.place) for event in events if event.sender is sender]


def test_a_controller_is_seven_bits() -> None:
    wire = Wire()
    assert wire.send("B0 46 00", "B2 46 7F", "B0 46 40") == [
        Event(Sender.CC, 1, 70, 0.0, 0),
        Event(Sender.CC, 3, 70, 1.0, 127),
        Event(Sender.CC, 1, 70, 0.5, 64),
    ]
    assert wire.wait() == []


def test_a_pair_is_one_number_when_both_halves_came() -> None:
    wire = Wire()
    # 0x41 * 128 + 0x02 = 8322; above the middle: 0.5 + (8322 - 8192) / (2 * 8191).
    assert of(Sender.CC14, wire.send("B0 01 41", "B0 21 02")) == [(1, 1, pytest.approx(0.5 + 130 / 16382))]
    assert wire.wait() == []
    # "A subsequent fine adjustment only requires the sending of the LSB": 0x41 * 128 + 3.
    assert of(Sender.CC14, wire.send("B0 21 03")) == [(1, 1, pytest.approx(0.5 + 131 / 16382))]


def test_an_upper_half_alone_sets_the_lower_one_to_0() -> None:
    wire = Wire()
    wire.send("B0 01 41", "B0 21 02")
    assert of(Sender.CC14, wire.send("B0 01 42")) == []  # the lower half may follow
    assert of(Sender.CC14, wire.wait()) == [(1, 1, pytest.approx(0.5 + (0x42 * 128 - 8192) / 16382))]


def test_of_a_device_without_lower_halves_the_highest_is_the_highest() -> None:
    wire = Wire()
    wire.send("B0 01 7F")
    assert of(Sender.CC14, wire.wait()) == [(1, 1, 1.0)]
    assert of(Sender.CC14, wire.send("B0 01 00", "B0 01 7F")) == [(1, 1, 0.0)]  # the next one comes: the first was alone
    assert of(Sender.CC14, wire.wait()) == [(1, 1, 1.0)]


@pytest.mark.parametrize(
    ("messages", "number", "value"),
    [
        (("B0 63 09", "B0 62 34", "B0 06 7F", "B0 26 7F"), 9 * 128 + 0x34, 1.0),
        (("B0 62 34", "B0 63 09", "B0 06 20", "B0 26 00"), 9 * 128 + 0x34, 0.25),  # 32 * 128 = 4096 of 16384
        (("B0 63 00", "B0 62 05", "B0 06 40", "B0 26 00"), 5, 0.5),
    ],
)
def test_a_parameter_is_chosen_and_set(messages: tuple[str, ...], number: int, value: float) -> None:
    wire = Wire()
    assert of(Sender.NRPN, wire.send(*messages)) == [(1, number, pytest.approx(value))]
    assert wire.wait() == []


def test_a_parameter_keeps_being_chosen_and_may_be_set_by_seven_bits() -> None:
    wire = Wire()
    wire.send("B0 63 01", "B0 62 02", "B0 06 7F")
    assert of(Sender.NRPN, wire.wait()) == [(1, 130, 1.0)]
    wire.send("B0 06 40")
    assert of(Sender.NRPN, wire.wait()) == [(1, 130, 0.5)]
    # The next parameter's preamble says that no lower half will follow.
    assert of(Sender.NRPN, wire.send("B0 06 00", "B0 63 01")) == [(1, 130, 0.0)]


@pytest.mark.parametrize("end", [("B0 63 7F", "B0 62 7F"), ("B0 65 00", "B0 64 00"), ("B0 65 7F", "B0 64 7F")])
def test_the_null_parameter_and_registered_ones_are_no_nrpn(end: tuple[str, ...]) -> None:
    wire = Wire()
    wire.send("B0 63 01", "B0 62 02", *end)
    assert of(Sender.NRPN, wire.send("B0 06 40", "B0 26 01")) == []
    assert of(Sender.NRPN, wire.wait()) == []


def test_channels_are_apart() -> None:
    wire = Wire()
    wire.send("B0 63 01", "B0 62 02", "B1 06 40", "B0 01 41", "B1 21 02")
    assert of(Sender.NRPN, wire.wait()) == []
    assert of(Sender.CC14, wire.send("B1 21 02")) == [(2, 1, pytest.approx(2 / 16384))]


def test_keys_bends_pressures_and_programs() -> None:
    wire = Wire()
    assert wire.send("90 3C 7F", "80 3C 40", "90 3C 00", "E0 00 40", "D4 7F", "A0 3C 7F") == [
        Event(Sender.NOTE, 1, 60, 1.0, 127),
        Event(Sender.NOTE, 1, 60, 0.0),
        Event(Sender.NOTE, 1, 60, 0.0),
        Event(Sender.BEND, 1, 0, 0.5, 64),
        Event(Sender.PRESSURE, 5, 0, 1.0, 127),
    ]
    # Bank 1 * 128 + 2 = 130, of 128 programs each: 130 * 128 + 5.
    events = wire.send("B0 00 01", "B0 20 02", "C0 05", "B0 00 00", "C0 05", "F8")
    assert [e for e in events if e.sender is Sender.PROGRAM] == [
        Event(Sender.PROGRAM, 1, 5, 1.0, 16645),
        Event(Sender.PROGRAM, 1, 5, 1.0, 5),
    ]


MESSAGES = st.one_of(
    st.binary(min_size=1, max_size=4),
    st.tuples(
        st.integers(0x80, 0xEF),
        st.sampled_from([0, 1, 6, 32, 33, 38, 64, 96, 97, 98, 99, 100, 101, 120, 123]),
        st.integers(0, 127),
    ).map(bytes),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(MESSAGES, max_size=60))
def test_whatever_comes_places_are_in_0_to_1_and_nothing_waits_for_ever(stream: list[bytes]) -> None:
    reader, now = Reader(), 0.0
    for data in stream:
        message = decode(data)
        if message is not None:
            for event in reader.read(message, now):
                assert 0.0 <= event.place <= 1.0
        now += 0.001
    waiting = reader.next()
    assert waiting == float("inf") or waiting <= now + LOWER_S
    reader.due(now + LOWER_S)
    assert (reader.next(), reader.due(float("inf"))) == (float("inf"), [])


def test_memory_is_bounded() -> None:
    reader = Reader()
    for upper, lower in itertools.product(range(128), repeat=2):
        for data in ((0x63, upper), (0x62, lower), (0x06, 1), (0x26, 1)):
            message = decode(bytes((0xB0, *data)))
            assert message is not None
            reader.read(message, 0.0)
    assert len(reader._channels[0].fine_parameters) <= 256
