"""A folder of recordings looked at, the library's rows, what was rendered, and what is asked of commands: no window."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import click
import numpy as np
import pytest
import soundfile
from small_models import TINY_VOCODER, document

from sda.catalog import Entry
from sda.cli.generate import generate
from sda.cli.train import train
from sda.cli.train_vocoder import train_vocoder
from sda.errors import AudioError, SdaError
from sda.library import Library
from sda.panel import listing, orders, words
from sda.panel.charts import thinned
from sda.panel.files import Survey, summary
from sda.panel.home import Home
from sda.panel.jobs import Curve
from sda.panel.later import Later
from sda.panel.listen import Listening
from sda.panel.results import outline, results
from sda.params import PARAMS
from sda.sources import Source

RATE = 44_100


def tone(seconds: float, level: float = 0.5, rate: int = RATE) -> np.ndarray:
    return level * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)


def looked_at(folder: Path) -> Survey:
    survey = Survey(folder)
    end = time.monotonic() + 30
    while not survey.done:
        assert time.monotonic() < end
        time.sleep(0.01)
    return survey


def test_a_survey_says_what_training_would_do(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(2.0), RATE, subtype="FLOAT")
    (tmp_path / "deep").mkdir()
    soundfile.write(tmp_path / "deep" / "b.flac", np.stack([tone(1.5, 0.25, 48_000)] * 2, axis=1), 48_000)
    soundfile.write(tmp_path / "silent.wav", np.zeros(RATE), RATE)
    (tmp_path / "notes.txt").write_text("words")
    survey = looked_at(tmp_path)
    assert (survey.error, survey.total) == ("", 4)
    found = {recording.name: recording for recording in survey.recordings}
    assert {name for name, recording in found.items() if recording.used} == {"a.wav", "deep/b.flac"}
    assert found["a.wav"].seconds == pytest.approx(2.0)
    assert found["a.wav"].peak_db == pytest.approx(20 * np.log10(0.5), abs=0.01)
    assert (found["deep/b.flac"].rate, found["deep/b.flac"].channels) == (48_000, 2)
    assert "resampled from 48000 Hz" in "; ".join(found["deep/b.flac"].notes)
    assert "silent" in found["silent.wav"].notes[0]
    assert summary(survey.recordings) == "2 of 4 files, 3.5 s; 2 cannot be used"
    assert summary(survey.recordings, ["a.wav"]) == "1 of 4 files, 1.5 s; 2 cannot be used; 1 left out by you"


def test_a_survey_of_nothing_says_so(tmp_path: Path) -> None:
    assert "found nothing" in looked_at(tmp_path / "nowhere").error
    assert "an empty folder" in looked_at(tmp_path).error


def rows() -> list[listing.Row]:
    made = [
        ("Zither", 40.0, 300, "2026-01-02T00:00:00+00:00", None),
        ("bells", 5.0, 100, "2026-03-01T00:00:00+00:00", TINY_VOCODER),
        ("Creek", 900.0, 200, "2026-02-01T00:00:00+00:00", None),
    ]
    entries = [
        Entry(
            path=Path(f"/models/{name}.distill"), size=size,
            document=document(name=name, dataset={"seconds": seconds}, created=created, vocoder=vocoder),
        )
        for name, seconds, size, created, vocoder in made
    ]  # fmt: skip
    return listing.rows([*entries, Entry(path=Path("/models/broken.distill"), size=1, error="cut off")])


@pytest.mark.parametrize(
    ("search", "column", "descending", "names"),
    [
        ("", "name", False, ["bells", "broken", "Creek", "Zither"]),
        ("", "sound", True, ["Creek", "Zither", "bells", "broken"]),
        ("", "own vocoder", True, ["bells", "broken", "Creek", "Zither"]),
        ("", "size", False, ["broken", "bells", "Creek", "Zither"]),
        ("", "made", True, ["bells", "Creek", "Zither", "broken"]),
        ("ee", "name", False, ["Creek"]),
        ("BRIGHT it", "name", False, ["bells", "Creek", "Zither"]),  # sliders: brightness and grit
        ("brightness cree", "name", False, ["Creek"]),
        ("flute", "name", False, []),
    ],
)
def test_the_library_is_searched_and_sorted(search: str, column: str, descending: bool, names: list[str]) -> None:
    found = listing.chosen(rows(), search, column, descending=descending)
    assert [row.entry.name for row in found] == names


def test_what_a_row_and_the_details_say(tmp_path: Path) -> None:
    bells = next(row for row in rows() if row.entry.name == "bells")
    assert bells.cells == ("bells", "5.00 s", "2", "yes", "100 B", "2026-03-01")
    told = dict(listing.details(bells, Source(tmp_path)))
    assert ("folder", str(tmp_path)) in told["Recordings"]
    assert told["Sliders"][0] == ("1  brightness", "safe -4.5 to +5.0, Hz")
    assert ("held-out, loud", "0.250 nat") in told["Training"]
    assert told["Own vocoder"][0] == ("", "yes")
    broken = next(row for row in rows() if row.entry.name == "broken")
    assert listing.details(broken, None) == [("Cannot be read", [("file", str(broken.entry.path)), ("why", "cut off")])]


def test_results_are_the_newest_files_with_recipes(home: Path) -> None:
    folder = Library().recordings
    for number, name in enumerate(("first", "second")):
        soundfile.write(folder / f"{name}.wav", tone(0.5), RATE)
        audio = {"file": f"{name}.wav", "duration_s": 0.5, "sample_rate": RATE, "channels": 1}
        recipe = {"model": "bells", "seed": number, "vocoder": "hifigan", "sliders": {"brightness": 2.5, "grit": 0.0}}
        recipe["values"] = {"seed": number, "slider.1": 2.5, "spatial": "mono", "width": 0.25}
        (folder / f"{name}.json").write_text(json.dumps({"generation": {}, "audio": audio, "recipe": recipe}))
    soundfile.write(folder / "bare.wav", tone(0.5), RATE)  # recorded, not rendered
    (folder / "other.json").write_text("[1, 2]")
    found = results(folder)
    assert {result.path.name for result in found} == {"first.wav", "second.wav"}
    second = next(result for result in found if result.path.name == "second.wav")
    assert second.words == "bells, seed 1, hifigan, brightness +2.5, spatial mono, width 0.25"
    assert second.facts == "0.50 s, 44100 Hz, mono"


def test_an_outline_has_each_parts_lowest_and_highest(tmp_path: Path) -> None:
    sound = np.zeros((1000, 2), np.float32)
    sound[250:500, 0], sound[750:, 1] = 0.5, -0.25
    soundfile.write(tmp_path / "a.wav", sound, RATE, subtype="FLOAT")
    assert outline(tmp_path / "a.wav", 4).tolist() == [0, 0, 0, 0.5, 0, 0, -0.25, 0]
    with pytest.raises(AudioError):
        outline(tmp_path / "b.wav", 4)


def test_a_library_is_looked_at_again_only_where_it_changed(home: Path) -> None:
    machine, library, now = Home(), Library(), 0.0
    library.add(document())

    def look() -> int:
        nonlocal now
        before, end = now, time.monotonic() + 20
        while now < before + 6:  # clock of the window: five looks, each taken up by the next
            now += 1.5
            machine.look(now)
            while machine._later.busy:
                assert time.monotonic() < end
                time.sleep(0.005)
        return machine.revision

    first = look()
    assert [row.entry.name for row in machine.glance.rows] == [document().name]
    assert machine.glance.weights is not None
    assert look() == first
    library.add(document(id="3b8f7d4e-3a86-4c4b-9a52-6e0d6a2f9c22", name="other"))
    assert look() > first
    assert len(machine.glance.rows) == 2


def test_commands_are_what_a_terminal_would_say(home: Path, tmp_path: Path) -> None:
    wanted = orders.Wanted(
        model="bells", seconds=2.5, seed=3, count=2, rate=44_100, depth="16", spatial="mono", vocoder="hifigan"
    )
    values = orders.moved(
        PARAMS, {"gain": -6.0, "density": 2.0, "limiter": False, "play": True, "vocoder": "bigvgan", "spatial": "binaural"}
    )
    assert values == {"gain": -6.0, "limiter": False}  # density is where it begins, the rest are options
    words = orders.generate(wanted, tmp_path / "a.wav", {"slider.2": 1.5} | values)
    assert ["--slider", "2=1.5"] in [words[at : at + 2] for at in range(len(words))]
    assert ["--set", "limiter=0"] in [words[at : at + 2] for at in range(len(words))]
    for command, arguments in (
        (generate, words),
        (train, orders.train(tmp_path, "x", 0.5, ["a.wav", "b c.wav"])),
        (train, orders.train_again("x")),
        (train_vocoder, orders.train_vocoder("x", 5.0, str(tmp_path))),
        (train_vocoder, orders.train_vocoder_again("x")),
    ):
        parsed = command.make_context(arguments[0], list(arguments[1:]))  # raises for an option that is none
        assert parsed.info_name == arguments[0]
    with pytest.raises(click.UsageError):
        train.make_context("train", ["--name", "x", "--no-such-option"])


def test_formats_have_their_depths_and_rates() -> None:
    assert (orders.depths("wav"), orders.depths("flac"), orders.depths("mp3")) == (["16", "24", "32f"], ["16", "24"], [])
    assert orders.rates("mp3") == ["44100", "48000"]
    assert "96000" in orders.rates("flac")


def test_a_long_curve_is_drawn_by_its_means() -> None:
    curve = Curve([float(n) for n in range(10)], [float(n) for n in range(10)])
    assert thinned(curve, 20) == (curve.steps, curve.values)
    steps, values = thinned(curve, 4)
    assert (list(steps), list(values)) == ([2.0, 5.0, 8.0, 9.0], [1.0, 4.0, 7.0, 9.0])
    curve.cut(3.0)
    assert (curve.steps, curve.values) == ([0, 1, 2, 3], [0, 1, 2, 3])


def test_numbers_in_words() -> None:
    said = [words.size(489_041_291), words.size(2_000), words.size(12), words.span(4.25), words.span(59), words.span(185)]
    assert said == ["489.0 MB", "2.0 kB", "12 B", "4.25 s", "59 s", "3 min 05 s"]
    assert (words.span(None), words.span(7300), words.number(float("nan")), words.rate(None)) == ("-", "2 h 01 min", "-", "")
    assert words.lines("a very long name.wav", 9) == "a ve….wav"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere it is another program")
def test_a_file_is_shown_in_its_folder_by_the_systems_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine, said, program = Home(), tmp_path / "said", tmp_path / "bin" / "xdg-open"
    monkeypatch.setenv("PATH", str(program.parent))
    with pytest.raises(SdaError, match="xdg-open"):
        machine.show_in_folder(tmp_path / "deep" / "a.wav")
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$1" > {said}\n')  # there is no desktop here
    program.chmod(0o755)
    machine.show_in_folder(tmp_path / "deep" / "a.wav")
    end = time.monotonic() + 20
    while not (said.exists() and said.read_text().endswith("\n")):
        assert time.monotonic() < end
        time.sleep(0.02)
    assert said.read_text() == f"{tmp_path / 'deep'}\n"
    assert machine._opened[0].wait(20) == 0


def test_what_cannot_be_played_is_said(tmp_path: Path) -> None:
    listening, path = Listening(lambda: "no such device"), tmp_path / "a.wav"
    path.write_text("no sound")
    listening.start(path)
    assert listening.path == path
    end = time.monotonic() + 60
    while listening.path is not None:
        assert time.monotonic() < end
        time.sleep(0.02)
        listening.look()
    assert "not readable as audio" in listening.error
    listening.stop()
    assert listening.path is None


def test_work_is_done_one_piece_at_a_time_and_its_errors_are_words() -> None:
    gate, later = threading.Event(), Later[int]()

    def refused() -> int:
        raise SdaError("no room")

    assert later.ask(lambda: 3 if gate.wait(20) else 0)
    assert (later.busy, later.ask(lambda: 4), later.value) == (True, False, None)
    gate.set()
    for work, value, error in ((None, 3, ""), (refused, 3, "no room"), (lambda: 5, 5, "")):
        assert work is None or later.ask(work)
        end = time.monotonic() + 20
        while later.busy:
            assert time.monotonic() < end
            time.sleep(0.005)
        assert (later.value, later.error) == (value, error)
