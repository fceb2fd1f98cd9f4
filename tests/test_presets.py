"""The shelf of presets: numbers that stay, names that are found, damage that stops nobody, and kills that break nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sda.errors import SdaError
from sda.formats import preset as file
from sda.formats.preset import Preset
from sda.library import Library
from sda.presets import Presets


@pytest.fixture
def shelf(tmp_path: Path) -> Presets:
    made = Presets(Library(tmp_path / "home"))
    for name in ("Dusk", "dawn", "Noon"):
        made.save(Preset(name=name, values={"gain": -1.0}))
    return made


def order(shelf: Presets) -> list[tuple[int | None, str]]:
    return [(kept.number, kept.name) for kept in shelf.all()]


def test_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    shelf = Presets(Library(tmp_path / "none"))
    assert shelf.all() == []
    assert not (tmp_path / "none").exists()
    with pytest.raises(SdaError, match="it has none yet"):
        shelf.find("dusk")
    with pytest.raises(SdaError, match="none yet"):
        shelf.at(0)


def test_numbers_are_given_in_order_and_stay(shelf: Presets) -> None:
    assert order(shelf) == [(0, "Dusk"), (1, "dawn"), (2, "Noon")]
    shelf.delete("dawn")
    shelf.rename("Noon", "Aurora")
    shelf.save(Preset(name="dusk", values={"gain": -2.0}))
    assert order(shelf) == [(0, "dusk"), (2, "Aurora")]
    shelf.save(Preset(name="Rain"))  # the lowest that is free
    assert order(shelf) == [(0, "dusk"), (1, "Rain"), (2, "Aurora")]
    assert shelf.at(2).name == "Aurora"
    with pytest.raises(SdaError, match="no preset has the number 3; the library has 0 to 2"):
        shelf.at(3)


def test_files_without_a_number_of_their_own_come_behind(shelf: Presets) -> None:
    (shelf.folder / "copy.json").write_bytes((shelf.folder / "Dusk.json").read_bytes().replace(b"Dusk", b"Echo"))
    file.write(shelf.folder / "hand.json", Preset(name="by hand"))
    assert order(shelf) == [(0, "Dusk"), (1, "dawn"), (2, "Noon"), (3, "by hand"), (4, "Echo")]
    assert shelf.at(4).name == "Echo"


def test_case_counts_only_where_it_must(shelf: Presets) -> None:
    assert shelf.find(" DUSK ").name == "Dusk"
    file.write(shelf.folder / "other.json", Preset(name="DUSK"))
    assert shelf.find("DUSK").path.name == "other.json"
    with pytest.raises(SdaError, match="did you mean 'Noon'"):
        shelf.find("noo")
    with pytest.raises(SdaError, match="expected a name from the library"):
        shelf.find("../Dusk")


def test_a_damaged_file_is_one_error_and_the_others_are_there(shelf: Presets) -> None:
    (shelf.folder / "dawn.json").write_text('{"values": {"gain": NaN}}')
    left = shelf.folder / ".Dusk.json.x7.json"  # of a kill
    left.write_text("{")
    assert order(shelf) == [(0, "Dusk"), (2, "Noon"), (None, "dawn")]
    with pytest.raises(SdaError, match=r"dawn\.json: damaged, .*NaN is no number"):
        shelf.find("dawn")
    assert shelf.save(Preset(name="dawn")).number == 1  # saving mends it, and clears away
    assert not left.exists()
    (shelf.folder / "dawn.json").write_text("{")
    shelf.delete("dawn")
    assert order(shelf) == [(0, "Dusk"), (2, "Noon")]


def test_saving_over_one_keeps_what_nobody_here_knows(shelf: Presets) -> None:
    file.write(shelf.folder / "Dusk.json", Preset(name="Dusk", number=0, values={"reverb": 1}, extra={"colour": "blue"}))
    shelf.save(Preset(name="dusk", values={"gain": -9.0}))
    found = file.read(shelf.folder / "Dusk.json")
    assert (found.name, found.number, found.values, found.extra) == ("dusk", 0, {"reverb": 1, "gain": -9.0}, {"colour": "blue"})


def test_names_that_make_the_same_file_name_do_not_meet(shelf: Presets) -> None:
    shelf.save(Preset(name="a b"))
    shelf.save(Preset(name="a?b"))
    shelf.save(Preset(name="con"))
    names = {path.name for path in shelf.folder.iterdir()}
    assert {"a-b.json", "a-b-2.json", "con-preset.json"} <= names
    with pytest.raises(SdaError, match="taken"):
        shelf.rename("a b", "DUSK")
    shelf.rename("a b", "A B")  # its own name in other letters
    assert shelf.find("A B").number == 3


def test_what_comes_from_elsewhere_takes_no_name_and_comes_once(shelf: Presets) -> None:
    old = [Preset(name="Dusk", model="m", values={"slider.1": 2.0}), Preset(name="Tide", model="m")]
    assert [kept.name for kept in shelf.bring(old)] == ["Dusk 2", "Tide"]
    assert shelf.bring([replace(one, model_name="renamed") for one in old]) == []
    assert order(shelf)[-2:] == [(3, "Dusk 2"), (4, "Tide")]
    assert shelf.find("Dusk").preset == Preset(name="Dusk", number=0, values={"gain": -1.0})


WRITER = """
import sys
from pathlib import Path
from sda.formats import preset
from sda.formats.preset import Preset
n = 0
print("ready", flush=True)
while True:
    n += 1
    preset.write(Path(sys.argv[1]), Preset(name="Dusk", number=0, values={f"v{i}": n for i in range(2000)}))
"""


def test_a_kill_at_any_moment_leaves_the_old_file_or_the_new_one(shelf: Presets) -> None:
    path = shelf.folder / "Dusk.json"
    for turn in range(12):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(0.02 + 0.003 * turn)
            os.kill(writer.pid, signal.SIGKILL)
        found = set(file.read(path).values.values())
        assert len(found) == 1  # of one moment, whole
    assert min(found) > 0  # not the -1 of the beginning: there was something to tear
    assert order(shelf) == [(0, "Dusk"), (1, "dawn"), (2, "Noon")]
