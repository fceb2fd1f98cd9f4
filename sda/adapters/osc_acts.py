"""What adapters ask of the engine: its state, its models, and the acts that are more than a control's value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from sda.errors import ControlError
from sda.mapping import Binding
from sda.params import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The engine's state, in the order of `/sda/status/reply`."""

    state: str  # "empty", "playing", ...
    model: str = ""
    vocoder: str = ""
    why: str = ""  # a sentence: why this vocoder, why silence
    device: str = ""
    rtf_mean: float = 0.0  # time to render a second of sound, s
    rtf_worst: float = 0.0
    underruns: int = 0
    latency_ms: float = 0.0
    rate: int = 0  # Hz
    uptime_s: int = 0
    dropped: int = 0  # packets that the system dropped, -1 where it does not tell


@dataclass(frozen=True, slots=True)
class MapShown:
    """The map of a model's recordings, about a second of one each place: N of them."""

    x: tuple[float, ...] = ()  # [N], -1 to 1
    y: tuple[float, ...] = ()  # [N]
    starts: tuple[float, ...] = ()  # [N] s, where in its recording each begins
    owners: tuple[int, ...] = ()  # [N] which of the recordings
    recordings: tuple[str, ...] = ()  # names without folders
    shades: tuple[tuple[float, ...], ...] = ()  # [S][N] where each lies along each slider, in the slider's positions

    def shade(self, slider: object) -> Sequence[float]:
        """[N] along a slider, by its number from 1; raises `ControlError` for one that is not there."""
        if not self.shades:
            return [0.0] * len(self.x)
        if isinstance(slider, int | float) and 1 <= slider <= len(self.shades):
            return self.shades[int(slider) - 1]
        raise ControlError(f"expected a slider from 1 to {len(self.shades)}, found {str(slider)[:40]}")


class PresetName(NamedTuple):
    """A preset of the library, as it is listed."""

    name: str
    number: int  # from 0
    model_name: str  # empty where it is for any


class Acts(Protocol):
    """The engine, as OSC sees it. Called from the thread that receives: every method returns at once.

    Where an act cannot be done it raises an `SdaError`; its text is sent back.
    """

    def status(self) -> Status: ...

    def models(self) -> Sequence[str]:
        """Names of the models in the library, from memory: no look at the disk."""
        ...

    def presets(self) -> Sequence[PresetName]:
        """The presets of the library by number, from memory."""
        ...

    def map(self) -> MapShown:
        """Of the model that sounds."""
        ...

    def safe(self) -> Sequence[tuple[float, float]]:
        """Of each slider of the model that sounds, the positions between which it sounds like the recordings."""
        ...

    def bindings(self) -> Sequence[Binding]:
        """What MIDI controllers move."""
        ...

    def files(self) -> tuple[str, str]:
        """Names of the recording and of the take that are being written; nothing for what is not."""
        ...

    @property
    def query_port(self) -> int:
        """Where OSCQuery is answered; 0 where it is not."""
        ...

    @property
    def lead(self) -> float:
        """Seconds before a moment by which what is to be heard then must be handed over."""
        ...

    def place(self, moment: float) -> int | None:
        """The position in the stream that is played at a moment, in s since 1970; None while nothing is."""
        ...

    def perform(self, act: str, args: Sequence[Value], source: str, place: int | None = None) -> None:
        """An act of `sda.acts`, by its id, with arguments that were checked; where it comes to nothing later, or is done
        later, the source of the wish is told. place: where in the stream it is to be heard; None: now.
        """
        ...

    def settle(self, done: Callable[[], None]) -> None:
        """Call `done`, from any thread, once every change delivered so far is in effect; at once if it is."""
        ...
