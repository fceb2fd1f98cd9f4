"""The map of a model's recordings in the public API: homes for the sliders, the nearest second, ways that stay near."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_models import sounding

import sda
from sda.formats import distill
from sda.model import Model


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(sounding(chunks=12))


def test_sliders_start_from_a_chunk(model: Model) -> None:
    home = model.map.latents[8]
    for which in (9, "9", "gravel.flac@1", home):
        # the curves of the small model are position / 5 along the first two latents
        moved = model.latent({"brightness": 2.5, 2: -10}, home=which)
        assert moved == pytest.approx(home + np.array([0.5, -2, 0, 0]), abs=1e-6)
    assert model.latent({}, home=9) == pytest.approx(home)


def test_sound_starts_from_it_too(model: Model) -> None:
    settings = {"values": {"variation": 0.0, "spatial": "mono"}, "seed": 2}
    there, same, own = (model.render(0.5, home=home, **settings) for home in (9, model.map.latents[8], None))
    assert np.array_equal(there, same)
    assert np.abs(there - own).max() > 0.01


@pytest.mark.parametrize("home", [13, "mud.wav", np.zeros(3), np.full(4, np.nan)])
def test_a_home_that_is_none(model: Model, home: object) -> None:
    with pytest.raises(sda.SdaError, match=r"expected|no recording"):
        model.latent({}, home=home)  # type: ignore[arg-type]


def test_the_nearest_chunk_is_named(model: Model) -> None:
    for number in (1, 7, 12):
        near = model.nearest(model.map.latents[number - 1])
        assert near.chunk == model.map.chunk(number)
        assert near.distance_db == pytest.approx(0, abs=0.01)
    other = model.nearest(model.map.latents[6] + np.float32(0.01))
    assert (other.chunk.number, str(other)) == (7, f"{other.distance_db:.1f} dB from gravel.flac at 0 s")
    assert 0 < other.distance_db < 3


def test_between_two_states_the_recordings_are_near(model: Model) -> None:
    a, b = model.latent({1: -4}, home=2), model.latent({2: 5}, home=11)
    way = model.between(a, b, 9)
    assert way.points.shape == (9, 4)
    assert np.array_equal(way.points[[0, -1]], np.stack([a, b]))
    straight = [model.nearest(z).distance_db for z in np.linspace(a, b, 9)[1:-1]]
    assert way.distances[1:-1].mean() < np.mean(straight)
    assert way.distances == pytest.approx([model.nearest(z).distance_db for z in way.points], abs=1e-3)
    with pytest.raises(sda.SdaError, match="2 points or more"):
        model.between(a, b, 1)


def test_a_model_without_a_map_says_how_to_make_one() -> None:
    bare = Model(sounding())
    assert len(bare.map) == 0
    for ask in (lambda: bare.nearest(np.zeros(4, np.float32)), lambda: bare.latent({}, home=1)):
        with pytest.raises(sda.SdaError, match="sda-engine analyze"):
            ask()


def test_the_map_survives_half_precision(tmp_path: Path, model: Model) -> None:
    path = tmp_path / "pebbles.distill"
    distill.write(path, sounding(chunks=12), half=True)
    loaded = sda.load(path)
    assert [str(c) for c in loaded.map.chunks] == [str(c) for c in model.map.chunks]
    assert loaded.map.latents == pytest.approx(model.map.latents, abs=0.005)


def test_a_damaged_map_is_refused_as_a_model(tmp_path: Path) -> None:
    document = sounding(chunks=12)
    document.tensors["analysis.map.owners"][3] = 7
    with pytest.raises(sda.SdaError, match="map"):
        Model(document)
