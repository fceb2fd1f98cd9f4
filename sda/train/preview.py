"""Sound while something trains: a recording that it does not train on, through VAE and vocoder as they are by now.

It takes the path that `resynth` takes; what it costs is not the training's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from torch import Tensor

from sda import voices
from sda.choice import for_all
from sda.core import grid, network
from sda.core.chain import Chain
from sda.core.network import Network
from sda.core.offline import resynthesised
from sda.core.vocoder import HifiganVocoder, Vocoder
from sda.errors import SdaError
from sda.formats.audio_out import AudioWriter
from sda.spec import BIGVGAN_GRID, GeneratorSpec, VaeSpec
from sda.train.copy_synthesis import held_out_clips
from sda.train.corpus import Corpus
from sda.train.run import Event, Run

EVERY_S = 120.0  # s between previews
LENGTH_S = 3.0  # s of one
RATE = 48_000  # Hz


class Previews:
    """The previews of one run, wav files in its folder."""

    def __init__(self, run: Run, corpus: Corpus) -> None:
        self._run = run
        self._clip = held_out_clips(corpus, count=1, seconds=LENGTH_S)[0]
        self._last = time.monotonic()

    def due(self) -> bool:
        """Whether it is time for one."""
        return time.monotonic() - self._last >= EVERY_S

    def make(self, step: int, vae: Callable[[], Network], vocoder: Callable[[], Vocoder], said: Mapping[str, str]) -> Event:
        """Write the preview of a step; a preview event with what is `said` of it, or a warning where it could not be made."""
        path = self._run.path / f"preview-{step:06}.wav"
        try:
            self._write(path, vae(), vocoder())
        except SdaError as error:
            return Event("warn", {"text": f"no preview: {error}"})
        finally:
            self._last = time.monotonic()
        return Event("preview", {"step": step, "file": str(path), **said})

    def _write(self, path: Path, vae: Network, vocoder: Vocoder) -> None:
        chain = Chain(vocoder, RATE, channels=1, for_file=True)
        length = round(len(self._clip) * RATE / BIGVGAN_GRID.sample_rate)
        with AudioWriter(path, RATE, 1, depth="24") as writer:
            for block in resynthesised(vae.normalise(grid.magnitudes(self._clip)), vae, BIGVGAN_GRID, chain, length):
                writer.write(block)


class ModelPreviews(Previews):
    """Of a VAE that trains, through the vocoder that would play the model: BigVGAN if it is here, else the draft."""

    def __init__(self, run: Run, corpus: Corpus, spec: VaeSpec) -> None:
        super().__init__(run, corpus)
        self._spec, self._choice = spec, for_all()
        self._vocoder: Vocoder | None = None

    def of(self, weights: Mapping[str, Tensor], step: int) -> Event:
        """The preview of a VAE with these weights."""
        net = network.build(self._spec, {name: tensor.detach().cpu().numpy() for name, tensor in weights.items()})
        return self.make(step, lambda: net, self._chosen, {"vocoder": self._choice.name, "why": self._choice.why})

    def _chosen(self) -> Vocoder:
        if self._vocoder is None:
            self._vocoder = voices.by_name(self._choice.name)
        return self._vocoder


class VocoderPreviews(Previews):
    """Of a vocoder that trains, fed by the model's own VAE: what a player would hear."""

    def __init__(self, run: Run, corpus: Corpus, vae: Network, spec: GeneratorSpec) -> None:
        super().__init__(run, corpus)
        self._vae, self._spec = vae, spec

    def of(self, weights: Mapping[str, Tensor], step: int) -> Event:
        """The preview of a generator with these weights."""
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in weights.items()}
        said = {"vocoder": "hifigan", "why": "the one that trains, fed by the model"}
        return self.make(step, lambda: self._vae, lambda: HifiganVocoder(self._spec, arrays), said)
