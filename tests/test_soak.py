"""The measures of the soak can fail: growth, steps, values that are lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soak
import soundfile
from sound_steps import Steps

from sda.adapters.osc_probe import Asker


def usage(kilobytes: np.ndarray, threads: np.ndarray | None = None) -> soak.Usage:
    """A look every 3 s."""
    threads = np.full(len(kilobytes), 16) if threads is None else threads
    return soak.Usage([(3.0 * n, int(kb), int(t), 38) for n, (kb, t) in enumerate(zip(kilobytes, threads, strict=True))])


def test_growth_is_measured_after_the_warming_up() -> None:
    warm = np.concatenate([np.linspace(100_000, 200_000, 25), np.full(175, 200_000)])
    assert usage(warm).growth() == (0.0, 0, 0)
    leaking = warm + np.arange(200) * 100  # a look is 100 kB more
    memory, _, _ = usage(leaking).growth()
    assert memory == pytest.approx(100 * (175 - 55) / (200_000 + 5500), rel=0.05)
    assert usage(warm, np.where(np.arange(200) < 100, 16, 17)).growth()[1] == 1


def test_a_step_and_a_sample_that_is_no_number_are_found_across_blocks(tmp_path: Path) -> None:
    wave = np.zeros((1 << 19, 2), np.float32)
    wave[1 << 18 :, 0] = 0.5  # at the seam of two blocks
    soundfile.write(tmp_path / "a.wav", wave, 48_000, subtype="FLOAT")
    steps = soak.recorded(tmp_path / "a.wav")
    assert (steps.largest, steps.finite) == (0.5, True)
    wave[7] = np.nan
    soundfile.write(tmp_path / "a.wav", wave, 48_000, subtype="FLOAT")
    assert not soak.recorded(tmp_path / "a.wav").finite


def test_a_click_stands_out_where_it_is_smaller_than_other_steps() -> None:
    noise = np.random.default_rng(0).standard_normal((96_000, 2)).astype(np.float32)
    noise *= np.where(np.arange(96_000) < 48_000, 0.2, 0.005)[:, None].astype(np.float32)
    clean, clicked = Steps(), Steps()
    clean.add(noise)
    noise[70_000:] += 0.15  # in the quiet half; the loud half has steps of 1
    clicked.add(noise)
    assert clicked.largest == clean.largest
    # Steps of such noise have a deviation of 0.005 sqrt(2); of the larger of two the mean square is 1 + 2 / pi of that.
    assert clicked.prominent == pytest.approx(0.15 / (0.005 * (2 * (1 + 2 / np.pi)) ** 0.5 + 1e-3), rel=0.2)
    assert clicked.prominent > soak.STEP * clean.prominent


def test_a_value_that_was_lost_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"/sda/synced": 1, "/sda/slider/1": 2.0, "/sda/width": 0.5}
    with Asker(("127.0.0.1", 9)) as asker:
        monkeypatch.setattr(asker, "ask", lambda address, *args, answer: (said[answer],))
        flood = soak.Flood(asker, 0)
        flood.last = {"slider.1": 2.0, "width": 0.25}
        assert flood.lost() == ["width: sent 0.25, found 0.5"]


def test_too_short_a_soak_is_refused() -> None:
    with pytest.raises(SystemExit) as end:
        soak.main(["--minutes", "1"])
    assert end.value.code == 2
