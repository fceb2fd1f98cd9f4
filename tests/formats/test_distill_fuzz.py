"""Whatever becomes of a `.distill` file's bytes, it loads as it was or is refused in one line."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import document

from sda.errors import ModelError
from sda.formats import distill

GOOD = distill.encode(document())


def outcome(content: bytes) -> bytes | str:
    """What is read, written again; or why it was refused. Any other error goes through."""
    try:
        return distill.encode(distill.decode(content))
    except ModelError as error:
        return str(error)


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
@settings(max_examples=500, deadline=None)
def test_a_spoiled_byte_is_equal_or_refused(place: int, mask: int) -> None:
    spoiled = bytearray(GOOD)
    spoiled[place] ^= mask
    found = outcome(bytes(spoiled))
    assert found == GOOD or isinstance(found, str)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_spoiled_header_is_equal_or_refused(data: st.DataObject) -> None:
    end = 8 + int.from_bytes(GOOD[:8], "little")
    at = data.draw(st.integers(0, end - 1))
    found = outcome(GOOD[:at] + data.draw(st.binary(max_size=6)) + GOOD[at + data.draw(st.integers(0, 6)) :])
    assert found == GOOD or isinstance(found, str)


@given(st.integers(0, len(GOOD) - 1))
@settings(max_examples=200, deadline=None)
def test_a_truncated_file_is_refused(length: int) -> None:
    with pytest.raises(ModelError):
        distill.decode(GOOD[:length])


def forged(change: Callable[[dict[str, Any]], object]) -> bytes:
    """A file whose document was edited and whose hashes were made anew."""
    length = int.from_bytes(GOOD[:8], "little")
    outer = json.loads(GOOD[8 : 8 + length])
    inner = json.loads(outer.pop("__metadata__")["sda"])
    tensors_digest, _ = inner.pop("tensors_sha256"), inner.pop("sha256")
    change(inner)
    inner |= {"sha256": distill._digest(inner, tensors_digest, outer), "tensors_sha256": tensors_digest}
    header = json.dumps({"__metadata__": {"sda": json.dumps(inner)}, **outer}).encode()
    return len(header).to_bytes(8, "little") + header + GOOD[8 + length :]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(document().to_json())), JSON)
@settings(max_examples=300, deadline=None)
def test_any_json_in_any_field_is_loaded_or_refused(name: str, value: object) -> None:
    content = forged(lambda d: d.update({name: value}))
    found = outcome(content)
    assert isinstance(found, bytes) or "\n" not in found


@given(st.sampled_from(["grid", "vae"]), st.sampled_from(["n_mels", "frames", "hop", "scale", "gain", "n_fft", "x"]), JSON)
@settings(max_examples=200, deadline=None)
def test_any_json_in_a_spec_is_loaded_or_refused(part: str, name: str, value: object) -> None:
    found = outcome(forged(lambda d: d[part].update({name: value})))
    assert isinstance(found, bytes) or "\n" not in found


def test_a_forgery_without_a_change_loads() -> None:
    assert distill.encode(distill.decode(forged(lambda d: None))) == GOOD
