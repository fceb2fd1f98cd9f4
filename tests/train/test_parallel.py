"""Two processes train as one does with the whole batch; the command starts, stops and resumes them as if they were one."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from uuid import UUID

import crewmate
import numpy as np
import pytest
import soundfile
import torch

from sda.cli.main import main
from sda.errors import DeviceError, TrainError
from sda.formats import distill
from sda.library import Library
from sda.train.corpus import gather
from sda.train.model_run import train_model
from sda.train.parallel import Crew, check_processor, launch
from sda.train.run import Run

RATE = 44_100
COMMAND = [sys.executable, "-m", "sda.cli"]
STEPS = 6
PATIENCE = 300.0  # s, for a process to load on a busy machine


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of noise, which sounds alike everywhere, so that analysis has little to do."""
    folder = tmp_path_factory.mktemp("recordings")
    for number in range(3):
        soundfile.write(folder / f"{number}.wav", np.random.default_rng(number).uniform(-0.3, 0.3, RATE), RATE)
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def crew_of_two(corpus: Path, out: Path) -> None:
    """Run crewmate.py twice, in the environment that torchrun would make."""
    world = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    mates = [
        subprocess.Popen(
            [sys.executable, crewmate.__file__, str(corpus), str(out / f"two{rank}")],
            env={**os.environ, **world, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(2)
    ]
    assert [mate.wait() for mate in mates] == [0, 0]


def came(folder: Path, name: str) -> tuple[list[dict[str, float]], dict[str, torch.Tensor]]:
    """What a crewmate wrote down: the losses of its steps, and the weights after them."""
    return json.loads((folder / f"{name}.json").read_text()), torch.load(folder / f"{name}.pt")


def furthest(ones: list[dict[str, float]], others: list[dict[str, float]]) -> float:
    """The largest difference between the losses of two trainings, relative to the first."""
    pairs = zip(ones, others, strict=False)  # one may be shorter
    return max(abs(one[name] - other[name]) / max(abs(one[name]), 1e-3) for one, other in pairs for name in one)


def apart(ones: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> float:
    """The largest difference between two sets of weights, relative to the largest weight beside it."""
    return max(float((ones[name] - others[name]).abs().max() / ones[name].abs().max().clamp_min(1e-6)) for name in ones)


def test_two_processes_over_gloo_train_as_one_with_the_summed_batch(recordings: Path, tmp_path: Path) -> None:
    # In double precision, since Muon's orthogonalisation multiplies what rounding leaves in a kernel's small singular values:
    # in single precision the losses agreed to 2e-6 for four steps and to 3e-3 after six. Here they did to 2e-12 (the
    # accuracies, means in single precision, to 3e-9) and the weights to 1e-8; without averaging three steps came to 2e-2.
    for _ in gather(recordings, tmp_path / "corpus", rate=RATE, shortest=8192, seed=0):
        pass
    crew_of_two(tmp_path / "corpus", tmp_path)
    losses, weights = crewmate.alone(tmp_path / "corpus")
    assert "adversarial" in losses[0]
    mates, deaf = [came(tmp_path, f"two{rank}") for rank in range(2)], [came(tmp_path, f"two{rank}.deaf") for rank in range(2)]
    for mate in mates:
        assert furthest(losses, mate[0]) < 1e-7
        assert apart(weights, mate[1]) < 1e-6
    assert apart(mates[0][1], mates[1][1]) == 0  # or they would drift apart
    assert furthest(losses, deaf[0][0]) > 1e-3
    assert apart(deaf[0][1], deaf[1][1]) > 0.1


@pytest.fixture(scope="module")
def library(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Library:
    """One model, "pebbles", that was hardly trained."""
    found = Library(tmp_path_factory.mktemp("home"))
    asked = {"epochs": 1, "seed": 0, "device": "cpu", "source": str(recordings), "id": str(UUID(int=1, version=4))}
    for _ in train_model(Run.create(found.runs, "train", "pebbles", asked), partial(found.add, half=True)):
        pass
    return found


def command(library: Library, *arguments: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "SDA_HOME": str(library.home)}
    words = [*COMMAND, "train-vocoder", "pebbles", "--threads", "1", "--nproc", "2", *map(str, arguments)]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def called(library: Library, *arguments: object) -> object:
    """The exit code of the same command within this process, which has loaded most of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SDA_HOME", str(library.home))
        with pytest.raises(SystemExit) as left:
            main(["train-vocoder", "pebbles", *map(str, arguments)])
    return left.value.code


def newest(library: Library) -> Path:
    return max(library.runs.glob("train-vocoder-*"), key=lambda path: path.stat().st_mtime_ns)


def losses_of(run: Path) -> dict[int, dict[str, float]]:
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    return {event["step"]: event["losses"] for event in events if event["kind"] == "step"}


@pytest.fixture(scope="module")
def whole(library: Library, recordings: Path) -> tuple[int, str, str, Path]:
    """The command in two processes: its exit code, what it said on both outputs, its run."""
    process = command(library, "--audio", recordings, "--steps", STEPS)
    said, errors = process.communicate()
    return process.returncode, said, errors, newest(library)


def test_the_command_trains_in_two_processes_and_bundles(whole: tuple[int, str, str, Path], library: Library) -> None:
    code, said, errors, run = whole
    assert (code, errors) == (0, "")
    lines = said.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("step ")] == [f"{n + 1}/{STEPS}" for n in range(STEPS)]
    assert sum("has its own vocoder now" in line for line in lines) == 1
    assert distill.read(library.resolve("pebbles")).vocoder_training["steps"] == STEPS
    spec = json.loads((run / "spec.json").read_text())
    assert (spec["finished"], spec["plan"]["batch"]) == (True, 4)
    assert list(losses_of(run)) == list(range(1, STEPS + 1))
    assert {"spec.json", "events.jsonl", "workers.log", f"preview-{STEPS:06}.wav"} < {path.name for path in run.iterdir()}


def test_asked_to_stop_both_do_and_resume_as_if_nothing_had_been(
    whole: tuple[int, str, str, Path], library: Library, recordings: Path
) -> None:
    process = command(library, "--audio", recordings, "--steps", STEPS)
    late = time.monotonic() + PATIENCE
    while (run := newest(library)) == whole[3] or not (run / "checkpoint.pt").exists():
        assert process.poll() is None
        assert time.monotonic() < late
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=PATIENCE)
    assert (process.returncode, errors) == (0, "")
    assert "stopping after this step" in said
    assert "stopped early; go on with: sda-engine train-vocoder pebbles --resume" in said
    assert (run / "cancel").exists()
    reached = max(losses_of(run))
    assert reached < STEPS
    assert called(library, "--resume", "--threads", 1, "--nproc", 2) == 0
    assert losses_of(run) == losses_of(whole[3])
    assert not (run / "checkpoint.pt").exists()  # finished


def test_what_stops_a_worker_is_the_one_line_of_the_command(
    library: Library, recordings: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    samples, rate = soundfile.read(recordings / "0.wav")
    soundfile.write(tmp_path / "only.wav", samples, rate)
    assert called(library, "--audio", tmp_path, "--steps", 1, "--nproc", 2) == 2
    errors = capfd.readouterr().err
    assert "1.0 s of recordings, expected at least 2 s" in errors
    assert len(errors.splitlines()) == 1


def test_a_failure_without_words_names_the_log(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match=r"one of 2 processes failed; .*workers\.log"):
        launch(Crew(processes=2), tmp_path, ["sda.no_such_module"])
    assert "sda.no_such_module" in (tmp_path / "workers.log").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--nproc", "0"], "--nproc"),
        (["--nproc", "3", "--batch", "4"], "found a batch of 4 crops for 3 processes; expected a multiple of 3"),
        (["--nproc", "2", "--device", "abacus"], "device 'abacus'"),
        (["--nnodes", "2"], "found no --rendezvous for 2 machines; expected HOST:PORT"),
        (["--nnodes", "2", "--rendezvous", "somewhere"], "found --rendezvous 'somewhere'"),
        (["--nnodes", "2", "--rendezvous", "somewhere:65536"], "found --rendezvous 'somewhere:65536'"),
        (["--nnodes", "2", "--rendezvous", "there:29500", "--node-rank", "2"], "found --node-rank 2 of 2 machines"),
        (["--node-rank", "-1"], "found --node-rank -1 of 1 machines; expected 0 to 0"),
        (["--join", "."], "found --join outside of a group of processes"),
    ],
)
def test_a_mistake_is_one_line_and_makes_no_run(
    library: Library, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = list(library.runs.iterdir())
    assert called(library, *arguments) == 2
    errors = capsys.readouterr().err
    assert words in errors
    assert len(errors.splitlines()) == 1
    assert list(library.runs.iterdir()) == before


def test_processors_that_cannot_be_shared_are_refused() -> None:
    check_processor("cpu", 64, 128)
    check_processor("mps", 1, 1)
    with pytest.raises(DeviceError, match="found 2 processes on mps"):
        check_processor("mps", 2, 2)
    with pytest.raises(DeviceError, match=f"for {torch.cuda.device_count()} GPUs"):
        check_processor("cuda", torch.cuda.device_count() + 1, 2)


def test_machines_are_told_where_the_first_of_them_is() -> None:
    options = Crew(processes=4, machines=3, machine=2, rendezvous="[fe80::1]:29500").torchrun()
    assert options == ["--nnodes=3", "--node-rank=2", "--master-addr=fe80::1", "--master-port=29500", "--nproc-per-node=4"]
