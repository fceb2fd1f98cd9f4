"""Whole analyses of small sets whose variation is known, judged on the sound of a vocoder of a few lines."""

import json
from dataclasses import replace
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile as sf
import torch
from sklearn.manifold import trustworthiness
from small_models import pca_vae

from sda.core import grid
from sda.core.analysis import Analysis
from sda.core.curves import aims
from sda.core.survey import survey
from sda.core.vae import Vae
from sda.errors import TrainError
from sda.spec import VaeSpec
from sda.train import analyze as analyze_module
from sda.train.analyze import analyze, analyzing, chunk_places
from sda.train.corpus import Corpus, Recording, gather
from sda.train.threads import side_by_side
from sda.train.verdict import Judge

RATE, HOP = 44_100, 512
SPEC = VaeSpec(latent=8, width=8, frames=40)
LENGTH = SPEC.frames * HOP
PHASES = np.exp(2j * np.pi * np.random.default_rng(0).random((1025, SPEC.frames + 4))).astype(np.complex64)
BACK = np.linalg.pinv(grid.filter_bank())


def vocode(log_mel: np.ndarray) -> np.ndarray:
    """Noise under the magnitudes that the mel asks for: overlapped inverse Fourier transforms with fixed random phases."""
    magnitude = np.maximum(BACK @ np.exp(log_mel), 0)  # [bins, F]
    frames = np.fft.irfft(magnitude * PHASES[:, : magnitude.shape[1]], axis=0) * grid.hann(2048)[:, None]
    out = np.zeros((magnitude.shape[1] + 3) * HOP)
    for i in range(magnitude.shape[1]):
        out[i * HOP : i * HOP + 2048] += frames[:, i]
    return (out[768 : 768 + magnitude.shape[1] * HOP] / 1.5).astype(
        np.float32
    )  # squared Hann windows a quarter apart add to 1.5


def noise(slope: float, level_db: float, seed: int, seconds: float = 0.6) -> np.ndarray:
    """Noise whose power falls by `slope` dB an octave, at a level in dBFS."""
    count = int(seconds * RATE)
    hz = np.fft.rfftfreq(count, 1 / RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(count)) * (hz > 40)
    audio = np.fft.irfft(spectrum * 10 ** (-slope / 20 * np.log2(hz.clip(40))), count)
    return (audio / audio.std() * 10 ** (level_db / 20)).astype(np.float32)


def octaves(seed: int, seconds: float = 0.6) -> np.ndarray:
    """Noise of nine octaves with independent levels, and a level of the whole."""
    random, count = np.random.default_rng(seed), int(seconds * RATE)
    octave = np.log2(np.fft.rfftfreq(count, 1 / RATE).clip(43, 22_000) / 43).astype(int)  # 0 .. 8
    gains = 10 ** ((random.uniform(-12, 12, 9) - 4 * np.arange(9)) / 20)
    audio = np.fft.irfft(np.fft.rfft(random.standard_normal(count)) * gains[octave], count)
    return (audio / audio.std() * 10 ** (random.uniform(-34, -14) / 20)).astype(np.float32)


def corpus_of(folder: Path, sounds: list[np.ndarray]) -> Corpus:
    source = folder / "in"
    source.mkdir()
    for i, sound in enumerate(sounds):
        sf.write(source / f"{i:02}.wav", sound, RATE, subtype="FLOAT")
    assert all(r.used for r in gather(source, folder / "out", rate=RATE, shortest=LENGTH, seed=0))
    return Corpus(folder / "out")


def pca(corpus: Corpus) -> Vae:
    return pca_vae(corpus, SPEC)


def names(found: Analysis) -> list[str]:
    return [s.name for s in found.sliders if not s.name.startswith("axis-")]


def reasons(found: Analysis) -> dict[str, str]:
    return {row["name"]: row["reason"] for row in found.report["descriptors"]}


@pytest.fixture(scope="module")
def varied(tmp_path_factory) -> tuple[Corpus, Vae]:
    """Noise of independent octaves and levels."""
    sounds = [octaves(i) for i in range(24)]
    corpus = corpus_of(tmp_path_factory.mktemp("varied"), sounds)
    return corpus, pca(corpus)


@pytest.fixture(scope="module")
def heard(varied) -> Analysis:
    return analyze(*varied, vocode)


def test_what_varies_is_named_and_librosa_hears_it(varied, heard: Analysis) -> None:
    _, vae = varied
    assert {"loudness", "brightness"} <= set(names(heard))

    def sweep(name: str) -> list[np.ndarray]:
        positions = np.zeros((5, len(heard.sliders)))
        positions[:, names(heard).index(name)] = np.linspace(-10, 10, 5)
        with torch.no_grad():
            mels = vae.decode(torch.from_numpy(heard.latent_map.point(positions))).numpy()
        return [vocode(grid.to_log(grid.expand(m, SPEC.gain))) for m in mels]

    level = np.array([20 * np.log10(librosa.feature.rms(y=y).mean()) for y in sweep("loudness")])
    centre = np.array([np.log2(librosa.feature.spectral_centroid(y=y, sr=RATE).mean()) for y in sweep("brightness")])
    assert (np.diff(level) > 0).all()
    assert level[-1] - level[0] > 9  # of the 18 dB between the recordings' 5th and 95th percentile
    assert (np.diff(centre) > 0).all()
    held = np.array([20 * np.log10(librosa.feature.rms(y=y).mean()) for y in sweep("brightness")])
    assert np.ptp(held) < 0.3 * np.ptp(level)


