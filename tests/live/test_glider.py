"""Many controls on their way: evenly over their faders, exactly there at the end, and never against a hand."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from sda.control import Change, Controls, Setting
from sda.live import glider as module
from sda.live.glider import Glider


class Hand:
    """Controls, a glider with a clock that a test sets, and all changes in order."""

    def __init__(self) -> None:
        self.now, self.heard = 100.0, list[Change]()
        self.controls = Controls()
        self.controls.install_sliders(["brightness", "grit"])
        self.glider = Glider(self.controls, clock=lambda: self.now)
        self.controls.subscribe(self.heard.extend)

    def at(self, seconds: float, id: str, expected: object) -> None:
        """Some seconds after the beginning a control stands there."""
        self.now = 100.0 + seconds
        end = time.monotonic() + 5
        while self.controls.get(id) != pytest.approx(expected) and time.monotonic() < end:
            time.sleep(0.001)
        assert self.controls.get(id) == pytest.approx(expected)


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hand]:
    monkeypatch.setattr(module, "STEP", 0.001)
    made = Hand()
    yield made
    made.glider.close()


def test_numbers_move_evenly_over_their_faders_and_the_rest_at_once(hand: Hand) -> None:
    targets = {"gain": -20.0, "drift": 10.0, "slider.2": 8.0, "spatial": "mono", "limiter": False, "seed": 9}
    hand.controls.set("drift", 0.0, "before")
    hand.glider.start(targets, 4.0, "a")
    assert [hand.controls.get(id) for id in ("spatial", "limiter", "seed")] == ["mono", False, 9]
    hand.at(1.0, "gain", -5.0)
    hand.at(1.0, "slider.2", 2.0)
    hand.at(2.0, "drift", 1.25)  # 10 Hz * 0.5^3
    assert hand.glider.headed()["gain"] == -20.0
    hand.at(4.5, "gain", -20.0)
    assert {id: hand.controls.get(id) for id in targets} == targets
    gains = [change.value for change in hand.heard if change.id == "gain"]
    assert gains == sorted(gains, reverse=True)


def test_a_hand_on_a_control_keeps_it(hand: Hand) -> None:
    hand.glider.start({"gain": -20.0, "slider.1": 4.0}, 4.0, "a")
    hand.at(1.0, "gain", -5.0)
    hand.controls.set("gain", 3.0, "fader")
    hand.at(4.5, "slider.1", 4.0)
    assert hand.controls.get("gain") == 3.0
    assert "gain" not in [change.id for change in hand.heard[-2:] if change.source == "a"]


def test_sliders_arrive_in_time_whatever_their_own_glide(hand: Hand) -> None:
    hand.controls.set("glide", 3000.0, "before")
    hand.glider.start({"slider.1": 4.0, "glide": 700.0}, 2.0, "a")
    assert hand.controls.get("glide") == 50.0
    hand.at(2.5, "glide", 700.0)
    hand.controls.set("glide", 3000.0, "before again")
    hand.glider.start({"slider.1": 0.0}, 2.0, "b")
    hand.now += 1.0
    hand.glider.stop()
    assert hand.controls.get("glide") == 3000.0  # a preset that says nothing of it leaves it as it was


def test_one_that_is_left_does_nothing_any_more(hand: Hand) -> None:
    hand.glider.start({"gain": -20.0}, 4.0, "a")
    hand.at(1.0, "gain", -5.0)
    hand.glider.stop()
    hand.controls.set_many([Setting("gain", -50.0)], "jump")
    hand.now += 10
    time.sleep(0.05)
    assert hand.controls.get("gain") == -50.0
    assert hand.glider.headed() == {}


def test_sliders_that_leave_with_their_model_are_let_go(hand: Hand) -> None:
    hand.glider.start({"slider.1": 4.0, "slider.2": 4.0, "gain": -20.0}, 4.0, "a")
    hand.at(1.0, "slider.2", 1.0)
    hand.controls.install_sliders(["warmth"])
    hand.at(4.5, "gain", -20.0)
    assert hand.controls.get("slider.1") == 0.0
