"""BigVGAN as the vocoder of every model: chosen, loaded from checked weights, and sounding as the reference does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from bigvgan_weights import NARROW, Weights, log_mel, reference, save
from small_models import sounding

import sda
from sda import universal
from sda.choice import Choice, choose
from sda.core.bigvgan import BigVganVocoder
from sda.core.vocoder import HifiganVocoder
from sda.errors import DeviceError, ModelError, WeightsError
from sda.formats import distill
from sda.model import Model
from sda.weights import Store, bring

TOLERANCE = 1e-4  # of full scale


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors gain nothing from more, and lose much where the machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Weights]:
    """A folder with a file of the published kind, and what is in it."""
    folder = tmp_path_factory.mktemp("published")
    return folder, save(folder / "bigvgan_generator.pt")


@pytest.fixture
def store(home: Path, published: tuple[Path, Weights]) -> Store:
    """A library into which those weights were taken."""
    bring(universal.store(), published[0], unverified=True)
    return universal.store()


def test_it_sounds_as_the_reference_from_either_file(store: Store, published: tuple[Path, Weights]) -> None:
    x = log_mel(NARROW, 30)
    with torch.inference_mode():
        wanted = reference(NARROW, published[1])(x).reshape(-1).numpy()
    assert wanted.std() > 0.02
    assert not store.state().fast_copy
    first = sda.vocoder("bigvgan")(x[0].numpy())
    assert store.state().fast_copy
    store.generator.rename(store.folder / "away")  # what follows reads the copy alone
    (store.folder / store.pin.file).touch()
    with pytest.raises(WeightsError):
        sda.vocoder("bigvgan")
    (store.folder / "away").rename(store.generator)
    second = sda.vocoder("bigvgan", device="cpu")(x[0].numpy())
    assert np.abs(first - wanted).max() <= TOLERANCE
    assert np.array_equal(first, second)


def test_the_copy_is_what_is_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from sda._vendor.bigvgan import network

    sda.vocoder("bigvgan")
    monkeypatch.setattr(network, "load", lambda path: pytest.fail("the pickle was read again"))
    assert sda.vocoder("bigvgan").rate == 44_100


def test_a_copy_that_does_not_fit_is_made_anew(store: Store) -> None:
    x = log_mel(NARROW, 5)[0].numpy()
    wanted = sda.vocoder("bigvgan")(x)
    store.write_fast_copy({"conv_pre.bias": np.zeros(64, np.float32)})
    assert np.array_equal(sda.vocoder("bigvgan")(x), wanted)
    assert len(store.read_fast_copy() or {}) > 100


def test_weights_that_changed_are_not_loaded(store: Store) -> None:
    content = bytearray(store.generator.read_bytes())
    content[len(content) // 2] ^= 1
    store.generator.write_bytes(content)
    with pytest.raises(WeightsError, match="put aside"):
        sda.vocoder("bigvgan")


def test_weights_of_another_network_are_refused(home: Path, tmp_path: Path) -> None:
    torch.save({"generator": {"conv_pre.bias": torch.zeros(64)}}, tmp_path / "bigvgan_generator.pt")
    bring(universal.store(), tmp_path, unverified=True)
    with pytest.raises(WeightsError, match=r"conv_pre\.weight: found no such tensor; it cannot be played"):
        sda.vocoder("bigvgan")


def test_without_weights_it_says_how_to_get_them(home: Path) -> None:
    with pytest.raises(WeightsError, match=r"BigVGAN is not here .* sda-engine vocoder download"):
        Model(sounding()).render(0.1, vocoder="bigvgan")


def test_auto_is_the_own_one_then_bigvgan_then_the_draft(home: Path, published: tuple[Path, Weights]) -> None:
    own, bare = sounding(), sounding(own_vocoder=False)
    assert choose(own, "auto") == Choice("hifigan", "the model's own vocoder")
    draft = choose(bare, "auto")
    assert draft.name == "draft"
    assert "a draft: the model has none of its own, and BigVGAN is not here" in draft.why
    bring(universal.store(), published[0], unverified=True)
    universal_one = choose(bare, "auto")
    assert universal_one.name == "bigvgan"
    assert "UNVERIFIED" in universal_one.why
    assert choose(own, "auto").name == "hifigan"
    assert choose(own, "bigvgan").name == "bigvgan"


def test_auto_takes_the_draft_where_the_weights_are_wrong(store: Store) -> None:
    store.generator.write_bytes(b"something else")
    choice = choose(sounding(own_vocoder=False), "auto")
    assert choice.name == "draft"
    assert "cannot be used: bigvgan_generator.pt: found 14 bytes, expected 489041291" in choice.why


def test_what_cannot_be_had_is_named(home: Path, tmp_path: Path) -> None:
    bare = sounding(own_vocoder=False)
    with pytest.raises(ModelError, match="pebbles has no vocoder of its own; train one with: sda-engine train-vocoder pebbles"):
        choose(bare, "hifigan")
    with pytest.raises(ModelError, match="vocoder 'vocos': expected one of auto, bigvgan, hifigan"):
        choose(bare, "vocos")
    path = tmp_path / "a.distill"
    distill.write(path, sounding())
    with pytest.raises(DeviceError, match="device 'tpu': expected one of auto, cpu, cuda, mps"):
        sda.load(path, device="tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_device_that_is_not_there(store: Store) -> None:
    with pytest.raises(DeviceError, match="device 'cuda': torch finds none here"):
        sda.vocoder("bigvgan", device="cuda")
    for make in (lambda: Model(sounding(), "cuda").render(0.1), lambda: sda.vocoder("draft", device="cuda:1")):
        with pytest.raises(DeviceError, match="device 'cuda' is not available to torch here; expected auto or one of: cpu"):
            make()


def test_a_model_s_own_vocoder_is_the_same_on_every_device_that_is_here(home: Path) -> None:
    """Asked for by name, a GPU takes torch; auto and cpu are the same ONNX Runtime."""
    x = log_mel(NARROW, 60)[0].numpy()
    plain = sda.vocoder(Model(sounding()))
    assert type(sda.vocoder(Model(sounding(), "cpu"))) is type(plain) is HifiganVocoder
    here = [kind for kind, module in (("cuda", torch.cuda), ("mps", torch.backends.mps)) if module.is_available()]
    for device in here:
        other = sda.vocoder(Model(sounding()), device)
        assert not isinstance(other, HifiganVocoder)
        assert np.abs(other(x) - plain(x)).max() <= TOLERANCE


def test_a_model_renders_through_it_whatever_the_blocks(store: Store) -> None:
    model = Model(sounding(own_vocoder=False))
    sound = model.render(1.0, sliders={1: 4.0}, vocoder="bigvgan", seed=3, rate=44_100)
    assert sound.shape == (2, 44_100)
    assert sound.std() > 1e-3
    assert np.array_equal(sound, model.render(1.0, sliders={1: 4.0}, seed=3, rate=44_100))
    live = model.renderer(rate=44_100, values={"play": True, "slider.1": 4.0, "seed": 3}, vocoder="bigvgan")
    blocks = np.concatenate([live.block(10) for _ in range(7)], axis=1)[:, live.stage_delay :]
    count = min(blocks.shape[1], 43_000)  # the file ends in a fade
    assert count > 35_000
    assert np.abs(blocks[:, :count] - sound[:, :count]).max() <= TOLERANCE


@pytest.mark.parametrize(("seconds", "calls"), [(0.1, 1), (2.0, 1), (9.0, 2)])
def test_a_file_takes_no_more_windows_than_it_must(
    store: Store, monkeypatch: pytest.MonkeyPatch, seconds: float, calls: int
) -> None:
    asked: list[int] = []
    step = BigVganVocoder.step

    def counted(self: BigVganVocoder, log_mel: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        asked.append(log_mel.shape[1])
        return step(self, log_mel, state)

    monkeypatch.setattr(BigVganVocoder, "step", counted)
    Model(sounding(own_vocoder=False)).render(seconds, vocoder="bigvgan")
    assert len(asked) == calls
    assert sum(asked) < 86.2 * (seconds + 0.1) + 60  # frames: the sound, its context and what soxr holds back


def test_a_recording_comes_back_in_its_own_length(store: Store) -> None:
    model = Model(replace(sounding(), vocoder=None))
    random = np.random.default_rng(0)
    recording = random.uniform(-0.3, 0.3, 70_000).astype(np.float32)
    parts = list(model.resynthesise(recording, 44_100, vocoder="bigvgan", out_rate=44_100))
    assert sum(part.shape[1] for part in parts) == 70_000
    assert max(np.abs(part).max() for part in parts) > 1e-3
