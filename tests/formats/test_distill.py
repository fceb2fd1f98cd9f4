"""The `.distill` file against the safetensors library, the torch networks, and every way a file can be spoiled."""

import json
import os
import pickle
import zipfile
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from small_models import TINY_VOCODER, document

from sda.core.latent import Slider
from sda.errors import ModelError
from sda.formats import distill
from sda.formats.document import SLIDER, check_name
from sda.formats.layout import generator_shapes, vae_shapes
from sda.spec import GeneratorSpec, MelSpec, VaeSpec

GOOD = distill.encode(document())
SIZE = 4 * sum(tensor.size for tensor in document().tensors.values())  # bytes


def repacked(change: object = None, table: object = None, content: bytes = GOOD) -> bytes:
    """The same file with its document or tensor table edited, hashes left as they were."""
    length = int.from_bytes(content[:8], "little")
    outer = json.loads(content[8 : 8 + length])
    inner = json.loads(outer["__metadata__"]["sda"])
    if change:
        change(inner)
    if table:
        table(outer)
    outer["__metadata__"]["sda"] = json.dumps(inner)
    header = json.dumps(outer).encode()
    return len(header).to_bytes(8, "little") + header + content[8 + length :]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path, written = tmp_path / "a.distill", document(vocoder=TINY_VOCODER)
    distill.write(path, written)
    found = distill.read(path)
    for name in ("id", "name", "created", "tags", "grid", "vae", "analysis", "dataset", "vocoder", "extra"):
        assert getattr(found, name) == getattr(written, name)
    assert found.training == {"held_out": {"loud": 0.25}, "loss": None}  # what is not finite is null
    assert found.tensors.keys() == written.tensors.keys()
    for name, tensor in written.tensors.items():
        np.testing.assert_array_equal(found.tensors[name], tensor)
    header = distill.read_header(path)
    assert header.to_json() == found.to_json()
    assert header.tensors == {}
    assert [found.name for found in tmp_path.iterdir()] == ["a.distill"]


def test_safetensors_reads_the_same_tensors() -> None:
    written = document(vocoder=TINY_VOCODER)
    theirs = safetensors.numpy.load(distill.encode(written))
    assert theirs.keys() == written.tensors.keys()
    for name, tensor in written.tensors.items():
        np.testing.assert_array_equal(theirs[name], tensor)


def test_half_precision_stays_on_disk_and_spares_vectors_and_large_numbers() -> None:
    whole = document()
    whole.tensors["vae.decoder.skip.weight"][0, 0] = 70_000  # float16 ends at 65504
    found = distill.decode(distill.encode(whole, half=True)).tensors
    assert found["vae.encoder.conv_in.weight"].dtype == np.float16
    assert found["vae.band_std"].dtype == np.float32
    assert found["vae.decoder.skip.weight"][0, 0] == 70_000
    expected = whole.tensors["vae.encoder.conv_in.weight"].astype(np.float16)
    np.testing.assert_array_equal(found["vae.encoder.conv_in.weight"], expected)
    again = distill.encode(replace(whole, tensors=found))
    assert distill.decode(again).tensors["vae.encoder.conv_in.weight"].dtype == np.float16


def test_load_and_save_give_the_same_bytes() -> None:
    assert distill.encode(distill.decode(GOOD)) == GOOD


@pytest.mark.parametrize("spec", [VaeSpec(), VaeSpec(n_mels=12, frames=16, latent=3, width=16)])
def test_layout_is_the_torch_vae(spec: VaeSpec) -> None:
    from sda.core.vae import Vae

    net = {f"vae.{name}": tuple(tensor.shape) for name, tensor in Vae(spec).state_dict().items()}
    assert vae_shapes(spec) == net


@pytest.mark.parametrize(
    "spec",
    [GeneratorSpec(), GeneratorSpec(excited=3), GeneratorSpec(channels=64, rates=(4, 4), kernels=(8, 8), dilations=(1, 2))],
)
def test_layout_is_the_torch_generator(spec: GeneratorSpec) -> None:
    from sda.core.hifigan import Generator

    net = {f"vocoder.{name}": tuple(tensor.shape) for name, tensor in Generator(spec).state_dict().items()}
    assert generator_shapes(spec) == net


def test_slider_fields_are_those_of_the_code() -> None:
    assert list(SLIDER) == [f.name for f in fields(Slider)]
    assert [kind.__name__ for kind in SLIDER.values()] == [f.type for f in fields(Slider)]


def without(name: str) -> dict[str, object]:
    return {"tensors": {key: value for key, value in document().tensors.items() if key != name}}


