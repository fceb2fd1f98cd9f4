"""That it is the demo model that sounds: its decoder matters, and its sliders do what librosa says they do."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import librosa
import numpy as np
import pytest
from scipy.stats import spearmanr

from sda.formats import distill
from sda.formats.audio import read_mono
from sda.mel import log_mel
from sda.model import Model

EXAMPLES = Path(__file__).parents[2] / "examples"
RATE = 44_100


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(distill.read(EXAMPLES / "driftwood.distill"))


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The demo's recordings, made anew."""
    sys.path.insert(0, str(EXAMPLES))
    from make_recordings import make

    folder = tmp_path_factory.mktemp("recordings")
    make(folder, 1)
    return sorted(folder.iterdir())


def held_out(recordings: list[Path], model: Model) -> list[Path]:
    """Those that training never saw, by the split that it used."""
    from sda.train.corpus import Recording, _split

    split = _split([Recording(path.name) for path in recordings], model.document.training["seed"])
    return [path for path, recording in zip(recordings, split, strict=True) if recording.held_out]


def shuffled(model: Model) -> Model:
    """The same model with each of its decoder's tensors in random order."""
    random = np.random.default_rng(0)
    tensors = {
        name: random.permutation(tensor.ravel()).reshape(tensor.shape) if name.startswith("vae.decoder.") else tensor
        for name, tensor in model.document.tensors.items()
    }
    return Model(replace(model.document, tensors=tensors))


def resynthesis_error(model: Model, path: Path) -> float:
    """Mean |ln-mel| between a recording and its way through the model, in nat."""
    audio = read_mono(path, RATE)
    made = np.concatenate(list(model.resynthesise(audio, RATE, out_rate=RATE)), axis=1)[0]
    return float(np.abs(log_mel(made, RATE) - log_mel(audio, RATE)).mean())


def test_resynthesis_of_unseen_recordings_needs_this_decoder(model: Model, recordings: list[Path]) -> None:
    paths, wrong = held_out(recordings, model)[:3], shuffled(model)
    assert len(paths) == 3
    errors = [(resynthesis_error(model, path), resynthesis_error(wrong, path)) for path in paths]
    print("resynthesis, shuffled decoder (nat):", [f"{own:.2f}, {other:.2f}" for own, other in errors])
    assert all(own <= other / 2 for own, other in errors), errors


def brightness(sound: np.ndarray, rate: int) -> float:
    """librosa's spectral centroid weighted by the frames' energy, in octaves above 1 kHz."""
    magnitude = np.abs(librosa.stft(sound, n_fft=2048, hop_length=512))
    centroid, energy = librosa.feature.spectral_centroid(S=magnitude, sr=rate)[0], np.square(magnitude).sum(axis=0)
    return float(np.log2((centroid * energy).sum() / energy.sum() / 1000))


def test_brightness_moves_librosas_centroid(model: Model, recordings: list[Path]) -> None:
    slider = next(s for s in model.sliders if s.name == "brightness")
    positions = np.linspace(slider.safe_low, slider.safe_high, 9)
    sounds = [model.render(3.0, sliders={"brightness": p}, rate=RATE)[0] for p in positions]
    moved = np.array([brightness(sound, RATE) for sound in sounds])
    seconds = [librosa.util.frame(read_mono(path, RATE), frame_length=RATE, hop_length=RATE // 2).T for path in recordings]
    low, high = np.percentile([brightness(second, RATE) for second in np.concatenate(seconds)], (5, 95))
    rank, reach = spearmanr(positions, moved).statistic, np.ptp(moved) / (high - low)
    print(f"brightness: rank correlation {rank:.2f}, reach {reach:.0%} of the recordings' {high - low:.2f} octaves")
    assert rank >= 0.9
    assert reach >= 0.3


def test_the_demo_is_small(model: Model) -> None:
    assert (EXAMPLES / "driftwood.distill").stat().st_size <= 6_000_000
    vae = [t for name, t in model.document.tensors.items() if name.startswith("vae.") and "band_" not in name]
    assert sum(t.size for t in vae) <= 1_500_000
    assert len([s for s in model.sliders if not s.name.startswith("axis")]) >= 3
    assert model.info.vocoder == "hifigan"
