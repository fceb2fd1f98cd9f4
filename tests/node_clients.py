"""Clients in JavaScript that nobody here wrote: installed by npm once, into the folder where pytest keeps its cache."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import filelock
import pytest

PACKAGES = {"node-osc": "9.1.7", "osc-js": "2.4.1", "oscquery": "1.1.1"}
SCRIPTS = Path(__file__).parent / "adapters" / "clients"
INSTALLING = 300.0  # s, most of it the network's


def installed(folder: Path) -> Path:
    """The folder of the packages. Skips the test where there is no npm or it cannot install."""
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("node and npm are not installed")
    wanted = json.dumps({"private": True, "dependencies": PACKAGES})
    manifest = folder / "package.json"
    with filelock.FileLock(folder / "lock"):
        if manifest.exists() and manifest.read_text() == wanted:
            return folder / "node_modules"
        (folder / "npm.json").write_text(wanted)
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--silent"]
        exact = [f"{name}@{version}" for name, version in PACKAGES.items()]
        try:
            done = subprocess.run(
                [*command, "--prefix", str(folder), *exact], capture_output=True, text=True, timeout=INSTALLING, check=False
            )
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm did not install within {INSTALLING:g} s")
        if done.returncode:
            pytest.skip(f"npm cannot install here: {(done.stderr or done.stdout).strip()[-200:]}")
        manifest.write_text(wanted)
    return folder / "node_modules"


def started(modules: Path, script: str, *arguments: object) -> subprocess.Popen[str]:
    """A script of `clients/`, running; it prints a JSON value a line."""
    command = ["node", str(SCRIPTS / script), *map(str, arguments)]
    environment = {**os.environ, "NODE_PATH": str(modules)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def said(modules: Path, script: str, *arguments: object) -> list[Any]:
    """What a script of `clients/` printed until it ended by itself."""
    with started(modules, script, *arguments) as running:
        try:
            out, errors = running.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            running.kill()
            raise
    assert running.returncode == 0, errors
    return [json.loads(line) for line in out.splitlines()]
