"""BigVGAN-v2, 44.1 kHz, 128 bands, 512x, as source of our own: what is pinned (`PIN.toml`). The network is in `network`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Pin:
    """The one revision of the published weights that this program accepts, and the code they were published with."""

    repo_id: str
    revision: str
    file: str
    size: int  # bytes
    sha256: str
    reference: str


def pin() -> Pin:
    """What `PIN.toml` says."""
    return Pin(**tomllib.loads((Path(__file__).parent / "PIN.toml").read_text(encoding="utf-8")))
