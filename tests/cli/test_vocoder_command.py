"""`sda-engine vocoder`: run as a command against a hub on this machine; what is said, left on disk, and exited with."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hub_server import REPO, REVISION, Fault, Hub, published_config, serving
from sda._vendor.bigvgan import Pin

CONTENT = np.random.default_rng(8).bytes(400_000)
PIN = Pin(REPO, REVISION, "bigvgan_generator.pt", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), "")
MAIN = f"""
import sys
import sda._vendor.bigvgan as bigvgan
bigvgan.pin = lambda: bigvgan.Pin(**{asdict(PIN)!r})
from sda.cli.main import main
main(sys.argv[1:])"""
LEAVE_OUT = {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"}
Done = subprocess.CompletedProcess[str]


class Desk:
    """A user with an empty library, a hub, and a terminal that is a pipe."""

    def __init__(self, folder: Path, hub: Hub) -> None:
        self.hub, self.home = hub, folder / "home"
        environment = {name: value for name, value in os.environ.items() if name.upper() not in LEAVE_OUT}
        told = {
            "SDA_HOME": str(self.home),
            "HF_HOME": str(folder / "hf"),
            "HF_ENDPOINT": hub.url,
            "HF_HUB_DOWNLOAD_TIMEOUT": "1",
        }
        self.environment = environment | told
        self.place = self.home / "cache" / "bigvgan" / REVISION[:12]

    def begin(self, *args: str, before: str = "", **told: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", before + MAIN, "vocoder", *args]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, env=self.environment | told, text=True, **pipes)

    def run(self, *args: str, before: str = "", **told: str) -> Done:
        process = self.begin(*args, before=before, **told)
        said, complained = process.communicate(timeout=60)
        return Done(args, process.returncode, said, complained)

    def state(self) -> dict[str, object]:
        shown = self.run("list", "--json")
        assert shown.returncode == 0, shown.stderr
        base, bigvgan = json.loads(shown.stdout)
        assert (base["name"], base["draft"], base["status"]) == ("base", True, "present")
        assert isinstance(bigvgan, dict)
        return bigvgan

    def part(self) -> int:
        path = self.place / f"{PIN.file}.part"
        return path.stat().st_size if path.exists() else 0

    def events(self) -> list[dict[str, object]]:
        """What the newest job recorded."""
        folder = max((self.home / "runs").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with serving(Hub({PIN.file: CONTENT, "config.json": published_config()}, {PIN.file})) as hub:
        yield Desk(tmp_path, hub)


def complaint(done: Done) -> str:
    """The one line of an error that a user can mend."""
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1].removeprefix("sda-engine: error: ")


def test_download_then_everything_else(desk: Desk) -> None:
    assert (desk.state()["status"], desk.run("where").stdout) == ("absent", f"{desk.place}\n")
    done = desk.run("download", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert (facts["status"], facts["verdict"], facts["place"]) == ("present", "verified", str(desk.place))
    assert (desk.place / PIN.file).read_bytes() == CONTENT
    assert "fetching bigvgan_generator.pt" in done.stderr
    events = desk.events()
    assert [event["kind"] for event in events][:: len(events) - 1] == ["start", "end"]
    assert events[-1]["finished"] is True
    assert {"step", "steps", "rate", "eta_s", "file", "stage"} <= set(next(e for e in events if e["kind"] == "step"))
    asked = len(desk.hub.asked)
    again = desk.run("download")
    assert again.stdout == f"BigVGAN: present, 0.4 MB, verified: sha256 as pinned; {desk.place}\n"
    assert len(desk.hub.asked) == asked
    assert len(list((desk.home / "runs").iterdir())) == 1
    assert desk.run("verify").returncode == 0
    lines = desk.run("list").stdout.splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["name", "state", "size"],
        ["base", "(draft)", "shipped"],
        lines[2].split()[:3],
    ]
    assert lines[2].split()[:5] == ["bigvgan", "present", "0.4", "MB", "verified:"]
    refused = desk.run("remove")
    assert (refused.returncode, (desk.place / PIN.file).exists()) == (130, True)  # nobody there to answer
    assert json.loads(desk.run("remove", "--yes", "--json").stdout)["freed_bytes"] > 400_000
    assert desk.state()["status"] == "absent"


def test_ctrl_c_keeps_what_came(desk: Desk) -> None:
    desk.hub.bodies = [Fault(rate=100_000)]
    # Whoever runs the tests in the background of a shell has them ignore SIGINT, and their children too.
    process = desk.begin("download", before="import signal; signal.signal(signal.SIGINT, signal.default_int_handler)")
    while desk.part() < 50_000:
        time.sleep(0.02)
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    said, complained = process.communicate(timeout=30)
    assert time.monotonic() - begun < 2.0
    assert (process.returncode, said) == (130, "")
    assert complained.splitlines()[-1] == "sda-engine: error: interrupted"
    assert "are kept; go on with: sda-engine vocoder download" in complained
    assert not (desk.place / PIN.file).exists()
    assert desk.state()["status"] == "partly"
    assert desk.events()[-1]["finished"] is False
    kept = desk.part()
    assert desk.run("download").returncode == 0
    assert desk.hub.ranges()[-1] == f"bytes={kept}-"


def test_a_kill_keeps_what_came(desk: Desk) -> None:
    desk.hub.bodies = [Fault(rate=100_000)]
    process = desk.begin("download")
    while desk.part() < 50_000:
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=30)
    assert desk.run("download").returncode == 0
    assert desk.state()["verdict"] == "verified"
    assert len(desk.hub.ranges()) == 2


def test_two_processes_fetch_it_once(desk: Desk) -> None:
    desk.hub.bodies = [Fault(rate=400_000)]
    both = [desk.begin("download") for _ in range(2)]
    complained = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert desk.hub.ranges() == [""]
    assert sum("waiting: another process is fetching it" in text for text in complained) == 1


def test_a_job_can_be_cancelled_by_its_folder(desk: Desk) -> None:
    desk.hub.bodies = [Fault(rate=100_000)]
    process = desk.begin("download")
    while desk.part() < 30_000:
        time.sleep(0.02)
    next((desk.home / "runs").iterdir()).joinpath("cancel").touch()
    _, complained = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "cancelled; what came is kept" in complained
    assert desk.events()[-1]["kind"] == "error"


@pytest.mark.parametrize("how", ["option", "variable", "nobody"])
def test_without_a_network_it_says_what_to_do(desk: Desk, how: str) -> None:
    told = {"variable": {"HF_HUB_OFFLINE": "1"}, "nobody": {"HF_ENDPOINT": "http://127.0.0.1:9"}}.get(how, {})
    begun = time.monotonic()
    done = desk.run("download", *(["--offline"] if how == "option" else []), **told)
    assert time.monotonic() - begun < 5.0
    assert complaint(done).endswith("bring both in a folder DIR and run: sda-engine vocoder import DIR")
    assert desk.hub.asked == []


def test_a_disk_that_takes_no_more(desk: Desk) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))"
    text = complaint(desk.run("download", before=limit))
    assert "cannot be written (File too large); 0.2 of 0.4 MB are kept" in text
    assert desk.run("download").returncode == 0
    assert desk.hub.ranges() == ["", "bytes=200000-"]


def test_a_stall_ends_by_the_clients_own_variable(desk: Desk) -> None:
    desk.hub.bodies = [Fault(cut=100_000, stall=20.0)]
    assert desk.run("download").returncode == 0
    assert desk.hub.ranges() == ["", "bytes=100000-"]


def test_import(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "by hand"
    folder.mkdir()
    (folder / PIN.file).write_bytes(bytes(10))
    assert "found 10 bytes, expected 400000; nothing was taken" in complaint(desk.run("import", str(folder)))
    done = desk.run("import", str(folder), "--unverified")
    assert "UNVERIFIED: sha256 01d448afd928" in done.stdout  # printf '\0%.0s' {1..10} | sha256sum
    assert desk.state()["verdict"] == "unverified"
    (folder / PIN.file).write_bytes(CONTENT)
    assert json.loads(desk.run("import", str(folder), "--json").stdout)["verdict"] == "verified"
    (desk.place / PIN.file).write_bytes(CONTENT[::-1])
    assert "put aside as bigvgan_generator.pt.refused" in complaint(desk.run("verify"))
    assert "is not here" in complaint(desk.run("verify"))


def test_the_client_is_imported_for_a_download_alone_and_without_xet(desk: Desk) -> None:
    look = """
import atexit, os, sys
def look():
    client = sys.modules.get("huggingface_hub.constants")
    print(client and (client.HF_HUB_DISABLE_XET, "HF_HUB_DISABLE_XET" in os.environ), file=sys.stderr)
atexit.register(look)"""
    for args in (["list"], ["verify"]):
        assert desk.run(*args, before=look).stderr.splitlines()[-1] == "None"
    assert desk.run("download", before=look).stderr.splitlines()[-1] == "(True, False)"
