"""Random weights for BigVGAN that sound: neither near silence nor clipped, with every parameter away from its start."""

from __future__ import annotations

from pathlib import Path

import torch
from sda._vendor.bigvgan.network import Config, Network, from_weights
from torch import Tensor

SMALL = Config(n_mels=12, channels=32, rates=(4, 2, 2))
TINY = Config(n_mels=4, channels=8, rates=(4, 2), res_kernels=(7,), dilations=(1,))
NARROW = Config(channels=64)  # the published plan, hop and bands, a few hundred thousand weights
LOUDNESS = 0.2  # standard deviation of the sound

Weights = dict[str, Tensor]


def log_mel(config: Config, frames: int, seed: int = 5) -> Tensor:
    """[1, M, F] in nat, about as loud as music."""
    return 2 * torch.randn(1, config.n_mels, frames, generator=torch.Generator().manual_seed(seed)) - 6


@torch.no_grad()
def random_weights(config: Config) -> Weights:
    """By the published names, weight norm in its old style; every layer about keeps the variance."""
    random, weights = torch.Generator().manual_seed(1), Weights()
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in Network(config).state_dict().items()}
    for name, shape in shapes.items():
        if name.endswith(".weight"):
            spread = 0.7 + 0.6 * torch.rand(shape[0], 1, 1, generator=random)
            weights[f"{name}_g"] = spread * _gain(name, config)
            weights[f"{name}_v"] = torch.randn(shape, generator=random)
        else:
            scale = 0.1 if name.endswith("bias") else 0.5  # alpha and beta: factors of about e^0.5 either way
            weights[name] = scale * torch.randn(shape, generator=random)
    last = "conv_post.weight_g"
    weights[last] *= 1e-3
    weights[last] *= LOUDNESS / from_weights(weights, config)(log_mel(config, 16)).std()
    return weights


def save(path: Path, config: Config = NARROW) -> Weights:
    """A file of the published kind, filters and all; returns the weights in it."""
    weights = random_weights(config)
    torch.save({"generator": reference(config, weights).state_dict()}, path)
    return weights


def _gain(name: str, config: Config) -> float:
    """Length of a row. A transposed convolution's rows are its inputs: I / 2 outputs of 2 r taps, two of which meet."""
    if name.startswith("ups."):
        return float((config.rates[int(name.split(".")[1])] / 2) ** 0.5)
    return 0.3 if ".convs2." in name else 1.0  # residual pairs add about a tenth each


def reference(config: Config, weights: Weights) -> torch.nn.Module:
    """The same network by the package `bigvgan`, which calls a deprecated function of torch."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from bigvgan.bigvgan import BigVGAN
        from bigvgan.env import AttrDict

        shape = {
            "num_mels": config.n_mels,
            "upsample_initial_channel": config.channels,
            "upsample_rates": list(config.rates),
            "upsample_kernel_sizes": [2 * rate for rate in config.rates],
            "resblock": "1",
            "resblock_kernel_sizes": list(config.res_kernels),
            "resblock_dilation_sizes": [list(config.dilations)] * len(config.res_kernels),
            "activation": "snakebeta",
            "snake_logscale": True,
            "use_bias_at_final": False,
            "use_tanh_at_final": False,
        }
        net: torch.nn.Module = BigVGAN(AttrDict(shape))
    missing, unexpected = net.load_state_dict(weights, strict=False)
    assert not unexpected
    assert all(name.endswith(".filter") for name in missing)
    return net.eval().requires_grad_(False)
