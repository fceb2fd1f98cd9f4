"""The generator in torch as a stream, against ONNX Runtime's stream and the whole at once; torch's own CPU is the device."""

from __future__ import annotations

import contract
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sda.core.hifigan import Generator, start_weights
from sda.core.hifigan_device import HifiganOnDevice
from sda.core.vocoder import HifiganVocoder
from sda.errors import DeviceError, ModelError
from sda.spec import BIGVGAN_GRID, LOG1P_POWER, GeneratorSpec, MelSpec

Floats = NDArray[np.float32]

FRAMES = 75
WINDOW = 20  # frames: so short that the whole is made of several


def weights_of(spec: GeneratorSpec) -> dict[str, Floats]:
    """Random weights with biases and a normalisation, loud enough that errors show."""
    random = torch.Generator().manual_seed(3)
    net = Generator(spec)
    start_weights(net, random)
    for parameter in net.parameters():
        if parameter.ndim == 1:
            parameter.data = 0.1 * torch.randn(parameter.shape, generator=random)
    if not spec.mixer_only:
        net.conv_post.weight.data *= 800 if spec.excited else 8
    if spec.excited:
        net.mixer.gate.weight.data = 0.05 * torch.randn(net.mixer.gate.weight.shape, generator=random)
        net.mixer.gate.bias.data += 2.0
    net.mel_mean.copy_(-6 + torch.randn(spec.n_mels, generator=random))
    net.mel_std.fill_(3.0)
    return {name: tensor.detach().numpy() for name, tensor in net.state_dict().items()}


class Case:
    """The same weights in torch and in ONNX Runtime, and a mel."""

    def __init__(self, causal_stages: int, noise: int = 0, excited: int = 0, mixer_only: bool = False) -> None:
        spec = GeneratorSpec(channels=32, causal_stages=causal_stages, noise=noise, excited=excited, mixer_only=mixer_only)
        weights = weights_of(spec)
        self.torch = HifiganOnDevice(spec, weights, device="cpu", window=WINDOW)
        self.onnx = HifiganVocoder(spec, weights)
        self.mel = (np.random.default_rng(3).normal(size=(128, FRAMES)) * 2 - 6).astype(np.float32)


@pytest.fixture(
    scope="module",
    params=[(1,), (0,), (4,), (1, 16), (1, 0, 3), (1, 0, 3, True)],
    ids=["look-ahead net", "symmetric net", "causal net", "net with noise", "excited net", "mixer alone"],
)
def case(request: pytest.FixtureRequest) -> Case:
    return Case(*request.param)


def test_whole_equals_onnx_runtime(case: Case) -> None:
    whole = case.onnx(case.mel)
    assert np.abs(whole).max() > 0.3
    for frames in (0, 1, WINDOW + 1, FRAMES):
        made = case.torch(case.mel[:, :frames])
        assert made.shape == (512 * frames,)
        assert np.abs(made - case.onnx(case.mel[:, :frames])).max(initial=0) <= 1e-4


def test_streamed_equals_onnx_runtime_s_stream_from_the_first_sample(case: Case) -> None:
    """The same delay to the sample, the same hum of an endless silence before the first frame."""
    assert case.torch.look_ahead == case.onnx.look_ahead
    expected = contract.run(case.onnx.start, case.onnx.step, case.mel, 2)
    assert np.abs(expected[: case.onnx.look_ahead]).max(initial=0) > 1e-3
    contract.assert_streams(case.torch.start, case.torch.step, expected, case.mel)


def test_streamed_equals_whole(case: Case) -> None:
    whole = case.torch(case.mel)
    contract.assert_streams(case.torch.start, case.torch.step, whole, case.mel, delay=case.torch.look_ahead)


@pytest.mark.parametrize("field", ["memory", "look_ahead"])
def test_too_little_context_is_noticed(field: str) -> None:
    case = Case(0)
    honest, claimed = case.torch.spec, {"memory": 4, "look_ahead": 2 * 512}[field]
    short = HifiganOnDevice(GeneratorSpec(channels=32, causal_stages=0), weights_of(GeneratorSpec(channels=32)), device="cpu")
    short.spec = type(honest)(
        name="short",
        grid=honest.grid,
        look_ahead=claimed if field == "look_ahead" else honest.look_ahead,
        memory=claimed if field == "memory" else honest.memory,
    )
    with pytest.raises(AssertionError, match="off by"):
        contract.assert_streams(short.start, short.step, case.onnx(case.mel), case.mel, delay=short.look_ahead, blocks=(7,))


def test_memory_is_bounded_by_the_window(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, sound = [], case.torch._sound

    def watched(log_mel: Floats, before: int, after: int) -> Floats:
        seen.append(log_mel.shape[1])
        return sound(log_mel, before, after)

    monkeypatch.setattr(case.torch, "_sound", watched)
    case.torch(case.mel)
    spec = case.torch.spec
    assert len(seen) == -(-(FRAMES + -(-spec.look_ahead // 512)) // WINDOW)
    assert max(seen) <= WINDOW + spec.memory + -(-spec.look_ahead // 512)


def test_a_generator_that_eats_powers_starts_from_its_own_silence() -> None:
    spec = GeneratorSpec(channels=16, eats=LOG1P_POWER)
    weights = weights_of(spec)
    vocoder, other = HifiganOnDevice(spec, weights, device="cpu"), HifiganVocoder(spec, weights)
    mel = np.abs(np.random.default_rng(1).normal(size=(128, 9))).astype(np.float32)
    assert not vocoder.start()[0].any()
    assert np.abs(vocoder(mel) - other(mel)).max() <= 1e-4
    with pytest.raises(ModelError, match="found numbers below 0"):
        vocoder(-mel)


def test_what_does_not_fit_is_refused_by_name() -> None:
    spec = GeneratorSpec(channels=16)
    weights = weights_of(spec)
    with pytest.raises(ModelError, match=r'hifigan: .*Missing key.*"conv_pre\.bias"') as told:
        HifiganOnDevice(spec, {name: w for name, w in weights.items() if name != "conv_pre.bias"}, device="cpu")
    assert "\n" not in str(told.value)
    with pytest.raises(ModelError, match="expected the grid's 80 and 512"):
        HifiganOnDevice(spec, weights, device="cpu", grid=MelSpec(n_mels=80))
    with pytest.raises(DeviceError, match="device 'cuda:99': torch cannot use it"):
        HifiganOnDevice(spec, weights, device="cuda:99", grid=BIGVGAN_GRID)
