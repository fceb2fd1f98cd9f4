"""What is sent to OSC clients: values, the table of controls, names of models, errors. Collected until they are taken.

Single messages, one a datagram: every client takes those, not every client takes bundles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

from sda.adapters.osc_acts import MapShown, PresetName, Status
from sda.adapters.osc_clients import Address, Client
from sda.adapters.osc_packet import Arg, encode
from sda.adapters.osc_table import SLIDERS, Table, Target, shown
from sda.control import Controls
from sda.errors import ControlError
from sda.mapping import Binding
from sda.params import Param, Value

Outgoing = tuple[bytes, Address]

PLACES = 40  # of a map, in one message: 5 numbers of 5 bytes each
NAMES, NAME = 10, 120  # of recordings in one message, and bytes of each
NO_MODEL = "no-model"  # the error of all slider messages while there are no sliders

# What we send: a copy that comes back to us (two programs pointed at each other) is dropped silently.
REPLIES = frozenset(
    f"/sda/{word}"
    for word in (
        *("pong", "synced", "status/reply", "error", "accepted", "done", "started", "meter"),
        *(
            "rev",
            "param",
            "params",
            "safe",
            "map",
            "map/points",
            "map/recordings",
            "map/here",
            "oscquery",
            "files",
            "models",
            "models/name",
            "presets",
            "presets/name",
            "download/progress",
            "train/progress",
            "scope",
            "log",
            "monitor",
        ),
        *("midi/binding", "midi/bindings"),
    )
)


STATUS_FIELDS = tuple(field.name for field in fields(Status))


class Answers:
    """Datagrams on their way out, each to where its client hears."""

    def __init__(self, controls: Controls, table: Table) -> None:
        self.table = table
        self._controls = controls
        self._out: list[Outgoing] = []

    def take(self) -> list[Outgoing]:
        """All that were collected."""
        out, self._out = self._out, []
        return out

    def add(self, packet: bytes, client: Client) -> None:
        self._out.append((packet, client.reply_to))

    def send(self, client: Client, address: str, *args: Arg) -> None:
        """One message. Raises `OscError` where it is too long for a datagram."""
        self.add(encode(address, *args), client)

    def all(self, client: Client, prefix: str = "") -> None:
        """Every control's value (of ids with a prefix), then `/sda/rev`."""
        values = self._controls.values()
        for row in self.table.rows:
            if row.id.startswith(prefix) and row.id in values:
                self.send(client, row.address, values[row.id])
        self.send(client, "/sda/rev", self._controls.rev)

    def params(self, client: Client) -> None:
        """The table of controls, then how many there are."""
        for row in self.table.rows:
            self.send(client, "/sda/param", *_described(row))
        self.send(client, "/sda/params", len(self.table.rows))

    def models(self, client: Client, names: Sequence[str]) -> None:
        """The names of the models, then how many there are."""
        for name in names:
            self.send(client, "/sda/models/name", name[:200])
        self.send(client, "/sda/models", len(names))

    def presets(self, client: Client, presets: Sequence[PresetName]) -> None:
        """Name, number and model of each preset, then how many there are."""
        for preset in presets:
            self.send(client, "/sda/presets/name", preset.name, preset.number, preset.model_name[:200])
        self.send(client, "/sda/presets", len(presets))

    def bindings(self, client: Client, bindings: Sequence[Binding]) -> None:
        """What MIDI controllers move, then how many there are.

        Of each: target, sender, number, channel or 0, port, takeover, both ends of the range (alike: all of it), curve or 0.
        """
        for b in bindings:
            takeover = b.takeover.value if b.takeover else "auto"
            place = (b.target, b.sender.value, b.number, b.channel or 0, b.port)
            span = b.span or (0.0, 0.0)
            self.send(client, "/sda/midi/binding", *place, takeover, float(span[0]), float(span[1]), float(b.curve or 0))
        self.send(client, "/sda/midi/bindings", len(bindings))

    def sliders(self, client: Client) -> None:
        """All slider values in one message."""
        values = self._controls.values()
        self.send(client, SLIDERS, *(values.get(row.id, row.default) for row in self.table.sliders))

    def map(self, client: Client, known: MapShown, shade: Sequence[float]) -> None:
        """The names of the recordings, then its places (x, y, start, recording, shade), then how many there are."""
        for at, names in names_in_parts(known.recordings):
            self.send(client, "/sda/map/recordings", at, *names)
        places = tuple(zip(known.x, known.y, known.starts, known.owners, shade, strict=True))
        for at in range(0, len(places), PLACES):
            self.send(client, "/sda/map/points", at, *(float(part) for place in places[at : at + PLACES] for part in place))
        self.send(client, "/sda/map", len(places))

    def safe(self, client: Client, ranges: Sequence[tuple[float, float]]) -> None:
        """Both ends of each slider's safe range, in one message."""
        self.send(client, "/sda/safe", *(float(end) for ends in ranges for end in ends))

    def values(self, client: Client, found: Mapping[str, Target]) -> None:
        """The values of some controls, each on the address by which it was asked for."""
        values = self._controls.values()
        for address, target in found.items():
            if target.row.id in values:
                self.send(client, address, shown(target, values[target.row.id]))

    def value(self, client: Client, id: str) -> None:
        """The value of one control, if it is still there."""
        try:
            address, value = self._controls.row(id).address, self._controls.get(id)
        except ControlError:
            return  # the slider left with its model
        self.send(client, address, value)

    def status(self, client: Client, status: Status) -> None:
        """The fields of `Status`, in their order."""
        self.send(client, "/sda/status/reply", *[getattr(status, name) for name in STATUS_FIELDS])

    def complain(self, client: Client, address: str, code: str, text: str, now: float) -> None:
        """An error, where the client may hear of it now, s. All that are for want of sliders are told as one."""
        if client.may_hear(code, "" if code == NO_MODEL else address, now):
            self.fault(client, address, code, text)

    def fault(self, client: Client, address: str, code: str, text: str) -> None:
        self.send(client, "/sda/error", address[:100], code, text[:200])


def names_in_parts(names: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Names, cut to fit, in parts that each fit a datagram, with the number of the first."""
    part: list[str] = []
    for number, name in enumerate(names):
        part.append(name.encode()[:NAME].decode(errors="ignore"))
        if len(part) == NAMES or number == len(names) - 1:
            yield number - len(part) + 1, part
            part = []


def _described(row: Param) -> tuple[Value, ...]:
    """A row as `/sda/param` tells it; texts cut so that it fits a datagram."""
    numbers = (float(row.low), float(row.high), row.default, float(row.curve))
    return (row.id, row.kind.value, row.unit, *numbers, ",".join(row.choices)[:200], row.name[:60], row.help[:200])
