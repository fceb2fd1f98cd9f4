"""Training a HiFi-GAN generator, resumable to the exact next loss.

All randomness of a step comes from (seed, step, crop), so a resumed run needs no random state: weights, optimizers and the
step number say everything. The recipe and what each part of it is worth: examples/base_vocoder.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sda.core import grid
from sda.core.excitation import in_step
from sda.core.hifigan import Generator, start_weights
from sda.spec import GeneratorSpec
from sda.train.adversary import LISTEN_EVERY, Adversary
from sda.train.copy_synthesis import held_out_clips, held_out_error, preferred, slack
from sda.train.corpus import Corpus
from sda.train.losses import SpectralLoss
from sda.train.muon import Muon
from sda.train.together import ALONE, Together
from sda.train.vocoder_crops import Crop, Crops
from sda.train.vocoder_plan import DiscriminatorSpec, VocoderPlan

Floats = NDArray[np.float32]

OWN_CLIPS = 8  # of the training recordings, which decide between candidates that are near each other
BETWEEN = (0.25, 0.375, 0.5, 0.625, 0.75, 0.875)  # shares of the way from the start to the last weights: candidates too


class VocoderTraining:
    """One generator being trained on one corpus."""

    def __init__(
        self,
        corpus: Corpus,
        spec: GeneratorSpec,
        plan: VocoderPlan,
        start: Mapping[str, Tensor] | None = None,
        *,
        predicted: Mapping[str, Floats] | None = None,
        discriminators: DiscriminatorSpec | None = None,
        together: Together = ALONE,
        device: str = "cpu",
    ) -> None:
        """start: weights to go on from; without them the variance-preserving start and the corpus' own mel statistics.

        predicted: what the VAE makes of the recordings (`vocoder_crops.predictions`), for the plan's share of the crops.
        """
        self.corpus, self.plan, self.done, self.device, self.together = corpus, plan, 0, device, together
        self.crops = Crops(corpus, plan, predicted or {}, spec.noise)
        self.clips, self.own_clips = held_out_clips(corpus), held_out_clips(corpus, OWN_CLIPS, own=True)
        self.net = Generator(spec)
        if start is not None:
            self.net.load_state_dict(dict(start))
        else:
            start_weights(self.net, torch.Generator().manual_seed(plan.seed))
            mean, std = mel_statistics(corpus, plan.seed)
            self.net.mel_mean.copy_(torch.from_numpy(mean))
            self.net.mel_std.fill_(std)
        self.net.to(device)
        self.averaged = copy.deepcopy(self.net).requires_grad_(False)
        self.start = {name: value.clone() for name, value in self.net.state_dict().items()} if start is not None else None
        self.loss = SpectralLoss(plan.mel_weight, plan.stft_weight, plan.advance_weight).to(device)
        kernels = [p for p in self.net.parameters() if p.ndim > 1]
        biases = [p for p in self.net.parameters() if p.ndim == 1]
        self.optimizers = (Muon(kernels, plan.rate), torch.optim.Adam(biases, plan.rate, (0.9, 0.99)))
        self.adversary: Adversary | None = None
        if plan.adversarial > 0:
            self.adversary = Adversary(discriminators or DiscriminatorSpec(), plan, together, device)
        self.best_step, self.best_error, self.best_own, self.least = 0, math.inf, math.inf, math.inf
        self.start_error = 0.0  # 0 where there is no start that could be kept
        self.best: dict[str, Tensor] = {}

    def step(self) -> dict[str, float]:
        """One update. Returns the losses by name, and what a follower should see of the discriminators."""
        plan = self.plan
        crops = self.crops.batch(self.done, self.together.share(plan.batch))
        real, log_mel = self._heard(crops)
        noise = torch.from_numpy(np.stack([crop.noise for crop in crops])).to(self.device)  # [B, N, F]
        made = self.net(log_mel, plan.before, plan.after, noise, self._excitation(log_mel, crops)).squeeze(1)  # [B, T]
        total, parts = self.loss(made, real)
        losses = {"total": total.item()} | {name: value.item() for name, value in parts.items()}
        (towards,) = torch.autograd.grad(total, made)
        if self.adversary is not None and self.done >= plan.first_adversarial:
            taught, said = self.adversary.step(real, made, self.done, plan.fall_at(self.done))
            towards, losses = towards + taught, losses | said
            if self.done % LISTEN_EVERY == 0:
                self.adversary.listen(self._held_out_crops(len(real)), self.done)
        for optimizer in self.optimizers:
            optimizer.param_groups[0]["lr"] = plan.rate_at(self.done)
            optimizer.zero_grad()
        made.backward(towards)
        self.together.average([p.grad for p in self.net.parameters()])
        for optimizer in self.optimizers:
            optimizer.step()
        self.done += 1
        keep = min(plan.ema, self.done / (self.done + 10))
        with torch.no_grad():
            for average, new in zip(self.averaged.parameters(), self.net.parameters(), strict=True):
                average.lerp_(new, 1 - keep)
        return self.together.mean(losses) | (self.adversary.figures() if "adversarial" in losses and self.adversary else {})

    @torch.no_grad()
    def _heard(self, crops: list[Crop]) -> tuple[Tensor, Tensor]:
        """The samples [B, T] that a batch should become, and the log-mels [B, M, F] of crops and surroundings."""
        plan, hop = self.plan, self.net.spec.hop
        around = torch.from_numpy(np.stack([crop.audio for crop in crops])).to(self.device)
        log_mel = self.loss.mel(around)
        for number, crop in enumerate(crops):
            if crop.predicted is not None:
                log_mel[number] = torch.from_numpy(crop.predicted)
        return around[:, plan.before * hop : around.shape[1] - plan.after * hop], log_mel

    def _excitation(self, log_mel: Tensor, crops: list[Crop]) -> Tensor | None:
        """What the generator is excited by [B, E, T], crops and surroundings; None where it is by nothing."""
        if not self.net.spec.excited:
            return None
        heard = log_mel.cpu().numpy()
        made = [in_step(each, crop.number) for each, crop in zip(heard, crops, strict=True)]
        return torch.from_numpy(np.stack(made)).to(self.device)

    def _held_out_crops(self, count: int) -> Tensor:
        """Stretches [B, T] of held-out recordings, at random."""
        random, segment = np.random.default_rng([self.plan.seed, self.done, 1 << 30]), self.plan.segment
        crops = np.zeros((count, segment), np.float32)
        for crop in crops:
            clip = self.clips[int(random.integers(len(self.clips)))]
            start = int(random.integers(max(1, len(clip) - segment)))
            part = clip[start : start + segment]
            crop[: len(part)] = part
        return torch.from_numpy(crops).to(self.device)

    def held_out(self) -> dict[str, float]:
        """Judge the averaged weights (`held_out_error`), and keep what is `preferred`.

        At the end weights between them and the start are judged as well: they often keep most of what was learned and
        lose less of what was known (Wortsman et al. 2022, arXiv 2109.01903).
        """
        present = self.averaged.state_dict()
        found, own = self._judged(present)
        if self.start is not None and self.done == 0:
            self.start_error = found["mel"]
        self._keep(present, found["mel"], own)
        if self.start is not None and self.done >= self.plan.steps:
            for share in BETWEEN:
                between = {name: self.start[name].lerp(value, share) for name, value in present.items()}
                judged, own = self._judged(between)
                self._keep(between, judged["mel"], own)
        return found

    def _judged(self, weights: Mapping[str, Tensor]) -> tuple[dict[str, float], float]:
        """The errors of some weights on held-out recordings, and their mel error on own ones."""
        net = copy.deepcopy(self.averaged)
        net.load_state_dict(dict(weights))
        return held_out_error(net, self.clips), held_out_error(net, self.own_clips)["mel"]

    def _keep(self, weights: Mapping[str, Tensor], error: float, own: float) -> None:
        """Keep some weights if they are preferred to those that are kept."""
        self.least = min(self.least, error)
        limit = slack(len(self.corpus.held_out)) * max(self.least, self.start_error)
        if preferred((error, own), (self.best_error, self.best_own), limit):
            self.best_step, self.best_error, self.best_own = self.done, error, own
            self.best = {name: value.clone() for name, value in weights.items()}

    def state(self) -> dict[str, Any]:
        """Everything a resumed run needs, loadable with `weights_only=True`."""
        return {
            "step": self.done,
            "plan": self.plan.to_json(),
            "spec": self.net.spec.to_json(),
            "net": self.net.state_dict(),
            "averaged": self.averaged.state_dict(),
            "start": self.start or {},
            "optimizers": [o.state_dict() for o in self.optimizers],
            "adversary": self.adversary.state() if self.adversary else {},
            "best": self.best,
            **{name: getattr(self, name) for name in RECORD},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a run where `state` left it."""
        self.done = int(state["step"])
        self.net.load_state_dict(state["net"])
        self.averaged.load_state_dict(state["averaged"])
        self.start = state["start"] or None
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        if self.adversary is not None and state["adversary"]:
            self.adversary.restore(state["adversary"])
        self.best = state["best"]
        for name in RECORD:
            setattr(self, name, state[name])


RECORD = ("best_step", "best_error", "best_own", "least", "start_error")


def mel_statistics(corpus: Corpus, seed: int, crops: int = 400) -> tuple[Floats, float]:
    """Mean log-mel per band [M] and the standard deviation of all of it, over random seconds of the training recordings."""
    random = np.random.default_rng([seed, 1 << 40])
    mels = []
    for _ in range(crops):
        recording = corpus.pick(random)
        start = int(random.integers(0, max(1, recording.length - corpus.rate)))
        mels.append(grid.log_mel(corpus.read(recording, start, min(corpus.rate, recording.length))))
    together = np.concatenate(mels, axis=1)
    mean = together.mean(axis=1)
    return mean, float((together - mean[:, None]).std())
