"""Old files: small ones of each kind, written as their description says; hostile ones; the genuine one where it is there."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from old_files import CONFIG, LATENT, OldGenerator, analysis, old_preset, randomise, write

import sda
from sda.core import grid
from sda.core.hifigan import Generator
from sda.core.old_vae import decoder_graph, encoder_graph, session
from sda.errors import ModelError, SdaError
from sda.formats import legacy
from sda.formats.legacy.unpickle import unpickle

GENUINE = os.environ.get("SDA_LEGACY", "")  # a folder with old.sda and old.ref.npz


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("old") / "rain.sda"
    write(path)
    return path


def decoded(model: legacy.OldModel, z: np.ndarray) -> np.ndarray:
    (mel,) = session(decoder_graph(model.vae, model.weights)).run(None, {"z": z})
    return np.asarray(mel)


@pytest.mark.parametrize(
    ("kind", "package", "training", "activation", "guessed"),
    [
        ("sda_model", "small_dataset_audio", {}, "sigmoid", False),
        ("distill_model", "distill", {}, "sigmoid", True),
        ("distill_model", "distill", {"kl_weight_max": 0.01}, "softplus", True),
        ("distill_model", "distill", {"kl_weight_max": 0.01, "free_bits": 0.1}, "softplus", True),
        ("distillgan_model", "distill", {}, "softplus", False),
    ],
)
def test_each_kind_decodes_as_torch_does(
    tmp_path: Path, kind: str, package: str, training: dict[str, Any], activation: str, guessed: bool
) -> None:
    net = write(tmp_path / "a.distill", kind, package=package, **training)
    model = legacy.read(tmp_path / "a.distill")
    z = 2 * torch.randn(2, LATENT, generator=torch.Generator().manual_seed(0))
    assert (model.kind, model.vae.activation, model.guessed) == (kind, activation, guessed)
    assert np.abs(decoded(model, z.numpy()) - net.decode(z).numpy()).max() < 1e-5
    other = legacy.read(tmp_path / "a.distill", activation={"sigmoid": "softplus", "softplus": "sigmoid"}[activation])
    assert not other.guessed
    assert np.abs(decoded(other, z.numpy()) - net.decode(z).numpy()).max() > 0.1


def test_free_bits_below_a_half_mean_softplus(tmp_path: Path) -> None:
    write(tmp_path / "a.distill", "distill_model", change=lambda data: data["training_config"].update(free_bits=0.4))
    assert legacy.read(tmp_path / "a.distill").vae.activation == "softplus"


def test_words_and_numbers_are_kept(old: Path) -> None:
    model = legacy.read(old)
    assert (model.name, model.id, model.tags) == ("Regen", "1c0ffee0-1111-4222-8333-444455556666", ("rain", "roof"))
    assert model.created == "2025-01-02T03:04:05+00:00"
    assert (model.metadata["dataset_file_count"], model.metadata["final_val_loss"]) == (7, None)  # infinity is no JSON
    assert model.training["preset"] == "balanced"
    assert model.analysis_words["feature_correlations"] == {"rms_energy": [0.9, None, 0.7]}
    json.dumps([model.metadata, model.training, model.analysis_words], allow_nan=False)
    g = model.grid
    assert (g.sample_rate, g.n_fft, g.hop, g.n_mels, g.f_max) == (48_000, 2048, 512, 128, 24_000.0)
    assert (g.scale, g.power, g.centered) == ("htk", 2.0, True)
    assert model.vae.frames == 94


def test_sliders_are_steps_along_the_components(old: Path) -> None:
    found, data = legacy.read(old).analysis, analysis()
    positions = np.array([[3, -7, 10]])
    expected = data["pca_mean"] + (positions[0] * data["step_size"]) @ data["pca_components"]
    assert np.abs(found.latent_map.point(positions.astype(float))[0] - expected).max() < 1e-6
    assert np.array_equal(found.latent_map.point(np.zeros((1, 3)))[0], data["pca_mean"])
    assert [s.name for s in found.sliders] == ["rms-energy", "axis-2", "rms-energy-2"]
    # Steps are .2, .125, .3: -2 / .2 = -10; -1 / .125 = -8, 1.5 / .125 = 12, held at 10; -3.1 / .3 = -10.3, 2.9 / .3 = 9.67.
    assert [(s.safe_low, s.safe_high) for s in found.sliders] == [(-10, 10), (-8, 10), (-10, 9)]
    # 1.2 times as far: -1.2 / .125 = -9.6, up to -9.
    assert found.warnings == ((-10, 10), (-9, 10), (-10, 10))
    # Along component 2 the recordings' 2nd and 98th percentile are 2.5 apart: 2 * 2.0537 deviations of a normal distribution.
    spread = found.latent_map.spread
    assert np.linalg.norm(spread, axis=0)[1] == pytest.approx(2.5 / 4.1074, rel=1e-3)


def test_without_an_analysis_there_are_no_sliders(tmp_path: Path) -> None:
    write(tmp_path / "a.sda", change=lambda data: data.update(latent_analysis=None))
    found = legacy.read(tmp_path / "a.sda").analysis
    assert found.sliders == ()
    assert np.array_equal(found.latent_map.point(np.zeros((1, 0))), np.zeros((1, LATENT)))


def test_a_model_without_encoder_heads_decodes(tmp_path: Path) -> None:
    def headless(data: dict[str, Any]) -> None:
        for name in [n for n in data["model_state_dict"] if "fc_" in n]:
            del data["model_state_dict"][name]

    write(tmp_path / "a.sda", change=headless)
    model = legacy.read(tmp_path / "a.sda")
    assert decoded(model, np.zeros((1, LATENT), np.float32)).shape == (1, 128, 94)
    with pytest.raises(ModelError, match=r"encoder\.fc_mu\.weight"):
        encoder_graph(model.vae, model.weights)


@pytest.mark.parametrize("cancelled", [False, True])
def test_its_vocoder_comes_along(tmp_path: Path, cancelled: bool) -> None:
    reference = OldGenerator()
    randomise(reference, seed=2)
    checkpoint = {"epoch": 3, "mpd_state_dict": {"w": torch.zeros(5)}, "optim_g_state_dict": {"state": {0: {"step": 3}}}}

    def change(data: dict[str, Any]) -> None:
        if cancelled:
            data["vocoder_state"]["checkpoint"] = checkpoint

    write(tmp_path / "a.distillgan", "distillgan_model", generator=reference, change=change)
    vocoder = legacy.read(tmp_path / "a.distillgan").vocoder
    assert vocoder is not None
    assert (vocoder.spec.causal_stages, vocoder.spec.hop, vocoder.training["epochs"]) == (0, 512, 4)
    ours = Generator(vocoder.spec).requires_grad_(False)
    ours.load_state_dict({name: torch.from_numpy(w) for name, w in vocoder.weights.items()})
    mel = 6 * torch.rand(1, 128, 9, generator=torch.Generator().manual_seed(0))
    expected = reference(mel)
    assert expected.std() > 0.05
    assert (ours(mel) - expected).abs().max() < 1e-4


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        legacy.read(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))
    return str(caught.value)


STATS = {"mag_mean": 0.1, "mag_std": 1.0, "if_mean": 0.0, "if_std": 1.0}
MANY_STAGES = CONFIG | {"upsample_rates": [4096] * 9}
REFUSED: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda d: d.update(normalization_stats=STATS), "complex branch"),
    (lambda d: d["model_state_dict"].update({"encoder.convs.0.weight": torch.zeros(64, 2, 3, 3)}), "complex branch"),
    (lambda d: d.update(version=2, model_type="vqvae"), "VQ-VAE"),
    (lambda d: d.update(version=2), "version 2 of sda_model; expected version 1"),
    (lambda d: d.update(format="other"), "of the format 'other'"),
    (lambda d: d.pop("format"), "without a format"),
    (lambda d: d["model_state_dict"].pop("decoder.deconvs.5.bias"), r"decoder.deconvs.5.bias: expected the shape [4]"),
    (lambda d: d["model_state_dict"]["decoder.fc.bias"].fill_(float("nan")), "not finite"),
    (lambda d: d["model_state_dict"].update({"decoder.fc.bias": torch.zeros(1).expand(384)}), "decoder.fc.bias"),
    (lambda d: d["latent_analysis"].update(pca_mean=np.zeros(9, np.float32)), "pca_mean: expected numbers of the shape [6]"),
    (lambda d: d["latent_analysis"].update(n_steps=5), "21 steps"),
    (lambda d: d["spectrogram_config"].update(power=1.0), "power"),
    (lambda d: d["spectrogram_config"].update(n_mels=10**9), "n_mels"),
    (lambda d: d.update(latent_dim=7), "7 latents"),
    (lambda d: d.update(vocoder_state={"type": "wavenet"}), "hifigan_v2"),
    (lambda d: d.update(vocoder_state={"type": "hifigan_v2", "config": MANY_STAGES}), "vocoder|generator"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "words"), REFUSED, ids=[words[:24] for _, words in REFUSED])
def test_what_cannot_be_played_is_refused_by_name(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    write(tmp_path / "a.distill", change=change)
    message = refusal(tmp_path / "a.distill")
    assert any(word in message for word in words.split("|"))


class Runs:
    """A pickle of this makes the file `marker` when it is loaded carelessly."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.marker}'",)


