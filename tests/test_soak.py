"""The measures of the soak can fail: growth, steps, values that are lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soak
import soundfile

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
    assert soak.largest_step(tmp_path / "a.wav") == (0.5, True)
    wave[7] = np.nan
    soundfile.write(tmp_path / "a.wav", wave, 48_000, subtype="FLOAT")
    assert not soak.largest_step(tmp_path / "a.wav")[1]


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
