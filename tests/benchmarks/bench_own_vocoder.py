"""What five minutes make of a model's own vocoder: `python bench_own_vocoder.py SETS_DIR [--minutes 5] [--set perc ...]`.

For each set (folders of recordings, as make_sets.py makes them) every fourth recording in order of name is held out and met
by nobody. On the others stand beside each other, at the same CPU seconds, the trial and the measurements of ours included:

base         the shipped weights, untouched
ours         the project's recipe: from the base, which checkpoint is kept decided on recordings kept back among the others
paper        the HiFi-GAN paper's recipe from scratch (paper_recipe.py)
griffin-lim  100 iterations of librosa's fast Griffin-Lim (Perraudin et al. 2013) from the same mel, untrained: it is fitted
             to the mel itself, so that its mel distance says little, and sounds phasy

Copy synthesis of the loudest stretches of 1.5 s of each held-out recording and of eight of those trained on; measures of
`sda.train.quality`, and the mel's change against the base. One seed a run: the noise between seeds is about 5 %.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import librosa
import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from paper_recipe import BATCH, PaperTraining

from sda import voices
from sda.core import grid, network
from sda.formats.base import read_base
from sda.spec import BIGVGAN_GRID
from sda.train import quality
from sda.train.comparison import copies
from sda.train.copy_synthesis import held_out_clips, synthesise
from sda.train.corpus import Corpus, gather
from sda.train.vae import VaeTraining
from sda.train.vae import choose as vae_for
from sda.train.vocoder import OWN_CLIPS, VocoderTraining
from sda.train.vocoder_crops import predictions
from sda.train.vocoder_plan import VocoderPlan, planned_for
from sda.train.vocoder_run import MEASUREMENTS, mean_seconds_per_step

Floats = NDArray[np.float32]
Copy = Callable[[Floats], Floats]

FOLDS, WHICH = 4, 3
SHORTEST = VocoderPlan().segment  # samples
VAE_STEPS = 300  # of the model whose mels are mixed in; half a CPU minute, not counted
ITERATIONS = 100  # of Griffin-Lim
COMPARED = ("ours", "paper", "griffin-lim")


def corpora(source: Path, work: Path, seed: int) -> tuple[Corpus, Corpus]:
    """What is trained on, split by the project itself, and what is held out from it."""
    every = gathered(source, work / "all", seed)
    used = sorted(r.name for r in every.recordings if r.used)
    held_out = used[WHICH::FOLDS]
    own = gathered(source, work / "own", seed, [(source / name, name) for name in used if name not in held_out])
    other = gathered(source, work / "other", seed, [(source / name, name) for name in held_out])
    other.training, other.held_out = [r for r in other.recordings if r.used], []  # wholes: nothing of it is trained on
    return own, other


def gathered(source: Path, work: Path, seed: int, files: Sequence[tuple[Path, str]] = ()) -> Corpus:
    for _ in gather(source, work, rate=BIGVGAN_GRID.sample_rate, shortest=SHORTEST, seed=seed, files=files):
        pass
    return Corpus(work)


def mixed_in(corpus: Corpus, seed: int) -> dict[str, Floats]:
    """What a VAE trained on these recordings makes of them."""
    spec, plan = vae_for(corpus.seconds, None)
    training = VaeTraining(corpus, spec, replace(plan, steps=VAE_STEPS, seed=seed))
    while training.done < VAE_STEPS:
        training.step()
    training.held_out()
    vae = network.build(spec, {name: tensor.numpy() for name, tensor in training.best.items()})
    return predictions(corpus.training, corpus, vae)


def fine_tuned(corpus: Corpus, minutes: float, seed: int, predicted: dict[str, Floats]) -> tuple[Copy, str]:
    """The project's own vocoder after so many minutes of steps, and what became of its training."""
    plan = replace(planned_for("cpu", minutes, scratch=False), seed=seed)
    steps = max(1, round(60 * minutes / mean_seconds_per_step(started(corpus, plan, predicted), time.process_time)))
    training = started(corpus, replace(plan, steps=steps), predicted)
    training.held_out()
    while training.done < steps:
        training.step()
        if training.done % max(1, steps // MEASUREMENTS) == 0 or training.done == steps:
            training.held_out()
    training.averaged.load_state_dict(training.best)
    return partial(synthesise, training.averaged), f"{steps} steps, the best at {training.best_step}"


def started(corpus: Corpus, plan: VocoderPlan, predicted: dict[str, Floats]) -> VocoderTraining:
    """A training from the shipped base."""
    spec, weights, _ = read_base()
    start = {name: torch.from_numpy(value) for name, value in weights.items()}
    return VocoderTraining(corpus, spec, plan, start, predicted=predicted)


def by_the_paper(corpus: Corpus, cpu_s: float, seed: int, batch: int) -> tuple[Copy, str]:
    """The paper's vocoder after so many CPU seconds, and how many steps these were."""
    training = PaperTraining(corpus, seed, batch)
    training.train(cpu_s)
    return partial(synthesise, training.result()), f"{training.done} steps of {training.batch} crops"


def griffin_lim(log_mel: Floats, seed: int = 0) -> Floats:
    """A waveform [T = hop * F] from the magnitudes of a log-mel [M, F], on the grid's own frames: uncentred, edges cut off."""
    spec = BIGVGAN_GRID
    linear = librosa.feature.inverse.mel_to_stft(np.exp(log_mel), sr=spec.sample_rate, n_fft=spec.n_fft, power=1.0)
    sound = librosa.griffinlim(
        linear, n_iter=ITERATIONS, hop_length=spec.hop, win_length=spec.n_fft, center=False, random_state=seed
    )
    pad = grid.edge_padding(spec)
    return sound[pad : pad + spec.hop * log_mel.shape[1]].astype(np.float32)


def report(source: Path, args: argparse.Namespace) -> None:
    """Train on one set and print both tables."""
    notes: list[str] = []
    with tempfile.TemporaryDirectory() as work:
        own, other = corpora(source, Path(work), args.seed)
        before = time.process_time()
        vocoders: dict[str, Copy] = {"base": voices.by_name("draft")}
        if "ours" in args.only:
            predicted = mixed_in(own, args.seed)
            before = time.process_time()
            vocoders["ours"], note = fine_tuned(own, args.minutes, args.seed, predicted)
            notes.append(f"ours: {time.process_time() - before:.0f} CPU s, {note}")
        spent = time.process_time() - before if "ours" in args.only else 60 * args.minutes
        if "paper" in args.only:
            before = time.process_time()
            vocoders["paper"], note = by_the_paper(own, spent, args.seed, args.batch)
            notes.append(f"paper: {time.process_time() - before:.0f} CPU s, {note}")
        if "griffin-lim" in args.only:
            vocoders["griffin-lim"] = partial(griffin_lim, seed=args.seed)
        clips = {
            "held out": held_out_clips(other, own=True),
            "its own": held_out_clips(own, OWN_CLIPS, own=True),
        }
    print(f"\n{source.name}, seed {args.seed}, {args.minutes:g} CPU minutes, {args.threads} threads")
    counts = len(own.training), len(own.held_out), len(clips["held out"])
    print(f"{counts[0]} recordings trained on, {counts[1]} kept back to choose by, {counts[2]} held out")
    print("; ".join(notes), flush=True)
    for whose, sounds in clips.items():
        print_table(whose, vocoders, sounds)
    if args.wav:
        write_sounds(args.wav, source.name, vocoders, clips["held out"][0])


def print_table(whose: str, vocoders: dict[str, Copy], clips: list[Floats]) -> None:
    bands = " ".join(f"{low:>2}-{high:<2}" for low, high in quality.BANDS)
    print(f"{whose:12} {'mel':>6} {'to base':>8} {'M-STFT':>7}   {bands} kHz, dB")
    base = None
    for name, vocoder in vocoders.items():
        found = copies(vocoder, clips)
        base = base or found.mel
        lsd = " ".join(f"{value:5.1f}" for value in found.lsd)
        print(f"{name:12} {found.mel:6.3f} {found.mel / base - 1:8.1%} {found.stft:7.3f}   {lsd}", flush=True)


def write_sounds(folder: Path, name: str, vocoders: dict[str, Copy], clip: Floats) -> None:
    """One held-out recording and every vocoder's copy of it."""
    folder.mkdir(parents=True, exist_ok=True)
    log_mel = grid.log_mel(clip[: len(clip) // BIGVGAN_GRID.hop * BIGVGAN_GRID.hop])
    sounds = {"original": clip} | {who: vocoder(log_mel) for who, vocoder in vocoders.items()}
    for who, sound in sounds.items():
        soundfile.write(folder / f"{name}-{who}.wav", np.clip(sound, -1, 1), BIGVGAN_GRID.sample_rate)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, nargs="?", help="the folder that make_sets.py filled")
    parser.add_argument("--minutes", type=float, default=5.0, help="CPU minutes of each training")
    parser.add_argument("--set", action="append", dest="names", help="one of them; default: perc, tonal and amb")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=BATCH, help="crops a step of the paper's")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", action="append", choices=COMPARED, help="what to put beside the base; default: all of it")
    parser.add_argument("--wav", type=Path, help="where to write one held-out recording by each")
    args = parser.parse_args()
    args.only = args.only or COMPARED
    if args.sets is None:
        print("left out: it needs half an hour and the folder of sets that make_sets.py makes")
        return
    torch.set_num_threads(args.threads)
    for name in args.names or ("perc", "tonal", "amb"):
        report(args.sets / name, args)


if __name__ == "__main__":
    main()
