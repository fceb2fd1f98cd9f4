"""Training a VAE from its PCA on, resumable to the exact next loss.

All randomness of a step comes from a generator keyed by (seed, step), so a resumed run needs no random state. What is
kept at the end is the best of the PCA and all measured states by the error on recordings that were never trained on.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sda.core.vae import Vae
from sda.spec import BIGVGAN_GRID, VaeSpec
from sda.train.corpus import Corpus
from sda.train.crops import Augmentation, Crops
from sda.train.heldout import HeldOut
from sda.train.pca import start_as_pca

LATENTS = ((15.0, 32), (40.0, 64), (math.inf, 128))  # up to so many seconds of recordings, so many latents
WIDTH = 64  # channels: half the recipe's, which halves a decode; most of what is heard is the skip path's
QUIET_SHARE = 0.25  # of the quiet bins' error in the score by which states are kept; loud bins are what is heard
CHARBONNIER_EPS = 0.01  # normalised mel, about 0.12 nat
POOLS = ((4, 4), (8, 22))  # bands x frames
PCA_KEY = 1 << 40  # beyond every step number in the random keys


@dataclass(frozen=True, slots=True, kw_only=True)
class VaePlan(Augmentation):
    """How a VAE is trained; stored with the run, so that a resumed schedule is the same."""

    steps: int = 1000
    batch: int = 16  # crops
    rate: float = 3e-4  # of AdamW, at its highest
    skip_rate: float = 0.03  # share of it for the skip path: its weights are small, and whole steps undo the PCA
    warmup: int = 50  # steps until then
    betas: tuple[float, float] = (0.9, 0.98)
    weight_decay: float = 0.01
    clip: float = 1.0  # norm of the gradient
    beta: float = 1e-4  # weight of the divergence from the prior, at 32 latents
    beta_warmup: float = 0.2  # share of the steps over which it grows to that
    ema: float = 0.99  # of the averaged weights, which are the result
    pca_crops: int = 1200
    seed: int = 0

    def rate_at(self, step: int) -> float:
        """Warm-up, then half a cosine down to zero."""
        return self.rate * min(1.0, (step + 1) / self.warmup) * 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.steps)))

    def beta_at(self, step: int, latent: int) -> float:
        """The divergence's weight, so that its sum over any number of latents weighs alike."""
        return self.beta * 32 / latent * min(1.0, step / max(1.0, self.beta_warmup * self.steps))


def choose(seconds: float, latent: int | None = None) -> tuple[VaeSpec, VaePlan]:
    """The net and plan for so many seconds of recordings; the steps are the caller's, from a measured rate.

    latent: instead of the preset; 32 make a net of 1.1 million parameters, 128 one of 3.5.
    """
    preset = next(number for limit, number in LATENTS if seconds < limit)
    return VaeSpec(latent=latent or preset, width=WIDTH), VaePlan()


