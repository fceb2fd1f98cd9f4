"""Trials of the whole signal path on this machine, each from a seed: for a bug report, and to know before a concert.

In the manner of pluginval (github.com/Tracktion/pluginval): a level says how much is tried, a seed what; the same level and
seed try the same on every machine. A trial tells what it did, or fails with what came out and what was expected.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from sda.control import Controls
from sda.core.render import Renderer
from sda.live.selftest_engine import engine_trial
from sda.live.selftest_values import Floats, TrialError, check_sound, drawn, rows_of
from sda.model import Model
from sda.params import Kind, Value

RATE = 48_000
BLOCKS = 20  # of sound a round
TOLERANCE = 1e-4  # of full scale, the contract of blocks
ENGINE = 5  # the level from which a running engine is tried
SETTLE = 0.5  # s after which the limiter's look-ahead and all ramps are over


class Trial(NamedTuple):
    """One thing to try."""

    name: str
    level: int  # from which it is tried
    run: Callable[[Model, np.random.Generator, int], str]  # (model, random numbers, rounds): what it did


def examine(model: Model, level: int, seed: int) -> Iterator[tuple[str, bool, str]]:
    """Every trial of a level: (name, whether it held, what it did or what went wrong)."""
    for trial in TRIALS:
        if trial.level > level:
            continue
        random = np.random.default_rng([seed, sum(trial.name.encode())])  # a trial more must not change the others
        try:
            yield trial.name, True, trial.run(model, random, 2**level)
        except TrialError as error:
            yield trial.name, False, str(error)
        except Exception as error:  # what is looked for
            yield trial.name, False, f"a bug in this program: {type(error).__name__}: {error}"


def sounding(model: Model, values: dict[str, Value]) -> Renderer:
    return model.renderer(rate=RATE, values={**values, "play": True}, vocoder="hifigan" if model.document.vocoder else "draft")


def _take(renderer: Renderer, blocks: int) -> Floats:
    return np.concatenate([renderer.block() for _ in range(blocks)], axis=1)


def _extremes(model: Model, random: np.random.Generator, rounds: int) -> str:
    renderer, tried = sounding(model, {"glide": 0.0}), 0
    for row in rows_of(model):
        ends: tuple[Value, ...] = row.choices if row.kind is Kind.CHOICE else (row.low, row.high)
        for value in (*ends, row.default):
            renderer.set(row.id, value)
            check_sound(_take(renderer, 2), f"{row.id} at {value}", limited=row.id != "limiter")
            tried += 1
        renderer.set("play", True)
    return (
        f"{tried} settings at the ends of {len(rows_of(model))} controls: every sample finite, none above the limiter's ceiling"
    )


def _cuts(model: Model, random: np.random.Generator, rounds: int) -> str:
    values: dict[str, Value] = {"density": 8.0, "variation": 1.0, "seed": int(random.integers(1000))}
    sizes = [int(size) for size in random.integers(1, 12, min(rounds, 64))]
    whole = _take(sounding(model, values), sum(sizes))
    odd = sounding(model, values)
    cut = np.concatenate([odd.block(size) for size in sizes], axis=1)
    count = min(whole.shape[1], cut.shape[1])
    worst = float(np.abs(whole[:, :count] - cut[:, :count]).max())
    if worst > TOLERANCE:
        raise TrialError(f"blocks of {sizes}: {worst:.2e} from the same sound in even blocks, expected at most {TOLERANCE:.0e}")
    return f"{len(sizes)} blocks of 1 to 11 cells: the sound of even ones within {TOLERANCE:.0e}"


def _again(model: Model, random: np.random.Generator, rounds: int) -> str:
    rows = rows_of(model)
    events = [(row := rows[int(random.integers(len(rows)))], drawn(random, row)) for _ in range(rounds)]
    sounds = []
    for _ in range(2):
        renderer, parts = sounding(model, {"glide": 100.0}), []
        for row, value in events:
            renderer.set(row.id, value)
            parts.append(renderer.block())
        sounds.append(np.concatenate(parts, axis=1))
    if not np.array_equal(sounds[0], sounds[1]):
        raise TrialError(f"{rounds} events played twice: {np.abs(sounds[0] - sounds[1]).max():.2e} apart, expected none")
    return f"{rounds} events played twice: the same samples"


def _fuzz(model: Model, random: np.random.Generator, rounds: int) -> str:
    rows, renderer, settings = rows_of(model), sounding(model, {}), 0
    limited_since = 0.0  # s
    for _ in range(rounds * 4):
        for _ in range(int(random.integers(1, 8))):
            row = rows[int(random.integers(len(rows)))]
            value = drawn(random, row)
            renderer.set(row.id, value)
            settings += 1
            if row.id == "limiter":
                limited_since = 0.0 if value else float("-inf")
        sound = renderer.block(int(random.integers(1, 5)))
        limited_since += sound.shape[1] / RATE
        check_sound(sound, f"after {settings} settings", limited=limited_since > SETTLE)
    return f"{settings} settings at random, {rounds * 4} blocks: every sample finite, none above the limiter's ceiling"


def _restore(model: Model, random: np.random.Generator, rounds: int) -> str:
    """What an engine writes down of its controls is what the next one begins with."""
    controls = Controls()
    controls.install_sliders([slider.name for slider in model.sliders])
    for n in range(rounds):
        for row in rows_of(model):
            controls.set(row.id, drawn(random, row), f"round {n}")
        kept: dict[str, Value] = json.loads(json.dumps(controls.values()))
        if kept != controls.values():
            raise TrialError(f"values {controls.values()} came back as {kept}")
    sounds = [_take(sounding(model, values), BLOCKS) for values in (controls.values(), kept)]
    if not np.array_equal(sounds[0], sounds[1]):
        raise TrialError("values that were written down and read again sound otherwise")
    return f"{rounds} states of {len(kept)} controls written down and read again: the same values, the same samples"


TRIALS = (
    Trial("ends of every control", 1, _extremes),
    Trial("odd blocks", 1, _cuts),
    Trial("the same twice", 1, _again),
    Trial("controls at random", 1, _fuzz),
    Trial("state restored", 1, _restore),
    Trial("a running engine", ENGINE, engine_trial),
)
