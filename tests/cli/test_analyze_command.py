"""`analyze` as a command: a model's sliders and map found anew, told, stored in one step, or left as they were."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from old_files import write as write_old
from small_models import pca_vae

from sda.cli.main import cli
from sda.errors import SdaError
from sda.formats import distill
from sda.formats.distill import ModelDocument
from sda.library import Library
from sda.model import Model
from sda.spec import VaeSpec
from sda.train.analyze_run import analyze_model
from sda.train.corpus import Corpus, gather
from sda.train.run import Run

RATE = 44_100
SPEC = VaeSpec(latent=8, width=8, frames=40)
ID = "5ad00000-0000-4000-8000-00000000a11a"


def analysed(home: Path, *args: object) -> Result:
    return CliRunner().invoke(cli, ["analyze", *map(str, args)], env={"SDA_HOME": str(home)})


def said(result: Result) -> str:
    """The one line that a refusal is."""
    assert isinstance(result.exception, SdaError), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One noise at many levels, so that there is one name to be found."""
    folder, noise = tmp_path_factory.mktemp("recordings"), np.random.default_rng(0).standard_normal(round(0.6 * RATE))
    for number, level in enumerate(np.linspace(-40, -12, 10)):
        soundfile.write(folder / f"rain{number}.wav", noise * 10 ** (level / 20), RATE, subtype="FLOAT")
    return folder


