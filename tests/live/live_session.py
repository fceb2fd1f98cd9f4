"""A running `sda-engine run` for tests: its lines, its port, its children."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

RATE = 48_000  # Hz
COMMAND = [sys.executable, "-c", "from sda.cli.main import main; main()", "run"]


def samples(path: Path) -> np.ndarray:
    """What a file of ours holds [T, 2]."""
    wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
    assert rate == RATE
    return np.asarray(wave)


class Session:
    """A running `sda-engine run`, up to the end of its welcome."""

    def __init__(self, *arguments: str, fresh: bool = True, headless: bool = True) -> None:
        """fresh: begin with defaults, whatever an earlier session in the same library left. headless: without a window."""
        flags = [*(["--fresh"] if fresh else []), *(["--headless"] if headless else [])]
        command = [*COMMAND, "--osc", "127.0.0.1:0", *flags, *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.lines: list[str] = []
        self._rest = b""
        self.until("Ctrl-C ends it")
        self.port = int(re.search(r"OSC +127\.0\.0\.1:(\d+)", "\n".join(self.lines))[1])  # type: ignore[index]
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", self.port))
        self.socket.settimeout(5)

    def until(self, text: str) -> None:
        """Read lines up to one that holds this text."""
        assert self.process.stdout is not None
        end = time.monotonic() + 90
        while not any(text in line for line in self.lines):
            assert select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0], self.lines
            part = os.read(self.process.stdout.fileno(), 65536)
            assert part, self.lines
            *whole, self._rest = (self._rest + part).split(b"\n")
            self.lines += [line.decode() for line in whole]

    def send(self, address: str, *arguments: Any) -> None:
        builder = OscMessageBuilder(address)
        for argument in arguments:
            builder.add_arg(argument)
        self.socket.send(builder.build().dgram)

    def ask(self, address: str, *arguments: Any) -> OscMessage:
        self.send(address, *arguments)
        return self.receive()

    def receive(self) -> OscMessage:
        return OscMessage(self.socket.recv(65536))

    def act(self, address: str, *arguments: Any) -> list[Any]:
        """Perform a long act and wait for its end: what it came to, or code and text of the error."""
        self.send(address, *arguments)
        while True:
            told = self.receive()
            if told.address in ("/sda/done", "/sda/error") and told.params[0] == address:
                return list(told.params[1:])
            assert told.address == "/sda/accepted", (told.address, told.params)

    def value(self, id: str) -> Any:
        """The value of a control."""
        return self.ask(f"/sda/q/{id.replace('.', '/')}").params[0]

    def children(self) -> list[tuple[int, str]]:
        """Process id and command line of every living child."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    status, command = (entry / "status").read_text(), (entry / "cmdline").read_text()
                except OSError:
                    continue
                if f"PPid:\t{self.process.pid}\n" in status and "State:\tZ" not in status:
                    found.append((int(entry.name), command.replace("\0", " ")))
        return found

    def child(self, role: str) -> int:
        return next(number for number, command in self.children() if f"sda.live.{role}" in command)

    def end(self) -> str:
        """Ctrl-C; everything that was printed. The exit code must be 0."""
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self) -> str:
        rest = self.process.communicate(timeout=20)[0]
        assert self.process.returncode == 0, rest
        return "\n".join([*self.lines, (self._rest + rest).decode()])


@contextmanager
def session(*arguments: str, fresh: bool = True) -> Iterator[Session]:
    made = Session(*arguments, fresh=fresh)
    try:
        yield made
    finally:
        made.socket.close()
        made.process.kill()
        made.process.communicate()
