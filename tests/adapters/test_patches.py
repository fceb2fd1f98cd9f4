"""`patches/` and the guide: every address is one that the engine knows, what is made from the registry is up to date."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from osc_desk import Desk

from sda.acts import ACTS
from sda.params import PARAMS

PATCHES = Path(__file__).parents[2] / "patches"
GUIDE = PATCHES.parent / "examples" / "guide"
FILES = sorted(path for path in (*PATCHES.rglob("*"), *GUIDE.glob("*.md")) if path.is_file() and path.suffix != ".pyc")
# In text with the first slash, as the name of a channel without; in Pure Data as the words of an [oscformat].
ADDRESS = re.compile(r"(?<![\w.])/?(sda/[a-z][\w/@$-]*)")
WORDS = re.compile(r"oscformat (sda [^;]*);")
PLACE = re.compile(r"[\\$#]+\d|@")  # where a number goes: $1, \$1, @


def addresses(text: str) -> set[str]:
    """Every address in a text, with 1 for a number to come."""
    found = ADDRESS.findall(text) + [words.replace(" ", "/") for words in WORDS.findall(text)]
    return {"/" + PLACE.sub("1", address).rstrip("/-") for address in found}


def unknown(desk: Desk, address: str) -> bool:
    """Whether the engine says that there is no such address."""
    desk.now += 10.0  # errors are told once a second
    return any(answer[0] == "/sda/error" and answer[2] == "unknown" for answer in desk.send(address, 1))


def made_by(path: Path) -> dict[str, str]:
    """What a `make.py` makes: file name -> content."""
    spec = importlib.util.spec_from_file_location(f"make_{path.parent.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    files: dict[str, str] = module.files()
    return files


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk(names=["brightness", *(f"axis {n}" for n in range(15))])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PATCHES.parent)))
def test_every_address_is_one_that_the_engine_knows(path: Path, desk: Desk) -> None:
    found = addresses(path.read_text(encoding="utf-8"))
    assert {address for address in found if unknown(desk, address)} == set()
    assert found or path.suffix in (".jsfx", ".py") or path.parent == GUIDE


def test_a_wrong_address_would_be_found(desk: Desk) -> None:
    text = 'prepend /sda/slidr/$1" and [oscformat sda gian norm; channel `sda/densty`'
    assert {a for a in addresses(text) if unknown(desk, a)} == {"/sda/slidr/1", "/sda/gian/norm", "/sda/densty"}
    assert not unknown(desk, "/sda/param")  # ours, which comes back


@pytest.mark.parametrize("maker", sorted(PATCHES.rglob("make.py")), ids=lambda path: path.parent.name)
def test_what_is_made_from_the_registry_is_up_to_date(maker: Path) -> None:
    for name, content in made_by(maker).items():
        message = f"{name} is not what {maker.relative_to(PATCHES.parent)} makes of the registry now: run it"
        assert (maker.parent / name).read_text(encoding="utf-8") == content, message


def test_pure_data_has_every_control_and_every_act_that_a_button_or_a_name_can_ask_for() -> None:
    found = addresses((PATCHES / "puredata" / "sda.pd").read_text(encoding="utf-8"))
    assert {row.address for row in PARAMS} <= found
    assert {act.address for act in ACTS if not any(a.needed for a in act.arguments)} <= found


def patterns() -> Iterator[tuple[str, str, str]]:
    """What the pattern file of REAPER says: (action, kind of value, address)."""
    for line in (PATCHES / "reaper" / "sda.ReaperOSC").read_text(encoding="utf-8").splitlines():
        word, *rest = line.split() or ["#"]
        if word.startswith(("#", "DEVICE_", "REAPER_")):
            continue
        yield from ((word, pattern[0], pattern[1:]) for pattern in rest)


def test_what_reaper_sends_moves_sliders_and_starts_the_sound() -> None:
    # As http://www.reaper.fm/sdk/osc/osc.php has it: a float from 0 to 1 for n, 1 or 0 for t, @ the parameter's number.
    # Written out by hand: address and type tags padded with zeros to fours, then a big-endian float.
    assert list(patterns()) == [("PLAY", "t", "/sda/play"), ("FX_PARAM_VALUE", "n", "/sda/slider/@/norm")]
    desk = Desk()
    assert desk.raw(b"/sda/play\0\0\0,f\0\0\x3f\x80\0\0") == []
    assert desk.raw(b"/sda/slider/2/norm\0\0,f\0\0\x3f\x40\0\0") == []  # 0.75
    assert (desk.controls.get("play"), desk.controls.get("slider.2")) == (True, 5.0)
    desk.raw(b"/sda/play\0\0\0,f\0\0\0\0\0\0")
    assert desk.controls.get("play") is False
    effect = (PATCHES / "reaper" / "sda_sliders.jsfx").read_text(encoding="utf-8")
    count = int(re.search(r"DEVICE_FX_PARAM_COUNT (\d+)", (PATCHES / "reaper" / "sda.ReaperOSC").read_text())[1])  # type: ignore[index]
    assert re.findall(r"^slider(\d+):0\.5<0,1,", effect, re.MULTILINE) == [str(n) for n in range(1, count + 1)]
