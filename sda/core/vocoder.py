"""The streaming vocoder on the CPU: log-mel frames in, samples out, in ONNX Runtime without torch.

Streaming is exact: however the frames are cut into steps, the samples are those of the whole network run at once. Blocks of
any length are put together from graphs of a few fixed lengths, because static shapes are what makes small blocks fast.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sda.core import graphs
from sda.core.excitation import excite, partials, with_partials
from sda.core.excitation import start as excitation_start
from sda.core.frame_noise import PERIOD, noise_of
from sda.core.graphs import Graphs
from sda.core.ort import session
from sda.errors import ModelError
from sda.spec import BIGVGAN_GRID, EXCITATION_CYCLE, LOG1P_POWER, LOG_MEL, GeneratorSpec, MelSpec

Floats = NDArray[np.float32]
State = Floats
"""All that a stream remembers, in one vector [S]; never changed in place."""

BLOCKS = (32, 2, 1)  # frames of the graphs that all blocks are put together from; larger ones are no faster
CIRCLE = PERIOD * EXCITATION_CYCLE  # frames after which everything random has come again; exact in float32
LIVE_BLOCK = 2  # frames of the one that is made at once; it also runs up the start state


@dataclass(frozen=True, slots=True, kw_only=True)
class VocoderSpec:
    """What a vocoder eats and how it answers."""

    name: str
    grid: MelSpec  # of its log-mel
    look_ahead: int  # samples by which a stream answers late
    memory: int  # mel frames of the past that a sample can depend on
    eats: str = LOG_MEL  # or LOG1P_POWER

    @property
    def rate(self) -> int:
        """Of the sound, in Hz."""
        return self.grid.sample_rate

    @property
    def hop(self) -> int:
        """Samples per frame."""
        return self.grid.hop

    @property
    def silence(self) -> float:
        """What it eats where there is no sound."""
        return math.log(self.grid.floor) if self.eats == LOG_MEL else 0.0

    def check(self, log_mel: Floats) -> None:
        """Raises `ModelError` for a log-mel where log1p of powers is eaten, which has no number below 0."""
        if self.eats == LOG1P_POWER and log_mel.min(initial=0) < 0:
            raise ModelError(f"{self.name}: expected log1p of mel powers on its model's grid, found numbers below 0")


def hifigan_spec(generator: GeneratorSpec, grid: MelSpec, name: str) -> VocoderSpec:
    """What a HiFi-GAN generator is as a vocoder. Raises `ModelError` where it does not fit the grid."""
    if (generator.n_mels, generator.hop) != (grid.n_mels, grid.hop):
        found = f"{generator.n_mels} bands and {generator.hop} samples a frame"
        raise ModelError(f"{name}: found a generator of {found}; expected the grid's {grid.n_mels} and {grid.hop}")
    if generator.excited and (grid != BIGVGAN_GRID or generator.eats != LOG_MEL):
        raise ModelError(f"{name}: found an excited generator on another mel; expected the project's own grid")
    look_ahead, memory = generator.look_ahead, generator.memory
    return VocoderSpec(name=name, grid=grid, look_ahead=look_ahead, memory=memory, eats=generator.eats)


class Vocoder(Protocol):
    """What every vocoder is: a stream and a whole. Invariant: what steps answer does not depend on how frames are cut."""

    spec: VocoderSpec

    @property
    def rate(self) -> int:
        """Hz."""
        return self.spec.rate

    @property
    def hop(self) -> int:
        """Samples per frame."""
        return self.spec.hop

    @property
    def look_ahead(self) -> int:
        """Samples by which `step` answers late."""
        return self.spec.look_ahead

    def start(self, frame: int = 0, going_on: Floats | None = None) -> Any:
        """The state before the first frame, or before a later one behind silence: noise goes by the frame's number.

        going_on: what went on before that frame, if not silence; a vocoder in which nothing goes on does not look at it.
        """
        ...

    def going_on(self, state: Any) -> Floats | None:
        """A copy of the part of a state that no length of past brings back; None where there is none.

        Where it was before a frame, `start` and that frame with those after it make, once the silence is forgotten, the same
        sound.
        """
        ...

    def step(self, log_mel: Floats, state: Any) -> tuple[Floats, Any]:
        """log_mel [M, F] in nat, F >= 1 -> samples [F * hop], full scale 1, `look_ahead` samples late, and the new state."""
        ...

    def __call__(self, log_mel: Floats) -> Floats:
        """The waveform [hop * F] of a whole log-mel [M, F]: sample hop * j begins frame j."""
        ...

    def block_of(self, frames: int) -> int:
        """Frames a step that make up `frames` of them, or a little more, with the least work."""
        ...


class HifiganVocoder(Vocoder):
    """A HiFi-GAN generator as a stream and as a whole. One thread at a time may use an object."""

    def __init__(
        self,
        generator: GeneratorSpec,
        weights: Mapping[str, Floats],
        *,
        grid: MelSpec = BIGVGAN_GRID,
        name: str = "hifigan",
        kept: Graphs | None = None,
    ) -> None:
        """weights: by their names in `hifigan.Generator`'s state dict. grid: of the mel that they were trained on.

        kept: where graphs lie that were made before.

        Raises `ModelError` where weights are missing or of another shape, or the generator does not fit the grid.
        """
        self.spec = hifigan_spec(generator, grid, name)
        self._generator, self._weights, self._kept = generator, weights, kept
        self._hash = graphs.content("hifigan", generator, weights) if kept is not None else ""
        self._exciting = len(excitation_start()) if generator.excited else 0  # numbers of the excitation's state
        self._excitation = slice(-1 - self._exciting, -1)  # where they are
        self._steps: dict[int, _Step] = {}
        self._start: State | None = None
        self._step_of(LIVE_BLOCK)

    def start(self, frame: int = 0, going_on: Floats | None = None) -> State:
        """The state after an endless run of silence, before a frame of this number; going_on: partials in its midst."""
        if self._start is None:
            kept = graphs.made(self._kept, f"{self._hash}-start", lambda: self._run_up().tobytes())
            self._start = np.frombuffer(kept, np.float32)  # cannot be written to
        state = np.append(self._start[:-1], np.float32(frame % CIRCLE))
        if self._exciting and going_on is not None:
            state[self._excitation] = with_partials(state[self._excitation], going_on)
        return state

    def going_on(self, state: State) -> Floats | None:
        """The partials' frequencies in Hz, amplitudes and phases [3, M], where there is an excitation."""
        return partials(state[self._excitation]) if self._exciting else None

    def _run_up(self) -> State:
        live = self._step_of(LIVE_BLOCK)
        blocks = math.ceil((self.spec.memory + math.ceil(self.look_ahead / self.hop)) / LIVE_BLOCK)
        silence, state = self._silence(LIVE_BLOCK), np.zeros(live.size + self._exciting + 1, np.float32)
        state[-1] = -blocks * LIVE_BLOCK % CIRCLE
        for _ in range(blocks):
            _, state = self._advance(silence, state)
        return state

    def step(self, log_mel: Floats, state: State) -> tuple[Floats, State]:
        """log_mel [M, F] in nat, F >= 1 -> samples [F * hop], full scale 1, `look_ahead` samples late, and the new state."""
        assert log_mel.shape[:-1] == (self.spec.grid.n_mels,)
        audio, place = [np.zeros(0, np.float32)], 0
        for block in BLOCKS:
            while log_mel.shape[1] - place >= block:
                samples, state = self._advance(log_mel[:, place : place + block], state)
                audio.append(samples)
                place += block
        return np.concatenate(audio), state

    def __call__(self, log_mel: Floats) -> Floats:
        """The waveform [hop * F] of a whole log-mel [M, F]: sample hop * j begins frame j; silence beyond both edges.

        Raises `ModelError` for a log-mel where log1p of powers is eaten, which has no number below 0.
        """
        self.spec.check(log_mel)
        after = self._silence(math.ceil(self.look_ahead / self.hop))
        late, _ = self.step(np.concatenate([log_mel, after], axis=1), self.start())
        return late[self.look_ahead :][: log_mel.shape[1] * self.hop]

    def block_of(self, frames: int) -> int:
        """The longest that there is a graph for, however many frames there will be."""
        return BLOCKS[0]

    def _advance(self, log_mel: Floats, state: State) -> tuple[Floats, State]:
        """One block for which there is a graph.

        Behind the graph's state lies the excitation's, and at the end the number of the next frame.
        """
        frames, number = log_mel.shape[1], int(state[-1])
        heard, step = log_mel, self._step_of(frames)
        if self._generator.noise:
            heard = np.concatenate([log_mel, noise_of(self._generator.noise, number, frames)])
        excitation, exciting = None, state[self._excitation]
        if self._exciting:
            excitation, exciting = excite(log_mel, number, exciting)
        samples, after = step.run(heard, excitation, state[: step.size])
        return samples, np.concatenate([after, exciting, np.array([(number + frames) % CIRCLE], np.float32)])

    def _silence(self, frames: int) -> Floats:
        return np.full((self.spec.grid.n_mels, frames), self.spec.silence, np.float32)

    def _step_of(self, frames: int) -> _Step:
        if frames not in self._steps:
            self._steps[frames] = _Step(graphs.made(self._kept, f"{self._hash}-{frames}", lambda: self._graph(frames)))
        return self._steps[frames]

    def _graph(self, frames: int) -> bytes:
        from sda.core.graph_hifigan import step_graph  # here, because a graph that was kept needs no library to write one

        return step_graph(self._generator, self._weights, frames)


