"""The streaming vocoder and the VAE's decoder in ONNX Runtime against eager torch: ratios and errors, one thread each.

Run: python tests/benchmarks/bench_vocoder.py. Both sides take turns in this process; times are the least CPU seconds.
"""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import threadpoolctl
import torch
from numpy.typing import NDArray

from sda.core.excitation import excite, in_step, start
from sda.core.frame_noise import noise_of
from sda.core.graph import decoder_graph, session
from sda.core.hifigan import Generator
from sda.core.vae import Vae
from sda.core.vocoder import HifiganVocoder
from sda.formats.base import read_base
from sda.graph_store import GraphStore
from sda.spec import VaeSpec
from sda.train.copy_synthesis import synthesise

Floats = NDArray[np.float32]

SECONDS = 4.0  # of each measurement, all sides together
WHOLE_FRAMES = 861  # 10 s


def least_seconds(sides: Sequence[Callable[[], object]]) -> list[float]:
    """CPU seconds of the fastest run of each side, the sides taking turns."""
    least, end = [math.inf] * len(sides), time.perf_counter() + SECONDS
    while time.perf_counter() < end or math.inf in least:
        for number, side in enumerate(sides):
            start = time.process_time()
            side()
            least[number] = min(least[number], time.process_time() - start)
    return least


def shipped_net() -> Generator:
    spec, weights, _ = read_base()
    net = Generator(spec)
    net.load_state_dict({name: torch.from_numpy(weight) for name, weight in weights.items()})
    return net.eval().requires_grad_(False)


def vocoder_steps(net: Generator, vocoder: HifiganVocoder, log_mel: Floats) -> None:
    print("HiFi-GAN V2, 44.1 kHz, hop 512, shipped weights: CPU time / audio time of one core")
    print(f"{'frames':>7} {'cached, ONNX':>13} {'of it excitation':>17} {'window, eager':>14} {'ratio':>6}")
    spec = net.spec
    around = spec.memory + math.ceil(spec.look_ahead / spec.hop)
    for frames in (1, 2, 4, 8, 32):
        block, window = log_mel[:, :frames].copy(), log_mel[:, : around + frames].copy()
        given = {"log_mel": window, "noise": noise_of(spec.noise, 0, window.shape[1])}
        if spec.excited:
            given["excitation"] = in_step(window)
        inputs = {name: torch.from_numpy(each[None]) for name, each in given.items()}
        state, before = vocoder.step(block, vocoder.start())[1], excite(block, 0, start())[1]
        sides = [
            lambda b=block, s=state: vocoder.step(b, s),
            lambda b=block, s=before: excite(b, 0, s),
            lambda i=inputs: net(**i),
        ]
        ours, excitation, eager = least_seconds(sides)
        audio, excitation = frames * spec.hop / vocoder.rate, excitation if spec.excited else 0.0
        print(f"{frames:7} {ours / audio:13.3f} {excitation / audio:17.3f} {eager / audio:14.3f} {eager / ours:6.1f}")


def vocoder_whole(net: Generator, vocoder: HifiganVocoder, log_mel: Floats) -> None:
    error = float(np.abs(vocoder(log_mel) - synthesise(net, log_mel)).max())
    ours, eager = least_seconds([lambda: vocoder(log_mel), lambda: synthesise(net, log_mel)])
    audio = log_mel.shape[1] * vocoder.hop / vocoder.rate
    print(f"{'10 s':>7} {ours / audio:13.3f} {eager / audio:14.3f} {eager / ours:6.1f}   largest difference {error:.1e}")


def start_up(net: Generator, weights: Mapping[str, Floats]) -> None:
    def ready(kept: GraphStore | None) -> None:
        HifiganVocoder(net.spec, weights, kept=kept).start()

    with tempfile.TemporaryDirectory() as folder:
        store = GraphStore(Path(folder))
        ready(store)
        made, kept = least_seconds([lambda: ready(None), lambda: ready(store)])
    print(f"ready to stream after {made * 1e3:.0f} ms, {kept * 1e3:.0f} ms with graph and start state kept: {made / kept:.1f}x")
    code = "import time; t = time.process_time(); import {}; print(time.process_time() - t)"
    write, run = (
        min(float(subprocess.check_output([sys.executable, "-c", code.format(name)])) for _ in range(3))
        for name in ("sda.core.onnx_writer, sda.core.ort", "sda.core.ort")
    )
    print(f"imports in a new process: {write * 1e3:.0f} ms to make graphs, {run * 1e3:.0f} ms to run kept ones")


def decoders() -> None:
    print("\nVAE decoder, 88 frames: CPU milliseconds a call")
    print(f"{'width':>7} {'latent':>7} {'batch':>6} {'ONNX':>6} {'eager':>6} {'ratio':>6}  largest difference")
    for width, latent in ((128, 64), (64, 32)):
        torch.manual_seed(0)
        net = Vae(VaeSpec(width=width, latent=latent)).eval().requires_grad_(False)
        torch.nn.init.normal_(net.decoder.conv_out.weight, std=0.05)
        for batch in (1, 2, 4):
            ours, eager, error = decoder(net, torch.randn(batch, latent))
            figures = f"{ours * 1e3:6.2f} {eager * 1e3:6.2f} {eager / ours:6.1f}"
            print(f"{width:7} {latent:7} {batch:6} {figures}  {error:.1e}")


def decoder(net: Vae, z: torch.Tensor) -> tuple[float, float, float]:
    """Seconds a call in ONNX Runtime and in eager torch, and their largest difference."""
    run = session(decoder_graph(net.spec, {name: tensor.numpy() for name, tensor in net.state_dict().items()})).run
    feed = {"z": z.numpy()}
    error = np.abs(run(None, feed)[0] - net.decode(z).numpy()).max()
    ours, eager = least_seconds([lambda: run(None, feed), lambda: net.decode(z)])
    return ours, eager, float(error)


@threadpoolctl.threadpool_limits.wrap(limits=1)  # as the command has it
@torch.no_grad()
def main() -> None:
    torch.set_num_threads(1)
    net = shipped_net()
    weights = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    vocoder = HifiganVocoder(net.spec, weights)
    log_mel = (np.random.default_rng(0).normal(size=(128, WHOLE_FRAMES)) * 2 - 6).astype(np.float32)
    vocoder_steps(net, vocoder, log_mel)
    vocoder_whole(net, vocoder, log_mel)
    start_up(net, weights)
    decoders()


if __name__ == "__main__":
    main()
