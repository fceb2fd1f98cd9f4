"""One engine, one screen and one window for the tests of a file; each begins with defaults and the view that plays."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "live"))
from live_session import Session, session
from screen import Panel, Screen, panel, screen
from small_models import sounding

from sda.library import Library


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that ask for a window are marked so, as those are that open one themselves, and need what shows one."""
    missing = [name for name in ("Xvfb", "xdotool", "import") if not shutil.which(name)]
    for item in items:
        if {"window", "display"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.window)
        if missing and item.get_closest_marker("window"):
            item.add_marker(pytest.mark.skip(reason=f"needs {', '.join(missing)}"))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A library with two models, one of them with a map."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("home")
        patch.setenv("SDA_HOME", str(home))
        Library().add(sounding("pebbles", chunks=12))
        Library().add(sounding("bells", seed=1))
        yield home


@pytest.fixture(scope="module")
def engine(library: Path) -> Iterator[Session]:
    with session("pebbles", "--audio", "null") as running:
        running.socket.settimeout(60)
        yield running


@pytest.fixture(scope="module")
def display() -> Iterator[Screen]:
    with screen() as made:
        yield made


@pytest.fixture(scope="module")
def shown(engine: Session, display: Screen, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with panel(display, engine.port, tmp_path_factory.mktemp("panel")) as made:
        yield made


@pytest.fixture
def window(engine: Session, shown: Panel) -> Panel:
    """The window, as if it had just been opened."""
    shown.until(lambda items: any(item["kind"] == "mvTab" for item in items))
    shown.show("Play")
    for address in ("/sda/play", "/sda/gain", "/sda/slider/1", "/sda/slider/2", "/sda/map/share"):
        engine.send(address, 1.0)  # a value that it was sent before would be no move
        engine.send(address, 0.0)
    assert engine.ask("/sda/sync", 1).params == [1]
    return shown
