"""What it is worth to train a vocoder on the model's own mels: `python bench_mixed_mels.py FOLDER [--minutes 2]`.

A VAE is trained on the recordings of a folder, every fourth one held out. Then vocoders are fine-tuned from the shipped base
for the same steps and seed, with none, a quarter and half of the crops coming with the mel that the VAE makes of them. They
are judged on held-out recordings as the VAE remakes them, against the recordings themselves (`sda.train.quality`), by how
much of the sound's power repeats with the hop (artefacts.py; the recordings' own beside it), and on plain copy synthesis.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from artefacts import repeating_share
from bench_own_vocoder import SHORTEST, VAE_STEPS, WHICH, started
from numpy.typing import NDArray

from sda.core import grid, network
from sda.core.hifigan import Generator
from sda.formats.base import read_base
from sda.train import quality
from sda.train.comparison import copies
from sda.train.copy_synthesis import held_out_clips, synthesise
from sda.train.corpus import Corpus, gather
from sda.train.vae import VaeTraining, choose
from sda.train.vocoder_crops import predictions
from sda.train.vocoder_plan import FROM_BASE
from sda.train.vocoder_run import mean_seconds_per_step

Floats = NDArray[np.float32]

SHARES = (0.0, 0.25, 0.5)
LONGEST = 3 * 44_100  # samples of a recording that are judged


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument(
        "--minutes", type=float, default=2.0, help="CPU minutes of the first fine-tuning; the others take its steps"
    )
    args = parser.parse_args()
    if args.folder is None:
        print("left out: it needs ten minutes and a folder of recordings")
        return
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        for _ in gather(args.folder, Path(work), rate=44_100, shortest=SHORTEST, seed=0):
            pass
        corpus = Corpus(Path(work))
        used = [recording for recording in corpus.recordings if recording.used]
        corpus.held_out = used[WHICH::4]
        corpus.training = [recording for recording in used if recording not in corpus.held_out]
        compare(corpus, args.minutes)


def compare(corpus: Corpus, minutes: float) -> None:
    spec, plan = choose(corpus.seconds, None)
    training = VaeTraining(corpus, spec, replace(plan, steps=VAE_STEPS))
    while training.done < VAE_STEPS:
        training.step()
    training.held_out()
    vae = network.build(spec, {name: tensor.numpy() for name, tensor in training.best.items()})
    own, remade = (predictions(recordings, corpus, vae) for recordings in (corpus.training, corpus.held_out))
    real = [corpus.whole(recording)[:LONGEST] for recording in corpus.held_out]
    print(f"{len(corpus.training)} recordings trained on, {len(real)} held out")
    bands = " ".join(f"{low:>2}-{high:<2}" for low, high in quality.BANDS)
    print(f"as the VAE remakes them: {'mel':>6} {'M-STFT':>7}   {bands} kHz, dB   repeats   copy synthesis: mel")
    print(f"{'the recordings':48}{'':22} {np.mean([repeating_share(sound) for sound in real]):7.3f}")
    base_spec, weights, _ = read_base()
    base = Generator(base_spec)
    base.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    row("base", base, corpus, remade, real)
    steps = 0
    for share in SHARES:
        plan_of = replace(FROM_BASE, predicted=share, steps=steps or 10**6)
        if not steps:
            trial = started(corpus, plan_of, own)
            steps = max(1, round(60 * minutes / mean_seconds_per_step(trial, time.process_time)))
        tuned = started(corpus, replace(plan_of, steps=steps), own)
        while tuned.done < steps:
            tuned.step()
        row(f"share {share:.2f}", tuned.averaged, corpus, remade, real)
    print(f"{steps} steps each, seed 0")


def row(name: str, net: Generator, corpus: Corpus, remade: Mapping[str, Floats], real: list[Floats]) -> None:
    """One line of the table."""
    found, repeats = [], []
    for recording, sound in zip(corpus.held_out, real, strict=True):
        frames = len(sound) // 512
        made = synthesise(net, grid.to_log(remade[recording.name][:, :frames]))
        found.append(quality.judge(made, sound[: frames * 512]))
        repeats.append(repeating_share(made))
    together = quality.mean(found)
    lsd = " ".join(f"{value:5.1f}" for value in together.lsd)
    copy = copies(lambda log_mel: synthesise(net, log_mel), held_out_clips(corpus))
    print(f"{name:24} {together.mel:6.3f} {together.stft:7.3f}   {lsd}   {np.mean(repeats):14.3f} {copy.mel:22.3f}", flush=True)


if __name__ == "__main__":
    main()
