"""The recipe of the HiFi-GAN paper (Kong et al. 2020, arXiv 2010.05646), in plain torch, as a measuring rod.

Generator V2 from scratch, symmetric, its weights from N(0, .01) under weight norm, raw log-mel as input; the multi-period and
multi-scale discriminators at full width (section 2.3; widths, kernels and groups of the latter as in MelGAN with fewer
strides and one layer more); LSGAN + 2 feature matching + 45 mel L1 (equations 1 to 6); AdamW 2e-4 (.8, .99), weight decay
.01, rate times .999 each epoch; crops of 8192 samples, each file giving one an epoch. What had to differ: 44.1 kHz, hop
512 with upsampling by 8, 8, 4, 2 and BigVGAN's mel, since all others here have these.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from sda.core.hifigan import Conv, Generator, Upsampler
from sda.spec import GeneratorSpec
from sda.train.corpus import Corpus
from sda.train.losses import LogMel

Floats = NDArray[np.float32]
Maps = list[Tensor]

SEGMENT, BATCH = 8192, 8
RATE, BETAS, WEIGHT_DECAY, PER_EPOCH = 2e-4, (0.8, 0.99), 0.01, 0.999
MEL_WEIGHT, MATCHING_WEIGHT = 45.0, 2.0
START_STD = 0.01
SLOPE = 0.1  # of the leaky ReLUs
PERIODS = (2, 3, 5, 7, 11)
SCALE_LAYERS = (  # channels out, kernel, stride, groups
    (128, 15, 1, 1), (128, 41, 2, 4), (256, 41, 2, 16), (512, 41, 4, 16), (1024, 41, 4, 16), (1024, 41, 1, 16), (1024, 5, 1, 1),
)  # fmt: skip


class Period(nn.Module):
    """A waveform [B, 1, T] folded to [B, 1, T / period, period] and judged column by column."""

    def __init__(self, period: int) -> None:
        super().__init__()
        self.period = period
        widths = (1, 32, 128, 512, 1024, 1024)
        strides = (3, 3, 3, 3, 1)
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(one, other, (5, 1), (stride, 1), padding=(2, 0)))
            for (one, other), stride in zip(pairwise(widths), strides, strict=True)
        )
        self.last = weight_norm(nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, audio: Tensor) -> tuple[Tensor, Maps]:
        missing = -audio.shape[-1] % self.period
        x = F.pad(audio, (0, missing), mode="reflect").unflatten(-1, (-1, self.period))
        return _through(self.layers, self.last, x)


class Scale(nn.Module):
    """A waveform [B, 1, T], averaged down `halvings` times, judged along time."""

    def __init__(self, halvings: int) -> None:
        super().__init__()
        norm = weight_norm if halvings else spectral_norm  # section 2.3: spectral norm steadies the one on the raw waveform
        self.halvings, inputs, layers = halvings, 1, []
        for outputs, kernel, stride, groups in SCALE_LAYERS:
            layers.append(norm(nn.Conv1d(inputs, outputs, kernel, stride, kernel // 2, groups=groups)))
            inputs = outputs
        self.layers, self.last = nn.ModuleList(layers), norm(nn.Conv1d(inputs, 1, 3, padding=1))

    def forward(self, audio: Tensor) -> tuple[Tensor, Maps]:
        for _ in range(self.halvings):
            audio = F.avg_pool1d(audio, 4, 2, padding=2)
        return _through(self.layers, self.last, audio)


class Discriminators(nn.Module):
    """All eight of them: waveforms [B, 1, T] -> a score and the maps of each."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleList([*(Period(p) for p in PERIODS), *(Scale(n) for n in range(3))])

    def forward(self, audio: Tensor) -> list[tuple[Tensor, Maps]]:
        return [part(audio) for part in self.parts]


