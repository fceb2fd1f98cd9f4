"""What moving every slider a thousand times a second costs the engine: `python bench_moves.py [MODEL.distill] [--seconds N]`.

The real engine plays into nothing; CPU seconds of its processes are the kernel's, still and moving, in turns, so that other
load on the machine weighs on both. The bar is 5 % of a core above still sliders.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "live"))
from live_session import Session

from sda.formats import distill

DEMO = Path(__file__).parents[2] / "examples" / "driftwood.distill"
RATE = 1000  # moves of all sliders a second
ROUNDS = 3
TICKS = os.sysconf("SC_CLK_TCK")  # a second


def processes(parent: int) -> dict[str, int]:
    """The engine and its children by role."""
    found = {"engine": parent}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "stat").read_text().rpartition(")")[2].split()
            line = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if int(words[1]) == parent and (role := [w for w in line if w.startswith(b"sda.live.")]):
            found[role[0].decode().removeprefix("sda.live.")] = int(entry.name)
    return found


def spent(process: int) -> float:
    """CPU seconds of a process so far."""
    words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS


def play(session: Session, sliders: int, seconds: float, moving: bool) -> int:
    """Let it play, all sliders moving `RATE` times a second or none; how many moves were sent."""
    began, sent = time.monotonic(), 0
    while (now := time.monotonic() - began) < seconds:
        if moving and sent < now * RATE:
            session.send("/sda/sliders", *(8 * np.sin(2 * np.pi * (0.3 + 0.1 * np.arange(sliders)) * now)).tolist())
            sent += 1
        else:
            time.sleep(2e-4)
    return sent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", type=Path, default=DEMO)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each part")
    args = parser.parse_args()
    sliders = len(distill.read_header(args.model).analysis["sliders"])
    session = Session(str(args.model), "--audio", "null")
    try:
        session.send("/sda/play", True)
        play(session, sliders, 3.0, False)
        parts = processes(session.process.pid)
        cost = {(role, moving): 0.0 for role in parts for moving in (False, True)}
        sent = 0
        for _ in range(ROUNDS):
            for moving in (False, True):
                before = {role: spent(process) for role, process in parts.items()}
                sent += play(session, sliders, args.seconds, moving)
                for role, process in parts.items():
                    cost[role, moving] += (spent(process) - before[role]) / (ROUNDS * args.seconds)
    finally:
        session.process.terminate()
        session.process.wait()
    print(f"{args.model.stem}: {sliders} sliders, {sent / (ROUNDS * args.seconds):.0f} moves of all of them a second")
    for role in parts:
        still, moving = 100 * cost[role, False], 100 * cost[role, True]
        print(f"  {role:9} {still:5.1f} % of a core still, {moving:5.1f} % moving: {moving - still:+.1f} %")


if __name__ == "__main__":
    main()
