"""How long a download waits for what does not come, and whether it may use the network at all."""

from __future__ import annotations

import os
from dataclasses import dataclass

TRUE = {"1", "ON", "YES", "TRUE"}  # as huggingface_hub reads its switches
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Waiting times. Only tries in a row that brought no new byte are counted."""

    connect_s: float = 4.0  # until the hub's first answer, name resolution and proxy included
    read_s: float = 10.0  # without a byte, until a connection counts as broken
    tries: int = 4
    pause_s: float = 1.0  # before the second try; doubled for each that follows

    @classmethod
    def of_environment(cls) -> Patience:
        """With the hub client's own variables for the two times."""
        usual = cls()
        return cls(
            connect_s=_seconds("HF_HUB_ETAG_TIMEOUT", usual.connect_s), read_s=_seconds("HF_HUB_DOWNLOAD_TIMEOUT", usual.read_s)
        )


def offline_by() -> str | None:
    """The setting of the environment that forbids the network, as `NAME=value`, if one does."""
    return next((f"{name}={value}" for name in OFFLINE if (value := os.environ.get(name, "")).upper() in TRUE), None)


def _seconds(name: str, usual: float) -> float:
    try:
        seconds = float(os.environ.get(name, ""))
    except ValueError:
        return usual
    return seconds if 0 < seconds < 3600 else usual