def with_tensor(name: str, tensor: np.ndarray) -> dict[str, object]:
    return {"tensors": document().tensors | {name: tensor}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (without("vae.encoder.norm.bias"), "lacks 1 of the .* 'vae.encoder.norm.bias'"),
        (without("analysis.home"), "home \\[\\]"),
        (with_tensor("vae.stray", np.zeros(2, np.float32)), "do not imply, 'vae.stray'"),
        (with_tensor("vae.band_mean", np.zeros(5, np.float32)), r"expected the shape \[4\], found \[5\]"),
        (with_tensor("vae.band_mean", np.full(4, np.nan, np.float32)), "vae.band_mean: holds numbers that are not finite"),
        (with_tensor("vae.band_mean", np.zeros(4)), "expected float32 or float16, found float64"),
        (with_tensor("analysis.curves", np.zeros((3, 5, 2), np.float32)), "2 sliders are named, 3 have curves"),
        ({"vocoder": TINY_VOCODER}, "lacks"),
        ({"vocoder": GeneratorSpec(rates=(2,), kernels=(4,))}, "expected 128 bands and a hop of 512, found 128 and 2"),
        ({"grid": MelSpec(n_mels=8)}, "the VAE has 4 bands, the grid 8"),
        ({"grid": MelSpec(n_mels=4, n_fft=1 << 40)}, "grid: not one"),
        ({"name": "a\nb"}, "1 to 100 printable"),
        ({"name": ""}, "1 to 100 printable"),
        ({"id": "7"}, "expected a uuid"),
        ({"created": "yesterday"}, "ISO date"),
        ({"created": "2026-01-02T03:04:05"}, "ISO date with its zone"),
        ({"analysis": {"sliders": [{"number": 1}]}}, "sliders: expected"),
        ({"extra": {"text": "\ud800"}}, "not Unicode"),
        ({"extra": {"deep": json.loads("[" * 40 + "]" * 40)}}, "nested deeper"),
        ({"extra": {"long": "x" * (5 << 20)}}, "too large"),
    ],
)
def test_refused_when_written(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        distill.encode(replace(document(), **changes))


def swap(tensor_a: str, tensor_b: str) -> object:
    def change(outer: dict[str, object]) -> None:
        outer[tensor_a], outer[tensor_b] = outer[tensor_b], outer[tensor_a]

    return change


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "an empty file"),
        (b"abc", "a file of 3 bytes"),
        (GOOD[:7], "a file of 7 bytes"),
        (GOOD[:200], "cut off within its header, found 200 bytes"),
        (GOOD[:-1], f"expected {SIZE} bytes of tensors, found {SIZE - 1}"),
        (GOOD + b"\0", f"expected {SIZE} bytes of tensors, found {SIZE + 1}"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "an audio file"),
        (pickle.dumps({"format": "sda_model"}, protocol=2), "a bare pickle"),
        (b"PK\x03\x04 and so on", "sda-engine model import FILE"),
        (b"just a text, nothing else", "beginning with b'just'"),
        ((1 << 60).to_bytes(8, "little") + b"{}", "says it is 1152921504606846976 bytes long"),
        (b'\x0a\0\0\0\0\0\0\0{"a":NaN,}', "not JSON"),
        (b'\x04\0\0\0\0\0\0\0{"\xff}', "not JSON"),
        (safetensors.numpy.save({"x": np.zeros(2)}), "without the document"),
        (safetensors.numpy.save({"x": np.zeros(2)}, {"sda": "[1]"}), "holds a list where an object"),
        (repacked(lambda d: d.update(version=3)), "found version 3, this one reads up to version 2"),
        (repacked(lambda d: d.update(version=1)), "found version 1, expected version 2"),
        (repacked(lambda d: d.update(format="other")), "expected format 'distill'"),
        (repacked(lambda d: d.update(name="Other")), "header is not the one that was written"),
        (repacked(lambda d: d.pop("sha256")), "header is not the one that was written"),
        (repacked(table=swap("vae.encoder.norm.bias", "vae.encoder.norm.weight")), "header is not the one"),
        (repacked(table=lambda t: t["vae.band_mean"].update(dtype="I64")), "expected float32 or float16"),
        (repacked(table=lambda t: t["vae.band_mean"].update(dtype=[])), "expected float32 or float16"),
        (repacked(table=lambda t: t["vae.band_mean"].update(shape=[2**40])), "expected float32 or float16"),
        (repacked(table=lambda t: t["vae.band_mean"].update(data_offsets=[0, 16])), "not where its shape"),
    ],
)
def test_refused_when_read(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.distill"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=f"bad.distill: .*{message}"):
        distill.read(path)
    with pytest.raises(ModelError, match=f"bad.distill: .*{message}"):
        distill.read_header(path)


def test_a_forged_file_with_right_hashes_is_still_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    # hashes guard against accidents only: whoever makes a file can make its hashes
    with monkeypatch.context() as patch:
        patch.setattr(distill, "_check_finite", lambda name, tensor: None)
        forged = distill.encode(document(**with_tensor("vae.band_std", np.full(4, np.inf, np.float32))))
    with pytest.raises(ModelError, match="band_std: holds numbers that are not finite"):
        distill.decode(forged)


def test_only_the_header_is_read_for_the_catalog(tmp_path: Path) -> None:
    path = tmp_path / "a.distill"
    path.write_bytes(GOOD[:-1] + bytes([GOOD[-1] ^ 1]))
    assert distill.read_header(path).name == "Glöckchen 鐘"
    with pytest.raises(ModelError, match="its tensors are not those that were written"):
        distill.read(path)


def test_places_without_a_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="found a folder"):
        distill.read(tmp_path)
    with pytest.raises(ModelError, match="no such file"):
        distill.read_header(tmp_path / "none.distill")
    with pytest.raises(ModelError, match="cannot be read"):
        distill.read(tmp_path / "a\0b")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ModelError, match="found a device or pipe"):
            distill.read(tmp_path / "pipe")
    with zipfile.ZipFile(tmp_path / "old.sda", "w") as file:
        file.writestr("data.pkl", b"")
    with pytest.raises(ModelError, match="a model of an older program"):
        distill.read_header(tmp_path / "old.sda")
    sparse = tmp_path / "huge.distill"
    with sparse.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ModelError, match="at most 268435456 bytes, found 1099511627776"):
        distill.read(sparse)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.distill"
    path.write_bytes(GOOD)
    with pytest.raises(ModelError):
        distill.write(path, document(name=" "))
    assert path.read_bytes() == GOOD


def test_names() -> None:
    assert check_name("  Bells ") == "Bells"
    with pytest.raises(ModelError):
        check_name("x" * 101)
