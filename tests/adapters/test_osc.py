"""The OSC port on a real socket, with clients that nobody here wrote; and that nothing stops it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from osc_desk import HOST, Engine
from osc_killers import KILLERS
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.udp_client import SimpleUDPClient

from sda.adapters.osc import OscPort, is_loopback, parse_host_port
from sda.adapters.osc_packet import encode
from sda.control import Controls
from sda.errors import ControlError, DeviceError


@pytest.fixture
def port() -> Iterator[OscPort]:
    controls = Controls()
    controls.install_sliders(["Brightness", "noise"])
    engine = Engine(controls)
    opened = OscPort(HOST, 0, controls, engine)
    opened.controls, opened.engine = controls, engine  # type: ignore[attr-defined]
    yield opened
    opened.close()


def until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def in_use(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def asked(port: OscPort, *packets: bytes, answers: int = 1) -> list[OscMessage]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5.0)
        client.bind((HOST, 0))
        for packet in packets:
            client.sendto(packet, port.address)
        return [OscMessage(client.recv(65_535)) for _ in range(answers)]


def test_python_osc_steers_it(port: OscPort) -> None:
    client = SimpleUDPClient(*port.address)
    client.send_message("/sda/gain", -6.5)
    client.send_message("/sda/play", True)
    client.send_message("/sda/sliders", [1.5, -2.5])
    bundled = OscBundleBuilder(1)
    bundled.add_content(OscMessageBuilder("/sda/seed").build())
    client.send(bundled.build())
    assert until(lambda: port.received == 4)
    values = port.controls.values()  # type: ignore[attr-defined]
    assert [values[id] for id in ("gain", "play", "slider.1", "slider.2")] == [-6.5, True, 1.5, -2.5]
    client._sock.close()


@pytest.mark.skipif(not shutil.which("oscsend"), reason="liblo's tools are not installed")
def test_liblo_steers_it_and_listens(port: OscPort) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        hearing = probe.getsockname()[1]
    dump = subprocess.Popen(["stdbuf", "-oL", "oscdump", "-L", str(hearing)], stdout=subprocess.PIPE, text=True)
    watch = threading.Timer(30.0, dump.kill)
    watch.start()
    try:
        assert dump.stdout is not None
        assert until(lambda: in_use(hearing))

        def oscsend(*words: str) -> None:
            subprocess.run(["oscsend", HOST, str(port.address[1]), *words], check=True)

        oscsend("/sda/listen", "is", str(hearing), "slider")
        oscsend("/sda/slider/brightness", "f", "3.5")
        oscsend("/sda/play", "T")
        oscsend("/sda/slider/2", "d", "-1.25")
        oscsend("/sda/slider/2", "h", "4")
        heard: list[str] = []
        while not any("/sda/slider/2 f 4" in line for line in heard):
            heard.append(dump.stdout.readline())
            assert heard[-1]
        assert any("/sda/slider/1 f 3.5" in line for line in heard)
        assert port.controls.get("play") is True  # type: ignore[attr-defined]
    finally:
        watch.cancel()
        dump.terminate()
        dump.wait()
        dump.stdout.close()


def test_nothing_stops_it(port: OscPort) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for data in [*KILLERS.values(), b"", b"\0", b"\xff" * 65_507]:
            client.sendto(data, port.address)
    assert asked(port, encode("/sda/ping", 7))[0].params == [7]
    assert port.refused > 10
    assert port.faults == 0
    assert port.dropped in (0, None)


def test_a_bug_of_ours_is_counted_and_the_port_goes_on(port: OscPort, caplog: pytest.LogCaptureFixture) -> None:
    port.engine.broken = RuntimeError("a bug")  # type: ignore[attr-defined]
    assert asked(port, encode("/sda/status"), encode("/sda/ping", 8))[0].params == [8]
    assert port.faults == 1
    assert "a bug" in caplog.text


def test_changes_of_others_wake_it(port: OscPort) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5.0)
        client.sendto(encode("/sda/listen", "gain"), port.address)
        assert [OscMessage(client.recv(2000)).address for _ in range(2)] == ["/sda/gain", "/sda/rev"]
        began = time.monotonic()
        port.controls.set("gain", -8.0, "panel")  # type: ignore[attr-defined]
        assert OscMessage(client.recv(2000)).params == [-8.0]
        assert time.monotonic() - began < 0.9  # well before the next look, a second later
        client.sendto(encode("/sda/sync", 5), port.address)
        assert (OscMessage(client.recv(2000)).params) == [5]


def test_a_burst_is_not_lost(port: OscPort) -> None:
    count = 3000
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for n in range(count):
            client.sendto(encode("/sda/gain", -n / 100), port.address)
    assert until(lambda: port.received == count)
    assert port.controls.get("gain") == pytest.approx(-(count - 1) / 100, abs=1e-5)  # type: ignore[attr-defined]


def test_a_port_in_use_is_named(port: OscPort) -> None:
    controls = Controls()
    with pytest.raises(DeviceError, match=rf"--osc {HOST}:{port.address[1]}: .*in use"):
        OscPort(*port.address, controls, Engine(controls))
    port.close()
    port.close()
    OscPort(*("127.0.0.1", 0), controls, Engine(controls)).close()


def test_what_is_named_to_hear_from_the_start_is_reached_or_refused(port: OscPort) -> None:
    controls = Controls()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind((HOST, 0))
        ear.settimeout(5)
        made = OscPort(HOST, 0, controls, Engine(controls), outs=[("localhost", ear.getsockname()[1])])
        assert made.listeners == (ear.getsockname(),)
        made.announce([], "/sda/started", "0.1")
        assert OscMessage(ear.recv(65536)).params == ["0.1"]
        own = made.address
        made.close()
    for out, words in (
        (own, "--osc-out: port .* is the engine's own"),
        (("no.such.host.invalid", 9), "--osc-out: no.such.host"),
    ):
        with pytest.raises(DeviceError, match=words):
            OscPort(*own, controls, Engine(controls), outs=[out])
    OscPort(*own, controls, Engine(controls)).close()  # and frees the port


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.7", "a" * 80])
def test_a_host_of_somebody_else_is_named(host: str) -> None:
    controls = Controls()
    with pytest.raises(DeviceError, match=f"--osc {host}"):
        OscPort(host, 0, controls, Engine(controls))


def test_addresses_as_they_are_typed() -> None:
    assert parse_host_port("127.0.0.1:16180") == ("127.0.0.1", 16180)
    assert parse_host_port("[::1]:9000") == ("::1", 9000)
    for bad in ("", "9000", ":9000", "host:", "host:port", "host:70000", "::1:9000", "host:-1", "host:1.5"):
        with pytest.raises(ControlError, match="HOST:PORT"):
            parse_host_port(bad)
    assert [is_loopback(host) for host in ("127.0.0.1", "127.9.9.9", "localhost", "::1")] == [True] * 4
    assert [is_loopback(host) for host in ("0.0.0.0", "192.0.2.1", "no.such.host.invalid")] == [False] * 3


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells of dropped packets")
def test_what_the_system_drops_is_counted() -> None:
    controls = Controls()
    slow = Engine(controls)
    slow.perform = lambda *_, place=None: time.sleep(1.0)  # type: ignore[method-assign]
    port = OscPort(HOST, 0, controls, slow)
    assert port.dropped == 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(encode("/sda/panic"), port.address)
        assert until(lambda: port.received == 1)
        large = encode("/sda/ping", "x" * 1300)
        for _ in range(8000):  # 10 MB, more than the buffer holds, while nobody reads
            client.sendto(large, port.address)
    assert until(lambda: (port.dropped or 0) > 1000)
    assert until(lambda: port.received + (port.dropped or 0) == 8001)  # none unaccounted for
    port.close()
