"""Whether BigVGAN's hub is reached, and by which way: tokens, proxies, no network, no leave to use it, the client's cache."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hub_server import REPO, REVISION, Handler, Hub
from weights_desk import CONTENT, PIN, QUICK, fetch, is_whole, refusal, served

from sda.errors import WeightsError
from sda.weights import Store


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with served(tmp_path, monkeypatch) as hub:
        yield hub


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache", PIN)


def test_the_token_stays_with_the_hub_and_bytes_come_as_they_are(
    hub: Hub, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    seen, plain = set[tuple[str, bool, str]](), Handler._answer

    def looking(self: Handler) -> None:
        seen.add((self.path.split("/")[1], "Authorization" in self.headers, self.headers["Accept-Encoding"]))
        plain(self)

    monkeypatch.setattr(Handler, "_answer", looking)
    fetch(store)
    assert seen == {("maker", True, "identity"), ("cdn", False, "identity")}


@pytest.mark.parametrize("how", ["option", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_asks_nobody(hub: Hub, store: Store, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    if how != "option":
        monkeypatch.setenv(how, "1")
    begun = time.monotonic()
    with pytest.raises(WeightsError, match="sda-engine vocoder import DIR"):
        fetch(store, offline=how == "option")
    assert time.monotonic() - begun < 1.0
    assert hub.asked == []


def test_nobody_there_is_said_at_once(hub: Hub, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # accepts by its backlog, and never answers
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        begun = time.monotonic()
        assert "vocoder import DIR" in refusal(store, replace(QUICK, connect_s=0.5))
        assert time.monotonic() - begun < 1.0
    text = refusal(store)  # nothing listens at the port any more
    assert "cannot be reached" in text
    assert f"https://huggingface.co/{REPO}/resolve/{REVISION}/bigvgan_generator.pt" in text


def test_a_name_that_never_resolves_is_given_up(hub: Hub, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *asked, **more: time.sleep(1.5))
    begun = time.monotonic()
    assert "no answer within 0.3 s" in refusal(store, replace(QUICK, connect_s=0.3))
    assert time.monotonic() - begun < 1.0


def test_a_proxy_is_used_and_named(hub: Hub, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub.utils import close_session

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("http_proxy", f"http://me:secret@127.0.0.1:{port}")
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    close_session()  # the client reads proxies when its session begins
    try:
        text = refusal(store)
        assert f"through the proxy 127.0.0.1:{port}" in text
        assert "secret" not in text
        monkeypatch.setenv("http_proxy", hub.url)  # this hub takes a proxy's requests for its own
        close_session()
        refusal(store)
        assert hub.asked[0][:2] == ("HEAD", f"http://hub.invalid/{REPO}/resolve/{REVISION}/{PIN.file}")
    finally:
        close_session()


def test_the_environment_is_as_it_was(hub: Hub, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(os.environ)
    fetch(store)
    assert dict(os.environ) == before


def test_the_hubs_own_cache_is_used_when_right(hub: Hub, store: Store, tmp_path: Path) -> None:
    snapshot = tmp_path / "hub-cache" / "models--maker--vocoder" / "snapshots" / REVISION
    snapshot.mkdir(parents=True)
    (snapshot / PIN.file).write_bytes(bytes(len(CONTENT)))
    with pytest.raises(WeightsError, match="offline"):
        fetch(store, offline=True)
    (snapshot / PIN.file).write_bytes(CONTENT)
    fetch(store, offline=True)
    assert is_whole(store)
    assert hub.asked == []
