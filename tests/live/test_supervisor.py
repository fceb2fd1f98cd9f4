"""A role that is always to be filled: a child that hangs is taken for dead and replaced."""

from __future__ import annotations

import os
import queue
import signal
import time
from pathlib import Path

import pytest

from sda.live.ring import Ring
from sda.live.supervisor import HUNG, Events, Role

RATE = 48_000


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks at /proc")
def test_a_child_that_hangs_is_replaced() -> None:
    events: Events = queue.SimpleQueue()
    role = Role("player", lambda: {"ring": ring.name, "audio": "null", "rate": RATE, "duration": None}, events)
    ring = Ring.create(RATE)
    role.start()
    assert role.child is not None
    first = role.child.process.pid
    while (events.get(timeout=10)[1] or {})["kind"] != "report":
        pass
    os.kill(first, signal.SIGSTOP)
    now = time.monotonic()
    assert not role.revive(now + HUNG - 1)
    while "State:\tT" not in Path(f"/proc/{first}/status").read_text():  # the signal takes effect a little later
        time.sleep(0.01)
        assert time.monotonic() < now + 10
    role.revive(now + HUNG + 1)
    while events.get(timeout=10)[1] is not None:
        pass
    assert role.bury(now) == "exit code -9"
    assert role.revive(now + 1)
    assert role.child.process.pid != first
    role.stop(3)
    ring.close()
