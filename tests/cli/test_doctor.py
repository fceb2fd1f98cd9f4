"""`sda-engine doctor`: what is wrong is found and said with a remedy, and decides the exit code."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jack_server
import pytest
from small_models import sounding

from sda.adapters import osc_probe
from sda.cli.main import main
from sda.library import Library
from sda.live import doctor
from sda.live.doctor import FINE, NOTE, WRONG


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["doctor", *arguments])
    return int(end.value.code or 0)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def answering(reply: bytes) -> Iterator[int]:
    """A port of another program that answers anything with these bytes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))

        def answer() -> None:
            bound.sendto(reply, bound.recvfrom(2000)[1])

        thread = threading.Thread(target=answer)
        thread.start()
        yield int(bound.getsockname()[1])
        thread.join()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("jackd"), reason="needs jackd2")
def test_a_machine_with_a_device_and_a_model_has_nothing_wrong(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Library().add(sounding())
    with jack_server.server():
        code = run("--json", "--osc", f"127.0.0.1:{free_port()}")
    told = json.loads(capsys.readouterr().out)
    by_name: dict[str, dict[str, Any]] = {finding["subject"]: finding for finding in told["findings"]}
    assert (code, told["wrong"]) == (0, False), told
    assert list(by_name) == ["Python", "packages", "library", "models", "BigVGAN", "OSC port", "sound", "MIDI", "GPU"]
    assert by_name["models"]["text"] == "1 in the library"
    assert "system (JACK Audio Connection Kit)" in by_name["sound"]["text"]
    assert by_name["MIDI"]["text"] == "JACK: no port but ours"
    assert by_name["GPU"]["text"].startswith(f"torch {version('torch')}")


def test_what_is_wrong_is_said_with_what_to_do_and_decides_the_exit_code(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_processor", lambda: doctor.Finding("GPU", FINE, "asked elsewhere"))  # takes seconds
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "nobody")
    Library().add(sounding())
    (home / "models" / "broken.distill").write_bytes(b"\x10" + bytes(500))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        code = run("--osc", f"127.0.0.1:{taken.getsockname()[1]}")
    lines = capsys.readouterr().out.splitlines()
    assert code == 1
    assert any(line.startswith("WRONG models") and "broken.distill: cannot be read" in line for line in lines)
    assert any(line.startswith("WRONG OSC port") and "held by another program" in line for line in lines)
    assert "choose another with --osc" in "\n".join(lines)


@pytest.mark.parametrize(
    ("level", "look"),
    [
        (WRONG, lambda: doctor._shortcoming("no-such-package", "1")),
        (WRONG, lambda: doctor._shortcoming("numpy", "999")),
        (FINE, lambda: doctor._shortcoming("numpy", "1.2.0")),
    ],
)
def test_a_package_that_is_missing_or_old_is_named(level: str, look: Callable[[], list[str]]) -> None:
    found = look()
    assert bool(found) == (level == WRONG)
    assert all("missing" in text or "expected 999 or newer" in text for text in found)


def test_a_folder_that_cannot_be_written_is_wrong_and_a_begun_download_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SDA_HOME", str(tmp_path / "file" / "home"))
    found = doctor._place()
    assert (found.level, "SDA_HOME" in found.remedy) == (WRONG, True)
    monkeypatch.setenv("SDA_HOME", str(tmp_path))
    assert doctor._place().level == FINE
    assert doctor._weights().level == FINE
    store = doctor.universal.store()
    store.folder.mkdir(parents=True)
    store.part.write_bytes(b"half")
    assert (doctor._weights().level, doctor._weights().remedy) == (NOTE, "sda-engine vocoder download")


def test_a_port_says_who_holds_it() -> None:
    assert osc_probe.holder("127.0.0.1", free_port()) == osc_probe.FREE
    with answering(b"/sda/status/reply\0\0\0,ss\0playing\0bells\0\0\0") as port:
        assert osc_probe.holder("127.0.0.1", port) == "an engine (playing, bells)"
    with answering(b"nonsense") as port:
        assert osc_probe.holder("127.0.0.1", port, 0.2) == osc_probe.OTHER
    with pytest.raises(OSError, match=r".+"):
        osc_probe.holder("203.0.113.7", 16180)  # TEST-NET-3, RFC 5737: never of this machine


def test_torch_that_crashes_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "ASK_TORCH", "raise ImportError('libcudart.so.12 is missing')")
    found = doctor._processor()
    assert (found.level, found.text) == (WRONG, "torch does not load: ImportError: libcudart.so.12 is missing")
