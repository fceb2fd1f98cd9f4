"""Small old files of each kind, written from the description of their formats by torch alone, as older programs did."""

from __future__ import annotations

import enum
import sys
import types
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

CHANNELS, LATENT, SLIDERS = (2, 4, 4, 8), 6, 3
CONFIG = {
    "resblock_type": 1, "upsample_rates": [8, 8, 4, 2], "upsample_kernel_sizes": [16, 16, 8, 4], "upsample_initial_channel": 16,
    "resblock_kernel_sizes": [3, 5], "resblock_dilation_sizes": [[1, 3, 5]] * 2, "num_mels": 128, "sample_rate": 48_000,
    "hop_size": 512, "learning_rate": 2e-4, "adam_b1": 0.8, "adam_b2": 0.99, "lr_decay": 0.999, "segment_size": 24_576,
    "batch_size": 8, "mpd_periods": [2, 3, 5, 7, 11],
}  # fmt: skip


class OldNet(nn.Module):
    """The VAE-64 by its description, with fewer channels. log1p mel [B, 1, 128, 94]."""

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        down: list[nn.Module] = []
        for a, b in pairwise((1, *CHANNELS)):
            down += [nn.Conv2d(a, b, 3, 2, 1), nn.BatchNorm2d(b), nn.ReLU(), nn.Dropout2d(0.2)]
        up: list[nn.Module] = []
        for a, b in pairwise(reversed(CHANNELS)):
            up += [nn.ConvTranspose2d(a, b, 3, 2, 1, 1), nn.BatchNorm2d(b), nn.ReLU(), nn.Dropout2d(0.2)]
        inner = CHANNELS[-1] * 8 * 6
        self.encoder, self.decoder = nn.Module(), nn.Module()
        self.encoder.convs = nn.Sequential(*down)
        self.encoder.fc_mu, self.encoder.fc_logvar = nn.Linear(inner, LATENT), nn.Linear(inner, LATENT)
        self.decoder.fc = nn.Linear(LATENT, inner)
        self.decoder.deconvs = nn.Sequential(*up, nn.ConvTranspose2d(CHANNELS[0], 1, 3, 2, 1, 1), activation)

    def encode(self, mel: Tensor) -> tuple[Tensor, Tensor]:
        h = self.encoder.convs(F.pad(mel, (0, 2))).flatten(1)
        return self.encoder.fc_mu(h), self.encoder.fc_logvar(h).clamp(-20, 20)

    def decode(self, z: Tensor) -> Tensor:
        made: Tensor = self.decoder.deconvs(self.decoder.fc(z).view(-1, CHANNELS[-1], 8, 6))
        return made[:, 0, :128, :94]


def weight_norm(conv: nn.Module) -> nn.Module:
    """Weight normalisation as old files hold it: `weight_g` and `weight_v`, of which the weight is made anew each time.

    Salimans & Kingma 2016, arXiv 1602.07868, eq. 2: w = g v / |v|, the norm over all but the first dimension. torch's own
    function of that name warns that it is deprecated.
    """
    weight = conv.weight.detach()
    del conv.weight
    conv.weight_g = nn.Parameter(weight.flatten(1).norm(dim=1).view(-1, *[1] * (weight.ndim - 1)))
    conv.weight_v = nn.Parameter(weight)

    def fold(conv: Any, _: Any) -> None:
        lengths = conv.weight_v.flatten(1).norm(dim=1).view(conv.weight_g.shape)
        conv.weight = conv.weight_g * conv.weight_v / lengths

    conv.register_forward_pre_hook(fold)
    return conv


