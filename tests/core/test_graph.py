"""The VAE's ONNX graphs against the torch net."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sda.core.graph import decoder_graph, encoder_graph, session
from sda.core.vae import Vae
from sda.errors import ModelError
from sda.spec import VaeSpec

SPECS = (VaeSpec(), VaeSpec(n_mels=40, frames=24, latent=8, width=32))


def random_vae(spec: VaeSpec) -> Vae:
    """Every weight is random, those too that training starts at zero."""
    random = torch.Generator().manual_seed(5)
    net = Vae(spec).eval().requires_grad_(False)
    for parameter in net.parameters():
        fan_in = parameter[0].numel() if parameter.ndim > 1 else 25
        parameter.data = torch.randn(parameter.shape, generator=random) / fan_in**0.5
        if parameter.ndim == 1:
            parameter.data += 0.3
    net.band_mean.copy_(0.3 * torch.rand(spec.n_mels, generator=random))
    net.band_std.copy_(0.1 + 0.2 * torch.rand(spec.n_mels, generator=random))
    return net


@pytest.fixture(scope="module", params=SPECS, ids=["default", "small"])
def net(request: pytest.FixtureRequest) -> Vae:
    return random_vae(request.param)


def test_decoder_equals_torch(net: Vae) -> None:
    run = session(decoder_graph(net.spec, {name: tensor.numpy() for name, tensor in net.state_dict().items()})).run
    for batch in (1, 2, 8):
        z = 3 * torch.randn(batch, net.spec.latent, generator=torch.Generator().manual_seed(batch))
        expected = net.decode(z).numpy()
        (mel,) = run(None, {"z": z.numpy()})
        # Both sides of the softplus' knee are met, and its floor holds.
        assert expected.max() > 0.5
        assert np.quantile(expected, 0.1) < 0.05
        assert mel.min() >= 0
        assert np.abs(mel - expected).max() <= 1e-4 * max(1.0, expected.max())


def test_encoder_equals_torch(net: Vae) -> None:
    run = session(encoder_graph(net.spec, {name: tensor.numpy() for name, tensor in net.state_dict().items()})).run
    for batch in (1, 3):
        mel = torch.rand(batch, net.spec.n_mels, net.spec.frames, generator=torch.Generator().manual_seed(batch))
        expected = [each.numpy() for each in net.encode(mel)]
        for ours, theirs in zip(run(["mean", "logvar"], {"mel": mel.numpy()}), expected, strict=True):
            assert theirs.std() > 0.1
            assert np.abs(ours - theirs).max() <= 1e-4


def test_logvar_is_held_in_its_range(net: Vae) -> None:
    weights = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    steep = weights | {"encoder.head.weight": 100 * weights["encoder.head.weight"]}
    mel = np.random.default_rng(0).random((4, net.spec.n_mels, net.spec.frames)).astype(np.float32)
    (logvar,) = session(encoder_graph(net.spec, steep)).run(["logvar"], {"mel": mel})
    assert (logvar.min(), logvar.max()) == (-12, 6)


def test_a_swapped_layer_is_noticed(net: Vae) -> None:
    """The comparison with torch can fail: two upsamplers exchanged."""
    weights = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    one, other = "decoder.ups.0.weight", "decoder.ups.1.weight"
    z = torch.randn(1, net.spec.latent, generator=torch.Generator().manual_seed(0))
    swapped = weights | {one: weights[other], other: weights[one]}
    (mel,) = session(decoder_graph(net.spec, swapped)).run(None, {"z": z.numpy()})
    assert np.abs(mel - net.decode(z).numpy()).max() > 1e-2


def test_wrong_weights_are_refused_by_name() -> None:
    weights = {name: tensor.numpy() for name, tensor in random_vae(SPECS[1]).state_dict().items()}
    with pytest.raises(ModelError, match=r"decoder\.skip\.weight of the shape \[960, 9\], found the shape \[960, 8\]"):
        decoder_graph(
            VaeSpec(n_mels=40, frames=24, latent=9, width=32),
            weights | {"decoder.stem.weight": np.zeros((96, 9), np.float32)},
        )
    with pytest.raises(ModelError, match=r"band_std .* found nothing"):
        encoder_graph(SPECS[1], {name: w for name, w in weights.items() if name != "band_std"})
