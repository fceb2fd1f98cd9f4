"""What the generator's spec says of its reach and size, against what the net does."""

from __future__ import annotations

import pytest
import torch

from sda.core.excitation import CHANNELS
from sda.core.hifigan import Generator, grown, start_weights
from sda.spec import GeneratorSpec

NARROW = {"n_mels": 2, "channels": 16}  # reach does not depend on width


def frames_seen(spec: GeneratorSpec, samples: list[int], frames: int) -> list[tuple[int, int]]:
    """First and last mel frame on which each output sample depends, by autograd."""
    random = torch.Generator().manual_seed(0)
    net = Generator(spec)
    start_weights(net, random)
    log_mel = torch.randn(1, spec.n_mels, frames, generator=random).double().requires_grad_()
    excitation = None
    if spec.excited:
        net.mixer.gate.weight.data = torch.randn(net.mixer.gate.weight.shape, generator=random)
        excitation = torch.randn(1, CHANNELS, 512 * frames, generator=random).double()
    audio = net.double()(log_mel, excitation=excitation)[0, 0]
    seen = []
    for sample in samples:
        (gradient,) = torch.autograd.grad(audio[sample], log_mel, retain_graph=True)
        touched = gradient[0].abs().sum(0).nonzero().flatten()
        seen.append((int(touched[0]), int(touched[-1])))
    return seen


@pytest.mark.parametrize("causal_stages", [0, 1, 2, 4])
def test_look_ahead_is_what_autograd_sees(causal_stages: int) -> None:
    spec, frame = GeneratorSpec(causal_stages=causal_stages, **NARROW), 70
    first_to_see = 512 * frame - spec.look_ahead
    before, at = frames_seen(spec, [first_to_see - 1, first_to_see], 90)
    assert (before[1], at[1]) == (frame - 1, frame)


@pytest.mark.parametrize("causal_stages", [0, 1])
def test_a_mixer_alone_looks_less_far_ahead(causal_stages: int) -> None:
    """The first transposed convolution, half of a sample of its rate between which the mixer goes, symmetric layers' reach."""
    spec, frame = GeneratorSpec(causal_stages=causal_stages, excited=3, mixer_only=True, **NARROW), 70
    assert spec.look_ahead == (4 * 64 + 32 if causal_stages else 3 * 512 + 4 * 64 + 60 * 64 + 32)
    before, at = frames_seen(spec, [512 * frame - spec.look_ahead - 1, 512 * frame - spec.look_ahead], 90)
    assert (before[1], at[1]) == (frame - 1, frame)
    furthest = frame - min(first for first, _ in frames_seen(spec, list(range(512 * frame, 512 * (frame + 1), 64)), 90))
    assert spec.memory - 2 <= furthest <= spec.memory


def test_stages_grown_behind_a_mixer_are_all_but_silent_at_first() -> None:
    small, random = GeneratorSpec(excited=3, mixer_only=True, **NARROW), torch.Generator().manual_seed(4)
    net, log_mel = Generator(small), torch.randn(1, small.n_mels, 40, generator=random)
    start_weights(net, random)
    net.mixer.gate.weight.data = torch.randn(net.mixer.gate.weight.shape, generator=random)
    full = GeneratorSpec(excited=3, **NARROW)
    more = Generator(full)
    more.load_state_dict(grown(net.state_dict(), full))
    excitation = 0.1 * torch.randn(1, CHANNELS, 512 * 40, generator=random)
    with torch.no_grad():
        one, other = net(log_mel, excitation=excitation), more(log_mel, excitation=excitation)
    assert 0 < float((other - one).std()) < 0.01 * float(one.std())


@pytest.mark.parametrize("causal_stages", [0, 1, 2, 4])
def test_memory_covers_what_autograd_sees(causal_stages: int) -> None:
    spec, frame = GeneratorSpec(causal_stages=causal_stages, **NARROW), 60
    seen = frames_seen(spec, list(range(512 * frame, 512 * (frame + 1), 64)), 80)
    furthest = frame - min(first for first, _ in seen)
    assert spec.memory - 2 <= furthest <= spec.memory  # it is rounded up, stage by stage


@pytest.mark.parametrize("causal_stages", [0, 1, 2, 4])
@pytest.mark.parametrize(("before", "after"), [(14, 4), (1, 0), (0, 3), (20, 20)])
def test_surroundings_are_heard_and_not_sounded(causal_stages: int, before: int, after: int) -> None:
    spec, random = GeneratorSpec(causal_stages=causal_stages, **NARROW), torch.Generator().manual_seed(2)
    net, log_mel = Generator(spec), torch.randn(2, spec.n_mels, 60, generator=random)
    start_weights(net, random)
    with torch.no_grad():
        whole, part = net(log_mel), net(log_mel, before, after)
    assert part.shape == (2, 1, spec.hop * (60 - before - after))
    torch.testing.assert_close(part, whole[..., before * spec.hop : (60 - after) * spec.hop], atol=1e-5, rtol=0)


def test_parameter_count_is_the_papers_for_128_bands() -> None:
    # conv_pre 128 * 128 * 7 + 128; upsamplers 128 * 64 * 16 + 64, 64 * 32 * 16 + 32, 32 * 16 * 8 + 16, 16 * 8 * 4 + 8;
    # residual blocks of C = 64, 32, 16, 8: 6 * (C * C * (3 + 7 + 11) + 3 * C); conv_post 8 * 7 + 1.
    entry_and_ups = 114_816 + 131_136 + 32_800 + 4_112 + 520
    blocks = 517_248 + 129_600 + 32_544 + 8_208
    assert entry_and_ups + blocks + 57 == 971_041
    assert sum(parameter.numel() for parameter in Generator(GeneratorSpec()).parameters()) == 971_041


def test_start_keeps_the_variance() -> None:
    """A standardised mel comes out of the last stage neither gone nor grown: within a factor of 4 of deviation 1."""
    torch.manual_seed(0)
    net = Generator(GeneratorSpec())
    start_weights(net, torch.Generator().manual_seed(0))
    seen: list[torch.Tensor] = []
    net.conv_post.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0]))
    with torch.no_grad():
        net(torch.randn(1, 128, 64, generator=torch.Generator().manual_seed(1)))
    assert 0.25 < float(seen[0].std()) < 4