class _Step:
    """A step of a fixed number of frames, bound once to its own buffers: to hand over 70 tensors anew costs a tenth more."""

    def __init__(self, graph: bytes) -> None:
        self._session = session(graph)
        self._binding = self._session.io_binding()
        shapes = {each.name: tuple(each.shape) for each in (*self._session.get_inputs(), *self._session.get_outputs())}
        states = [shapes[f"s{number}"] for number in range(sum(name.startswith("s") for name in shapes))]
        lengths = [math.prod(shape) for shape in states]
        self.size = sum(lengths)
        self._before, self._after = np.zeros(self.size, np.float32), np.zeros(self.size, np.float32)
        for number, (start, stop) in enumerate(pairwise(accumulate(lengths, initial=0))):
            shape = states[number]
            _bind(self._binding.bind_input, f"s{number}", self._before[start:stop].reshape(shape))
            _bind(self._binding.bind_output, f"t{number}", self._after[start:stop].reshape(shape))
        self._heard, self._audio = np.zeros(shapes["heard"], np.float32), np.zeros(shapes["audio"], np.float32)
        _bind(self._binding.bind_input, "heard", self._heard)
        self._excitation = np.zeros(shapes.get("excitation", 0), np.float32)
        if "excitation" in shapes:
            _bind(self._binding.bind_input, "excitation", self._excitation)
        _bind(self._binding.bind_output, "audio", self._audio)

    def run(self, heard: Floats, excitation: Floats | None, state: Floats) -> tuple[Floats, Floats]:
        """heard [M + N, n], excitation [E, n * hop] -> samples [n * hop] and the state after them, the caller's own."""
        self._heard[0, :, 0] = heard
        if excitation is not None:
            self._excitation[0, :, 0] = excitation
        self._before[:] = state
        self._session.run_with_iobinding(self._binding)
        return self._audio.reshape(-1).copy(), self._after.copy()


def _bind(bind: Callable[..., None], name: str, buffer: Floats) -> None:
    """Fix a graph's input or output to a buffer, which must live as long as the binding."""
    bind(name, "cpu", 0, np.float32, list(buffer.shape), buffer.ctypes.data)
