"""Several processes that train one net: starting them through torchrun, and joining them into one group.

The process that a person starts only waits. It holds a pipe that is its workers' standard input: closed, because it was
asked to stop or is gone, it asks them to stop, so that no request is lost while they load. They live in sessions of their
own, out of a terminal's reach. The leader writes to the terminal; whatever else is said, by workers, torchrun or
libraries, goes to `workers.log`, and the first error that a user can mend to `workers.error`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType

import torch
from torch import distributed
from torch.distributed.rendezvous import rendezvous

import sda
from sda.errors import DeviceError, SdaError, TrainError
from sda.train.device import pick
from sda.train.together import Together

JOINING = timedelta(minutes=10)  # until all machines must have come
SILENCE = timedelta(hours=2)  # that the others bear while the leader reads recordings or measures
LOG, ERROR = "workers.log", "workers.error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """How many processes train one net, and on which machines. Raises `TrainError` for what cannot be."""

    processes: int = 1  # on each machine
    machines: int = 1
    machine: int = 0  # this one's number
    rendezvous: str | None = None  # HOST:PORT of machine 0

    def __post_init__(self) -> None:
        if not 0 <= self.machine < self.machines:
            last = self.machines - 1
            raise TrainError(f"found --node-rank {self.machine} of {self.machines} machines; expected 0 to {last}")
        if self.machines > 1:
            self._address()

    @property
    def count(self) -> int:
        """Processes on all machines together."""
        return self.processes * self.machines

    @property
    def leads(self) -> bool:
        """Whether the leader is on this machine."""
        return self.machine == 0

    def check(self, device: str, batch: int | None) -> None:
        """Raises `SdaError` where the processes do not suit the processor that is wished for, or the batch."""
        check_processor(pick(device), self.processes, self.count)
        if batch:
            Together(count=self.count).share(batch)

    def torchrun(self) -> list[str]:
        """torchrun's options."""
        processes = f"--nproc-per-node={self.processes}"
        if self.machines == 1:
            return ["--standalone", "--local-addr=localhost", processes]
        host, port = self._address()
        machines = [f"--nnodes={self.machines}", f"--node-rank={self.machine}"]
        return [*machines, f"--master-addr={host}", f"--master-port={port}", processes]

    def _address(self) -> tuple[str, int]:
        host, _, port = (self.rendezvous or "").rpartition(":")
        if not (host and port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16):
            found = f"--rendezvous {self.rendezvous!r}" if self.rendezvous else "no --rendezvous"
            raise TrainError(f"found {found} for {self.machines} machines; expected HOST:PORT of machine 0, the same on each")
        return host.strip("[]"), int(port)


def check_processor(kind: str, processes: int, count: int) -> None:
    """Raises `DeviceError` where `processes` of a machine, of `count` in all, cannot train on this kind of processor."""
    if count > 1 and not (distributed.is_available() and kind in ("cpu", "cuda")):
        raise DeviceError(f"found {count} processes on {kind}; expected cpu or cuda, or one process")
    if kind == "cuda" and processes > torch.cuda.device_count():
        raise DeviceError(f"found --nproc {processes} for {torch.cuda.device_count()} GPUs; expected a GPU for each process")


def launch(crew: Crew, folder: Path, command: Sequence[str]) -> None:
    """Start this machine's workers, `python -m <command>`, and wait for their end; their words go into `folder`.

    The first SIGINT or SIGTERM asks them to stop, the second ends them. Raises `TrainError` with what stopped them, and
    `KeyboardInterrupt` after a second signal.
    """
    (folder / ERROR).unlink(missing_ok=True)
    arguments = [sys.executable, "-P", "-m", "torch.distributed.run", *crew.torchrun(), "-m", *command]
    with (
        (folder / LOG).open("ab") as log,
        subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stderr=log, env=_environment(),
            start_new_session=os.name == "posix", creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        ) as process,
        _passing_on(process),
    ):  # fmt: skip
        code = process.wait()
    if (folder / ERROR).exists():
        raise TrainError((folder / ERROR).read_text("utf-8"))
    if code:
        raise TrainError(f"one of {crew.count} processes failed; what was said is in {folder / LOG}")


def _environment() -> dict[str, str]:
    """This environment, with this very `sda` importable, and nothing from the folder that one happens to be in."""
    path = os.pathsep.join(filter(None, (str(Path(sda.__file__).parents[1]), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}


@contextmanager
def _passing_on(process: subprocess.Popen[bytes]) -> Iterator[None]:
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in signals}
    times = 0

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal times
        times += 1
        assert process.stdin is not None
        process.stdin.close()
        if times > 1:
            process.terminate()

    for number in signals:
        signal.signal(number, ask)
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)
    if times > 1:
        raise KeyboardInterrupt


@contextmanager
def starter_asks(ask: Callable[[], None]) -> Iterator[None]:
    """Call `ask` from a thread once the process that a person started wants its workers to stop, or is gone."""

    def wait() -> None:
        while os.read(0, 1):
            pass
        ask()

    threading.Thread(target=wait, daemon=True).start()
    yield


@contextmanager
def working(folder: Path) -> Iterator[int]:
    """Be a worker: unmoved by Ctrl-C, silent unless leading, with errors written into `folder`. Yields the rank.

    Raises `TrainError` in a process that torchrun did not start.
    """
    if "RANK" not in os.environ:
        raise TrainError("found --join outside of a group of processes; expected --nproc, which starts them")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    rank = int(os.environ["RANK"])
    if rank:
        os.dup2(2, 1)
    try:
        yield rank
    except SdaError as error:
        try:
            with (folder / ERROR).open("x", encoding="utf-8") as file:
                file.write(str(error))
        except FileExistsError:
            pass  # the first error is the cause
        raise


@contextmanager
def joined(name: str, device: str) -> Iterator[tuple[Together, str]]:
    """Join the group that torchrun's environment describes. The leader's `name` and `device` hold for all.

    Yields this process among its like, and the leader's `name`. Raises `DeviceError` where a machine lacks the leader's
    kind of processor. An error inside leaves the group only with the process: the others may be waiting in a message.
    """
    rank, local, count, beside = (int(os.environ[key]) for key in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"))
    store, *_ = next(rendezvous("env://", timeout=JOINING))
    if rank == 0:
        store.set("leader", json.dumps([name, pick(device)]))
    name, kind = json.loads(store.get("leader"))
    check_processor(pick(kind), beside, count)
    if kind == "cuda":
        torch.cuda.set_device(local)
    backend = "cpu:gloo,cuda:nccl" if kind == "cuda" else "gloo"
    distributed.init_process_group(backend, store=store, rank=rank, world_size=count, timeout=SILENCE)
    yield Together(rank, count, beside, f"cuda:{local}" if kind == "cuda" else kind), name
    distributed.destroy_process_group()
