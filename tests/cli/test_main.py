"""The command's frame: light to start, one line and an exit code for whatever goes wrong."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from sda.cli import main as frame
from sda.errors import ModelError

MAIN = "from sda.cli.main import main; main()"


def run(*args: str, code: str = MAIN, debug: str = "", home: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SDA_DEBUG": debug, "SDA_HOME": home or os.devnull}
    return subprocess.run([sys.executable, "-c", code, *args], env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(("wished", "had"), [("", "1"), ("3", "3")])
def test_numpy_has_one_thread_unless_somebody_wishes_otherwise(wished: str, had: str) -> None:
    code = f"""
import atexit, os
os.environ.pop("OPENBLAS_NUM_THREADS", None)
os.environ.update({{"OPENBLAS_NUM_THREADS": "{wished}"}} if "{wished}" else {{}})
atexit.register(lambda: print("threads:", os.environ["OPENBLAS_NUM_THREADS"]))
{MAIN}
"""
    assert f"threads: {had}" in run("--version", code=code).stdout


@pytest.mark.parametrize("args", [["--help"], ["-h"], ["--version"], []])
def test_help_imports_nothing_heavy(args: list[str]) -> None:
    code = f"""
import atexit, sys
heavy = ("numpy", "torch", "rich", "onnxruntime", "soundfile", "sda.params", "sda.spec")
atexit.register(lambda: print([name for name in heavy if name in sys.modules], file=sys.stderr))
{MAIN}"""
    shown = run(*args, code=code)
    assert (shown.returncode, shown.stderr) == (0, "[]\n")
    assert "sda-engine" in shown.stdout


def test_help_lists_every_command() -> None:
    shown = run("--help").stdout
    for name, row in frame.COMMANDS.items():
        assert name in shown
        assert row.help in shown


@pytest.mark.parametrize("name", list(frame.COMMANDS))
def test_every_command_can_be_asked_for_help(name: str) -> None:
    command = frame.LazyGroup("sda-engine").get_command(click.Context(frame.cli), name)
    assert command is not None
    assert command.name == name


def test_usage_errors_are_one_line() -> None:
    for args, found in ((["nonsense"], "'nonsense'"), (["--nonsense"], "--nonsense"), (["params", "x"], "(x)")):
        shown = run(*args)
        assert (shown.returncode, shown.stdout) == (2, "")
        assert shown.stderr.startswith("sda-engine: error: ")
        assert found in shown.stderr
        assert shown.stderr.count("\n") == 1


def test_an_error_of_the_user_is_one_line(tmp_path: Path) -> None:
    shown = run("model", "info", "bells\x1b[2J", home=str(tmp_path))
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.startswith("sda-engine: error: no model 'bells\\x1b[2J': the library ")
    assert run("model", "list", home=str(tmp_path)).returncode == 0


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], int]:
    """Runs a command that raises an error, and returns the exit code."""
    monkeypatch.delenv("SDA_DEBUG", raising=False)

    def fail(error: BaseException) -> int:
        @click.command("params")
        def broken() -> None:
            raise error

        monkeypatch.setattr(frame.LazyGroup, "get_command", lambda self, ctx, name: broken)
        with pytest.raises(SystemExit) as left:
            frame.main(["params"])
        assert isinstance(left.value.code, int)
        return left.value.code

    return fail


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (ModelError("a\nb:   expected c"), 2, "sda-engine: error: a b: expected c\n"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "sda-engine: error: No space left on device\n"),
        (PermissionError(errno.EACCES, "Permission denied", "x.wav"), 2, "sda-engine: error: x.wav: Permission denied\n"),
        (click.FileError("x.wav", "gone"), 2, "sda-engine: error: Could not open file 'x.wav': gone\n"),
        (KeyboardInterrupt(), 130, "\nsda-engine: error: interrupted\n"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 1, ""),
        (ValueError("odd"), 1, "sda-engine: error: a bug in this program: ValueError: odd; SDA_DEBUG=1 shows where\n"),
    ],
)
def test_errors_become_words_and_codes(
    failing: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str], error: BaseException, code: int, text: str
) -> None:
    assert failing(error) == code
    assert capsys.readouterr().err == text


def test_a_traceback_is_there_for_who_asks(failing: Callable[[BaseException], int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDA_DEBUG", "1")
    with pytest.raises(ModelError, match="deep"):
        failing(ModelError("deep"))
    shown = run("model", "info", "bells", debug="1")
    assert "Traceback" in shown.stderr


def test_a_command_whose_module_is_missing_says_which(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(frame.COMMANDS, "params", frame.Row("sda.cli.nowhere:params", ""))
    with pytest.raises(SystemExit) as left:
        frame.main(["params"])
    assert left.value.code == 2
    assert "this installation lacks sda.cli.nowhere" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals and pipes")
def test_output_that_nobody_reads_is_quiet() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", MAIN, "params"]
    shown = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writing)
    assert (shown.returncode, shown.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_to_a_full_disk_is_one_line() -> None:
    for command in ("params", "--help"):
        with open("/dev/full", "w") as full:
            shown = subprocess.run(
                [sys.executable, "-c", MAIN, command], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
            )
        assert shown.returncode == 2
        assert shown.stderr.startswith("sda-engine: error: ")
        assert shown.stderr.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals and pipes")
def test_ctrl_c_leaves_with_130() -> None:
    code = """
import click, time
from sda.cli import main as frame
@click.command("params")
def slow():
    click.echo("ready")
    time.sleep(30)
frame.LazyGroup.get_command = lambda self, ctx, name: slow
frame.main(["params"])"""
    process = subprocess.Popen([sys.executable, "-uc", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.strip() == "sda-engine: error: interrupted"
