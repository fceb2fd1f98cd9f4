"""The OSC port: one UDP socket, one thread that receives, decides and answers. What messages mean is `osc_surface`'s.

Whatever arrives, the thread goes on: what it refuses it counts and answers. The socket's buffer is as large as the system
gives (4 MiB asked), so that a burst waits there instead of being lost.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from sda.adapters.osc_acts import Acts
from sda.adapters.osc_answers import Outgoing
from sda.adapters.osc_clients import Address
from sda.adapters.osc_news import News
from sda.adapters.osc_surface import Surface
from sda.control import Controls
from sda.errors import ControlError, DeviceError, SdaError
from sda.mapping import Alias
from sda.params import Value

DEFAULT_ADDRESS = ("127.0.0.1", 16180)
RECEIVE_BUFFER = 4 << 20  # bytes
FAULTS_LOGGED = 10  # a packet that comes again and again must not fill the log
LARGEST = 65_535  # bytes of a UDP datagram
BURST = 64  # packets between two looks at what is due to listeners
GATHER = 0.004  # s after packets that asked nothing in which later ones wait for each other: waking up costs more than reading
GUEST_PACKETS = 256  # of clients that do not come by the socket, that may wait

_log = logging.getLogger(__name__)


class OscPort:
    """The engine's OSC port, open from construction to `close`."""

    def __init__(
        self, host: str, port: int, controls: Controls, acts: Acts, *, timetags: bool = True, outs: Iterable[Address] = ()
    ) -> None:
        """Bind (port 0: any free one) and start receiving.

        timetags: whether they are heeded. outs: hosts and ports that hear every change from the start.

        Raises `DeviceError` where the port is in use, the host is not one of this machine, or one of `outs` is not known.
        """
        self.received = 0  # packets
        self.faults = 0  # packets on which our own code failed
        self._dropped: int | None = None
        self._count_again_at = 0.0
        self._socket = _bound(host, port)
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)
        self._guests: dict[Address, Callable[[bytes], object]] = {}
        self._inbox: deque[tuple[bytes | None, Address]] = deque()
        self._gather_until = 0.0  # s of the monotonic clock
        self._surface = Surface(controls, acts, wake=self._wake, timetags=timetags)
        self._surface.audience.own = self.address
        self._closing = False
        try:
            for out in outs:
                self._surface.audience.add(_reached(out, self._socket.family), time.monotonic())
        except SdaError as error:
            self._close_sockets()
            raise DeviceError(f"--osc-out: {error}") from error
        self._thread = threading.Thread(target=self._run, name="osc", daemon=True)
        self._thread.start()

    @property
    def address(self) -> Address:
        """Host and port that we receive at."""
        name = self._socket.getsockname()
        return name[0], name[1]

    @property
    def refused(self) -> int:
        """Packets that were no OSC, or more than we take: nothing of them happened."""
        return self._surface.refused

    @property
    def news(self) -> News:
        """Where the engine leaves what clients are to be told; from any thread."""
        return self._surface.news

    @property
    def dropped(self) -> int | None:
        """Packets that the system dropped because we were too slow, as of a second ago; None where it does not tell."""
        now = time.monotonic()
        if now >= self._count_again_at:  # reading the table takes longer than all else that a status asks
            self._count_again_at = now + 1.0
            self._dropped = _dropped(self._socket)
        return self._dropped

    @property
    def listeners(self) -> tuple[Address, ...]:
        """Hosts and ports of those who hear every change."""
        return self._surface.audience.addresses

    def announce(self, others: Iterable[Address], address: str, *args: Value) -> None:
        """Tell all listeners, and some other addresses, one message, and the former all values after it; from any thread."""
        self._surface.audience.announce(others, address, *args)

    # Clients that come another way, by the WebSocket of OSCQuery; from any thread.

    def admit(self, guest: Address, reply: Callable[[bytes], object]) -> None:
        """Have `reply` called, in our thread, with what goes to a client; its port is negative."""
        self._guests[guest] = reply

    def take(self, data: bytes, guest: Address) -> bool:
        """A packet of such a client, as if it had come by the socket; False where too many wait: offer it later."""
        if len(self._inbox) >= GUEST_PACKETS:
            return False
        self._inbox.append((data, guest))
        self._wake()
        return True

    def dismiss(self, guest: Address) -> None:
        """Such a client is gone."""
        self._inbox.append((None, guest))
        self._wake()

    def alias(self, aliases: Sequence[Alias]) -> None:
        """From now on these foreign addresses move controls too; from any thread."""
        self._surface.aliases = aliases

    def close(self) -> None:
        """Stop receiving and free the port. May be called twice."""
        if self._closing:
            return
        self._closing = True
        with suppress(OSError):
            self._waker.send(b"x")
        self._thread.join()
        self._close_sockets()

    def _close_sockets(self) -> None:
        for end in (self._socket, self._waker, self._woken):
            end.close()

    def _wake(self) -> None:
        if threading.current_thread() is self._thread or self._closing:
            return
        with suppress(OSError):  # full, so it wakes anyway; or closed meanwhile
            self._waker.send(b"x")

    def _run(self) -> None:
        wait = 0.0
        ready = selectors.DefaultSelector()
        ready.register(self._socket, selectors.EVENT_READ)
        ready.register(self._woken, selectors.EVENT_READ)
        while not self._closing:
            if any(key.fileobj is self._woken for key, _ in ready.select(wait)):
                with suppress(BlockingIOError):
                    self._woken.recv(4096)
            time.sleep(max(0.0, self._gather_until - time.monotonic()))
            more = self._receive_burst() | self._receive_guests()
            out, wait = self._due()
            self._send(out)
            wait = 0.0 if more else wait
        ready.close()

    def _receive_burst(self) -> bool:
        """Take up to `BURST` packets; whether there may be more."""
        packets: list[tuple[bytes, Address]] = []
        more = True
        for _ in range(BURST):
            try:
                data, source = self._socket.recvfrom(LARGEST)
            except BlockingIOError:
                more = False
                break
            except OSError:  # Windows tells of an earlier answer that nobody took (WSAECONNRESET)
                continue
            packets.append((data, (source[0], source[1])))
        self.received += len(packets)
        asked = False
        for behind, packet in zip(range(len(packets) - 1, -1, -1), packets, strict=True):
            answers = self._answers(*packet, more=behind > 0)
            asked = asked or bool(answers)
            self._send(answers)
        self._gather_until = 0.0 if asked or not packets else time.monotonic() + GATHER
        return more

    def _receive_guests(self) -> bool:
        """Take up to `BURST` packets of those who come another way; whether there may be more."""
        for _ in range(BURST):
            if not self._inbox:
                return False
            data, guest = self._inbox.popleft()
            if data is None:
                self._guests.pop(guest, None)
                self._surface.dismiss(guest)
            else:
                self.received += 1
                self._send(self._answers(data, guest))
        return True

    def _answers(self, data: bytes, source: Address, *, more: bool = False) -> list[Outgoing]:
        try:
            return self._surface.receive(data, source, time.monotonic(), more=more)
        except Exception:
            self._count_fault(f"a packet of {len(data)} bytes from {source}")
            return []

    def _due(self) -> tuple[list[Outgoing], float]:
        try:
            return self._surface.due(time.monotonic())
        except Exception:
            self._count_fault("what is due to listeners")
            return [], 0.1

    def _count_fault(self, where: str) -> None:
        self.faults += 1
        if self.faults <= FAULTS_LOGGED:
            _log.exception(where)

    def _send(self, out: list[Outgoing]) -> None:
        for packet, to in out:
            try:
                if to[1] > 0:
                    self._socket.sendto(packet, to)
                elif to in self._guests:
                    self._guests[to](packet)
            except (OSError, RuntimeError) as error:  # nobody there; the guest's loop is closed
                _log.debug("to %s: %s", to, error)


