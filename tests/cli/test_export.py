"""What `generate` writes, in every format, rate, depth and space, read back by a program that is not ours: MediaInfo.

An mp3 frame holds 1,152 samples; how many of them were added is in the LAME header, read here by hand.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from small_models import sounding

from sda.cli.generate import generate
from sda.cli.main import main
from sda.cli.resynth import resynth
from sda.formats import distill

SECONDS = 0.3217
KINDS = [("wav", "16"), ("wav", "24"), ("wav", "32f"), ("flac", "16"), ("flac", "24"), ("ogg", None), ("mp3", None)]
CEILING = 10 ** (-1 / 20)
INDEPENDENT = pytest.mark.skipif(not shutil.which("mediainfo"), reason="needs MediaInfo, which `make test` installs")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "pebbles.distill"
    distill.write(path, sounding())
    return path


def make(model: Path, out: Path, *arguments: object) -> dict[str, Any]:
    """`generate` in this process; what it says with --json."""
    words = [str(model), "-o", str(out), "-d", str(SECONDS), "--json", *map(str, arguments)]
    done = CliRunner().invoke(generate, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def media(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """MediaInfo's two tracks: the file in general, and its sound."""
    text = subprocess.run(["mediainfo", "--Output=JSON", path], capture_output=True, text=True, check=True).stdout
    general, audio = json.loads(text)["media"]["track"]
    return general, audio


def added_by_lame(path: Path) -> int:
    """Samples before and behind the sound that an mp3's LAME header declares (12 bits each, 21 bytes behind "LAME")."""
    content = path.read_bytes()
    at = content.index(b"LAME3") + 21
    number = int.from_bytes(content[at : at + 3], "big")
    return (number >> 12) + (number & 0xFFF)


@INDEPENDENT
@pytest.mark.parametrize("spatial", ["mono", "stereo", "binaural"])
@pytest.mark.parametrize(
    ("kind", "depth", "rate"),
    [(*kind, rate) for kind in KINDS for rate in (44_100, 48_000, 96_000) if (kind[0], rate) != ("mp3", 96_000)],
)
def test_every_file_is_what_was_asked(model: Path, tmp_path: Path, kind: str, depth: str, rate: int, spatial: str) -> None:
    out, channels = tmp_path / f"out.{kind}", 1 if spatial == "mono" else 2
    given = () if depth is None else ("--bit-depth", depth)
    said = make(model, out, "--rate", rate, "--spatial", spatial, "--seed", 3, "--slider", "brightness=4", *given,
                "--title", "Zwei Kiesel", "--artist", "N. N.", "--album", "Strand")  # fmt: skip
    samples = round(SECONDS * rate)
    general, audio = media(out)
    assert (int(audio["SamplingRate"]), int(audio["Channels"])) == (rate, channels)
    if kind in ("wav", "flac"):
        assert int(audio["SamplingCount"]) == samples
        assert int(audio["BitDepth"]) == int(depth.removesuffix("f"))
        assert audio.get("Format_Profile" if depth == "32f" else "", "") in ("Float", "")
    elif kind == "mp3":
        assert int(audio["FrameCount"]) * int(audio["SamplesPerFrame"]) - added_by_lame(out) == samples
    else:
        assert float(audio["Duration"]) == pytest.approx(samples / rate, abs=6e-4)  # MediaInfo's are milliseconds
    back, read_rate = soundfile.read(out, always_2d=True)
    assert (back.shape, read_rate) == ((samples, channels), rate)
    # What is left out of a lossy file was part of the peaks: noise at the ceiling overshoots it, measured by up to 2.1 dB.
    assert 0.01 < np.abs(back).max() <= CEILING * (1.001 if kind in ("wav", "flac") else 10 ** (3 / 20))
    assert general["Title"] == "Zwei Kiesel"
    assert general["Director" if kind == "wav" else "Performer"] == "N. N."  # what MediaInfo calls IART
    assert general["OriginalSourceForm_Name" if kind == "wav" else "Album"] == "Strand"
    recipe = json.loads(general["Comment"])
    assert {name: recipe[name] for name in ("model", "seed", "sliders", "vocoder")} == {
        "model": "pebbles", "seed": 3, "sliders": {"brightness": 4.0}, "vocoder": "hifigan",
    }  # fmt: skip
    assert recipe["values"]["spatial"] == spatial
    beside = json.loads(out.with_suffix(".json").read_text())
    assert beside["recipe"] == recipe
    assert (
        (beside["audio"]["samples"], beside["audio"]["channels"]) == (samples, channels) == (said["samples"], said["channels"])
    )
    assert beside["quality"]["clipping"]["peak_value"] <= CEILING


