"""The adversarial part of a vocoder's training: discriminators, what they teach, and how they are kept from learning by heart.

Losses are those of least squares and of matching features (Kong et al. 2020, arXiv 2010.05646, eq. 1, 2 and 5). One forward
pass serves both sides: its gradient towards the made sound teaches the generator, its gradient towards the weights the
discriminators, so both update from the same state. How often they are right on training recordings and on held-out ones is
followed; a gap between the two means learning by heart, and is met with more augmentation first, weaker discriminators next
(Karras et al. 2020, arXiv 2006.06676, section 3).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sda.train.augment import MOST, augmented
from sda.train.discriminators import Discriminators, Opinion
from sda.train.together import Together
from sda.train.vocoder_plan import DiscriminatorSpec, VocoderPlan

LISTEN_EVERY = 8  # steps between looks at held-out recordings
SMOOTHING = 0.9  # of the accuracies, from look to look
WIDE, NARROW = 0.15, 0.05  # gap of the accuracies above which learning by heart is met, and below which that is eased
STRIDE = 0.05  # by which the chance of augmentation moves
WEAKER = 0.8  # the discriminators' rate times this, at full augmentation
WEAKEST = 0.05  # of their rate


class Adversary:
    """Discriminators in training. All randomness comes from (seed, step)."""

    def __init__(self, spec: DiscriminatorSpec, plan: VocoderPlan, together: Together, device: str) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(plan.seed)
            self.net = Discriminators(spec).to(device)
        self.plan, self.together = plan, together
        self.optimizer = torch.optim.AdamW(self.net.parameters(), plan.discriminator_rate, (0.8, 0.99))
        self.chance, self.strength = plan.augment, 1.0
        self.accuracy = {"real": 0.5, "made": 0.5, "held_out": 0.5}

    def step(self, real: Tensor, made: Tensor, step: int, fall: float) -> tuple[Tensor, dict[str, float]]:
        """Teach the discriminators with one batch [B, T] of recordings and of made sound.

        fall: share of the full learning rate. Returns the gradient towards `made` of what the generator should minimise
        (zero while they learn alone), and the losses by name.
        """
        made = made.detach().requires_grad_()
        randoms = [np.random.default_rng([self.plan.seed, step, n, 2]) for n in self.together.share(self.plan.batch)]
        pairs = augmented(torch.stack([real, made], dim=1), self.chance, randoms)  # [B, 2, T]
        opinions = self.net(torch.cat([pairs[:, 0], pairs[:, 1]]))  # [2 B, T]
        generator, losses = self._generator_loss(opinions)
        (towards_made,) = torch.autograd.grad(generator, made, retain_graph=True)
        if step < self.plan.first_adversarial + self.plan.alone:
            towards_made = torch.zeros_like(towards_made)
        discriminator = sum((_least_squares(opinion) for opinion in opinions), generator.new_zeros(()))
        self.optimizer.zero_grad()
        discriminator.backward(inputs=list(self.net.parameters()))
        self.together.average([p.grad for p in self.net.parameters()])
        self.optimizer.param_groups[0]["lr"] = self.plan.discriminator_rate * self.strength * fall
        self.optimizer.step()
        self._note(real=_right(opinions, slice(None, len(real)), 1), made=_right(opinions, slice(len(real), None), 0))
        return towards_made, losses | {"discriminator": discriminator.item()}

    def _generator_loss(self, opinions: list[Opinion]) -> tuple[Tensor, dict[str, float]]:
        fooled, features = [], []
        for opinion in opinions:
            fooled.append((1 - opinion.score.chunk(2)[1]).square().mean())
            for feature in opinion.features:
                real, made = feature.chunk(2)
                features.append(F.l1_loss(made, real.detach()))
        adversarial, matching = torch.stack(fooled).sum(), torch.stack(features).sum()
        total = self.plan.adversarial_weight * adversarial + self.plan.feature_weight * matching
        return total, {"adversarial": adversarial.item(), "features": matching.item()}

    @torch.no_grad()
    def listen(self, held_out: Tensor, step: int) -> None:
        """Compare with recordings [B, T] that are never trained on, augmented as those are, and act on the gap."""
        randoms = [np.random.default_rng([self.plan.seed, step, n, 3]) for n in range(len(held_out))]
        opinions = self.net(augmented(held_out.unsqueeze(1), self.chance, randoms).squeeze(1))
        self._note(held_out=_right(opinions, slice(None), 1))
        gap = self.accuracy["real"] - self.accuracy["held_out"]
        if gap > WIDE and self.chance < MOST:
            self.chance = min(MOST, self.chance + STRIDE)
        elif gap > WIDE:
            self.strength = max(WEAKEST, self.strength * WEAKER)
        elif gap < NARROW:
            self.chance = max(self.plan.augment, self.chance - STRIDE)
            self.strength = min(1.0, self.strength / WEAKER)

    def _note(self, **found: float) -> None:
        for name, value in self.together.mean(found).items():
            self.accuracy[name] = SMOOTHING * self.accuracy[name] + (1 - SMOOTHING) * value

    def figures(self) -> dict[str, float]:
        """What a follower should see: how often they are right, and what is done against learning by heart."""
        named = {f"accuracy_{name}": value for name, value in self.accuracy.items()}
        return named | {"augment": self.chance, "strength": self.strength}

    def state(self) -> dict[str, Any]:
        """Everything a resumed run needs."""
        return {
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "chance": self.chance,
            "strength": self.strength,
            "accuracy": dict(self.accuracy),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.chance, self.strength = float(state["chance"]), float(state["strength"])
        self.accuracy = {name: float(value) for name, value in state["accuracy"].items()}


def _least_squares(opinion: Opinion) -> Tensor:
    real, made = opinion.score.chunk(2)
    return (1 - real).square().mean() + made.square().mean()


def _right(opinions: list[Opinion], which: slice, answer: int) -> float:
    """Share of the discriminators' mean scores per crop that fall on the right side of a half."""
    scores = torch.stack([opinion.score[which].mean(dim=1) for opinion in opinions])
    return float(((scores > 0.5) == bool(answer)).float().mean())
