"""`make demo`: render the demo model, then steer it over OSC while it plays into a file."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

from pythonosc.udp_client import SimpleUDPClient

import sda

HERE = Path(__file__).parent
ENGINE = Path(sys.executable).with_name("sda-engine")
MODEL, OUT = HERE / "driftwood.distill", Path("demo-out")
SECONDS = 8


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    OUT.mkdir(exist_ok=True)
    rendered, steered = OUT / "driftwood.wav", OUT / "driftwood-steered.wav"
    names = [slider.name for slider in sda.load(MODEL).sliders]
    print(f"the demo model's sliders: {', '.join(names)}\n")
    subprocess.run([ENGINE, "generate", MODEL, "-o", rendered, "-d", "10", "--seed", "2"], check=True)

    port = free_port()
    print(f"\nplaying {SECONDS} s into {steered}, steered over OSC on port {port}: {names[0]} from low to high")
    sink = ["--audio", f"file:{steered}", "--duration", str(SECONDS)]
    command = [ENGINE, "run", MODEL, "--headless", "--name", "demo", "--fresh", "--osc", f"127.0.0.1:{port}", *sink]
    engine, client = subprocess.Popen(command), SimpleUDPClient("127.0.0.1", port)
    started = time.monotonic()
    while engine.poll() is None:
        share = min(1.0, (time.monotonic() - started) / SECONDS)
        client.send_message("/sda/play", 1)
        client.send_message(f"/sda/slider/{names[0]}", -8 + 16 * share)
        time.sleep(0.05)
    if engine.returncode:
        sys.exit(engine.returncode)
    print(f"\n{rendered}  the model at its own pace\n{steered}  {names[0]} moved over OSC")
    print(f"\nplay live:  {ENGINE} run {MODEL} --play\n     then:  oscsend localhost 16180 /sda/slider/{names[0]} f 6")


if __name__ == "__main__":
    main()
