"""A flood of 100,000 OSC messages a second for ten seconds against a playing engine, and what OSCQuery costs it.

    python tests/benchmarks/bench_flood.py

Beside each flood an idle run of the same length. The sound goes into nothing at the device's pace, so that under-runs
count; on a machine that does other things they count those too. Processor time is the engine process's own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "live"))
sys.path.insert(0, str(Path(__file__).parents[1]))
from live_session import Session, session
from small_models import sounding
from test_live_flood import drained

FLOOD = Path(__file__).parents[1] / "live" / "flood.py"
SECONDS, RATE = 10.0, 100_000
TICKS = os.sysconf("SC_CLK_TCK")


def processor(process: int) -> float:
    """Seconds of processor time that a process took so far, as proc(5) tells."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident(process: int) -> float:
    """MB that a process holds."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def measured(running: Session, name: str, bundled: int | None) -> None:
    """One flood, or none, and what the engine says of it."""
    engine = running.process.pid
    before, status, held = processor(engine), running.ask("/sda/status").params, resident(engine)
    began = time.perf_counter()
    sent = 0
    if bundled is None:
        time.sleep(SECONDS)
    else:
        command = [sys.executable, str(FLOOD), str(running.port), str(SECONDS), str(RATE), str(bundled)]
        sent = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    wall = time.perf_counter() - began
    drained(running)
    last = -2.5 - (bundled or 0) / 8  # another each time: what a source said before is no move
    running.send("/sda/slider/1", last)
    kept = running.value("slider.1") == last
    after = running.ask("/sda/status").params
    share = (processor(engine) - before) / wall
    packets = sent // (bundled or 1)
    print(
        f"  {name:22} {sent / wall:9,.0f} messages/s sent, {after[-1] - status[-1]:9,} of {packets:9,} packets dropped, "
        f"{share:4.0%} of a core, under-runs {after[7] - status[7]}, last value {'kept' if kept else 'LOST'}, "
        f"memory {resident(engine) - held:+.1f} MB"
    )


def asked_for(port: int, seconds: float, counted: list[int]) -> None:
    """Read the whole OSCQuery tree over and over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).read()
        counted[0] += 1


def queried(running: Session) -> None:
    """The time from a ping to its answer, alone and while eight clients read the tree without end."""
    port = int(next(line for line in running.lines if line.startswith("OSCQuery")).rpartition(":")[2])
    engine = running.process.pid
    for clients in (0, 8):
        counted = [0]
        crowd = [threading.Thread(target=asked_for, args=(port, 5.0, counted)) for _ in range(clients)]
        for client in crowd:
            client.start()
        before, began, times = processor(engine), time.perf_counter(), []
        while time.perf_counter() - began < 4.5:
            sent = time.perf_counter()
            running.ask("/sda/ping", 1)
            times.append(time.perf_counter() - sent)
            time.sleep(0.005)
        share = (processor(engine) - before) / (time.perf_counter() - began)
        for client in crowd:
            client.join()
        times.sort()
        print(
            f"  {clients} clients: {counted[0] / 5:5.0f} trees/s, ping answered in {1e3 * times[len(times) // 2]:.2f} ms, "
            f"99 of 100 within {1e3 * times[len(times) * 99 // 100]:.2f} ms; engine {share:.0%} of a core"
        )


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ["SDA_HOME"] = home
        from sda.library import Library

        Library().add(sounding("pebbles"))
        with session("pebbles", "--play", "--audio", "null") as running:
            running.socket.settimeout(60)
            print(f"{RATE:,} messages/s for {SECONDS:g} s")
            measured(running, "none", None)
            measured(running, "alone", 1)
            measured(running, "20 a bundle", 20)
            print("OSCQuery")
            queried(running)
            running.end()


if __name__ == "__main__":
    main()
