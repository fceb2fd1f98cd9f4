"""The OSCQuery port: HTTP and WebSocket on one TCP port, in one thread. What a query is answered with is `oscquery_tree`'s.

A WebSocket client may LISTEN to controls, and what it sends as binary messages is taken as if it had come to the OSC port.
Answers are made one after the other, with pauses four times as long as they took: however many ask, the engine keeps most
of its processor. Whoever does not read is cut off, and nothing waits for it: of each control only the last value is kept.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
import time
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from typing import ClassVar

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from sda.adapters.osc import LARGEST, OscPort
from sda.adapters.osc_clients import Address
from sda.adapters.oscquery_announce import announced
from sda.adapters.oscquery_guard import refusal
from sda.adapters.oscquery_listener import Listener
from sda.adapters.oscquery_tree import Tree, host_info
from sda.control import Change, Changes, Controls
from sda.errors import DeviceError

CONNECTIONS = 256  # at once; one more is cut off
LISTENERS = 64  # of them WebSockets
PATIENCE = 5.0  # s for a request to be sent, or a packet to be taken
PAUSES = 4.0  # times as long as an answer took until the next one
TRIES = 20  # ports behind the OSC port that are tried
CROWDED = 0.005  # s until a packet is offered again to an OSC thread that is busy

_log = logging.getLogger(__name__)
_quiet = logging.getLogger(f"{__name__}.websockets")  # tells of every broken request, with a traceback
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


class _Connection(ServerConnection):
    """A connection that is cut off where there are too many: file handles are the whole process's."""

    open: ClassVar[set[ServerConnection]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.open.add(self)
        if len(self.open) > CONNECTIONS:
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.open.discard(self)
        super().connection_lost(exc)


class OscQueryPort:
    """The engine's OSCQuery port, open from construction to `close`."""

    def __init__(
        self,
        osc: OscPort,
        controls: Controls,
        *,
        port: int = 0,
        name: str = "sda",
        announce: bool = True,
        patience: float = PATIENCE,
    ) -> None:
        """Bind on the host of the OSC port (port 0: the next free one behind it) and start answering.

        Raises `DeviceError` where that port is in use.
        """
        self._patience = patience
        self.faults = 0  # requests on which our own code failed
        self._osc, self._controls, self._name, self._announce = osc, controls, name, announce
        self._socket = _bound(osc.address, port)
        host = osc.address[0]
        self._host = host_info(name, "" if host in ("0.0.0.0", "::") else host, osc.address[1], self.address[1])
        self._names = {host, socket.gethostname(), f"{socket.gethostname()}.local"}
        self._tree = Tree(controls.rows)
        self._changes = Changes()
        self._listeners: set[Listener] = set()
        self._noted = threading.Event()  # the loop was told that there are changes
        self._loop = asyncio.new_event_loop()
        self._stop, self._turn = asyncio.Event(), asyncio.Lock()
        self._thread = threading.Thread(target=self._run, name="oscquery", daemon=True)
        controls.subscribe(self._take)
        self._thread.start()

    @property
    def address(self) -> Address:
        """Host and port that we answer at."""
        name = self._socket.getsockname()
        return name[0], name[1]

    def stop(self) -> None:
        """Begin to close: the good-byes take a quarter of a second. May be called twice."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._stop.set)

    def close(self) -> None:
        """Say good-bye to everybody and free the port. May be called twice."""
        self.stop()
        self._thread.join()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        except Exception:
            _log.exception("OSCQuery ended")

    async def _serve(self) -> None:
        server = serve(
            self._talk,
            sock=self._socket,
            create_connection=_Connection,
            process_request=self._answer,
            server_header="sda",
            compression=None,  # which would cost time, and memory for who sends little that becomes much
            max_size=LARGEST,
            open_timeout=self._patience,
            close_timeout=0.5,
            logger=_quiet,
        )
        async with server:
            if not self._announce:
                await self._stop.wait()
                return
            async with announced(self._name, self._osc.address, self.address[1]):
                await self._stop.wait()

    # HTTP.

    async def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """The answer to a request; None where it asks for a WebSocket and may have it."""
        headers = {name.lower(): value for name, value in request.headers.raw_items()}
        if why := refusal(headers, self._names):
            return _response(HTTPStatus.FORBIDDEN, {"ERROR": why})
        if "websocket" in headers.get("upgrade", "").lower():
            full = len(self._listeners) >= LISTENERS
            return _response(HTTPStatus.SERVICE_UNAVAILABLE, {"ERROR": f"at most {LISTENERS} WebSockets"}) if full else None
        if request.method not in ("GET", "HEAD"):
            return _response(HTTPStatus.METHOD_NOT_ALLOWED)
        async with self._turn:
            began = time.perf_counter()
            response = self._queried(request.path)
            await asyncio.sleep(PAUSES * (time.perf_counter() - began))
        if request.method == "HEAD":
            response.body = b""
        return response

    def _queried(self, target: str) -> Response:
        try:
            self._renew_tree()
            status, body = self._tree.query(target, self._controls.values(), self._host)
            return _response(status, body)
        except Exception:
            self.faults += 1
            _log.exception("a query")
            return _response(HTTPStatus.INTERNAL_SERVER_ERROR)

    def _renew_tree(self) -> None:
        """Follow the rows, and tell everybody what became of the address space."""
        if self._tree.rows is self._controls.rows:
            return
        before, self._tree = self._tree, Tree(self._controls.rows)
        path = self._tree.changed_since(before)
        for listener in self._listeners:
            listener.follow(self._tree, path)

    # WebSocket.

    async def _talk(self, connection: ServerConnection) -> None:
        """Serve a WebSocket until it is closed."""
        peer: Address = (connection.remote_address[0], -connection.remote_address[1])
        listener = Listener(peer, self._tree, self._loop)
        self._listeners.add(listener)
        self._osc.admit(peer, listener.pass_on)
        sending = asyncio.create_task(self._push(connection, listener))
        try:
            async for message in connection:
                if isinstance(message, str):
                    listener.command(message)
                    continue
                while not self._osc.take(message, peer):
                    await asyncio.sleep(CROWDED)
        except ConnectionClosed:
            pass
        finally:
            sending.cancel()
            self._listeners.discard(listener)
            self._osc.dismiss(peer)

    async def _push(self, connection: ServerConnection, listener: Listener) -> None:
        """Send a WebSocket what is due to it. One that takes nothing for some seconds is cut off."""
        try:
            while True:
                wait = listener.wait(time.monotonic())
                with suppress(TimeoutError):
                    await asyncio.wait_for(listener.woken.wait(), wait)
                listener.woken.clear()
                for packet in listener.due(time.monotonic(), self._controls):
                    async with asyncio.timeout(self._patience):
                        await connection.send(packet)
        except TimeoutError:
            connection.transport.abort()
        except ConnectionClosed:
            pass

    def _take(self, changes: tuple[Change, ...]) -> None:
        """Changes of values or rows, in whatever thread made them; inside the controls' lock."""
        if not self._listeners:
            return
        self._changes.put(changes)
        if not self._noted.is_set():
            self._noted.set()
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._spread)

    def _spread(self) -> None:
        self._noted.clear()
        self._renew_tree()
        for change in self._changes.take():
            for listener in self._listeners:
                listener.note(change)


def _response(status: HTTPStatus, body: object = None) -> Response:
    """An HTTP response of JSON, that no page elsewhere may read and no cache may keep."""
    content = b"" if body is None else json.dumps(body, allow_nan=False).encode()
    headers = Headers({"Date": formatdate(usegmt=True), "Connection": "close", "Cache-Control": "no-store"})
    headers["X-Content-Type-Options"] = "nosniff"
    if body is not None:
        headers["Content-Type"] = "application/json"
    if status is not HTTPStatus.NO_CONTENT:
        headers["Content-Length"] = str(len(content))
    return Response(status, status.phrase, headers, content)


def _bound(osc: Address, port: int) -> socket.socket:
    """A socket that listens at a port, or at the next free one behind that of OSC, or at any. Raises `DeviceError`."""
    host, first = osc
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    candidates = (port,) if port else (*range(first + 1, min(first + 1 + TRIES, 65536)), 0)
    for candidate in candidates:
        try:
            return socket.create_server((host, candidate), family=family, backlog=CONNECTIONS)
        except OSError as error:
            reason = error.strerror or str(error)
    raise DeviceError(f"--oscquery {port}: cannot listen at {host}:{port} ({reason}); expected a free port, or off")
