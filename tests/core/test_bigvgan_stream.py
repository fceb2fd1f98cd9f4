"""BigVGAN as a stream and in windows against the whole at once, on a tiny network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import contract
import numpy as np
import pytest
import torch
from bigvgan_weights import TINY, log_mel, random_weights
from numpy.typing import NDArray
from sda._vendor.bigvgan.network import Config, from_weights
from sda._vendor.bigvgan.runner import Runner

from sda.core.bigvgan import BigVganVocoder, Waves
from sda.errors import ModelError
from sda.spec import MelSpec

Floats = NDArray[np.float32]

FRAMES = 150
GRID = MelSpec(n_mels=TINY.n_mels, hop=TINY.hop)


WINDOW = 20  # frames: so short that the whole is made of several


@dataclass(frozen=True)
class Claim:
    """TINY's shape, but for its context."""

    n_mels: int = TINY.n_mels
    hop: int = TINY.hop
    context: int = 2


class Narrow:
    """A network that says that it needs less context than it does."""

    def __init__(self, network: Waves) -> None:
        self._network = network
        self.config = Claim()

    def __call__(self, log_mel: Floats) -> Floats:
        return self._network(log_mel)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors gain nothing from more, and lose much where the machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def network() -> Runner:
    return Runner(from_weights(random_weights(TINY), TINY), fast=False)


@pytest.fixture(scope="module")
def mel() -> Floats:
    frames: Floats = log_mel(TINY, FRAMES)[0].numpy()
    return frames


def test_streamed_equals_whole(network: Runner, mel: Floats) -> None:
    """From the first sample on: the stream begins with the padding with which a file begins."""
    for window in (FRAMES, WINDOW):
        vocoder = BigVganVocoder(network, grid=GRID, window=window)
        whole = network(mel)
        assert np.abs(whole).max() > 0.3
        contract.assert_streams(vocoder.start, vocoder.step, whole, mel, delay=vocoder.look_ahead)


def test_before_the_first_sample_there_is_silence(network: Runner, mel: Floats) -> None:
    vocoder = BigVganVocoder(network, grid=GRID)
    assert vocoder.look_ahead == TINY.context * TINY.hop
    assert not contract.run(vocoder.start, vocoder.step, mel, 7)[: vocoder.look_ahead].any()


def test_windows_equal_the_whole_at_once(network: Runner, mel: Floats) -> None:
    for frames in (0, 1, WINDOW, WINDOW + 1, FRAMES):
        whole = network(mel[:, :frames]) if frames else np.zeros(0, np.float32)
        windows = BigVganVocoder(network, grid=GRID, window=WINDOW)(mel[:, :frames])
        assert windows.shape == whole.shape
        assert np.abs(windows - whole).max(initial=0) <= 1e-6


def test_memory_is_bounded_by_the_window(network: Runner, mel: Floats) -> None:
    """However long the whole, the network never sees more than a window and its context."""
    seen = []

    class Watched:
        config = TINY

        def __call__(self, log_mel: Floats) -> Floats:
            seen.append(log_mel.shape[1])
            return network(log_mel)

    BigVganVocoder(Watched(), grid=GRID, window=WINDOW)(mel)
    assert max(seen) == WINDOW + 2 * TINY.context


def test_blocks_of_a_whole_are_few_and_equal(network: Runner) -> None:
    # 883 frames, 10 s and the look-ahead, in two blocks of 442 instead of one of 512 and one of 371 that is made in full.
    vocoder = BigVganVocoder(network, grid=GRID)
    assert [vocoder.block_of(frames) for frames in (1, 512, 513, 883)] == [1, 512, 257, 442]
    work = sum(442 + 2 * 21 for _ in range(2))
    assert work / 883 < 1.10


def test_too_little_context_is_noticed(network: Runner, mel: Floats) -> None:
    hasty = BigVganVocoder(Narrow(network), grid=GRID)
    with pytest.raises(AssertionError, match="off by"):
        contract.assert_streams(hasty.start, hasty.step, network(mel), mel, blocks=(7,), delay=hasty.look_ahead)
    short = BigVganVocoder(Narrow(network), grid=GRID, window=WINDOW)
    assert np.abs(short(mel) - network(mel)).max() > 1e-4


def test_the_fast_path_streams_as_well(mel: Floats) -> None:
    vocoder = BigVganVocoder(Runner(from_weights(random_weights(TINY), TINY), fast=True), grid=GRID)
    contract.assert_streams(vocoder.start, vocoder.step, vocoder(mel), mel, blocks=(7, 64), delay=vocoder.look_ahead)


def test_a_network_of_another_grid_is_refused(network: Runner) -> None:
    with pytest.raises(ModelError, match=r"bigvgan: found a network of 4 bands and 8 samples a frame; expected .* 128 and 512"):
        BigVganVocoder(network)


def test_the_published_look_ahead() -> None:
    # 21 frames of 512 samples, since an exact answer needs 20.3.
    class Published:
        config = Config()

        def __call__(self, log_mel: Floats) -> Floats:
            raise AssertionError("nothing is computed before it is asked for")

    vocoder = BigVganVocoder(Published())
    assert (vocoder.look_ahead, vocoder.rate, vocoder.hop) == (10752, 44100, 512)
