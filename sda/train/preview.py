"""Sound while a model trains: a recording that it does not train on, through the net as it is by now.

It takes the path that `resynth` takes, through the vocoder that would play the model; what it costs is not the training's.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from sda import voices
from sda.choice import for_all
from sda.core import grid, network
from sda.core.chain import Chain
from sda.core.offline import resynthesised
from sda.core.vocoder import Vocoder
from sda.errors import SdaError
from sda.formats.audio_out import AudioWriter
from sda.spec import BIGVGAN_GRID, VaeSpec
from sda.train.corpus import Corpus
from sda.train.run import Event, Run
from sda.train.vocoder import held_out_clips

EVERY_S = 120.0  # s between previews
LENGTH_S = 3.0  # s of one
RATE = 48_000  # Hz


class Previews:
    """The previews of one run, wav files in its folder."""

    def __init__(self, run: Run, corpus: Corpus, spec: VaeSpec) -> None:
        """Of a model without a vocoder of its own, as all are that train: BigVGAN if it is here, else the draft."""
        self._run, self._spec = run, spec
        self._clip = held_out_clips(corpus, count=1, seconds=LENGTH_S)[0]
        self._choice = for_all()
        self._vocoder: Vocoder | None = None
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether it is time for one."""
        return time.monotonic() - self._last >= EVERY_S

    def make(self, weights: Mapping[str, Tensor], step: int) -> Event:
        """Write the preview of a net with these weights; a preview event, or a warning where it could not be made."""
        path = self._run.path / f"preview-{step:06}.wav"
        try:
            self._write(path, weights)
        except SdaError as error:
            return Event("warn", {"text": f"no preview: {error}"})
        finally:
            self._last = time.monotonic()
        return Event("preview", {"step": step, "file": str(path), "vocoder": self._choice.name, "why": self._choice.why})

    def _write(self, path: Path, weights: Mapping[str, Tensor]) -> None:
        if self._vocoder is None:
            self._vocoder = voices.by_name(self._choice.name)
        net = network.build(self._spec, {name: tensor.detach().cpu().numpy() for name, tensor in weights.items()})
        mel = net.normalise(grid.magnitudes(self._clip))
        chain = Chain(self._vocoder, RATE, channels=1, for_file=True)
        length = round(len(self._clip) * RATE / BIGVGAN_GRID.sample_rate)
        with AudioWriter(path, RATE, 1, depth="24") as writer:
            for block in resynthesised(mel, net, BIGVGAN_GRID, chain, length):
                writer.write(block)
