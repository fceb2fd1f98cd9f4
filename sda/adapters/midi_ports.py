"""The MIDI ports of this machine, through rtmidi: opened as they come, dropped as they go, and two virtual ones of our own.

rtmidi does not tell when a port vanishes, so whoever uses this calls `look` every second, which compares the names of all
ports with those that are open. The place for it is a process of its own: a driver may print, block or crash, and after the
end of a JACK server nothing helps but another process.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

import rtmidi

from sda.adapters.midi_found import Found
from sda.adapters.midi_jack import JackWatch
from sda.errors import DeviceError

Receive = Callable[[str, bytes, float], None]
"""(port, message, s of the monotonic clock), called in the driver's thread."""

OURS = "sda"  # what our own virtual ports are called, and how the ports of other engines begin
LOOPS = ("midi through",)  # ports that send back what they are sent
SYSTEMS = {
    rtmidi.API_LINUX_ALSA: "ALSA", rtmidi.API_UNIX_JACK: "JACK", rtmidi.API_MACOSX_CORE: "CoreMIDI",
    rtmidi.API_WINDOWS_MM: "Windows",
}  # fmt: skip
NAMED_BY_CLIENT = ("ALSA", "JACK")  # whose port names begin with the client's


class MidiPorts:
    """All inputs that are wanted, the outputs that are to be told something, and our own. One thread calls it."""

    def __init__(self, client: str, wanted: Sequence[str] | None, receive: Receive, ended: Callable[[], None]) -> None:
        """client: our name among the machine's; wanted: parts of the names of inputs, [] for all, None for none.
        Nothing is open yet.

        `ended` is called, from any thread, when the MIDI system is gone and this object can do no more.
        """
        self._client = client
        self._wanted = None if wanted is None else [part.lower() for part in wanted]
        self._receive, self._ended = receive, ended
        self._told: tuple[str, ...] = ()
        self._inputs: dict[str, Any] = {}  # open ones, by name
        self._outputs: dict[str, Any] = {}
        self._api: int | None = None
        self._system = ""
        self._own: tuple[Any, Any] | None = None  # in and out; they also know the names of the others
        self._watch: JackWatch | None = None

    def tell(self, parts: Iterable[str]) -> None:
        """From the next look on, open the outputs whose names hold one of these."""
        self._told = tuple(part.lower() for part in parts if part)

    def look(self) -> Found:
        """Open what came, drop what went."""
        try:
            incoming, outgoing = self._own or self._start()
            inputs, outputs = distinct(incoming.get_ports()), distinct(outgoing.get_ports())
        except (DeviceError, rtmidi.RtMidiError) as error:
            return Found(trouble=" ".join(str(error).split()))
        held = self._match(self._inputs, [name for name in inputs if self._is_wanted(name)], self._open_input)
        held += self._match(self._outputs, [name for name in outputs if self._is_told(name)], self._open_output)
        own = () if self._system == "Windows" else (OURS,)
        return Found(
            system=self._system,
            inputs=(*own, *self._inputs),
            outputs=(*own, *self._outputs),
            held=tuple(held),
            others_in=tuple(name for name in inputs if not self._is_own(name)),
            others_out=tuple(name for name in outputs if not self._is_own(name)),
        )

    def send(self, port: str, data: bytes) -> None:
        """A message to an open output; nothing happens where it is gone."""
        own = self._own[1] if self._own is not None and self._system != "Windows" else None
        output = own if port == OURS else self._outputs.get(port)
        if output is not None:
            output.send_message(data)

    def close(self) -> None:
        """Close every port."""
        for port in (*self._inputs.values(), *self._outputs.values(), *(self._own or ())):
            _close(port)
        self._inputs, self._outputs, self._own = {}, {}, None

    def _start(self) -> tuple[Any, Any]:
        """Our virtual ports, in the first MIDI system that answers. Raises `DeviceError` where none does."""
        reasons = []
        for api in rtmidi.get_compiled_api():
            system = SYSTEMS.get(api, rtmidi.get_api_display_name(api))
            try:
                self._own = rtmidi.MidiIn(rtapi=api, name=self._client), rtmidi.MidiOut(rtapi=api, name=self._client)
            except rtmidi.RtMidiError as error:
                reasons.append(f"{system}: {' '.join(str(error).split())}")
                continue
            self._api, self._system = api, system
            if system == "JACK":
                self._watch = JackWatch(f"{self._client} watches", self._ended)
            if system != "Windows":
                for port, name in zip(self._own, ("in", "out"), strict=True):
                    port.open_virtual_port(name if system in NAMED_BY_CLIENT else self._client)
                self._listen(self._own[0], OURS)
            return self._own
        raise DeviceError(f"no MIDI on this machine ({'; '.join(reasons) or 'no driver'})")

    def _is_own(self, name: str) -> bool:
        """Whether a port is one of this process, which JACK may have numbered."""
        return re.match(rf"{re.escape(self._client)}(-\d+)?(:|$)", name) is not None

    def _is_wanted(self, name: str) -> bool:
        if self._wanted is None or self._is_own(name):
            return False
        lower = name.lower()
        if self._wanted:
            return any(part in lower for part in self._wanted)
        return not lower.startswith((OURS, *LOOPS))

    def _is_told(self, name: str) -> bool:
        return not self._is_own(name) and any(part in name.lower() for part in self._told)

    def _match(self, table: dict[str, Any], names: Sequence[str], opened: Callable[[str], Any]) -> list[str]:
        """Make the open ports those of these names; the names that could not be opened, with the reason."""
        for name in [name for name in table if name not in names]:
            _close(table.pop(name))
        held = []
        for name in names:
            if name not in table:
                try:
                    table[name] = opened(name)
                except rtmidi.RtMidiError as error:
                    held.append(f"{name}: held by another program, or out of order ({' '.join(str(error).split())})")
        return held

    def _open_input(self, name: str) -> Any:
        port = rtmidi.MidiIn(rtapi=self._api, name=self._client)
        _connect(port, name)
        self._listen(port, name)
        return port

    def _open_output(self, name: str) -> Any:
        port = rtmidi.MidiOut(rtapi=self._api, name=self._client)
        _connect(port, name)
        return port

    def _listen(self, port: Any, name: str) -> None:
        receive = self._receive
        port.ignore_types(sysex=True, timing=False, active_sense=True)
        port.set_callback(lambda event, _: receive(name, bytes(event[0]), time.monotonic()))


def distinct(names: Iterable[str]) -> list[str]:
    """Port names in their order, the second of two equal ones with a number: two controllers of one make."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} #{seen[name]}")
    return found


def _connect(port: Any, name: str) -> None:
    """Open the port of a name. Raises `rtmidi.RtMidiError`."""
    names = distinct(port.get_ports())
    try:
        if name not in names:
            raise rtmidi.InvalidPortError(f"{name} is gone")
        port.open_port(names.index(name), name=re.sub(r"[^\w .-]+", " ", name))
    except rtmidi.RtMidiError:
        _close(port)
        raise


def _close(port: Any) -> None:
    """Close a port and free its client."""
    with suppress(rtmidi.RtMidiError):
        if isinstance(port, rtmidi.MidiIn):
            port.cancel_callback()
        port.close_port()
        port.delete()
