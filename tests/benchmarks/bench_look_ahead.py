"""What look-ahead is worth: `python bench_look_ahead.py [FOLDER] [--minutes 2]`.

Table 1, the shipped weights on real frames: how far the sound of a frame is from the true one when fewer of the coming
frames are known than the net looks ahead, and the last known one stands in for them (or silence does).

Table 2, with a folder of recordings: nets with no, one, two and all stages causal, trained from scratch for the same CPU
minutes from the same start and seed, by the mel error of held-out recordings. Take a folder of 20 and more.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sda.core import grid
from sda.core.excitation import in_step
from sda.core.frame_noise import noise_of
from sda.core.hifigan import Generator
from sda.formats.base import read_base
from sda.spec import BIGVGAN_GRID, GeneratorSpec
from sda.train.copy_synthesis import held_out_error
from sda.train.corpus import Corpus, gather
from sda.train.vocoder import VocoderTraining
from sda.train.vocoder_plan import FROM_SCRATCH

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "base_vocoder"))
import procedural

Floats = NDArray[np.float32]

FRAMES = 60  # that are answered, of each sound
SOUNDS = 12


def truncated(net: Generator, log_mel: Floats, known: int, *, repeat: bool) -> Floats:
    """The sound of each frame [F, hop] when only `known` frames after it are there; the last one repeated, or silence."""
    spec = net.spec
    ahead = math.ceil(spec.look_ahead / spec.hop)
    given: dict[str, list[Floats]] = {"log_mel": [], "noise": [], "excitation": []}
    for frame in range(spec.memory, spec.memory + FRAMES):
        first, last = frame - spec.memory, frame + known
        heard = log_mel[:, : frame + ahead + 1].copy()
        heard[:, last + 1 :] = heard[:, last : last + 1] if repeat else math.log(BIGVGAN_GRID.floor)
        given["log_mel"].append(heard[:, first:])
        given["noise"].append(noise_of(spec.noise, first, heard.shape[1] - first))
        if spec.excited:
            given["excitation"].append(in_step(heard)[:, first * spec.hop :])
    with torch.no_grad():
        inputs = {name: torch.from_numpy(np.stack(each)) for name, each in given.items() if each}
        made: Floats = net(before=spec.memory, after=ahead, **inputs).squeeze(1).numpy()
    return made


def truncation() -> None:
    spec, weights, _ = read_base()
    net = Generator(spec)
    net.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    ahead = math.ceil(spec.look_ahead / spec.hop)
    print(
        f"shipped weights, look-ahead {spec.look_ahead} samples = {spec.look_ahead / 44.1:.1f} ms; SNR in dB, {SOUNDS} sounds"
    )
    print(f"{'frames known':>12} {'last repeated':>14} {'silence':>8}")
    random, kinds = np.random.default_rng(0), list(procedural.SOUNDS.values())
    sounds = [kinds[number % len(kinds)](random, 44_100) for number in range(SOUNDS)]
    mels = [grid.log_mel(sound)[:, : spec.memory + FRAMES + ahead + 1] for sound in sounds]
    mels = [mel for mel in mels if mel.shape[1] == spec.memory + FRAMES + ahead + 1]
    whole = [truncated(net, mel, ahead, repeat=True) for mel in mels]
    for known in range(ahead + 1):
        row = []
        for repeat in (True, False):
            made = [truncated(net, mel, known, repeat=repeat) for mel in mels]
            power = sum(float(np.square(w).sum()) for w in whole)
            error = sum(float(np.square(m - w).sum()) for m, w in zip(made, whole, strict=True))
            row.append(10 * math.log10(power / max(error, 1e-12 * power)))
        print(f"{known:12} {row[0]:14.1f} {row[1]:8.1f}", flush=True)


def from_scratch(folder: Path, minutes: float) -> None:
    print(f"\nfrom scratch on {folder.name}, {minutes:g} CPU minutes, seed 0: mel error of held-out recordings")
    print(f"{'causal stages':>13} {'look-ahead ms':>14} {'steps':>6} {'mel':>6} {'convergence':>12}")
    with tempfile.TemporaryDirectory() as work:
        for _ in gather(folder, Path(work), rate=44_100, shortest=16_384, seed=0):
            pass
        corpus = Corpus(Path(work))
        for causal in (0, 1, 2, 4):
            spec = GeneratorSpec(causal_stages=causal)
            plan = replace(
                FROM_SCRATCH, predicted=0.0, steps=1_000_000, before=spec.memory, after=math.ceil(spec.look_ahead / 512) + 2
            )
            training = VocoderTraining(corpus, spec, plan)
            end = time.process_time() + 60 * minutes
            while time.process_time() < end:
                training.step()
            found = held_out_error(training.averaged, training.clips)
            ms = spec.look_ahead / 44.1
            print(f"{causal:13} {ms:14.1f} {training.done:6} {found['mel']:6.3f} {found['convergence']:12.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--minutes", type=float, default=2.0)
    args = parser.parse_args()
    torch.set_num_threads(1)
    truncation()
    if args.folder is not None:
        from_scratch(args.folder, args.minutes)


if __name__ == "__main__":
    main()
