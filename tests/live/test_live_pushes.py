"""What a running engine tells by itself: its level, a look at its sound, its log."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from live_session import Session, session
from pythonosc.osc_message import OscMessage
from small_models import sounding

from sda.library import Library


def hear(running: Session, address: str) -> OscMessage:
    """The next message to this address."""
    for _ in range(1000):
        message = running.receive()
        if message.address == address:
            return message
    raise AssertionError(address)


def test_level_and_scope_show_what_is_heard(home: Path) -> None:
    Library().add(sounding("pebbles"))
    with session("pebbles", "--play", "--audio", "null") as running:
        running.socket.settimeout(60)
        running.send("/sda/listen", "meter")  # of the controls none
        loud = max(max(hear(running, "/sda/meter").params) for _ in range(20))
        assert -60 < loud <= 0
        running.send("/sda/scope/listen")
        looks = [hear(running, "/sda/scope").params for _ in range(20)]
        waves = np.array([struct.unpack(">160f", wave) for wave, _ in looks])
        spectra = np.array([struct.unpack(">128f", spectrum) for _, spectrum in looks])
        assert np.isfinite(waves).all()
        assert 0.001 < np.abs(waves).max() <= 1.0
        assert (np.ptp(waves, axis=0) > 0).all()  # it moves
        assert -100 < spectra.max() < 3
        running.send("/sda/panic")
        for _ in range(10):
            hear(running, "/sda/scope")
        assert hear(running, "/sda/meter").params == [-120.0, -120.0]
        wave, spectrum = hear(running, "/sda/scope").params
        assert not any(wave)
        assert set(struct.unpack(">128f", spectrum)) == {-120.0}
        running.end()


def test_the_log_is_told_line_by_line(home: Path) -> None:
    with session("--audio", "null") as running:
        running.socket.settimeout(60)
        running.send("/sda/log/listen", running.port)
        assert running.receive().params[:2] == ["/sda/log/listen", "refused"]  # the engine's own port
        running.send("/sda/log/listen")
        running.send("/sda/model", "nobody")
        assert "no model 'nobody'" in hear(running, "/sda/log").params[0]
        running.until("no model 'nobody'")
        running.end()
