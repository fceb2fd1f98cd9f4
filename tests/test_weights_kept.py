"""BigVGAN's files once they are here: brought by hand, believed as long as they stay as they were, copied for speed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hub_server import published_config
from safetensors.numpy import save_file
from weights_desk import CONTENT, PIN, is_whole

from sda.errors import WeightsError
from sda.weights import Store, bring
from sda.weights.config import check_config


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache", PIN)


@pytest.mark.parametrize("content", [b"", b"[]", b"[" * 60_000, b"{}", b"\xff\xfe", b" " * 70_000])
def test_what_is_no_configuration(content: bytes) -> None:
    with pytest.raises(WeightsError, match=r"config\.json: "):
        check_config(content, "config.json")


@pytest.fixture
def by_hand(tmp_path: Path) -> Path:
    folder = tmp_path / "by hand"
    folder.mkdir()
    (folder / PIN.file).write_bytes(CONTENT)
    (folder / "config.json").write_bytes(published_config())
    return folder


def test_import(store: Store, by_hand: Path) -> None:
    state = bring(store, by_hand)
    assert (state.status, state.verdict, state.config.verdict) == ("present", "verified", "verified")
    assert is_whole(store)
    assert (by_hand / PIN.file).read_bytes() == CONTENT


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"x", bytes(len(CONTENT)), b""])
def test_import_refuses_what_is_not_pinned(store: Store, by_hand: Path, content: bytes) -> None:
    (by_hand / PIN.file).write_bytes(content)
    with pytest.raises(WeightsError, match="nothing was taken") as error:
        bring(store, by_hand)
    same = len(content) == PIN.size
    assert (f"expected {PIN.sha256}" if same else f"found {len(content)} bytes, expected 600000") in str(error.value)
    assert store.state().status == "absent"
    state = bring(store, by_hand, unverified=True)
    assert (state.verdict, state.generator.sha256) == ("unverified", hashlib.sha256(content).hexdigest())
    assert store.usable().read_bytes() == content
    assert store.verify().verdict == "unverified"


def test_import_says_what_it_lacks(store: Store, by_hand: Path) -> None:
    for folder in (by_hand / "nowhere", by_hand / PIN.file):
        with pytest.raises(WeightsError, match="expected the folder"):
            bring(store, folder)
    (by_hand / "config.json").write_bytes(b"{}")
    with pytest.raises(WeightsError, match="sampling_rate: found nothing, expected 44100"):
        bring(store, by_hand, unverified=True)
    (by_hand / "config.json").unlink()
    assert bring(store, by_hand).status == "present"
    (by_hand / PIN.file).unlink()
    with pytest.raises(WeightsError, match=r"found no bigvgan_generator\.pt"):
        bring(store, by_hand)


def test_a_verdict_holds_for_a_size_and_a_time(store: Store, by_hand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(store, by_hand)
    hashed = list[Path]()
    monkeypatch.setattr("sda.weights.store.sha256", lambda path: hashed.append(path) or PIN.sha256)
    store.usable()
    assert hashed == []
    os.utime(store.generator, ns=(1, 1))
    assert store.state().verdict == "unchecked"
    store.usable()
    store.usable()
    assert hashed == [store.generator]


def test_a_folder_that_takes_no_notes_is_still_used(store: Store, by_hand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(store, by_hand)
    os.utime(store.generator, ns=(1, 1))

    def refuse(*asked: object, **more: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    assert store.usable().read_bytes() == CONTENT
    with pytest.raises(WeightsError, match="loading goes on without"):
        store.write_fast_copy({"a": np.ones(4, np.float32)})


@pytest.mark.parametrize("damage", [lambda c: c[:-5], lambda c: bytes([c[0] ^ 1]) + c[1:], lambda c: b""])
def test_damage_is_put_aside(store: Store, by_hand: Path, damage: Callable[[bytes], bytes]) -> None:
    bring(store, by_hand)
    store.generator.write_bytes(damage(CONTENT))
    assert not store.state().usable
    with pytest.raises(WeightsError, match=r"put aside as bigvgan_generator\.pt\.refused and not used"):
        store.usable()
    assert store.state().generator.status == "absent"


@pytest.mark.parametrize("note", ["", "[]", '{"bigvgan_generator.pt": {"size": "x"}}', "[" * 60_000, "\0"])
def test_a_damaged_note_is_no_note(store: Store, by_hand: Path, note: str) -> None:
    bring(store, by_hand)
    (store.folder / "verified.json").write_text(note)
    assert store.state().verdict == "unchecked"
    assert is_whole(store) is False
    store.usable()
    assert is_whole(store)


def test_remove(store: Store, by_hand: Path) -> None:
    assert store.remove() == 0
    bring(store, by_hand)
    notes = (store.folder / "verified.json").stat().st_size
    assert store.remove() == 600_000 + len(published_config()) + notes
    assert store.state().status == "absent"


def test_the_fast_copy_belongs_to_its_original(store: Store, by_hand: Path) -> None:
    bring(store, by_hand)
    assert store.read_fast_copy() is None
    arrays = {"conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4), "b": np.float16([1, 2]), "t": np.eye(3)[:, ::-1]}
    assert store.write_fast_copy(arrays) == store.fast_copy_path()
    assert store.state().fast_copy
    found = store.read_fast_copy()
    assert found is not None
    assert {name: (a.dtype, a.tolist()) for name, a in found.items()} == {n: (a.dtype, a.tolist()) for n, a in arrays.items()}
    (by_hand / PIN.file).write_bytes(b"other")
    bring(store, by_hand, unverified=True)
    assert store.read_fast_copy() is None
    assert not store.state().fast_copy


def test_a_touched_fast_copy_is_passed_over(store: Store, by_hand: Path) -> None:
    bring(store, by_hand)
    store.write_fast_copy({"a": np.ones(4, np.float32)})
    store.fast_copy_path().write_bytes(b"hurt")
    assert store.read_fast_copy() is None
    facts = store.fast_copy_path().stat()
    notes = json.loads((store.folder / "verified.json").read_text())
    notes["folded.safetensors"] |= {"size": facts.st_size, "mtime_ns": facts.st_mtime_ns}
    (store.folder / "verified.json").write_text(json.dumps(notes))
    assert store.read_fast_copy() is None  # neither by a note that fits
    save_file({"a": np.ones(4, np.float32)}, store.fast_copy_path(), {"source": "of something else"})
    facts = store.fast_copy_path().stat()
    notes["folded.safetensors"] |= {"size": facts.st_size, "mtime_ns": facts.st_mtime_ns}
    (store.folder / "verified.json").write_text(json.dumps(notes))
    assert store.read_fast_copy() is None
