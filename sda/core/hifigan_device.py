"""The HiFi-GAN generator in torch as a GPU's vocoder. On the CPU `HifiganVocoder` makes a live block in a sixth of its time.

Beyond both edges there is silence, as there. The past that only the causal layers see passes through those alone
(`Generator.forward`), so that a live block of 2 frames costs about as much as 6.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from sda.core.frame_noise import PERIOD, table
from sda.core.hifigan import Generator
from sda.core.vocoder import hifigan_spec
from sda.core.windows import WindowVocoder
from sda.errors import DeviceError, ModelError
from sda.spec import BIGVGAN_GRID, GeneratorSpec, MelSpec

Floats = NDArray[np.float32]

WINDOW = 512  # frames computed at a time, so that an hour needs no more memory than six seconds


class HifiganOnDevice(WindowVocoder):
    """A HiFi-GAN generator on a device of torch's as a stream and as a whole. One thread at a time may use an object."""

    def __init__(
        self,
        generator: GeneratorSpec,
        weights: Mapping[str, Floats],
        *,
        device: str,
        grid: MelSpec = BIGVGAN_GRID,
        name: str = "hifigan",
        window: int = WINDOW,
    ) -> None:
        """weights: by their names in `Generator`'s state dict. grid: of the mel that they were trained on.

        Raises `ModelError` where weights are missing or of another shape, or the generator does not fit the grid, and
        `DeviceError` where torch cannot put it on the device.
        """
        spec = hifigan_spec(generator, grid, name)
        super().__init__(spec, edge=spec.silence, window=window)
        net = Generator(generator)
        try:
            net.load_state_dict({key: torch.from_numpy(np.asarray(weight, np.float32)) for key, weight in weights.items()})
        except RuntimeError as error:
            raise ModelError(f"{name}: {' '.join(str(error).split())}") from None
        try:
            self._net, self._device = net.eval().requires_grad_(False).to(device), torch.device(device)
        except (RuntimeError, AssertionError) as error:  # torch built without it, or a number that no device has
            raise DeviceError(f"device {device!r}: torch cannot use it ({str(error).splitlines()[0]})") from None

    def __call__(self, log_mel: Floats) -> Floats:
        """As `WindowVocoder` does it. Raises `ModelError` for a log-mel where log1p of powers is eaten."""
        self.spec.check(log_mel)
        return super().__call__(log_mel)

    def _numbered(self, log_mel: Floats, first: int) -> Floats:
        """Behind the mel's rows one with the frames' numbers in the circle of the noise."""
        numbers = np.arange(first, first + log_mel.shape[1], dtype=np.int64) % PERIOD
        return np.concatenate([log_mel, numbers[None].astype(np.float32)])

    def _next(self, state: Floats) -> int:
        return int(state[-1, -1]) + 1

    def _sound(self, log_mel: Floats, before: int, after: int) -> Floats:
        log_mel, numbers = log_mel[:-1], log_mel[-1].astype(np.int64)
        noise = table(self._net.spec.noise)[:, numbers]
        # Convolutions in float32 on CUDA too, where torch would take TF32: 10 bits, 1e-3 of full scale.
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, benchmark=False, allow_tf32=False):
            heard, beside = (torch.from_numpy(rows)[None].to(self._device) for rows in (log_mel, noise))
            audio = self._net(heard, before, after, beside)  # [1, 1, T]
            samples: Floats = audio.reshape(-1).cpu().numpy()
            return samples
