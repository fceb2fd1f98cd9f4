"""`explore` as a command: different sounds, one page, commands that make the same files again, and what it refuses."""

from __future__ import annotations

import json
import shlex
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from small_models import sounding

from sda.cli.main import cli
from sda.errors import SdaError
from sda.formats import distill


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "pebbles.distill"
    distill.write(path, sounding(chunks=12))
    return path


def call(*args: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, args)])


def said(result: Result) -> str:
    assert isinstance(result.exception, SdaError), result.output
    return str(result.exception)


@pytest.fixture(scope="module")
def sheet(model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """A folder that the command filled, and what it said for programs."""
    folder = tmp_path_factory.mktemp("sheet") / "new"
    done = call("explore", model, "-n", 5, "-o", folder, "-d", 0.4, "--seed", 3, "--json")
    assert done.exit_code == 0, done.output
    return folder, json.loads(done.stdout)


def test_there_are_as_many_different_sounds_as_asked(sheet: tuple[Path, dict[str, object]]) -> None:
    folder, report = sheet
    assert sorted(p.name for p in folder.iterdir()) == ["01.wav", "02.wav", "03.wav", "04.wav", "05.wav", "index.html"]
    sounds = [soundfile.read(each["file"])[0] for each in report["sounds"]]
    assert all(len(sound) == round(0.4 * 48_000) for sound in sounds)
    spectra = np.array(
        [20 * np.log10(np.abs(np.fft.rfft(s[:, 0] + s[:, 1]))[20:9600].reshape(-1, 20).mean(1) + 1e-6) for s in sounds]
    )
    apart = np.sqrt(np.square(spectra[:, None] - spectra).mean(2))
    assert apart[~np.eye(5, dtype=bool)].min() > 1  # dB
    assert [each["seed"] for each in report["sounds"]] == [3, 4, 5, 6, 7]
    assert {each["nearest"]["chunk"]["recording"] for each in report["sounds"]} <= {"drip.wav", "gravel.flac"}


def test_the_command_of_each_makes_the_same_file(sheet: tuple[Path, dict[str, object]], model: Path, tmp_path: Path) -> None:
    folder, report = sheet
    commands = [each["command"] for each in report["sounds"]]
    moved = next(command for command in commands if "--home" in command and "--slider" in command)
    words = shlex.split(moved)
    assert words[:3] == ["sda-engine", "generate", str(model)]
    target = words[words.index("-o") + 1]
    words[words.index("-o") + 1] = str(tmp_path / target)
    assert call(*words[1:]).exit_code == 0
    assert (tmp_path / target).read_bytes() == (folder / target).read_bytes()


def test_the_page_names_every_file_and_command(sheet: tuple[Path, dict[str, object]]) -> None:
    folder, report = sheet
    found: list[dict[str, str | None]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append({"tag": tag, **dict(attrs)})

    Reader().feed((folder / "index.html").read_text("utf-8"))
    assert [each["src"] for each in found if each["tag"] == "audio"] == [f"0{n}.wav" for n in range(1, 6)]
    assert [each["data-command"] for each in found if "data-command" in each] == [s["command"] for s in report["sounds"]]


def test_the_same_seed_fills_the_folder_with_the_same_and_another_with_others(
    sheet: tuple[Path, dict[str, object]], model: Path
) -> None:
    folder, _ = sheet
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert call("explore", model, "-n", 5, "-o", folder, "-d", 0.4, "--seed", 3).exit_code == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert call("explore", model, "-n", 2, "-o", folder.parent / "other", "-d", 0.4, "--seed", 4).exit_code == 0
    assert (folder.parent / "other" / "02.wav").read_bytes() != before["02.wav"]


def test_a_model_without_a_map_is_explored_from_its_home(tmp_path: Path) -> None:
    distill.write(tmp_path / "a.distill", sounding())
    done = call("explore", tmp_path / "a.distill", "-n", 2, "-o", tmp_path / "sheet", "-d", 0.3, "--json")
    assert done.exit_code == 0, done.output
    assert [(s["home"], s["nearest"]) for s in json.loads(done.stdout)["sounds"]] == [(None, None)] * 2
    assert "it has no map" in (tmp_path / "sheet" / "index.html").read_text("utf-8")


def test_what_it_refuses(model: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "01.wav").write_bytes(b"not to be lost")
    (tmp_path / "file").write_text("a file")
    assert "found other files there" in said(call("explore", model, "-o", tmp_path / "mine"))
    assert "found a file where a folder" in said(call("explore", model, "-o", tmp_path / "file"))
    assert (tmp_path / "mine" / "01.wav").read_bytes() == b"not to be lost"
    bare = sounding()
    bare.analysis.clear()
    for name in [name for name in bare.tensors if name.startswith("analysis.")]:
        del bare.tensors[name]
    distill.write(tmp_path / "bare.distill", bare)
    assert "sda-engine analyze" in said(call("explore", tmp_path / "bare.distill", "-o", tmp_path / "new"))
    assert not (tmp_path / "new").exists()
