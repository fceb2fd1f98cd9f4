"""The renderer process: the signal path of the loaded model, into the ring.

Spec (the first message): `ring` its name, `rate` in Hz, `buffer` in s, `hold` (no zeros before the first model), `device` of
the vocoder, `take` (tell what takes effect from the start on). Then the engine's messages to `Loop.handle`. Sends `loaded` or
`refused` after each load, `broken` where a model fails while it sounds, `synced` after `sync`, `report` 10 times a second, and
what a take is told: `taking` (where it begins, and with what), `applied` (events), `swap` (another model), `taken` (the end).
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from sda import priority
from sda.live import wire
from sda.live.loop import Loaded, Loop
from sda.live.ring import Ring
from sda.params import Value, slugs

REPORT = 0.1  # s between reports
BATCH = 256  # messages between two looks at the ring: a flood of them must not dry it up
SWITCH = 0.001  # s after which a loading thread must let the audio loop have the interpreter


def load_model(
    path: str, rate: int, values: Mapping[str, Value], sliders: Mapping[str, float], *, device: str = "auto"
) -> Loaded:
    """The model of a file as a source, its vocoder on a device; slider positions follow their names. Raises `SdaError`."""
    from sda import model
    from sda.choice import choose
    from sda.formats.model_file import sound_hash
    from sda.live import shown_map

    loaded = model.load(path, device)
    names = slugs(slider.name for slider in loaded.sliders)
    numbered = {f"slider.{n}": sliders[name] for n, name in enumerate(names, start=1) if name in sliders}
    fast = choose(loaded.document, "draft" if loaded.document.vocoder is None else "hifigan")  # BigVGAN sends its loops
    info: dict[str, Any] = {
        "name": loaded.info.name,
        "id": loaded.info.id,
        "sliders": names,
        "explains": [str(slider.explains) for slider in loaded.sliders],
        "safe": [(slider.safe_low, slider.safe_high) for slider in loaded.sliders],
        "vocoder": fast.name,
        "why": fast.why,
        "map": shown_map.shown(loaded),
    }
    label = {"model": loaded.info.id, "name": loaded.info.name, "hash": sound_hash(loaded.document), "vocoder": fast.name}
    return Loaded(loaded.renderer(rate=rate, values={**values, **numbered}, vocoder=fast.name), info, label)


def serve(loop: Loop, inbox: queue.SimpleQueue[wire.Message | None], send: wire.Send) -> None:
    """Render until the engine is gone."""
    report = 0.0
    while True:
        wait = loop.step()
        if time.monotonic() >= report:
            report = time.monotonic() + REPORT
            send(loop.status())
        for _ in range(BATCH):
            try:
                message = inbox.get(timeout=wait) if wait else inbox.get_nowait()
            except queue.Empty:
                break
            if message is None:
                return
            loop.handle(message)
            wait = 0.0


def main() -> None:
    """Read the spec and render. Never returns: a load under way must not hold up the end of the process."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    priority.ask_for(priority.RENDERER)
    source, sink = wire.of_this_process()
    inbox: queue.SimpleQueue[wire.Message | None] = queue.SimpleQueue()
    pipe = wire.Wire(source, sink, inbox.put)
    sys.setswitchinterval(SWITCH)
    spec = inbox.get()
    if spec is not None:
        import sda.model  # noqa: F401  # its libraries take long to load: before the first sound, not under it

        ring = Ring.attach(spec["ring"])
        buffer = round(spec["buffer"] * spec["rate"])
        load = partial(load_model, device=spec["device"])
        loop = Loop(ring, spec["rate"], buffer, load, pipe.send, hold=spec["hold"], take=spec["take"])
        serve(loop, inbox, pipe.send)
    os._exit(0)


if __name__ == "__main__":
    main()
