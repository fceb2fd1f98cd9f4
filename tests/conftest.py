"""What every test may use. That this file exists puts `tests/` on the path: tests share `small_models` and `contract`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def nobodys_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A library for tests that name none: what they cache must not land in a user's, nor a window on their screen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SDA_HOME", str(tmp_path_factory.mktemp("library")))
        patch.delenv("DISPLAY", raising=False)  # windows are opened on screens of our own
        yield


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty library that the program and its children use."""
    monkeypatch.setenv("SDA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
