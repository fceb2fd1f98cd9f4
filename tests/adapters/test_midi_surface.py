"""What MIDI messages do to controls and acts: bound knobs, keys, programs, modes, clocks; and learning them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from midi_desk import KEYS, MOTOR, Desk

from sda.control import MODEL_SOURCE
from sda.errors import ControlError
from sda.mapping import Binding, ClockUse, Mapping, Sender, Takeover

BRIGHT = Binding(sender=Sender.CC, number=21, channel=1, port="keystation", control="slider.brightness", takeover=Takeover.JUMP)
PICKED = Binding(sender=Sender.CC, number=22, control="slider.noise")


@pytest.mark.parametrize(
    ("messages", "value"),
    [(["B0 15 7F"], 10.0), (["B0 15 40"], 0.0), (["B0 15 00"], -10.0), (["B1 15 7F"], 0.0), (["B0 16 7F"], 0.0)],
)
def test_a_knob_moves_its_control_on_its_channel_and_number(messages: list[str], value: float) -> None:
    desk = Desk(BRIGHT)
    desk.send(*messages)
    assert desk.values("slider.1") == [value]


def test_a_port_is_named_by_a_part_of_its_name() -> None:
    desk = Desk(BRIGHT)
    desk.send("B0 15 7F", port=MOTOR)
    assert desk.values("slider.1") == [0.0]
    desk.send("B0 15 7F", port="Other KEYSTATION (2)")
    assert desk.values("slider.1") == [10.0]


@pytest.mark.parametrize(
    ("binding", "messages", "value"),
    [
        (Binding(sender=Sender.CC14, number=1, control="gain", takeover=Takeover.JUMP), ["B0 01 7F", "B0 21 7F"], 12.0),
        (
            Binding(sender=Sender.NRPN, number=130, control="gain", takeover=Takeover.JUMP),
            ["B0 63 01", "B0 62 02", "B0 06 00", "B0 26 00"],
            -60.0,
        ),
        (Binding(sender=Sender.BEND, control="gain", takeover=Takeover.JUMP), ["E0 00 40"], -24.0),
        (Binding(sender=Sender.PRESSURE, control="gain", takeover=Takeover.JUMP), ["D0 7F"], 12.0),
        (Binding(sender=Sender.NOTE, number=60, control="gain"), ["90 3C 40", "80 3C 00"], -24.0),
        (Binding(sender=Sender.PROGRAM, number=5, control="gain", span=(0.0, 6.0)), ["C0 05"], 6.0),
        (Binding(sender=Sender.PROGRAM, number=5, control="gain", span=(1.0, 6.0)), ["C0 04"], 0.0),
        (Binding(sender=Sender.CC, number=1, control="spatial"), ["B0 01 7F"], "binaural"),
        (Binding(sender=Sender.CC, number=1, control="play"), ["B0 01 7F"], True),
        (Binding(sender=Sender.CC, number=1, control="density", span=(8.0, 4.0), takeover=Takeover.JUMP), ["B0 01 7F"], 4.0),
        (Binding(sender=Sender.CC, number=1, control="seed", takeover=Takeover.JUMP), ["B0 01 7F"], 2**31 - 1),
    ],
)
def test_every_kind_of_sender_sets_every_kind_of_control(binding: Binding, messages: list[str], value: object) -> None:
    desk = Desk(binding)
    desk.send(*messages)
    assert desk.values(binding.control) == [value]


def test_the_upper_half_alone_is_heard_a_moment_later() -> None:
    desk = Desk(Binding(sender=Sender.CC14, number=1, control="gain", takeover=Takeover.JUMP))
    desk.send("B0 01 7F")
    assert desk.values("gain") == [0.0]
    assert desk.surface.due(desk.now)[1] == pytest.approx(desk.now + 0.01)
    desk.due(0.011)
    assert desk.values("gain") == [12.0]


def test_a_key_turns_a_switch_over_and_goes_through_choices() -> None:
    desk = Desk(
        Binding(sender=Sender.NOTE, number=36, control="limiter"), Binding(sender=Sender.NOTE, number=37, control="spatial")
    )
    found = []
    for _ in range(4):
        desk.send("90 24 01", "80 24 00", "90 25 7F", "90 25 00")
        found.append((*desk.values("limiter", "spatial"),))
    assert found == [(False, "binaural"), (True, "mono"), (False, "stereo"), (True, "binaural")]
    desk.controls.set("limiter", False, "osc")
    desk.send("90 24 40")  # the same wish as two presses before, and a press all the same
    assert desk.values("limiter") == [True]


def test_a_held_key_holds_a_switch() -> None:
    desk = Desk(Binding(sender=Sender.NOTE, number=36, control="play", takeover=Takeover.JUMP))
    desk.send("90 24 01")
    assert desk.values("play") == [True]
    desk.send("80 24 00")
    assert desk.values("play") == [False]


def test_encoders_step_from_where_the_control_is() -> None:
    desk = Desk(
        Binding(sender=Sender.CC, number=1, control="width", takeover=Takeover.TWOS),
        Binding(sender=Sender.CC, number=2, control="spatial", takeover=Takeover.OFFSET),
    )
    desk.send("B0 01 01", "B0 01 01", "B0 01 7F", "B0 01 01")
    assert desk.values("width") == [pytest.approx(0.5 + 2 / 127)]
    desk.controls.set("width", 0.999, "osc")
    desk.send("B0 01 01", "B0 01 01")
    assert desk.values("width") == [1.0]
    desk.send("B0 02 41", "B0 02 41")
    assert desk.values("spatial") == ["binaural"]
    desk.send("B0 02 3F")
    assert desk.values("spatial") == ["stereo"]


def test_pickup_is_lost_to_whoever_else_moves_the_control() -> None:
    desk = Desk(PICKED)
    desk.send("B0 16 30", "B0 16 41", "B0 16 60")  # past 0, the control's place
    assert desk.values("slider.2") == [pytest.approx(-10 + 20 * (0.5 + 32 / 126))]
    for source in ("osc:127.0.0.1:1", MODEL_SOURCE, "midi act:x"):
        desk.controls.set("slider.2", -5.0, source, act=True)
        desk.send("B0 16 61", "B0 16 50")
        assert desk.values("slider.2") == [-5.0]
        desk.send("B0 16 10")  # past -5
        assert desk.values("slider.2") == [pytest.approx(-10 + 20 * 16 / 128)]
        desk.send("B0 16 60")
    desk.controls.center("center 1")
    desk.send("B0 16 61")
    assert desk.values("slider.2") == [0.0]


def test_of_two_knobs_of_a_control_one_holds_it() -> None:
    other = Binding(sender=Sender.CC, number=23, control="slider.noise")
    desk = Desk(PICKED, other)
    desk.send("B0 16 40", "B0 17 40", "B0 17 60")
    desk.send("B0 16 41")
    assert desk.values("slider.2") == [pytest.approx(-10 + 20 * (0.5 + 32 / 126))]


def test_a_binding_sleeps_without_its_slider_and_wakes_with_another_model() -> None:
    desk = Desk(BRIGHT)
    desk.controls.install_sliders(["warmth"])
    desk.send("B0 15 7F")
    assert (desk.values("slider.1"), desk.complaints) == ([0.0], [])
    desk.controls.install_sliders([])
    desk.send("B0 15 00")
    desk.controls.install_sliders(["warmth", "Brightness"])
    desk.send("B0 15 7F")
    assert desk.values("slider.1", "slider.2") == [0.0, 10.0]


def test_acts_are_done_by_a_press_and_not_by_letting_go() -> None:
    desk = Desk(
        Binding(sender=Sender.CC, number=1, act="panic"),
        Binding(sender=Sender.NOTE, number=36, act="center"),
        Binding(sender=Sender.PROGRAM, number=3, act="reload"),
    )
    desk.send("B0 01 7F", "B0 01 7E", "B0 01 00", "90 24 01", "80 24 00", "C0 03", "C0 03")
    source = f"midi act:{KEYS}"
    assert desk.acts == [("panic", (), source), ("center", (), source), ("reload", (), source), ("reload", (), source)]
    desk.send("B0 01 7F")
    assert desk.acts[-1][0] == "panic"


def test_mode_messages_of_the_play_channel() -> None:
    desk = Desk(mapping=Mapping(play_channel=2))
    desk.controls.set("slider.1", 3.0, "osc")
    desk.controls.set("gain", -6.0, "osc")
    desk.controls.set("play", True, "osc")
    desk.send("B0 78 00", "B0 79 00")
    assert (desk.acts, desk.values("slider.1", "gain")) == ([], [3.0, -6.0])
    desk.send("B1 78 00", "B1 79 00")
    assert [act for act, _, _ in desk.acts] == ["panic"]
    assert desk.values("slider.1", "gain", "play") == [0.0, 0.0, True]


def test_keys_strike_by_their_velocity_and_the_pedal_holds() -> None:
    desk = Desk(Binding(sender=Sender.NOTE, number=36, act="strike"), Binding(sender=Sender.NOTE, number=37, control="limiter"))
    desk.send("93 3C 7F", "83 3C 40", "93 3C 40", "93 3C 00", "90 24 20", "90 25 7F")
    # 127 is all, 64 the middle; 0x20 is a quarter; the key of the limiter strikes nothing.
    source = f"midi act:{KEYS}"
    assert desk.acts == [("strike", (1.0,), source), ("strike", (0.5,), source), ("strike", (0.25,), source)]
    assert desk.values("limiter", "freeze") == [False, False]
    desk.send("B0 40 7F")
    assert desk.values("freeze") == [True]
    desk.send("B0 40 00")
    assert desk.values("freeze") == [False]
    desk.send("B0 40 40", "B0 7B 00")
    assert desk.values("freeze") == [False]
    desk.send("B0 40 40")
    assert desk.values("freeze") == [True]


def test_keys_of_other_channels_than_the_play_channel_do_nothing() -> None:
    desk = Desk(mapping=Mapping(play_channel=2))
    desk.send("90 3C 7F", "B0 40 7F", "91 3C 7F")
    assert [(act, args) for act, args, _ in desk.acts] == [("strike", (1.0,))]
    assert desk.values("freeze") == [False]


def test_a_program_is_a_preset_s_number_with_its_bank() -> None:
    desk = Desk(mapping=Mapping(play_channel=1))
    desk.send("C0 05", "B0 00 01", "B0 20 02", "C0 05", "C1 07")
    # Bank 1 * 128 + 2, of 128 programs each: 130 * 128 + 5.
    assert [(act, args) for act, args, _ in desk.acts] == [("preset.number", (5,)), ("preset.number", (16645,))]


def test_an_act_that_fails_is_told() -> None:
    def fail(*_: object) -> None:
        raise ControlError("not today")

    desk = Desk(Binding(sender=Sender.CC, number=1, act="center"))
    desk.surface._router._perform = fail
    desk.send("B0 01 7F")
    assert desk.complaints == [("center", "not today")]


def test_a_sequencer_s_start_and_stop_are_play() -> None:
    desk = Desk()
    desk.send("FA")
    assert desk.values("play") == [True]
    desk.send("FC")
    assert desk.values("play") == [False]
    desk.send("FB")
    desk.controls.set("play", False, "osc")
    desk.send("FB")
    assert desk.values("play") == [True]
    desk.surface.install(Mapping(clock=ClockUse(transport=False)))
    desk.send("FC")
    assert desk.values("play") == [True]


def test_a_clock_s_tempo_sets_what_is_counted_in_beats() -> None:
    desk = Desk(mapping=Mapping(clock=ClockUse(density=2.0, drift=0.25)))
    desk.send(*["F8"] * 100, apart=60 / 120 / 24)  # 120 beats a minute are 2 a second
    assert desk.values("density", "drift") == [pytest.approx(4.0), pytest.approx(0.5)]
    desk.send(*["F8"] * 100, apart=60 / 90 / 24)
    assert desk.values("density", "drift") == [pytest.approx(3.0, rel=0.01), pytest.approx(0.375, rel=0.01)]
    unused = Desk()
    unused.send(*["F8"] * 100, apart=60 / 120 / 24)
    assert unused.values("density", "drift") == [2.0, 0.25]


# Learning.


def learned(desk: Desk, target: str, *messages: str, act: bool = False, port: str = KEYS) -> Binding | None:
    found: list[Binding | None] = []
    desk.surface.learn(target, act=act, now=desk.now, done=found.append)
    desk.send(*messages, port=port)
    desk.settle(0.2)
    return found[0] if found else None


@pytest.mark.parametrize(
    ("messages", "sender", "number", "channel"),
    [
        (["B0 15 10"], Sender.CC, 21, 1),
        (["B3 01 10", "B3 21 05"], Sender.CC14, 1, 4),
        (["B3 21 05", "B3 01 10", "B3 21 07"], Sender.CC14, 1, 4),
        (["B0 63 01", "B0 62 02", "B0 06 10", "B0 26 05"], Sender.NRPN, 130, 1),
        (["B0 63 01", "B0 62 02", "B0 06 10"], Sender.NRPN, 130, 1),
        (["B0 00 01", "B0 20 00", "C0 07"], Sender.PROGRAM, 7, 1),
        (["E5 00 41"], Sender.BEND, 0, 6),
        (["D0 10"], Sender.PRESSURE, 0, 1),
        (["90 3C 10", "D0 10", "80 3C 00"], Sender.NOTE, 60, 1),
        (
            ["80 3C 00", "F8", "FE", "B0 63 00", "B0 65 00", "B0 64 00", "B0 06 00", "B0 26 00", "B0 7B 00", "B0 15 10"],
            Sender.CC,
            21,
            1,
        ),
    ],
)
def test_what_is_moved_is_recognised(messages: list[str], sender: Sender, number: int, channel: int) -> None:
    binding = learned(Desk(), "gain", *messages)
    assert binding == Binding(sender=sender, number=number, channel=channel, port="Keystation 49", control="gain")


def test_a_slider_is_learned_by_its_name_and_an_act_by_its_id() -> None:
    desk = Desk()
    for name in ("slider.1", "slider.brightness"):
        binding = learned(desk, name, "B0 15 10")
        assert binding is not None
        assert binding.control == "slider.brightness"
    binding = learned(desk, "panic", "B0 16 10", act=True)
    assert binding is not None
    assert (binding.act, binding.control) == ("panic", "")


@pytest.mark.parametrize(
    ("port", "name"),
    [
        ("nanoKONTROL2:nanoKONTROL2 MIDI 1 24:0", "nanoKONTROL2:nanoKONTROL2 MIDI 1"),
        ("nanoKONTROL2 1", "nanoKONTROL2"),
        ("pd:midi_out", "pd"),
        ("seq:out", "seq"),
        ("sda", "sda"),
    ],
)
def test_a_port_is_learned_by_what_of_its_name_lasts(port: str, name: str) -> None:
    binding = learned(Desk(), "gain", "B0 15 10", port=port)
    assert binding is not None
    assert binding.port == name


def test_nothing_else_happens_while_a_control_is_armed() -> None:
    desk = Desk(BRIGHT)
    assert learned(desk, "gain", "B0 15 7F") is not None
    assert desk.values("slider.1", "gain") == [0.0, 0.0]
    desk.send("B0 15 7F")
    assert desk.values("slider.1") == [10.0]


def test_arming_something_else_or_waiting_too_long_lets_go() -> None:
    desk, found = Desk(), []
    desk.surface.learn("gain", act=False, now=desk.now, done=found.append)
    assert learned(desk, "width", "B0 15 10") is not None
    assert found == [None]
    assert learned(desk, "width") is None
    desk.due(121.0)
    desk.send("B0 15 10")
    desk.due(0.2)
    assert found == [None]


def test_what_cannot_be_bound_is_refused() -> None:
    desk = Desk()
    refused = [
        ("model", "expected a control with a range"),
        ("slider.nine", "no such control"),
        ("preset.save", "expected 1 val"),
    ]
    for target, said in refused:
        with pytest.raises(ControlError, match=said):
            desk.surface.learn(target, act=target == "preset.save", now=desk.now, done=lambda _: None)


EVERYTHING = Mapping(
    clock=ClockUse(density=1.0, drift=1.0),
    bindings=tuple(
        Binding(sender=sender, number=number, control="slider.1", takeover=takeover)
        for sender in Sender
        for number in (0, 1, 6)
        for takeover in (None, *Takeover)
    ),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=4),
            st.tuples(st.integers(128, 255), st.sampled_from([0, 1, 6, 33, 38, 64, 98, 99, 121]), st.integers(0, 127)).map(
                bytes
            ),
        ),
        max_size=60,
    )
)
def test_whatever_bytes_come_values_stay_in_range_and_nothing_breaks(stream: list[bytes]) -> None:
    desk = Desk(mapping=EVERYTHING)
    desk.surface.connect([KEYS])
    for data in stream:
        desk.now += 0.002
        desk.surface.receive(KEYS, data, desk.now)
        desk.surface.due(desk.now)
    for row in desk.controls.rows:
        value = desk.controls.get(row.id)
        assert not isinstance(value, float) or row.low <= value <= row.high
