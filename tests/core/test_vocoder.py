"""The streaming vocoder against the torch net, cut into steps of every kind."""

from __future__ import annotations

import subprocess
import sys

import contract
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sda.core.hifigan import Generator, start_weights
from sda.core.vocoder import HifiganVocoder
from sda.errors import ModelError
from sda.spec import GeneratorSpec, MelSpec
from sda.train.copy_synthesis import synthesise

Floats = NDArray[np.float32]

FRAMES = 75


def loud_net(spec: GeneratorSpec) -> Generator:
    """A random generator with biases and a normalisation, louder than the start of training so that errors can show."""
    random = torch.Generator().manual_seed(7)
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
    return net.requires_grad_(False)


def arrays(net: torch.nn.Module) -> dict[str, Floats]:
    return {name: tensor.numpy() for name, tensor in net.state_dict().items()}


class Case:
    """A net in torch, the same in ONNX Runtime, a mel and what torch makes of it."""

    def __init__(self, spec: GeneratorSpec) -> None:
        self.net = loud_net(spec)
        self.vocoder = HifiganVocoder(self.net.spec, arrays(self.net))
        self.log_mel = (np.random.default_rng(3).normal(size=(128, FRAMES)) * 2 - 6).astype(np.float32)
        self.whole = synthesise(self.net, self.log_mel)


SPECS = {
    "look-ahead net": GeneratorSpec(),
    "symmetric net": GeneratorSpec(causal_stages=0),
    "causal net": GeneratorSpec(causal_stages=4),
    "net with noise": GeneratorSpec(noise=16),
    "excited net": GeneratorSpec(excited=3),
    "excited symmetric net": GeneratorSpec(excited=4, causal_stages=0),
    "mixer alone": GeneratorSpec(excited=3, mixer_only=True),
    "symmetric mixer alone": GeneratorSpec(excited=3, mixer_only=True, causal_stages=0),
}


@pytest.fixture(scope="module", params=SPECS.values(), ids=SPECS)
def case(request: pytest.FixtureRequest) -> Case:
    return Case(request.param)


@pytest.fixture
def timeless(case: Case) -> Case:
    """A net to which all frames are alike, whatever their number."""
    if case.net.spec.noise or case.net.spec.excited:
        pytest.skip("it hears a frame's number")
    return case


def test_look_ahead_is_the_published_one() -> None:
    # Symmetric: conv_pre 3 frames of 512; the transposed convolutions 4 * 64, 4 * 8, 2 * 2, 1 * 1; a block of kernel 11
    # sees 5 * (1 + 3 + 5 + 3) = 60 samples ahead at hops of 64, 8, 2, 1; conv_post 3: 1536 + 293 + 60 * 75 + 3 = 6332.
    # With the first stage causal 1536 and 60 * 64 fall away: 956.
    assert GeneratorSpec(causal_stages=0).look_ahead == 6332
    assert GeneratorSpec().look_ahead == 956


def test_whole_equals_torch(case: Case) -> None:
    assert np.abs(case.whole).max() > 0.5  # full scale is 1: the comparison is not one of near-silence
    assert case.vocoder(case.log_mel).shape == (512 * FRAMES,)
    assert np.abs(case.vocoder(case.log_mel) - case.whole).max() <= 1e-4


def test_streamed_equals_whole(case: Case) -> None:
    contract.assert_streams(
        case.vocoder.start, case.vocoder.step, case.whole, case.log_mel, delay=case.vocoder.look_ahead, blocks=(1, 2, 7, 64)
    )


def test_dropping_the_state_is_noticed(case: Case) -> None:
    def forgetful(log_mel: Floats, state: Floats) -> tuple[Floats, Floats]:
        return case.vocoder.step(log_mel, case.vocoder.start())[0], state

    with pytest.raises(AssertionError, match="off by"):
        contract.assert_streams(
            case.vocoder.start, forgetful, case.whole, case.log_mel, blocks=(7,), delay=case.vocoder.look_ahead
        )


