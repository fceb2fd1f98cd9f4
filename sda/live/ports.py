"""Where the engine is reached: OSC, and OSCQuery beside it. What is told before they are open is told to nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sda import __version__
from sda.adapters.osc import OscPort
from sda.control import Controls
from sda.errors import DeviceError
from sda.live.deeds import Deeds
from sda.live.keeper import Address, Keeper, holder
from sda.live.options import Options
from sda.mapping import Mapping
from sda.params import Value

if TYPE_CHECKING:
    from sda.adapters.oscquery import OscQueryPort

TICKS = ("clock", "active sensing")  # messages that come all the time
LINE = 1200  # bytes of a line of the log that are told


class Ports:
    """The ports of one run."""

    def __init__(self) -> None:
        self._osc: OscPort | None = None
        self._query: OscQueryPort | None = None

    def open(self, options: Options, controls: Controls, deeds: Deeds, keeper: Keeper) -> None:
        """Receive from here on. Raises `DeviceError` where a port is in use, which names the engine that has it if one does."""
        try:
            self._osc = port = OscPort(*options.osc, controls, deeds, timetags=options.timetags, outs=options.osc_out)
        except DeviceError as error:
            raise DeviceError(f"{error}{holder(options.osc[1])}") from error
        keeper.received(port.address)
        deeds.dropped = lambda: port.dropped
        if options.oscquery is not None:
            from sda.adapters.oscquery import OscQueryPort  # its libraries take a tenth of a second

            self._query = OscQueryPort(port, controls, port=options.oscquery)
            deeds.query_port = self._query.address[1]

    @property
    def osc(self) -> OscPort:
        """The port of OSC, which must be open."""
        assert self._osc is not None
        return self._osc

    @property
    def query_address(self) -> Address | None:
        """Where OSCQuery is answered, if it is."""
        return None if self._query is None else self._query.address

    @property
    def listeners(self) -> Sequence[Address]:
        """Hosts and ports of those who hear every change."""
        return () if self._osc is None else self._osc.listeners

    def started(self, before: Sequence[Address]) -> None:
        """Tell that all is up, also those who listened to the last run."""
        self.osc.announce(before, "/sda/started", __version__)

    def refuse(self, source: str, address: str, text: str) -> None:
        """Tell the listeners, and whoever asked, what came to nothing."""
        if self._osc is not None:
            self._osc.news.refuse(source, address, text)

    def tell(self, source: str, address: str, *args: Value) -> None:
        """Answer whoever asked for something that is done only now."""
        if self._osc is not None:
            self._osc.news.tell(source, address, *args)

    def push(self, address: str, *args: Value | bytes, topic: str = "") -> None:
        """Tell the listeners, or those to a topic."""
        if self._osc is not None:
            self._osc.news.push(address, *args, topic=topic)

    def wanted(self, topic: str) -> bool:
        """Whether somebody listens to a topic."""
        return self._osc is not None and self._osc.news.wanted(topic)

    def watch(self, port: str, words: str) -> None:
        """Tell those who watch what comes in of a MIDI message; a clock's ticks are no news."""
        if words not in TICKS:
            self.push("/sda/monitor", port, words, topic="monitor")

    def overheard(self, say: Callable[[str], None]) -> Callable[[str], None]:
        """`say`, so that those who listen to the log hear it too."""

        def said(line: str) -> None:
            say(line)
            self.push("/sda/log", line.encode()[:LINE].decode(errors="ignore"), topic="log")

        return said

    def remap(self, mapping: Mapping) -> None:
        """Take other foreign addresses for controls."""
        if self._osc is not None:
            self._osc.alias(mapping.aliases)

    def stop(self) -> None:
        """Take no more clients of OSCQuery."""
        if self._query is not None:
            self._query.stop()

    def close(self) -> None:
        """Free all ports."""
        if self._query is not None:
            self._query.close()
        if self._osc is not None:
            self._osc.close()
