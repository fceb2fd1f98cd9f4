"""The trial of a running engine: flooded, given hostile packets, made to swap models, robbed of a child, and recorded."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from sda.adapters.osc_packet import Arg, encode
from sda.adapters.osc_probe import Asker
from sda.formats import audio, distill
from sda.job import environment
from sda.live.selftest_values import TrialError, check_sound, drawn, rows_of
from sda.live.stand_in import stand_in
from sda.model import Model
from sda.params import Param, Value

START = 60.0  # s for an engine to be up
SWAP = 60.0  # s for a model to be loaded beside everything else
PRESET = "selftest"
BURST = 100  # packets between two questions, so that none is lost in the system's buffer
HELD = ("play", "gain", "limiter", "density", "freeze", "morph")  # left alone: the recording must sound
HOSTILE = (  # LAB's killers of other servers in small: a bundle that goes backwards, a pattern, half a message, no OSC
    b"#bundle\0" + bytes(8) + b"\xff\xff\xff\xfc" + bytes(4),
    encode("/sda/" + 20 * "*" + "Z", 1),
    b"/sda/gain\0\0\0,f\0\0\x7f",
    bytes(range(256)),
)


def engine_trial(model: Model, random: np.random.Generator, rounds: int) -> str:
    """A recorded performance; the values at its end are those that were asked for, and the recording is sound."""
    with tempfile.TemporaryDirectory(prefix="sda-selftest-") as folder:
        place = Path(folder)
        names = _library(model, place)
        with _running(names[0], place) as (process, asker):
            packets = sum(_flood(asker, random, model, rounds) for _ in range(2))
            for name in (names[1], names[0]) * 2:
                asker.send(encode("/sda/model", name))
                packets += _flood(asker, random, model, rounds)
                _await_model(asker, name)
            wanted = _set_all(asker, random, model)
            _compare(asker, wanted)
            asker.ask("/sda/preset/save", PRESET, answer="/sda/done")
            packets += _flood(asker, random, model, rounds)
            asker.ask("/sda/preset/recall", PRESET, answer="/sda/done")
            _compare(asker, wanted)
            _end(process)
        _check_recording(place / "out.wav")
    held = "the last value of each control held, those of a preset came back"
    sound = "the recording is whole, every sample finite, none above the limiter's ceiling"
    return f"{packets} packets, every tenth hostile, 4 swaps of the model in mid-flood: {held}, {sound}"


def _library(model: Model, place: Path) -> tuple[str, str]:
    """Two models in a library of their own; their names."""
    other = stand_in(seed=7)
    for document in (replace(model.document, name="first"), replace(other, name="second")):
        (place / "models").mkdir(exist_ok=True)
        distill.write(place / "models" / f"{document.name}.distill", document)
    return "first", "second"


@contextmanager
def _running(name: str, place: Path) -> Iterator[tuple[subprocess.Popen[str], Asker]]:
    """An engine that plays into a file, and a client of it."""
    command = [sys.executable, "-P", "-m", "sda.cli", "run", name, "--headless", "--play", "--osc", "127.0.0.1:0"]
    process = subprocess.Popen(
        [*command, "--audio", f"file:{place / 'out.wav'}"], env={**environment(), "SDA_HOME": str(place)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )  # fmt: skip
    try:
        with Asker(("127.0.0.1", _port(process))) as asker:
            yield process, asker
    finally:  # in order where it can be: its children are still at the folder that is removed next
        with suppress(subprocess.TimeoutExpired):
            _interrupt(process)
            process.communicate(timeout=START)
        process.kill()
        process.communicate()


def _interrupt(process: subprocess.Popen[str]) -> None:
    """Ctrl-C; nothing where it has ended."""
    process.send_signal(signal.SIGINT if os.name == "posix" else signal.CTRL_BREAK_EVENT)  # type: ignore[attr-defined,unused-ignore]


def _port(process: subprocess.Popen[str]) -> int:
    """Where it receives, as it says."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line.strip())
        if found := re.match(r"OSC +127\.0\.0\.1:(\d+)", line):
            return int(found[1])
    raise TrialError(f"the engine ended while it started: {' | '.join(said[-3:])}")


def _moved(model: Model) -> list[Param]:
    return [row for row in rows_of(model) if row.id not in HELD]


def _flood(asker: Asker, random: np.random.Generator, model: Model, rounds: int) -> int:
    """Settings at random, every tenth packet a hostile one; how many there were."""
    rows = _moved(model)
    for n in range(rounds * BURST // 4):
        row = rows[int(random.integers(len(rows)))]
        hostile = HOSTILE[int(random.integers(len(HOSTILE)))]
        asker.send(hostile if n % 10 == 9 else encode(row.address, _plain(drawn(random, row))))
        if n % BURST == BURST - 1:
            asker.ask("/sda/ping", n, answer="/sda/pong")
    return rounds * BURST // 4


def _plain(value: Value) -> Arg:
    return int(value) if isinstance(value, bool) else value


def _await_model(asker: Asker, name: str) -> None:
    end = time.monotonic() + SWAP
    while (said := asker.ask("/sda/status", answer="/sda/status/reply"))[:2] != ("playing", name):
        if time.monotonic() > end:
            raise TrialError(f"{name} did not sound within {SWAP:g} s; the engine says {said!r}")
        time.sleep(0.02)


def _set_all(asker: Asker, random: np.random.Generator, model: Model) -> dict[Param, Value]:
    """Every control once more; what each was sent."""
    wanted = {row: drawn(random, row) for row in _moved(model)}
    for row, value in wanted.items():
        asker.send(encode(row.address, _plain(value)))
    return wanted


def _compare(asker: Asker, wanted: Mapping[Param, Value]) -> None:
    """What the engine says of each control, once everything has taken effect."""
    asker.ask("/sda/sync", 1, answer="/sda/synced")
    for row, value in wanted.items():
        (found,) = asker.ask(f"/sda/q{row.address.removeprefix('/sda')}", answer=row.address)
        same = (
            found == value if isinstance(value, str) else abs(float(str(found)) - float(value)) <= 1e-6 * abs(float(row.high))
        )
        if not same:
            raise TrialError(f"{row.id}: set to {value}, the engine says {found!r}")


def _end(process: subprocess.Popen[str]) -> None:
    """Ctrl-C, and what it says then. Raises `TrialError` for another exit code than 0."""
    _interrupt(process)
    said = process.communicate(timeout=START)[0]
    if process.returncode != 0:
        raise TrialError(f"the engine ended with exit code {process.returncode}: {said.strip().splitlines()[-1:]}")


def _check_recording(path: Path) -> None:
    sound = np.concatenate(list(audio.blocks(path)))
    check_sound(sound, "the recording")
    if float(np.abs(sound).max(initial=0.0)) < 1e-4:
        raise TrialError("the recording is silent")
