"""Current values: what is a move, what is told, what holds together across threads and model swaps."""

from __future__ import annotations

import math
import threading
import time

import pytest

from sda.control import SOURCES, Change, Changes, Controls, Setting
from sda.errors import ControlError
from sda.params import PARAMS


def listened() -> tuple[Controls, list[tuple[Change, ...]]]:
    controls, heard = Controls(), []
    controls.subscribe(heard.append)
    return controls, heard


def test_values_begin_at_the_defaults() -> None:
    assert Controls().values() == {row.id: row.default for row in PARAMS}


def test_a_move_is_delivered_once_and_counted() -> None:
    controls, heard = listened()
    change = controls.set("gain", -6.0, "panel")
    assert change == Change("gain", -6.0, "panel", 0.0, False)
    assert heard == [(change,)]
    assert controls.get("gain") == -6.0
    assert controls.rev == 1


def test_the_same_value_of_the_same_source_is_no_move() -> None:
    controls, heard = listened()
    controls.set("gain", -6.0, "fader")
    controls.set("gain", -20.0, "preset")
    assert controls.set("gain", -6.0, "fader") is None  # a client that repeats its channels holds nothing in its hand
    assert controls.get("gain") == -20.0
    assert len(heard) == 2
    assert controls.set("gain", -6.0, "other") is not None
    assert controls.get("gain") == -6.0
    assert controls.set("gain", -20.0, "preset", act=True) is not None  # an act counts however often it comes
    assert controls.get("gain") == -20.0


def test_a_value_that_changes_nothing_is_not_delivered() -> None:
    controls, heard = listened()
    change = controls.set("gain", 0.0, "a")
    assert change is not None
    assert change.value == change.before
    assert heard == []
    assert controls.rev == 0


@pytest.mark.parametrize(
    ("id", "asked", "value", "adjusted"),
    [
        ("gain", 99, 12.0, True),
        ("gain", 5, 5.0, False),
        ("seed", 3.0, 3, False),
        ("seed", 3.6, 4, True),
        ("play", 1, True, False),
    ],
)
def test_clipping_and_rounding_are_told(id: str, asked: float, value: float, adjusted: bool) -> None:
    change = Controls().set(id, asked, "a")
    assert change is not None
    assert (change.value, change.adjusted) == (value, adjusted)


def test_a_clipped_wish_repeated_is_no_move_but_another_beyond_the_range_is_told() -> None:
    controls, heard = listened()
    controls.set("gain", 99.0, "a")
    assert controls.set("gain", 99.0, "a") is None
    controls.set("gain", 98.0, "a")
    assert [batch[0].value for batch in heard] == [12.0, 12.0]


def test_bad_values_change_nothing() -> None:
    controls, heard = listened()
    for id, value in (("gain", math.nan), ("gain", "loud"), ("nothing", 1.0), ("model", 3)):
        with pytest.raises(ControlError, match=id):
            controls.set(id, value, "a")
    assert heard == []
    assert controls.values() == Controls().values()
    assert controls.set("gain", 1.0, "a") is not None  # and leave no memory


def test_a_batch_arrives_whole_without_its_bad_ones() -> None:
    controls, heard = listened()
    outcome = controls.set_many([Setting("gain", -3.0), Setting("drift", math.inf), Setting("play", 1)], "a")
    assert [(c.id, c.value) for c in outcome.changes] == [("gain", -3.0), ("play", True)]
    assert [refusal.id for refusal in outcome.refusals] == ["drift"]
    assert heard == [outcome.changes]


def test_sliders_by_number_and_name() -> None:
    controls = Controls()
    controls.install_sliders(["Bright Ness", "noise"], ["high against low", ""])
    assert [row.id for row in controls.sliders] == ["slider.1", "slider.2"]
    controls.set("slider.bright-ness", 3.5, "a")
    assert controls.get("slider.1") == controls.get("slider.bright-ness") == 3.5
    assert controls.row("slider.noise").id == "slider.2"
    with pytest.raises(ControlError, match=r"slider\.3"):
        controls.get("slider.3")


def test_a_value_follows_its_name_to_the_next_model_and_else_goes_to_zero() -> None:
    controls, heard = listened()
    controls.install_sliders(["brightness", "noise", "decay"])
    controls.set_many([Setting(f"slider.{n}", float(n)) for n in (1, 2, 3)], "a")
    rows = controls.rows
    controls.install_sliders(["decay", "pitch"])
    assert controls.rows is not rows
    assert {row.id: controls.get(row.id) for row in controls.sliders} == {"slider.1": 3.0, "slider.2": 0.0}
    assert [(c.id, c.value, c.source) for c in heard[-1]] == [("slider.1", 3.0, "model"), ("slider.2", 0.0, "model")]
    controls.install_sliders([])
    assert controls.sliders == ()
    assert "slider.1" not in controls.values()
    assert controls.get("gain") == 0.0


def test_center_counts_however_often_it_comes() -> None:
    controls = Controls()
    controls.install_sliders(["a", "b"])
    for value in (4.0, -7.0):
        controls.set("slider.2", value, "hand")
        controls.center("act")
        assert controls.get("slider.2") == 0.0


def test_sources_that_come_and_go_are_forgotten() -> None:
    controls = Controls()
    controls.set("gain", 1.0, "first")
    for n in range(SOURCES):
        controls.set("gain", 2.0, f"source {n}")
    assert controls.set("gain", 1.0, "first") is not None
    assert controls.set("gain", 2.0, f"source {SOURCES - 1}") is None


def test_threads_see_batches_whole_and_changes_in_order() -> None:
    controls, torn = Controls(), []
    controls.install_sliders(["a", "b"])
    last: dict[str, object] = {}
    controls.subscribe(lambda changes: last.update((c.id, c.value) for c in changes))
    done = threading.Event()

    def write(sign: int) -> None:
        for n in range(2000):
            value = sign * (n % 10 + n / 5000)
            controls.set_many([Setting("slider.1", value), Setting("slider.2", value)], f"w{sign}")

    def read() -> None:
        while not done.is_set():
            values = controls.values()
            if values["slider.1"] != values["slider.2"]:
                torn.append(values)

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(sign,)) for sign in (1, -1)]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert torn == []
    assert {id: controls.get(id) for id in ("slider.1", "slider.2")} == last  # the last heard is the current value


def test_a_full_queue_keeps_the_last_value_of_each() -> None:
    queue = Changes(limit=8)
    queue.put(Change("gain", float(n), "a", 0.0) for n in range(5))
    assert [change.value for change in queue.take()] == [0.0, 1.0, 2.0, 3.0, 4.0]
    for n in range(100):
        queue.put([Change(f"slider.{n % 4}", float(n), "a", 0.0)])
    taken = queue.take()
    assert len(taken) <= 8
    assert [(c.id, c.value) for c in taken[-4:]] == [(f"slider.{n % 4}", float(n)) for n in (96, 97, 98, 99)]
    assert queue.take() == []


def test_a_waiting_consumer_is_woken() -> None:
    queue = Changes()
    threading.Timer(0.05, lambda: queue.put([Change("gain", 1.0, "a", 0.0)])).start()
    began = time.monotonic()
    assert len(queue.take(timeout=5.0)) == 1
    assert time.monotonic() - began < 2.0
    assert queue.take(timeout=0.01) == []
