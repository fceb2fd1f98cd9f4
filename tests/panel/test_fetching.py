"""What the panel says of BigVGAN's weights, from real stores and real runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hub_server import Fault
from weights_desk import CONTENT, PIN, QUICK, fetch, served

from sda.errors import WeightsError
from sda.panel.fetching import telling
from sda.panel.jobs import Watched
from sda.train.run import Event, Run
from sda.weights import Store, download


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache", PIN)


def looked_at(run: Run) -> Watched:
    watched = Watched(run)
    watched.look()
    return watched


def test_from_nothing_over_a_part_to_the_whole(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = telling(store.state(), None)
    assert (told.state, told.can_fetch, told.fetch, told.size) == ("not here", True, "Fetch it", "600.0 kB")
    run = Run.create(tmp_path / "runs", "download", "bigvgan", {})
    with served(tmp_path, monkeypatch) as hub:
        hub.bodies = [Fault(rate=400_000)]
        reports = download(store, patience=QUICK)
        with run.alive():
            for report in reports:
                if report.stage == "download" and report.done > len(CONTENT) / 3 and report.rate:
                    run.log(Event("step", report.to_json()))
                    break
            told = telling(store.state(), looked_at(run))
            reports.close()
            assert (told.state, told.comes, told.can_fetch) == ("coming", True, False)
            assert 1 / 3 < told.share < 1
            assert told.stage == f"fetching {PIN.file}"
            assert "of 600.0 kB, " in told.numbers
            assert told.numbers.endswith("kB/s")
            assert told.left == pytest.approx(report.eta_s)
            run.cancel()
            assert telling(store.state(), looked_at(run)).stage == "stopping"
        told = telling(store.state(), looked_at(run))
        assert (told.state, told.fetch, told.begun) == ("partly here; what came is kept", "Go on", True)
        assert "stopped" in told.trouble
        fetch(store)
    told = telling(store.state(), looked_at(run))
    assert (told.state, told.trouble, told.can_fetch) == ("here; checked, sha256 as pinned", "", False)


def test_what_went_wrong_is_said_in_the_downloads_own_words(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.create(tmp_path / "runs", "download", "bigvgan", {})
    with served(tmp_path, monkeypatch) as hub:
        hub.heads = [Fault(status=404)]
        with pytest.raises(WeightsError) as error:
            fetch(store)
    run.log(Event("error", {"text": str(error.value)}))
    assert telling(store.state(), looked_at(run)).trouble == str(error.value)
    killed = Run.create(tmp_path / "runs", "download", "bigvgan", {})
    killed.log(Event("start", {"step": 0, "steps": 1}))
    assert "broke off" in telling(store.state(), looked_at(killed)).trouble


def test_a_wrong_file_is_no_weights(store: Store) -> None:
    store.make_folder()
    store.generator.write_bytes(b"short")
    told = telling(store.state(), None)
    assert "wrong" in told.state
    assert told.can_fetch
