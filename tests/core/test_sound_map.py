"""The map of a model's recordings: chunks by number and by name, in a file and back, damaged ones refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from small_models import SMALL_VAE, small_map

from sda.core.sound_map import SoundMap, drawn
from sda.errors import ControlError, ModelError

Z = SMALL_VAE.latent


def back(header: object, tensors: dict[str, np.ndarray]) -> SoundMap:
    return SoundMap.of(json.loads(json.dumps(header)), tensors, Z)


@pytest.mark.parametrize(
    ("which", "number"),
    [(1, 1), ("10", 10), ("drip.wav", 1), ("drip", 1), ("gravel", 6), ("gravel.flac@1.1", 8), ("drip@99", 5), ("drip@-3", 1)],
)
def test_a_chunk_by_number_and_by_name(which: int | str, number: int) -> None:
    chunk = small_map(10).chunk(which)
    assert chunk.number == number
    assert (chunk.recording, chunk.start_s) == (("drip.wav", "gravel.flac")[number > 5], (number - 1) % 5 / 2)
    assert np.array_equal(small_map(10).latent(which), small_map(10).latents[number - 1])


@pytest.mark.parametrize(
    ("which", "words"),
    [
        (0, "chunk 0: expected 1 to 10"),
        (11, "expected 1 to 10"),
        ("rain", "no recording 'rain' on the map; it has drip.wav, gravel.flac"),
        ("drip@soon", "found 'soon' for the seconds"),
        ("", "no recording ''"),
    ],
)
def test_a_chunk_that_is_not_there(which: int | str, words: str) -> None:
    with pytest.raises(ControlError, match=words):
        small_map(10).chunk(which)


def test_a_model_without_a_map_says_how_to_make_one() -> None:
    for which in (1, "drip"):
        with pytest.raises(ControlError, match="sda-engine analyze"):
            SoundMap.empty(Z).chunk(which)


def test_it_comes_back_from_a_file() -> None:
    made = small_map(10)
    found = back(made.to_header(), made.tensors())
    assert found.chunks == made.chunks
    assert np.array_equal(found.latents, made.latents)
    assert (found.trust, len(back(None, {}))) == (0.9, 0)


@pytest.mark.parametrize(
    "damage",
    [
        {"analysis.map.owners": np.full(10, 2, np.float32)},
        {"analysis.map.owners": np.full(10, -1, np.float32)},
        {"analysis.map.latents": np.zeros((10, Z + 1), np.float32)},
        {"analysis.map.places": np.zeros((9, 2), np.float32)},
    ],
)
def test_arrays_that_do_not_fit_are_refused(damage: dict[str, np.ndarray]) -> None:
    made = small_map(10)
    with pytest.raises(ModelError, match="map"):
        back(made.to_header(), made.tensors() | damage)


def test_a_header_that_does_not_fit_is_refused() -> None:
    made = small_map(10)
    for header in (None, {"recordings": 3, "trustworthiness": 1.0}, {"recordings": []}):
        with pytest.raises(ModelError, match="map"):
            back(header, made.tensors())
    lacking = {name: array for name, array in made.tensors().items() if not name.endswith("starts")}
    with pytest.raises(ModelError, match="starts"):
        back(made.to_header(), lacking)


def test_neighbours_on_a_drawn_map_sound_alike() -> None:
    random = np.random.default_rng(0)
    loud = np.repeat([0.001, 0.1, 1.0], 10)  # three kinds of noise, told apart by their levels alone
    sounds = (loud[:, None, None] * random.uniform(0.5, 1, (30, 128, 88))).astype(np.float32)
    latents = np.eye(30, dtype=np.float32)
    names = [f"{kind}.wav" for kind in np.repeat(["soft", "middle", "loud"], 10)]
    made = drawn(latents, names, np.tile(np.arange(10) / 2, 3), lambda z: sounds[z.argmax(1)])
    apart = np.square(made.places[:, None] - made.places).sum(2) + np.where(np.eye(30, dtype=bool), np.inf, 0)
    assert (made.owners[apart.argmin(1)] == made.owners).all()
    assert made.recordings == ("soft.wav", "middle.wav", "loud.wav")
    assert made.chunk("loud@1").number == 23
    assert made.trust > 0.7  # within a kind nothing but chance tells sounds apart
