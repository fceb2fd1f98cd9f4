"""BigVGAN's files, fetched by the real hub client from a hub on this machine that fails in every way it can."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hub_server import REPO, REVISION, Fault, Hub, published_config, serving
from sda._vendor.bigvgan import Pin, pin

from sda.errors import WeightsError
from sda.weights import Patience, Progress, Store, bring, download
from sda.weights.config import check_config

CONTENT = np.random.default_rng(7).bytes(600_000)
PIN = Pin(REPO, REVISION, "bigvgan_generator.pt", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), "")
QUICK = Patience(connect_s=2.0, read_s=0.4, tries=3, pause_s=0.05)
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that has the files, and an environment that leads to it."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", *PROXIES, *map(str.lower, PROXIES)):
        monkeypatch.delenv(name, raising=False)
    with serving(Hub({PIN.file: CONTENT, "config.json": published_config()}, {PIN.file})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield hub


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache", PIN)


def fetch(store: Store, patience: Patience = QUICK, *, offline: bool = False) -> list[Progress]:
    return list(download(store, patience=patience, offline=offline))


def refusal(store: Store, patience: Patience = QUICK) -> str:
    with pytest.raises(WeightsError) as error:
        fetch(store, patience)
    return str(error.value)


def is_whole(store: Store) -> bool:
    state = store.state()
    return (state.status, state.verdict) == ("present", "verified") and store.usable().read_bytes() == CONTENT


def test_a_slip_in_the_pin_shows() -> None:
    # Written a second time, so that a slip in PIN.toml shows.
    assert (pin().size, pin().sha256[:8], pin().revision[:8]) == (489_041_291, "d9fe7ec6", "95a9d1dc")


def test_whole(hub: Hub, store: Store) -> None:
    assert store.state().status == "absent"
    reports = fetch(store)
    assert is_whole(store)
    assert [report.stage for report in reports][:1] == ["connect"]
    assert (reports[-1].done, reports[-1].total) == (600_000, 600_000)
    assert sorted(path.name for path in store.folder.iterdir()) == ["bigvgan_generator.pt", "config.json", "verified.json"]
    assert {path.rsplit("/", 1)[1] for _, path, _ in hub.asked} == {"bigvgan_generator.pt", "config.json"}
    asked = len(hub.asked)
    assert fetch(store) == []
    assert len(hub.asked) == asked


@pytest.mark.parametrize("cut", [0, 1, 150_000, 299_999, 599_999])
def test_a_cut_is_resumed_at_once(hub: Hub, store: Store, cut: int) -> None:
    hub.bodies = [Fault(cut=cut)]
    reports = fetch(store)
    assert is_whole(store)
    assert hub.ranges() == ["", f"bytes={cut}-" if cut else ""]
    assert any(report.stage == "retry" and report.note for report in reports)


@pytest.mark.parametrize("cut", [0, 1, 150_000, 299_999, 599_999])
def test_a_cut_is_resumed_by_the_next_call(hub: Hub, store: Store, cut: int) -> None:
    hub.bodies = [Fault(cut=cut), Fault(status=503), Fault(status=503), Fault(status=503)]
    text = refusal(store)
    assert f"{cut / 1e6:.1f} of 0.6 MB are kept" in text
    assert (store.part_size(), store.state().status, store.generator.exists()) == (cut, "partly", False)
    fetch(store)
    assert is_whole(store)
    assert hub.ranges()[-1] == (f"bytes={cut}-" if cut else "")


def test_many_cuts_with_something_each_are_no_failure(hub: Hub, store: Store) -> None:
    hub.bodies = [Fault(cut=50_000) for _ in range(8)]
    fetch(store)
    assert is_whole(store)
    assert hub.ranges()[1:] == [f"bytes={n * 50_000}-" for n in range(1, 9)]


def test_wrong_bytes_of_the_right_size_are_deleted(hub: Hub, store: Store) -> None:
    wrong = CONTENT[:300_000] + bytes([CONTENT[300_000] ^ 1]) + CONTENT[300_001:]
    hub.files[PIN.file], hub.said[PIN.file] = wrong, CONTENT
    text = refusal(store)
    assert f"bigvgan_generator.pt: found sha256 {hashlib.sha256(wrong).hexdigest()}, expected {PIN.sha256}" in text
    assert not store.generator.exists()
    assert not store.part.exists()
    with pytest.raises(WeightsError, match="is not here"):
        store.usable()


def test_a_begun_part_of_other_bytes_is_found_out_and_begun_anew(hub: Hub, store: Store) -> None:
    store.make_folder()
    store.part.write_bytes(bytes(1000))
    assert "deleted" in refusal(store)
    fetch(store)
    assert is_whole(store)


def test_other_content_is_refused_before_it_is_fetched(hub: Hub, store: Store) -> None:
    for other in (CONTENT[:-1], bytes(len(CONTENT))):
        hub.files[PIN.file] = other
        assert "nothing was fetched" in refusal(store)
    assert hub.ranges() == []


def test_a_body_that_ends_early_or_runs_over(hub: Hub, store: Store) -> None:
    hub.bodies = [Fault(short=1000)]
    fetch(store)
    assert is_whole(store)
    assert hub.ranges() == ["", "bytes=599000-"]
    store.remove()
    hub.files[PIN.file], hub.said[PIN.file] = CONTENT + b"x", CONTENT
    assert "found more than the expected 600000 bytes" in refusal(store)
    assert not store.generator.exists()


def test_a_server_without_ranges(hub: Hub, store: Store) -> None:
    hub.bodies = [Fault(cut=100_000), Fault(no_ranges=True), Fault(no_ranges=True)]
    fetch(store)
    assert is_whole(store)
    assert hub.ranges() == ["", "bytes=100000-", ""]


@pytest.mark.parametrize("name", [PIN.file, "config.json"])
def test_404(hub: Hub, store: Store, name: str) -> None:
    del hub.files[name]
    assert f"{name}: found the answer 404 Not Found, expected the file" in refusal(store)
    assert store.state().status == "absent"


def test_500_then_good(hub: Hub, store: Store) -> None:
    hub.heads = [Fault(status=500), Fault(status=503)]
    hub.bodies = [Fault(status=500), Fault(status=502)]
    fetch(store)
    assert is_whole(store)


def test_500_for_ever_ends(hub: Hub, store: Store) -> None:
    hub.heads = [Fault(status=500)] * 9
    assert "the answer 500" in refusal(store)
    assert [method for method, _, _ in hub.asked] == ["HEAD"] * QUICK.tries


def test_a_stall_is_a_cut(hub: Hub, store: Store) -> None:
    hub.bodies = [Fault(stall=2.0), Fault(cut=200_000, stall=2.0)]
    begun = time.monotonic()
    reports = fetch(store)
    assert is_whole(store)
    assert time.monotonic() - begun < 2.0  # two waits of 0.4 s, not of 2 s
    assert len(reports) > 8  # reports go on meanwhile, ten a second
    assert hub.ranges() == ["", "", "bytes=200000-"]


def test_stalls_for_ever_end(hub: Hub, store: Store) -> None:
    hub.bodies = [Fault(cut=200_000, stall=2.0), Fault(stall=2.0), Fault(stall=2.0), Fault(stall=2.0)]
    assert "0.2 of 0.6 MB are kept" in refusal(store)


def test_redirects(hub: Hub, store: Store) -> None:
    hub.hops = 4
    hub.bodies = [Fault(cut=100_000)]
    fetch(store)
    assert is_whole(store)
    hub.hops = 40  # the client's own limit is 20
    store.remove()
    assert "redirect" in refusal(store).casefold()


def test_no_token_leaves_the_hub(hub: Hub, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    seen = dict[str, bool]()
    from hub_server import Handler

    plain = Handler._answer

    def looking(self: Handler) -> None:
        seen[self.path.split("/")[1]] = seen.get(self.path.split("/")[1], False) or "Authorization" in self.headers
        plain(self)

    monkeypatch.setattr(Handler, "_answer", looking)
    fetch(store)
    assert seen == {"maker": True, "cdn": False}


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


def test_two_at_once_fetch_it_once(hub: Hub, store: Store) -> None:
    hub.bodies = [Fault(rate=600_000)]
    other, seen = Store(store.base.parent, PIN), list[Progress]()
    thread = threading.Thread(target=lambda: seen.extend(fetch(other)))
    reports = download(store, patience=QUICK)
    while next(reports).stage != "download":
        pass
    thread.start()
    list(reports)
    thread.join()
    assert is_whole(store)
    assert {report.stage for report in seen} == {"wait"}
    assert hub.ranges() == [""]


def test_who_leaves_frees_the_way(hub: Hub, store: Store) -> None:
    hub.bodies = [Fault(rate=200_000)]
    reports = download(store, patience=QUICK)
    while next(reports).done < 50_000:
        pass
    with pytest.raises(WeightsError, match="another process"):
        store.remove()
    reports.close()
    kept = store.part_size()
    assert 50_000 <= kept < 600_000
    time.sleep(0.3)
    assert store.part_size() == kept  # the abandoned connection writes no more
    fetch(store)
    assert is_whole(store)
    assert hub.ranges()[-1] == f"bytes={kept}-"


def test_rate_and_time_left(hub: Hub, store: Store) -> None:
    hub.bodies = [Fault(rate=400_000)]
    middle = [r for r in fetch(store) if r.stage == "download" and 300_000 < r.done < 500_000]
    for report in middle:
        assert report.rate == pytest.approx(400_000, rel=0.35)
        assert report.eta_s == pytest.approx((600_000 - report.done) / report.rate)
    assert middle


def test_a_full_disk_is_seen_before(hub: Hub, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1_000_000))
    assert "found 1.0 MB free, expected 1.6 MB" in refusal(store)  # 0.6 MB and one MiB to spare
    assert hub.ranges() == []


def test_another_networks_configuration_is_refused(hub: Hub, store: Store) -> None:
    hub.files["config.json"] = published_config().replace(b'"hop_size": 512', b'"hop_size": 256')
    assert "hop_size: found 256, expected 512" in refusal(store)
    assert hub.ranges() == []


@pytest.mark.parametrize("content", [b"", b"[]", b"[" * 60_000, b"{}", b"\xff\xfe", b" " * 70_000])
def test_what_is_no_configuration(content: bytes) -> None:
    with pytest.raises(WeightsError, match=r"config\.json: "):
        check_config(content, "config.json")


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


@pytest.fixture
def by_hand(tmp_path: Path) -> Path:
    folder = tmp_path / "by hand"
    folder.mkdir()
    (folder / PIN.file).write_bytes(CONTENT)
    (folder / "config.json").write_bytes(published_config())
    return folder


def test_import(store: Store, by_hand: Path) -> None:
    state = bring(store, by_hand)
    assert (state.status, state.verdict, state.config.verdict) == ("present", "verified", "verified")
    assert is_whole(store)
    assert (by_hand / PIN.file).read_bytes() == CONTENT


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"x", bytes(len(CONTENT)), b""])
def test_import_refuses_what_is_not_pinned(store: Store, by_hand: Path, content: bytes) -> None:
    (by_hand / PIN.file).write_bytes(content)
    with pytest.raises(WeightsError, match="nothing was taken") as error:
        bring(store, by_hand)
    same = len(content) == PIN.size
    assert (f"expected {PIN.sha256}" if same else f"found {len(content)} bytes, expected 600000") in str(error.value)
    assert store.state().status == "absent"
    state = bring(store, by_hand, unverified=True)
    assert (state.verdict, state.generator.sha256) == ("unverified", hashlib.sha256(content).hexdigest())
    assert store.usable().read_bytes() == content
    assert store.verify().verdict == "unverified"


def test_import_says_what_it_lacks(store: Store, by_hand: Path) -> None:
    for folder in (by_hand / "nowhere", by_hand / PIN.file):
        with pytest.raises(WeightsError, match="expected the folder"):
            bring(store, folder)
    (by_hand / "config.json").write_bytes(b"{}")
    with pytest.raises(WeightsError, match="sampling_rate: found nothing, expected 44100"):
        bring(store, by_hand, unverified=True)
    (by_hand / "config.json").unlink()
    assert bring(store, by_hand).status == "present"
    (by_hand / PIN.file).unlink()
    with pytest.raises(WeightsError, match=r"found no bigvgan_generator\.pt"):
        bring(store, by_hand)


def test_a_verdict_holds_for_a_size_and_a_time(store: Store, by_hand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(store, by_hand)
    hashed = list[Path]()
    monkeypatch.setattr("sda.weights.store.sha256", lambda path: hashed.append(path) or PIN.sha256)
    store.usable()
    assert hashed == []
    os.utime(store.generator, ns=(1, 1))
    assert store.state().verdict == "unchecked"
    store.usable()
    store.usable()
    assert hashed == [store.generator]


@pytest.mark.parametrize("damage", [lambda c: c[:-5], lambda c: bytes([c[0] ^ 1]) + c[1:], lambda c: b""])
def test_damage_is_put_aside_and_fetched_anew(hub: Hub, store: Store, by_hand: Path, damage: object) -> None:
    bring(store, by_hand)
    assert callable(damage)
    store.generator.write_bytes(damage(CONTENT))
    assert not store.state().usable
    with pytest.raises(WeightsError, match=r"put aside as bigvgan_generator\.pt\.refused and not used"):
        store.usable()
    assert store.state().generator.status == "absent"
    fetch(store)
    assert is_whole(store)


@pytest.mark.parametrize("note", ["", "[]", '{"bigvgan_generator.pt": {"size": "x"}}', "[" * 60_000, "\0"])
def test_a_damaged_note_is_no_note(store: Store, by_hand: Path, note: str) -> None:
    bring(store, by_hand)
    (store.folder / "verified.json").write_text(note)
    assert store.state().verdict == "unchecked"
    assert is_whole(store) is False
    store.usable()
    assert is_whole(store)


def test_remove(store: Store, by_hand: Path) -> None:
    assert store.remove() == 0
    bring(store, by_hand)
    notes = (store.folder / "verified.json").stat().st_size
    assert store.remove() == 600_000 + len(published_config()) + notes
    assert store.state().status == "absent"


def test_the_fast_copy_belongs_to_its_original(store: Store, by_hand: Path) -> None:
    bring(store, by_hand)
    assert store.read_fast_copy() is None
    arrays = {"conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4), "b": np.float16([1, 2]), "t": np.eye(3)[:, ::-1]}
    assert store.write_fast_copy(arrays) == store.fast_copy_path()
    assert store.state().fast_copy
    found = store.read_fast_copy()
    assert found is not None
    assert {name: (a.dtype, a.tolist()) for name, a in found.items()} == {n: (a.dtype, a.tolist()) for n, a in arrays.items()}
    (by_hand / PIN.file).write_bytes(b"other")
    bring(store, by_hand, unverified=True)
    assert store.read_fast_copy() is None
    assert not store.state().fast_copy


def test_a_touched_fast_copy_is_passed_over(store: Store, by_hand: Path) -> None:
    bring(store, by_hand)
    store.write_fast_copy({"a": np.ones(4, np.float32)})
    store.fast_copy_path().write_bytes(b"hurt")
    assert store.read_fast_copy() is None
    facts = store.fast_copy_path().stat()
    notes = json.loads((store.folder / "verified.json").read_text())
    notes["folded.safetensors"] |= {"size": facts.st_size, "mtime_ns": facts.st_mtime_ns}
    (store.folder / "verified.json").write_text(json.dumps(notes))
    assert store.read_fast_copy() is None  # neither by a note that fits
