"""What `import sda` offers, and how little it costs."""

import subprocess
import sys

import pytest

import sda


def test_the_public_names() -> None:
    assert sorted(sda.__all__) == ["Model", "SdaError", "Slider", "load", "mel", "vocoder"]
    assert [name for name in dir(sda) if name != "__version__"] == sorted(sda.__all__)


@pytest.mark.parametrize("name", sda.__all__)
def test_every_public_name_is_there(name: str) -> None:
    found = getattr(sda, name)
    assert found.__name__.split(".")[-1] == name
    assert found.__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = sda.nonsense


def test_import_is_light() -> None:
    code = "import sys, sda; print(sorted({'torch', 'numpy', 'onnxruntime', 'click', 'rich'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (shown.stdout, shown.stderr) == ("[]\n", "")


def test_the_networks_on_the_processor_need_no_torch() -> None:
    code = "import sys, sda; sda.load, sda.Slider, sda.mel, sda.vocoder; print('torch' in sys.modules, 'numpy' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (shown.stdout, shown.stderr) == ("False True\n", "")
