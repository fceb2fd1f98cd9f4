"""OSC and OSCQuery clients in JavaScript that nobody here wrote, against the real ports."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from node_clients import installed, said
from osc_desk import HOST, Engine

from sda.acts import ACTS
from sda.adapters.osc import OscPort
from sda.adapters.oscquery import OscQueryPort
from sda.control import Controls
from sda.params import Kind


@pytest.fixture(scope="module")
def modules(request: pytest.FixtureRequest) -> Path:
    return installed(request.config.cache.mkdir("npm"))  # type: ignore[union-attr]


@pytest.fixture
def controls() -> Controls:
    made = Controls()
    made.install_sliders(["Brightness", "noise"], ["spectral centroid", ""])
    return made


@pytest.fixture
def osc(controls: Controls) -> Iterator[OscPort]:
    port = OscPort(HOST, 0, controls, Engine(controls))
    yield port
    port.close()


@pytest.fixture
def query(osc: OscPort, controls: Controls) -> Iterator[OscQueryPort]:
    port = OscQueryPort(osc, controls)
    yield port
    port.close()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def test_node_osc_listens_at_a_port_of_its_own_choice(modules: Path, osc: OscPort, controls: Controls) -> None:
    heard = said(modules, "node_osc.cjs", osc.address[1], free_port())
    assert heard[:3] == [["/sda/slider/1", 0], ["/sda/slider/2", 0], ["/sda/rev", 1]]
    assert heard[-1][:2] == ["/sda/pong", 7]
    assert heard[-1][2]["data"] == [1, 2, 3, 4]
    assert not any(address == "/sda/error" for address, *_ in heard)
    values = controls.values()
    assert [values[id] for id in ("slider.1", "slider.2", "gain")] == [3.5, -1.5, -6.0]


def test_osc_js_hears_where_it_sends_from(modules: Path, osc: OscPort, controls: Controls) -> None:
    heard = said(modules, "osc_js.cjs", osc.address[1], free_port())
    assert heard == [["/sda/play", 1], ["/sda/slider/1", 2.5], ["/sda/pong", 8, "x", {"0": 4, "1": 5}]]
    values = controls.values()
    assert [values[id] for id in ("play", "slider.1", "vocoder")] == [True, 2.5, "hifigan"]


def test_oscquery_reads_the_tree(modules: Path, query: OscQueryPort, osc: OscPort, controls: Controls) -> None:
    controls.set("slider.2", -4.5, "test")
    host, *methods = said(modules, "oscquery_read.cjs", query.address[1])
    assert (host["oscIp"], host["oscPort"], host["oscTransport"]) == (HOST, osc.address[1], "UDP")
    assert host["wsPort"] == query.address[1]
    assert host["extensions"]["LISTEN"] is True
    found = {method["full_path"]: method for method in methods}
    assert found.keys() == {row.address for row in controls.rows} | {act.address for act in ACTS}
    assert found["/sda/slider/2"]["arguments"] == [
        {"type": "f", "range": {"min": -10, "max": 10}, "clipmode": "both", "value": -4.5}
    ]
    assert found["/sda/slider/1"]["description"] == "Brightness: spectral centroid".lower()
    choices = [row for row in controls.rows if row.kind is Kind.CHOICE]
    assert [found[row.address]["arguments"][0]["range"]["vals"] for row in choices] == [list(row.choices) for row in choices]
    assert {found[act.address]["access"] for act in ACTS} == {2}


def test_oscquery_finds_it_by_zeroconf(modules: Path, query: OscQueryPort, osc: OscPort) -> None:
    if not multicast_works():
        pytest.skip("no multicast on this machine")
    assert said(modules, "oscquery_find.cjs", query.address[1])[0]["oscPort"] == osc.address[1]


def multicast_works() -> bool:
    """Whether a datagram to a multicast group comes back on the loopback interface."""
    group, loopback = socket.inet_aton("224.0.0.251"), socket.inet_aton(HOST)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("", 0))
            probe.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group + loopback)
            probe.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, loopback)
            probe.settimeout(1.0)
            probe.sendto(b"x", ("224.0.0.251", probe.getsockname()[1]))
            return probe.recv(10) == b"x"
        except OSError:
            return False
