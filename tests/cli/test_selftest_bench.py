"""`sda-engine selftest` tries the same from the same seed and finds what is broken; `sda-engine bench` adds up."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from small_models import sounding

from sda.adapters.osc_packet import Arg
from sda.adapters.osc_probe import Asker
from sda.cli.main import main
from sda.core.render import Renderer
from sda.library import Library
from sda.live import bench, selftest_engine
from sda.live.selftest import TRIALS
from sda.live.selftest_engine import engine_trial
from sda.live.selftest_values import TrialError
from sda.model import Model


@pytest.fixture(autouse=True)
def models(home: Path) -> None:
    Library().add(sounding("pebbles"))


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as end:
        main([*arguments])
    return int(end.value.code or 0), capsys.readouterr().out


def test_a_seed_tries_the_same_again_and_another_one_something_else(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = said(capsys, "selftest", "pebbles", "--level", "1", "--seed", "3")
    assert code == 0
    assert text.splitlines()[1] == "pebbles, level 1, seed 3"
    assert [line.split(":")[0] for line in text.splitlines()[2:]] == [
        "ok     ends of every control", "ok     odd blocks", "ok     the same twice", "ok     controls at random",
        "ok     state restored", "all held",
    ]  # fmt: skip
    assert said(capsys, "selftest", "pebbles", "--level", "1", "--seed", "3") == (0, text)
    fuzz = next(trial.run for trial in TRIALS if trial.name == "controls at random")
    model = Model(sounding("pebbles"))
    assert len({fuzz(model, np.random.default_rng(seed), 2) for seed in range(4)}) > 1  # how many settings is drawn as well


def broken(what: str) -> Callable[[Renderer, int], np.ndarray]:
    """`Renderer.block` with a fault in it."""
    block, noise = Renderer.block, np.random.default_rng(0)

    def faulty(self: Renderer, cells: int = 1) -> np.ndarray:
        sound = block(self, cells)
        if what == "loud":
            return np.full_like(sound, 0.95)
        if what == "cut":
            return sound + np.float32(1e-3 * cells)
        return sound + np.float32(1e-6) * noise.standard_normal() if what == "chance" else sound * np.float32("nan")

    return faulty


@pytest.mark.parametrize(
    ("what", "trial", "words"),
    [
        ("nan", "ends of every control", "play at 0.0: samples that are not numbers"),
        ("loud", "ends of every control", "a peak of 0.950 behind the limiter, expected at most 0.891"),  # -1 dBFS
        ("cut", "odd blocks", "from the same sound in even blocks"),
        ("chance", "the same twice", "apart, expected none"),
    ],
)
def test_a_fault_is_found_and_decides_the_exit_code(
    what: str, trial: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Renderer, "block", broken(what))
    code, text = said(capsys, "selftest", "pebbles", "--level", "1")
    assert code == 1
    assert any(line.startswith(f"FAILED {trial}: ") and words in line for line in text.splitlines()), text


@pytest.mark.slow
def test_a_running_engine_is_flooded_and_what_it_says_is_compared() -> None:
    model = Model(sounding("pebbles"))
    assert engine_trial(model, np.random.default_rng(0), 2).startswith("350 packets")


class Forgetful(Asker):
    """An engine that takes everything and remembers nothing."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 9))

    def send(self, packet: bytes) -> None:
        pass

    def ask(self, address: str, *args: Arg, answer: str) -> tuple[Arg, ...]:
        return (0.125,)


def test_an_engine_that_says_otherwise_and_a_recording_that_is_not_sound_are_found(tmp_path: Path) -> None:
    model, random = Model(sounding("pebbles")), np.random.default_rng(0)
    with Forgetful() as asker, pytest.raises(TrialError, match=r"set to .*, the engine says 0\.125"):
        selftest_engine._compare(asker, selftest_engine._set_all(asker, random, model))
    for level, words in ((0.0, "is silent"), (0.95, "a peak of 0.950"), (np.nan, "not numbers")):
        soundfile.write(tmp_path / "out.wav", np.full((1000, 2), level), 48_000, subtype="FLOAT")
        with pytest.raises(TrialError, match=words):
            selftest_engine._check_recording(tmp_path / "out.wav")


def rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    code, text = said(capsys, "bench", "pebbles", "--device", "cpu", "--seconds", "0.3", "--json", *arguments)
    assert code == 0
    found: list[dict[str, object]] = json.loads(text)
    return found


def test_a_bench_splits_the_latency_into_what_it_is_made_of(capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(capsys, "--block", "2", "--block", "8", "--buffer", "2000")
    assert [(row["vocoder"], row["device"], row["block_frames"]) for row in found] == [("hifigan", "cpu", n) for n in (2, 8)]
    for row, frames in zip(found, (2, 8), strict=True):
        assert row["block"] == pytest.approx(1000 * frames * 512 / 44_100)
        parts = [float(str(row[name])) for name in ("block", "look_ahead", "compute", "buffer")]
        assert row["latency"] == pytest.approx(sum(parts))
        assert parts[0] + parts[2] + parts[3] == pytest.approx(2000)  # the ring holds this much, and no more
        assert 22 < parts[1] < 26  # 2 frames of the vocoder, and the resampler's 1.2 ms at the most
    (small,) = rows(capsys, "--block", "2", "--buffer", "5")
    assert str(small["verdict"]).startswith(("live from --buffer ", "too slow for live"))


def test_what_is_slower_than_real_time_is_said_to_play_by_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(sounding("pebbles"), "cpu")
    assert bench.vocoders_of(model, "all") == ["hifigan"]  # BigVGAN's weights are not here
    monkeypatch.setattr(bench, "SAFE", 0.0)
    # BigVGAN's kernels take a minute to compile, and how fast they are is not what is asked here.
    monkeypatch.setattr(bench, "_bigvgan", lambda model: model.renderer(values={"play": True}, vocoder="hifigan"))
    found = list(bench.measure(model, "cpu", vocoders=["hifigan", "bigvgan"], blocks=[2], seconds=0.1, buffer=0.04))
    assert [(row.vocoder, row.block_frames, row.verdict.partition(" of ")[0]) for row in found] == [
        ("hifigan", 2, "too slow for live"),
        ("bigvgan", 0, "too slow for live, plays by loops"),
    ]
    assert found[1].latency == pytest.approx(1000 * found[1].rtf * float(found[1].verdict.split()[-2]), rel=0.05)