def test_the_report_draws_what_is_heard(varied, heard: Analysis) -> None:
    _, vae = varied
    row = next(row for row in heard.report["descriptors"] if row["name"] == "loudness")
    positions = np.zeros((9, len(heard.sliders)))
    positions[:, names(heard).index("loudness")] = row["positions"]
    with torch.no_grad():
        mels = vae.decode(torch.from_numpy(heard.latent_map.point(positions))).numpy()
    sounds = [vocode(grid.to_log(grid.expand(m, SPEC.gain))) for m in mels]
    level = [10 * np.log10(np.mean(np.square(y, dtype=np.float64))) for y in sounds]
    assert row["heard"] == pytest.approx(level, abs=0.05)
    assert (row["positions"][0], row["positions"][-1]) == tuple(row["range"])
    for axis in heard.report["axes"]:
        assert axis["heard"][0] == 0
        assert max(axis["heard"]) >= 1  # dB, below which an axis is left out


def test_the_map_knows_every_audible_chunk(varied, heard: Analysis) -> None:
    corpus, vae = varied
    assert heard.sound_map is not None
    chunks = heard.sound_map.chunks
    assert {c.recording for c in chunks} == {r.name for r in corpus.training}
    assert len(chunks) == heard.report["chunks"]
    home = next(c for c, z in zip(chunks, heard.sound_map.latents, strict=True) if np.array_equal(z, heard.latent_map.home))
    assert {"recording": home.recording, "start_s": home.start_s} == heard.report["home"]
    with torch.no_grad():
        mels = vae.decode(torch.from_numpy(heard.sound_map.latents)).numpy()
    level = 10 * np.log10(np.square(grid.expand(mels, SPEC.gain)).reshape(len(mels), 32, -1, SPEC.frames // 8, 8).mean((2, 4)))
    flat = np.maximum(level, -100).reshape(len(mels), -1)
    assert heard.sound_map.trust > 0.85
    assert heard.sound_map.trust == pytest.approx(trustworthiness(flat, heard.sound_map.places, n_neighbors=7), abs=0.05)


def test_the_home_is_a_middling_sound_from_which_the_most_names_hold(varied, heard: Analysis) -> None:
    corpus, vae = varied
    places = chunk_places(corpus.training, LENGTH, RATE)
    with side_by_side() as pool:
        mels, _ = analyze_module._look(corpus, vae, places, pool, listening=False)
    seen = survey(vae, mels)
    owners = [places[chunk][0].name for chunk in seen.chunks]
    rows = {owner: next(row for row in seen.middling if owners[row] == owner) for owner in owners}
    nearest = sorted(rows.values(), key=seen.middling.tolist().index)[:4]
    judge = Judge(vae, seen, None, seen.recorded)
    with side_by_side() as pool:
        chosen, _ = analyze_module._at_home(judge, owners, pool)
        promises = {}
        for row in nearest:
            there = replace(judge, seen=replace(seen, home=row))
            promises[row] = analyze_module._promise(there, analyze_module._exact(there, aims(there.seen), pool))
    assert promises[chosen.seen.home] == max(promises.values()) > min(promises.values())
    assert heard.report["home"]["recording"] in [owners[row] for row in nearest]


def test_what_does_not_vary_is_not_named_and_told_why(heard: Analysis) -> None:
    assert "lateness" not in names(heard)
    assert "a slider needs" in reasons(heard)["lateness"]


def test_ranges_are_the_recordings_even_where_the_decoder_overshoots(varied) -> None:
    corpus, vae = varied
    loud = pca(corpus)
    with torch.no_grad():
        loud.decoder.skip.weight *= 1.5
    places = chunk_places(corpus.training, LENGTH, RATE)
    mels = np.stack([grid.compress(grid.magnitudes(corpus.read(r, s, LENGTH)), SPEC.gain) for r, s in places])
    seen, wide = survey(vae, mels), survey(loud, mels)
    assert np.ptp(wide.decoded[:, 0]) > 1.3 * np.ptp(seen.decoded[:, 0])
    np.testing.assert_array_equal(wide.ranges, seen.ranges)
    levels = [10 * np.log10(np.mean(np.square(corpus.read(r, s, LENGTH)))) for r, s in places]
    np.testing.assert_allclose(wide.percentiles[[0, -1], 0], np.percentile(levels, (2, 98)), atol=2.0)


def test_limits_steps_and_numbers_are_in_order(heard: Analysis) -> None:
    assert [s.number for s in heard.sliders] == list(range(1, len(heard.sliders) + 1))
    assert len(heard.sliders) == len(heard.latent_map.curves) <= 12
    for slider, curve in zip(heard.sliders, heard.latent_map.curves, strict=True):
        assert slider.low <= slider.safe_low <= 0 <= slider.safe_high <= slider.high
        steps = np.linalg.norm(np.diff(curve, axis=0), axis=1)
        assert steps.max() <= 3.01 * np.median(steps[steps > 0])
        np.testing.assert_array_equal(curve[10], 0)
    json.dumps(heard.to_header(), allow_nan=False)


def test_spread_is_the_latents_covariance(varied, heard: Analysis) -> None:
    corpus, vae = varied
    places = chunk_places(corpus.training, LENGTH, RATE)
    around = 2 * HOP
    audio = [corpus.read(r, s - around, LENGTH + 2 * around) for r, s in places]
    mels = np.stack([grid.compress(grid.magnitudes(a)[:, 2:-2], SPEC.gain) for a in audio])
    mean, logvar = vae.encode(torch.from_numpy(mels))
    wanted = np.cov(mean.numpy().T, bias=True) + np.diag(logvar.exp().numpy().mean(0))
    np.testing.assert_allclose(heard.latent_map.spread @ heard.latent_map.spread.T, wanted, rtol=1e-3, atol=1e-4)


def test_a_deaf_vocoder_leaves_no_name(varied) -> None:
    constant = noise(3, -20, 0)[:LENGTH]
    found = analyze(*varied, lambda log_mel: constant)
    assert names(found) == []
    assert "rank correlation" in reasons(found)["loudness"]
    assert all(s.name == f"axis-{n}" for n, s in enumerate(found.sliders, 1))


def test_without_a_vocoder_the_mel_is_measured_and_progress_comes_in_order(varied) -> None:
    steps, shares = analyzing(*varied), []
    try:
        while True:
            shares.append(next(steps).share)
    except StopIteration as end:
        found = end.value
    assert shares == sorted(shares)
    assert 0 <= shares[0] < shares[-1] < 1
    assert "loudness" in names(found)
    assert {row["measured_on"] for row in found.report["descriptors"] if row["kept"]} == {"mel"}


def test_of_one_sound_at_many_levels_only_loudness_is_named(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, [noise(4, level, 0) for level in np.linspace(-40, -12, 12)])
    assert names(analyze(corpus, pca(corpus), vocode)) == ["loudness"]


def test_one_file_repeated_has_no_names_and_says_so(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, [noise(4, -20, 0)] * 4)
    found = analyze(corpus, pca(corpus), vocode)
    assert names(found) == []
    assert len(found.sliders) == len(found.latent_map.curves) < 4
    assert any("vary too little" in note for note in found.notes)


def test_five_short_files_are_analysed_alike_each_time_and_with_a_note(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, [noise(s, -20 - s, i, 0.9) for i, s in enumerate((1, 3, 5, 7, 9))])
    first, second = analyze(corpus, pca(corpus), vocode), analyze(corpus, pca(corpus), vocode)
    np.testing.assert_array_equal(first.latent_map.curves, second.latent_map.curves)
    assert first.to_header() == second.to_header()
    assert np.isfinite(first.latent_map.curves).all()
    assert any("3.6 s of audible recordings" in note for note in first.notes)


def test_silent_stretches_are_left_out(tmp_path: Path) -> None:
    hushed = [np.concatenate([noise(s, -20, s), 1e-4 * noise(2, -20, s, 1.5)]) for s in range(1, 8)]
    corpus = corpus_of(tmp_path, hushed)
    found = analyze(corpus, pca(corpus))
    assert found.report["chunks"] < len(chunk_places(corpus.training, LENGTH, RATE))
    loudness = found.report["descriptors"][0]["percentiles"]
    assert loudness[0] > -65  # the quiet halves lie at -100 dBFS


def test_long_sets_are_sampled_evenly() -> None:
    recordings = [Recording("a", length=RATE * 3600), Recording("b", length=RATE * 1800, start=RATE * 3600)]
    places = chunk_places(recordings, LENGTH, RATE)
    assert len(places) == analyze_module.MOST_CHUNKS
    assert sum(r.name == "a" for r, _ in places) == pytest.approx(351, abs=2)  # sqrt(2) / (1 + sqrt(2)) of 600


def test_short_sets_are_looked_at_closely_and_a_little_beyond_their_ends() -> None:
    places = chunk_places([Recording("a", length=LENGTH), Recording("b", length=20 * RATE, start=LENGTH)], LENGTH, RATE)
    assert [start for r, start in places if r.name == "a"] == [-2048, -1024, 0, 1024, 2048]  # 4 frames, every second one
    starts = [start for r, start in places if r.name == "b"]
    assert len(starts) == pytest.approx(120 * 20**0.5 / (20**0.5 + (LENGTH / RATE) ** 0.5), abs=1)
    assert np.ptp(np.diff(starts)) <= 1
    assert (starts[0], starts[-1]) == (-2048, 20 * RATE - LENGTH + 2048)


def test_a_corpus_without_training_recordings_is_refused(varied) -> None:
    corpus, vae = varied
    empty = object.__new__(Corpus)
    empty.__dict__.update(corpus.__dict__)
    empty.training = []
    with pytest.raises(TrainError):
        analyze(empty, vae)
