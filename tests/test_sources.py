"""Where recordings are: remembered with their contents, found again wherever they went, never taken for others."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sda import sources
from sda.errors import TrainError
from sda.library import Library
from sda.sources import Found, Remembered, Source, locate
from sda.train.corpus import Corpus, gather

RATE = 44_100
NAMES = ["a.wav", "b.wav", "deep/a.wav", "deep/d.wav", "e.wav", "f.wav", "g.wav", "h.wav"]  # as they sort
HOME = "library"


def record(path: Path, seed: int) -> None:
    """A file of noise; all of them have one size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, RATE // 10)
    soundfile.write(path, noise, RATE, subtype="PCM_16")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder so deep that a search around it stays in this test's own: three places, `tmp_path` the highest of them."""
    return tmp_path / "disk" / "music" / "project"


@pytest.fixture
def folder(place: Path) -> Path:
    for number, name in enumerate(NAMES):
        record(place / "takes" / name, number)
    return place / "takes"


def gathered(folder: Path, target: Path, seed: int = 0, found: Found | None = None) -> Corpus:
    files, held_out = (found.files, found.held_out) if found else ((), ())
    list(gather(folder, target, rate=RATE, shortest=0, seed=seed, files=files, held_out=held_out))
    return Corpus(target)


@pytest.fixture
def source(folder: Path, tmp_path: Path) -> Source:
    """The recordings as a training remembers them."""
    (folder / "notes.txt").write_text("not a sound, and nobody will miss it")
    corpus = gathered(folder, tmp_path / "corpus", seed=3)
    made = Source.of(folder, corpus.recordings)
    library = Library(tmp_path / HOME)
    library.remember_source("some-id", made)
    assert library.source("some-id") == made
    return made


def paths(found: Found) -> list[Path]:
    return [path for path, _ in found.files]


def names(found: Found) -> list[str]:
    return [name for _, name in found.files]


def test_what_is_remembered_is_what_was_used(source: Source, folder: Path, tmp_path: Path) -> None:
    assert [file.name for file in source.files] == NAMES
    first = (folder / "a.wav").read_bytes()
    assert (source.files[0].size, source.files[0].sha256) == (len(first), hashlib.sha256(first).hexdigest())
    # The split of 8 recordings keeps round(0.12 * 8) = 1 of them.
    held_out = {r.name for r in Corpus(tmp_path / "corpus").held_out}
    assert {file.name for file in source.files if file.held_out} == held_out
    assert len(held_out) == 1


def test_recordings_that_stayed_are_taken_as_they_are(source: Source, folder: Path) -> None:
    record(folder / "0-new.wav", 99)  # joined later, so it is none of the model's own
    found = locate("bells", source)
    assert paths(found) == [folder / name for name in NAMES]
    assert (names(found), found.folder, found.note) == (NAMES, folder, "")


def test_a_moved_folder_is_found_in_the_same_order_with_the_same_split(source: Source, folder: Path, place: Path) -> None:
    new = place.parent / "archive" / "old" / "zz"
    shutil.copytree(folder, new)
    shutil.rmtree(folder)
    found = locate("bells", source)
    assert paths(found) == [new / name for name in NAMES]
    assert names(found) == NAMES
    assert found.note == f"the recordings of bells are no longer where they were in {folder}; found by their content in {new}"
    corpus = gathered(found.folder, place / "corpus", seed=4, found=found)  # of another seed, which is not to matter
    assert [r.name for r in corpus.recordings] == NAMES
    assert [r.name for r in corpus.held_out] == [file.name for file in source.files if file.held_out]
    by_chance = gathered(new, place / "by-chance", seed=4)
    assert [r.name for r in by_chance.held_out] != [r.name for r in corpus.held_out]


def test_a_renamed_folder_above_is_found(source: Source, folder: Path, place: Path) -> None:
    place.rename(place.parent / "work")
    assert paths(locate("bells", source)) == [place.parent / "work" / "takes" / name for name in NAMES]


