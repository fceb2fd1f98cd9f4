"""Travelling on the map while it plays: places between the recordings, how soon they are reached, and what is heard."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from small_models import SMALL_VAE, small_map, sounding

from sda.core.render import Renderer
from sda.core.schedule import Event
from sda.core.sound_map import SoundMap
from sda.core.travel import ROWS, Travel
from sda.errors import TakeError
from sda.formats import moment
from sda.model import Model

RATE = 48_000
CELL = 1024 * RATE / 44_100  # output samples of a cell
ON = {"play": True, "gain": -12.0, "variation": 0.0}
OWN = np.zeros(SMALL_VAE.latent, np.float32)


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(sounding(chunks=12))


def heard(renderer: Renderer, *blocks: int) -> np.ndarray:
    return np.concatenate([renderer.block(cells) for cells in blocks], axis=1)


def test_where_a_chunk_lies_its_own_latent_is() -> None:
    known = small_map(40)
    for place, latent in zip(known.places, known.latents, strict=True):
        assert known.between(*map(float, place)) == pytest.approx(latent, abs=1e-3)


def test_between_two_chunks_lies_their_mean() -> None:
    known = small_map(2)
    middle = known.places.mean(axis=0)
    assert known.between(*map(float, middle)) == pytest.approx(known.latents.mean(axis=0), abs=1e-5)
    near, far = known.latents
    quarter = known.places[0] + (known.places[1] - known.places[0]) / 4
    # Distances d and 3d with a reach R of 6d: ((R - d) / (R d))^2 = (5/6)^2 / d^2 against ((6 - 3) / 18)^2 = (1/6)^2: 25 to 1.
    assert known.between(*map(float, quarter)) == pytest.approx((25 * near + far) / 26, abs=1e-3)


def test_a_way_across_the_map_does_not_jump() -> None:
    known = small_map(60)
    way = np.linspace(-1, 1, 4001)
    points = np.stack([known.between(float(x), 0.3 * float(x)) for x in way])
    nearest = np.stack([known.latents[np.hypot(known.places[:, 0] - x, known.places[:, 1] - 0.3 * x).argmin()] for x in way])
    assert np.abs(np.diff(points, axis=0)).max() < 0.2
    assert np.abs(np.diff(nearest, axis=0)).max() > 1.0  # the nearest chunk alone would


def test_a_latent_is_found_on_the_map() -> None:
    known = small_map(40)
    for index in (0, 7, 39):
        x, y, nearest = known.place(known.latents[index])
        assert nearest == index
        assert (x, y) == pytest.approx(tuple(known.places[index]), abs=1e-3)


def test_the_share_lies_between_both_homes() -> None:
    known = small_map(12)
    x, y = map(float, known.places[4])
    for share in (0.0, 0.25, 1.0):
        travel = Travel.at(OWN, dict(zip(ROWS, (x, y, share), strict=True)))
        assert travel.home(known) == pytest.approx(share * known.latents[4], abs=1e-3)
    assert Travel.at(OWN, {"map.share": 1.0}).home(SoundMap.empty(SMALL_VAE.latent)) is OWN


def test_a_place_is_reached_after_its_cells_and_on_the_straight_way() -> None:
    travel = Travel.at(OWN, {}).to("map.x", 1.0, 4)
    seen = []
    for _ in range(5):
        travel = travel.step()
        seen.append(float(travel.way.position[0]))
    assert seen == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])
    assert travel.step() is travel


def test_it_sounds_as_from_that_home_once_it_is_there(model: Model) -> None:
    x, y = map(float, model.map.places[8])
    there = model.renderer(rate=RATE, values={**ON, "map.x": x, "map.y": y, "map.share": 1.0})
    known = model.renderer(rate=RATE, values=ON, home=9)
    own = model.renderer(rate=RATE, values=ON)
    sounds = [heard(renderer, 40) for renderer in (there, known, own)]
    assert np.abs(sounds[0] - sounds[1]).max() < 1e-3
    assert np.abs(sounds[0] - sounds[2]).max() > 0.01
    assert there.place is not None
    assert there.place[2] == 8
    assert Model(sounding()).renderer(rate=RATE).place is None


def test_a_journey_does_not_depend_on_how_the_stream_is_cut(model: Model) -> None:
    events = (
        Event(3_000, "glide", 300.0),
        Event(3_000, "map.share", 1.0),
        Event(9_000, "map.x", 0.7),
        Event(9_000, "slider.1", 4.0),
        Event(20_000, "map.y", -0.6),
    )
    sounds = []
    for cut in ([1] * 40, [40], [9, 1, 1, 29]):
        renderer = model.renderer(rate=RATE, values=ON)
        for event in events:
            renderer.schedule(event)
        sounds.append(heard(renderer, *cut))
    still = heard(model.renderer(rate=RATE, values=ON), 40)
    assert max(np.abs(other - sounds[0]).max() for other in sounds[1:]) <= 1e-4
    changed = np.flatnonzero(np.abs(sounds[0] - still).max(axis=0) > 1e-6)[0]
    renderer = model.renderer(rate=RATE)
    assert 3_000 - renderer.delay * RATE <= changed <= 3_000 + 3 * CELL


def test_a_journey_goes_on_where_a_moment_was_kept(model: Model) -> None:
    whole = model.renderer(rate=RATE, values={**ON, "glide": 2000.0})
    whole.set("map.share", 1.0)
    whole.set("map.x", 0.8)
    heard(whole, 10)
    kept = moment.from_json(json.loads(json.dumps(moment.to_json(whole.moment()))))
    assert 0 < kept.path.travel.way.position[2] < 0.5  # on its way
    again = model.renderer(rate=RATE, values=kept.values)
    again.begin_at(kept, whole.origin)
    skip = again.made - whole.made
    one, other = heard(whole, 60)[:, skip:], heard(again, 58)
    past, length = round(0.3 * RATE), min(one.shape[1], other.shape[1])
    assert np.abs(one[:, past:length]).max() > 0.01
    assert np.abs(one[:, past:length] - other[:, past:length]).max() <= 1e-4


def test_takes_older_than_travelling_stay_at_home_and_damaged_ones_are_refused(model: Model) -> None:
    kept = moment.to_json(model.renderer(rate=RATE, values={**ON, "map.share": 1.0}).moment())
    older = moment.from_json({name: part for name, part in kept.items() if name != "travel"})
    assert older.path.travel.way.position == pytest.approx([0, 0, 0])
    assert older.path.travel.own == pytest.approx(older.path.rest.home)
    with pytest.raises(TakeError, match="not one this program wrote"):
        moment.from_json({**kept, "travel": [[0.0], [0.0], [0.0]]})
    wrong = replace(older, path=replace(older.path, travel=Travel.at(OWN[:2], {})))
    with pytest.raises(TakeError, match="another model"):
        moment.check(wrong, sliders=2, latent=4, spread=4, frames=88, bands=128)
