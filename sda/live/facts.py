"""What the engine knows of its children and its model, as they last told, and as `/sda/status` tells it on."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from sda.adapters.osc_acts import MapShown, Status
from sda.live.wire import Message


@dataclass(frozen=True, slots=True)
class Model:
    """A model that sounds."""

    path: Path
    name: str
    vocoder: str
    why: str  # why this vocoder
    fast: str  # the vocoder that plays it as it goes, where the one that sounds is too slow for that
    id: str = ""
    map: MapShown = MapShown()  # of its recordings
    safe: tuple[tuple[float, float], ...] = ()  # positions of each slider between which it sounds like the recordings


@dataclass(frozen=True, slots=True)
class Ahead:
    """How the loops of a slow vocoder come."""

    seconds: float  # of the loop that plays
    rtf: float  # s of work for a second of sound
    delay: float  # s from the order of a loop to its sound

    @property
    def words(self) -> str:
        """For people."""
        loops = f"loops of {self.seconds:.1f} s rendered ahead"
        return f"{loops}, real-time factor {self.rtf:.2f}: a move is heard after {self.delay:.1f} s"


@dataclass(slots=True)
class Facts:
    """The last word on everything. The engine's main thread writes it, the OSC thread reads it."""

    buffer: float  # s of sound that may lie in the ring
    model: Model | None = None
    ahead: Ahead | None = None
    trouble: str = ""  # why there is no sound, where that is not plain
    loading: bool = False
    device: str = ""
    rate: int = 0  # Hz
    device_latency: float = 0.0  # s
    delay: float = 0.0  # s, of the signal path
    rtf_mean: float = 0.0
    rtf_worst: float = 0.0
    place: tuple[float, float, int] | None = None  # on the map, x, y and the index of the nearest chunk
    peaks: tuple[float, float] = (0.0, 0.0)  # of both channels, in the time of the player's last report
    played: int = 0  # frames, by the player that runs
    underruns: int = 0
    past_played: float = 0.0  # s, by the players before it
    past_underruns: int = 0
    born: float = field(default_factory=time.monotonic)

    def ready(self, message: Message) -> None:
        """A player opened its device."""
        self.past_played, self.past_underruns = self.totals
        self.played = self.underruns = 0
        self.device, self.rate, self.device_latency = message["device"], message["rate"], message["latency"]

    def played_on(self, message: Message) -> None:
        """A player's report."""
        self.played, self.underruns = message["played"], message["underruns"]
        self.peaks = (message["peaks"][0], message["peaks"][1])

    def rendered(self, message: Message) -> None:
        """A renderer's report."""
        self.rtf_mean, self.rtf_worst, self.delay = message["rtf_mean"], message["rtf_worst"], message["delay"]
        self.place = tuple(message["place"]) if message.get("place") else None

    @property
    def totals(self) -> tuple[float, int]:
        """Seconds played and under-runs, of all players together."""
        return self.past_played + self.played / max(1, self.rate), self.past_underruns + self.underruns

    @property
    def latency(self) -> float:
        """Seconds from a control's change to its sound, at the most."""
        return (self.ahead.delay if self.ahead else self.delay) + self.buffer + self.device_latency

    def status(self, play: bool, dropped: int | None) -> Status:
        """The state in the words of the control surface."""
        model = self.model
        state = "loading" if self.loading else "empty" if model is None else "playing" if play else "stopped"
        why = self.trouble or (model.why if model is not None else "no model is loaded")
        return Status(
            state=state,
            model=model.name if model else "",
            vocoder=model.vocoder if model else "",
            why=why,
            device=self.device,
            rtf_mean=self.rtf_mean,
            rtf_worst=self.rtf_worst,
            underruns=self.totals[1],
            latency_ms=1000 * self.latency,
            rate=self.rate,
            uptime_s=int(time.monotonic() - self.born),
            dropped=-1 if dropped is None else dropped,
        )
