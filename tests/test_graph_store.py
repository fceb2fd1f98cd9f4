"""Graphs kept on the disk: made once, never wrong, never in the way."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_models import sounding

from sda import graph_store
from sda.core import graphs
from sda.core.vocoder import HifiganVocoder
from sda.graph_store import GraphStore
from sda.model import Model
from sda.spec import GeneratorSpec
from sda.voices import part

MEL = (np.random.default_rng(0).normal(size=(128, 41)) * 2 - 6).astype(np.float32)


def refuse(*_: object) -> bytes:
    raise AssertionError("made although it was kept")


def test_what_was_put_is_got_by_its_name_alone(tmp_path: Path) -> None:
    store = GraphStore(tmp_path / "a" / "b")
    assert store.get("one") is None
    assert graphs.made(store, "one", lambda: b"graph") == b"graph"
    assert graphs.made(GraphStore(store.folder), "one", refuse) == b"graph"
    assert store.get("two") is None
    assert graphs.made(None, "one", lambda: b"other") == b"other"


@pytest.mark.parametrize("damage", ["cut", "one bit", "empty", "another's", "longer"])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: str) -> None:
    store = GraphStore(tmp_path)
    store.put("one", b"graph" * 100)
    (path,) = tmp_path.iterdir()
    good = path.read_bytes()
    bad = {"cut": good[:-7], "empty": b"", "another's": bytes(len(good)), "longer": good + b"x"}
    path.write_bytes(bad.get(damage, good[:40] + bytes([good[40] ^ 1]) + good[41:]))
    assert store.get("one") is None
    assert graphs.made(store, "one", lambda: b"new") == b"new"
    assert store.get("one") == b"new"


def test_a_folder_that_cannot_be_used_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    store = GraphStore(tmp_path / "file" / "graphs")
    assert [graphs.made(store, "one", lambda: b"graph") for _ in range(2)] == [b"graph", b"graph"]
    assert store.get("one") is None


def test_the_longest_unused_are_thrown_out(tmp_path: Path) -> None:
    store = GraphStore(tmp_path, limit=1000)
    for name in "abc":
        store.put(name, bytes(250))  # 282 bytes with its sum: three find room, four do not
        stamp(tmp_path)
    assert store.get("a") is not None  # used, and so the youngest
    (tmp_path / ".half.graph").write_bytes(bytes(100))  # what a killed process left, older than all
    stamp(tmp_path, ".half.graph", years=30)
    store.put("d", bytes(250))
    assert [name for name in "abcd" if store.get(name) is not None] == ["a", "c", "d"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 1000
    store.put("huge", bytes(2000))
    assert store.get("huge") is None
    assert store.get("d") is not None


def stamp(folder: Path, name: str = "", years: int = 1) -> None:
    """Make files older, keeping their order: the clock of a file may be too coarse to tell what follows at once."""
    for path in folder.iterdir():
        if path.name.startswith(name):
            before = path.stat().st_mtime_ns
            os.utime(path, ns=(before, before - years * 10**9))


def test_many_at_once_never_see_a_half_file(tmp_path: Path) -> None:
    wrong: list[bytes] = []
    content = bytes(range(256)) * 400

    def work(number: int) -> None:
        store = GraphStore(tmp_path, limit=3 * len(content))
        for turn in range(40):
            name = f"{(turn + number) % 5}"
            found = graphs.made(store, name, lambda: content)
            if found != content:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_name_holds_everything_that_goes_into_a_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = sounding()
    spec, weights = document.vocoder, part(document, "vocoder.")
    assert spec is not None
    name = graphs.content("hifigan", spec, weights)
    assert graphs.content("hifigan", spec, dict(reversed(weights.items()))) == name
    other = weights["conv_post.bias"] + np.float32(1e-6)
    assert graphs.content("hifigan", spec, weights | {"conv_post.bias": other}) != name
    assert graphs.content("hifigan", replace(spec, causal_stages=0), weights) != name
    assert graphs.content("VAE", spec, weights) != name
    store = GraphStore(tmp_path)
    store.put(name, b"graph")
    monkeypatch.setattr(graph_store, "_program", lambda: "a later version")
    assert store.get(name) is None


def test_a_vocoder_from_kept_graphs_is_the_same_and_makes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = sounding()
    spec, weights = document.vocoder or GeneratorSpec(), part(document, "vocoder.")
    store = GraphStore(tmp_path)
    expected = HifiganVocoder(spec, weights)(MEL)
    assert np.abs(expected).max() > 0.01
    np.testing.assert_array_equal(HifiganVocoder(spec, weights, kept=store)(MEL), expected)
    assert len(list(tmp_path.iterdir())) == 4  # graphs of 32, 2 and 1 frames, and the start
    monkeypatch.setattr("sda.core.graph_hifigan.step_graph", refuse)
    again = HifiganVocoder(spec, weights, kept=store)
    np.testing.assert_array_equal(again(MEL), expected)
    with pytest.raises(
        AssertionError, match="although"
    ):  # other weights are another network: they ask for a graph of their own
        HifiganVocoder(spec, {name: 2 * weight for name, weight in weights.items()}, kept=store)


def test_a_model_s_second_process_loads_nothing_that_writes_graphs(home: Path, tmp_path: Path) -> None:
    from sda.formats import distill

    path = tmp_path / "a.distill"
    distill.write(path, sounding())
    program = f"""
import sys, hashlib, sda
sound = sda.load({str(path)!r}).render(0.2, sliders={{1: 3.0}})
print("onnx" in sys.modules, hashlib.sha256(sound.tobytes()).hexdigest())
"""
    first, second = (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split() for _ in "ab"
    )
    assert (first[0], second[0]) == ("True", "False")
    assert first[1] == second[1]
    for kept in (home / "cache" / "graphs").iterdir():
        kept.write_bytes(b"damaged")
    assert Model(sounding()).render(0.2, sliders={1: 3.0}).shape == (2, 9600)
