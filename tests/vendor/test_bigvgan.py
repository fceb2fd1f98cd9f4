"""Our BigVGAN network against the package `bigvgan` 2.4.1 on the same random weights, and what its loader refuses."""

from __future__ import annotations

import math
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from bigvgan_weights import SMALL, Weights, log_mel, random_weights, reference
from sda._vendor.bigvgan import runner
from sda._vendor.bigvgan.fast import FastNetwork
from sda._vendor.bigvgan.network import Activation, Config, Network, fold, from_weights, load, lowpass
from sda._vendor.bigvgan.runner import Runner
from torch import Tensor

TOLERANCE = 1e-4  # of full scale, which is 1
LENGTHS = (1, 2, 7, 150)  # frames; one is shorter than every padding, 150 longer than a tile of every loop

Path_ = Callable[[Network], Callable[[Tensor], Tensor]]
PATHS: list[Path_] = [lambda network: network, FastNetwork]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors gain nothing from more, and lose much where the machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def weights() -> Weights:
    return random_weights(SMALL)


@pytest.mark.parametrize("path", PATHS, ids=["plain", "fast"])
@torch.inference_mode()
def test_equals_the_reference_to_the_edges(weights: Weights, path: Path_) -> None:
    ours, theirs = path(from_weights(weights, SMALL)), reference(SMALL, weights)
    for frames in LENGTHS:
        x = log_mel(SMALL, frames)
        wanted = theirs(x)
        assert wanted.std() > 0.02  # the comparison is not one of near-silence
        assert wanted.abs().max() < 1  # nor one of clipping
        assert (ours(x) - wanted).abs().max() <= TOLERANCE / 10


@torch.inference_mode()
def test_the_comparison_sees_the_activations(weights: Weights) -> None:
    x = log_mel(SMALL, 40)
    wanted = reference(SMALL, weights)(x)
    for part in ("alpha", "beta"):
        changed = {name: tensor * 0.9 if name.endswith(part) else tensor for name, tensor in weights.items()}
        assert (from_weights(changed, SMALL)(x) - wanted).abs().max() > 10 * TOLERANCE


@torch.inference_mode()
def test_a_constant_is_bent_by_the_formula_alone() -> None:
    # The filters' taps sum to 1 and the ends repeat, so a constant c becomes c + sin²(c e^alpha) e^-beta everywhere.
    activation = Activation(1)
    activation.act.alpha.data.fill_(0.3)
    activation.act.beta.data.fill_(-0.2)
    wanted = 1.7 + math.sin(1.7 * math.exp(0.3)) ** 2 * math.exp(0.2)
    assert (activation(torch.full((1, 1, 20), 1.7)) - wanted).abs().max() <= 1e-6


@torch.inference_mode()
def test_the_context_is_as_far_as_a_frame_reaches(weights: Weights) -> None:
    """What is not a number spreads to all that depends on it, however little: so far, and no farther."""
    x = log_mel(SMALL, 2 * SMALL.context + 11)
    middle = SMALL.context + 5
    x[..., middle] = math.nan
    touched = reference(SMALL, weights)(x).reshape(-1, SMALL.hop).isnan().any(dim=1).nonzero()  # frames
    assert (touched.min(), touched.max()) == (middle - SMALL.context, middle + SMALL.context)


def test_the_published_network_has_its_size() -> None:
    # ANCHORS: 122 M parameters; PERF: 20.3 frames of look-ahead.
    with torch.device("meta"):
        network = Network(Config())
    assert round(sum(parameter.numel() for parameter in network.parameters()) / 1e6) == 122
    assert (Config().hop, Config().context) == (512, 21)


def test_the_filter_is_the_published_one(weights: Weights) -> None:
    filters = [tensor for name, tensor in reference(SMALL, weights).state_dict().items() if name.endswith(".filter")]
    assert all(torch.allclose(lowpass(), tensor.flatten(), atol=1e-7) for tensor in filters)


def test_both_styles_of_weight_norm_fold() -> None:
    layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.ConvTranspose1d(6, 3, 8))
    layer.parametrizations.weight.original0.data *= 3
    state = {f"up.{name}": tensor for name, tensor in layer.state_dict().items()}
    assert (fold(state)["up.weight"] - layer.weight).abs().max() <= 1e-6
    old = {"up.weight_g": state["up.parametrizations.weight.original0"],
           "up.weight_v": state["up.parametrizations.weight.original1"]}  # fmt: skip
    assert (fold(old)["up.weight"] - layer.weight).abs().max() <= 1e-6


@torch.inference_mode()
def test_the_published_kind_of_file_loads(weights: Weights, tmp_path: Path) -> None:
    """All that the reference saves, its filters too; and bare weights, which make the same sound."""
    theirs, x = reference(SMALL, weights), log_mel(SMALL, 7)
    file = tmp_path / "bigvgan_generator.pt"
    torch.save({"generator": theirs.state_dict()}, file)
    network = load(file, SMALL)
    assert (network(x) - theirs(x)).abs().max() <= TOLERANCE / 10
    assert torch.equal(from_weights(network.state_dict(), SMALL)(x), network(x))


