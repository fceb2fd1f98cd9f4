"""The ring between two processes, across its end, dry, and muted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from sda.live.ring import FADE, SPARE, Ring, RingReader

RATE = 48_000
STEPS = round(FADE * RATE)  # frames of a fade
TONE = 2 * np.pi * 440 / RATE  # rad a frame


@pytest.fixture
def ring() -> Iterator[Ring]:
    made = Ring.create(SPARE + 5000)
    yield made
    made.close()


def sine(start: int, count: int) -> np.ndarray:
    """A sine [2, count] of amplitude 0.5, the right channel inverted."""
    wave = 0.5 * np.sin(TONE * np.arange(start, start + count))
    return np.stack([wave, -wave]).astype(np.float32)


def pull(reader: RingReader, count: int) -> np.ndarray:
    out = np.full((count, 2), np.nan, np.float32)
    reader.read_into(out)
    return out


WRITER = """
import sys, time
import numpy as np
from sda.live.ring import Ring
ring = Ring.attach(sys.argv[1])
count, done = int(sys.argv[2]), 0
sizes = np.random.default_rng(7).integers(1, 900, 10**6)
for size in sizes:
    if done >= count:
        break
    numbers = np.arange(done, min(count, done + size), dtype=np.float32)
    block = np.stack([numbers, -numbers])
    while block.shape[1]:
        written = ring.write(block)
        done += written
        block = block[:, written:]
        if not written:
            time.sleep(0.0002)
"""


def test_numbers_arrive_in_order_from_another_process_through_many_rounds(ring: Ring) -> None:
    # Floats count exactly to 2**24; 600,000 frames are 100 rounds of this ring.
    count, got = 600_000, 0
    writer = subprocess.Popen([sys.executable, "-c", WRITER, ring.name, str(count)])
    out = np.zeros((777, 2), np.float32)
    while got < count and writer.poll() in (None, 0):
        taken = ring.copy_to(out)
        expected = np.arange(got, got + taken, dtype=np.float32)
        np.testing.assert_array_equal(out[:taken, 0], expected)
        np.testing.assert_array_equal(out[:taken, 1], -expected)
        got += taken
    assert writer.wait(10) == 0
    assert (got, ring.fill) == (count, 0)


def test_a_process_that_only_attached_leaves_the_memory_in_place(ring: Ring) -> None:
    script = "import sys; from sda.live.ring import Ring; Ring.attach(sys.argv[1]).write(__import__('numpy').ones((2, 3)))"
    done = subprocess.run([sys.executable, "-c", script, ring.name], check=True, capture_output=True, text=True)
    assert done.stderr == ""
    again = Ring.attach(ring.name)
    assert again.fill == 3
    again.close()


def test_a_full_ring_takes_no_more_and_keeps_what_the_reader_may_look_back_on(ring: Ring) -> None:
    assert ring.write(sine(0, 9000)) == 5000
    assert ring.write(sine(0, 1)) == 0
    ring.copy_to(np.zeros((100, 2), np.float32))
    assert ring.write(sine(5000, 9000)) == 100
    back = np.zeros((100, 2), np.float32)
    ring.mirror_to(back, 0)
    np.testing.assert_array_equal(back[::-1], sine(0, 100).T)


def test_what_was_written_is_what_is_read_bit_by_bit_however_it_is_cut(ring: Ring) -> None:
    reader, parts = RingReader(ring, RATE), []
    for start in range(0, 24_000, 480):
        ring.write(sine(start, 480))
        parts += [pull(reader, 160), pull(reader, 1), pull(reader, 319)]
    np.testing.assert_array_equal(np.concatenate(parts), sine(0, 24_000).T)
    assert reader.underruns == 0


def test_an_empty_ring_is_silence_and_no_underrun_before_the_first_sound(ring: Ring) -> None:
    reader = RingReader(ring, RATE)
    assert not pull(reader, 512).any()
    assert (reader.started, reader.underruns) == (False, 0)


def test_a_dry_ring_fades_out_within_5_ms_without_a_step_and_comes_back(ring: Ring) -> None:
    reader = RingReader(ring, RATE)
    ring.write(sine(0, 1000))
    heard = [pull(reader, 256) for _ in range(8)]  # dry in the fourth
    assert (reader.underruns, ring.fill) == (1, 0)
    ring.write(sine(1000, 2000))
    heard += [pull(reader, 256) for _ in range(7)]
    wave = np.concatenate(heard)
    np.testing.assert_array_equal(wave[:1000], sine(0, 1000).T)
    assert not wave[1000 + STEPS : 2048].any()
    assert wave[1000 : 1000 + STEPS // 2].any()
    np.testing.assert_array_equal(wave[2048 + STEPS :], sine(1000, 2000).T[STEPS : 7 * 256])
    # The steepest step of the sine is 0.5 * TONE; the fade's own slope adds at most 0.5 * pi / 2 / STEPS.
    steps = np.abs(np.diff(wave[:, 0]))
    assert steps.max() <= 0.5 * TONE + 0.5 * np.pi / 2 / STEPS + 1e-6
    assert reader.underruns == 1


def test_zeros_that_run_out_are_no_underrun(ring: Ring) -> None:
    reader = RingReader(ring, RATE)
    ring.write(np.zeros((2, 500), np.float32))
    for _ in range(4):
        pull(reader, 200)
    assert (reader.started, reader.underruns) == (True, 0)


@pytest.mark.parametrize("size", [64, 128, 480])
def test_mute_is_silent_after_5_ms_whatever_lies_in_the_ring_and_comes_back(ring: Ring, size: int) -> None:
    reader = RingReader(ring, RATE)
    ring.write(sine(0, 4800))
    before = pull(reader, size)
    np.testing.assert_array_equal(before, sine(0, size).T)
    ring.muted = True
    muted = np.concatenate([pull(reader, size) for _ in range(960 // size)])
    assert muted[: STEPS // 2].any()
    assert not muted[STEPS:].any()
    steps = np.abs(np.diff(np.concatenate([before, muted])[:, 0]))
    assert steps.max() <= 0.5 * TONE + 0.5 * np.pi / 2 / STEPS + 1e-6
    ring.muted = False
    back = np.concatenate([pull(reader, size) for _ in range(960 // size)])
    start = size + len(muted)
    np.testing.assert_array_equal(back[STEPS:], sine(start + STEPS, len(back) - STEPS).T)
    assert reader.underruns == 0