@pytest.mark.parametrize("where", ["metadata", "latent_analysis", "model_state_dict"])
def test_a_pickle_that_would_run_code_does_not(tmp_path: Path, where: str) -> None:
    """The file is harmful to whoever unpickles it, which is shown first; our loading refuses it and runs nothing."""
    marker, path = tmp_path / "ran", tmp_path / "a.sda"
    write(path, change=lambda data: data[where].update(more=Runs(marker)))
    with old_preset("small_dataset_audio"):
        torch.load(path, weights_only=False)
    assert marker.exists(), "the file was harmless, so its refusal would say nothing"
    marker.unlink()
    message = refusal(path)
    assert "system" in message
    assert "run code" in message
    with pytest.raises(SdaError, match="system"):
        sda.load(path)
    assert not marker.exists()


def rewritten(path: Path, pickled: bytes) -> Path:
    """The archive with another list of contents."""
    spoiled = path.with_name("spoiled.sda")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(spoiled, "w") as target:
        for entry in source.infolist():
            target.writestr(entry.filename, pickled if entry.filename.endswith("data.pkl") else source.read(entry))
    return spoiled


def called(name: str, *arguments: bytes) -> bytes:
    """A pickle of protocol 2 that calls a global."""
    module, _, function = name.rpartition(".")
    return b"\x80\x02c" + f"{module}\n{function}\n".encode() + b"(" + b"".join(arguments) + b"tR."


