"""`sda-engine preset`, as it is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from sda.cli.main import cli
from sda.errors import SdaError
from sda.formats.preset import Preset
from sda.presets import Presets


@pytest.fixture
def shelf(home: Path) -> Presets:
    made = Presets()
    made.save(
        Preset(name="Dusk", model="0b8f", model_name="bells", values={"gain": -6.0, "limiter": True}, sliders={"grit": 2})
    )
    made.save(Preset(name="[red]x", values={"drift": 1.0}, extra={"colour": "\x1b[2J"}))
    (made.folder / "bad.json").write_text("{")
    return made


def printed(*args: str, answer: str | None = None) -> str:
    result = CliRunner().invoke(cli, ["preset", *args], input=answer, catch_exceptions=False)
    return result.stdout


def test_list(shelf: Presets) -> None:
    text = printed("list")
    assert [line.split()[:3] for line in text.splitlines()[1:3]] == [["0", "Dusk", "bells"], ["1", "[red]x", "any"]]
    assert "bad.json" in text
    assert "expected a preset as JSON" in text
    rows = json.loads(printed("list", "--json"))
    assert [(row["name"], row.get("number"), "error" in row) for row in rows] == [
        ("Dusk", 0, False), ("[red]x", 1, False), ("bad", None, True),
    ]  # fmt: skip


def test_an_empty_shelf_says_how_presets_are_made(home: Path) -> None:
    assert "/sda/preset/save NAME" in printed("list")
    assert "Commands" in printed()


def test_show(shelf: Presets) -> None:
    text = printed("show", "dusk")
    for part in ("bells", "0b8f", "Dusk.json", "gain", "-6", "limiter", "on", "grit", "2"):
        assert part in text
    assert "\x1b" not in printed("show", "[red]x")
    assert json.loads(printed("show", "dusk", "--json"))["values"] == {"gain": -6.0, "limiter": True}


def test_rename_and_delete(shelf: Presets) -> None:
    assert printed("rename", "dusk", "Night") == f"Night: {shelf.folder / 'Night.json'}\n"
    assert "Nothing was deleted." in printed("delete", "night", answer="n\n")
    assert printed("delete", "night", "--yes") == "Deleted Night.\n"
    assert printed("delete", "bad", "--yes") == "Deleted bad.\n"
    assert [kept.name for kept in shelf.all()] == ["[red]x"]
    with pytest.raises(SdaError, match="no preset 'night'"):
        cli.main(["preset", "delete", "night", "--yes"], standalone_mode=False)
