"""The small net against torch's own, its slopes against differences, and its arrays against damage."""

import numpy as np
import pytest
import torch

from sda.core.surrogate import Surrogate

Z, H, D = 5, 16, 3


def drawn(seed: int = 0) -> Surrogate:
    random = np.random.default_rng(seed)
    shapes = ((H, Z), (H,), (H, H), (H,), (D, H), (D,))
    return Surrogate(*(random.standard_normal(shape).astype(np.float32) for shape in shapes))


def test_it_is_the_net_that_torch_would_build() -> None:
    net = drawn()
    w = np.random.default_rng(1).standard_normal((7, Z)).astype(np.float32)
    x = torch.from_numpy(w)
    for weight, bias in ((net.first, net.first_bias), (net.second, net.second_bias)):
        x = torch.nn.functional.silu(torch.nn.functional.linear(x, torch.from_numpy(weight), torch.from_numpy(bias)))
    wanted = torch.nn.functional.linear(x, torch.from_numpy(net.third), torch.from_numpy(net.third_bias))
    np.testing.assert_allclose(net(w), wanted.numpy(), rtol=1e-4, atol=1e-4)


def test_slopes_are_differences() -> None:
    net = drawn()
    net = Surrogate(*(getattr(net, name).astype(np.float64) for name in net.tensors()))
    w = np.random.default_rng(2).standard_normal((2, Z))
    values, slopes = net.slopes(w)
    np.testing.assert_allclose(values, net(w))
    for k in range(Z):
        step = np.zeros(Z)
        step[k] = 1e-5
        np.testing.assert_allclose(slopes[..., k], (net(w + step) - net(w - step)) / 2e-5, rtol=1e-3, atol=1e-3)


def test_large_inputs_do_not_overflow() -> None:
    with np.errstate(all="raise", under="ignore"):
        assert np.isfinite(drawn()(np.full((1, Z), 1e4, np.float32))).all()


def test_arrays_come_back_and_those_that_do_not_fit_are_refused() -> None:
    net = drawn()
    back = Surrogate.from_tensors(net.tensors())
    np.testing.assert_array_equal(back.third, net.third)
    with pytest.raises(ValueError, match="do not fit"):
        Surrogate.from_tensors(net.tensors() | {"second": net.second[:, 1:]})
    with pytest.raises(KeyError):
        Surrogate.from_tensors({name: array for name, array in net.tensors().items() if name != "third"})
