"""Damaged and forged model files of every kind: each loads as it was or is refused in one line, soon and in little memory.

    python tests/formats/test_mutated.py --count 2000

A child process of limited address space reads them one after the other, plays what loads, and notes time, memory and
whatever the interpreter would tell an auditor of: commands run, sockets opened, files written.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import pickletools
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
MEMORY = 1 << 30  # bytes beyond what the libraries take
SECONDS = 2.0
SEEDS = 60
AUDITED = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect", "pickle.find_class")
LARGE = (0, 1, 255, 1 << 16, (1 << 31) - 1, 1 << 40, -1)
TOKENS = (b"cos\nsystem\n", b"cbuiltins\neval\n", b"cposix\nsystem\n", b"R", b"b", b"\x81", b"Q", b"0", b"2", b"\x85" * 5000)

Random = np.random.Generator
Mutate = Callable[[bytes, Random], bytes]


def bit_flips(content: bytes, random: Random) -> bytes:
    spoiled = bytearray(content)
    for _ in range(int(random.integers(1, 9))):
        spoiled[int(random.integers(len(spoiled)))] ^= 1 << int(random.integers(8))
    return bytes(spoiled)


def head_flips(content: bytes, random: Random) -> bytes:
    """Flips among the first bytes, where headers and lists of contents lie."""
    end = min(len(content), 20_000)
    return bit_flips(content[:end], random) + content[end:]


def truncated(content: bytes, random: Random) -> bytes:
    return content[: int(random.integers(len(content)))]


def spliced(content: bytes, random: Random) -> bytes:
    """A piece of the file twice, or missing."""
    a, b = sorted(int(n) for n in random.integers(len(content), size=2))
    return content[:b] + content[a:] if random.random() < 0.5 else content[:a] + content[b:]


def rezipped(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """An archive with other entries and right checksums."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "a"), Path(folder, "b")
        source.write_bytes(content)
        with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
            for entry in old.infolist():
                new.writestr(entry.filename, change(entry.filename, old.read(entry)))
        return target.read_bytes()


def in_pickle(change: Callable[[bytes, Random], bytes]) -> Mutate:
    """A change of the list of contents, under right checksums."""

    def mutate(content: bytes, random: Random) -> bytes:
        return rezipped(content, lambda name, data: change(data, random) if name.endswith("data.pkl") else data)

    return mutate


def numbers_changed(pickle: bytes, random: Random) -> bytes:
    """A whole number of the pickle (shape, stride, count, version ...) becomes an unlikely one."""
    places = [(place, op.name) for op, _, place in pickletools.genops(pickle) if op.name in ("BININT", "BININT1", "BININT2")]
    place, name = places[int(random.integers(len(places)))]
    length = {"BININT": 5, "BININT1": 2, "BININT2": 3}[name]
    number = int(random.choice(LARGE))
    return pickle[:place] + b"\x8a\x08" + number.to_bytes(8, "little", signed=True) + pickle[place + length :]


def instructions_put_in(pickle: bytes, random: Random) -> bytes:
    """Instructions that run, make or nest something, at the beginning of another."""
    places = [place for _, _, place in pickletools.genops(pickle)]
    place = int(random.choice(places))
    return pickle[:place] + TOKENS[int(random.integers(len(TOKENS)))] + pickle[place:]


def tensors_swapped(content: bytes, random: Random) -> bytes:
    """Two tensors' entries exchanged, or one filled with NaN."""
    names = [name for name in zip_names(content) if "/data/" in name]
    one, other = (names[int(n)] for n in random.integers(len(names), size=2))
    taken: dict[str, bytes] = {}
    rezipped(content, lambda name, data: taken.setdefault(name, data))
    if random.random() < 0.5:
        taken[one], taken[other] = taken[other], taken[one]
    else:
        taken[one] = b"\xff" * len(taken[one])
    return rezipped(content, lambda name, data: taken[name])


def zip_names(content: bytes) -> list[str]:
    names: list[str] = []

    def note(name: str, data: bytes) -> bytes:
        names.append(name)
        return data

    rezipped(content, note)
    return names


