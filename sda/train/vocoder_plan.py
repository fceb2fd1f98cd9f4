"""How a vocoder is trained: every number of the recipe, stored with the run and with the model that came of it.

On a CPU the discriminators are narrow and take part at the end, if at all; on a GPU they have the paper's width and take
part from the beginning (Kong et al. 2020, arXiv 2010.05646, section 2.3). What each number is worth: examples/base_vocoder.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from sda.errors import ModelError
from sda.spec import Spec

DECAYS = ("late", "exponential")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscriminatorSpec(Spec):
    """Multi-period and multi-scale discriminators; the defaults are an eighth and a sixteenth of the paper's width."""

    periods: tuple[int, ...] = (2, 3, 5, 7, 11)  # samples
    period_channels: tuple[int, ...] = (4, 16, 64, 128, 128)
    scales: tuple[int, ...] = (2, 4)  # averages of so many samples
    scale_channels: tuple[int, ...] = (8, 8, 16, 32, 64, 64, 64)
    scale_groups: tuple[int, ...] = (1, 1, 1, 1, 1, 1, 1)

    def __post_init__(self) -> None:
        widths = (*self.period_channels, *self.scale_channels)
        good = (
            all(1 < period <= 64 for period in self.periods)
            and all(0 < scale <= 64 for scale in self.scales)
            and all(0 < width <= 4096 for width in widths)
            and len(self.period_channels) == 5
            and len(self.scale_channels) == len(self.scale_groups) == 7
            and all(groups > 0 for groups in self.scale_groups)
            and all(
                before % groups == 0 and after % groups == 0
                for before, after, groups in zip(
                    (1, *self.scale_channels), self.scale_channels, self.scale_groups, strict=False
                )
            )
        )
        if not good:
            raise ModelError(f"discriminators: none this program can build: {self.to_json()}")


PAPER = DiscriminatorSpec(
    period_channels=(32, 128, 512, 1024, 1024),
    scales=(1, 2, 4),
    scale_channels=(128, 128, 256, 512, 1024, 1024, 1024),
    scale_groups=(1, 4, 16, 16, 16, 16, 1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VocoderPlan(Spec):
    """How a generator is trained; stored with the run, so that a resumed schedule is the same."""

    steps: int = 10_000
    batch: int = 2  # crops, of all processes together
    segment: int = 16_384  # samples of a crop
    before: int = 14  # frames known before a crop, of which no loss is taken: what the causal layers remember
    after: int = 4  # frames known after it: the look-ahead, and the mel's own window
    rate: float = 1e-3  # of Muon, at its highest
    full_rate_steps: int = 0  # in plans of more, the rate falls with the root of their number; 0: it does not
    warmup: int = 100  # steps
    shape: str = "late"  # how the rate falls, one of DECAYS
    decay: float = 0.2  # late: share of the steps, at the end, over which it falls to zero; exponential: its last share
    ema: float = 0.999  # of the averaged weights, which are the result
    speed: float = 4.0  # semitones by which a crop is played slower or faster, half the time
    quieter_db: float = -12.0
    louder_db: float = 6.0
    varied: float = 0.0  # share of the crops that are changed much, half of them backwards, by these instead of the last three
    varied_speed: float = 12.0  # semitones
    varied_tilt_db: float = 12.0  # the most that an equaliser raises or lowers a frequency
    varied_quieter_db: float = -24.0
    varied_louder_db: float = 6.0
    predicted: float = 0.0  # share of the crops whose mel is what the VAE makes of them, not their own
    mel_weight: float = 22.0
    stft_weight: float = 15.0
    advance_weight: float = 20.0
    adversarial: float = 0.0  # share of the steps, at the end, in which the discriminators take part
    alone: int = 100  # steps at the beginning of that part in which they only learn
    adversarial_weight: float = 1.0
    feature_weight: float = 2.0
    discriminator_rate: float = 5e-4  # of AdamW
    augment: float = 0.3  # chance of each change to what the discriminators hear, at the start; their accuracies move it
    seed: int = 0

    def __post_init__(self) -> None:
        shares = (self.decay, self.ema, self.varied, self.predicted, self.adversarial, self.augment)
        good = (
            min(self.steps, self.batch, self.segment, self.warmup) > 0
            and min(self.before, self.after, self.alone, self.full_rate_steps) >= 0
            and self.shape in DECAYS
            and all(0 <= share <= 1 for share in shares)
        )
        if not good:
            raise ModelError(f"vocoder plan: not one this program can follow: {self.to_json()}")

    def rate_at(self, step: int) -> float:
        """The generator's learning rate: a warm-up, then one of two falls.

        "exponential" is the paper's, here from 1 to `decay` over all steps. "late" stays up and falls as 1 - sqrt over the
        last share (Haegele et al. 2024, arXiv 2405.18392), so that a milestone may branch off anywhere. A plan of more than
        `full_rate_steps` keeps rate times root of the steps: by that a gradient's noise carries weights away from a start.
        """
        lasting = math.sqrt(min(1.0, self.full_rate_steps / self.steps)) if self.full_rate_steps else 1.0
        return self.rate * lasting * min(1.0, (step + 1) / self.warmup) * self.fall_at(step)

    def fall_at(self, step: int) -> float:
        """The schedule's share of the full rate, without the warm-up."""
        if self.shape == "exponential":
            return float(self.decay ** (step / self.steps))
        left = (self.steps - step) / max(1.0, self.decay * self.steps)
        return max(0.0, 1 - math.sqrt(max(0.0, 1 - left)))

    @property
    def first_adversarial(self) -> int:
        """The step from which on the discriminators take part; `steps` where they never do."""
        return self.steps - round(self.adversarial * self.steps)


FROM_BASE = VocoderPlan(
    batch=4,
    rate=5e-4,
    full_rate_steps=900,
    warmup=30,
    decay=0.5,
    ema=0.99,
    quieter_db=-4.0,
    louder_db=2.0,
    speed=1.5,
    varied=0.6,
    predicted=0.1,
    mel_weight=66.0,
)
FROM_SCRATCH = VocoderPlan(decay=0.5, ema=0.995, predicted=0.1)
GPU_BATCH = 16  # crops
LONG_MINUTES = 60.0  # from which on a CPU has time for discriminators: 1,500 steps with them, 20 minutes, taught a base nothing
LONG_SHARE = 0.3  # of the steps that it has them


def planned_for(device: str, minutes: float, *, scratch: bool) -> VocoderPlan:
    """The recipe for a processor and a time; its `steps` are still to be found."""
    plan = FROM_SCRATCH if scratch else FROM_BASE
    if device != "cpu":
        return replace(plan, batch=GPU_BATCH, full_rate_steps=0, shape="exponential", decay=0.1, adversarial=1.0, alone=0)
    return replace(plan, adversarial=LONG_SHARE if minutes >= LONG_MINUTES else 0.0)