class VaeTraining:
    """One VAE being trained on one corpus, gathered at the rate of BigVGAN's grid."""

    def __init__(self, corpus: Corpus, spec: VaeSpec, plan: VaePlan, device: torch.device | str = "cpu") -> None:
        """Starts as the PCA of the training recordings, which takes some seconds; `restore` goes on from elsewhere."""
        assert corpus.rate == BIGVGAN_GRID.sample_rate
        assert spec.n_mels == BIGVGAN_GRID.n_mels
        self.corpus, self.plan, self.done = corpus, plan, 0
        self.crops = Crops(corpus, spec.frames, plan)
        self.judge = HeldOut(corpus, spec.frames)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(plan.seed)
            self.net = Vae(spec)
        random = np.random.default_rng([plan.seed, PCA_KEY])
        drawn = [self._normalised(self.crops.draw(random, min(100, plan.pca_crops))) for _ in range(-(-plan.pca_crops // 100))]
        start_as_pca(self.net, torch.cat(drawn).numpy())
        self.net.to(device)
        self.averaged = copy.deepcopy(self.net).requires_grad_(False)
        self.optimizer = _optimizer(self.net, plan)
        self.best_step, self.best_score = 0, math.inf
        self.best: dict[str, Tensor] = {}
        self.held_out()

    def step(self) -> dict[str, float]:
        """One update. Returns {"loss", "reconstruction", "kl"}; the divergence in nat a crop."""
        plan, spec = self.plan, self.net.spec
        random = np.random.default_rng([plan.seed, self.done])
        device = self.net.band_mean.device
        mel = self._normalised(self.crops.draw(random, plan.batch)).to(device)  # [B, M, L]
        noise = torch.from_numpy(random.standard_normal((plan.batch, spec.latent), np.float32)).to(device)
        mean, logvar = self.net.encode(mel)
        made = self.net.decode(mean + noise * torch.exp(logvar / 2))
        reconstruction = reconstruction_loss(made - mel)
        divergence = (mean.square() + logvar.exp() - 1 - logvar).sum(dim=1).mean() / 2
        loss = reconstruction + plan.beta_at(self.done, spec.latent) * divergence
        for group in self.optimizer.param_groups:
            group["lr"] = group["share"] * plan.rate_at(self.done)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), plan.clip)
        self.optimizer.step()
        self.done += 1
        with torch.no_grad():
            for average, new in zip(self.averaged.parameters(), self.net.parameters(), strict=True):
                average.lerp_(new, 1 - plan.ema)
        return {"loss": loss.item(), "reconstruction": reconstruction.item(), "kl": divergence.item()}

    def _normalised(self, magnitudes: Tensor) -> Tensor:
        """`sda.core.grid.compress` in torch."""
        gain = self.net.spec.gain
        return torch.log1p(gain * magnitudes) / math.log1p(gain)

    def held_out(self) -> dict[str, Any]:
        """Judge the averaged weights (`HeldOut.measure`) and keep them as `best` if no earlier ones scored lower."""
        found = self.judge.measure(self.averaged)
        score = found["loud"] + QUIET_SHARE * found["quiet"]
        if score < self.best_score:
            self.best_step, self.best_score = self.done, score
            self.best = {name: value.clone() for name, value in self.averaged.state_dict().items()}
        return found

    def state(self) -> dict[str, Any]:
        """Everything a resumed run needs, loadable with `weights_only=True`."""
        now = {
            "step": self.done,
            "plan": self.plan.to_json(),
            "spec": self.net.spec.to_json(),
            "net": self.net.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "best_step": self.best_step,
            "best_score": self.best_score,
        }
        return copy.deepcopy(now)

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a run where `state` left it."""
        self.done = int(state["step"])
        self.net.load_state_dict(state["net"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.best, self.best_step, self.best_score = state["best"], int(state["best_step"]), float(state["best_score"])


def _optimizer(net: Vae, plan: VaePlan) -> torch.optim.AdamW:
    """The skip path in a group of its own; `share` is what its rate is of the plan's."""
    groups: list[dict[str, Any]] = [{"params": [], "share": 1.0}, {"params": [], "share": plan.skip_rate}]
    for name, parameter in net.named_parameters():
        groups[".skip." in name]["params"].append(parameter)
    return torch.optim.AdamW(groups, plan.rate, plan.betas, weight_decay=plan.weight_decay, fused=True)


def reconstruction_loss(difference: Tensor) -> Tensor:
    """Charbonnier of normalised differences [B, M, L] and of their means over pools, plus L1 of their slopes."""
    loss = charbonnier(difference)
    for bands, frames in POOLS:
        pooled = F.avg_pool2d(difference, (min(bands, difference.shape[1]), min(frames, difference.shape[2])))
        loss = loss + 0.5 * charbonnier(pooled)
    slopes = difference.diff(dim=1).abs().mean() + difference.diff(dim=2).abs().mean()
    return loss + 0.25 * slopes


def charbonnier(difference: Tensor) -> Tensor:
    """Mean of sqrt(d^2 + eps^2): L1 with a round bottom."""
    return torch.sqrt(difference.square() + CHARBONNIER_EPS**2).mean()
