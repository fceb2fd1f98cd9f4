"""What the tests of BigVGAN's files share: small weights and their pin, a hub that serves them, and impatience."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hub_server import REPO, REVISION, Hub, published_config, serving
from sda._vendor.bigvgan import Pin

from sda.errors import WeightsError
from sda.weights import Patience, Progress, Store, download

CONTENT = np.random.default_rng(7).bytes(600_000)
PIN = Pin(REPO, REVISION, "bigvgan_generator.pt", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), "")
QUICK = Patience(connect_s=2.0, read_s=0.4, tries=3, pause_s=0.05)
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@contextmanager
def served(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that has the files, an environment that leads to it, and an empty cache of the client's own."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder / "hub-cache"))
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", *PROXIES, *map(str.lower, PROXIES)):
        monkeypatch.delenv(name, raising=False)
    with serving(Hub({PIN.file: CONTENT, "config.json": published_config()}, {PIN.file})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


def fetch(store: Store, patience: Patience = QUICK, *, offline: bool = False) -> list[Progress]:
    return list(download(store, patience=patience, offline=offline))


def refusal(store: Store, patience: Patience = QUICK) -> str:
    with pytest.raises(WeightsError) as error:
        fetch(store, patience)
    return str(error.value)


def is_whole(store: Store) -> bool:
    state = store.state()
    return (state.status, state.verdict) == ("present", "verified") and store.usable().read_bytes() == CONTENT
