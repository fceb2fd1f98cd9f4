"""One of several processes of test_parallel: trains a narrow generator on a share of each batch and writes down what came.

`crewmate.py CORPUS OUT`; run alone, without torchrun's environment, it trains on whole batches.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import torch

from sda.spec import GeneratorSpec
from sda.train.corpus import Corpus
from sda.train.parallel import joined
from sda.train.together import ALONE, Together
from sda.train.vocoder import VocoderTraining
from sda.train.vocoder_plan import VocoderPlan

STEPS = 6
PLAN = VocoderPlan(
    steps=STEPS, batch=4, segment=4096, before=2, after=2, seed=5, warmup=2, adversarial=1.0, alone=2, discriminator_rate=2e-3
)


class Deaf(Together):
    """A process that keeps its gradients to itself."""

    __slots__ = ()

    def average(self, gradients: object) -> None:
        pass


def trained(corpus: Corpus, together: Together) -> tuple[list[dict[str, float]], dict[str, torch.Tensor]]:
    training = VocoderTraining(corpus, GeneratorSpec(channels=16), PLAN, together=together)
    losses = [training.step() for _ in range(STEPS)]
    assert training.adversary is not None
    discriminators = {f"d.{name}": value for name, value in training.adversary.net.state_dict().items()}
    return losses, {**training.net.state_dict(), **discriminators}


def main(corpus: Path, out: Path) -> None:
    torch.set_num_threads(1)
    if "RANK" not in os.environ:
        losses, weights = trained(Corpus(corpus), ALONE)
    else:
        with joined("leader's" if os.environ["RANK"] == "0" else "", "cpu") as (together, name):
            assert name == "leader's"
            losses, weights = trained(Corpus(corpus), together)
            deaf = trained(Corpus(corpus), Deaf(**asdict(together)))
        torch.save(deaf[1], out.with_suffix(".deaf.pt"))
        out.with_suffix(".deaf.json").write_text(json.dumps(deaf[0]))
    torch.save(weights, out.with_suffix(".pt"))
    out.with_suffix(".json").write_text(json.dumps(losses))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