def _runs_code(weights: Weights) -> object:
    return {"generator": weights, "trap": Trap()}


class Trap:
    """A pickle of this would make a folder where it is loaded."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, ("trapped",)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_runs_code, "expected a pickle of tensors alone"),
        (lambda w: {"discriminator": w}, "below the key 'generator'"),
        (lambda w: [1], "below the key 'generator'"),
        (lambda w: {"generator": {"a": 1}}, "expected named tensors"),
        (
            lambda w: {"generator": w | {"conv_pre.bias": torch.zeros(3)}},
            r"conv_pre\.bias: expected the shape \[32\], found \[3\]",
        ),
        (lambda w: {"generator": w | {"conv_pre.bias": torch.full((32,), math.nan)}}, "expected finite numbers"),
        (lambda w: {"generator": {n: t for n, t in w.items() if n != "ups.1.0.bias"}}, r"ups\.1\.0\.bias: found no such"),
        (lambda w: {"generator": {n: t for n, t in w.items() if n != "conv_pre.weight_v"}}, "conv_pre: expected a direction"),
        (lambda w: {"generator": w | {"extra": torch.zeros(1)}}, "extra: this network has no such tensor"),
        (lambda w: {"generator": w | {"activation_post.upsample.filter": torch.ones(1, 1, 12)}}, "expected the low-pass"),
    ],
)
def test_other_files_are_refused_and_named(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Weights], object], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(damage(dict(weights)), tmp_path / "wrong.pt")
    with pytest.raises(ValueError, match=rf"^wrong\.pt: .*{says}"):
        load(tmp_path / "wrong.pt", SMALL)
    assert not (tmp_path / "trapped").exists()


def test_a_cut_file_and_no_file(weights: Weights, tmp_path: Path) -> None:
    file = tmp_path / "cut.pt"
    torch.save({"generator": weights}, file)
    whole = file.read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"^cut\.pt: "):
            load(file, SMALL)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.pt", SMALL)


@torch.inference_mode()
def test_fast_where_torch_packs_no_weights(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    network, x = from_weights(weights, SMALL), log_mel(SMALL, 40)
    assert (FastNetwork(network)(x) - network(x)).abs().max() <= TOLERANCE / 10


@torch.inference_mode()
def test_a_consumed_network_sounds_the_same_and_keeps_no_weights(weights: Weights) -> None:
    network, x = from_weights(weights, SMALL), log_mel(SMALL, 40)
    wanted = network(x)
    fast = FastNetwork(network, consume=True)
    assert (fast(x) - wanted).abs().max() <= TOLERANCE / 10
    assert not [name for name in network.state_dict() if name.startswith("resblocks.") and name.endswith(".weight")]


@torch.inference_mode()
def test_fast_on_several_threads(weights: Weights) -> None:
    network, x = from_weights(weights, SMALL), log_mel(SMALL, 40)
    torch.set_num_threads(3)
    assert (FastNetwork(network)(x) - network(x)).abs().max() <= TOLERANCE / 10


def test_the_runner_takes_the_fast_path_where_it_is(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    x = log_mel(SMALL, 7)[0].numpy()
    fast = Runner(from_weights(weights, SMALL))
    assert (fast.is_fast, fast.advice) == (True, None)
    monkeypatch.setattr(runner, "find_spec", lambda name: None)
    plain = Runner(from_weights(weights, SMALL))
    assert not plain.is_fast
    assert "pip install 'sda-engine[fast]'" in str(plain.advice)
    assert abs(fast(x) - plain(x)).max() <= TOLERANCE / 10


def test_devices_that_are_not_there_are_named(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="'cuda:1': torch finds none here; found cpu"):
        Runner(from_weights(weights, SMALL), device="cuda:1")
    with pytest.raises(ValueError, match="'tpu': expected one of cpu, cuda, mps"):
        Runner(from_weights(weights, SMALL), device="tpu")


def test_full_precision_is_lent_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=True):
        with runner.full_precision():
            assert not torch.backends.cudnn.allow_tf32
        assert torch.backends.cudnn.allow_tf32


@pytest.mark.slow
def test_compiled_code_is_kept_for_the_next_process(tmp_path: Path) -> None:
    program = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from pathlib import Path
from bigvgan_weights import TINY, log_mel, random_weights
from sda._vendor.bigvgan import kernels
from sda._vendor.bigvgan.network import from_weights
from sda._vendor.bigvgan.runner import Runner
Runner(from_weights(random_weights(TINY), TINY), cache=Path({str(tmp_path)!r}))(log_mel(TINY, 5)[0].numpy())
print(sum(kernels.join.stats.cache_hits.values()), sum(kernels.join.stats.cache_misses.values()))
"""
    found = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout for _ in range(2)
    ]
    assert found == ["0 1\n", "1 0\n"]
