"""`generate` and `resynth` as commands: exact lengths, the same bytes, one clear line for every mistake, no torch."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from small_models import sounding

from sda.formats import distill

COMMAND = [sys.executable, "-m", "sda.cli"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "pebbles.distill"
    distill.write(path, sounding())
    return path


def call(*args: object, home: Path) -> subprocess.CompletedProcess[str]:
    environment = {"SDA_HOME": str(home), "PATH": "/usr/bin:/bin"}
    return subprocess.run([*COMMAND, *map(str, args)], capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize(("depth", "subtype"), [("16", "PCM_16"), ("24", "PCM_24"), ("32f", "FLOAT")])
def test_the_file_is_what_was_asked(model: Path, home: Path, tmp_path: Path, depth: str, subtype: str) -> None:
    out = tmp_path / "out.wav"
    done = call("generate", model, "-o", out, "-d", 0.7531, "--rate", 44_100, "--bit-depth", depth, "--json", home=home)
    assert done.returncode == 0, done.stderr
    info, said = soundfile.info(out), json.loads(done.stdout)
    assert (info.frames, info.samplerate, info.subtype) == (round(0.7531 * 44_100), 44_100, subtype)
    assert (said["samples"], said["vocoder"]) == (info.frames, "hifigan")


def test_the_same_seed_gives_the_same_bytes(model: Path, home: Path, tmp_path: Path) -> None:
    names = {"a": 5, "b": 5, "c": 6}
    for name, seed in names.items():
        out = tmp_path / f"{name}.wav"
        assert call("generate", model, "-o", out, "-d", 0.5, "--seed", seed, "--bit-depth", "16", home=home).returncode == 0
    a, b, c = ((tmp_path / f"{name}.wav").read_bytes() for name in names)
    assert a == b
    assert a != c


def test_a_slider_by_name_or_number(model: Path, home: Path, tmp_path: Path) -> None:
    for name, slider in (("a", "brightness=6"), ("b", "1=6"), ("c", "axis-1=6")):
        assert call("generate", model, "-o", tmp_path / f"{name}.wav", "-d", 0.5, "--slider", slider, home=home).returncode == 0
    a, b, c = (soundfile.read(tmp_path / f"{name}.wav")[0] for name in "abc")
    assert np.array_equal(a, b)
    assert np.abs(a - c).max() > 1e-3


def test_a_chunk_of_the_map_is_where_the_sliders_start(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "pebbles.distill"
    distill.write(path, sounding(chunks=6))
    said = {}
    for name, chunk in (("a", "5"), ("b", "gravel@0.5"), ("c", "1")):
        done = call("generate", path, "-o", tmp_path / f"{name}.wav", "-d", 0.5, "--home", chunk, "--json", home=home)
        assert done.returncode == 0, done.stderr
        said[name] = json.loads(done.stdout)["home"]
    assert said["a"] == said["b"] == {"chunk": 5, "recording": "gravel.flac", "start_s": 0.5}
    a, b, c = (soundfile.read(tmp_path / f"{name}.wav")[0] for name in "abc")
    assert np.array_equal(a, b)
    assert np.abs(a - c).max() > 1e-3
    assert json.loads((tmp_path / "a.json").read_text())["recipe"]["home"]["chunk"] == 5
    done = call("generate", path, "-o", tmp_path / "d.wav", "--home", "rain", home=home)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "drip.wav" in done.stderr


def test_resynth_keeps_the_length(model: Path, home: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "in.wav", tmp_path / "out.wav"
    soundfile.write(source, np.random.default_rng(0).uniform(-0.3, 0.3, (30_001, 2)), 32_000)
    assert call("resynth", model, source, "-o", out, home=home).returncode == 0
    assert soundfile.info(out).frames == pytest.approx(30_001 * 48_000 / 32_000, abs=1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-d", "1", "--slider", "loudness=3"], "no slider 'loudness'"),
        (["-d", "1", "--slider", "brightness=11"], "expected -10 to 10, found 11"),
        (["-d", "1", "--slider", "brightness=nan"], "expected a finite number"),
        (["-d", "1", "--slider", "brightness"], "expected NAME=VALUE"),
        (["-d", "1", "--slider", "brightness=loud"], "expected a number, found 'loud'"),
        (["-d", "1", "--set", "sparkle=1"], "no control 'sparkle'"),
        (["-d", "0"], "'-d'"),
        (["-d", "1", "--rate", "0"], "'--rate'"),
        (["-d", "1", "--vocoder", "vocos"], "'--vocoder'"),
    ],
)
def test_a_mistake_is_one_line(model: Path, home: Path, tmp_path: Path, arguments: list[str], words: str) -> None:
    out = tmp_path / "out.wav"
    done = call("generate", model, "-o", out, *arguments, home=home)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not list(tmp_path.glob("*.wav"))


@pytest.mark.parametrize("target", ["missing/out.wav", "folder.wav", "out.xyz"])
def test_a_place_that_cannot_be_written(model: Path, home: Path, tmp_path: Path, target: str) -> None:
    (tmp_path / "folder.wav").mkdir()
    done = call("generate", model, "-o", tmp_path / target, "-d", 1, home=home)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"text that is no sound", b"\x00" * 1000])
def test_resynth_of_what_is_no_audio(model: Path, home: Path, tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "in.wav"
    source.write_bytes(content)
    done = call("resynth", model, source, "-o", tmp_path / "out.wav", home=home)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1)
    assert not (tmp_path / "out.wav").exists()


def test_generating_imports_no_torch(model: Path, home: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from sda.cli.main import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: print(end.code, 'onnxruntime' in sys.modules, 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, "generate", str(model), "-o", str(tmp_path / "o.wav"), "-d", "0.1"]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "0 True False"


def test_several_files_have_successive_seeds(model: Path, home: Path, tmp_path: Path) -> None:
    asked = ["generate", model, "-d", 0.3, "--bit-depth", "16", "--json"]
    done = call(*asked, "-o", tmp_path / "tide.wav", "--seed", 7, "--count", 2, home=home)
    assert done.returncode == 0, done.stderr
    assert [(Path(made["file"]).name, made["seed"]) for made in json.loads(done.stdout)] == [
        ("tide-1.wav", 7),
        ("tide-2.wav", 8),
    ]
    assert call(*asked, "-o", tmp_path / "one.wav", "--seed", 8, home=home).returncode == 0
    assert (tmp_path / "tide-2.wav").read_bytes() == (tmp_path / "one.wav").read_bytes()
    assert not (tmp_path / "tide.wav").exists()
    assert list((home / "runs").glob("*")) == []


def test_a_job_tells_how_far_it_is_and_can_be_stopped(model: Path, home: Path, tmp_path: Path) -> None:
    out = tmp_path / "tide.wav"
    done = call("generate", model, "-o", out, "-d", 0.3, "--count", 2, "--job", home=home)
    assert done.returncode == 0, done.stderr
    (folder,) = (home / "runs").iterdir()
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert (events[0]["kind"], events[-1]["kind"], events[-1]["finished"]) == ("start", "end", True)
    assert [event["file"] for event in events if event["kind"] == "file"] == [str(tmp_path / f"tide-{n}.wav") for n in (1, 2)]
    last = [event for event in events if event["kind"] == "step"][-1]
    assert (last["step"], last["steps"]) == (28_800, 28_800)  # two of 0.3 s at 48 kHz
    command = [*COMMAND, "generate", str(model), "-o", str(tmp_path / "long.wav"), "-d", "3000", "--job"]
    environment = {"SDA_HOME": str(home), "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    end, started = time.monotonic() + 60, None
    while started is None:
        assert time.monotonic() < end
        found = [path for path in (home / "runs").glob("generate-long-*/events.jsonl") if '"step"' in path.read_text()]
        started = found[0].parent if found else None
        time.sleep(0.02)
    (started / "cancel").touch()
    assert "cancelled" in process.communicate(timeout=30)[1]
    assert process.returncode == 2
    assert not (tmp_path / "long.wav").exists()
    assert "cancelled" in json.loads((started / "events.jsonl").read_text().splitlines()[-1])["text"]


def test_a_job_records_what_it_fails_by(model: Path, home: Path, tmp_path: Path) -> None:
    done = call("generate", model, "-o", tmp_path / "a.wav", "--slider", "nobody=1", "--job", home=home)
    assert done.returncode == 2
    (folder,) = (home / "runs").iterdir()
    told = json.loads((folder / "events.jsonl").read_text().splitlines()[-1])
    assert (told["kind"], "nobody" in told["text"]) == ("error", True)