BIG, TEXT = b"J\xff\xff\xff\x7f", b"X\x07\0\0\0"
HOSTILE = {
    "another global": called("os.system", b"X\x04\x00\x00\x00true"),
    "torch's own, which we have no use for": called("__builtin__.bytearray", BIG),
    "a huge array": called("numpy._core.multiarray._reconstruct", b"cnumpy\nndarray\n", BIG + b"\x85", b"K\x00"),
    "a codec": called("_codecs.encode", b"X\x01\x00\x00\x00a", b"X\x03\x00\x00\x00bz2"),
    "an object dtype": called("numpy.dtype", b"X\x02\x00\x00\x00O8", b"\x89", b"\x88"),
    "a storage without its entry": b"\x80\x02("
    + TEXT
    + b"storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu"
    + BIG
    + b"tQ.",
    "a tuple as deep as the stack": b"\x80\x02N" + b"\x85" * 100_000 + b".",
    "a later protocol": b"\x80\x04N.",
    "a short stack": b"\x80\x02R.",
    "an object's new": b"\x80\x02ccollections\nOrderedDict\n)\x81.",
    "a call of a type": called("torch.FloatStorage", BIG),
    "nothing": b"",
}


@pytest.mark.parametrize("pickled", HOSTILE.values(), ids=HOSTILE)
def test_hostile_lists_of_contents_are_refused(old: Path, pickled: bytes) -> None:
    with suppress(ModelError):
        assert not isinstance(unpickle(pickled, {"0": 72}), dict)
    refusal(rewritten(old, pickled))


def test_a_rewritten_archive_loads(old: Path) -> None:
    """The way the hostile files are made is not what they are refused for."""
    with zipfile.ZipFile(old) as archive:
        content = archive.read(next(name for name in archive.namelist() if name.endswith("data.pkl")))
    assert legacy.read(rewritten(old, content)).name == "Regen"


