"""The sound devices and MIDI ports of this machine, as `sda-engine devices` lists them, asked for in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Any

COMMAND = (sys.executable, "-P", "-m", "sda.cli", "devices", "--json")
PATIENCE_S = 60.0  # drivers of a large studio take their time


@dataclass(frozen=True, slots=True)
class Listed:
    """What there is."""

    sound: tuple[tuple[str, str], ...] = ()  # number, and a name for people
    midi: tuple[str, ...] = ()  # names of inputs
    trouble: str = ""  # why there is nothing


class Devices:
    """Asks when it is told to; what it found last stands in `listed`."""

    def __init__(self) -> None:
        self.listed: Listed | None = None
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether it is asking."""
        return self._thread is not None and self._thread.is_alive()

    def look(self) -> None:
        """Ask again, in a thread."""
        if not self.busy:
            self._thread = threading.Thread(target=self._ask, name="devices", daemon=True)
            self._thread.start()

    def _ask(self) -> None:
        try:
            asked = subprocess.run(COMMAND, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
            self.listed = listed(json.loads(asked.stdout)) if asked.stdout else Listed(trouble=asked.stderr.strip())
        except (OSError, subprocess.TimeoutExpired, ValueError, KeyError) as error:
            self.listed = Listed(trouble=f"the devices cannot be listed ({error})")


def listed(told: dict[str, Any]) -> Listed:
    """What `sda-engine devices --json` says. Raises `KeyError` for anything else."""
    sound = tuple(
        (str(device["number"]), f"{device['number']}  {device['name']} ({device['api']}), {device['outputs']} outputs")
        for device in told["sound"]
    )
    return Listed(sound, tuple(told["midi"]["inputs"]), "" if sound else told["trouble"] or "this machine has no sound device")
