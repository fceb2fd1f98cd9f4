"""The public model on a small file of random weights: sliders, decoding, and sound that keeps its promises."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_models import SMALL_VAE, sounding

import sda
from sda.core.vae import Vae
from sda.formats import distill
from sda.model import Model


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(sounding())


def test_load_by_path(tmp_path: Path) -> None:
    path = tmp_path / "pebbles.distill"
    distill.write(path, sounding())
    loaded = sda.load(path)
    assert (loaded.info.name, loaded.info.vocoder) == ("pebbles", "hifigan")
    assert [s.name for s in loaded.sliders] == ["brightness", "axis-1"]


def test_without_an_analysis_it_plays_without_sliders(tmp_path: Path) -> None:
    whole = sounding()
    bare = {name: tensor for name, tensor in whole.tensors.items() if not name.startswith("analysis.")}
    distill.write(tmp_path / "a.distill", replace(whole, analysis={}, tensors=bare))
    loaded = sda.load(tmp_path / "a.distill")
    assert loaded.sliders == ()
    assert np.array_equal(loaded.latent({}), np.zeros(4))
    assert loaded.render(0.2).std() > 1e-5
    with pytest.raises(sda.SdaError, match="2 have curves"):
        distill.encode(replace(whole, analysis={}))


def test_sliders_move_along_their_curves(model: Model) -> None:
    # The curves of the small model are position / 5 along the first two latents.
    assert model.latent({"brightness": 2.5, 2: -10}) == pytest.approx([0.5, -2, 0, 0])
    assert model.latent({}) == pytest.approx([0, 0, 0, 0])


@pytest.mark.parametrize("positions", [{"loudness": 1}, {3: 1}, {0: 1}, {"brightness": 10.5}, {1: float("nan")}])
def test_wrong_sliders_are_refused(model: Model, positions: dict) -> None:
    with pytest.raises(sda.SdaError, match="slider"):
        model.latent(positions)


def test_decoder_and_encoder_equal_the_torch_net(model: Model) -> None:
    net = Vae(SMALL_VAE)
    net.load_state_dict(
        {k.removeprefix("vae."): torch.from_numpy(v) for k, v in model.document.tensors.items() if k[:4] == "vae."}
    )
    z = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    with torch.no_grad():
        assert model.decode(z) == pytest.approx(net.decode(torch.from_numpy(z)).numpy(), abs=1e-4)
        audio = np.random.default_rng(1).uniform(-0.5, 0.5, 3 * 88 * 512).astype(np.float32)
        gain = SMALL_VAE.gain
        mel = np.log1p(gain * np.exp(sda.mel.log_mel(audio, 44_100))) / np.log1p(gain)  # [M, 264]
        chunks = torch.from_numpy(mel.reshape(128, 3, 88).transpose(1, 0, 2).copy()).float()
        assert model.encode(audio, 44_100) == pytest.approx(net.encode(chunks)[0].numpy(), abs=1e-3)


def test_vocoder_mel_is_the_logarithm_of_what_was_compressed(model: Model) -> None:
    magnitude = np.array([[0.0, 1e-6, 1e-3, 1.0]], np.float32)
    normal = np.log1p(1e5 * magnitude) / np.log1p(1e5)
    assert model.vocoder_mel(normal) == pytest.approx(np.log(np.maximum(magnitude, 1e-5)), abs=1e-3)


@pytest.mark.parametrize("rate", [44_100, 48_000])
@pytest.mark.parametrize("seconds", [0.001, 0.5, 1.23456])
def test_rendered_length_is_exact(model: Model, seconds: float, rate: int) -> None:
    for spatial, channels in (("mono", 1), ("stereo", 2), ("binaural", 2)):
        sound = model.render(seconds, rate=rate, values={"spatial": spatial})
        assert sound.shape == (channels, round(seconds * rate))
        assert sound[:, -1] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
def test_stereo_sums_to_mono_and_mono_stands_at_the_same_time(model: Model, rate: int) -> None:
    softly = {"gain": -12.0}  # the limiter at rest
    mono = model.render(0.5, rate=rate, values={**softly, "spatial": "mono"})
    wide = model.render(0.5, rate=rate, values={**softly, "spatial": "stereo", "width": 1.0})
    assert np.abs(wide.mean(axis=0) - mono[0]).max() < 1e-6
    assert np.abs(wide[0] - wide[1]).max() > 0.1 * np.abs(mono).max()


def test_a_file_s_resampler_and_the_live_one_agree_below_the_treble(model: Model) -> None:
    values = {"play": True, "slider.1": 4.0}
    live, file = (
        np.concatenate([renderer.block(cells=8) for _ in range(5)], axis=1)[0, :30_000]
        for renderer in (model.renderer(values=values), model.renderer(values=values, for_file=True))
    )
    spectra = [np.fft.rfft(wave * np.hanning(len(wave)))[: 30_000 * 19 // 48] for wave in (live, file)]  # up to 19 kHz
    assert np.abs(spectra[0]).max() > 1
    assert np.abs(spectra[0] - spectra[1]).max() < 1e-3 * np.abs(spectra[0]).max()


def test_playing_wide_does_not_depend_on_how_it_is_cut(model: Model) -> None:
    def play(cuts: tuple[int, ...]) -> np.ndarray:
        renderer = model.renderer(values={"play": True, "spatial": "binaural", "azimuth": 40.0})
        parts = []
        for number, cells in enumerate(cuts):
            if number == len(cuts) // 2:
                renderer.set("azimuth", -120.0)
                renderer.set("spatial", "stereo")
            parts.append(renderer.block(cells=cells))
        return np.concatenate(parts, axis=1)

    whole, cut = play((16, 16)), play((1, 2, 7, 6, 9, 1, 1, 5))
    assert np.abs(whole).max() > 0.01
    assert cut == pytest.approx(whole, abs=1e-4)


def test_the_same_arguments_give_the_same_samples(model: Model) -> None:
    one, again = (model.render(0.7, sliders={"brightness": 3}, seed=4) for _ in range(2))
    assert np.array_equal(one, again)
    assert np.abs(model.render(0.7, sliders={"brightness": 3}, seed=5) - one).max() > 1e-3
    assert np.abs(model.render(0.7, sliders={"brightness": -9}, seed=4) - one).max() > 1e-3


def test_sound_does_not_depend_on_how_it_is_cut(model: Model) -> None:
    values = {"play": True, "slider.1": 4.0}
    whole = np.concatenate([model.renderer(values=values).block(cells=40)], axis=1)
    renderer = model.renderer(values=values)
    cut = np.concatenate([renderer.block(cells=n) for n in (1, 2, 7, 1, 9, 20)], axis=1)
    assert np.abs(whole).max() > 0.01
    assert cut == pytest.approx(whole, abs=1e-4)


def test_a_moved_slider_is_heard_and_a_still_one_changes_nothing(model: Model) -> None:
    values = {"play": True, "variation": 0.0, "glide": 0.0}
    still, same, moved = (model.renderer(values=values) for _ in range(3))
    for renderer in (still, same, moved):
        renderer.block(cells=10)
    same.set("slider.1", 0.0)
    moved.set("slider.1", 9.0)
    reference = still.block(cells=10)
    assert np.array_equal(same.block(cells=10), reference)
    assert np.abs(moved.block(cells=10) - reference).max() > 0.01


def test_play_off_is_silence_and_the_clock_goes_on(model: Model) -> None:
    renderer = model.renderer()
    assert not np.concatenate([renderer.block() for _ in range(30)], axis=1).any()
    assert renderer.position == 30 * 2 * 512
    renderer.set("play", True)
    assert np.abs(np.concatenate([renderer.block() for _ in range(30)], axis=1)).max() > 0.01


def test_unknown_controls_are_refused(model: Model) -> None:
    with pytest.raises(sda.SdaError, match="no control 'brilliance'"):
        model.renderer(values={"brilliance": 1})
    with pytest.raises(sda.SdaError, match="no control"):
        model.renderer().set("slider.3", 1)


def test_resynthesis_has_the_recordings_length(model: Model) -> None:
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, 70_001).astype(np.float32)
    blocks = np.concatenate(list(model.resynthesise(audio, 44_100)), axis=1)
    assert blocks.shape == (1, round(70_001 * 48_000 / 44_100))
    assert np.isfinite(blocks).all()


def test_a_model_without_a_vocoder_refuses_hifigan() -> None:
    bare = Model(sounding(own_vocoder=False))
    with pytest.raises(sda.SdaError, match="train-vocoder"):
        bare.vocoder("hifigan")