@pytest.fixture(scope="module")
def document(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelDocument:
    """A model of these recordings that nobody analysed."""
    folder = tmp_path_factory.mktemp("corpus")
    assert all(r.used for r in gather(recordings, folder, rate=RATE, shortest=SPEC.frames * 512, seed=0))
    weights = pca_vae(Corpus(folder), SPEC).state_dict()
    tensors = {f"vae.{name}": weight.numpy() for name, weight in weights.items()}
    return ModelDocument(id=ID, name="rain", created="2026-01-01T00:00:00+00:00", vae=SPEC, tensors=tensors)


@pytest.fixture(scope="module")
def told(recordings: Path, document: ModelDocument, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A library whose model was analysed by the command, and what the command said for programs."""
    home = tmp_path_factory.mktemp("home")
    Library(home).add(document, half=True)
    return home, analysed(home, "rain", "--audio", recordings, "--threads", 1, "--json")


def test_the_sliders_are_found_tested_and_told(told: tuple[Path, Result]) -> None:
    home, done = told
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["sliders"][0]["name"] == "loudness"
    assert report["sliders"][0]["measured_on"] == "sound"
    assert report["sliders"][0]["fidelity"]["median"] >= 0.9
    assert len(report["sliders"][0]["picture"]["heard"]) == 9
    assert {row["name"] for row in report["not_named"]} >= {"brightness", "lateness"}
    assert "testing loudness" in done.stderr
    model = Model(distill.read(Library(home).resolve("rain")))
    assert [s.name for s in model.sliders] == [s["name"] for s in report["sliders"]]
    louder, softer = (model.decode(model.latent({"loudness": position})) for position in (8, -8))
    assert louder.mean() > softer.mean() + 0.1


def test_the_file_is_of_the_same_model_and_knows_its_recordings(told: tuple[Path, Result], document: ModelDocument) -> None:
    home, _ = told
    found = distill.read(Library(home).resolve("rain"))
    assert (found.id, found.vae) == (document.id, document.vae)
    for name, tensor in document.tensors.items():
        assert np.allclose(found.tensors[name], tensor, rtol=1e-3, atol=1e-4), name
    model = Model(found)
    assert {c.recording for c in model.map.chunks} <= {f"rain{n}.wav" for n in range(10)}
    assert model.nearest(model.latent({}, home="rain7.wav")).chunk.recording == "rain7.wav"
    # what was given once by --audio is known from then on
    assert Library(home).source(ID) is not None


def test_the_run_is_on_record(told: tuple[Path, Result]) -> None:
    home, _ = told
    (run,) = (home / "runs").glob("analyze-rain-*")
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    assert [event["kind"] for event in events[:10]] == ["file"] * 10
    shares = [event["share"] for event in events if event["kind"] == "stage"]
    assert shares == sorted(shares)
    assert (events[-1]["kind"], events[-1]["finished"]) == ("end", True)
    assert not (run / "corpus").exists()


def test_who_asks_a_run_to_stop_finds_the_model_as_it_was(document: ModelDocument, recordings: Path, home: Path) -> None:
    path = Library().add(document)
    before = path.read_bytes()
    run = Run.create(Library().runs, "analyze", "rain", {"seed": 0, "source": str(recordings)})
    kinds = []
    with run.alive():
        for event in analyze_model(run, document, lambda result: pytest.fail("stored")):
            kinds.append(event.kind)
            if event.kind == "stage":
                run.cancel()
    assert kinds == ["file"] * 10 + ["stage", "end"]
    assert event.data == {"finished": False}
    assert path.read_bytes() == before
    assert not (run.path / "corpus").exists()


def test_a_model_that_another_process_trains_is_refused(document: ModelDocument, recordings: Path, home: Path) -> None:
    Library().add(document)
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with Library().training(ID, "rain"):
            held.set()
            release.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert held.wait(60)
        assert "by another process" in said(analysed(home, "rain", "--audio", recordings))
    finally:
        release.set()
        thread.join()


def test_what_a_user_can_mend_is_one_line(document: ModelDocument, tmp_path: Path, home: Path) -> None:
    Library().add(document)
    (tmp_path / "empty").mkdir()
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "notes.txt").write_text("not a sound")
    assert "expected --audio DIR" in said(analysed(home, "rain"))
    assert "an empty folder" in said(analysed(home, "rain", "--audio", tmp_path / "empty"))
    assert "found nothing where a folder" in said(analysed(home, "rain", "--audio", tmp_path / "nowhere"))
    assert "none of its 1 files can be used" in said(analysed(home, "rain", "--audio", tmp_path / "words"))
    assert "no model 'snow'" in said(analysed(home, "snow"))
    errors = [json.loads(line) for line in next((home / "runs").glob("analyze-*/events.jsonl")).read_text().splitlines()]
    assert (errors[-1]["kind"], "can be used" in errors[-1]["text"]) == ("error", True)


def test_an_old_model_is_imported_first_and_its_components_lose_their_names(tmp_path: Path, home: Path) -> None:
    write_old(tmp_path / "old.sda")
    assert "model import" in said(analysed(home, tmp_path / "old.sda"))
    assert CliRunner().invoke(cli, ["model", "import", str(tmp_path / "old.sda")]).exit_code == 0
    before = distill.read(Library().resolve("Regen"))
    assert "rms-energy" in {s["name"] for s in before.analysis["sliders"]}
    done = analysed(home, "Regen")
    assert done.exit_code == 0, done.output
    assert "its recordings are not here and no name can be tested without them" in done.stdout
    after = distill.read(Library().resolve("Regen"))
    assert [s["name"] for s in after.analysis["sliders"]] == ["axis-1", "axis-2", "axis-3"]
    assert after.extra == before.extra
    assert all(np.array_equal(after.tensors[name], before.tensors[name]) for name in before.tensors)


def test_an_old_model_with_recordings_gets_a_map(recordings: Path, tmp_path: Path, home: Path) -> None:
    write_old(tmp_path / "old.sda")
    CliRunner().invoke(cli, ["model", "import", str(tmp_path / "old.sda")])
    done = analysed(home, "Regen", "--audio", recordings)
    assert done.exit_code == 0, done.output
    model = Model(distill.read(Library().resolve("Regen")))
    assert {c.recording for c in model.map.chunks} <= {f"rain{n}.wav" for n in range(10)}
    sound, rate = soundfile.read(recordings / "rain5.wav")
    expected = model.encode(np.pad(sound, (0, RATE - len(sound))), rate)[0]  # what the public encoder makes of the same second
    assert model.latent({}, home="rain5.wav") == pytest.approx(expected, abs=0.05 * float(np.abs(expected).max()))
    assert all(s.safe_low <= 0 <= s.safe_high for s in model.sliders)


def test_an_old_model_without_components_and_recordings_is_refused(tmp_path: Path, home: Path) -> None:
    write_old(tmp_path / "old.sda", change=lambda data: data.update(latent_analysis=None))
    CliRunner().invoke(cli, ["model", "import", str(tmp_path / "old.sda")])
    assert "expected --audio DIR" in said(analysed(home, "Regen"))
    document = replace(distill.read(Library().resolve("Regen")))
    assert document.analysis["sliders"] == []