def test_too_little_look_ahead_is_noticed(case: Case) -> None:
    """A step that answers with half of the delay, guessing silence in the place of the frames that it does not know yet."""
    delay = case.vocoder.look_ahead // 2
    earlier = case.vocoder.look_ahead - delay  # samples
    guess = np.full((128, -(-earlier // 512)), np.log(1e-5), np.float32)

    def hasty(log_mel: Floats, state: Floats) -> tuple[Floats, Floats]:
        audio, state = case.vocoder.step(log_mel, state)
        early, _ = case.vocoder.step(guess, state)
        return np.concatenate([audio, early])[earlier:][: len(audio)], state

    with pytest.raises(AssertionError, match="off by"):
        contract.assert_streams(case.vocoder.start, hasty, case.whole, case.log_mel, blocks=(7,), delay=delay)


def test_a_state_changed_in_place_is_noticed(case: Case) -> None:
    def careless(log_mel: Floats, state: Floats) -> tuple[Floats, Floats]:
        audio, after = case.vocoder.step(log_mel, state)
        state[:] = after
        return audio, state

    with pytest.raises(AssertionError, match="changed the state"):
        contract.assert_state_is_a_value(lambda: case.vocoder.start().copy(), careless, case.log_mel)


def test_the_start_is_an_endless_silence(timeless: Case) -> None:
    """Silence fed to the start goes on as it was: each frame sounds like the one before."""
    silence = np.full((128, 40), np.log(1e-5), np.float32)
    frames = timeless.vocoder.step(silence, timeless.vocoder.start())[0].reshape(40, 512)
    assert np.abs(frames).max() > 1e-3  # random biases hum
    assert np.abs(frames - frames[0]).max() <= 1e-6


def test_later_frames_give_later_samples(timeless: Case) -> None:
    """Time invariance: three frames of silence before a mel move its sound by 3 * 512 samples."""
    silence = np.full((128, 3), np.log(1e-5), np.float32)
    later = timeless.vocoder(np.concatenate([silence, timeless.log_mel], axis=1))
    assert np.abs(later[3 * 512 :] - timeless.whole).max() <= 1e-4


def test_other_shapes_of_net() -> None:
    """Two stages, two dilations, kernels in falling order: nothing is hard-wired to V2."""
    spec = GeneratorSpec(
        n_mels=20, channels=8, rates=(4, 6), kernels=(8, 12), res_kernels=(7, 3), dilations=(2, 1), causal_stages=0
    )
    net, grid = loud_net(spec), MelSpec(hop=24, n_mels=20)
    vocoder = HifiganVocoder(spec, arrays(net), grid=grid)
    log_mel = np.random.default_rng(0).normal(size=(20, 90)).astype(np.float32)
    contract.assert_streams(vocoder.start, vocoder.step, synthesise(net, log_mel), log_mel, delay=spec.look_ahead)


def test_wrong_weights_are_refused_by_name() -> None:
    spec = GeneratorSpec()
    weights = arrays(loud_net(spec))
    with pytest.raises(ModelError, match=r"resblocks\.4\.convs1\.2\.weight .* found nothing"):
        HifiganVocoder(spec, {name: w for name, w in weights.items() if name != "resblocks.4.convs1.2.weight"})
    with pytest.raises(ModelError, match=r"ups\.0\.bias of the shape \[64\], found the shape \[65\]"):
        HifiganVocoder(spec, weights | {"ups.0.bias": np.zeros(65, np.float32)})
    with pytest.raises(ModelError, match=r"expected the grid's 128 and 512"):
        HifiganVocoder(GeneratorSpec(rates=(8, 8, 4, 4), kernels=(16, 16, 8, 8)), weights)


def test_what_cannot_be_excited_is_refused() -> None:
    with pytest.raises(ModelError, match="excited generator on another mel"):
        HifiganVocoder(GeneratorSpec(n_mels=80, excited=3), {}, grid=MelSpec(n_mels=80))
    with pytest.raises(ModelError, match="first stages answer before their excitation is known"):
        GeneratorSpec(excited=4)


def test_no_torch() -> None:
    """In a fresh process, since this one has torch already."""
    program = """
import sys, numpy as np
from sda.core.vocoder import HifiganVocoder
from sda.spec import GeneratorSpec
try:
    HifiganVocoder(GeneratorSpec(), {"mel_std": np.ones((), np.float32)})
except Exception as error:
    print(type(error).__name__)
print("torch" in sys.modules)
"""
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["ModelError", "False"]