class PaperTraining:
    """A generator trained from scratch as the paper says."""

    def __init__(self, corpus: Corpus, seed: int, batch: int = BATCH) -> None:
        self.corpus, self.batch = corpus, min(batch, max(1, len(corpus.training)))
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.net, self.judges = start_generator(), Discriminators()
        self.random, self.mel, self.done = np.random.default_rng(seed), LogMel(), 0
        self.optimizers = [
            torch.optim.AdamW(net.parameters(), RATE, BETAS, weight_decay=WEIGHT_DECAY) for net in (self.judges, self.net)
        ]
        self.epochs = [torch.optim.lr_scheduler.ExponentialLR(optimizer, PER_EPOCH) for optimizer in self.optimizers]
        self._batches = self._drawn()

    def step(self) -> dict[str, float]:
        """One update of the discriminators and one of the generator."""
        real = torch.from_numpy(next(self._batches)).unsqueeze(1)  # [B, 1, T]
        log_mel = self.mel(real.squeeze(1))
        made = self.net(log_mel)
        judging = discriminator_loss(self.judges(real), self.judges(made.detach()))
        self._update(0, judging)
        mel = F.l1_loss(self.mel(made.squeeze(1)), log_mel)
        total = generator_loss(self.judges(real), self.judges(made)) + MEL_WEIGHT * mel
        self._update(1, total)
        self.done += 1
        return {"mel": mel.item(), "total": total.item(), "discriminators": judging.item()}

    def train(self, cpu_s: float) -> None:
        """Step until `cpu_s` CPU seconds have passed, once at the least."""
        end = time.process_time() + cpu_s
        while not self.done or time.process_time() < end:
            self.step()

    def result(self) -> Generator:
        """The generator with its weight norm folded away. The training is over then."""
        for module in self.net.modules():
            if parametrize.is_parametrized(module):
                parametrize.remove_parametrizations(module, "weight")
        return self.net.requires_grad_(False)

    def _update(self, which: int, loss: Tensor) -> None:
        self.optimizers[which].zero_grad()
        loss.backward()
        self.optimizers[which].step()

    def _drawn(self) -> Iterator[Floats]:
        """Batches [B, T] for ever: every training recording once an epoch, in a new order, from a random place."""
        while True:
            order = self.random.permutation(len(self.corpus.training))
            for first in range(0, len(order) - self.batch + 1, self.batch):
                yield np.stack([self._crop(int(number)) for number in order[first : first + self.batch]])
            for schedule in self.epochs:
                schedule.step()

    def _crop(self, number: int) -> Floats:
        recording = self.corpus.training[number]
        return self.corpus.read(recording, int(self.random.integers(0, max(1, recording.length - SEGMENT + 1))), SEGMENT)


def start_generator() -> Generator:
    """V2 for a hop of 512: all layers N(0, .01), biases 0, but for the first convolution, which keeps torch's own start."""
    net = Generator(GeneratorSpec(causal_stages=0))
    for module in net.modules():
        if isinstance(module, Conv | Upsampler):
            nn.init.normal_(module.weight, std=START_STD)
    nn.init.kaiming_uniform_(net.conv_pre.weight, a=5**0.5)
    for module in net.modules():
        if isinstance(module, Conv | Upsampler):
            weight_norm(module, "weight")
    return net


def discriminator_loss(real: list[tuple[Tensor, Maps]], made: list[tuple[Tensor, Maps]]) -> Tensor:
    """Least squares (Mao et al. 2017), equation 1, summed over the discriminators."""
    parts = [(1 - one).square().mean() + other.square().mean() for (one, _), (other, _) in zip(real, made, strict=True)]
    return torch.stack(parts).sum()


def generator_loss(real: list[tuple[Tensor, Maps]], made: list[tuple[Tensor, Maps]]) -> Tensor:
    """Equations 2 and 4: to be taken for real, and 2 times the feature matching, summed over the discriminators."""
    parts = []
    for (_, wanted), (score, found) in zip(real, made, strict=True):
        matching = sum((F.l1_loss(one, other.detach()) for one, other in zip(found, wanted, strict=True)), score.new_zeros(()))
        parts.append((1 - score).square().mean() + MATCHING_WEIGHT * matching)
    return torch.stack(parts).sum()


def _through(layers: nn.ModuleList, last: nn.Module, x: Tensor) -> tuple[Tensor, Maps]:
    """The score and every layer's map, the score's own among them."""
    maps = []
    for layer in layers:
        x = F.leaky_relu(layer(x), SLOPE)
        maps.append(x)
    score = last(x)
    return score.flatten(1), [*maps, score]
