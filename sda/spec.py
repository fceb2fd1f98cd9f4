"""The frozen numbers that travel with a model: its mel grid, its networks, its normalisation.

Two networks may be joined only where their grids are equal; everything else in the program reads lengths and rates from here.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from sda.errors import ModelError

ACTIVATIONS = ("sigmoid", "softplus")
MOST_INSIDE = 1 << 22  # numbers in a layer of an old VAE; genuine ones have 98,304

LOG_MEL = "log"  # what a vocoder eats: ln of mel magnitudes on its own grid, as BigVGAN's
LOG1P_POWER = "log1p"  # or, in older programs, log1p of mel powers on the model's grid


class Spec:
    """A frozen record that goes to JSON and back, refusing what it does not know."""

    __slots__ = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Rebuild from JSON. Raises `ModelError` where a field is missing, unknown or of the wrong kind."""
        names = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
        if not isinstance(data, dict) or set(data) - set(names):
            raise ModelError(f"{cls.__name__}: expected the fields {sorted(names)}, found {str(data)[:80]}")
        values = {}
        for name, value in data.items():
            default = names[name].default
            values[name] = tuple(value) if isinstance(value, list) else value  # so that specs stay hashable
            if not _is_like(values[name], default):
                raise ModelError(f"{cls.__name__}.{name}: expected a value like {default!r}, found {str(value)[:40]!r}")
        return cls(**values)


def _is_like(value: Any, default: Any) -> bool:
    """Whether a value read from JSON is of a default's kind: where a float stands an int does too, tuples go by items."""
    if isinstance(default, tuple):
        return isinstance(value, tuple) and all(_is_like(item, default[0]) for item in value)
    return type(value) is type(default) or (isinstance(default, float) and type(value) is int)


@dataclass(frozen=True, slots=True, kw_only=True)
class MelSpec(Spec):
    """How a waveform becomes mel frames. The default is the grid of BigVGAN-v2 44 kHz, 128 bands, 512x.

    Frame j of an uncentred grid is centred at sample `hop * j + hop / 2`, of a centred one at `hop * j`.
    """

    sample_rate: int = 44_100  # Hz
    n_fft: int = 2048  # samples, also the length of the periodic Hann window
    hop: int = 512  # samples from one frame to the next
    n_mels: int = 128  # bands
    f_min: float = 0.0  # Hz
    f_max: float = 22_050.0  # Hz
    scale: str = "slaney"  # "slaney" (area-normalised triangles) or "htk" (peak 1)
    power: float = 1.0  # exponent of the magnitude: 1 magnitude, 2 power
    centered: bool = False  # frames centred on multiples of the hop, edges reflected by n_fft / 2
    floor: float = 1e-5  # magnitude below which the logarithm is clamped

    @property
    def frame_rate(self) -> float:
        """Frames per second."""
        return self.sample_rate / self.hop


