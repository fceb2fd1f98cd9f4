"""BigVGAN-v2 at full size against the package `bigvgan` 2.4.1: speed, error, memory, loading, compiling, blocks. One thread.

Run: python tests/benchmarks/bench_bigvgan.py [--long] [--memory], on Linux. All sides have the same random weights and take
turns in this process; times are the least CPU seconds. Peak memory is that of a process of its own. `--long` adds 60 s of
audio to it (minutes), `--memory` leaves the speeds out.
"""

from __future__ import annotations

import contextlib
import io
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from bigvgan_weights import SMALL, TINY, log_mel, random_weights, reference
from sda._vendor.bigvgan import kernels, pin
from sda._vendor.bigvgan.fast import FastNetwork
from sda._vendor.bigvgan.network import Config, from_weights
from sda._vendor.bigvgan.runner import Runner

from sda import universal
from sda.core.bigvgan import BigVganVocoder
from sda.weights import Store, bring

RATE = 44_100  # Hz
ROUNDS = 3
BAR, TOLERANCE = 1.7, 1e-4
WEIGHTS = "weights.pt"


def least_seconds(sides: Sequence[Callable[[], object]]) -> list[float]:
    """CPU seconds of the fastest run of each side, the sides taking turns."""
    least = [math.inf] * len(sides)
    for _ in range(ROUNDS):
        for number, side in enumerate(sides):
            start = time.process_time()
            side()
            least[number] = min(least[number], time.process_time() - start)
    return least


def compiling() -> None:
    """CPU seconds from nothing to the first answer of a tiny network, and again."""
    network = FastNetwork(from_weights(random_weights(TINY), TINY))
    x, seconds = log_mel(TINY, 8), []
    for _ in range(2):
        start = time.process_time()
        network(x)
        seconds.append(time.process_time() - start)
    print(f"compiling the kernels: {seconds[0] - seconds[1]:.1f} s, once a process, or once if a folder keeps them")
    assert not kernels.join.stats.cache_hits


def bare_reference(weights: dict[str, torch.Tensor]) -> torch.nn.Module:
    """As its users run it: weight norm removed."""
    net = reference(Config(), weights)
    with contextlib.redirect_stdout(io.StringIO()):
        net.remove_weight_norm()  # type: ignore[operator]
    return net


def speeds(weights: dict[str, torch.Tensor]) -> None:
    """Seconds a second of audio of reference, plain and fast, on inputs that are computed in one window."""
    theirs = bare_reference(weights)
    plain = from_weights(weights)
    fast = FastNetwork(plain)
    print(f"{'frames':>7} {'reference':>10} {'plain':>6} {'fast':>6} {'fast ratio':>11} {'error plain':>12} {'error fast':>11}")
    for frames in (86, 298):
        x = log_mel(Config(), frames)
        wanted = theirs(x)
        errors = [float((net(x) - wanted).abs().max()) for net in (plain, fast)]
        audio = frames * Config().hop / RATE
        sides = [lambda net=net, x=x: net(x) for net in (theirs, plain, fast)]
        reference_s, plain_s, fast_s = (seconds / audio for seconds in least_seconds(sides))
        ratio = reference_s / fast_s
        figures = f"{reference_s:10.2f} {plain_s:6.2f} {fast_s:6.2f} {ratio:11.2f} {errors[0]:12.1e} {errors[1]:11.1e}"
        print(f"{frames:7} {figures}   loudest sample {float(wanted.abs().max()):.2f}")
        assert max(errors) <= TOLERANCE
        if ratio < BAR:
            print(f"        below the bar of {BAR}")


def small(weights: dict[str, torch.Tensor]) -> None:
    """The error on a small network, edges and inputs shorter than every padding included."""
    theirs, plain = reference(SMALL, weights), from_weights(weights, SMALL)
    for name, ours in (("plain", plain), ("fast", FastNetwork(plain))):
        errors = [float((ours(x) - theirs(x)).abs().max()) for x in (log_mel(SMALL, frames) for frames in (1, 2, 7, 150))]
        print(f"small network, {name}: largest error of 1, 2, 7 and 150 frames {max(errors):.1e}")
        assert max(errors) <= TOLERANCE


