"""The renderer and its places: what acts where, however the stream is cut, and a stream that is taken up again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from small_models import SMALL_GENERATOR, sounding

from sda.core.band_groups import GROUPS
from sda.core.hifigan_device import HifiganOnDevice
from sda.core.render import Moment, Renderer
from sda.core.schedule import Event
from sda.core.vocoder import HifiganVocoder
from sda.errors import ControlError, TakeError
from sda.formats import moment
from sda.model import Model

RATE = 48_000
CELL = 1024 * RATE / 44_100  # output samples of a cell
ON = {"play": True, "gain": -12.0}


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(sounding())


@pytest.fixture(scope="module")
def noisy() -> Model:
    """A model whose vocoder hears random numbers beside the mel."""
    document = sounding(own_vocoder=False)
    generator = replace(SMALL_GENERATOR, noise=2)
    random = np.random.default_rng(3)
    own = {k: v for k, v in sounding().tensors.items() if k.startswith("vocoder.")}
    weight = own["vocoder.conv_pre.weight"]
    more = random.standard_normal((weight.shape[0], 2, weight.shape[2])).astype(np.float32)
    own["vocoder.conv_pre.weight"] = np.concatenate([weight, 0.3 * more], axis=1)
    return Model(replace(document, vocoder=generator, tensors={**document.tensors, **own}))


@pytest.fixture(scope="module")
def tonal() -> Model:
    """A model of loud peaks, whose vocoder lets next to nothing be heard but its partials."""
    document = sounding()
    peaks = np.where(np.arange(128) % 8 == 3, 0.95, 0.3).astype(np.float32)
    own = {"vae.band_mean": peaks, "vocoder.conv_post.weight": 1e-6 * document.tensors["vocoder.conv_post.weight"]}
    own["vocoder.mixer.gate.bias"] = np.repeat(np.float32([0.5, 0]), GROUPS)
    return Model(replace(document, tensors={**document.tensors, **own}))


def heard(renderer: Renderer, blocks: Sequence[int]) -> np.ndarray:
    return np.concatenate([renderer.block(cells) for cells in blocks], axis=1)


EVENTS = (
    Event(3_000, "slider.1", 7.0),
    Event(5_001, "gain", -20.0),
    Event(5_002, "width", 0.9),
    Event(9_000, "strike", 0.9),
    Event(11_000, "glide", 200.0),
    Event(11_000, "slider.2", -6.0),
    Event(14_000, "play", False),
    Event(31_111, "play", True),
    Event(36_000, "freeze", True),
    Event(36_000, "density", 9.0),
    Event(43_000, "freeze", False),
)


def test_what_happens_at_places_does_not_depend_on_how_the_stream_is_cut(model: Model) -> None:
    cuts = [1] * 60, [60], [7, 1, 1, 20, 2, 29]
    sounds, told = [], []
    for cut in cuts:
        renderer = model.renderer(rate=RATE, values=ON)
        for event in EVENTS:
            renderer.schedule(event)
        sounds.append(heard(renderer, cut))
        told.append(sorted(renderer.applied(), key=lambda e: (e.pos, e.id)))
    assert np.abs(sounds[0]).max() > 0.01
    assert not sounds[0][:, 14_500:31_111].any()
    for other in sounds[1:]:
        assert np.abs(other - sounds[0]).max() <= 1e-4
    assert told[0] == told[1] == told[2]
    stage = {e.id: e.pos for e in told[0] if e.id in ("gain", "width")}
    assert stage == {"gain": 5_001, "width": 5_002}
    cell = next(e.pos for e in told[0] if e.id == "slider.1")  # the first cell that begins at 3,000 or later: the third
    assert cell == int(np.ceil(3 * CELL)) == 3344


def test_without_the_event_it_sounds_different_from_its_place_on_and_the_same_before(model: Model) -> None:
    for event in (Event(20_000, "gain", 0.0), Event(20_000, "slider.1", 9.0), Event(20_000, "strike", 1.0)):
        plain, moved = (model.renderer(rate=RATE, values={**ON, "glide": 0.0}) for _ in range(2))
        moved.schedule(event)
        difference = np.abs(heard(plain, [40]) - heard(moved, [40])).max(axis=0)
        early = 0 if event.id == "gain" else plain.delay * RATE  # the vocoder sees the frames that come
        assert 20_000 - early <= np.flatnonzero(difference)[0] <= 20_000 + 2 * CELL
        assert difference.max() > 1e-3


def test_gain_acts_at_its_sample(model: Model) -> None:
    renderer = model.renderer(rate=RATE, values=ON)
    renderer.schedule(Event(20_000, "gain", -60.0))
    renderer.schedule(Event(44_000, "gain", 0.0))
    wave = np.abs(heard(renderer, [50])).max(axis=0)
    silent = np.flatnonzero(wave[10_000:] == 0)[0] + 10_000
    again = np.flatnonzero(wave[silent:])[0] + silent
    # The fade of 240 samples is over with its last one; both begin the stage's delay after their place.
    assert silent == 20_000 + 239 + renderer.stage_delay
    assert again == 44_000 + renderer.stage_delay


def test_the_last_word_that_came_counts(model: Model) -> None:
    renderer = model.renderer(rate=RATE, values=ON)
    renderer.schedule(Event(10_000, "gain", -60.0))
    renderer.set("gain", -6.0)
    renderer.schedule(Event(0, "width", 0.25))  # past: now
    heard(renderer, [30])
    assert [(e.pos, e.id, e.value) for e in renderer.applied()] == [(0, "gain", -6.0), (0, "width", 0.25)]


@pytest.mark.parametrize(
    ("which", "cuts"),
    [("model", [37]), ("noisy", [37]), ("tonal", [37]), ("tonal", [90]), ("tonal", [37, 46, 7]), ("tonal", [1] * 90)],
    ids=["model", "noisy", "tonal, soon after a rest", "tonal", "tonal, two steps", "tonal, live"],
)
def test_a_stream_taken_up_in_its_midst_is_the_same_once_its_past_is_over(
    which: str, cuts: list[int], request: pytest.FixtureRequest
) -> None:
    model: Model = request.getfixturevalue(which)
    whole = model.renderer(rate=RATE, values={**ON, "glide": 900.0})
    whole.origin = 5_000
    for event in EVENTS:
        whole.schedule(replace(event, pos=event.pos + 5_000))
    heard(whole, cuts)
    kept = moment.from_json(json.loads(json.dumps(moment.to_json(whole.moment()))))
    again = model.renderer(rate=RATE, values=kept.values)
    again.begin_at(kept, whole.origin)
    assert again.made >= whole.made
    assert again.head == whole.head
    for event in whole.scheduled():
        again.schedule(event)
    skip = again.made - whole.made
    one, other = heard(whole, [60])[:, skip:], heard(again, [1] * 58)
    past = round(0.02 * RATE)
    length = min(one.shape[1], other.shape[1])
    assert np.abs(one[:, past:length]).max() > 0.01
    assert np.abs(one[:, past:length] - other[:, past:length]).max() <= 1e-5


def taken_up(kept: Moment, like: Renderer) -> np.ndarray:
    """What follows a moment, from where its past is over, by a renderer of the same voice."""
    again = Renderer(like.voice, RATE, kept.values)
    again.begin_at(kept, 0)
    return heard(again, [40])[:, round(0.02 * RATE) :]


def test_a_moment_without_its_phases_goes_on_with_others(tonal: Model) -> None:
    whole = tonal.renderer(rate=RATE, values=ON)
    heard(whole, [30, 10, 10])
    kept = whole.moment()
    assert kept.past is not None
    assert kept.past.shape == (128, 2 * 20)  # the vocoder's memory is of more than 10 cells and begins in the midst of a step
    right, wrong = taken_up(kept, whole), taken_up(replace(kept, phases=None), whole)
    assert np.abs(right).max() > 0.02
    assert np.abs(right - wrong).max() > 0.02


def test_another_kind_of_vocoder_takes_a_moment_up(tonal: Model) -> None:
    document, whole = tonal.document, tonal.renderer(rate=RATE, values=ON)
    own = {k.removeprefix("vocoder."): v for k, v in document.tensors.items() if k.startswith("vocoder.")}
    assert document.vocoder is not None
    torch = HifiganOnDevice(document.vocoder, own, device="cpu")
    other = Renderer(replace(whole.voice, vocoder=torch), RATE, ON)
    heard(whole, [30, 20])
    heard(other, [30, 20])
    one, two = whole.moment(), other.moment()
    assert one.phases is not None
    assert two.phases is not None
    assert one.phases.tobytes() == two.phases.tobytes()  # the same rules for the same mel
    assert np.abs(taken_up(one, whole) - taken_up(one, other)).max() <= 1e-4
    plain = tonal.renderer(rate=RATE, values=ON).voice.vocoder
    unexcited = replace(SMALL_GENERATOR, excited=0)
    bare = {k: v for k, v in own.items() if not k.startswith(("excitations.", "mixer."))}
    assert plain.going_on(plain.start(7, one.phases)).tobytes() == one.phases.tobytes()  # type: ignore[union-attr]
    for silent in (HifiganVocoder(unexcited, bare), HifiganOnDevice(unexcited, bare, device="cpu")):
        assert silent.going_on(silent.start(7, one.phases)) is None  # nothing of the kind goes on in it


def test_the_partials_go_on_in_a_renderer_that_follows(tonal: Model) -> None:
    leaving, coming = (tonal.renderer(rate=RATE, values=ON) for _ in range(2))
    heard(leaving, [30, 20, 3])
    run_in = coming.follow(leaving)
    assert run_in is not None
    again = tonal.renderer(rate=RATE, values=ON)
    again.begin_at(coming.moment(), 0)
    skip = again.made - coming.made
    old, new = heard(leaving, [60]), heard(coming, [60])
    assert np.abs(old[:, run_in:]).max() > 0.02
    assert np.abs(old - new)[:, run_in:].max() <= 1e-5
    late = heard(again, [50])[:, run_in:]
    assert np.abs(new[:, skip + run_in :][:, : late.shape[1]] - late).max() <= 1e-5


def test_a_moment_of_another_model_or_a_damaged_one_is_refused(model: Model) -> None:
    kept = moment.to_json(model.renderer(rate=RATE).moment())
    size = {"sliders": 2, "latent": 4, "spread": 4, "frames": 88, "bands": 128}
    moment.check(moment.from_json(kept), **size)
    for name in size:
        if name != "frames":  # no grain is too long
            with pytest.raises(TakeError, match="another model"):
                moment.check(moment.from_json(kept), **{**size, name: 3})
    pasts = [128, "AAA"], [0, ""], [128, "AACAvw=="], [1, "AACAvw=="]  # cut short, no bands, no whole frame, below zero
    older = moment.from_json({k: v for k, v in kept.items() if k not in ("past", "phases")})  # begins as after silence
    assert older.past is None
    assert older.phases is None
    moment.check(older, **size)
    model.renderer(rate=RATE).begin_at(older, 0)
    for damaged in ({}, [], {**kept, "glides": [[1]]}, {**kept, "samples": "x"}, {**kept, "grains": {}},
                    {**kept, "values": {"gain": [1]}}, {**kept, "rest": [[0, 0], [0, "a"], 0, None, [0]]},
                    *({**kept, "past": past} for past in pasts)):  # fmt: skip
        with pytest.raises(TakeError, match="not one this program wrote"):
            moment.from_json(damaged)


def fed(renderer: Renderer) -> list[np.ndarray]:
    """The magnitudes [M, n] of the blocks to come."""
    mels, step = list[np.ndarray](), renderer._feed.step
    renderer._feed.step = lambda mel, state: (mels.append(mel), step(mel, state))[1]  # type: ignore[method-assign]
    return mels


def test_without_density_only_struck_grains_sound_as_hard_as_they_are_struck(model: Model) -> None:
    mels = []
    for velocity in (1.0, 0.5):
        renderer = model.renderer(rate=RATE, values={**ON, "density": 0.0, "variation": 0.0})
        mels.append(fed(renderer))
        heard(renderer, [10])
        renderer.set("strike", velocity)
        heard(renderer, [60])
        with pytest.raises(ControlError, match="strike"):
            renderer.set("strike", "loud")
    (before, hard), (_, soft) = mels
    assert not before.any()
    np.testing.assert_allclose(soft, hard / 4, rtol=1e-4)  # level is velocity squared
    level = hard.mean(axis=0)
    assert level[:2].max() > 0.3 * level.max() > 0  # up within two frames
    assert level[80] < 0.1 * level.max()
    assert not level[88:].any()  # it lasts as long as the decoder does


def test_strikes_are_laid_over_the_stream_and_a_drummer_has_his_limit(model: Model) -> None:
    plain, struck = (model.renderer(rate=RATE, values={**ON, "variation": 0.0}) for _ in range(2))
    mels = [fed(plain), fed(struck)]
    heard(plain, [10])
    for _ in range(20):
        struck.set("strike", 1.0)
    assert sum(grain.struck for grain in struck._path_state.grains.grains) == 8
    heard(struck, [10])
    # Eight strikes of one grain are a mean, so one grain's level is what they add to the others, which stay as they were.
    over = (mels[1][0] - mels[0][0])[:, 2:]
    assert over.min() >= -1e-6
    assert over.max() > 0


def test_freeze_holds_the_mel(model: Model) -> None:
    renderer = model.renderer(rate=RATE, values={**ON, "variation": 1.0, "density": 8.0, "glide": 0.0})
    mels = fed(renderer)
    heard(renderer, [20])
    renderer.set("freeze", True)
    renderer.set("strike", 1.0)
    renderer.set("slider.1", 9.0)
    heard(renderer, [20])
    renderer.set("freeze", False)
    heard(renderer, [20])
    moving, frozen, after = (mels[n] for n in range(3))
    assert np.ptp(frozen, axis=1).max() == 0
    np.testing.assert_array_equal(frozen[:, 0], moving[:, -1])
    assert np.ptp(moving, axis=1).max() > 0
    assert np.ptp(after, axis=1).max() > 0
