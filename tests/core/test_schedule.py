"""Events and their places: order, what is due, what was overtaken, and rest after play went off."""

from __future__ import annotations

from sda.core.schedule import Event, Lane, thinned
from sda.core.switches import Switches


def test_events_come_by_position_and_at_one_position_as_they_came() -> None:
    lane = Lane()
    for pos, name in ((30, "a"), (10, "b"), (30, "c"), (20, "d")):
        lane.add(Event(pos, name, 0.0))
    assert lane.next == 10
    assert [e.id for e in lane.due(9)] == []
    assert [e.id for e in lane.due(20)] == ["b", "d"]
    assert [e.id for e in lane.due(1000)] == ["a", "c"]
    assert lane.next is None


def test_a_control_moved_meanwhile_forgets_what_waits_for_it_but_no_grain_is_forgotten() -> None:
    lane = Lane([Event(5, "gain", -1.0), Event(6, "strike", 1.0), Event(7, "width", 0.1)])
    lane.overtake("gain")
    lane.overtake("strike")
    assert [e.id for e in lane.waiting] == ["strike", "width"]


def test_of_a_flood_at_one_position_the_last_values_stay() -> None:
    flood = [Event(7, f"slider.{1 + n % 2}", float(n)) for n in range(100)]
    assert [(e.id, e.value) for e in thinned(flood)] == [("slider.1", 98.0), ("slider.2", 99.0)]
    assert len(thinned([Event(n, "slider.1", 0.0) for n in range(5)])) == 5  # other positions are other moments


def test_what_changes_the_meaning_of_a_value_keeps_the_one_before() -> None:
    events = [Event(7, "slider.1", 5.0), Event(7, "glide", 900.0), Event(7, "slider.1", 1.0), Event(7, "strike", 1.0),
              Event(7, "strike", 0.5), Event(7, "slider.1", 2.0)]  # fmt: skip
    assert thinned(events) == events


def test_rest_begins_a_while_after_the_switch_and_ends_with_the_next() -> None:
    switches = Switches.at(True).with_switch(100, False).with_switch(500, True)
    assert [switches.seen(at).rests(at, 50) for at in (99, 100, 150, 151, 499, 500, 900)] == [
        False, False, False, True, True, False, False,
    ]  # fmt: skip
    assert Switches.at(False).rests(0, 50)
    assert not Switches.at(True).rests(160, 50, [(100, False), (155, True)])
    assert Switches.at(True).rests(160, 50, [(100, False), (161, True)])  # that is still to come