def test_renamed_files_are_found_and_counted(source: Source, folder: Path) -> None:
    (folder / "b.wav").rename(folder / "zebra.wav")
    (folder / "e.wav").rename(folder / "deep" / "e.sound")
    found = locate("bells", source)
    where = {"b.wav": folder / "zebra.wav", "e.wav": folder / "deep" / "e.sound"}
    assert found.files == tuple((where.get(name, folder / name), name) for name in NAMES)
    assert found.note.startswith("2 of the 8 recordings of bells are no longer where they were")
    assert [r.name for r in gathered(folder, folder.parent / "out", found=found).recordings] == NAMES


def test_names_that_were_swapped_follow_the_contents(source: Source, folder: Path) -> None:
    (folder / "a.wav").rename(folder / "x")
    (folder / "b.wav").rename(folder / "a.wav")
    (folder / "x").rename(folder / "b.wav")
    assert paths(locate("bells", source))[:2] == [folder / "b.wav", folder / "a.wav"]


def test_equal_names_in_two_folders_are_told_apart(source: Source, folder: Path, place: Path) -> None:
    (folder / "deep").rename(place / "elsewhere")
    record(place / "copy" / "a.wav", 50)
    found = {name: path for path, name in locate("bells", source).files}
    assert found["deep/a.wav"] == place / "elsewhere" / "a.wav"
    assert found["a.wav"] == folder / "a.wav"


def test_two_recordings_of_one_content_need_one_file(folder: Path, place: Path) -> None:
    shutil.copy(folder / "a.wav", folder / "twin.wav")
    source = Source.of(folder, gathered(folder, place / "corpus").recordings)
    (folder / "a.wav").unlink()
    found = {name: path for path, name in locate("bells", source).files}
    assert found["a.wav"] == found["twin.wav"] == folder / "twin.wav"


@pytest.mark.parametrize("same_size", [True, False])
def test_a_changed_recording_is_not_taken(source: Source, folder: Path, same_size: bool) -> None:
    content = (folder / "b.wav").read_bytes()
    (folder / "b.wav").write_bytes(content[:-1] + (bytes([content[-1] ^ 1]) if same_size else b""))
    with pytest.raises(TrainError) as error:
        locate("bells", source)
    assert str(error.value) == (
        f"found 7 of the 8 recordings of bells: 'b.wav' is gone from {folder} or changed, and not near it either;"
        " expected --audio DIR"
    )
    shutil.copy(folder / "b.wav", folder / "b changed.wav")
    (folder / "first b.wav").write_bytes(content)
    assert paths(locate("bells", source))[1] == folder / "first b.wav"


def test_nothing_left_and_nothing_known(source: Source, folder: Path, place: Path) -> None:
    shutil.rmtree(folder)
    with pytest.raises(TrainError, match=r"found 0 of the 8 recordings of bells: 'a.wav' is gone.*expected --audio DIR"):
        locate("bells", source)
    shutil.rmtree(place)
    with pytest.raises(TrainError, match="found 0 of the 8"):
        locate("bells", source)
    with pytest.raises(TrainError, match="not known here; expected --audio DIR"):
        locate("bells", None)


def test_a_folder_remembered_by_an_older_program_is_taken_whole_or_asked_for(folder: Path, tmp_path: Path) -> None:
    library = Library(tmp_path / HOME)
    library.runs.mkdir(exist_ok=True)
    (library.home / sources.FILE).write_text(json.dumps({"old-id": str(folder)}))
    source = library.source("old-id")
    assert source == Source(folder)
    assert locate("bells", source) == Found(folder)
    library.remember_source("new-id", Source(tmp_path))
    assert library.source("old-id") == Source(folder)
    folder.rename(tmp_path / "away")
    with pytest.raises(TrainError, match=r"no longer in .*takes; expected --audio DIR"):
        locate("bells", source)


@pytest.mark.parametrize(
    ("down", "found"),
    [(sources.DEPTH, True), (sources.DEPTH + 1, False)],
)
def test_the_search_goes_only_so_deep(source: Source, folder: Path, place: Path, down: int, found: bool) -> None:
    new = place.parents[1].joinpath(*(f"level{n}" for n in range(down)))  # `disk`, above the old place
    new.mkdir(parents=True)
    (folder / "b.wav").rename(new / "b.wav")
    shutil.move(folder, place.parents[1] / "takes")
    shutil.rmtree(place)
    if found:
        assert paths(locate("bells", source))[1] == new / "b.wav"
    else:
        with pytest.raises(TrainError, match="found 7 of the 8"):
            locate("bells", source)