def test_other_archives_are_refused(tmp_path: Path, old: Path) -> None:
    path = tmp_path / "a.sda"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"\0" * 1_000_000)
    assert "compressed" in refusal(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", b"a letter")
    assert "of another kind" in refusal(path)
    path.write_bytes(old.read_bytes()[:-100])
    assert "damaged" in refusal(path)
    path.write_bytes(b"RIFF....WAVE")
    assert "damaged" in refusal(path)
    assert "folder" in refusal(tmp_path)
    assert "cannot be read" in refusal(tmp_path / "none")
    assert (legacy.is_old(old.read_bytes()), legacy.is_old(b"RIFF")) == (True, False)


def test_spoiled_bytes_are_noticed_or_do_nothing(old: Path, tmp_path: Path) -> None:
    good, path, whole = old.read_bytes(), tmp_path / "a.sda", legacy.read(old)
    random, refused = np.random.default_rng(0), 0
    for _ in range(150):
        spoiled = bytearray(good)
        spoiled[int(random.integers(len(good)))] ^= 1 << int(random.integers(8))
        path.write_bytes(spoiled)
        try:
            model = legacy.read(path)
        except ModelError:
            refused += 1
            continue
        assert all(np.array_equal(w, whole.weights[name]) for name, w in model.weights.items())
        assert model.metadata == whole.metadata
    assert refused > 50  # the rest lies between the entries


def test_a_directory_of_a_gigabyte_is_refused_unread(tmp_path: Path, old: Path) -> None:
    """torch ends archives with a 64-bit record (56 bytes, the length at 40), a locator (20) and a plain record (22, at 12)."""
    path, content = tmp_path / "a.sda", old.read_bytes()
    assert content[-98:-94] == b"PK\x06\x06"
    path.write_bytes(content[:-58] + (1 << 30).to_bytes(8, "little") + content[-50:])
    assert "directory" in refusal(path)
    with zipfile.ZipFile(old) as archive:
        plain = rewritten(
            old, archive.read(next(name for name in archive.namelist() if name.endswith("data.pkl")))
        ).read_bytes()
    path.write_bytes(plain[:-10] + (1 << 30).to_bytes(4, "little") + plain[-6:])
    assert "directory" in refusal(path)


def test_long_texts_cannot_be_repeated_without_end(tmp_path: Path) -> None:
    write(tmp_path / "a.sda", change=lambda data: data["metadata"].update(many=["x" * 10_000] * 5_000))
    assert "description holds over" in refusal(tmp_path / "a.sda")


@pytest.mark.parametrize(("where", "name"), [("", "latent_dim"), ("", "model_type"), ("latent_analysis", "n_steps")])
def test_arrays_where_numbers_belong_are_refused_or_nothing(tmp_path: Path, where: str, name: str) -> None:
    """numpy's arrays compare item by item, and have no truth."""
    array = np.zeros((2, 2), np.float32)
    write(tmp_path / "a.sda", change=lambda data: (data[where] if where else data).update({name: array}))
    if name == "model_type":  # of which older files have none
        assert legacy.read(tmp_path / "a.sda").name == "Regen"
    else:
        refusal(tmp_path / "a.sda")


def test_references_cannot_make_a_small_file_large(tmp_path: Path) -> None:
    many: list[Any] = [0] * 10
    for _ in range(12):
        many = [many] * 10
    write(tmp_path / "a.sda", change=lambda data: data["metadata"].update(many=many))
    assert "description holds over" in refusal(tmp_path / "a.sda")


@pytest.mark.skipif(not GENUINE, reason="SDA_LEGACY names no folder with a genuine old file")
def test_the_genuine_file_gives_its_reference_numbers() -> None:
    old, model = legacy.read(Path(GENUINE, "old.sda")), sda.load(Path(GENUINE, "old.sda"))
    reference = np.load(Path(GENUINE, "old.ref.npz"))
    errors = {}
    for name in ("zero", "pattern", "first_plus10", "rand_seed5"):
        z = model.latent({n: float(p) for n, p in enumerate(reference[f"{name}_sliders"], start=1)})
        errors[f"{name} latent"] = np.abs(z - reference[f"{name}_z"]).max()
        errors[f"{name} decode"] = np.abs(model.decode(z) - reference[f"{name}_mel"]).max()
    errors["randn decode"] = np.abs(model.decode(reference["randn123_z"]) - reference["randn123_mel"]).max()
    mel = np.log1p(grid.magnitudes(reference["wave"], old.grid))
    errors["wave mel"] = np.abs(mel - reference["wave_logmel"]).max()
    mean = model.encode(reference["wave"], 48_000)[0]
    (logvar,) = session(encoder_graph(old.vae, old.weights)).run(["logvar"], {"mel": mel[None]})
    errors["wave mean"] = np.abs(mean - reference["wave_mu"]).max()
    errors["wave logvar"] = np.abs(logvar[0] - reference["wave_logvar"]).max()
    errors["wave again"] = np.abs(model.decode(mean) - reference["wave_recon_from_mu"]).max()
    for what, error in errors.items():
        print(f"{what:20} {error:.2g}")
    assert max(errors.values()) < 1e-4
    steps = json.loads(str(reference["slider_info_json"]))
    for row, slider, warning in zip(steps, model.sliders, old.analysis.warnings, strict=True):
        assert (row["safe_min_step"], row["safe_max_step"]) == (slider.safe_low, slider.safe_high)
        assert (row["warning_min_step"], row["warning_max_step"]) == warning
