"""Training a HiFi-GAN generator on spectral losses, resumable to the exact next loss.

All randomness of a step comes from a generator keyed by (seed, step), so a resumed run needs no random state: weights,
optimizers and the step number say everything. The recipe and what each part of it is worth: examples/base_vocoder.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from sda.core import grid
from sda.core.hifigan import Generator, start_weights
from sda.spec import BIGVGAN_GRID, GeneratorSpec, Spec
from sda.train.corpus import Corpus
from sda.train.losses import SpectralLoss, magnitude
from sda.train.muon import Muon

Floats = NDArray[np.float32]

NEAR = 1.01  # times the least held-out error: differences below 5 % are noise
OWN_CLIPS = 8  # of the training recordings, which decide between candidates that are near each other
QUIETEST_CROP = 1e-3  # peak below which another crop is drawn, up to three times


@dataclass(frozen=True, slots=True, kw_only=True)
class VocoderPlan(Spec):
    """How a generator is trained; stored with the run, so that a resumed schedule is the same."""

    steps: int = 10_000
    batch: int = 2  # crops
    segment: int = 16_384  # samples of a crop
    before: int = 14  # frames known before a crop, of which no loss is taken: what the causal layers remember
    after: int = 4  # frames known after it: the look-ahead, and the mel's own window
    rate: float = 1e-3  # of Muon, at its highest
    warmup: int = 100  # steps
    decay: float = 0.2  # share of the steps, at the end, over which the rate falls to zero
    ema: float = 0.999  # of the averaged weights, which are the result
    speed: float = 4.0  # semitones by which a crop is played slower or faster, half the time
    quieter_db: float = -12.0
    louder_db: float = 6.0
    seed: int = 0

    def rate_at(self, step: int) -> float:
        """Warm-up, plateau, then a fall as 1 - sqrt (Haegele et al. 2024, arXiv 2405.18392): any milestone may branch off."""
        left = (self.steps - step) / max(1.0, self.decay * self.steps)
        return self.rate * min(1.0, (step + 1) / self.warmup, max(0.0, 1 - math.sqrt(max(0.0, 1 - left))))


class VocoderTraining:
    """One generator being trained on one corpus."""

    def __init__(
        self,
        corpus: Corpus,
        spec: GeneratorSpec,
        plan: VocoderPlan,
        start: dict[str, Tensor] | None = None,
        *,
        device: str = "cpu",
    ) -> None:
        """start: weights to go on from; without them the variance-preserving start and the corpus' own mel statistics."""
        self.corpus, self.plan, self.done, self.device = corpus, plan, 0, device
        self.clips, self.own_clips = held_out_clips(corpus), held_out_clips(corpus, OWN_CLIPS, own=True)
        self.net = Generator(spec)
        if start is not None:
            self.net.load_state_dict(start)
        else:
            start_weights(self.net, torch.Generator().manual_seed(plan.seed))
            mean, std = mel_statistics(corpus, plan.seed)
            self.net.mel_mean.copy_(torch.from_numpy(mean))
            self.net.mel_std.fill_(std)
        self.net.to(device)
        self.averaged = copy.deepcopy(self.net).requires_grad_(False)
        self.loss = SpectralLoss().to(device)
        kernels = [p for p in self.net.parameters() if p.ndim > 1]
        biases = [p for p in self.net.parameters() if p.ndim == 1]
        self.optimizers = (Muon(kernels, plan.rate), torch.optim.Adam(biases, plan.rate, (0.9, 0.99)))
        self.best_step, self.best_error, self.best_own, self.least = 0, math.inf, math.inf, math.inf
        self.best: dict[str, Tensor] = {}

    def step(self) -> dict[str, float]:
        """One update. Returns the losses by name."""
        plan, hop = self.plan, self.net.spec.hop
        around = torch.from_numpy(self.crops(self.done)).to(self.device)  # [B, T], surroundings included
        with torch.no_grad():
            log_mel = self.loss.mel(around)  # [B, M, F]
        made = self.net(log_mel, plan.before, plan.after).squeeze(1)
        total, parts = self.loss(made, around[:, plan.before * hop : around.shape[1] - plan.after * hop])
        for optimizer in self.optimizers:
            optimizer.param_groups[0]["lr"] = self.plan.rate_at(self.done)
            optimizer.zero_grad()
        total.backward()
        for optimizer in self.optimizers:
            optimizer.step()
        self.done += 1
        keep = min(self.plan.ema, self.done / (self.done + 10))
        with torch.no_grad():
            for average, new in zip(self.averaged.parameters(), self.net.parameters(), strict=True):
                average.lerp_(new, 1 - keep)
        return {"total": total.item()} | {name: value.item() for name, value in parts.items()}

    def held_out(self) -> dict[str, float]:
        """Judge the averaged weights (`held_out_error`), and keep them if they are `preferred`."""
        found, own = held_out_error(self.averaged, self.clips), held_out_error(self.averaged, self.own_clips)["mel"]
        self.least = min(self.least, found["mel"])
        if preferred((found["mel"], own), (self.best_error, self.best_own), self.least):
            self.best_step, self.best_error, self.best_own = self.done, found["mel"], own
            self.best = {name: value.clone() for name, value in self.averaged.state_dict().items()}
        return found

    def crops(self, step: int) -> Floats:
        """The batch [B, T] of a step with its surroundings: random places, speeds, levels and polarities."""
        random = np.random.default_rng([self.plan.seed, step])
        return np.stack([self._crop(random) for _ in range(self.plan.batch)])

    def _crop(self, random: np.random.Generator) -> Floats:
        plan, hop = self.plan, self.net.spec.hop
        size = plan.before * hop + plan.segment + plan.after * hop
        for _ in range(4):
            recording = self.corpus.pick(random)
            faster = 2 ** (random.uniform(-plan.speed, plan.speed) / 12) if random.random() < 0.5 else 1.0
            length = math.ceil(plan.segment * faster) + 1
            start = int(random.integers(-plan.segment // 8, max(1, recording.length - length + plan.segment // 8)))
            start -= round(plan.before * hop * faster)
            crop = self.corpus.read(recording, start, math.ceil(size * faster) + 1)
            if faster != 1.0:
                crop = soxr.resample(crop, faster, 1.0, quality="HQ")
            crop = crop[:size]
            if float(np.abs(crop[plan.before * hop :][: plan.segment]).max()) >= QUIETEST_CROP:
                break
        peak = float(np.abs(crop).max())
        gain = 10 ** (random.uniform(plan.quieter_db, plan.louder_db) / 20) * random.choice([-1, 1])
        return np.pad(crop * np.float32(gain * min(1.0, 0.98 / max(peak * abs(gain), 1e-9))), (0, size - len(crop)))

    def state(self) -> dict[str, Any]:
        """Everything a resumed run needs, loadable with `weights_only=True`."""
        return {
            "step": self.done,
            "plan": self.plan.to_json(),
            "spec": self.net.spec.to_json(),
            "net": self.net.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
            "best": self.best,
            "best_step": self.best_step,
            "best_error": self.best_error,
            "best_own": self.best_own,
            "least": self.least,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a run where `state` left it."""
        self.done = int(state["step"])
        self.net.load_state_dict(state["net"])
        self.averaged.load_state_dict(state["averaged"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.best, self.best_step = state.get("best", {}), int(state.get("best_step", 0))
        self.best_error, self.best_own = float(state.get("best_error", math.inf)), float(state.get("best_own", math.inf))
        self.least = float(state.get("least", self.best_error))


def preferred(one: tuple[float, float], other: tuple[float, float], least: float) -> bool:
    """Whether a candidate's mel errors on held-out and on own recordings are better than another's.

    Held-out recordings decide; among candidates as good as the best of them (`NEAR` the `least` error), the own ones.
    """
    limit = NEAR * least
    if (one[0] <= limit) != (other[0] <= limit):
        return one[0] <= limit
    return one[1] < other[1] if one[0] <= limit else one[0] < other[0]


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


@torch.no_grad()
def synthesise(net: Generator, log_mel: Floats) -> Floats:
    """Waveform [T = hop * F] of a log-mel [M, F], silence beyond its edges."""
    spec = net.spec
    before, after = spec.memory, math.ceil(spec.look_ahead / spec.hop)
    silence = math.log(BIGVGAN_GRID.floor)
    padded = np.pad(log_mel, ((0, 0), (before, after)), constant_values=silence)
    whole: Floats = net(torch.from_numpy(padded)[None].to(net.mel_mean.device)).cpu().numpy()[0, 0]
    return whole[before * spec.hop : (before + log_mel.shape[1]) * spec.hop]


def held_out_error(net: Generator, clips: list[Floats]) -> dict[str, float]:
    """Copy synthesis of held-out clips: mean mel L1 in nat and mean spectral convergence (n_fft 1024)."""
    mel_errors, convergences = [], []
    for clip in clips:
        clip = clip[: len(clip) // BIGVGAN_GRID.hop * BIGVGAN_GRID.hop]
        target = grid.log_mel(clip)
        made = synthesise(net, target)
        mel_errors.append(float(np.abs(grid.log_mel(made) - target).mean()))
        one, other = (magnitude(torch.from_numpy(x)[None], 1024) for x in (made, clip))
        convergences.append(float((other - one).norm() / other.norm()))
    return {"mel": float(np.mean(mel_errors)), "convergence": float(np.mean(convergences))}


def held_out_clips(corpus: Corpus, count: int = 24, seconds: float = 1.5, *, own: bool = False) -> list[Floats]:
    """The loudest stretch of each of the first `count` held-out recordings, in an order drawn once for ever.

    own: of the training recordings instead; so too in a corpus that has nothing held out.
    """
    recordings = corpus.training if own else corpus.held_out or corpus.training
    clips = []
    for number in np.random.default_rng(0).permutation(len(recordings))[:count]:
        recording = recordings[int(number)]
        whole, length = corpus.whole(recording), int(seconds * corpus.rate)
        starts = range(0, max(1, len(whole) - length + 1), corpus.rate // 4)
        best = max(starts, key=lambda s: float(np.square(whole[s : s + length]).sum()))
        clips.append(whole[best : best + length])
    return clips
