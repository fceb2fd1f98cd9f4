"""The HiFi-GAN generator in torch as a GPU's vocoder. On the CPU `HifiganVocoder` makes a live block in a sixth of its time.

Beyond both edges there is silence, as there. The past that only the causal layers see passes through those alone
(`Generator.forward`), so that a live block of 2 frames costs about as much as 6.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from sda.core.excitation import CHANNELS, LATE, excite, partials, with_partials
from sda.core.excitation import start as excitation_start
from sda.core.frame_noise import noise_of
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
        """The waveform [hop * F] of a whole log-mel [M, F]: sample hop * j begins frame j; silence beyond both edges.

        A window at a time as a stream, since the excitation goes on. Raises `ModelError` for a log-mel where log1p of powers is
        eaten.
        """
        self.spec.check(log_mel)
        whole = np.concatenate([log_mel, self._beyond(self._future)], axis=1)
        state, audio = self.start(), []
        for place in range(0, whole.shape[1], self.window):
            samples, state = self.step(whole[:, place : place + self.window], state)
            audio.append(samples)
        return np.concatenate(audio)[self.look_ahead :][: log_mel.shape[1] * self.hop]

    def _start_beside(self, frame: int) -> tuple[int, Floats]:
        return frame, excitation_start()

    def _going_on(self, beside: tuple[int, Floats]) -> Floats | None:
        return partials(beside[1]) if self._net.spec.excited else None

    def _taken_up(self, beside: tuple[int, Floats], going_on: Floats) -> tuple[int, Floats]:
        return beside[0], with_partials(beside[1], going_on) if self._net.spec.excited else beside[1]

    def _with_beside(self, log_mel: Floats, beside: tuple[int, Floats]) -> tuple[Floats, tuple[int, Floats]]:
        """Behind the mel's rows those of the noise and of the excitation, [E * hop, F]; beside: the next frame's number and
        the excitation's state."""
        (number, exciting), spec, frames = beside, self._net.spec, log_mel.shape[1]
        rows = [log_mel, noise_of(spec.noise, number, frames)]
        if spec.excited:
            excitation, exciting = excite(log_mel, number, exciting)
            rows.append(excitation.reshape(CHANNELS, frames, self.hop).transpose(0, 2, 1).reshape(-1, frames))
        return np.concatenate(rows), (number + frames, exciting)

    def _sound(self, log_mel: Floats, before: int, after: int) -> Floats:
        spec, frames = self._net.spec, log_mel.shape[1]
        log_mel, noise, excitation = np.split(log_mel, [spec.n_mels, spec.inputs])
        given = {"log_mel": log_mel, "noise": noise}
        if spec.excited:
            stream = excitation.reshape(CHANNELS, self.hop, frames).transpose(0, 2, 1).reshape(CHANNELS, -1)
            given["excitation"] = np.pad(stream[:, LATE:], ((0, 0), (0, LATE)))
        # Convolutions in float32 on CUDA too, where torch would take TF32: 10 bits, 1e-3 of full scale.
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, benchmark=False, allow_tf32=False):
            there = {name: torch.from_numpy(np.ascontiguousarray(rows))[None].to(self._device) for name, rows in given.items()}
            audio = self._net(before=before, after=after, **there)  # [1, 1, T]
            samples: Floats = audio.reshape(-1).cpu().numpy()
            return samples