@pytest.mark.parametrize(("kind", "depth"), KINDS)
def test_the_same_recipe_is_the_same_bytes(model: Path, tmp_path: Path, kind: str, depth: str | None) -> None:
    contents = []
    for seed in (5, 5, 6):
        out = tmp_path / f"out.{kind}"
        make(model, out, "--seed", seed, *(() if depth is None else ("--bit-depth", depth)))
        contents.append(out.read_bytes())
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]


def test_stereo_files_sum_to_the_mono_one(model: Path, tmp_path: Path) -> None:
    quiet = ("--set", "gain=-12", "--bit-depth", "32f")
    sounds = {}
    for spatial in ("mono", "stereo"):
        make(model, tmp_path / f"{spatial}.wav", "--spatial", spatial, *quiet)
        sounds[spatial] = soundfile.read(tmp_path / f"{spatial}.wav", always_2d=True)[0]
    assert np.abs(sounds["stereo"].mean(axis=1) - sounds["mono"][:, 0]).max() < 1e-6
    assert np.abs(np.diff(sounds["stereo"], axis=1)).max() > 1e-3


def test_a_source_on_the_right_is_louder_and_earlier_there(model: Path, tmp_path: Path) -> None:
    make(model, tmp_path / "r.wav", "--spatial", "binaural", "--azimuth", 80, "--elevation", 10, "--distance", 2)
    left, right = soundfile.read(tmp_path / "r.wav")[0].T
    assert np.sum(right**2) > 1.5 * np.sum(left**2)
    lags = np.arange(-60, 61)
    spectra = np.fft.rfft(left, 2 * len(left)) * np.fft.rfft(right, 2 * len(right)).conj()
    cross = np.fft.irfft(spectra / np.maximum(np.abs(spectra), 1e-12))  # phases alone: a pitch would be a delay of its own
    # a / c (theta + sin theta) of 80 degrees is 0.61 ms or 29 samples, and low notes lie up to 0.2 ms more apart.
    assert 25 <= lags[int(np.argmax(cross[lags]))] <= 42


def test_resynth_has_the_same_options(model: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "in.wav", np.random.default_rng(0).uniform(-0.3, 0.3, 30_001), 44_100)
    for name, arguments, channels in (("m.flac", [], 1), ("s.ogg", ["--spatial", "stereo", "--title", "Kies"], 2)):
        words = [str(model), str(tmp_path / "in.wav"), "-o", str(tmp_path / name), "--rate", "44100", *arguments]
        assert CliRunner().invoke(resynth, words, catch_exceptions=False).exit_code == 0
        info = soundfile.info(tmp_path / name)
        assert (info.frames, info.channels) == (30_001, channels)
        assert json.loads((tmp_path / name).with_suffix(".json").read_text())["recipe"]["recording"] == "in.wav"
    with soundfile.SoundFile(tmp_path / "s.ogg") as file:
        assert file.title == "Kies"


def test_no_sidecar_where_none_is_wanted(model: Path, tmp_path: Path) -> None:
    (tmp_path / "out.json").write_text('{"mine": 1}')
    make(model, tmp_path / "out.wav", "--no-sidecar")
    assert (tmp_path / "out.json").read_text() == '{"mine": 1}'


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("out.mp3", ["--rate", "96000"], "found 96000 Hz, expected 8000, 11025"),
        ("out.mp3", ["--bit-depth", "24"], "found the bit depth '24', expected none: .mp3 has no such thing"),
        ("out.ogg", ["--bit-depth", "16"], "found the bit depth '16', expected none: .ogg has no such thing"),
        ("out.flac", ["--bit-depth", "32f"], "found the bit depth '32f', expected 16, 24 for .flac"),
        ("out.opus", [], "found the suffix '.opus', expected .wav, .flac, .ogg, .mp3"),
        ("out.wav", ["--spatial", "quad"], "'--spatial'"),
        ("out.wav", ["--width", "1.5"], "'--width'"),
        ("out.wav", ["--azimuth", "90"], "--azimuth: has no meaning for stereo; expected --spatial binaural with it"),
        ("out.wav", ["--spatial", "mono", "--width", "0.2"], "--width: has no meaning for mono"),
        ("out.wav", ["--set", "spatial=wide"], "spatial: expected one of mono, stereo, binaural, found 'wide'"),
        ("taken.wav", [], "taken.json: found a file that is no sidecar"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_before_anything_is_made(
    model: Path, home: Path, tmp_path: Path, name: str, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "taken.json").write_text("[]")
    with pytest.raises(SystemExit) as end:
        main(["generate", str(model), "-o", str(folder / name), "-d", "1", *arguments])
    printed = capsys.readouterr()
    assert (end.value.code, printed.out, printed.err.count("\n")) == (2, "", 1)
    assert words in printed.err
    assert [file.name for file in folder.iterdir()] == ["taken.json"]
