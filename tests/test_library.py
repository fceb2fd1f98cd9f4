"""The library: names and ids that find models, an index that is only a cache, files that are never lost."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_models import document

from sda import library as library_module
from sda.errors import ModelError, SdaError, TrainError
from sda.formats import distill
from sda.formats.distill import ModelDocument
from sda.library import Library, file_stem, home
from sda.sources import Remembered, Source


def named(name: str, number: int) -> ModelDocument:
    return replace(document(), name=name, id=str(UUID(int=number << 96)))  # ids begin with the number in hex


@pytest.fixture
def library(tmp_path: Path) -> Library:
    made = Library(tmp_path / "home")
    for name, number in (("Bells", 0xAAAA1111), ("Bellows", 0xAAAA2222), ("Cello take 3", 0xBBBB3333), ("beef", 0xCCCC4444)):
        made.add(named(name, number))
    return made


def files(library: Library) -> list[str]:
    return sorted(path.name for path in library.models.iterdir())


def test_home_is_chosen_by_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SDA_HOME", str(tmp_path / "here"))
    assert home() == tmp_path / "here"
    assert not home().exists()
    monkeypatch.delenv("SDA_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert home().name == "sda"


def test_looking_makes_no_folder(tmp_path: Path) -> None:
    empty = Library(tmp_path / "none")
    assert empty.entries() == []
    with pytest.raises(ModelError, match="no model 'x': the library .*none/models is empty".replace("/", r"[/\\]")):
        empty.resolve("x")
    assert not (tmp_path / "none" / "models").exists()
    assert empty.runs.is_dir()
    assert not (tmp_path / "none" / "presets").exists()


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("Bells", "Bells"),
        ("bELLs", "Bells"),
        ("Bells.distill", "Bells"),
        ("bello", "Bellows"),
        ("cello take", "Cello-take-3"),
        ("Cello-take-3", "Cello-take-3"),
        ("aaaa1111-0000-0000-0000-000000000000", "Bells"),
        ("AAAA2", "Bellows"),
        ("b", None),
        ("bell", None),
        ("aaaa", None),
        ("bee", "beef"),
        ("bbbb", "Cello-take-3"),
    ],
)
def test_a_text_finds_its_model(library: Library, text: str, file: str | None) -> None:
    if file is None:
        with pytest.raises(ModelError, match=r"could be ('beef' \(cccc4444, beef.distill\), )?'Bellows' \(aaaa2222"):
            library.resolve(text)
    else:
        assert library.resolve(text) == library.models / f"{file}.distill"


def test_an_exact_name_beats_longer_ones_and_ids(library: Library) -> None:
    library.add(named("Bell", 0xDDDD0000))
    library.add(named("aaaa1111", 0xDDDD1111))
    assert library.resolve("bell").name == "Bell.distill"
    assert library.resolve("aaaa1111").name == "aaaa1111.distill"


def test_paths_are_models_too(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere.distill"
    distill.write(elsewhere, named("Gong", 0xEEEE0000))
    assert library.resolve(str(elsewhere)) == elsewhere
    monkeypatch.chdir(tmp_path)
    assert library.resolve("elsewhere.distill") == Path("elsewhere.distill")
    (tmp_path / "Bells").write_bytes(b"no model")  # a bare name means the library first
    assert library.resolve("Bells") == library.models / "Bells.distill"
    (tmp_path / "gong").write_bytes(b"")
    assert library.resolve("gong") == Path("gong")
    with pytest.raises(ModelError, match="no model 'gong' in"):
        library.resolve("gong", paths=False)
    with pytest.raises(ModelError, match="no model"):
        library.resolve(str(elsewhere), paths=False)
    with pytest.raises(ModelError, match="found a folder"):
        library.resolve(str(tmp_path))
    with pytest.raises(ModelError, match="no such file"):
        library.resolve(os.path.join(tmp_path, "x", "y"))  # noqa: PTH118


def test_a_missing_model_is_answered_with_near_ones(library: Library) -> None:
    with pytest.raises(ModelError, match=r"no model 'belsl' in the library .*did you mean 'Bells'"):
        library.resolve("belsl")
    with pytest.raises(ModelError, match="it has 'beef' "):
        library.resolve("zzzzzzzz")
    for text in ("", "\0", "x" * 5000, "../../etc/passwd\0", "a\nb"):
        with pytest.raises(ModelError):
            library.resolve(text)


def test_equal_names_are_told_apart_by_id(library: Library) -> None:
    path = library.add(named("bells", 0x99990000))
    assert path.name == "bells-2.distill"  # no two names that a case-blind file system takes for one
    assert library.resolve("bells") == path
    assert library.resolve("Bells").name == "Bells.distill"
    with pytest.raises(ModelError, match=r"'Bells' \(aaaa1111, Bells.distill\), 'bells' \(99990000"):
        library.resolve("BELLS")
    assert library.resolve("9999") == path


def test_an_id_is_added_once_unless_it_replaces(library: Library) -> None:
    with pytest.raises(ModelError, match=r"'Bells' \(aaaa1111, Bells.distill\) is in the library already"):
        library.add(named("Other", 0xAAAA1111))
    assert library.add(named("Other", 0xAAAA1111), overwrite=True).name == "Bells.distill"
    assert [entry.name for entry in library.entries()] == ["beef", "Bellows", "Cello take 3", "Other"]
    assert library.add(named("BEEF", 0xABCD0000), overwrite=True).name == "BEEF-2.distill"  # another model is not replaced
    assert library.resolve("cccc").name == "beef.distill"


def test_copies_of_a_model_are_told_apart_by_file(library: Library) -> None:
    (library.models / "copy.distill").write_bytes((library.models / "beef.distill").read_bytes())
    with pytest.raises(ModelError, match=r"'beef' \(cccc4444, beef.distill\), 'beef' \(cccc4444, copy.distill\)"):
        library.resolve("beef")
    assert library.resolve("copy").name == "copy.distill"


def test_taken(library: Library) -> None:
    assert library.taken("BELLS ")
    assert not library.taken("bell")


def test_rename(library: Library, tmp_path: Path) -> None:
    before = distill.read(library.resolve("bells"))
    path = library.rename(library.resolve("bells"), " Little Bells ")
    assert path == library.models / "Little-Bells.distill"
    after = distill.read(path)
    assert after.to_json() == before.to_json() | {"name": "Little Bells"}
    assert after.tensors.keys() == before.tensors.keys()
    assert files(library) == ["Bellows.distill", "Cello-take-3.distill", "Little-Bells.distill", "beef.distill"]
    with pytest.raises(ModelError, match=r"taken by 'beef' \(cccc4444"):
        library.rename(path, "Beef")
    assert library.rename(path, "little bells").name == "little-bells.distill"  # its own name in another case
    with pytest.raises(ModelError, match="printable"):
        library.rename(library.resolve("beef"), "a\x1b[31m")
    outside = tmp_path / "out.distill"
    distill.write(outside, named("Gong", 0xEEEE0000))
    assert library.rename(outside, "Tam-tam") == outside
    assert distill.read_header(outside).name == "Tam-tam"


def test_delete_takes_only_what_is_in_the_library(library: Library, tmp_path: Path) -> None:
    outside = tmp_path / "take.wav"
    outside.write_bytes(b"precious")
    with pytest.raises(ModelError, match="not in the library"):
        library.delete(outside)
    assert outside.read_bytes() == b"precious"
    bells = library.resolve("bells")
    library.remember_source(distill.read_header(bells).id, Source(tmp_path))
    library.delete(bells)
    assert files(library) == ["Bellows.distill", "Cello-take-3.distill", "beef.distill"]
    assert library.source("aaaa1111-0000-0000-0000-000000000000") is None


def test_sources_are_remembered_beside_the_models(library: Library, tmp_path: Path) -> None:
    source = Source(tmp_path / "recordings", (Remembered(name="in/a.wav", size=9, sha256=64 * "0", held_out=True),))
    library.remember_source("some-id", source)
    library.remember_source("other-id", Source(tmp_path))
    assert Library(library.home).source("some-id") == source
    assert library.source("unknown") is None
    assert all(str(tmp_path).encode() not in path.read_bytes() for path in library.models.iterdir())
    (library.home / "sources.json").write_text("[broken")
    assert library.source("some-id") is None


def test_damaged_files_are_listed_with_the_reason_and_can_be_deleted(library: Library) -> None:
    (library.models / "hurt.distill").write_bytes(b"RIFF....WAVEfmt ")
    (library.models / ".bells.distill.half.distill").write_bytes(b"left by a killed write")
    entries = {entry.name: entry for entry in library.entries()}
    assert list(entries) == ["beef", "Bellows", "Bells", "Cello take 3", "hurt"]
    assert entries["hurt"].document is None
    assert entries["hurt"].error.startswith("found an audio file; expected a .distill model")
    library.delete(library.resolve("hurt"))
    assert "hurt.distill" not in files(library)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files whose headers are read from now on."""
    opened: list[str] = []
    read_header = distill.read_header

    def reading(path: Path) -> ModelDocument:
        opened.append(path.name)
        return read_header(path)

    monkeypatch.setattr(distill, "read_header", reading)
    return opened