def parse_host_port(text: str, option: str = "--osc") -> Address:
    """`HOST:PORT`, `[V6]:PORT`. Raises `ControlError` for anything else, naming the option."""
    host, colon, port = text.rpartition(":")
    host = host[1:-1] if host[:1] == "[" and host[-1:] == "]" else "" if ":" in host else host
    if not (colon and host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise ControlError(f"{option} {text}: expected HOST:PORT, such as {DEFAULT_ADDRESS[0]}:{DEFAULT_ADDRESS[1]}")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine reach an address; False for a host that is not known."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return False
    return all(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_loopback for entry in found)


def _reached(out: Address, family: int) -> Address:
    """A host and port as a socket of this family reaches it. Raises `DeviceError`."""
    try:
        found = socket.getaddrinfo(*out, family=family, type=socket.SOCK_DGRAM)[0][4]
    except (OSError, UnicodeError) as error:
        raise DeviceError(f"{out[0]}:{out[1]}: found a host that is not known") from error
    return str(found[0]), int(found[1])


def _bound(host: str, port: int) -> socket.socket:
    name = f"--osc {host}:{port}"
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError) as error:
        raise DeviceError(f"{name}: found a host that is not known; expected a name or address of this machine") from error
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        for size in (RECEIVE_BUFFER // 16, RECEIVE_BUFFER):  # macOS refuses what is too much, others give what they have
            with suppress(OSError):
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        bound.setblocking(False)
        bound.bind(address)
    except OSError as error:
        bound.close()
        reason = error.strerror or str(error)
        raise DeviceError(f"{name}: cannot receive there ({reason}); expected a free port of this machine") from error
    return bound


def _dropped(bound: socket.socket) -> int | None:
    try:
        inode = str(os.fstat(bound.fileno()).st_ino)
        table = Path("/proc/net", "udp6" if bound.family == socket.AF_INET6 else "udp").read_text()
    except OSError:  # no such file, or, on Windows, a socket that is none
        return None
    # Columns of proc(5): the tenth is the inode, the last counts the drops.
    return next((int(fields[-1]) for fields in map(str.split, table.splitlines()[1:]) if fields[9] == inode), None)
