"""A flood of OSC: `python tests/live/flood.py PORT SECONDS RATE [BUNDLED]` moves slider 1 and the gain as often as it can.

RATE in messages a second at the most. Prints the messages that were sent. Each is another value, so that none is a
repetition; the gain stays within -13 and -11 dB.
"""

from __future__ import annotations

import socket
import sys
import time

from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

VALUES = 10_000  # packets made beforehand
STEP = 0.005  # s between two looks at the clock


def message(address: str, value: float) -> OscMessageBuilder:
    builder = OscMessageBuilder(address)
    builder.add_arg(value)
    return builder


def packets(bundled: int) -> list[bytes]:
    """Packets of `bundled` messages each."""
    made = []
    for n in range(VALUES):
        place = n / VALUES
        moves = [message("/sda/slider/1", 20 * place - 10), message("/sda/gain", 2 * place - 13)]
        if bundled == 1:
            made.append(moves[n % 2].build().dgram)
            continue
        bundle = OscBundleBuilder(IMMEDIATELY)
        for k in range(bundled):
            bundle.add_content(moves[k % 2].build())
        made.append(bundle.build().dgram)
    return made


def main() -> None:
    port, seconds, rate = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    bundled = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    made, sent = packets(bundled), 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(("127.0.0.1", port))
        began = time.perf_counter()
        while (elapsed := time.perf_counter() - began) < seconds:
            due = int(rate * (elapsed + STEP)) // bundled - sent
            for _ in range(min(max(due, 0), 1000)):
                sender.send(made[sent % VALUES])
                sent += 1
            if due <= 0:
                time.sleep(STEP)
    print(sent * bundled)


if __name__ == "__main__":
    main()