def test_the_index_saves_opening_and_follows_changes(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    first = library.entries()
    opened = counted(monkeypatch)
    index = library.home / "cache" / "index.json"
    stamp = index.stat().st_mtime_ns
    second = library.entries()
    assert opened == []
    assert index.stat().st_mtime_ns == stamp
    assert [(e.path, e.size, e.document.to_json()) for e in second] == [(e.path, e.size, e.document.to_json()) for e in first]
    distill.write(library.models / "Bells.distill", replace(named("Chimes", 0xAAAA1111), training={"note": "longer"}))
    assert [entry.name for entry in library.entries()] == ["beef", "Bellows", "Cello take 3", "Chimes"]
    assert opened == ["Bells.distill"]
    (library.models / "beef.distill").unlink()
    assert [entry.name for entry in library.entries()] == ["Bellows", "Cello take 3", "Chimes"]
    assert "beef.distill" not in json.loads(index.read_bytes())["files"]


@pytest.mark.parametrize(
    "content", ["", "[", "[1]", '{"version": 1, "files": [1]}', '{"version": 9, "files": {}}', "[" * 100_000]
)
def test_a_broken_index_is_made_anew(library: Library, content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [entry.name for entry in library.entries()]
    (library.home / "cache" / "index.json").write_text(content)
    opened = counted(monkeypatch)
    assert [entry.name for entry in library.entries()] == names
    assert len(opened) == 4
    assert [entry.name for entry in library.entries()] == names
    assert len(opened) == 4


def test_an_index_whose_rows_lie_is_not_believed(library: Library) -> None:
    library.entries()
    path = library.home / "cache" / "index.json"
    index = json.loads(path.read_bytes())
    index["files"]["Bells.distill"]["document"]["vae"] = 7
    index["files"]["beef.distill"] = "beef"
    path.write_text(json.dumps(index))
    assert {entry.document.vae.latent for entry in library.entries() if entry.document} == {2}


def test_a_library_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SdaError, match="cannot be"):
        Library(tmp_path / "file" / "home").add(document())
    with pytest.raises(SdaError, match="cannot be"):
        Library(tmp_path / "file").entries()


def test_a_held_library_gives_up_in_one_line(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    import filelock

    monkeypatch.setattr(library_module, "LOCK_SECONDS", 0.05)
    with filelock.FileLock(library.home / ".lock"), pytest.raises(SdaError, match="another program has held"):
        library.add(named("Late", 0x12340000))


def test_a_model_is_trained_by_one_process_at_a_time(library: Library) -> None:
    code = (
        "import sys, time; from pathlib import Path; from sda.library import Library\n"
        "with Library(Path(sys.argv[1])).training('some-id', 'Bells'): print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(library.home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(TrainError, match="Bells is being trained by another process"), library.training("some-id", "Bells"):
            pass
        with library.training("other-id", "Gong"):
            other.kill()  # as dead as a power cut
    with library.training("some-id", "Bells"):
        pass


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("Bells", "Bells"),
        ("a/b\\c:d*e?f", "a-b-c-d-e-f"),
        ("../../x", "x"),
        (".hidden", "hidden"),
        ("con", "con-model"),
        ("Lpt1.tape", "Lpt1.tape-model"),
        ("Glöckchen 鐘", "Glöckchen-鐘"),
        ("???", "model"),
        ("dot.", "dot"),
        ("鐘" * 100, "鐘" * 33),  # 3 bytes each
    ],
)
def test_file_stems(name: str, stem: str) -> None:
    assert file_stem(name) == stem


@given(st.text(min_size=1, max_size=100))
def test_file_stems_are_plain_file_names(name: str) -> None:
    stem = file_stem(name.encode(errors="ignore").decode())
    assert Path(stem).name == stem
    assert 1 <= len(stem.encode()) <= 106
    assert not set(stem) & set('<>:"/\\|?*\0 ')
    assert stem[-1] not in ". "
