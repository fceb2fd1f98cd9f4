"""Who may import whom: a house of seven floors, and a few libraries that may only be met in certain rooms."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import sda

ROOT = Path(sda.__file__).parent
FLOORS = {
    1: "errors _vendor priority job",
    2: "spec params acts mapping weights",
    3: "core formats control",
    4: "catalog library presets sources graph_store universal choice voices train adapters",
    5: "model mel panel",
    6: "live",
    7: "cli",
}
FLOOR = {name: floor for floor, names in FLOORS.items() for name in names.split()}
PURE = {"os", "io", "pathlib", "tempfile", "shutil", "threading", "multiprocessing", "subprocess", "socket", "time", "datetime",
        "random", "soundfile", "sounddevice"}  # fmt: skip
NETS = ("core.hifigan.", "core.hifigan_device.", "core.vae.")
ANALYSIS = (
    "core.analysis.",
    "core.curves.",
    "core.solve.",
    "core.survey.",
)  # differentiates through the decoder; not live
ROOMS = {  # library: the modules that may import it
    "torch": (*NETS, *ANALYSIS, "train.", "_vendor."),
    "jack": ("live.player_transport.",),
    "sounddevice": ("live.player",),  # and the modules of that process, live.player_*
    "dearpygui": ("panel.",),
    "socket": ("adapters.",),
    "socketserver": ("adapters.",),
    "rtmidi": ("adapters.",),
    "soundfile": ("formats.audio.", "formats.audio_out."),
}


def imports(source: str) -> Iterator[str]:
    """Dotted names that a module imports, wherever in it; `from sda import x` counts as sda.x."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            module = node.module or ""
            yield from (f"sda.{alias.name}" for alias in node.names) if module == "sda" else (module,)


def offences(name: str, source: str) -> list[str]:
    """What is wrong with the imports of the module `name`, which is dotted and without `sda.`."""
    home, found = name.split(".")[0], []
    for wanted in imports(source):
        first, *rest = wanted.split(".")
        if first == "sda":
            other = rest[0] if rest else ""
            same_floor_from_core = home == "core" and other != home and FLOOR.get(other) == FLOOR[home]
            if FLOOR.get(other, 0) > FLOOR[home] or same_floor_from_core:
                found.append(f"{name} imports {wanted}")
        elif (home == "core" and first in PURE) or not f"{name}.".startswith(ROOMS.get(first, ("",))):
            found.append(f"{name} imports {wanted}")
    return found


def modules() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_stands_below_it(path: Path) -> None:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    assert name.split(".")[0] in FLOOR, "a module without a floor"
    assert offences(name, path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("core.grid", "from sda.formats import audio"),
        ("core.grid", "def f():\n    from sda.model import Model"),
        ("core.grid", "import threading"),
        ("core.graph", "import torch.nn"),
        ("spec", "from sda import library"),
        ("library", "import sda.live.engine"),
        ("live.renderer", "import torch"),
        ("live.engine", "import sounddevice"),
        ("cli.generate", "from torch import Tensor"),
        ("live.engine", "import socket"),
    ],
)
def test_a_wrong_import_is_found(name: str, source: str) -> None:
    assert len(offences(name, source)) == 1
