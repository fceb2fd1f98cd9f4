"""Models of older programs through the public API: the same signal path, their own numbers, and import as a file of ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import old_files
import pytest
import torch
from click.testing import CliRunner
from numpy.typing import NDArray
from old_files import LATENT, OldGenerator, OldNet, analysis, randomise, write
from torch.nn import functional as F

import sda
from sda.cli.main import cli
from sda.core.vocoder import HifiganVocoder
from sda.errors import ModelError, SdaError, TrainError
from sda.formats import distill, model_file
from sda.formats.preset import Preset
from sda.library import Library
from sda.live.renderer import load_model
from sda.model import Model
from sda.presets import Presets
from sda.spec import LOG_MEL
from sda.train.vocoder_run import vae_of

Floats = NDArray[np.float32]
RATE = 48_000
KINDS = ("sda_model", "distill_model", "distillgan_model")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("old")


@pytest.fixture(scope="module")
def nets(folder: Path) -> dict[str, OldNet]:
    """Small files of each kind, the last with a vocoder, and the nets in them."""
    own = OldGenerator()
    randomise(own, seed=2)
    return {kind: write(folder / f"{kind}.sda", kind, generator=own if "gan" in kind else None) for kind in KINDS}


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(kind: str, nets: dict[str, OldNet], folder: Path) -> Model:
    return sda.load(folder / f"{kind}.sda")


def recording(seconds: float) -> Floats:
    """Plucked strings over a little noise."""
    random, t = np.random.default_rng(1), np.arange(round(seconds * RATE)) / RATE
    sound = 0.01 * random.standard_normal(len(t))
    for hz in (110, 220, 331, 443):
        sound += 0.1 * np.sin(2 * np.pi * hz * t) * np.exp(-3 * (t % 0.25))
    return sound.astype(np.float32)


def old_mel(audio: Floats) -> Floats:
    """log1p of mel powers by librosa, as the description of old files has it."""
    mel = librosa.feature.melspectrogram(
        y=audio, sr=RATE, n_fft=2048, hop_length=512, n_mels=128, htk=True, norm=None, pad_mode="reflect", power=2.0
    )
    return np.asarray(np.log1p(mel), np.float32)


def test_info_names_the_old_kind(model: Model, kind: str) -> None:
    ends = {"sda_model": "sigmoid", "distill_model": "sigmoid, guessed", "distillgan_model": "softplus"}
    assert model.info.format == f"{kind} v1 ({ends[kind]})"
    assert any("--activation softplus" in warning for warning in model.info.warnings) == (kind == "distill_model")
    assert model.info.vocoder == ("hifigan" if "gan" in kind else "none")
    assert model.info.dataset == {"files": 7, "name": "rain"}
    assert model.info.training["final_train_loss"] == 3.5


def test_positions_are_steps(model: Model) -> None:
    data = analysis()
    expected = data["pca_mean"] + 3 * data["step_size"][0] * data["pca_components"][0]
    expected += -7.5 * data["step_size"][2] * data["pca_components"][2]
    assert model.latent({"rms-energy": 3, 3: -7.5}) == pytest.approx(expected, abs=1e-6)
    assert [slider.explains[:6] for slider in model.sliders] == ["Axis 1", "Axis 2", "Axis 3"]


def test_decoder_and_encoder_are_the_old_ones(model: Model, kind: str, nets: dict[str, OldNet]) -> None:
    z = np.random.default_rng(0).standard_normal((3, LATENT)).astype(np.float32)
    assert np.abs(model.decode(z) - nets[kind].decode(torch.from_numpy(z)).numpy()).max() < 1e-4
    audio = recording(2.5)
    mel = np.pad(old_mel(audio), ((0, 0), (0, 3 * 94 - 235)))  # 2.5 s are 235 frames
    chunks = torch.from_numpy(mel.reshape(128, 3, 94).transpose(1, 0, 2).copy())
    assert np.abs(model.encode(audio, RATE) - nets[kind].encode(chunks[:, None])[0].numpy()).max() < 1e-3


def test_its_mel_becomes_bigvgans(model: Model) -> None:
    audio = recording(2.0)
    made, truth = model.vocoder_mel(old_mel(audio)), sda.mel.log_mel(audio, RATE)
    assert made.shape == truth.shape  # 172 frames, 2 s of 44,100 over 512
    error, late = np.abs(made - truth)[:126].mean(), np.abs(made[:, 2:] - truth[:, :-2])[:126].mean()
    assert error < 0.2
    assert late > 1.5 * error  # 23 ms


def test_it_sounds(model: Model) -> None:
    sound = model.render(1.3, sliders={1: 4}, seed=3)
    assert sound.shape == (2, 62_400)
    assert sound.std() > 1e-4
    assert np.array_equal(sound, model.render(1.3, sliders={1: 4}, seed=3))
    again = np.concatenate(list(model.resynthesise(recording(1.234), RATE)), axis=1)
    assert again.shape == (1, 59_232)
    assert again.std() > 1e-4


def test_sound_does_not_depend_on_how_it_is_cut(model: Model) -> None:
    values = {"play": True, "slider.1": 4.0}
    one, other = (model.renderer(values=values) for _ in range(2))
    fine = np.concatenate([one.block() for _ in range(60)], axis=1)
    coarse = np.concatenate([other.block(cells=15) for _ in range(4)], axis=1)
    assert fine.shape == coarse.shape
    assert np.abs(fine - coarse).max() < 1e-4
    assert fine.std() > 1e-4


def test_rest_keeps_time(model: Model) -> None:
    """With play off the networks idle, and as much silence comes as there would be sound."""
    playing, resting = model.renderer(values={"play": True}), model.renderer(values={"play": False})
    lengths = [sum(renderer.block().shape[1] for _ in range(101)) for renderer in (playing, resting)]
    assert abs(lengths[0] - lengths[1]) <= 2 * playing.voice.vocoder.hop
    resting.set("play", True)
    assert np.concatenate([resting.block() for _ in range(60)], axis=1).std() > 1e-4
    assert resting.position == 161 * 2 * 512


def test_it_plays_live(model: Model, kind: str, folder: Path) -> None:
    loaded = load_model(str(folder / f"{kind}.sda"), RATE, {"play": True}, {"rms-energy": 4.0})
    renderer = model.renderer(values={"play": True, "slider.1": 4.0})
    for _ in range(20):
        assert np.array_equal(loaded.source.block(), renderer.block())
    assert loaded.info["vocoder"] == ("hifigan" if "gan" in kind else "draft")


def test_its_own_vocoder_eats_log1p_of_powers(nets: dict[str, OldNet], folder: Path) -> None:
    model, reference = sda.load(folder / "distillgan_model.sda"), OldGenerator()
    randomise(reference, seed=2)
    mel = old_mel(recording(0.5))
    expected = reference(F.pad(torch.from_numpy(mel)[None], (40, 40)))[0, 0, 40 * 512 : -40 * 512].numpy()  # silence is 0
    vocoder = model.vocoder()
    assert (vocoder.rate, vocoder.spec.silence) == (RATE, 0.0)
    assert expected.std() > 0.01
    assert np.abs(vocoder(mel) - expected).max() < 1e-4
    with pytest.raises(ModelError, match="below 0"):
        vocoder(model.vocoder_mel(mel))
    weights = {name[8:]: w for name, w in model.document.tensors.items() if name.startswith("vocoder.")}
    assert model.document.vocoder is not None
    ours = HifiganVocoder(_with(model.document.vocoder, eats=LOG_MEL), weights, grid=model.info.grid)
    assert np.abs(ours(mel) - expected).max() > 1e-3  # ln of the floor is no silence to it


def _with(spec: Any, **changes: Any) -> Any:
    return type(spec).from_json(spec.to_json() | changes)


def test_torch_stays_away(nets: dict[str, OldNet], folder: Path) -> None:
    code = "import sys, sda; sda.load(sys.argv[1]).render(0.1); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, str(folder / "sda_model.sda")], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_no_vocoder_can_be_trained_for_it(model: Model) -> None:
    with pytest.raises(TrainError, match="older program"):
        vae_of(model.document)


@pytest.mark.parametrize("words", ["VQ-VAE", "VAE-128"])
def test_other_kinds_are_named(tmp_path: Path, words: str) -> None:
    changes = {"VQ-VAE": {"version": 2, "model_type": "vqvae"}, "VAE-128": {"normalization_stats": {"mag_mean": 0.0}}}
    write(tmp_path / "a.distill", "distill_model", change=lambda data: data.update(changes[words]))
    with pytest.raises(SdaError, match=words):
        sda.load(tmp_path / "a.distill")


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    monkeypatch.setenv("SDA_HOME", str(tmp_path / "home"))
    return Library()


def call(*args: object) -> str:
    result = CliRunner().invoke(cli, ["model", *map(str, args)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_import_keeps_the_numbers(model: Model, kind: str, folder: Path, library: Library) -> None:
    assert call("import", folder / f"{kind}.sda", "--name", "Roof").startswith("Roof: ")
    imported = sda.load("Roof")
    assert imported.info.format == f"distill v2, imported from {model.info.format}"
    assert imported.document.extra["older"]["metadata"]["tags"] == ["rain", "roof"]
    assert imported.document.extra["older"]["latent_analysis"]["feature_correlations"] == {"rms_energy": [0.9, None, 0.7]}
    kept = imported.document.tensors
    assert np.array_equal(kept["analysis.older.pca_components"], analysis()["pca_components"])
    assert imported.info.training["regularization"] == {"dropout": 0.2}
    z = imported.latent({1: 3, 2: -8})
    assert np.array_equal(z, model.latent({1: 3, 2: -8}))
    assert np.array_equal(imported.decode(z), model.decode(z))
    audio = recording(1.0)
    assert np.array_equal(imported.encode(audio, RATE), model.encode(audio, RATE))
    assert np.array_equal(imported.render(0.3), model.render(0.3))
    assert "Roof" in call("list")
    assert f"imported from {kind} v1" in call("info", "Roof")
    assert "Roof: good" in call("verify", "Roof")
    assert "Regen: good" in call("verify", folder / f"{kind}.sda")
    assert f"{kind} v1" in call("info", folder / f"{kind}.sda")


def test_the_activation_can_be_chosen(nets: dict[str, OldNet], folder: Path, library: Library) -> None:
    path = folder / "distill_model.sda"
    assert "sigmoid was guessed" in call("import", path)
    assert "guessed" not in call("import", path, "--activation", "softplus", "--force")
    z = np.zeros(LATENT, np.float32)
    sigmoid, softplus = (found.decode(z).astype(np.float64) for found in (sda.load(path), sda.load("Regen")))
    # For x before it: sigmoid s = 1 / (1 + e^-x), softplus ln(1 + e^x) = -ln(1 - s).
    assert softplus == pytest.approx(-np.log1p(-sigmoid), abs=1e-4)
    with pytest.raises(ModelError, match="older programs only"):
        model_file.read(library.resolve("Regen"), activation="sigmoid")


def test_presets_come_along(nets: dict[str, OldNet], tmp_path: Path, library: Library) -> None:
    root, id = tmp_path / "project", "1c0ffee0-1111-4222-8333-444455556666"
    (root / "models").mkdir(parents=True)
    (root / "presets" / id).mkdir(parents=True)
    write(root / "models" / "rain.sda")
    dark = {"name": "Dark", "slider_positions": [1, -2, 3], "seed": 5, "created": "2024-01-02", "colour": "of tomorrow"}
    rows = {"a": dark, "b": {"name": "x/y", "slider_positions": ["?", 4], "seed": None}, "c": {}, "d": "no preset"}
    saved = {"version": 1, "model_id": id, "folders": [], "presets": rows}
    (root / "presets" / id / "presets.json").write_text(json.dumps(saved))
    assert "presets: 3;" in call("import", root / "models" / "rain.sda")
    shelf, model = Presets(library), library.entries()[0].document
    assert model is not None
    assert [(kept.number, kept.name) for kept in shelf.all()] == [(0, "Dark"), (1, "x-y"), (2, "c")]
    names = [slider["name"] for slider in model.analysis["sliders"]]
    assert shelf.find("dark").preset == Preset(
        name="Dark", number=0, model=model.id, model_name=model.name, created="2024-01-02",
        values={"slider.1": 1.0, "slider.2": -2.0, "slider.3": 3.0, "seed": 5},
        sliders=dict(zip(names, (1.0, -2.0, 3.0), strict=False)), extra={"older": {"colour": "of tomorrow"}},
    )  # fmt: skip
    assert shelf.find("x-y").preset.values == {"slider.1": 0.0, "slider.2": 4.0}  # type: ignore[union-attr]
    assert "presets: 0, 3 here already" in call("import", root / "models" / "rain.sda", "--force")
    (root / "presets" / id / "presets.json").write_text("{")
    with pytest.raises(SdaError, match="damaged"):
        call("import", root / "models" / "rain.sda", "--force")


def test_import_refuses_in_words(nets: dict[str, OldNet], folder: Path, library: Library) -> None:
    call("import", folder / "sda_model.sda")
    for arguments, words in (((), "--force"), (("--name", " "), "printable")):
        with pytest.raises(SdaError, match=words):
            call("import", folder / "sda_model.sda", *arguments)
    with pytest.raises(SdaError, match="no such file"):
        call("import", folder / "none.sda")
    with pytest.raises(ModelError, match="model import FILE"):
        distill.read(folder / "sda_model.sda")


def test_a_full_sized_import_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"resblock_kernel_sizes": [3, 7, 11], "resblock_dilation_sizes": [[1, 3, 5]] * 3, "upsample_initial_channel": 128}
    for name, value in {"CHANNELS": (32, 64, 128, 256), "LATENT": 64, "CONFIG": old_files.CONFIG | sizes}.items():
        monkeypatch.setattr(old_files, name, value)
    generator = OldGenerator()
    randomise(generator)
    write(tmp_path / "full.distillgan", "distillgan_model", generator=generator)
    document = model_file.read(tmp_path / "full.distillgan", imported=True)
    # A HiFi-GAN V2 has 971,041 numbers without weight normalisation, beside them 128 + 1 of its input's. A decoder's first
    # layer has 12,288 * 65 numbers, the encoder's heads 2 * (12,288 + 1) * 64, the seven convolutions the rest.
    numbers = {
        part: sum(t.size for name, t in document.tensors.items() if name.startswith(part)) for part in ("vocoder.", "vae.")
    }
    assert numbers["vocoder."] == 971_041 + 129
    assert numbers["vae."] > 12_288 * 65 + 2 * 12_289 * 64
    size = len(distill.encode(document))
    print(f"{size / 1e6:.2f} MB")
    assert size < 20e6
