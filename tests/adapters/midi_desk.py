"""A MIDI surface with controls, acts that are only remembered, and a clock driven by hand."""

from __future__ import annotations

from collections.abc import Sequence

from sda.adapters.midi_surface import MidiSurface
from sda.control import Controls
from sda.mapping import Binding, Mapping
from sda.params import Value

KEYS = "Keystation 49 28:0"
MOTOR = "Motor Desk 32:0"


class Desk:
    """Messages go in as hex; what went out is hex too."""

    def __init__(
        self, *bindings: Binding, mapping: Mapping | None = None, names: Sequence[str] = ("Brightness", "noise")
    ) -> None:
        self.controls = Controls()
        self.controls.install_sliders(names)
        self.acts: list[tuple[str, tuple[Value, ...], str]] = []
        self.complaints: list[tuple[str, str]] = []
        self.wakes = 0
        self.surface = MidiSurface(self.controls, self.perform, lambda *words: self.complaints.append(words), self.wake)
        self.surface.install(mapping or Mapping(bindings=bindings))
        self.now = 100.0

    def perform(self, act: str, args: Sequence[Value], source: str) -> None:
        self.acts.append((act, tuple(args), source))

    def wake(self) -> None:
        self.wakes += 1

    def send(self, *messages: str, port: str = KEYS, apart: float = 0.001) -> None:
        """Messages of a port, so many seconds apart."""
        for message in messages:
            self.now += apart
            self.surface.receive(port, bytes.fromhex(message), self.now)

    def due(self, after: float = 0.0) -> list[tuple[str, str]]:
        self.now += after
        return [(port, data.hex(" ").upper()) for port, data in self.surface.due(self.now)[0]]

    def settle(self, seconds: float = 1.0) -> list[tuple[str, str]]:
        """Everything that goes out within some time."""
        out = []
        end = self.now + seconds
        while self.now < end:
            out += self.due(0.01)
        return out

    def values(self, *ids: str) -> list[Value]:
        return [self.controls.get(id) for id in ids]
