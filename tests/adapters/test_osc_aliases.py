"""Foreign OSC addresses that move controls, as `controls.toml` gives them; and the list of MIDI bindings over OSC."""

from __future__ import annotations

import pytest
from osc_desk import DESIGNER, Desk

from sda.mapping import Alias


def desk_with(*aliases: Alias) -> Desk:
    desk = Desk()
    desk.surface.aliases = aliases
    return desk


@pytest.mark.parametrize(
    ("alias", "sent", "value"),
    [
        (Alias(address="/bright", control="slider.brightness"), 0.0, -10.0),
        (Alias(address="/bright", control="slider.brightness"), 1, 10.0),
        (Alias(address="/bright", control="slider.brightness", low=0, high=127, span=(0, 10)), 63.5, 5.0),
        (Alias(address="/bright", control="slider.1", low=0, high=127, span=(10, 0), curve=2), 63.5, 7.5),
        (Alias(address="/bright", control="slider.1", low=1, high=-1), 0.5, -5.0),
        (Alias(address="/bright", control="slider.1"), 7.0, 10.0),
        (Alias(address="/bright", control="slider.1"), -7.0, -10.0),
    ],
)
def test_a_foreign_address_moves_a_control_by_its_own_numbers(alias: Alias, sent: float, value: float) -> None:
    desk = desk_with(alias)
    assert desk.send("/bright", sent) == []
    assert desk.controls.get("slider.1") == pytest.approx(value)


def test_switches_choices_patterns_and_bundles_of_aliases() -> None:
    desk = desk_with(
        Alias(address="/mixer/on", control="play", low=0, high=100),
        Alias(address="/mixer/room", control="spatial"),
        Alias(address="/mixer/level", control="gain", span=(-60, 0)),
    )
    desk.send("/mixer/on", 80)
    desk.send("/mixer/room", 1.0)
    assert [desk.controls.get(id) for id in ("play", "spatial", "gain")] == [True, "binaural", 0.0]
    assert desk.send("/mixer/*", 0.0) == []
    assert [desk.controls.get(id) for id in ("play", "spatial", "gain")] == [False, "mono", -60.0]


def test_what_an_alias_cannot_take_is_said_and_our_own_addresses_stay_ours() -> None:
    desk = desk_with(Alias(address="/bright", control="slider.1", low=0, high=127))
    assert desk.send("/bright", "high")[0][1:3] == ("/bright", "value")
    desk.now += 2.0  # errors about one address are told once a second
    assert "finite" in str(desk.send("/bright", float("nan"))[0][3])
    assert desk.send("/sda/slider/1", 2.0) == []
    assert desk.send("/sda/q/slider/1") == [("/sda/slider/1", 2.0)]


def test_an_alias_sleeps_without_its_slider_and_listeners_are_not_bothered() -> None:
    desk = desk_with(Alias(address="/warm", control="slider.warmth"))
    assert desk.send("/warm", 1.0)[0][2] == "unknown"
    desk.controls.install_sliders(["Warmth"])
    desk.send("/sda/listen", source=DESIGNER)
    desk.due()
    assert desk.send("/warm", 1.0) == []
    assert desk.controls.get("slider.1") == 10.0
    desk.surface.aliases = ()
    assert desk.due(0.1) == [("/sda/slider/1", 10.0)]  # and no new table of controls
    desk.now += 2.0
    assert desk.send("/warm", 0.0)[0][2] == "unknown"


def test_the_bindings_are_listed() -> None:
    assert Desk().send("/sda/midi/map") == [
        ("/sda/midi/binding", "gain", "cc", 21, 3, "Desk", "jump", -40.0, 6.0, 2.0),
        ("/sda/midi/binding", "panic", "note", 36, 0, "", "auto", 0.0, 0.0, 0.0),
        ("/sda/midi/bindings", 2),
    ]
    assert Desk().send("/sda/midi/bindings", 2) == []
