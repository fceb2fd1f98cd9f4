"""OSC messages a second through socket, parser and registry with 200 controls, and the slowest single packet.

    python tests/benchmarks/bench_osc.py

The sender is a process of its own. Beside messages a second of wall time stands what a message costs the receiving
process in CPU time (answers and system calls included), which other load on the machine does not change as much.
python-osc's dispatcher, with as many handlers and the same packets but without a socket, is the yardstick.
"""

from __future__ import annotations

import multiprocessing
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pythonosc.dispatcher import Dispatcher

from sda.adapters.osc import OscPort
from sda.adapters.osc_packet import encode, encode_bundle
from sda.adapters.osc_surface import Surface
from sda.control import Controls
from sda.params import PARAMS

sys.path.insert(0, str(Path(__file__).parents[1] / "adapters"))
from osc_desk import Engine
from osc_killers import KILLERS

ROWS = 200
COUNT = 200_000  # messages
WINDOW = 2000  # messages under way
BUNDLED = 20  # messages in a bundle
SOURCE = ("127.0.0.1", 5000)
SLIDERS = ROWS - len(PARAMS)


def controls_of_200() -> Controls:
    controls = Controls()
    controls.install_sliders([f"name {n}" for n in range(SLIDERS)])
    assert len(controls.rows) == ROWS
    return controls


def packets(bundled: int) -> list[bytes]:
    """Moves of every slider in turn, no two equal: `COUNT` messages, alone or in bundles."""
    moves = [encode(f"/sda/slider/{1 + n % SLIDERS}", n % 19 - 9 + n / COUNT) for n in range(COUNT)]
    if bundled == 1:
        return moves
    return [encode_bundle(moves[n : n + bundled]) for n in range(0, COUNT, bundled)]


def pour(to: tuple[str, int], bundled: int) -> None:
    """Send all packets, never more than `WINDOW` messages ahead of what was answered, so that none is lost."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(10.0)
        chunk = WINDOW // 2 // bundled
        for n, packet in enumerate(packets(bundled)):
            sender.sendto(packet, to)
            if n % chunk == chunk - 1:
                sender.sendto(encode("/sda/ping", n), to)
                if n >= chunk:
                    sender.recv(2000)


def through_the_socket(bundled: int) -> None:
    controls = controls_of_200()
    port = OscPort("127.0.0.1", 0, controls, Engine(controls))
    sender = multiprocessing.get_context("spawn").Process(target=pour, args=(port.address, bundled))
    sender.start()
    while not port.received:
        time.sleep(1e-3)
    wall, cpu = time.perf_counter(), time.process_time()
    sender.join()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    name = "alone" if bundled == 1 else f"{bundled} a bundle"
    print(
        f"  {name:12} {COUNT / wall:9,.0f} /s   {1e6 * cpu / COUNT:5.2f} us CPU a message, so {COUNT / cpu:9,.0f} /s of a "
        f"core to itself   {COUNT // bundled:,} packets sent, {port.received:,} taken with the pings, {port.dropped} dropped"
    )
    port.close()


def fastest(run: object, rounds: int = 5) -> float:
    """The fastest of some rounds, s."""
    assert callable(run)
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - began)
    return best


def without_a_socket() -> None:
    sent = packets(1)[:20_000]
    controls = controls_of_200()
    surface = Surface(controls, Engine(controls))
    moves = iter(range(100))

    def ours() -> None:
        source = ("127.0.0.1", 5000 + next(moves))  # a new source each round: nothing is a repetition
        for packet in sent:
            surface.receive(packet, source, 0.0)

    dispatcher, values = Dispatcher(), dict[str, float]()
    for row in controls.rows:
        dispatcher.map(row.address, values.__setitem__)

    def theirs() -> None:
        for packet in sent[:2000]:
            dispatcher.call_handlers_for_packet(packet, SOURCE)

    own, other = fastest(ours) / len(sent), fastest(theirs) / 2000
    print(f"  sda {1e6 * own:.1f} us a message, python-osc {1e6 * other:.1f} us: {other / own:.1f}x")


def killers() -> Sequence[tuple[float, str]]:
    """What each packet costs: the fastest of some rounds, so that it is the packet's cost and not the machine's."""
    costs = []
    for name, data in KILLERS.items():
        controls = controls_of_200()
        surface = Surface(controls, Engine(controls))
        ports = iter(range(5000, 6000))

        def once(surface: Surface = surface, data: bytes = data, ports: object = ports) -> None:
            surface.receive(data, ("127.0.0.1", next(ports)), 0.0)  # type: ignore[call-overload]

        costs.append((fastest(once, 15), name))
    return sorted(costs, reverse=True)


def main() -> None:
    print(f"through socket, parser and registry, {ROWS} controls (bar 50,000 /s)")
    for bundled in (1, BUNDLED):
        through_the_socket(bundled)
    print("parser and registry alone")
    without_a_socket()
    print("the slowest packets (bar 5 ms)")
    for seconds, name in killers()[:8]:
        print(f"  {1e3 * seconds:6.2f} ms  {name}")


if __name__ == "__main__":
    main()
