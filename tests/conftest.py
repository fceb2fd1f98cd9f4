"""What every test may use. That this file exists puts `tests/` on the path: tests share `small_models` and `contract`."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty library that the program and its children use."""
    monkeypatch.setenv("SDA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
