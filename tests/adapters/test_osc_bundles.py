"""Several OSC messages at once: bundles, time tags, patterns, and packets that nobody should send."""

from __future__ import annotations

import math
import time

import pytest
from osc_desk import DESIGNER, MAX, Desk, bundle, read
from osc_killers import HEAD, KILLERS, element

from sda.adapters.osc_packet import MESSAGES, encode
from sda.adapters.osc_steps import AHEAD, WAITING, WRITES


def test_a_bundle_is_applied_together_and_calls_keep_their_place() -> None:
    desk = Desk()
    batches: list[int] = []
    desk.controls.subscribe(lambda changes: batches.append(len(changes)))
    inner = bundle(encode("/sda/slider/1", 2.0), encode("/sda/slider/2", 3.0))
    assert desk.raw(bundle(encode("/sda/gain", -3.0), inner, encode("/sda/play", 1))) == []
    assert batches == [4]
    answers = desk.raw(
        bundle(encode("/sda/gain", -4.0), encode("/sda/q/gain"), encode("/sda/gain", -5.0), encode("/sda/q/gain"))
    )
    assert read(answers) == [("/sda/gain", -4.0), ("/sda/gain", -5.0)]
    desk.raw(bundle(encode("/sda/slider/1", 9.0), encode("/sda/center"), encode("/sda/slider/2", 7.0)))
    assert desk.controls.get("slider.1") == 0.0
    assert desk.controls.get("slider.2") == 7.0


def test_a_bad_message_does_not_take_its_bundle_along() -> None:
    desk = Desk()
    answers = read(desk.raw(bundle(encode("/sda/gain", math.nan), encode("/sda/nope"), encode("/sda/drift", 2.0))))
    assert [(a[1], a[2]) for a in answers] == [("/sda/nope", "unknown"), ("/sda/gain", "value")]
    assert desk.controls.get("drift") == 2.0


def test_a_bundle_waits_for_its_time_tag_and_says_where_in_the_stream_it_belongs() -> None:
    desk, places = Desk(), []
    desk.controls.subscribe(lambda changes: places.extend((c.id, c.value, c.place) for c in changes))
    assert desk.raw(bundle(encode("/sda/gain", -1.0), after=-5.0)) == []  # past: now
    assert desk.raw(bundle(encode("/sda/gain", -2.0), after=1.5)) == []
    assert desk.raw(bundle(encode("/sda/strike", 0.5), encode("/sda/drift", 3.0), after=1.0)) == []
    assert desk.raw(bundle(encode("/sda/gain", -3.0))) == []  # what comes later but is for now does not wait
    assert places == [("gain", -1.0, None), ("gain", -3.0, None)]
    assert desk.engine.performed == []
    desk.due(0.89)  # 0.1 s before its moment it must be on its way, and that is in 0.01 s
    assert places[2:] == []
    assert 0.005 < desk.surface.due(desk.now)[1] <= 0.0101
    desk.due(0.02)
    assert desk.engine.performed == [("strike", 0.5, 48_000)]
    assert places[2:] == [("drift", 3.0, 48_000)]
    desk.due(0.5)
    assert places[3:] == [("gain", -2.0, 72_000)]


def test_what_is_due_too_soon_to_wait_is_handed_over_with_its_place() -> None:
    desk, places = Desk(), []
    desk.controls.subscribe(lambda changes: places.extend((c.value, c.place) for c in changes))
    for value in (-1.0, -2.0):
        desk.raw(bundle(encode("/sda/gain", value), after=0.05))
    desk.due()
    assert places == [(-1.0, 2400), (-2.0, 2400)]


def test_a_time_tag_too_far_ahead_means_now_and_is_said_once_a_source() -> None:
    desk = Desk()
    answers = read(desk.raw(bundle(encode("/sda/gain", -2.0), after=AHEAD + 0.1)))
    assert desk.controls.get("gain") == -2.0
    assert [(a[1], a[2]) for a in answers] == [("/sda/gain", "time-tag")]
    assert desk.raw(bundle(encode("/sda/gain", -3.0), after=AHEAD + 0.1)) == []
    assert len(desk.raw(bundle(encode("/sda/gain", -4.0), after=AHEAD + 0.1), DESIGNER)) == 1
    assert desk.controls.get("gain") == -4.0


def test_only_so_much_may_wait() -> None:
    desk, full = Desk(), bundle(*[encode("/sda/drift", float(n)) for n in range(50)], after=1.0)
    for _ in range(WAITING // 50):
        assert desk.raw(full) == []
    assert desk.controls.get("drift") == 0.25
    assert [a[2] for a in read(desk.raw(full))] == ["time-tag"]
    assert desk.controls.get("drift") == 10.0


def test_time_tags_can_be_left_alone() -> None:
    desk = Desk(timetags=False)
    assert desk.raw(bundle(encode("/sda/gain", -2.0), after=1.5)) == []
    assert desk.controls.get("gain") == -2.0


def test_a_pattern_sets_and_asks_controls() -> None:
    desk = Desk()
    desk.send("/sda/slider/*", 4.0)
    assert desk.send("/sda/q/slider/[1-2]") == [("/sda/slider/1", 4.0), ("/sda/slider/2", 4.0)]
    desk.send("/sda/{gain,drift}/norm", 0.0)
    assert desk.send("/sda/q/{gain,drift}") == [("/sda/gain", -60.0), ("/sda/drift", 0.0)]
    desk.send("/sda/pani?")
    assert desk.engine.panics == 0  # never acts
    assert desk.send("/sda/[x", 1)[0][2] == "packet"
    assert desk.surface.refused == 1


def cost(data: bytes) -> float:
    """Processor seconds of this thread that a packet takes, the least of ten times: the machine has other things to do."""
    times = []
    for n in range(5):
        desk = Desk(names=[f"name {n}" for n in range(190)])
        for source in (MAX, DESIGNER):
            began = time.thread_time()
            desk.surface.receive(data, source, float(n))
            times.append(time.thread_time() - began)
    assert desk.send("/sda/ping", 1) == [("/sda/pong", 1)]
    return min(times)


@pytest.fixture(scope="module")
def plain() -> float:
    """Processor seconds of the largest packet of settings that is taken."""
    return cost(HEAD + b"".join(element(encode(f"/sda/slider/{n % 190 + 1}", n / MESSAGES)) for n in range(MESSAGES)))


@pytest.mark.parametrize("data", KILLERS.values(), ids=KILLERS.keys())
def test_no_packet_costs_far_more_than_a_full_one(data: bytes, plain: float) -> None:
    assert len(data) <= 65_507
    assert cost(data) <= 8 * plain  # about twice what any takes; milliseconds are in tests/benchmarks/bench_osc.py


def test_a_packet_that_comes_to_too_many_settings_does_nothing() -> None:
    desk = Desk(names=[str(n) for n in range(100)])
    packet = bundle(encode("/sda/gain", -9.0), *[encode("/sda/slider/*", float(n)) for n in range(WRITES // 100 + 1)])
    assert read(desk.raw(packet))[0][2] == "packet"
    assert desk.surface.refused == 1
    assert desk.controls.get("gain") == 0.0
