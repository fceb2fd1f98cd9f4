"""The old VAE's ONNX graphs against torch's own layers, batch normalisation and transposed convolutions unfolded."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from old_files import CHANNELS, LATENT, OldNet, randomise
from torch import nn

from sda.core.old_vae import decoder_graph, encoder_graph, expand, session
from sda.errors import ModelError
from sda.spec import OldVaeSpec

LAST = {"sigmoid": nn.Sigmoid, "softplus": nn.Softplus}


def made(activation: str) -> tuple[OldNet, OldVaeSpec, dict[str, np.ndarray]]:
    net = OldNet(LAST[activation]())
    randomise(net)
    spec = OldVaeSpec(latent=LATENT, channels=CHANNELS, activation=activation)
    return net, spec, {name: tensor.numpy() for name, tensor in net.state_dict().items()}


@pytest.mark.parametrize("activation", LAST)
def test_decoder_equals_torch(activation: str) -> None:
    net, spec, weights = made(activation)
    run = session(decoder_graph(spec, weights)).run
    for batch in (1, 3):
        z = 2 * torch.randn(batch, LATENT, generator=torch.Generator().manual_seed(batch))
        expected = net.decode(z).numpy()
        (mel,) = run(None, {"z": z.numpy()})
        assert mel.shape == (batch, 128, 94)
        assert expected.std() > 0.1
        assert np.abs(mel - expected).max() < 1e-5


def test_encoder_equals_torch() -> None:
    net, spec, weights = made("sigmoid")
    mel = 5 * torch.rand(2, 128, 94, generator=torch.Generator().manual_seed(1))
    expected = [each.numpy() for each in net.encode(mel[:, None])]
    found = session(encoder_graph(spec, weights)).run(["mean", "logvar"], {"mel": mel.numpy()})
    for ours, theirs in zip(found, expected, strict=True):
        assert theirs.std() > 0.1
        assert np.abs(ours - theirs).max() < 1e-4


@pytest.mark.parametrize(
    "name",
    ["decoder.deconvs.1.running_mean", "decoder.deconvs.9.running_var", "decoder.deconvs.5.bias", "decoder.deconvs.12.weight"],
)
def test_another_weight_is_noticed(name: str) -> None:
    """The comparison with torch can fail: one vector of a normalisation changed, one kernel turned around."""
    net, spec, weights = made("sigmoid")
    z = torch.randn(1, LATENT, generator=torch.Generator().manual_seed(0))
    other = weights[name][..., ::-1] if weights[name].ndim > 1 else weights[name] + 1
    (mel,) = session(decoder_graph(spec, weights | {name: other})).run(None, {"z": z.numpy()})
    assert np.abs(mel - net.decode(z).numpy()).max() > 1e-3


def test_sizes_follow_the_description() -> None:
    # 94 frames and 128 bands to multiples of 16: 128 x 96, over 16: 8 x 6; 256 channels of it: 12288.
    spec = OldVaeSpec()
    assert (spec.padded, spec.inner, int(np.prod(spec.inner))) == ((128, 96), (256, 8, 6), 12_288)


def test_wrong_weights_and_specs_are_refused() -> None:
    _, spec, weights = made("sigmoid")
    with pytest.raises(ModelError, match=r"decoder\.fc\.weight of the shape \[384, 6\], found nothing"):
        decoder_graph(spec, {name: w for name, w in weights.items() if name != "decoder.fc.weight"})
    with pytest.raises(ModelError, match="not a network"):
        OldVaeSpec(activation="tanh")


def test_expand_is_bounded() -> None:
    normal = np.array([-1, 0, 1, 1e9], np.float32)
    assert np.allclose(expand(normal), [0, 0, np.e - 1, np.exp(16) - 1], rtol=1e-6)
