"""The process of a vocoder slower than real time: whole loops of BigVGAN, rendered ahead, one after the other.

Spec (the first message): `rate` in Hz, `device`. Then `render` messages: `n`, `path` of the model, `values` by control id. Each
is answered by `loop` (n, seconds, spent, its seconds of work, and audio, float32 in base64) or `failed` (n, text). Between
them it says `alive`, since one loop takes longer than a silence that the engine bears. torch may be imported here.
"""

from __future__ import annotations

import base64
import os
import queue
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sda import priority
from sda.errors import SdaError
from sda.live import wire

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sda.core.render import Renderer
    from sda.model import Model

ALIVE_S = 2.0  # s between signs of life
FIRST_S = 2.0  # s of the first loop, before it is known how long one takes
LONGEST_S = 8.0  # s of a loop
WAIT_S = 10.0  # s of work that a loop may take, as long as it is not shorter than the first
HEAD_S = 0.1  # s at the start of a rendering that the network's edge and the first grains colour


def length(rtf: float | None) -> float:
    """Seconds of the next loop, by the seconds of work that a second of the last one took."""
    return FIRST_S if rtf is None else min(max(WAIT_S / rtf, FIRST_S), LONGEST_S)


def render(renderer: Renderer, seconds: float) -> NDArray[np.float32]:
    """A loop [T] of a renderer's sound before its stage, made in as few calls as there can be."""
    import numpy as np

    from sda.core.loops import SEAM_S, closed

    head, seam = round(HEAD_S * renderer.rate), round(SEAM_S * renderer.rate)
    wanted = head + round(seconds * renderer.rate) + seam
    cells, parts, have = renderer.cells_for(wanted), [np.zeros((1, 0), np.float32)], 0
    while have < wanted:
        parts.append(renderer.sound(cells))
        have += parts[-1].shape[1]
    return closed(np.concatenate(parts, axis=1)[0, head:wanted], renderer.rate)


class Workshop:
    """The model that was asked for last, and how fast it goes."""

    def __init__(self, rate: int, device: str) -> None:
        self._rate, self._device = rate, device
        self._loaded: tuple[str, int] = ("", 0)  # path and time of change of the model's file
        self._model: Model | None = None
        self._rtf: float | None = None

    def answer(self, message: wire.Message) -> wire.Message:
        """A `render` message to a `loop` or a `failed` one."""
        try:
            return self._loop(message)
        except SdaError as error:
            text = str(error)
        except Exception as error:  # a damaged file may break any library; the engine and its sound must go on
            text = f"{message['path']}: BigVGAN cannot play it ({error!r})"
        return {"kind": "failed", "n": message["n"], "text": text}

    def _loop(self, message: wire.Message) -> wire.Message:
        from sda.model import load

        file = message["path"], Path(message["path"]).stat().st_mtime_ns
        if self._model is None or self._loaded != file:
            self._model, self._loaded = load(message["path"], self._device), file
        self._model.vocoder("bigvgan")  # loaded first: that is no work on a loop
        started, seconds = time.perf_counter(), length(self._rtf)
        renderer = self._model.renderer(rate=self._rate, values=message["values"], vocoder="bigvgan")
        loop = render(renderer, seconds)
        spent = time.perf_counter() - started
        self._rtf = spent / seconds
        audio = base64.b64encode(loop.tobytes()).decode()
        return {"kind": "loop", "n": message["n"], "seconds": seconds, "spent": spent, "audio": audio}


def main() -> None:
    """Read the spec and render. Never returns: a loop under way must not hold up the end of the process."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    priority.ask_for(priority.JOB)
    os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) - 2))  # read when torch is imported
    source, sink = wire.of_this_process()
    inbox: queue.SimpleQueue[wire.Message | None] = queue.SimpleQueue()
    pipe = wire.Wire(source, sink, lambda message: os._exit(0) if message is None else inbox.put(message))
    threading.Thread(target=_live_on, args=(pipe.send,), name="alive", daemon=True).start()
    spec = inbox.get()
    assert spec is not None
    workshop = Workshop(spec["rate"], spec["device"])
    while (message := inbox.get()) is not None:
        pipe.send(workshop.answer(message))


def _live_on(send: wire.Send) -> None:
    while True:
        send({"kind": "alive"})
        time.sleep(ALIVE_S)


if __name__ == "__main__":
    main()