EXCITATION_GROUPS = 16  # of bands, each with partials and noise of its own; see `core.excitation`
EXCITATION_LATE = 256  # samples by which an excitation is late as a stream, half a frame
EXCITATION_CYCLE = 509  # frames after which what it takes by chance comes again, a prime; 6 s


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorSpec(Spec):
    """A HiFi-GAN generator (Kong et al. 2020, arXiv 2010.05646, table of V2), with a chosen share of causal layers.

    `causal_stages` = n: conv_pre and the residual blocks of the first n stages see no future. Those layers hold most
    of the symmetric net's 144 ms of look-ahead, because they run at the lowest rates.
    """

    n_mels: int = 128
    channels: int = 128  # after conv_pre; halved by each stage
    rates: tuple[int, ...] = (8, 8, 4, 2)  # upsampling factor of each stage
    kernels: tuple[int, ...] = (16, 16, 8, 4)  # of the transposed convolutions: twice the rate
    res_kernels: tuple[int, ...] = (3, 7, 11)
    dilations: tuple[int, ...] = (1, 3, 5)
    causal_stages: int = 1
    noise: int = 0  # channels of random numbers beside the mel, a number each a frame; see `noise_of`
    excited: int = 0  # of the last stages, how many hear partials and noise worked out from the mel; see `excite`
    mixer_only: bool = False  # only the first stage is there, and the excitation as it mixes it is the sound
    eats: str = LOG_MEL

    def __post_init__(self) -> None:
        good = (
            self.eats in (LOG_MEL, LOG1P_POWER)
            and all(0 < n <= 4096 for n in (self.n_mels, self.channels))
            and 0 < len(self.rates) <= 8
            and len(self.rates) == len(self.kernels)
            and all(2 <= r <= 64 and r % 2 == 0 and k == 2 * r for r, k in zip(self.rates, self.kernels, strict=True))
            and 0 < len(self.res_kernels) <= 8
            and all(0 < k <= 31 and k % 2 == 1 for k in self.res_kernels)
            and 0 < len(self.dilations) <= 8
            and all(0 < d <= 64 for d in self.dilations)
            and self.channels % 2 ** len(self.rates) == 0
            and 0 <= self.causal_stages <= len(self.rates)
            and 0 <= self.noise <= 256
            and 0 <= self.excited <= len(self.rates)
            and (self.excited > 0 or not self.mixer_only)
        )
        if not good:
            raise ModelError(f"generator: not a HiFi-GAN this program can build: {self.to_json()}")
        if any(wait < 2 * (self.strides[stage] // 2) for stage, wait in self.excitation_waits.items()):
            raise ModelError(f"generator: its first stages answer before their excitation is known: {self.to_json()}")

    @property
    def inputs(self) -> int:
        """Channels of conv_pre's input: the mel's bands, then the noise."""
        return self.n_mels + self.noise

    @property
    def hop(self) -> int:
        """Samples per mel frame."""
        product = 1
        for rate in self.rates:
            product *= rate
        return product

    @property
    def built(self) -> int:
        """How many stages are there."""
        return 1 if self.mixer_only else len(self.rates)

    @property
    def is_causal(self) -> tuple[bool, ...]:
        """For each stage, whether its residual blocks see no future."""
        return tuple(stage < self.causal_stages for stage in range(len(self.rates)))

    @property
    def is_excited(self) -> tuple[bool, ...]:
        """For each stage, whether it hears the excitation."""
        last = len(self.rates) - self.excited
        return tuple(last <= stage < self.built for stage in range(len(self.rates)))

    @property
    def excitation_taps(self) -> dict[int, int]:
        """For each stage that hears the excitation, the taps of the convolution that brings it to the stage's rate."""
        return {n: 2 * stride if stride > 1 else 1 for n, stride in enumerate(self.strides) if self.is_excited[n]}

    @property
    def strides(self) -> tuple[int, ...]:
        """Samples of sound per sample of each stage."""
        return tuple(self.hop // math.prod(self.rates[: stage + 1]) for stage in range(len(self.rates)))

    @property
    def excitation_waits(self) -> dict[int, int]:
        """For each stage that hears the excitation, by how many samples its first one lies before the newest's beginning.

        What a stream's stage answers is late, by the layers before it; the excitation is late by `EXCITATION_LATE`, and must
        be there by then, half a stride further.
        """
        late = enumerate(zip(self.lateness, self.strides, strict=True))
        return {n: up - EXCITATION_LATE + stride // 2 for n, ((up, _), stride) in late if self.is_excited[n]}

    @property
    def mixer_wait(self) -> int:
        """The same for the mixer, which hears the first stage's answer and goes straight between its samples."""
        return self.lateness[0][1] - EXCITATION_LATE + self.strides[0] // 2

    @property
    def lateness(self) -> tuple[tuple[int, int], ...]:
        """For each stage, by how many samples a stream's upsampler and then its blocks answer late.

        Each transposed convolution of stride s looks s/2 of its output samples ahead; each symmetric convolution
        (k - 1) d / 2 of its own rate's; residual blocks stand side by side, so the longest counts.
        """
        late, stages = 0 if self.causal_stages else 3 * self.hop, []  # conv_pre, 7 taps
        reach = (max(self.res_kernels) - 1) // 2 * (sum(self.dilations) + len(self.dilations))
        for rate, stride, causal in zip(self.rates, self.strides, self.is_causal, strict=True):
            up = late + rate // 2 * stride
            late = up + (0 if causal else reach * stride)
            stages.append((up, late))
        return tuple(stages)

    @property
    def look_ahead(self) -> int:
        """Samples of the mel's future that an output sample depends on."""
        if self.mixer_only:
            return self.mixer_wait + EXCITATION_LATE
        return self.lateness[-1][1] + 3  # conv_post, 7 taps

    @property
    def memory(self) -> int:
        """Mel frames of the past that an output sample can depend on, rounded up."""
        past, per_sample = float(3 if self.causal_stages == 0 else 6), 1.0
        reach = (max(self.res_kernels) - 1) * (sum(self.dilations) + len(self.dilations))
        for rate, causal in zip(self.rates[: self.built], self.is_causal[: self.built], strict=True):
            per_sample /= rate
            past += 1 / 2 + reach * per_sample * (1 if causal else 0.5)
        return int(past + 3 / self.hop) + 1


OWN_GENERATOR = GeneratorSpec(excited=3, mixer_only=True)  # what is trained here; older files have other kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class VaeSpec(Spec):
    """The VAE of one model: bands as channels, three halvings in time, a linear skip path through the latent."""

    n_mels: int = 128
    frames: int = 88  # decoder length, a multiple of 8; 1.02 s on the default grid
    latent: int = 64
    width: int = 128  # channels inside
    gain: float = 1e5  # g in log1p(g * mel) / log1p(g)

    def __post_init__(self) -> None:
        good = (
            0 < self.n_mels <= 1024
            and 0 < self.frames <= 1024
            and self.frames % 8 == 0
            and 0 < self.latent <= 1024
            and 0 < self.width <= 1024
            and self.width % 8 == 0
            and 0 < self.gain <= 1e9
        )
        if not good:
            raise ModelError(f"VAE: not a network this program can build: {self.to_json()}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OldVaeSpec(Spec):
    """The VAE-64 of older programs: two-dimensional convolutions on log1p of mel powers, four halvings of bands and time."""

    kind: str = "vae-64"
    n_mels: int = 128
    frames: int = 94  # decoder length; 1 s of 48 kHz at a hop of 512, centred
    latent: int = 64
    channels: tuple[int, ...] = (32, 64, 128, 256)  # after each halving
    activation: str = "sigmoid"  # of the output: "sigmoid" or "softplus", which the weights do not tell
    encodes: bool = True  # whether the encoder's heads are there; the first programs could leave them out

    def __post_init__(self) -> None:
        good = (
            self.kind == "vae-64"
            and all(0 < n <= 1024 for n in (self.n_mels, self.frames, self.latent, *self.channels))
            and len(self.channels) == 4
            and self.activation in ACTIVATIONS
        )
        if not good or self._widest > MOST_INSIDE:
            raise ModelError(f"old VAE: not a network this program can build: {self.to_json()}")

    @property
    def padded(self) -> tuple[int, int]:
        """Bands and frames, each up to a multiple of 16."""
        return -(-self.n_mels // 16) * 16, -(-self.frames // 16) * 16

    @property
    def inner(self) -> tuple[int, int, int]:
        """[C, H, W] between the convolutions and the linear layers."""
        bands, frames = self.padded
        return self.channels[-1], bands // 16, frames // 16

    @property
    def _widest(self) -> int:
        """Numbers in the largest of its layers."""
        bands, frames = self.padded
        return max(width * (bands >> n) * (frames >> n) for n, width in enumerate(self.channels, start=1))


NetworkSpec = VaeSpec | OldVaeSpec


def network_from_json(data: Any) -> NetworkSpec:
    """The network that a model file describes; those of older programs name their kind. Raises as `Spec.from_json`."""
    return (OldVaeSpec if isinstance(data, dict) and "kind" in data else VaeSpec).from_json(data)


BIGVGAN_GRID = MelSpec()