@pytest.mark.parametrize("up", [0, 1])
def test_the_search_goes_only_so_far_up(source: Source, folder: Path, up: int) -> None:
    # The folder itself exists: it, `project` and `music` are the three places, `disk` is above them.
    new = folder.parents[1 + up] / "elsewhere.wav"
    (folder / "b.wav").rename(new)
    if up == 0:
        assert paths(locate("bells", source))[1] == new
    else:
        with pytest.raises(TrainError, match="found 7 of the 8"):
            locate("bells", source)


def test_hidden_folders_and_links_are_not_searched(source: Source, folder: Path, place: Path, tmp_path: Path) -> None:
    shutil.move(folder, place / ".trash" / "takes")
    with pytest.raises(TrainError, match="found 0 of the 8"):
        locate("bells", source)
    shutil.move(place / ".trash", tmp_path / "outside")
    (place / "link").symlink_to(tmp_path / "outside", target_is_directory=True)
    with pytest.raises(TrainError, match="found 0 of the 8"):
        locate("bells", source)


def test_the_search_ends_after_so_many_entries_and_bytes(
    source: Source, folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.move(folder, place / "new" / "takes")
    # `new`, `takes`, then the 7 entries of `takes` with `notes.txt` and `deep`, whose two files come last.
    entries = 1 + 1 + 8 + 2
    monkeypatch.setattr(sources, "ENTRIES", entries)
    assert names(locate("bells", source)) == NAMES
    monkeypatch.setattr(sources, "ENTRIES", entries - 2)
    with pytest.raises(TrainError, match=r"found 6 of the 8 recordings of bells: 'deep/a\.wav'"):
        locate("bells", source)
    monkeypatch.undo()
    size = source.files[0].size
    assert {file.size for file in source.files} == {size}
    for number in range(4):  # of the right size and name, nearer than the right one, and in its way
        record(place / f"copy{number}" / "b.wav", 60 + number)
    monkeypatch.setattr(sources, "BYTES", 4 * size)
    assert names(locate("bells", source)) == NAMES
    monkeypatch.setattr(sources, "BYTES", 3 * size)
    with pytest.raises(TrainError, match="found 7 of the 8"):
        locate("bells", source)


def test_a_given_folder_with_all_of_them_leaves_the_others_out(source: Source, folder: Path, tmp_path: Path) -> None:
    new = tmp_path / "far" / "away"
    shutil.copytree(folder, new)
    shutil.rmtree(folder)
    (new / "notes.txt").unlink()
    (new / "b.wav").rename(new / "0.wav")
    found = locate("bells", source, new)
    assert (names(found), found.note) == (NAMES, "")
    assert paths(found)[1] == new / "0.wav"
    record(new / "new.wav", 99)
    found = locate("bells", source, new)
    assert names(found) == NAMES
    assert found.note == f"8 of the 8 recordings of bells are in {new}; other files there, left out: 1"


def test_a_given_folder_counts_alone_and_with_some_only_those(source: Source, folder: Path, tmp_path: Path) -> None:
    new = tmp_path / "far"
    held_out = next(file.name for file in source.files if file.held_out)
    chosen = [name for name in NAMES if name in ("h.wav", "b.wav", "deep/d.wav", held_out)]
    for name in chosen:
        (new / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(folder / name, new / name)
    found = locate("bells", source, new)
    assert found.files == tuple((new / name, name) for name in chosen)
    assert found.held_out == (held_out,)
    assert found.note == f"{len(chosen)} of the 8 recordings of bells are in {new}"


def test_a_given_folder_with_none_of_them_is_taken_whole(source: Source, tmp_path: Path) -> None:
    record(tmp_path / "far" / "b.wav", 77)
    found = locate("bells", source, tmp_path / "far")
    assert found.files == ()
    assert found.note.startswith("none of the 8 recordings of bells is in")
    assert [r.name for r in gathered(found.folder, tmp_path / "out", found=found).recordings] == ["b.wav"]
    assert locate("bells", None, tmp_path / "far") == Found(tmp_path / "far")
    with pytest.raises(TrainError, match="found nothing where a folder of recordings was expected"):
        locate("bells", source, tmp_path / "nowhere")


def test_what_a_run_is_told_is_what_was_found(source: Source, folder: Path) -> None:
    spec = json.loads(json.dumps(locate("bells", source).to_spec()))
    assert spec["files"] == [[str(folder / name), name] for name in NAMES]
    assert (spec["source"], spec["note"]) == (str(folder), "")
    assert spec["held_out"] == [file.name for file in source.files if file.held_out]


def test_names_held_out_that_would_leave_nothing_do_not_count(folder: Path, place: Path) -> None:
    everything = Found(folder, tuple((folder / name, name) for name in NAMES), tuple(NAMES))
    corpus = gathered(folder, place / "out", found=everything)
    assert (len(corpus.training), len(corpus.held_out)) == (7, 1)


GOOD = {"name": "a.wav", "size": 1, "sha256": 64 * "0", "held_out": False}


@pytest.mark.parametrize(
    ("content", "source"),
    [
        (b"", None),
        (b"{", None),
        (b"\xff\xfe", None),
        (b"[" * 100_000, None),
        (b'["some-id"]', None),
        (b'{"some-id": 7}', None),
        (b'{"some-id": null}', None),
        (b'{"some-id": ""}', None),
        (b'{"some-id": "\\u0000"}', None),
        (b'{"some-id": {"files": []}}', None),
        (b'{"some-id": {"folder": []}}', None),
        (b'{"some-id": {"folder": "/x"}}', Source(Path("/x"))),
        (b'{"some-id": {"folder": "/x", "files": 3}}', Source(Path("/x"))),
        *(
            (json.dumps({"some-id": {"folder": "/x", "files": [GOOD, bad]}}).encode(), Source(Path("/x")))
            for bad in (
                None,
                {},
                GOOD | {"name": ""},
                GOOD | {"name": "a\0"},
                GOOD | {"size": -1},
                GOOD | {"size": True},
                GOOD | {"size": "1"},
                GOOD | {"sha256": "0"},
                GOOD | {"sha256": None},
                GOOD | {"held_out": None},
            )
        ),
        (
            json.dumps({"some-id": {"folder": "/x", "files": [GOOD | {"later": 1}], "later": 2}}).encode(),
            Source(Path("/x"), (Remembered(name="a.wav", size=1, sha256=64 * "0"),)),
        ),
    ],
)
def test_damaged_memory_is_unknown_and_can_be_written_again(tmp_path: Path, content: bytes, source: Source | None) -> None:
    library = Library(tmp_path / HOME)
    library.home.mkdir()
    (library.home / sources.FILE).write_bytes(content)
    assert library.source("some-id") == source
    library.remember_source("new-id", Source(tmp_path))
    assert library.source("new-id") == Source(tmp_path)
    assert library.source("some-id") == source


def test_hostile_memory_is_not_found_in_one_line(place: Path) -> None:
    place.mkdir(parents=True)
    for folder in (place, place / ("x" * 5000), Path("relative-and-gone")):
        for name in ("../" * 50 + "etc/hostname", "/etc/hostname", "x" * 5000, "a\udcff.wav", "."):
            source = Source(folder, (Remembered(name=name, size=1, sha256=64 * "0"),))
            with pytest.raises(TrainError, match="found 0 of the 1"):
                locate("bells", source)


def test_recordings_without_digests_are_remembered_by_their_folder(folder: Path, place: Path) -> None:
    corpus = gathered(folder, place / "corpus")
    index = place / "corpus" / "corpus.json"
    data = json.loads(index.read_text())
    for row in data["recordings"]:  # as a run that an older program began has them
        del row["size"], row["sha256"]
    index.write_text(json.dumps(data))
    older = Corpus(place / "corpus")
    assert [r.name for r in older.recordings] == [r.name for r in corpus.recordings]
    assert Source.of(folder, older.recordings) == Source(folder)
