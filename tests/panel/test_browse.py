"""A folder and a file are found with the mouse alone, in the toolkit's own dialogue."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from live_session import session
from screen import Panel, panel, screen

from sda.library import Library

pytestmark = pytest.mark.window
FIRST, OK = (100.0, 130.0), (29.0, 417.0)  # of the dialogue, which is 680 by 440 in the middle of the window


@pytest.fixture
def me(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Somebody's own folder, in which dialogues begin."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("HOME", folder)
        yield Path(folder)


def pick(window: Panel) -> None:
    """Take the first entry of the dialogue of the view that is shown."""
    window.click("Browse", "mvButton")
    width, height = window.screen.size
    window.screen.settle()
    for x, y in (FIRST, OK):
        window.screen.click((width - 680) / 2 + x, (height - 440) / 2 + y)


def test_a_folder_and_a_models_file_are_picked(library: Path, me: Path, tmp_path: Path) -> None:
    with session("pebbles", "--audio", "null") as engine, screen() as display, panel(display, engine.port, tmp_path) as window:
        window.until(lambda items: any(item["kind"] == "mvTab" for item in items))
        (me / "aa").mkdir()
        for number in range(2):
            soundfile.write(me / "aa" / f"{number}.wav", np.random.default_rng(number).uniform(-0.3, 0.3, 44_100), 44_100)
        window.show("Train")
        pick(window)
        window.until(lambda items: [i for i in items if i["label"] == "##train.folder" and i["value"] == str(me / "aa")])
        window.says("2 of 2 files")
        shutil.rmtree(me / "aa")
        shutil.move(library / "models" / "bells.distill", me / "bells.distill")
        window.show("Library")
        pick(window)
        window.says("It is in the library now")
        assert {entry.name for entry in Library().entries()} == {"pebbles", "bells"}
