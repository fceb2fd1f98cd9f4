"""`sda-engine model` and `params`: what they print, what they leave on disk, and what they refuse."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from small_models import SLIDERS, TINY_VOCODER, document, sounding

from sda.acts import ACTS
from sda.cli.main import cli
from sda.errors import SdaError
from sda.formats import distill
from sda.library import Library
from sda.params import PARAMS
from sda.sources import Source

BELLS, GONG = (str(UUID(int=n << 96)) for n in (0xAAAA1111, 0xBBBB2222))


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    monkeypatch.setenv("SDA_HOME", str(tmp_path / "home"))
    made = Library()
    made.add(replace(document(vocoder=TINY_VOCODER), name="Bells", id=BELLS))
    made.add(replace(document(), name="Gong", id=GONG, dataset={"files": 7, "seconds": 3725.4}))
    return made


def call(*args: str, answer: str = "") -> Result:
    return CliRunner().invoke(cli, ["model", *args], input=answer)


def printed(*args: str) -> str:
    result = call(*args)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_list(library: Library) -> None:
    (library.models / "hurt.distill").write_bytes(b"")
    head, bells, gong, *rest = printed("list").splitlines()
    assert head.split() == ["name", "id", "sound", "sliders", "own", "vocoder", "size", "made"]
    # small_models: 5.5 s of sound, rounded to even; 3725.4 s are 1 h 2 min 5 s
    assert bells.split()[:7] == ["Bells", "aaaa1111", "0:06", "brightness,", "grit", "yes", bells.split()[6]]
    assert gong.split()[:6] == ["Gong", "bbbb2222", "1:02:05", "brightness,", "grit", "no"]
    assert gong.split()[-1] == "2026-01-02"
    assert " ".join(" ".join(rest).split()) == (
        "Cannot be read: hurt.distill found an empty file; expected a .distill model of version 2"
    )


def test_list_for_programs(library: Library) -> None:
    (library.models / "hurt.distill").write_bytes(b"")
    bells, gong, hurt = json.loads(printed("list", "--json"))
    assert (bells["name"], bells["id"], bells["own_vocoder"], bells["sliders"]) == (
        "Bells",
        BELLS,
        True,
        ["brightness", "grit"],
    )
    assert (gong["own_vocoder"], gong["dataset"]) == (False, {"files": 7, "seconds": 3725.4})
    assert gong["bytes"] == (library.models / "Gong.distill").stat().st_size
    assert hurt["error"].startswith("found an empty file")


def test_list_of_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDA_HOME", str(tmp_path / "none"))
    assert "is empty" in printed("list")
    assert json.loads(printed("list", "--json")) == []
    assert not (tmp_path / "none" / "models").exists()


@pytest.mark.parametrize("text", ["Bells", "bel", BELLS, "aaaa", "PATH"])
def test_every_way_to_call_a_model(library: Library, text: str) -> None:
    path = library.models / "Bells.distill"
    shown = json.loads(printed("info", str(path) if text == "PATH" else text, "--json"))
    assert (shown["id"], shown["path"]) == (BELLS, str(path))


def test_info_shows_everything(library: Library, tmp_path: Path) -> None:
    library.remember_source(BELLS, Source(tmp_path / "recordings"))
    text = printed("info", "bells")
    for part in (
        BELLS,
        "recordings",
        "brightness",
        "-4.5 .. 5",
        "Hz",
        "seconds",
        "5.5",
        "held_out.loud",
        "0.25",
        "sample_rate",
    ):
        assert part in text
    for part in ("latent", "Own vocoder", "rates", "8, 8, 4, 2", "colour.of", "tomorrow"):
        assert part in text
    assert "Own vocoder" not in printed("info", "gong")


def test_what_a_vocoder_s_training_came_to_is_said_in_a_line(home: Path) -> None:
    training = {"steps": 732, "mel_error_before": {"held_out": 0.4517}, "mel_error": {"held_out": 0.445}, "plan": {"seed": 0}}
    strange = {"steps": "many", "mel_error_before": 3, "mel_error": {"held_out": None}}
    told = "yes: 732 steps of training, mel error on held-out recordings 0.452 before, 0.445 after"
    for number, (summary, words) in enumerate([(training, told), (strange, "yes"), ({}, "yes")], start=1):
        made = document(vocoder=TINY_VOCODER, id=str(UUID(int=number, version=4)), name=f"v{number}", vocoder_training=summary)
        Library().add(made)
        rest = " ".join(printed("info", f"v{number}").split()).split("own vocoder ", 1)[1]
        assert rest.startswith(f"{words} slider")
    listed = {row["name"]: row for row in json.loads(printed("list", "--json"))}
    assert listed["v1"]["vocoder_training"] == {key: value for key, value in training.items() if key != "plan"}


def test_a_model_of_many_sliders_keeps_its_row_short(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [slider["name"] for slider in library.entries()[0].document.analysis["sliders"]]  # type: ignore[union-attr]
    assert ", ".join(names) in printed("list")
    monkeypatch.setattr("sda.cli.model.MOST_NAMES", 1)
    assert f"{names[0]}, +{len(names) - 1}" in printed("list")


def test_info_says_which_names_were_tried(library: Library) -> None:
    rows = [
        {"name": "warmth", "kept": False, "home": 0.61, "share": 0.2, "reason": "rank correlation 0.61, expected 0.9"},
        "not a row",
    ]
    analysis = {"sliders": SLIDERS, "report": {"descriptors": rows, "chunks": 4}}
    library.add(replace(document(), name="tried", id=str(UUID(int=3)), analysis=analysis))
    text = printed("info", "tried")
    assert "not a row" not in text
    assert all(part in text for part in ("warmth", "0.61", "20% of the recordings' range", "expected 0.9", "chunks"))


@pytest.fixture
def told(library: Library) -> str:
    """A model whose analysis measured three descriptors and named one of them."""
    picture = {"positions": [-10.0, 0.0, 10.0], "heard": [-1.0, 0.5, 2.0]}
    good = {"name": "brightness", "unit": "octaves", "kept": True, "reason": "", "measured_on": "sound", "reach": 3.0}
    numbers = {"share": 0.8, "home": 1.0, "median": 0.98, "tenth": 0.91, "starts": 16, "leakage": 0.12, "leakage_heard": 0.2}
    bad = {
        "name": "warmth",
        "unit": "dB",
        "kept": False,
        "reason": "reaches 17%",
        "heard": ["loud"],
        "positions": [1],
        "share": "much",
    }
    report = {
        "descriptors": [good | numbers | picture, bad, "not a row", {"unit": "no name"}],
        "home": {"recording": "gong.wav", "start_s": 1.5},
    }
    analysis = {"sliders": SLIDERS, "report": report, "notes": ["the sliders know little"]}
    library.add(replace(document(), name="told", id=str(UUID(int=4)), analysis=analysis))
    return "told"


def test_sliders_are_told_with_a_picture(told: str) -> None:
    text = printed("info", told, "--sliders")
    assert "-1 ▁▁▅▅██ 2 octaves" in text  # -1, 0.5 and 2 in eight heights: 0, 3.5 rounded to even, 7
    assert all(part in text for part in ("gong.wav at 1.5 s", "80%", "0.98", "16 other starts", "0.91", "0.12", "0.20"))
    assert "warmth: reaches 17%" in text
    assert "note: the sliders know little" in text
    assert "not a row" not in text


def test_sliders_for_programs(told: str) -> None:
    said = json.loads(printed("info", told, "--sliders", "--json"))
    brightness, grit = said["sliders"]
    assert brightness["fidelity"] == {"home": 1.0, "median": 0.98, "tenth": 0.91, "starts": 16}
    assert brightness["picture"] == {"positions": [-10.0, 0.0, 10.0], "heard": [-1.0, 0.5, 2.0]}
    assert (brightness["reach"], brightness["unit"], brightness["leakage"]) == (3.0, "octaves", {"mel": 0.12, "heard": 0.2})
    assert "picture" not in grit
    assert said["not_named"] == [{"name": "warmth", "unit": "dB", "reason": "reaches 17%"}]


def test_sliders_of_a_model_that_was_never_analysed(library: Library) -> None:
    text = printed("info", "Bells", "--sliders")
    assert "Bells: 2 sliders" in text
    assert "Tried" not in text


def test_a_picture_where_a_terminal_has_no_blocks(told: str, library: Library) -> None:
    environment = {**os.environ, "SDA_HOME": str(library.home), "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "sda.cli", "model", "info", told, "--sliders"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert "-1 __==## 2 octaves" in done.stdout


def test_the_map_is_listed(library: Library) -> None:
    library.add(sounding("mapped", chunks=4))
    lines = printed("info", "mapped", "--map").splitlines()
    assert lines[0].split() == ["chunk", "recording", "second", "x", "y"]
    assert [line.split()[:3] for line in lines[1:5]] == [
        ["1", "drip.wav", "0"], ["2", "drip.wav", "0.5"], ["3", "gravel.flac", "0"], ["4", "gravel.flac", "0.5"],
    ]  # fmt: skip
    said = json.loads(printed("info", "mapped", "--map", "--json"))
    assert (said["trustworthiness"], len(said["chunks"]), said["chunks"][3]["number"]) == (0.9, 4, 4)
    assert "sda-engine analyze" in printed("info", "Bells", "--map")


def test_text_from_a_file_is_never_markup_nor_control(library: Library) -> None:
    evil = replace(document(), name="[red]x[/red]", id=str(UUID(int=1 << 96)), training={"note": "\x1b[2J[bold]"})
    library.add(evil)
    assert "[red]x[/red]" in printed("list")
    shown = printed("info", "[red]x[/red]")
    assert "\x1b" not in shown
    assert "[bold]" in shown


def test_rename(library: Library) -> None:
    assert printed("rename", "gong", "Tam tam") == f"Tam tam: {library.models / 'Tam-tam.distill'}\n"
    assert [entry.name for entry in library.entries()] == ["Bells", "Tam tam"]
    with pytest.raises(SdaError, match="taken"):
        cli.main(["model", "rename", "bells", "TAM TAM"], standalone_mode=False)


def test_delete_asks(library: Library) -> None:
    kept = call("delete", "gong", answer="n\n")
    assert (kept.exit_code, "Nothing was deleted." in kept.output) == (1, True)
    assert len(library.entries()) == 2
    assert call("delete", "gong", answer="").exit_code != 0  # nobody there to ask
    assert len(library.entries()) == 2
    assert call("delete", "gong", answer="y\n").exit_code == 0
    assert [entry.name for entry in library.entries()] == ["Bells"]
    assert printed("delete", "bells", "--yes").split() == ["Deleted", "Bells."]
    assert library.entries() == []


def test_export(library: Library, tmp_path: Path) -> None:
    source, folder = library.models / "Bells.distill", tmp_path / "stick"
    folder.mkdir()
    printed("export", "bells", str(folder))
    printed("export", "bells", str(folder / "mine"))
    assert (folder / "Bells.distill").read_bytes() == (folder / "mine.distill").read_bytes() == source.read_bytes()
    refused = (
        ("gong", folder / "mine.distill", "--force replaces it"),
        ("gong", folder / "mine", "--force replaces it"),
        ("bells", source, "the model itself"),
        ("gong", tmp_path / "none" / "x.distill", "cannot write there"),
    )
    for name, dest, message in refused:
        with pytest.raises(SdaError, match=message):
            cli.main(["model", "export", name, str(dest)], standalone_mode=False)
    assert (folder / "mine.distill").read_bytes() == source.read_bytes()
    printed("export", "gong", str(folder / "mine.distill"), "--force")
    assert distill.read_header(folder / "mine.distill").name == "Gong"


def test_verify_reads_every_byte(library: Library) -> None:
    assert "Bells: good;" in printed("verify", "bells")
    path = library.models / "Gong.distill"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert "Gong" in printed("list")  # its header is as it was
    with pytest.raises(SdaError, match="its tensors are not those that were written"):
        cli.main(["model", "verify", "gong"], standalone_mode=False)


def test_params_prints_the_registry() -> None:
    result = CliRunner().invoke(cli, ["params"])
    lines = result.stdout.splitlines()
    first = [line.split()[0] if line else "" for line in lines]
    assert first == ["id", *(row.id for row in PARAMS), "", "act", *(act.id for act in ACTS)]
    assert any(line.split()[:8] == ["gain", "/sda/gain", "float", "-60", "..", "12", "dB", "0"] for line in lines)
    tables = json.loads(CliRunner().invoke(cli, ["params", "--json"]).stdout)
    assert {row["id"]: row["address"] for row in tables["params"]}["glide"] == "/sda/glide"
    assert {row["id"]: row["address"] for row in tables["acts"]}["panic"] == "/sda/panic"


def run(*args: str, home: Path) -> subprocess.CompletedProcess[str]:
    """The real command."""
    command = [sys.executable, "-c", "from sda.cli.main import main; main()", *args]
    environment = {**os.environ, "SDA_HOME": str(home), "SDA_DEBUG": ""}
    return subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)


def test_the_real_command(library: Library) -> None:
    shown = run("model", "list", "--json", home=library.home)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert [row["name"] for row in json.loads(shown.stdout)] == ["Bells", "Gong"]
    path = library.models / "Gong.distill"
    path.write_bytes(path.read_bytes()[:-3])
    bad = run("model", "verify", "gong", home=library.home)
    assert (bad.returncode, bad.stdout, bad.stderr.count("\n")) == (2, "", 1)
    assert bad.stderr.startswith(f"sda-engine: error: {path}: damaged: expected ")
    unanswered = run("model", "delete", "bells", home=library.home)
    assert unanswered.returncode == 130
    assert path.exists()
