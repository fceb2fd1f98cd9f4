"""The table at the end of a vocoder's training: vocoders of known errors, the resampler's ceiling, what is drawn."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from sda import voices
from sda.cli.quality_table import quality_table
from sda.core import grid
from sda.train import comparison
from sda.train.quality import judge

Floats = NDArray[np.float32]
RATE, HOP = 44_100, 512


def clip(seconds: float = 2.0, seed: int = 0) -> Floats:
    """Three beating tones and a little noise, nothing above 15 kHz."""
    random, t = np.random.default_rng(seed), np.arange(int(RATE * seconds)) / RATE
    sound = sum(np.sin(2 * np.pi * f * t + random.random()) for f in (330, 660.5, 1750)) / 6
    spectrum = np.fft.rfft(sound + 0.02 * random.standard_normal(len(t)))
    spectrum[np.fft.rfftfreq(len(t), 1 / RATE) > 15_000] = 0
    return np.fft.irfft(spectrum, len(t)).astype(np.float32)


def silence(log_mel: Floats) -> Floats:
    """The worst of vocoders."""
    return np.zeros(log_mel.shape[1] * HOP, np.float32)


class Watched:
    """A vocoder that remembers how many frames it was asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, log_mel: Floats) -> Floats:
        self.asked.append(log_mel.shape[1])
        return silence(log_mel)


def test_rows_of_the_base_beside_silence() -> None:
    clips = [clip(1.0, seed) for seed in range(2)]
    rows = json.loads(json.dumps(list(comparison.rows(voices.by_name("draft"), silence, clips))))
    assert [row["name"] for row in rows] == ["trained", "start", "resampled"]
    trained, start, resampled = rows
    # A silent copy's log-mel is ln 1e-5 everywhere, but for the guard under the root: the original's height above that.
    whole = [c[: len(c) // HOP * HOP] for c in clips]
    floor = grid.log_mel(np.zeros(RATE, np.float32))[:, :1]
    assert start["mel"] == pytest.approx(np.mean([np.abs(grid.log_mel(c) - floor).mean() for c in whole]), rel=1e-5)
    assert resampled["mel"] < 0.1 * trained["mel"] < 0.1 * start["mel"]
    assert trained["clips"] == start["clips"] == resampled["clips"] == 2


def test_the_slow_vocoder_is_asked_for_little_and_compared_on_that() -> None:
    slow, trained, clips = Watched(), Watched(), [clip(2.0, seed) for seed in range(5)]
    rows = {row["name"]: row for row in comparison.rows(trained, silence, clips, slow=slow)}
    assert slow.asked == [int(1.5 * RATE) // HOP] * 3
    assert trained.asked == [2 * RATE // HOP] * 5 + slow.asked
    assert rows["bigvgan"]["clips"] == rows["trained, on these"]["clips"] == 3
    assert rows["bigvgan"]["mel"] == rows["trained, on these"]["mel"]


def test_without_its_weights_there_is_no_bigvgan(home: Path) -> None:
    assert comparison.bigvgan() is None


def test_the_way_through_the_resampler_is_aligned() -> None:
    sound = clip()
    through = comparison.resampled(sound)
    middle = slice(RATE // 4, -RATE // 4)  # the clip's own edges are steps
    assert len(through) == len(sound)
    assert np.abs(through - sound)[middle].max() < 1e-4
    assert np.abs(np.roll(through, 1) - sound)[middle].max() > 0.02  # one sample of delay would be seen


def test_the_ceiling_is_what_the_resampler_takes_from_the_treble() -> None:
    noise = (0.1 * np.random.default_rng(0).standard_normal(2 * RATE)).astype(np.float32)
    found = comparison.ceiling([noise])
    assert max(found.lsd[:3]) < 0.05  # dB; flat to 19.2 kHz
    assert 0.05 < found.lsd[3] < 2  # twice -0.6 dB at 20 kHz
    assert found.mel == pytest.approx(judge(comparison.resampled(noise), noise).mel, rel=0.01)


def test_a_clip_shorter_than_a_frame_is_judged() -> None:
    assert np.isfinite(comparison.copies(silence, [clip()[:100]]).mel)


def test_the_table_says_what_was_measured() -> None:
    def row(name: str, mel: float) -> dict[str, object]:
        return {"name": name, "mel": mel, "stft": 1.25, "clips": 7, "lsd": {"0-1 kHz": 6.04, "1-4 kHz": 8.0}}

    console = Console(width=120, record=True, file=io.StringIO())
    console.print(quality_table([row("trained", 0.3), row("start", 0.4), row("resampled [x]", 0.01)]))
    lines = console.export_text().splitlines()
    assert lines[0].split("  ")[0] == "vocoder"
    assert lines[1].split() == ["trained", "0.300", "-25%", "1.250", "6.0", "8.0", "7"]
    assert lines[2].split() == ["start", "0.400", "1.250", "6.0", "8.0", "7"]
    assert lines[3].startswith("resampled [x]")