class OldGenerator(nn.Module):
    """HiFi-GAN by its description, every convolution under weight norm. [B, 128, F] -> [B, 1, 512 F]."""

    def __init__(self) -> None:
        super().__init__()
        width = CONFIG["upsample_initial_channel"]
        self.conv_pre = weight_norm(nn.Conv1d(128, width, 7, padding=3))
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        for rate, kernel in zip(CONFIG["upsample_rates"], CONFIG["upsample_kernel_sizes"], strict=True):
            self.ups.append(weight_norm(nn.ConvTranspose1d(width, width // 2, kernel, rate, padding=(kernel - rate) // 2)))
            width //= 2
            for taps in CONFIG["resblock_kernel_sizes"]:
                block = nn.Module()
                for name, dilations in (("convs1", (1, 3, 5)), ("convs2", (1, 1, 1))):
                    convs = [nn.Conv1d(width, width, taps, dilation=d, padding=d * (taps - 1) // 2) for d in dilations]
                    setattr(block, name, nn.ModuleList(weight_norm(conv) for conv in convs))
                self.resblocks.append(block)
        self.conv_post = weight_norm(nn.Conv1d(width, 1, 7, padding=3))

    def forward(self, mel: Tensor) -> Tensor:
        x, beside = self.conv_pre(mel), len(CONFIG["resblock_kernel_sizes"])
        for stage, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, 0.1))
            ends = []
            for block in self.resblocks[stage * beside : (stage + 1) * beside]:
                y = x
                for first, second in zip(block.convs1, block.convs2, strict=True):
                    y = y + second(F.leaky_relu(first(F.leaky_relu(y, 0.1)), 0.1))
                ends.append(y)
            x = torch.stack(ends).mean(0)
        return torch.tanh(self.conv_post(F.leaky_relu(x)))


def randomise(net: nn.Module, seed: int = 0) -> None:
    """Every weight and every buffer its own random numbers, of a size that keeps a net's answers lively."""
    random = torch.Generator().manual_seed(seed)
    for name, tensor in net.state_dict().items():
        if tensor.is_floating_point():
            fan = max(1, tensor[0].numel()) if tensor.ndim > 1 else 4
            tensor.copy_(torch.randn(tensor.shape, generator=random) * (2 / fan) ** 0.5)
            if name.endswith("running_var"):
                tensor.abs_().add_(0.5)
            elif name.endswith("weight_g"):  # lengths near 1/2: the residual blocks neither die out nor drive the tanh
                tensor.mul_(0.2).abs_().add_(0.4)
            elif tensor.ndim == 1:
                tensor.add_(0.2)
    net.eval().requires_grad_(False)


@contextmanager
def old_preset(package: str) -> Iterator[Any]:
    """The Enum of the old programs under its dotted name, there while a file is written."""
    names = [package, f"{package}.training", f"{package}.training.config"]
    made = enum.Enum("OverfittingPreset", {n.upper(): n for n in ("conservative", "balanced", "aggressive")}, module=names[-1])
    made.__qualname__ = "OverfittingPreset"
    sys.modules.update({name: types.ModuleType(name) for name in names})
    sys.modules[names[-1]].OverfittingPreset = made  # type: ignore[attr-defined]
    try:
        yield made
    finally:
        for name in names:
            del sys.modules[name]


def analysis(seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    rows = np.linalg.qr(random.standard_normal((LATENT, LATENT)))[0][:SLIDERS].astype(np.float32)
    low, high = np.array([-2.0, -1.0, -3.1], np.float32), np.array([2.0, 1.5, 2.9], np.float32)
    return {
        "version": 1, "pca_components": rows, "pca_mean": random.standard_normal(LATENT).astype(np.float32),
        "explained_variance_ratio": np.array([0.5, 0.3, 0.1], np.float32), "n_active_components": SLIDERS,
        "component_labels": ["Axis 1", "Axis 2", "Axis 3"], "suggested_labels": ["rms_energy", "Axis 2", "rms_energy"],
        "safe_min": low, "safe_max": high, "warning_min": 1.2 * low, "warning_max": 1.2 * high, "step_size": (high - low) / 20,
        "n_steps": 21, "feature_correlations": {"rms_energy": [0.9, float("nan"), 0.7]}, "latent_dim": LATENT,
    }  # fmt: skip


def content(kind: str, net: nn.Module, preset: Any, **training: Any) -> dict[str, Any]:
    """The dict of an old file around a net's weights."""
    grid = {"sample_rate": 48_000, "n_fft": 2048, "hop_length": 512, "n_mels": 128, "f_min": 0.0, "f_max": None, "power": 2.0}
    settings = {
        "latent_dim": LATENT,
        "free_bits": 0.5,
        "chunk_duration_s": 1.0,
        "preset": preset,
        "regularization": {"dropout": 0.2},
    }
    metadata = {
        "model_id": "1c0ffee0-1111-4222-8333-444455556666", "name": "Regen", "description": "", "dataset_name": "rain",
        "dataset_file_count": 7, "dataset_total_duration_s": 0.0, "training_date": "", "save_date": "2025-01-02T03:04:05+00:00",
        "training_epochs": 23, "final_train_loss": 3.5, "final_val_loss": float("inf"), "tags": ["rain", "roof"],
        "has_analysis": True, "n_active_components": SLIDERS,
    }  # fmt: skip
    return {
        "format": kind, "version": 1, "model_state_dict": OrderedDict(net.state_dict()), "latent_dim": LATENT,
        "spectrogram_config": grid, "latent_analysis": analysis(), "training_config": settings | training, "metadata": metadata,
    }  # fmt: skip


def write(
    path: Path,
    kind: str = "sda_model",
    *,
    change: Callable[[dict[str, Any]], object] = lambda data: None,
    package: str = "small_dataset_audio",
    generator: OldGenerator | None = None,
    **training: Any,
) -> OldNet:
    """Write an old file of random weights and return its net. change: edits the dict before it is saved."""
    softplus = kind == "distillgan_model" or "kl_weight_max" in training
    net = OldNet(nn.Softplus() if softplus else nn.Sigmoid())
    randomise(net)
    with old_preset(package) as presets:
        data = content(kind, net, presets.BALANCED, **training)
        if generator is not None:
            done = {"epochs": 4, "total_epochs": 9, "final_loss": 31.5, "training_date": "2025-02-03T04:05:06+00:00"}
            state = OrderedDict(generator.state_dict())
            data["vocoder_state"] = {
                "type": "hifigan_v2",
                "generator_state_dict": state,
                "config": CONFIG,
                "training_metadata": done,
            }
        change(data)
        torch.save(data, path)
    return net
