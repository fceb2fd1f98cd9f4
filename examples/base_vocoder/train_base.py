"""Train the base vocoder: `python train_base.py MATERIAL WORK [--steps N] [--from-shipped] [--release FILE ...]`.

Runs for as many core-hours as it is given, writes a checkpoint every two minutes and goes on from it when started
again. `--from-shipped` starts a run whose checkpoint is lost from the weights that the package ships. `--release FILE
--steps N` leaves the run alone and branches off: the learning rate of a copy falls to zero over N steps, in the last
`--adversarial` of which narrow discriminators take part, and its averaged weights, with `--gates` only a share of what its
gates learned, are written at half precision, as `sda/data/base.safetensors` is. `torchrun --nproc-per-node N
train_base.py ...` has N processes of one thread share each step's crops, which gives the same steps as one process does.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from sda.core import grid
from sda.core.hifigan import Generator
from sda.formats.base import read_base, write_base
from sda.spec import OWN_GENERATOR
from sda.train.adversary import Adversary
from sda.train.copy_synthesis import held_out_clips, held_out_error
from sda.train.corpus import Corpus, gather
from sda.train.parallel import joined
from sda.train.together import ALONE, Together
from sda.train.vocoder import VocoderTraining
from sda.train.vocoder_plan import DiscriminatorSpec, VocoderPlan

Floats = NDArray[np.float32]

PLAN = VocoderPlan(predicted=0.25, mel_weight=66.0)
CHECKPOINT_S = 120.0  # s
MEASURE_EVERY = 1000  # steps
SHORTEST = 16_384  # samples
SMOOTHED = 9  # frames
HELD_OUT = Path(__file__).with_name("held_out.txt")  # names: a split by number would be another with one file more or less


def save(path: Path, training: VocoderTraining, core_s: float) -> None:
    temporary = path.with_suffix(".part")
    torch.save(training.state() | {"core_s": core_s}, temporary)
    os.replace(temporary, path)


def log(work: Path, **entry: object) -> None:
    with (work / "log.jsonl").open("a") as file:
        file.write(json.dumps(entry) + "\n")
    print(entry, flush=True)


def kept_apart(corpus: Corpus) -> Corpus:
    """The corpus with the recordings of `HELD_OUT` held out, and no others."""
    names = set(HELD_OUT.read_text(encoding="utf-8").split())
    used = [recording for recording in corpus.recordings if recording.used]
    corpus.held_out = [recording for recording in used if recording.name in names]
    corpus.training = [recording for recording in used if recording.name not in names]
    return corpus


def smoothed(corpus: Corpus) -> dict[str, Floats]:
    """Mel magnitudes [M, F] of the recordings, their logarithms averaged over 60 ms.

    What a VAE makes of a sound lacks the restlessness of real frames, by which a generator tells one frame of noise from
    the next. Some of the crops come with these instead, so that it learns to go by its own random numbers then.
    """
    window = np.hanning(SMOOTHED + 2)[1:-1].astype(np.float32)
    window /= window.sum()
    made = {}
    for recording in corpus.training:
        log_mel = np.pad(grid.log_mel(corpus.whole(recording)), ((0, 0), (SMOOTHED // 2,) * 2), mode="edge")
        made[recording.name] = np.exp(sliding_window_view(log_mel, SMOOTHED, axis=1) @ window)
    return made


def afresh(corpus: Corpus, plan: VocoderPlan, together: Together) -> VocoderTraining:
    return VocoderTraining(corpus, OWN_GENERATOR, plan, predicted=smoothed(corpus), together=together)


def from_shipped(corpus: Corpus, plan: VocoderPlan, together: Together = ALONE) -> tuple[VocoderTraining, float]:
    """A run at the shipped weights' step, its optimizers new; and the core seconds behind the weights."""
    spec, weights, summary = read_base()
    start = {name: torch.from_numpy(tensor) for name, tensor in weights.items()}
    training = VocoderTraining(corpus, spec, plan, start, predicted=smoothed(corpus), together=together)
    training.done = int(summary["steps"])
    return training, 3600 * float(summary["core_hours"])


def gates_kept(net: Generator, share: float) -> None:
    """Take the mixer's gates back toward 1, where they began, so that this share of what they learned is left; in place.

    Half the way to what fits the training sounds is nearer to others (weights between those before and after a training:
    Wortsman et al. 2022, arXiv 2109.01903).
    """
    gate = net.mixer.gate
    with torch.no_grad():
        gate.weight *= share
        gate.bias.sub_(1).mul_(share).add_(1)


