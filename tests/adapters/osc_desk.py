"""A surface with an engine that only remembers and a clock driven by hand, for the tests of the OSC adapters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from sda.adapters.osc_acts import MapShown, PresetName, Status
from sda.adapters.osc_packet import encode, encode_bundle
from sda.adapters.osc_surface import Outgoing, Surface
from sda.control import Controls
from sda.mapping import Binding, Sender, Takeover
from sda.params import Value

HOST = "127.0.0.1"
MAX, DESIGNER = (HOST, 5001), (HOST, 5002)


class Engine:
    """An engine that does nothing but remember."""

    def __init__(self, controls: Controls) -> None:
        self.controls = controls
        self.performed: list[tuple[Value, ...]] = []
        self.panics = 0
        self.reloads: list[str] = []
        self.waiting: list[Callable[[], None]] = []
        self.holds = False  # settle: keep `done` instead of calling it
        self.broken: Exception | None = None

    def status(self) -> Status:
        if self.broken is not None:
            raise self.broken
        return Status(state="playing", model="bells", vocoder="hifigan", why="own", rtf_mean=0.25, rate=48_000, uptime_s=7)

    def models(self) -> Sequence[str]:
        return ["bells", "rain"]

    def map(self) -> MapShown:
        return MapShown((0.5, -1.0), (0.25, 1.0), (0.0, 1.5), (0, 0), ("rain.wav",), ((-4.0, 2.0), (1.0, 3.0)))

    def safe(self) -> Sequence[tuple[float, float]]:
        return [(-4.5, 5.0), (-10.0, 2.25)]

    def files(self) -> tuple[str, str]:
        return "monday.wav", ""

    def presets(self) -> Sequence[PresetName]:
        return [PresetName("dusk", 0, "bells"), PresetName("Dämmerung", 3, "")]

    def bindings(self) -> Sequence[Binding]:
        return (
            Binding(
                sender=Sender.CC, number=21, channel=3, port="Desk", control="gain",
                takeover=Takeover.JUMP, span=(-40, 6), curve=2,
            ),
            Binding(sender=Sender.NOTE, number=36, act="panic"),
        )  # fmt: skip

    lead = 0.1
    query_port = 16181

    def place(self, moment: float) -> int | None:
        return round((moment - 1_000_000.0) * 48_000)

    def perform(self, act: str, args: Sequence[Value], source: str, place: int | None = None) -> None:
        self.performed.append((act, *args) if place is None else (act, *args, place))
        if act == "panic":
            self.panics += 1
        elif act == "center":
            self.controls.center("act")
        elif act == "reload":
            self.reloads.append(source)

    def settle(self, done: Callable[[], None]) -> None:
        if self.holds:
            self.waiting.append(done)
        else:
            done()


class Desk:
    """A surface with a hand-driven clock; answers come back as (address, *args), read by python-osc."""

    def __init__(self, names: Sequence[str] = ("Brightness", "noise"), *, timetags: bool = True) -> None:
        self.controls = Controls()
        self.controls.install_sliders(names)
        self.engine = Engine(self.controls)
        self.surface = Surface(self.controls, self.engine, wall_clock=lambda: 1_000_000.0, timetags=timetags)
        self.now = 100.0

    def raw(self, data: bytes, source: tuple[str, int] = MAX) -> list[Outgoing]:
        return self.surface.receive(data, source, self.now)

    def send(self, address: str, *args: object, source: tuple[str, int] = MAX) -> list[tuple[object, ...]]:
        self.now += 0.001
        return read(self.raw(encode(address, *args), source))

    def due(self, after: float = 0.0) -> list[tuple[object, ...]]:
        self.now += after
        return read(self.surface.due(self.now)[0])


def read(out: Sequence[Outgoing]) -> list[tuple[object, ...]]:
    messages = [OscMessage(packet) for packet, _ in out]
    return [(m.address, *m.params) for m in messages]


def bundle(*elements: bytes, after: float | None = None) -> bytes:
    """A bundle, at a moment given in seconds after the desk's wall clock."""
    tag = 1 if after is None else int((1_000_000.0 + after + 2_208_988_800) * 2**32)  # 1900 to 1970, RFC 868
    return encode_bundle(elements, tag)


def others(address: str, value: object, tag: str) -> bytes:
    builder = OscMessageBuilder(address)
    builder.add_arg(value, tag)
    return builder.build().dgram
