"""What a built wheel holds, and that it works where nothing of the checkout is near."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(out.glob("sda_engine-*.whl"))


def test_the_wheel_has_one_package_and_everything_in_it(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"sda", "sda_engine"}
    vendored = {f"sda/_vendor/bigvgan/{name}" for name in ("PIN.toml", "__init__.py")}
    font = {f"sda/panel/fonts/{name}" for name in ("DejaVuSans.ttf", "LICENSE")}
    wanted = vendored | font | {"sda/data/base.safetensors", "sda/data/contact_sheet.html", "sda/py.typed"}
    assert wanted <= set(names)


def test_the_wheel_works_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        "import sda, sda.cli.main; from sda._vendor import bigvgan; from sda.formats.base import read_base\n"
        "print(sda.__file__, bigvgan.__file__, bigvgan.pin().size, read_base()[0].hop)"
    )
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n{code}"]
    out = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path).stdout.split()
    assert all(path.startswith(str(tmp_path)) for path in out[:2])
    assert out[2:] == ["489041291", "512"]


def test_the_checkout_reaches_vendor() -> None:
    from sda._vendor import bigvgan

    assert Path(bigvgan.__file__).parents[1] == ROOT / "vendor"