def document_changed(content: bytes, random: Random) -> bytes:
    """A value of a `.distill` document becomes an unlikely one, its hashes made anew."""
    from sda.formats import distill

    length = int.from_bytes(content[:8], "little")
    outer = json.loads(content[8 : 8 + length])
    inner = json.loads(outer.pop("__metadata__")["sda"])
    tensors, _ = inner.pop("tensors_sha256"), inner.pop("sha256")
    target: Any = [inner, inner, outer][int(random.integers(3))]
    while True:
        keys = list(target) if isinstance(target, dict) else list(range(len(target)))
        key = keys[int(random.integers(len(keys)))]
        if not isinstance(target[key], dict | list) or not target[key] or random.random() < 0.2:
            break
        target = target[key]
    deep: Any = []
    for _ in range(int(random.choice((3, 40, 900)))):
        deep = [deep]
    unlikely = (*LARGE, 1e308, -1.5, None, True, "", "x" * 5000, deep, {"kind": "vae-64"}, [1 << 20] * 4)
    target[key] = unlikely[int(random.integers(len(unlikely)))]
    try:
        inner |= {"sha256": distill._digest(inner, tensors, outer), "tensors_sha256": tensors}
    except RecursionError:
        inner |= {"sha256": "", "tensors_sha256": tensors}
    header = json.dumps({"__metadata__": {"sda": json.dumps(inner)}, **outer}).encode()
    return len(header).to_bytes(8, "little") + header + content[8 + length :]


def values_changed(content: bytes, random: Random) -> bytes:
    """A file written anew, one value of its dict another: an array, nothing, a text, one number as a tensor of a million."""
    import torch
    from old_files import write

    unlikely = (
        np.zeros(3),
        np.zeros((2, 2), np.float32),
        None,
        "",
        "x" * 20_000,
        [],
        [[[]]],
        {},
        -1,
        1 << 62,
        float("nan"),
        True,
    )
    value = (*unlikely, torch.zeros(1).expand(1 << 20), torch.zeros(2, 3).T)[int(random.integers(14))]

    def change(data: dict[str, Any]) -> None:
        target = data
        while True:
            key = list(target)[int(random.integers(len(target)))]
            if not isinstance(target[key], dict) or not target[key] or random.random() < 0.3:
                break
            target = target[key]
        target[key] = value

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a")
        write(path, "distillgan_model", generator=own_vocoder(), change=change)
        return path.read_bytes()


@cache
def own_vocoder() -> Any:
    from old_files import OldGenerator, randomise

    own = OldGenerator()
    randomise(own)
    return own


def deep_header(content: bytes, random: Random) -> bytes:
    """JSON nested without end, in the header or in the document within."""
    deep = b'{"a":' * int(random.choice((50, 5_000, 200_000)))
    if random.random() < 0.5:
        deep = json.dumps({"__metadata__": {"sda": deep.decode()}}).encode()
    return len(deep).to_bytes(8, "little") + deep + content[8:]


ANY = (bit_flips, head_flips, truncated, spliced)
OLD = (*ANY, in_pickle(bit_flips), in_pickle(numbers_changed), in_pickle(instructions_put_in), tensors_swapped, values_changed)
NEW = (*ANY, document_changed, document_changed, deep_header)


def originals(folder: Path) -> dict[str, Path]:
    """A small file of every kind."""
    sys.path.insert(0, str(HERE.parent))
    from old_files import write
    from small_models import sounding

    from sda.formats import distill, model_file

    paths = {name: folder / name for name in ("sda", "distill-1", "distillgan", "distill-2", "distill-2-imported")}
    write(paths["sda"])
    write(paths["distill-1"], "distill_model", package="distill", kl_weight_max=0.01)
    write(paths["distillgan"], "distillgan_model", package="distill", generator=own_vocoder())
    distill.write(paths["distill-2"], sounding(), half=True)
    distill.write(paths["distill-2-imported"], model_file.read(paths["distillgan"], imported=True))
    return paths


