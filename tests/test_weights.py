"""BigVGAN's files, fetched by the real hub client from a hub on this machine that fails in every way it can."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hub_server import Fault, Hub, published_config
from sda._vendor.bigvgan import pin
from weights_desk import CONTENT, PIN, QUICK, fetch, is_whole, refusal, served

from sda.errors import WeightsError
from sda.weights import Progress, Store, download


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with served(tmp_path, monkeypatch) as hub:
        yield hub


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache", PIN)


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
    assert "redirects without end" in refusal(store)


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


def test_damage_is_fetched_anew(hub: Hub, store: Store) -> None:
    fetch(store)
    store.generator.write_bytes(CONTENT[::-1])
    fetch(store)
    assert is_whole(store)
    assert hub.ranges() == ["", ""]