def blocks(weights: dict[str, torch.Tensor]) -> None:
    """What the context costs in blocks of several lengths, against a whole that needs none."""
    vocoder = BigVganVocoder(Runner(from_weights(weights), fast=True))
    frames = 512
    x = log_mel(Config(), frames)[0].numpy()
    start = time.process_time()
    vocoder(x)
    whole = time.process_time() - start
    for block in (32, 128, 512):
        state = vocoder.start()
        _, state = vocoder.step(x[:, :42], state)  # from here on every block has its context
        start = time.process_time()
        for place in range(0, max(128, block), block):
            _, state = vocoder.step(x[:, place : place + block], state)
        spent = (time.process_time() - start) / max(128, block) * frames
        counted = (block + 2 * Config().context) / block - 1
        print(f"blocks of {block:3} frames: {spent / whole - 1:+.0%} CPU time, {counted:+.0%} frames")


def loading(folder: Path, weights: dict[str, torch.Tensor]) -> None:
    """The first load, of a file of the published kind, and later ones, of the copy that it made."""
    torch.save({"generator": reference(Config(), weights).state_dict()}, folder / "bigvgan_generator.pt")
    bring(Store(folder / "cache", pin()), folder, unverified=True)
    for what in ("first load, of the .pt, and making the copy", "next load, of the copy"):
        command = [sys.executable, __file__, "--load", str(folder / "cache")]
        print(f"{what}: {subprocess.run(command, check=True, capture_output=True, text=True).stdout.rstrip()}")


def load(cache: str) -> None:
    """The child of `loading`."""
    torch.set_num_threads(1)
    wall, start = time.perf_counter(), time.process_time()
    universal.load("cpu", Store(Path(cache), pin()))
    spent = time.process_time() - start
    print(f"{time.perf_counter() - wall:.1f} s, {spent:.1f} s of CPU, importing torch not counted, peak {_megabytes():.0f} MB")


def memory(folder: Path, seconds: float, kind: str) -> None:
    """Peak of a process that loads the weights and computes so much."""
    command = [sys.executable, __file__, "--one", str(folder / WEIGHTS), str(seconds), kind]
    print(subprocess.run(command, check=True, capture_output=True, text=True).stdout.rstrip())


def one(file: str, seconds: float, kind: str) -> None:
    """The child of `memory`."""
    torch.set_num_threads(1)
    weights, frames = torch.load(file, weights_only=True, mmap=True), round(seconds * RATE / Config().hop)
    if kind == "reference":
        net = bare_reference(weights)
        del weights
        loaded, start = _megabytes(), time.process_time()
        with torch.inference_mode():
            net(log_mel(Config(), frames))
    else:
        vocoder = BigVganVocoder(Runner(from_weights(weights), fast=kind == "fast"))
        del weights
        loaded, start = _megabytes(), time.process_time()
        audio = vocoder(log_mel(Config(), frames)[0].numpy())
        assert audio.shape == (frames * vocoder.hop,)
        assert np.isfinite(audio).all()
    spent = time.process_time() - start
    print(
        f"{kind:>10} {seconds:5.0f} s of audio: peak {_megabytes():5.0f} MB ({loaded:.0f} to load), {spent / seconds:.2f} s/s"
    )


def _megabytes() -> float:
    """The peak of this program alone: getrusage counts that of the process which started it as well."""
    status = Path("/proc/self/status").read_text()
    return float(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024


@torch.inference_mode()
def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], float(sys.argv[3]), sys.argv[4])
        return
    if sys.argv[1:2] == ["--load"]:
        load(sys.argv[2])
        return
    torch.set_num_threads(1)
    compiling()
    small(random_weights(SMALL))
    weights = random_weights(Config())
    if "--memory" not in sys.argv:
        speeds(weights)
        blocks(weights)
    with tempfile.TemporaryDirectory() as folder:
        loading(Path(folder), weights)
    with tempfile.TemporaryDirectory() as folder:
        torch.save(weights, Path(folder) / WEIGHTS)
        del weights
        for kind in ("reference", "plain", "fast"):
            memory(Path(folder), 1, kind)
        if "--long" in sys.argv:
            memory(Path(folder), 60, "fast")


if __name__ == "__main__":
    main()
