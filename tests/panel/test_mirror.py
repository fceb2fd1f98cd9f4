"""The engine as the panel sees it, over the wire alone: an engine that runs, and no window."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from live_session import Session
from small_models import small_map

from sda.adapters.osc_packet import Message
from sda.panel.mirror import Mirror
from sda.panel.picture import Picture
from sda.params import PARAMS


@pytest.fixture
def mirror(engine: Session) -> Iterator[Mirror]:
    made = Mirror(("127.0.0.1", engine.port))
    made.start()
    until(lambda: made.there and len(made.rows) == len(PARAMS) + 2)
    yield made
    made.close()


def until(good: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not good():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_rows_are_the_registry_s(mirror: Mirror) -> None:
    for row, known in zip(mirror.rows, PARAMS, strict=False):
        assert (row.id, row.kind, row.unit) == (known.id, known.kind, known.unit)
        assert (row.low, row.high, row.curve) == pytest.approx((known.low, known.high, known.curve))
        assert row.default == (pytest.approx(known.default) if isinstance(known.default, float) else known.default)
        assert (row.choices, row.help) == (known.choices, known.help[:200])
    assert [row.name for row in mirror.rows if row.name] == ["brightness", "axis-1"]
    until(lambda: mirror.safe)
    assert mirror.safe == ((-8.0, 8.0), (-8.0, 8.0))


def test_the_same_value_twice_is_a_move_where_another_hand_was_between(engine: Session, mirror: Mirror) -> None:
    for other in (4.0, -4.0):
        mirror.set("slider.1", 2.0)
        until(lambda: engine.value("slider.1") == 2.0)
        engine.send("/sda/slider/1", other)
        until(lambda wanted=other: mirror.values["slider.1"] == wanted)  # type: ignore[misc]


def test_what_is_refused_or_done_is_known_by_its_address(engine: Session, mirror: Mirror) -> None:
    mirror.send("/sda/preset/recall", "nowhere")
    until(lambda: "/sda/preset/recall" in mirror.outcomes)
    assert not mirror.outcomes["/sda/preset/recall"].good
    assert "nowhere" in mirror.outcomes["/sda/preset/recall"].text
    mirror.send("/sda/randomize", 7)
    until(lambda: "/sda/randomize" in mirror.outcomes)
    assert mirror.outcomes["/sda/randomize"] == (mirror.outcomes["/sda/randomize"].at, True, "7")


def test_the_map_comes_whole(mirror: Mirror, library: Path) -> None:
    until(lambda: len(mirror.map.x) == 12)
    known = small_map(12)
    assert mirror.map.x == pytest.approx(known.places[:, 0], abs=1e-4)
    assert mirror.map.y == pytest.approx(known.places[:, 1], abs=1e-4)
    assert mirror.map.recordings == ("drip.wav", "gravel.flac")
    assert [*mirror.map.owners] == [*known.owners]
    # Slider 1 moves the first latent by a fifth a position.
    assert mirror.map.shades[0] == pytest.approx((5 * known.latents[:, 0]).clip(-10, 10), abs=1e-3)
    mirror.shade(2)
    until(lambda: mirror.map.shades[0] == pytest.approx((5 * known.latents[:, 1]).clip(-10, 10), abs=1e-3))


def test_where_it_sounds_is_told(engine: Session, mirror: Mirror) -> None:
    place = small_map(12).places[5]
    engine.send("/sda/play", 1)
    mirror.set("slider.1", 0.0)
    mirror.set("slider.2", 0.0)
    mirror.set("map.x", float(place[0]))
    mirror.set("map.y", float(place[1]))
    mirror.set("map.share", 1.0)
    until(lambda: mirror.here is not None and mirror.here[2] == 5)
    assert mirror.here is not None
    assert mirror.here[:2] == pytest.approx(tuple(place), abs=0.01)
    engine.send("/sda/play", 0)


def test_a_picture_takes_no_harm_from_what_it_does_not_know() -> None:
    picture = Picture("127.0.0.1")
    for address in ("/sda/param", "/sda/params", "/sda/safe", "/sda/map/here", "/sda/status/reply", "/sda/error", "/sda/scope"):
        for args in ((), (1,), ("x", "y", "z"), (None, b"123", 2.0, float("nan"))):
            picture.take(Message(address, args))
    picture.take(Message("/sda/presets/name", ("dusk", 0, "")))
    picture.take(Message("/sda/presets", (2,)))  # one of two got lost on the way
    assert picture.presets == ()
    picture.take(Message("/sda/presets/name", ("dusk", 0, "")))
    picture.take(Message("/sda/presets", (1,)))
    assert [preset.name for preset in picture.presets] == ["dusk"]
