"""One of several processes of test_parallel: trains a narrow generator on a share of each batch and writes down what came.

`crewmate.py CORPUS OUT`, in torchrun's environment.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from sda.core import grid
from sda.spec import GeneratorSpec
from sda.train.corpus import Corpus
from sda.train.parallel import joined
from sda.train.together import ALONE, Together
from sda.train.vocoder import VocoderTraining
from sda.train.vocoder_crops import Crop
from sda.train.vocoder_plan import VocoderPlan

STEPS = 6
DEAF_STEPS = 3
PLAN = VocoderPlan(
    steps=STEPS, batch=2, segment=4096, before=2, after=2, seed=5, warmup=2, adversarial=1.0, alone=2, discriminator_rate=2e-3
)


class Exact(VocoderTraining):
    """A training in double precision, where what rounding does to two orders of summing stays small."""

    def __init__(self, corpus: Corpus, together: Together) -> None:
        super().__init__(corpus, GeneratorSpec(channels=16, excited=3), PLAN, together=together)
        assert self.adversary is not None
        for module in (self.net, self.averaged, self.loss, self.adversary.net):
            module.double()

    def _heard(self, crops: list[Crop]) -> tuple[torch.Tensor, torch.Tensor]:
        return super()._heard([replace(crop, audio=crop.audio.astype(np.float64)) for crop in crops])

    def _excitation(self, log_mel: torch.Tensor, crops: list[Crop]) -> torch.Tensor:
        """From mels that are the same to the last bit, whichever crops are in a batch together."""
        heard = np.stack([grid.log_mel(crop.audio) for crop in crops])
        excitation = super()._excitation(torch.from_numpy(heard), crops)
        assert excitation is not None
        return excitation.double()

    def _held_out_crops(self, count: int) -> torch.Tensor:
        return super()._held_out_crops(count).double()


class Deaf(Together):
    """A process that keeps its gradients to itself."""

    __slots__ = ()

    def average(self, gradients: object) -> None:
        pass


def trained(corpus: Corpus, together: Together, steps: int = STEPS) -> tuple[list[dict[str, float]], dict[str, torch.Tensor]]:
    training = Exact(corpus, together)
    losses = [training.step() for _ in range(steps)]
    assert training.adversary is not None
    discriminators = {f"d.{name}": value for name, value in training.adversary.net.state_dict().items()}
    return losses, {**training.net.state_dict(), **discriminators}


def alone(corpus: Path) -> tuple[list[dict[str, float]], dict[str, torch.Tensor]]:
    """What one process comes to with whole batches: its losses, and the weights of all nets."""
    return trained(Corpus(corpus), ALONE)


def main(corpus: Corpus, out: Path) -> None:
    torch.set_num_threads(1)
    with joined("leader's" if os.environ["RANK"] == "0" else "", "cpu") as (together, name):
        assert name == "leader's"
        for suffix, crew, steps in (("", together, STEPS), (".deaf", Deaf(**asdict(together)), DEAF_STEPS)):
            losses, weights = trained(corpus, crew, steps)
            torch.save(weights, out.with_suffix(f"{suffix}.pt"))
            out.with_suffix(f"{suffix}.json").write_text(json.dumps(losses))


if __name__ == "__main__":
    main(Corpus(Path(sys.argv[1])), Path(sys.argv[2]))
