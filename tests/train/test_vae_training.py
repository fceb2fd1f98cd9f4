"""Training a VAE: the PCA start against numpy's SVD, crops against physics, exact resumption, what is kept."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from sda.core import grid
from sda.core.vae import SOFTPLUS_BETA, Vae
from sda.spec import BIGVGAN_GRID, VaeSpec
from sda.train.corpus import Corpus, gather
from sda.train.crops import Augmentation, Crops
from sda.train.heldout import HeldOut, errors
from sda.train.pca import LEAST_STD, start_as_pca
from sda.train.vae import VaePlan, VaeTraining, choose

RATE, HOP = BIGVGAN_GRID.sample_rate, BIGVGAN_GRID.hop
SPEC = VaeSpec(latent=8, width=16, frames=16)
PLAN = VaePlan(steps=40, batch=4, warmup=4, pca_crops=60)
PLAIN = Augmentation(beyond=0, quieter_db=0.0, louder_db=0.0, pitch_share=0.0, mix_share=0.0)


def tone(hz: float, seconds: float, seed: int) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    wobble = 0.3 * np.exp(-2 * t) * (1 + 0.5 * np.sin(2 * np.pi * 3 * t))
    return (wobble * np.sin(2 * np.pi * hz * t) + 0.01 * np.random.default_rng(seed).standard_normal(len(t))).astype(np.float32)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    work = tmp_path_factory.mktemp("corpus")
    (work / "in").mkdir()
    for number in range(6):
        soundfile.write(work / "in" / f"{number}.wav", tone(200 * 1.3**number, 1.0, number), RATE, subtype="FLOAT")
    list(gather(work / "in", work / "out", rate=RATE, shortest=RATE // 2, seed=0))
    return Corpus(work / "out")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def test_start_is_the_pca_of_numpys_svd() -> None:
    # Smooth enough to be well above zero, where the softplus is the identity.
    mels = (0.6 + 0.02 * np.random.default_rng(0).standard_normal((60, 128, 16))).astype(np.float32)
    mels += np.linspace(-0.1, 0.1, 60, dtype=np.float32)[:, None, None] * np.hanning(128).astype(np.float32)[:, None]
    net = Vae(SPEC)
    start_as_pca(net, mels)
    mean, std = mels.mean(axis=(0, 2))[:, None], np.maximum(mels.std(axis=(0, 2)), LEAST_STD)[:, None]
    flat = ((mels - mean) / std).reshape(60, -1).astype(np.float64)
    _, _, right = np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)
    nearest = (flat - flat.mean(axis=0)) @ right[:8].T @ right[:8] + flat.mean(axis=0)
    with torch.no_grad():
        z, _ = net.encode(torch.from_numpy(mels))
        made = net.decode(z).numpy()
    np.testing.assert_allclose(made, nearest.reshape(mels.shape) * std + mean, atol=2e-4)
    np.testing.assert_allclose(np.cov(z.numpy().T, ddof=0), np.eye(8), atol=1e-3)  # whitened
    assert SOFTPLUS_BETA * made.min() > 6


def test_bands_and_directions_that_hold_nothing_are_not_blown_up() -> None:
    mels = np.zeros((40, 128, 16), np.float32)
    mels[:, :3] = np.random.default_rng(0).uniform(0.3, 0.6, (40, 3, 1))  # three directions, eight latents
    net = Vae(SPEC)
    start_as_pca(net, mels)
    assert net.band_std[3:].numpy() == pytest.approx(LEAST_STD)
    with torch.no_grad():
        z, _ = net.encode(torch.from_numpy(mels) + 1e-3)
        assert z.abs().max() < 50
        assert (net.decode(z)[:, :3] - torch.from_numpy(mels)[:, :3]).abs().max() < 0.02


def test_plain_crop_is_the_recordings_own_mel(corpus: Corpus) -> None:
    crops = Crops(corpus, 16, PLAIN)
    drawn = crops.draw(np.random.default_rng(1), 3).numpy()
    wholes = [corpus.whole(r) for r in corpus.training]
    for mel in drawn:
        # The crop starts at any sample: some start of some recording must give it, to the precision of one FFT.
        best = min(np.abs(np.log(mel[:, 0]) - np.log(frame)).max() for whole in wholes for frame in _frames(whole, mel[:, 0]))
        assert best < 0.02


def _frames(whole: np.ndarray, target: np.ndarray) -> list[np.ndarray]:
    """Mels at every 64th start, then at every start around the nearest."""
    pad, bank, window = 768, grid.filter_bank(), grid.hann(2048)
    padded = np.pad(whole, (pad, 2048))

    def mel(starts: np.ndarray) -> np.ndarray:
        windows = padded[starts[:, None] + np.arange(2048)]
        return np.sqrt(np.abs(np.fft.rfft(windows * window)) ** 2 + 1e-9) @ bank.T

    coarse = np.arange(0, len(whole), 64)
    near = coarse[np.abs(np.log(mel(coarse)) - np.log(target)).max(axis=1).argmin()]
    return list(mel(np.arange(max(0, near - 64), min(near + 64, len(whole)))))


def test_levels_move_by_decibels(corpus: Corpus) -> None:
    # -6.0206 dB halves every magnitude (above the guard under the root).
    half = Augmentation(**{**PLAIN.to_json(), "quieter_db": -6.0206, "louder_db": -6.0206})
    one, other = (Crops(corpus, 16, a).draw(np.random.default_rng(2), 4).numpy() for a in (PLAIN, half))
    audible = one > 1e-3
    assert audible.mean() > 0.2
    np.testing.assert_allclose(other[audible] / one[audible], 0.5, rtol=2e-3)


def test_tape_speed_moves_the_pitch_within_its_range(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in" / "a.wav", tone(2000, 3.0, 0), RATE, subtype="FLOAT")
    list(gather(tmp_path / "in", tmp_path / "out", rate=RATE, shortest=RATE, seed=0))
    only = Corpus(tmp_path / "out")
    peaks = {}
    for share in (0.0, 1.0):
        how = Augmentation(**{**PLAIN.to_json(), "pitch": 4.0, "pitch_share": share})
        mels = Crops(only, 16, how).draw(np.random.default_rng(3), 24).numpy()
        peaks[share] = np.log2(grid.band_centres()[mels.sum(axis=2).argmax(axis=1)] / 2000) * 12  # semitones
    assert np.ptp(peaks[0.0]) == 0
    assert np.abs(peaks[1.0]).max() < 4.6  # the range and half a band, which is 0.6 semitones there
    assert np.ptp(peaks[1.0]) > 5


def test_mixtures_add_powers(corpus: Corpus) -> None:
    crops = Crops(corpus, 16, Augmentation(mix_share=1.0))
    mel = torch.rand(6, 128, 16) + 0.1
    mixed = crops._mix(np.random.default_rng(0), mel).square().numpy()
    powers = mel.square().numpy()
    for number in range(6):
        found = []
        for other in set(range(6)) - {number}:
            step = powers[number] - powers[other]
            share = ((mixed[number] - powers[other]) * step).sum() / (step**2).sum()
            found.append((np.abs(powers[other] + share * step - mixed[number]).max(), share))
        miss, share = min(found)
        assert miss < 1e-4
        assert 0 <= share <= 1
    torch.testing.assert_close(Crops(corpus, 16, PLAIN)._mix(np.random.default_rng(0), mel), mel)


def losses(training: VaeTraining, count: int) -> list[dict[str, float]]:
    return [training.step() for _ in range(count)]


def test_resumed_run_has_the_uninterrupted_losses(corpus: Corpus) -> None:
    straight = VaeTraining(corpus, SPEC, PLAN)
    expected = losses(straight, 8)
    first = VaeTraining(corpus, SPEC, PLAN)
    losses(first, 4)
    first.held_out()
    file = io.BytesIO()
    torch.save(first.state(), file)
    losses(first, 2)  # what a killed run did after its checkpoint leaves no trace in it
    file.seek(0)
    torch.rand(7)
    second = VaeTraining(corpus, SPEC, PLAN)
    second.restore(torch.load(file, weights_only=True))
    assert second.done == 4
    assert losses(second, 4) == expected[4:]
    assert second.held_out() == straight.held_out()
    other = VaeTraining(corpus, SPEC, VaePlan(**PLAN.to_json() | {"seed": 1}))
    assert losses(other, 1) != expected[:1]


def test_training_leaves_global_randomness_alone(corpus: Corpus) -> None:
    before = torch.get_rng_state()
    numpys = np.random.get_state()[1].copy()  # type: ignore[index,union-attr] # noqa: NPY002
    losses(VaeTraining(corpus, SPEC, PLAN), 1)
    assert torch.equal(torch.get_rng_state(), before)
    assert (np.random.get_state()[1] == numpys).all()  # type: ignore[index] # noqa: NPY002


def test_training_improves_on_the_pca_of_the_training_crops(corpus: Corpus) -> None:
    training = VaeTraining(corpus, SPEC, VaePlan(**PLAN.to_json() | {"rate": 2e-3, "batch": 16, "steps": 60, "ema": 0.9}))
    mel = torch.log1p(1e5 * training.crops.draw(np.random.default_rng(99), 64)) / np.log1p(1e5)

    def miss() -> float:
        return (training.averaged.decode(training.averaged.encode(mel)[0]) - mel).abs().mean().item()

    before = miss()
    losses(training, 60)
    after = miss()
    assert after < 0.97 * before


def test_a_run_that_only_harms_keeps_the_pca(corpus: Corpus) -> None:
    training = VaeTraining(corpus, SPEC, VaePlan(**PLAN.to_json() | {"rate": 3.0, "skip_rate": 1.0, "ema": 0.0, "clip": 1e9}))
    start = training.held_out()
    pca = {name: value.clone() for name, value in training.net.state_dict().items()}
    losses(training, 3)
    assert training.held_out()["loud"] > 2 * start["loud"]
    assert training.best_step == 0
    assert all(torch.equal(training.best[name], value) for name, value in pca.items())


def test_errors_are_split_at_60_db() -> None:
    # Two bands 1 and 1e-4 (-80 dB): loud ones twice too loud, ln 2; quiet ones ten times, ln 10; below 1e-5 nothing counts.
    real = np.array([1.0, 1e-4, 1e-7], np.float32)[None, :, None].repeat(4, axis=2)
    made = np.array([2.0, 1e-3, 3e-6], np.float32)[None, :, None].repeat(4, axis=2)
    counted = np.array([[True, True, True, False]])
    sums = errors(real, made, counted)
    np.testing.assert_allclose(sums[1], [3, 6])
    np.testing.assert_allclose(sums[0], [3 * np.log(2), 3 * np.log(10)], rtol=1e-5)


def test_padding_is_not_judged(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in" / "a.wav", tone(300, 0.3, 0), RATE, subtype="FLOAT")
    list(gather(tmp_path / "in", tmp_path / "out", rate=RATE, shortest=RATE, seed=0))
    (judged,) = HeldOut(Corpus(tmp_path / "out"), 16).recordings
    assert judged.counted.sum() == round(0.3 * RATE) // HOP
    whole = grid.magnitudes(tone(300, 0.3, 0))
    inside = slice(2, 16 - 2)
    np.testing.assert_allclose(judged.chunks[0][:, inside], whole[:, inside], rtol=1e-4)


@pytest.mark.parametrize(("seconds", "latent"), [(5.0, 32), (20.0, 64), (60.0, 128), (36_000.0, 128)])
def test_presets(seconds: float, latent: int) -> None:
    spec, plan = choose(seconds)
    assert spec.latent == latent
    assert VaePlan.from_json(plan.to_json()) == plan


def test_a_small_net_can_be_asked_for() -> None:
    spec, _ = choose(60.0, latent=32)
    # Both skips 2 * 32 * 11264 = 0.72 million, and 0.42 million in the nets.
    assert 1.1e6 < sum(p.numel() for p in Vae(spec).parameters()) < 1.2e6


def test_schedules() -> None:
    plan = VaePlan(steps=1000, rate=1e-3, warmup=50, beta=1e-4, beta_warmup=0.2)
    assert plan.rate_at(0) == pytest.approx(1e-3 / 50)
    assert plan.rate_at(500) == pytest.approx(0.5e-3)  # the middle of half a cosine
    assert plan.rate_at(1000) == pytest.approx(0)
    assert plan.beta_at(0, 64) == 0
    assert plan.beta_at(100, 64) == pytest.approx(0.25e-4)  # half way up, and 32 / 64
    assert plan.beta_at(900, 32) == pytest.approx(1e-4)
