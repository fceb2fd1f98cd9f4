"""`generate` and `resynth` with a wish for a vocoder: fetched when first wanted, refused in one line, written down."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from bigvgan_weights import save
from hub_server import REPO, REVISION, Hub, published_config, serving
from sda._vendor.bigvgan import Pin
from small_models import sounding

from sda.formats import distill

FILE = "bigvgan_generator.pt"
LEAVE_OUT = {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
Done = subprocess.CompletedProcess[str]


class Studio:
    """A user with two models, an empty library, and a hub that has the weights."""

    def __init__(self, folder: Path, hub: Hub, pin: Pin) -> None:
        self.hub, self.folder, self.home = hub, folder, folder / "home"
        told = {"SDA_HOME": str(self.home), "HF_HOME": str(folder / "hf"), "HF_ENDPOINT": hub.url, "OMP_NUM_THREADS": "1"}
        self.environment = {name: value for name, value in os.environ.items() if name.upper() not in LEAVE_OUT} | told
        self.main = (
            "import sys; import sda._vendor.bigvgan as bigvgan\n"
            f"bigvgan.pin = lambda: bigvgan.Pin(**{asdict(pin)!r})\n"
            "from sda.cli.main import main; main(sys.argv[1:])"
        )
        for name, own in (("own", True), ("bare", False)):
            distill.write(folder / f"{name}.distill", sounding(name, own_vocoder=own))

    def run(self, command: str, model: str, *args: str, **told: str) -> Done:
        line = [sys.executable, "-c", self.main, command, str(self.folder / f"{model}.distill"), *args]
        environment = self.environment | told
        return subprocess.run(line, capture_output=True, text=True, env=environment, check=False)

    def generate(self, model: str, *args: str, **told: str) -> Done:
        return self.run("generate", model, "-o", str(self.folder / "out.wav"), "-d", "0.5", *args, **told)

    def complaint(self, done: Done) -> str:
        """The one line of an error that a user can mend, which left no file behind."""
        assert (done.returncode, done.stdout, (self.folder / "out.wav").exists()) == (2, "", False)
        assert "Traceback" not in done.stderr
        return done.stderr.splitlines()[-1].removeprefix("sda-engine: error: ")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("weights") / FILE
    save(path)
    return path.read_bytes()


@pytest.fixture
def studio(tmp_path: Path, weights: bytes) -> Iterator[Studio]:
    pin = Pin(REPO, REVISION, FILE, len(weights), hashlib.sha256(weights).hexdigest(), "")
    with serving(Hub({FILE: weights, "config.json": published_config()}, {FILE})) as hub:
        yield Studio(tmp_path, hub, pin)


def comment(path: Path) -> dict[str, object]:
    """What a file says of itself."""
    with soundfile.SoundFile(path) as file:
        said = json.loads(file.copy_metadata()["comment"])
    assert isinstance(said, dict)
    return said


def test_it_is_fetched_when_first_asked_for(studio: Studio) -> None:
    done = studio.generate("own", "--vocoder", "bigvgan", "--json")
    assert done.returncode == 0, done.stderr
    assert "fetching bigvgan_generator.pt" in done.stderr
    said = json.loads(done.stdout)
    assert (said["vocoder"], said["why"], said["samples"]) == ("bigvgan", "the universal vocoder, as asked", 24_000)
    assert comment(studio.folder / "out.wav")["vocoder"] == "bigvgan"
    assert len(list((studio.home / "runs").iterdir())) == 1  # the download was a job
    asked, first = len(studio.hub.asked), (studio.folder / "out.wav").read_bytes()
    again = studio.generate("own", "--vocoder", "bigvgan", HF_HUB_OFFLINE="1")
    assert "vocoder: bigvgan (the universal vocoder, as asked)" in again.stdout
    assert (studio.folder / "out.wav").read_bytes() == first
    assert len(studio.hub.asked) == asked
    auto = json.loads(studio.generate("bare", "--json").stdout)
    assert (auto["vocoder"], auto["why"]) == ("bigvgan", "the universal vocoder: the model has none of its own")
    assert json.loads(studio.generate("own", "--json").stdout)["vocoder"] == "hifigan"


@pytest.mark.parametrize("how", ["option", "variable", "nobody"])
@pytest.mark.parametrize("command", ["generate", "resynth"])
def test_without_a_network_it_says_what_to_do(studio: Studio, command: str, how: str) -> None:
    recording = studio.folder / "in.wav"
    soundfile.write(recording, np.random.default_rng(0).uniform(-0.3, 0.3, 9_000), 44_100)
    told = {"variable": {"HF_HUB_OFFLINE": "1"}, "nobody": {"HF_ENDPOINT": "http://127.0.0.1:9"}}.get(how, {})
    source = [str(recording)] if command == "resynth" else []
    begun = time.monotonic()
    offline = ["--offline"] if how == "option" else []
    done = studio.run(command, "own", *source, "-o", str(studio.folder / "out.wav"), "--vocoder", "bigvgan", *offline, **told)
    assert time.monotonic() - begun < 8.0
    assert studio.complaint(done).endswith("bring both in a folder DIR and run: sda-engine vocoder import DIR")
    assert studio.hub.asked == []


def test_the_draft_is_never_silent(studio: Studio) -> None:
    why = "the shipped base vocoder, a draft: the model has none of its own, and BigVGAN is not here"
    lines = " ".join(studio.generate("bare").stdout.split())
    assert f"vocoder: draft ({why}; fetch it with: sda-engine vocoder download)" in lines
    said = comment(studio.folder / "out.wav")
    assert said["vocoder"] == "draft"
    assert str(said["why"]).startswith(why)
    assert studio.hub.asked == []  # auto fetches nothing


def test_what_cannot_be_had_is_one_line(studio: Studio) -> None:
    refused = studio.complaint(studio.generate("bare", "--vocoder", "hifigan"))
    assert refused.startswith("bare has no vocoder of its own; train one with: sda-engine train-vocoder bare")
    if not torch.cuda.is_available():
        for name in ("own", "bare"):
            complaint = studio.complaint(studio.generate(name, "--device", "cuda"))
            assert complaint.startswith("device 'cuda' is not available to torch here; expected auto or one of: cpu")


def test_weights_that_were_touched_are_not_played(studio: Studio) -> None:
    assert studio.generate("own", "--vocoder", "bigvgan").returncode == 0
    (studio.folder / "out.wav").unlink()
    place = studio.home / "cache" / "bigvgan" / REVISION[:12] / FILE
    place.write_bytes(place.read_bytes()[::-1])
    draft = json.loads(studio.generate("bare", "--json").stdout)
    assert draft["vocoder"] == "draft"
    assert "put aside as bigvgan_generator.pt.refused and not used" in draft["why"]