def branch_off(training: VocoderTraining, steps: int, adversarial: int) -> None:
    """Let the rate fall to zero over so many steps, with discriminators in the last `adversarial` of them."""
    end = training.done + steps
    training.plan = replace(training.plan, steps=end, decay=steps / end, adversarial=adversarial / end)
    if adversarial:
        training.adversary = Adversary(DiscriminatorSpec(), training.plan, training.together, training.device)


@contextmanager
def shared() -> Iterator[Together]:
    """This process among those that torchrun started, or alone."""
    if "RANK" not in os.environ:
        yield ALONE
        return
    with joined("", "cpu") as (together, _):
        yield together


def run(
    material: Path,
    work: Path,
    plan: VocoderPlan,
    release: Path | None,
    together: Together,
    *,
    shipped: bool = False,
    adversarial: int = 0,
    gates: float = 1.0,
) -> None:
    torch.set_num_threads(1)
    if together.leads and not (work / "corpus.json").exists():
        for recording in gather(material, work, rate=44_100, shortest=SHORTEST, seed=1):
            print(recording.name, *recording.notes)
    together.wait()
    corpus = kept_apart(Corpus(work))
    clips = held_out_clips(corpus)
    checkpoint = work / "checkpoint.pt"
    fresh = shipped and not checkpoint.exists()
    training, core_s = from_shipped(corpus, plan, together) if fresh else (afresh(corpus, plan, together), 0.0)
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        training.restore(state)
        core_s = state["core_s"]
    if release is not None:
        branch_off(training, plan.steps, adversarial)
    began, saved = time.process_time() - core_s / together.count, time.monotonic()

    def spent() -> float:
        return together.count * (time.process_time() - began)

    recent: dict[str, float] = {}
    while training.done < training.plan.steps:
        for name, value in training.step().items():
            recent[name] = 0.99 * recent.get(name, value) + 0.01 * value
        if not together.leads:
            continue
        if training.done % MEASURE_EVERY == 0:
            log(work, step=training.done, core_s=spent(), held_out=measure(training.averaged, clips), **recent)
        if release is None and time.monotonic() - saved > CHECKPOINT_S:
            save(checkpoint, training, spent())
            saved = time.monotonic()
    if not together.leads:
        return
    if release is None:
        save(checkpoint, training, spent())
        return
    gates_kept(training.averaged, gates)
    held_out = measure(training.averaged, clips)
    log(work, released=release.name, step=training.done, core_s=spent(), held_out=held_out)
    summary = {
        "steps": training.done,
        "core_hours": round(spent() / 3600, 2),
        "held_out": held_out,
        "files": len(corpus.training),
    }
    write_base(release, training.averaged.spec, {k: v.numpy() for k, v in training.averaged.state_dict().items()}, summary)


def measure(net: Generator, clips: list) -> dict[str, float]:
    return {name: round(value, 4) for name, value in held_out_error(net, clips).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("material", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--steps", type=int, default=400_000, help="of the run; of the fall, with --release")
    parser.add_argument("--decay", type=float, default=0.1, help="share of the steps over which the rate falls")
    parser.add_argument("--rate", type=float, default=PLAN.rate)
    parser.add_argument("--batch", type=int, default=PLAN.batch, help="crops")
    parser.add_argument("--mel-weight", type=float, default=PLAN.mel_weight)
    parser.add_argument("--advance-weight", type=float, default=PLAN.advance_weight)
    parser.add_argument("--from-shipped", action="store_true", help="without a checkpoint, go on from the shipped weights")
    parser.add_argument("--release", type=Path)
    parser.add_argument("--adversarial", type=int, default=0, help="steps at the end of a release with discriminators")
    parser.add_argument("--gates", type=float, default=1.0, help="share of what the gates learned that a release keeps")
    given = parser.parse_args()
    plan = replace(
        PLAN,
        steps=given.steps,
        decay=given.decay,
        rate=given.rate,
        batch=given.batch,
        mel_weight=given.mel_weight,
        advance_weight=given.advance_weight,
    )
    with shared() as together:
        branch = {"adversarial": given.adversarial, "gates": given.gates}
        run(given.material, given.work, plan, given.release, together, shipped=given.from_shipped, **branch)


if __name__ == "__main__":
    main()
