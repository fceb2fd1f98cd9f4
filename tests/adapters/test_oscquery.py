"""The OSCQuery port on a real socket: what HTTP and WebSocket clients get, and that no hostile one stops it."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest
from osc_desk import HOST, Engine
from osc_killers import KILLERS
from pythonosc.osc_message import OscMessage
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from zeroconf import Zeroconf

from sda.adapters import oscquery
from sda.adapters.osc import LARGEST, OscPort
from sda.adapters.osc_packet import encode
from sda.adapters.oscquery import OscQueryPort
from sda.control import Controls
from sda.errors import DeviceError


@pytest.fixture
def controls() -> Controls:
    made = Controls()
    made.install_sliders(["Brightness", "noise"])
    return made


@pytest.fixture
def osc(controls: Controls) -> Iterator[OscPort]:
    port = OscPort(HOST, 0, controls, Engine(controls))
    yield port
    assert port.faults == 0
    port.close()


@pytest.fixture
def query(osc: OscPort, controls: Controls, request: pytest.FixtureRequest) -> Iterator[OscQueryPort]:
    port = OscQueryPort(osc, controls, announce=False, patience=getattr(request, "param", 1.0))
    yield port
    assert port.faults == 0
    port.close()


def get(query: OscQueryPort, target: str, method: str = "GET", **headers: str) -> tuple[int, Any]:
    """Status and parsed body."""
    connection = http.client.HTTPConnection(*query.address, timeout=10)
    connection.request(method, target, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    assert method == "HEAD" or len(body) == int(response.headers.get("Content-Length", 0))
    return response.status, json.loads(body) if body else None


def raw(query: OscQueryPort, request: bytes) -> bytes:
    """Everything that comes back until the port closes the connection."""
    with socket.create_connection(query.address, timeout=10) as client:
        with suppress(OSError):  # it may hang up while we still send
            client.sendall(request)
        parts = []
        with suppress(ConnectionError):
            while part := client.recv(65536):
                parts.append(part)
    return b"".join(parts)


@contextmanager
def listening(query: OscQueryPort, *paths: str, origin: str | None = None) -> Iterator[ClientConnection]:
    """A WebSocket that has heard the values of what it listens to."""
    with connect(f"ws://{HOST}:{query.address[1]}/", open_timeout=10, origin=origin) as client:  # type: ignore[arg-type]
        for path in paths:
            client.send(json.dumps({"COMMAND": "LISTEN", "DATA": path}))
            assert heard(client)[0] == path
        yield client


def heard(client: ClientConnection) -> tuple[Any, ...]:
    """The next OSC message of a WebSocket."""
    data = client.recv(timeout=10)
    assert isinstance(data, bytes)
    message = OscMessage(data)
    return (message.address, *message.params)


def test_it_answers_behind_the_osc_port_with_the_values_of_now(query: OscQueryPort, osc: OscPort, controls: Controls) -> None:
    assert query.address[0] == HOST
    controls.set("gain", -7.5, "test")
    assert get(query, "/sda/gain?VALUE") == (200, {"VALUE": [-7.5]})
    assert get(query, "/?HOST_INFO")[1]["OSC_PORT"] == osc.address[1]
    assert set(get(query, "/")[1]["CONTENTS"]["sda"]["CONTENTS"]["slider"]["CONTENTS"]) == {"1", "2"}
    assert [get(query, target) for target in ("/sda/gain?NO", "/no", "/sda?VALUE")] == [(400, None), (404, None), (204, None)]
    assert get(query, "/sda/gain", method="HEAD") == (200, None)
    assert get(query, "/sda/gain", method="POST")[0] == 405
    assert raw(query, b"GET /sda/gain?VALUE HTTP/1.0\r\n\r\n").endswith(b'{"VALUE": [-7.5]}')


def test_the_next_free_port_is_taken_and_one_that_was_asked_for_is_named(query: OscQueryPort, osc: OscPort) -> None:
    second = OscQueryPort(osc, Controls(), announce=False)
    assert second.address[1] not in (osc.address[1], query.address[1])
    second.close()
    second.close()
    with pytest.raises(DeviceError, match=f"--oscquery {query.address[1]}: .*expected a free port, or off"):
        OscQueryPort(osc, Controls(), port=query.address[1], announce=False)


def test_a_websocket_listens_sets_and_is_answered(query: OscQueryPort, controls: Controls) -> None:
    with listening(query, "/sda/gain", "/sda/slider/1") as client:
        controls.set("drift", 2.0, "panel")  # nobody listens to that
        controls.set("gain", -3.0, "panel")
        assert heard(client) == ("/sda/gain", -3.0)
        client.send(encode("/sda/slider/brightness", 2.5))
        client.send(encode("/sda/ping", 7))
        assert heard(client) == ("/sda/pong", 7)  # no echo of what it set itself
        assert controls.get("slider.1") == 2.5
        client.send(encode("/sda/gain", 99.0))
        assert heard(client) == ("/sda/gain", 12.0)  # but where it was clipped
        client.send(json.dumps({"COMMAND": "IGNORE", "DATA": "/sda/gain"}))
        client.send(encode("/sda/ping", 8))
        assert heard(client) == ("/sda/pong", 8)
        controls.set("gain", -9.0, "panel")
        client.send(encode("/sda/nothing", 1.0))
        assert heard(client)[:2] == ("/sda/error", "/sda/nothing")


def test_of_a_flood_a_listener_gets_sixty_a_second_and_the_last(query: OscQueryPort, controls: Controls) -> None:
    with listening(query, "/sda/gain") as client:
        began = time.monotonic()
        for n in range(5000):
            controls.set("gain", -n / 100, "panel")
        values = [heard(client)[1]]
        while values[-1] != pytest.approx(-49.99):
            values.append(heard(client)[1])
        assert len(values) <= 60 * (time.monotonic() - began) + 2


def test_path_changed_when_a_model_brings_other_sliders(query: OscQueryPort, controls: Controls) -> None:
    with listening(query, "/sda/slider/2") as client:
        controls.install_sliders(["Brightness", "noise"])  # the same again: nothing changed
        controls.install_sliders(["decay", "noise", "pitch"])
        assert json.loads(client.recv(timeout=10)) == {"COMMAND": "PATH_CHANGED", "DATA": "/sda/slider"}
        assert heard(client) == ("/sda/slider/2", 0.0)  # a model swap moves every slider
        assert get(query, "/sda/slider/3?DESCRIPTION") == (200, {"DESCRIPTION": "pitch"})
        controls.install_sliders([])
        assert json.loads(client.recv(timeout=10)) == {"COMMAND": "PATH_CHANGED", "DATA": "/sda"}
        assert get(query, "/sda/slider")[0] == 404


def test_a_websocket_may_listen_as_an_osc_client_and_is_forgotten_when_it_goes(query: OscQueryPort, controls: Controls) -> None:
    with listening(query) as client:
        client.send(encode("/sda/listen", "gain"))
        assert [heard(client)[0] for _ in range(2)] == ["/sda/gain", "/sda/rev"]
        controls.set("gain", -2.0, "panel")
        assert heard(client) == ("/sda/gain", -2.0)
    clients = query._osc._surface._clients
    end = time.monotonic() + 10
    while clients.listeners or query._osc._guests:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_pages_of_others_are_refused(query: OscQueryPort) -> None:
    ours = f"http://{HOST}:{query.address[1]}"
    assert get(query, "/", Origin="https://evil.example")[0] == 403
    assert get(query, "/", Host="evil.example")[0] == 403  # DNS rebinding
    assert get(query, "/", Sec_Fetch_Site="cross-site")[0] == 403
    assert get(query, "/", Origin=ours)[0] == 200
    for origin in ("https://evil.example", "null"):
        with pytest.raises(InvalidStatus, match="403"), listening(query, origin=origin):
            pass
    with listening(query, "/sda/gain", origin=ours):
        pass


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),  # TLS
        b"GET / HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
        b"POST / HTTP/2.0\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [\r\n\r\n",
        b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n",
        b"\r\n" * 1000,
        b"GET /" + b"%2Fx" * 2000 + b" HTTP/1.1\r\n\r\n",
    ],
)  # fmt: skip
def test_broken_requests_are_refused_or_hung_up_on(query: OscQueryPort, request_bytes: bytes) -> None:
    answer = raw(query, request_bytes)
    assert answer == b"" or answer.split(b" ", 2)[1][:1] == b"4"
    assert get(query, "/sda/gain")[0] == 200


@pytest.mark.parametrize(
    "text",
    ["", "x", "[", "[1]", "null", "{}", "[" * 50_000, '{"COMMAND": "LISTEN"}', '{"COMMAND": "LISTEN", "DATA": {"a": 1}}',
     '{"COMMAND": ["LISTEN"], "DATA": "/sda/gain"}',
     '{"COMMAND": "LISTEN", "DATA": "/sda/*"}', '{"COMMAND": "LISTEN", "DATA": "/"}'],
)  # fmt: skip
def test_text_that_asks_for_nothing_is_passed_over(query: OscQueryPort, controls: Controls, text: str) -> None:
    with listening(query) as client:
        client.send(text)
        controls.set("gain", -2.0, "panel")
        client.send(encode("/sda/ping", 1))
        assert heard(client) == ("/sda/pong", 1)


def test_hostile_osc_by_websocket_costs_no_more_than_by_datagram(query: OscQueryPort, osc: OscPort) -> None:
    with listening(query) as client:
        for packet in (*KILLERS.values(), b"", b"\0"):
            client.send(packet)
        client.send(encode("/sda/ping", 9))
        while heard(client) != ("/sda/pong", 9):
            pass
    with listening(query) as client:
        client.send(bytes(LARGEST + 1))
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=10)
    assert osc.faults == 0


def test_two_hundred_connections_that_say_nothing_do_not_stop_it(query: OscQueryPort) -> None:
    with ExitStack() as idle:
        for _ in range(200):
            idle.enter_context(socket.create_connection(query.address, timeout=10)).sendall(b"GET / HT")
        assert get(query, "/sda/gain?VALUE")[0] == 200
        for _ in range(150):  # more than are taken
            with suppress(OSError):
                idle.enter_context(socket.create_connection(query.address, timeout=10))
        end = time.monotonic() + 30
        while True:  # until the slow ones were hung up on
            with suppress(OSError, http.client.HTTPException):
                if get(query, "/sda/gain?VALUE")[0] == 200:
                    break
            assert time.monotonic() < end
            time.sleep(0.1)


@pytest.mark.parametrize("query", [30.0], indirect=True)
def test_two_hundred_questions_at_once_are_all_answered(query: OscQueryPort) -> None:
    clients = [socket.create_connection(query.address, timeout=30) for _ in range(200)]
    for client in clients:
        client.sendall(b"GET /sda HTTP/1.1\r\nHost: localhost\r\n\r\n")
    for client in clients:
        with client, client.makefile("rb") as answer:
            assert answer.readline() == b"HTTP/1.1 200 OK\r\n"
            assert json.loads(answer.read().split(b"\r\n\r\n", 1)[1])["FULL_PATH"] == "/sda"


def test_websockets_beyond_the_limit_are_refused(query: OscQueryPort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oscquery, "LISTENERS", 2)
    with listening(query, "/sda/gain"), listening(query, "/sda/gain"):
        with pytest.raises(InvalidStatus, match="503"), listening(query):
            pass
        assert get(query, "/sda/gain?VALUE")[0] == 200


def test_who_does_not_read_is_cut_off_and_nobody_waits(query: OscQueryPort, controls: Controls) -> None:
    ask = encode("/sda/q/params")  # is answered by 5 kB, that nobody takes
    frame = bytes([0x82, 0x80 | len(ask), 0, 0, 0, 0]) + ask  # RFC 6455 5.2: binary, masked by zeros
    with listening(query, "/sda/gain") as reader, socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.settimeout(10)
        deaf.connect(query.address)
        deaf.sendall(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        with suppress(ConnectionError):
            for _ in range(3000):  # half a minute
                deaf.sendall(frame * 20)
                time.sleep(0.01)
            pytest.fail("it was not cut off")
        controls.set("gain", -4.0, "panel")
        assert heard(reader) == ("/sda/gain", -4.0)


def test_it_is_announced_on_the_loopback_interface_and_taken_back(osc: OscPort, controls: Controls) -> None:
    name = f"sda of a test {osc.address[1]}"  # other engines may be announced on this machine
    port = OscQueryPort(osc, controls, name=name)
    asking = Zeroconf(interfaces=[HOST])
    try:
        for kind, number in (("_oscjson._tcp.local.", port.address[1]), ("_osc._udp.local.", osc.address[1])):
            info = asking.get_service_info(kind, f"{name}.{kind}", timeout=10_000)
            assert info is not None
            assert (info.port, info.parsed_addresses()) == (number, [HOST])
    finally:
        port.close()
        asking.close()
