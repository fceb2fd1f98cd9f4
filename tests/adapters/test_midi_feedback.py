"""What controllers are told, byte by byte: on change, on connection, not while they are moved, and not their own echo."""

from __future__ import annotations

from dataclasses import replace

import pytest
from midi_desk import KEYS, MOTOR, Desk

from sda.mapping import Binding, Mapping, Sender, Takeover

FADER = Binding(sender=Sender.CC, number=7, channel=2, port="Motor", control="slider.1")


def connected(*bindings: Binding) -> Desk:
    desk = Desk(*bindings)
    desk.surface.connect([KEYS, MOTOR])
    return desk


@pytest.mark.parametrize(
    ("binding", "id", "value", "told"),
    [
        (FADER, "slider.1", 10.0, ["B1 07 7F"]),
        (
            Binding(sender=Sender.CC14, number=1, channel=1, port="Motor", control="slider.1"),
            "slider.1",
            10.0,
            ["B0 01 7F", "B0 21 7F"],
        ),
        (Binding(sender=Sender.BEND, channel=9, port="Motor", control="slider.1"), "slider.1", -10.0, ["E8 00 00"]),
        (
            Binding(sender=Sender.NRPN, number=130, channel=1, port="Motor", control="slider.1"),
            "slider.1",
            -10.0,
            ["B0 63 01", "B0 62 02", "B0 06 00", "B0 26 00"],
        ),
        (Binding(sender=Sender.NOTE, number=36, channel=1, port="Motor", control="play"), "play", True, ["90 24 7F"]),
        (
            Binding(sender=Sender.CC, number=7, channel=1, port="Motor", control="slider.1", span=(5.0, -5.0)),
            "slider.1",
            -7.0,
            ["B0 07 7F"],
        ),
        (Binding(sender=Sender.CC, number=7, channel=1, port="Motor", control="spatial"), "spatial", "mono", ["B0 07 00"]),
    ],
)
def test_a_change_is_told_in_the_sender_s_own_bytes(binding: Binding, id: str, value: float, told: list[str]) -> None:
    desk = connected(binding)
    desk.settle()
    wakes = desk.wakes
    desk.controls.set(id, value, "osc")
    assert desk.wakes > wakes
    assert desk.due() == [(MOTOR, data) for data in told]
    assert desk.settle() == []


def test_only_a_port_that_a_binding_names_is_told() -> None:
    desk = connected(
        Binding(sender=Sender.CC, number=7, control="slider.1"),
        Binding(sender=Sender.CC, number=8, port="Motor", control="slider.1", feedback=False),
        Binding(sender=Sender.CC, number=9, port="Motor", act="panic"),
        Binding(sender=Sender.PRESSURE, port="Motor", control="slider.1"),
        Binding(sender=Sender.CC, number=10, port="Motor", control="slider.nine"),
    )
    desk.controls.set("slider.1", 5.0, "osc")
    assert desk.settle() == []


def test_everything_is_told_on_connection_and_again_when_the_port_is_back() -> None:
    faders = [Binding(sender=Sender.CC, number=n, channel=1, port="Motor", control="gain") for n in range(40)]
    desk = connected(*faders)
    first = desk.due()
    assert len(first) == 16  # then the cable needs a while
    assert desk.due(0.01) == []
    told = [*first, *desk.settle()]
    assert sorted(told) == sorted((MOTOR, f"B0 {n:02X} 6A") for n in range(40))  # 0 dB is 5/6 of the way: 64 + 126 / 3
    desk.surface.connect([KEYS])
    desk.controls.set("gain", -60.0, "osc")
    assert desk.settle() == []
    desk.surface.connect([KEYS, MOTOR])
    assert sorted(desk.settle()) == sorted((MOTOR, f"B0 {n:02X} 00") for n in range(40))
    desk.surface.connect([KEYS, MOTOR, "Another"])
    assert desk.settle() == []


def test_a_flood_is_thinned_and_the_last_value_is_told() -> None:
    desk = connected(FADER)
    desk.settle()
    told = []
    for n in range(1000):  # a second of changes, each to another number
        desk.controls.set("slider.1", -10 + (n * 37 % 1000) / 50, "osc")
        told += desk.due(0.001)
    assert 20 <= len(told) <= 31
    desk.controls.set("slider.1", 10.0, "osc")
    assert desk.settle()[-1] == (MOTOR, "B1 07 7F")


def test_a_knob_that_is_moved_is_left_alone_and_told_the_truth_afterwards() -> None:
    desk = connected(FADER)
    desk.settle()
    desk.send("B1 07 41", "B1 07 50", port=MOTOR)  # near 0: it takes over
    assert desk.settle() == []  # it knows where it stands
    desk.send("B1 07 52", port=MOTOR)
    desk.controls.set("slider.1", -10.0, "osc")
    assert desk.due(0.1) == []
    assert desk.settle() == [(MOTOR, "B1 07 00")]
    desk.send("B1 07 60", port=MOTOR)  # it lost the control: the motor brings it back
    assert desk.values("slider.1") == [-10.0]
    assert desk.settle() == [(MOTOR, "B1 07 00")]


def test_another_fader_of_the_control_follows() -> None:
    other = Binding(sender=Sender.CC, number=8, channel=1, port="Motor", control="slider.1", takeover=Takeover.JUMP)
    desk = connected(FADER, other)
    desk.settle()
    desk.send("B0 08 7F", port=MOTOR)
    assert desk.due(0.05) == [(MOTOR, "B1 07 7F")]


def test_an_echo_is_no_move_and_later_it_is_one() -> None:
    desk = connected(Binding(sender=Sender.CC, number=7, channel=2, port="Motor", control="slider.1", takeover=Takeover.JUMP))
    desk.settle()
    desk.controls.set("slider.1", 5.01, "osc")
    ((_, data),) = desk.due()
    desk.send(data, port=MOTOR)
    assert desk.values("slider.1") == [5.01]
    desk.send(data, port=KEYS.replace("Keystation", "Motor loop"), apart=0.05)
    assert desk.values("slider.1") == [5.01]
    desk.send(data, port=MOTOR, apart=0.1)
    assert desk.values("slider.1") != [5.01]


def test_an_encoder_s_ring_shows_the_value() -> None:
    ring = Binding(sender=Sender.CC, number=7, channel=1, port="Motor", control="width", takeover=Takeover.TWOS)
    desk = connected(ring)
    assert desk.settle() == [(MOTOR, "B0 07 40")]
    desk.send(*["B0 07 01"] * 20, port=MOTOR)
    assert desk.settle() == [(MOTOR, "B0 07 54")]  # 64 + 20


def test_maps_that_are_read_again_go_on_where_they_were() -> None:
    desk = connected(FADER)
    desk.settle()
    desk.surface.install(Mapping(bindings=(replace(FADER),)))
    desk.send("B1 07 41", "B1 07 50", port=MOTOR)
    assert desk.settle() == []
    desk.controls.set("slider.1", 10.0, "osc")
    assert desk.settle() == [(MOTOR, "B1 07 7F")]


def test_a_learned_knob_is_told_nothing_it_shows_and_a_new_map_everything() -> None:
    desk = connected(FADER)
    desk.settle()
    desk.surface.install(
        Mapping(bindings=(FADER, Binding(sender=Sender.CC, number=9, channel=1, port="Motor", control="width")))
    )
    assert desk.settle() == [(MOTOR, "B0 09 40")]