def mutants(paths: dict[str, Path], folder: Path, count: int) -> Iterator[Path]:
    """`count` damaged files of each kind, "KIND.NUMBER.DAMAGE"."""
    for kind, path in paths.items():
        content, ways = path.read_bytes(), NEW if kind.startswith("distill-2") else OLD
        for number in range(count):
            random = np.random.default_rng([number, len(kind)])
            way = ways[number % len(ways)]
            mutant = folder / f"{kind}.{number}.{'bytes' if way in ANY else 'forged'}"
            mutant.write_bytes(way(content, random))
            yield mutant


def read_all(paths: list[str]) -> None:
    """The child: say of each file how it went."""
    import resource
    import time

    import sda
    from sda.model import Model

    def sound(path: str) -> np.ndarray[Any, Any]:
        model = sda.load(path)
        assert model.info.format
        return Model.decode(model, model.latent({}))

    good = {Path(path).name: sound(path) for path in originals_of(paths)}  # libraries are loaded before anything is counted
    heard: list[str] = []
    sys.addaudithook(lambda event, _: heard.append(event) if event in AUDITED else None)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    for path in paths:
        started = time.process_time()
        try:
            mel, (kind, *how) = sound(path), Path(path).name.split(".")
            right = np.array_equal(mel, good[kind]) if how[1:] != ["forged"] else bool(np.isfinite(mel).all())
            state = "loaded" if right else "loaded, but wrong"
        except sda.SdaError as error:
            state = "refused" if "\n" not in str(error) and len(str(error)) < 600 else f"refused in too many words: {error}"
        except BaseException as error:
            state = f"escaped: {error!r}"[:300]
        print(json.dumps([path, state, time.process_time() - started, heard]), flush=True)
        heard.clear()


def originals_of(paths: list[str]) -> set[str]:
    """The undamaged files that these were made of, beside them."""
    return {str(Path(path).with_name(Path(path).name.split(".")[0])) for path in paths}


def results(folder: Path, paths: list[Path]) -> list[tuple[str, str, float, list[str]]]:
    """What the child said; where it died, of what."""
    found: list[tuple[str, str, float, list[str]]] = []
    while len(found) < len(paths):
        listing = folder / "list.json"
        listing.write_text(json.dumps([str(path) for path in paths[len(found) :]]))
        child = subprocess.run([sys.executable, __file__, "--child", str(listing)], capture_output=True, text=True)
        found += [tuple(json.loads(line)) for line in child.stdout.splitlines()]
        if len(found) < len(paths):
            found.append((str(paths[len(found)]), f"the reader died: {child.returncode} {child.stderr[-300:]}", 0.0, []))
    return found


def test_damaged_files_load_or_are_refused(tmp_path: Path) -> None:
    paths = originals(tmp_path)
    assert {state for _, state, _, _ in results(tmp_path, list(paths.values()))} == {"loaded"}
    found = results(tmp_path, list(mutants(paths, tmp_path, SEEDS)))
    assert len(found) == SEEDS * len(paths)
    assert [row for row in found if row[1] not in ("loaded", "refused") or row[3] or row[2] > SECONDS] == []
    assert sum(row[1] == "refused" for row in found) > len(found) / 2


def main() -> None:
    parser = argparse.ArgumentParser(description="Read damaged model files of every kind.")
    parser.add_argument("--count", type=int, default=SEEDS, help="damaged files of each kind")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        read_all(json.loads(asked.child.read_text()))
        return
    with tempfile.TemporaryDirectory() as name:
        paths = originals(Path(name))
        found = results(Path(name), list(mutants(paths, Path(name), asked.count)))
    for kind in paths:
        own = [row for row in found if Path(row[0]).name.split(".")[0] == kind]
        counts = dict(collections.Counter(row[1].split(":")[0] for row in own))
        print(f"{kind:20} {counts}, slowest {max(row[2] for row in own):.2f} s, audited events {sum(len(r[3]) for r in own)}")
    for row in found:
        if row[1] not in ("loaded", "refused") or row[3] or row[2] > SECONDS:
            print(*row)


if __name__ == "__main__":
    main()
