"""The README's Python, the demo, and every short example do what they say, from a checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
import soundfile

from sda.cli.main import cli

ROOT = Path(__file__).parents[2]
SHORT = 60  # lines


def test_the_readmes_python_runs(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.chdir(ROOT)
    code = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(code) == 1
    names: dict[str, np.ndarray] = {}
    exec(compile(code[0], "README.md", "exec"), names)
    assert names["sound"].shape == (2, 96_000)
    assert names["mel"].shape == (128, 88)
    assert -40 < 20 * np.log10(names["sound"].std()) < -3


def test_the_readmes_commands_exist() -> None:
    said = set(re.findall(r"sda-engine ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    out = subprocess.run([sys.executable, "-m", "sda.cli", "--help"], capture_output=True, text=True, check=True).stdout
    assert said <= set(re.findall(r"^  ([a-z-]+) ", out, re.MULTILINE))


@pytest.mark.parametrize("path", sorted((ROOT / "examples" / "guide").glob("*.md")), ids=lambda path: path.name)
def test_the_guide_names_commands_options_and_pages_that_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for name in set(re.findall(r"sda-engine ([a-z]+)", text)):
        command = cli.get_command(click.Context(cli), name)
        assert command is not None, name
        known = {option for parameter in command.params for option in parameter.opts}
        said = re.findall(rf"sda-engine {name}((?:(?!sda-engine)[^`\n])*)", text)
        assert set(re.findall(r"--[a-z]+", " ".join(said))) <= known, name
    run = {option for parameter in cli.get_command(click.Context(cli), "run").params for option in parameter.opts}  # type: ignore[union-attr]
    assert set(re.findall(r"`(--[a-z]+)", text)) <= run
    pages = [*re.findall(r"\]\(([\w.]+\.md)\)", text), *re.findall(r"`((?:patches|examples)/[\w/]+)`", text)]
    assert all((path.parent / page).exists() or (ROOT / page).exists() for page in pages)


@pytest.mark.slow
def test_the_demo_renders_and_is_steered(home: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "SDA_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "demo.py")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rendered, steered = tmp_path / "demo-out" / "driftwood.wav", tmp_path / "demo-out" / "driftwood-steered.wav"
    for path in (rendered, steered):
        assert str(path.relative_to(tmp_path)) in done.stdout
        sound, rate = soundfile.read(path)
        assert rate == 48_000
        assert -30 < 20 * np.log10(np.sqrt(np.square(sound).mean())) < -6
    assert soundfile.info(rendered).subtype == "PCM_24"
    assert soundfile.info(steered).frames == 8 * 48_000


@pytest.mark.parametrize("path", sorted(p for p in (ROOT / "examples").glob("*.py") if p.name != "make_recordings.py"), ids=str)
def test_examples_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= SHORT
