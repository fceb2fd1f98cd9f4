"""Library, Generate, Train, Train Vocoder, Downloads in a real window, by mouse and keys: what becomes of files and engine."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hub_server import Fault, Hub
from live_session import Session
from screen import Panel, panel, screen
from small_models import sounding
from weights_desk import CONTENT, PIN, served

import sda
from sda import universal
from sda.formats import distill
from sda.library import Library
from sda.panel.jobs import Runs, State, Watched

RATE = 44_100
PATIENCE = 600.0  # s, for what a training does on a machine at work
PINNED = f"""
import sda._vendor.bigvgan as bigvgan
bigvgan.pin = lambda: bigvgan.Pin(**{asdict(PIN)!r})
"""  # every process of these tests finds the small weights pinned


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder with a short name: it is typed."""
    with tempfile.TemporaryDirectory(prefix="p", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def hub(place: Path) -> Iterator[Hub]:
    """A hub that serves small weights, for the processes that these tests start."""
    (place / "python").mkdir()
    (place / "python" / "sitecustomize.py").write_text(PINNED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HOME", str(place / "hf"))
        patch.setenv("PYTHONPATH", str(place / "python"), prepend=":")
        patch.setattr(universal, "pin", lambda: PIN)
        with served(place, patch) as made:
            yield made


@pytest.fixture(scope="module")
def library(hub: Hub, place: Path) -> Iterator[Path]:
    """A library with two models."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SDA_HOME", str(place / "home"))
        Library().add(sounding("pebbles"))
        Library().add(sounding("gravel", own_vocoder=False, seed=1))
        yield place / "home"


@pytest.fixture(scope="module")
def recordings(place: Path) -> Path:
    """Five noises that sound alike, so that analysis has little to do, and one silence."""
    folder = place / "rec"
    folder.mkdir()
    for number in range(5):
        noise = 0.3 * np.random.default_rng(number).uniform(-1, 1, RATE)
        soundfile.write(folder / f"noise{number}.wav", noise, RATE)
    soundfile.write(folder / "silent.wav", np.zeros(RATE), RATE)
    return folder


def until(true: Callable[[], Any], what: object = "") -> Any:
    """Wait until something is so, and return it."""
    end = time.monotonic() + PATIENCE
    while not (found := true()):
        assert time.monotonic() < end, what
        time.sleep(0.05)
    return found


def show(window: Panel, title: str, sign: str) -> None:
    """Press a tab until what is known of its view is drawn: the first press may only wake the window."""

    def there() -> bool:
        return any(sign in (item["label"], item["value"]) for item in window.items())

    while not there():
        window.show(title)
        end = time.monotonic() + 3
        while time.monotonic() < end and not there():
            pass


def write(window: Panel, field: str, text: str, *, enter: bool = False) -> None:
    """Write into a field, instead of what stands there; again where a key came before the field had them."""
    for _ in range(5):
        window.click(field)
        window.screen.key("ctrl+a")
        window.screen.do("type", "--delay", 40, text)
        window.screen.key("Return" if enter else "Tab")
        end = time.monotonic() + 3  # a key goes down, up and into the field in frames of their own
        while time.monotonic() < end:
            if enter or window.value(field) in (None, text):  # None: what a field of numbers says is not known
                return
    raise AssertionError(f"{field} says {window.value(field)!r} instead of {text!r}")


def choose(window: Panel, combo: str, number: int) -> None:
    """Pick an entry of a combo, from 0."""
    left, top, _, height = window.until(lambda items: [i for i in items if i["label"] == combo])[0]["place"]
    window.click(combo)
    window.screen.click(left + 30, top + height + 12 + (number + 0.5) * 20)  # padding, then lines of font and spacing


def gone(window: Panel, label: str) -> None:
    """Wait until nothing of this label is drawn."""
    window.until(lambda items: not any(item["label"] == label for item in items))


def newest(library: Path, kind: str, name: str = "") -> Watched:
    """The run that a view is about, as its folder tells it."""

    def found() -> list[Watched]:
        runs = Runs(library / "runs", [kind])
        runs.look()
        return [run for run in runs.of(kind) if name in ("", run.name)]

    run: Watched = until(found)[0]
    return run


def runs_until(run: Watched, true: Callable[[], Any]) -> None:
    """Follow a run until something is so of it."""

    def so() -> Any:
        run.look()
        return true()

    until(so, (run.state, run.error, run.step))


def ink(window: Panel, plot: str, colour: tuple[int, int, int], picture: Path) -> int:
    """Pixels of about a colour inside a plot."""
    import matplotlib.image

    left, top, width, height = window.until(lambda items: [i for i in items if i["label"] == plot])[0]["place"]
    pixels = matplotlib.image.imread(window.screen.picture(picture))[..., :3] * 255
    inside = pixels[round(top) : round(top + height), round(left) : round(left + width)]
    return int((np.abs(inside - np.array(colour)).max(axis=-1) < 40).sum())


def test_the_library_finds_loads_renames_deletes_and_brings_in(
    window: Panel, engine: Session, library: Path, place: Path
) -> None:
    models, spare = library / "models", place / "spare.distill"
    shutil.copy(models / "gravel.distill", spare)
    show(window, "Library", "##library.search")
    window.says("pebbles##pebbles.distill")
    write(window, "##library.search", "GRAV")
    gone(window, "pebbles##pebbles.distill")
    window.click("gravel##gravel.distill")
    window.says("safe -8.0 to +8.0, a test")
    window.click("Load")
    until(lambda: engine.value("model") == distill.read_header(spare).id)
    window.says("It is what the engine plays.")
    engine.send("/sda/model", "pebbles")  # by another hand
    window.until(lambda items: not any(item["value"] == "It is what the engine plays." for item in items))
    write(window, "##library.newname", "scree", enter=True)
    until(lambda: (models / "scree.distill").exists() and not (models / "gravel.distill").exists())
    write(window, "##library.search", "scr")
    window.says("is called scree now")
    window.click("Delete")
    window.click("Delete it")
    until(lambda: not (models / "scree.distill").exists())
    write(window, "##library.search", "brightness")
    write(window, "##library.import", str(spare), enter=True)
    window.says("It is in the library now")
    window.says("gravel##gravel.distill")
    assert distill.read_header(models / "gravel.distill").name == "gravel"
    write(window, "##library.import", str(spare), enter=True)
    window.says("has this model already")
    write(window, "##library.search", "o")
    (models / "other.distill").write_bytes(b"no model")  # by somebody else
    window.says("cannot be read")
    (models / "other.distill").unlink()
    gone(window, "other##other.distill")


def test_generate_renders_what_is_asked_as_a_terminal_would(window: Panel, engine: Session, library: Path) -> None:
    folder = library / "recordings"
    engine.send("/sda/model", "pebbles")
    until(lambda: engine.value("model") == "pebbles")
    engine.send("/sda/slider/1", 4.0)
    show(window, "Generate", "##generate.name")
    window.until(lambda items: [i for i in items if i["label"] == "##generate.model" and i["value"] != ""])
    choose(window, "##generate.model", 1)
    window.until(lambda items: [i for i in items if i["label"] == "##generate.model" and i["value"] == "pebbles"])
    left, top, _, height = window.until(lambda items: [i for i in items if i["label"] == "##generate.vocoder"])[0]["place"]
    window.screen.click(left + 10, top + height * 5 / 6)
    window.says("the model's own vocoder, as asked")
    window.click("##generate.space", share=0.45)
    window.until(lambda items: [i for i in items if i["label"] == "##generate.space" and i["value"] == "mono"])
    for field, text in (("name", "tide"), ("seconds", "0.5"), ("seed", "7"), ("count", "2")):
        write(window, f"##generate.{field}", text)
    window.click("Generate", "mvButton")
    until(lambda: (folder / "tide-2.json").exists())
    for number in (1, 2):
        sound, rate = soundfile.read(folder / f"tide-{number}.wav", dtype="float32")
        asked = {"sliders": {1: 4.0}, "values": {"spatial": "mono"}, "vocoder": "hifigan", "seed": 6 + number}
        assert (rate, sound.shape) == (48_000, (24_000,))
        assert np.abs(sound - sda.load("pebbles").render(0.5, **asked)[0]).max() < 1e-4
    window.says("pebbles, seed 8, hifigan, brightness +4, spatial mono")
    window.says("tide-2.wav: 0.50 s, 48000 Hz, mono")


def test_what_is_rendered_over_osc_is_the_first_of_the_results(window: Panel, engine: Session, library: Path) -> None:
    show(window, "Generate", "##generate.name")
    assert engine.act("/sda/generate", "dew", 0.25) == ["dew.wav"]
    window.says("dew.wav: 0.25 s, 48000 Hz")


def test_a_rendering_is_cancelled(window: Panel, library: Path) -> None:
    show(window, "Generate", "##generate.name")
    write(window, "##generate.name", "endless")
    write(window, "##generate.seconds", "9000")
    write(window, "##generate.count", "1")
    window.click("Generate", "mvButton")
    run = newest(library, "generate", "endless")
    runs_until(run, lambda: run.step)
    window.click("Cancel")
    window.says("the rendering was cancelled")
    assert not list((library / "recordings").glob("*endless*"))


def test_a_folder_is_looked_at_and_a_model_trained_cancelled_and_gone_on_with(
    window: Panel, library: Path, recordings: Path, tmp_path: Path
) -> None:
    show(window, "Train", "##train.name")
    write(window, "##train.folder", str(recordings), enter=True)
    window.says("5 of 6 files, 5.0 s; 1 cannot be used")
    window.says("silent (peak")
    assert window.value("##train.name") == "rec"
    window.click("##use noise4.wav")
    window.says("4 of 6 files, 4.0 s; 1 cannot be used; 1 left out by you")
    write(window, "##train.name", "grit")
    write(window, "##train.minutes", "30")
    window.click("Train", "mvButton")
    run = newest(library, "train", "grit")
    assert [name for _, name in run.run.spec["files"]] == [f"noise{n}.wav" for n in range(4)] + ["silent.wav"]
    runs_until(run, lambda: run.step.get("step", 0) > 5)
    window.says("4 of 5 recordings used")
    assert ink(window, "training loss", (232, 170, 92), tmp_path / "shot.png") > 20
    window.click("Cancel")
    runs_until(run, lambda: run.state is State.STOPPED)
    assert (run.error, run.step["step"] < run.step["steps"]) == ("", True)
    assert distill.read(Library().resolve("grit")).dataset["files"] == 4
    window.says("Sliders found:")
    window.until(lambda items: [i for i in items if i["label"] == "##train.preview" and "step" in str(i["value"])])
    done = run.step["step"]

    def goes_on() -> bool:
        window.click("Go on")  # greyed until the process that was cancelled is gone
        time.sleep(1)
        run.look()
        return run.state.lives

    until(goes_on)
    window.says("at work")
    runs_until(run, lambda: run.step["step"] > done)
    kill("--name\0grit\0--resume", library)
    window.says("broken off")


def kill(words: str, library: Path) -> None:
    """End the process of this library with these words in its command line, as a power cut would."""
    for entry in Path("/proc").iterdir():
        with suppress(OSError):  # somebody else's, or gone meanwhile
            ours = entry.name.isdigit() and f"SDA_HOME={library}\0".encode() in (entry / "environ").read_bytes()
            if ours and words.encode() in (entry / "cmdline").read_bytes():
                os.kill(int(entry.name), signal.SIGKILL)


def test_a_vocoder_is_trained_for_a_model(window: Panel, library: Path) -> None:
    show(window, "Train Vocoder", "##train-vocoder.model")
    names = sorted(entry.name for entry in Library().entries())
    choose(window, "##train-vocoder.model", names.index("grit"))
    window.says("It has none yet")
    write(window, "##train-vocoder.minutes", "0.01")
    window.click("Train vocoder")
    run = newest(library, "train-vocoder", "grit")
    runs_until(run, lambda: not run.state.lives)
    assert (run.state, run.error) == (State.DONE, "")
    assert distill.read(Library().resolve("grit")).vocoder is not None
    window.says("Mel error on held-out recordings")
    window.says("resampled")  # the last line of the table: the ceiling


@pytest.mark.window
def test_a_window_that_opens_finds_the_runs_and_a_training_begun_over_osc(
    engine: Session, library: Path, tmp_path: Path
) -> None:
    with screen() as other, panel(other, engine.port, tmp_path) as again:
        show(again, "Train", "##train.name")
        again.says("broken off")
        show(again, "Train Vocoder", "##train-vocoder.model")
        again.says("resampled")  # the table of the last one
        before = newest(library, "train-vocoder", "grit").run.path
        engine.send("/sda/train/vocoder", "grit")
        until(lambda: newest(library, "train-vocoder", "grit").run.path != before)
        again.says("at work")
        again.click("Cancel")
        run = newest(library, "train-vocoder", "grit")
        runs_until(run, lambda: not run.state.lives)
        assert run.state is State.STOPPED


def test_bigvgan_is_fetched_stopped_gone_on_with_checked_and_removed(window: Panel, hub: Hub, library: Path) -> None:
    store = universal.store()
    hub.bodies = [Fault(rate=60_000)]
    show(window, "Downloads", "BigVGAN Universal")
    window.says("not here")
    window.click("Fetch it")
    window.click("Put away")  # a window that came by itself
    until(lambda: store.part_size() > 100_000)
    window.says(f"fetching {PIN.file}")
    window.click("Cancel")
    window.says("partly here; what came is kept")
    window.says("The last download was stopped")
    kept = store.part_size()
    assert 100_000 < kept < len(CONTENT)
    window.click("Go on")
    window.says("here; checked, sha256 as pinned")
    assert hub.ranges()[-1] == f"bytes={kept}-"
    window.click("Verify")
    window.says("It was hashed again")
    window.click("Remove")
    window.click("Remove it")
    window.says("not here")
    assert store.state().status == "absent"


def test_bigvgan_is_fetched_by_itself_where_it_is_wished_for(window: Panel, engine: Session, hub: Hub) -> None:
    hub.bodies = [Fault(rate=200_000)]
    show(window, "Play", "fader gain")
    time.sleep(1.1)  # an engine tells an error of a kind once a second
    radio = window.until(lambda items: [i for i in items if i["kind"] == "mvRadioButton" and "Auto" in str(i["value"])])
    left, top, width, height = radio[0]["place"]
    window.screen.click(left + width * 0.4, top + height / 2)
    window.says("Put away")
    until(lambda: universal.store().state().usable)
    until(lambda: engine.value("vocoder") == "bigvgan")
