"""The VAE's network: its parts by arithmetic, its shapes, its zero start."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from sda.core.vae import LOGVAR_START, SOFTPLUS_BETA, Residual, Vae
from sda.errors import ModelError
from sda.spec import VaeSpec

SMALL = VaeSpec(latent=8, width=16, frames=16)


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_parameter_count_is_that_of_the_written_recipe() -> None:
    # Width W = 128, latent Z = 64, M = 128 bands, L = 88 frames. Residual: 2 (3 W W + W) + 4 W; four on either side.
    w, z, m, frames, neck = 128, 64, 128, 88, 48
    residuals = 4 * (2 * (3 * w * w + w) + 4 * w)
    encoder = (5 * m * w + w) + residuals + 3 * (4 * w * w + w) + 2 * w + (w * neck + neck) + (neck * 11 * 2 * z + 2 * z)
    decoder = (z * w * 11 + w * 11) + residuals + 3 * (3 * w * w + w) + 2 * w + (3 * w * m + m)
    skips = (m * frames * z + z) + (z * m * frames + m * frames)
    assert count(Vae(VaeSpec())) == encoder + decoder + skips == 2_887_792


def test_new_net_is_its_skip_path() -> None:
    net = Vae(SMALL)
    net.band_mean.fill_(0.5)
    net.band_std.fill_(0.25)
    mel = torch.rand(3, 128, 16)
    mean, logvar = net.encode(mel)
    flat = ((mel.numpy() - 0.5) / 0.25).reshape(3, -1)
    skip = net.encoder.skip
    expected = flat @ skip.weight.detach().numpy().T + skip.bias.detach().numpy()
    np.testing.assert_allclose(mean.detach().numpy(), expected, atol=1e-5)
    assert (logvar == LOGVAR_START).all()
    z = torch.randn(3, 8)
    back = z.numpy() @ net.decoder.skip.weight.detach().numpy().T + net.decoder.skip.bias.detach().numpy()
    back = back.reshape(3, 128, 16) * 0.25 + 0.5
    made = np.log1p(np.exp(SOFTPLUS_BETA * back.astype(np.float64))) / SOFTPLUS_BETA
    np.testing.assert_allclose(net.decode(z).detach().numpy(), made, atol=1e-5)


def test_decoded_mel_is_never_negative() -> None:
    assert (Vae(SMALL).decode(100 * torch.randn(4, 8)) >= 0).all()


def test_softplus_leaves_what_lies_above_a_fifth() -> None:
    # ln(1 + e^(20 * 0.2)) / 20 - 0.2 = ln(1 + e^-4) / 20 = 0.00091.
    assert math.log1p(math.exp(-SOFTPLUS_BETA * 0.2)) / SOFTPLUS_BETA < 1e-3


def test_residual_with_silent_last_convolution_is_identity() -> None:
    block, x = Residual(16), torch.randn(2, 16, 8)
    assert not torch.equal(block(x), x)
    nn.init.zeros_(block.conv2.weight)
    nn.init.zeros_(block.conv2.bias)
    assert torch.equal(block(x), x)


def test_nets_learn_beside_the_skip_path() -> None:
    """The zero start must not be a dead one: every parameter moves the output after one step of the last layers."""
    net = Vae(SMALL)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    for _ in range(2):
        optimizer.zero_grad()
        mean, logvar = net.encode(torch.rand(4, 128, 16))
        (net.decode(mean).square().mean() + logvar.square().mean() + mean.square().mean()).backward()
        optimizer.step()
    still = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert still == []


@pytest.mark.parametrize("wrong", [{"frames": 20}, {"latent": 0}, {"width": 12}, {"gain": -1.0}, {"n_mels": 5000}])
def test_impossible_specs_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ModelError, match="VAE: not a network"):
        VaeSpec(**wrong)  # type: ignore[arg-type]
