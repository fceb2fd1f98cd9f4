"""An older model's components kept as axes: what each moves is measured, and no name is claimed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sda.core.components import Old, kept
from sda.core.latent import LatentMap, Slider
from sda.core.sound_map import SoundMap, drawn

POSITIONS = np.linspace(-10, 10, 21, dtype=np.float32)
NOISE = np.random.default_rng(0).uniform(0.5, 1, (128, 88))


def decode(z: np.ndarray) -> np.ndarray:
    """The first latent is the level in units of 10 dB; the others do nothing."""
    return (0.1 * NOISE * 10 ** (z[:, 0, None, None] / 2)).astype(np.float32)


def old(*sliders: str) -> Old:
    curves = np.zeros((len(sliders), 21, 3), np.float32)
    for number in range(len(sliders)):
        curves[number, :, number] = POSITIONS / 10
    rows = tuple(Slider(n, name, -10, 10, -4, 5, "old words") for n, name in enumerate(sliders, 1))
    notes = ("its sliders are the old program's: named by correlation", "the activation was guessed")
    return Old(LatentMap(np.zeros(3, np.float32), curves, np.eye(3, dtype=np.float32)), rows, notes, decode)


def chunks(spread: float) -> SoundMap:
    latents = np.zeros((41, 3), np.float32)
    latents[:, 0] = np.linspace(-spread, spread, 41)
    latents[:, 1] = np.sin(np.arange(41))
    return drawn(latents, ["a.wav"] * 41, np.arange(41) / 2, decode)


def test_without_recordings_no_name_is_claimed() -> None:
    found = kept(old("brightness", "rms-energy"), None)
    assert [s.name for s in found.sliders] == ["axis-1", "axis-2"]
    # 20 positions of a tenth of 10 dB each
    assert found.sliders[0].explains == "component 1 of the older program; of all that it moves, loudness most: 20 dB"
    assert found.sliders[1].explains == "component 2 of the older program; moves nothing that is heard"
    assert found.report["axes"][0]["heard"] == pytest.approx(np.linspace(0, 20, 9).tolist(), abs=0.01)
    assert [(s.safe_low, s.safe_high) for s in found.sliders] == [(-4, 5)] * 2
    assert found.notes[0] == "the activation was guessed"
    assert "its recordings are not here" in found.notes[1]
    assert found.sound_map is None
    json.dumps(found.to_header(), allow_nan=False)


def test_recordings_give_a_map_and_safe_limits() -> None:
    found = kept(old("brightness", "rms-energy"), chunks(0.5))
    # the 5th and 95th percentile of -0.5 .. 0.5 are -0.45 and 0.45; ten positions are 1
    assert (found.sliders[0].safe_low, found.sliders[0].safe_high) == pytest.approx((-4.5, 4.5), abs=0.01)
    wanted = np.cov(chunks(0.5).latents.T, bias=True)
    np.testing.assert_allclose(found.latent_map.spread @ found.latent_map.spread.T, wanted, atol=1e-5)
    assert np.array_equal(found.latent_map.curves, old("a", "b").latent_map.curves)
    assert "its recordings are not here" not in " ".join(found.notes)


def test_zero_is_always_safe() -> None:
    far = chunks(0.5)
    far = SoundMap(far.places, far.latents + np.float32(3), far.starts, far.owners, far.recordings, far.trust)
    assert (kept(old("a"), far).sliders[0].safe_low, kept(old("a"), far).sliders[0].safe_high) == (0.0, 10.0)


def test_a_model_without_components_gets_those_of_its_recordings() -> None:
    found = kept(old(), chunks(2.0))
    assert [s.name for s in found.sliders] == ["axis-1", "axis-2"]  # as many directions as the recordings have
    # two standard deviations of an even spread from -2 to 2: 41 points have 4 sqrt((41^2 - 1) / 12) / 40
    ends = found.latent_map.curves[0, [0, -1], 0]
    assert np.abs(ends) == pytest.approx(2 * 4 * np.sqrt((41**2 - 1) / 12) / 40, rel=0.01)
    assert "loudness most" in found.sliders[0].explains


def test_again_is_the_same() -> None:
    first = kept(old("brightness", "rms-energy"), None)
    again = kept(Old(first.latent_map, first.sliders, first.notes, decode), None)
    assert again.to_header() == first.to_header()
