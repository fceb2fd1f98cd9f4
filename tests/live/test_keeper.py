"""What an engine keeps of itself: when it is written, what is in it, and how a bad end is told from a good one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_models import sounding

from sda.control import Controls
from sda.errors import ControlError, DeviceError
from sda.formats import distill
from sda.formats import preset as file
from sda.formats.preset import Preset
from sda.library import Library
from sda.live.beginning import first_model, first_values
from sda.live.facts import Facts, Model
from sda.live.keeper import Keeper, holder
from sda.live.options import Options

HERE = ("127.0.0.1", 16180)


@pytest.fixture
def folder(home: Path) -> Path:
    return home / "engines" / "sda"


def facts(path: Path | None = None) -> Facts:
    made = Facts(0.04)
    if path is not None:
        made.model = Model(path, "pebbles", "hifigan", "", "hifigan", sounding("pebbles").id)
    return made


def begin(keeper: Keeper, **options: object) -> tuple[Path | None, Controls, list[str]]:
    controls, said = Controls(), list[str]()
    wish = Options(osc=HERE, **options)  # type: ignore[arg-type]
    path = first_model(wish, keeper, controls, said.append)
    first_values(wish, keeper, controls, said.append)
    return path, controls, said


def test_what_changed_is_written_within_two_seconds_and_comes_back(folder: Path) -> None:
    path = Library().add(sounding("pebbles"))
    keeper, controls = Keeper("sda"), Controls()
    keeper.begin(100.0)
    controls.install_sliders(["brightness", "axis-1"])
    keeper.look(100.1, controls, facts(path), [])
    stamp = (folder / "state.json").stat().st_mtime_ns
    keeper.look(101.5, controls, facts(path), [])
    assert (folder / "state.json").stat().st_mtime_ns == stamp  # nothing changed
    controls.set("slider.2", -3.0, "hand")
    controls.set("gain", -9.0, "hand")
    controls.set("play", True, "hand")
    keeper.look(101.6, controls, facts(path), [("127.0.0.1", 9001)])
    controls.set("gain", -10.0, "hand")
    keeper.look(102.5, controls, facts(path), [("127.0.0.1", 9001)])
    assert file.read(folder / "state.json").values["gain"] == -9.0  # not more than once a second
    keeper.look(102.7, controls, facts(path), [("127.0.0.1", 9001)])
    keeper.end()
    state = file.read(folder / "state.json")
    assert (state.model_name, state.sliders) == ("pebbles", {"brightness": 0.0, "axis-1": -3.0})
    after = Keeper("sda")
    assert (after.crashes, after.listeners) == (0, (("127.0.0.1", 9001),))
    found, controls, said = begin(after)
    assert (found, said) == (path, [])
    assert {id: controls.get(id) for id in ("slider.2", "gain", "play", "model")} == {
        "slider.2": -3.0, "gain": -10.0, "play": False, "model": "pebbles",
    }  # fmt: skip
    _, controls, _ = begin(after, values={"gain": -1.0, "slider.axis-1": 2.0})  # what is asked for comes first
    assert (controls.get("gain"), controls.get("slider.2")) == (-1.0, 2.0)
    found, controls, _ = begin(Keeper("sda", fresh=True))
    assert (found, controls.get("gain")) == (None, 0.0)


def test_values_follow_their_names_to_a_model_that_is_asked_for(folder: Path) -> None:
    path = Library().add(sounding("bells", seed=1))
    folder.mkdir(parents=True)
    state = Preset(name="sda", model="gone", values={"slider.1": 1.0, "drift": 2.0}, sliders={"axis-1": 4.0, "x": 1.0})
    file.write(folder / "state.json", state)
    found, controls, said = begin(Keeper("sda"), model=path)
    assert (found, said) == (path, [])
    assert {id: controls.get(id) for id in ("slider.1", "slider.2", "drift")} == {
        "slider.1": 0.0,
        "slider.2": 4.0,
        "drift": 2.0,
    }


def test_a_model_that_is_gone_is_said_and_stays_in_mind(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "stick.distill"
    distill.write(elsewhere, sounding("pebbles"))
    keeper = Keeper("sda")
    keeper.begin(0.0)
    controls = Controls()
    controls.install_sliders(["brightness"])
    controls.set("slider.1", 6.0, "hand")
    keeper.look(1.0, controls, facts(elsewhere), [])
    keeper.end()
    assert begin(Keeper("sda"))[0] == elsewhere  # not in the library, but where it was
    hidden = elsewhere.rename(tmp_path / "hidden")
    keeper = Keeper("sda")
    found, controls, said = begin(keeper)
    assert found is None
    assert "'pebbles', cannot be had" in said[0]
    keeper.begin(10.0)
    controls.set("gain", -2.0, "hand")
    keeper.look(11.0, controls, facts(), [])  # without a model
    keeper.end()
    hidden.rename(elsewhere)
    found, controls, _ = begin(Keeper("sda"))
    assert (found, controls.get("slider.brightness"), controls.get("gain")) == (elsewhere, 6.0, -2.0)


def test_two_bad_ends_soon_after_the_beginning_make_a_safe_start(folder: Path) -> None:
    path = Library().add(sounding("pebbles"))
    for crashes in range(2):
        keeper = Keeper("sda")
        assert (keeper.crashes, keeper.safe) == (crashes, False)
        keeper.begin(0.0)
        keeper.look(1.0, Controls(), facts(path), [])
        keeper._lock.release()  # as the system does when a process dies
    keeper = Keeper("sda")
    found, _, said = begin(keeper)
    assert found is None
    assert said == [
        "safe start: the last 2 runs ended badly soon after they had begun, so 'pebbles' is not loaded; "
        "/sda/model pebbles loads it"
    ]
    assert begin(keeper, model=path)[0] == path  # whoever asks for it has it
    keeper.begin(0.0)
    keeper.end()
    assert begin(Keeper("sda"))[0] == path  # an end in order forgives


def test_a_fault_of_ours_counts_as_a_bad_end(folder: Path) -> None:
    keeper = Keeper("sda")
    keeper.begin(0.0)
    keeper.crashed = True
    keeper.end()
    assert Keeper("sda").crashes == 1
    Keeper("sda").begin(0.0)  # and leaves the name free


def test_a_fresh_run_leaves_what_was_kept_until_something_moves(folder: Path) -> None:
    folder.mkdir(parents=True)
    file.write(folder / "state.json", Preset(name="sda", values={"gain": -5.0}))
    keeper, controls = Keeper("sda", fresh=True), Controls()
    keeper.begin(0.0)
    keeper.look(2.0, controls, facts(), [])
    keeper.look(4.0, controls, facts(), [])
    assert file.read(folder / "state.json").values == {"gain": -5.0}
    controls.set("drift", 1.0, "hand")
    keeper.look(6.0, controls, facts(), [])
    assert (file.read(folder / "state.json").values["gain"], file.read(folder / "state.json").values["drift"]) == (0.0, 1.0)
    keeper.end()


def test_a_run_that_lasted_is_not_to_blame_for_its_beginning(folder: Path) -> None:
    for _ in range(4):
        keeper = Keeper("sda")
        assert not keeper.safe
        keeper.begin(0.0)
        keeper.look(61.0, Controls(), facts(), [])
        keeper._lock.release()


@pytest.mark.parametrize("text", ["{", '{"values": {"gain": NaN}}', "[]", ""])
def test_a_damaged_state_is_said_and_defaults_are_taken(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(text)
    (folder / "run.json").write_text(text)
    found, controls, said = begin(Keeper("sda"))
    assert (found, controls.values()) == (None, Controls().values())
    assert len(said) == 1
    assert "state.json: damaged" in said[0]
    assert "beginning with defaults" in said[0]


def test_what_a_state_says_is_checked_like_anything_else(folder: Path) -> None:
    folder.mkdir(parents=True)
    listeners = [["127.0.0.1", 9001], ["example.org", 80], ["::1", 9], ["1.2.3.4", 0], [1, 2], "x", ["127.0.0.1", True]]
    extra = {"listeners": listeners, "path": "../x"}
    values = {"gain": 99.0, "drift": "fast", "unknown": 1, "width": 0.25}
    file.write(folder / "state.json", Preset(name="sda", model="m", values=values, extra=extra))
    keeper = Keeper("sda")
    assert keeper.listeners == (("127.0.0.1", 9001), ("::1", 9))
    found, controls, said = begin(keeper)
    assert found is None
    assert len(said) == 1
    assert [controls.get(id) for id in ("gain", "drift", "width")] == [12.0, 0.25, 0.25]


def test_one_engine_of_a_name_and_who_holds_a_port(folder: Path) -> None:
    keeper, other = Keeper("sda"), Keeper("left hand")
    keeper.begin(0.0)
    keeper.received(HERE)
    other.begin(0.0)
    other.received(("127.0.0.1", 16190))
    assert f"; the engine 'sda' has it (process {json.loads((folder / 'run.json').read_text())['pid']}" in holder(16180)
    assert "; the engine 'left-hand' has it" in holder(16190)
    assert holder(16181) == ""
    with pytest.raises(DeviceError, match=r"an engine named 'sda' runs already \(process .* OSC at 127\.0\.0\.1:16180\)"):
        Keeper("sda").begin(0.0)
    keeper.end()
    assert holder(16180) == ""
    again = Keeper("sda")
    again.begin(0.0)
    again.end()
    other.end()
    for name in ("a/b", "..", "C:x"):
        with pytest.raises(ControlError, match="--name"):
            Keeper(name)
