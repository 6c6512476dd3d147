"""Whose a file in a pack is: ours, edited or foreign; and that nothing of others is lost."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packs import noise

from texpipe.errors import PackError
from texpipe.imaging.image_files import encode_png
from texpipe.packs.journal import keep_notes, noted
from texpipe.packs.obsolete_files import remove_left_over
from texpipe.packs.ownership import PackFolder

FIRST, SECOND, MINE = (encode_png(noise((4, 4), seed)) for seed in (1, 2, 3))
PATH = "folder/a/wall.png"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def written(output: Path, data: bytes = FIRST, path: str = PATH) -> None:
    """Write a file as a run does."""
    assert PackFolder.opened(output, noted(output)).put(path, data, sha(data)) is None


def reopened(output: Path, *replace: str) -> PackFolder:
    return PackFolder.opened(output, noted(output), replace)


def backups(output: Path) -> dict[str, bytes]:
    """Return what lies in the backup, by its path below the folder of its run."""
    files = (path for path in (output / ".backup").rglob("*") if path.is_file())
    return {"/".join(path.relative_to(output).parts[2:]): path.read_bytes() for path in files}


def test_a_file_that_texpipe_wrote_is_replaced(tmp_path: Path) -> None:
    written(tmp_path)
    assert reopened(tmp_path).put(PATH, SECOND, sha(SECOND)) is None
    assert (tmp_path / PATH).read_bytes() == SECOND
    assert not backups(tmp_path)


def test_an_edited_file_is_kept(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / PATH).write_bytes(MINE)
    folder = reopened(tmp_path)
    assert folder.put(PATH, SECOND, sha(SECOND)) == "edited"
    assert (tmp_path / PATH).read_bytes() == MINE
    assert folder.kept == {PATH: "edited"}


def test_a_foreign_file_is_kept_even_if_it_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / PATH).parent.mkdir(parents=True)
    (tmp_path / PATH).write_bytes(b"somebody's notes")
    assert reopened(tmp_path).put(PATH, FIRST, sha(FIRST)) == "foreign"
    assert (tmp_path / PATH).read_bytes() == b"somebody's notes"


@pytest.mark.parametrize("name", ["all", PATH, "a/wall.png", "wall.png", "folder/*", "Wall texture"])
def test_what_is_given_up_is_replaced_after_a_copy(tmp_path: Path, name: str) -> None:
    written(tmp_path)
    (tmp_path / PATH).write_bytes(MINE)
    assert reopened(tmp_path, name).put(PATH, SECOND, sha(SECOND), "Wall texture") is None
    assert (tmp_path / PATH).read_bytes() == SECOND
    assert backups(tmp_path) == {PATH: MINE}


def test_giving_up_another_file_gives_up_nothing_else(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / PATH).write_bytes(MINE)
    assert reopened(tmp_path, "floor.png").put(PATH, SECOND, sha(SECOND)) == "edited"


def test_a_damaged_file_is_written_anew_after_a_copy(tmp_path: Path) -> None:
    """Half of a picture is no edit; but whoever knows better finds it in the backup."""
    written(tmp_path)
    (tmp_path / PATH).write_bytes(FIRST[:40])
    folder = reopened(tmp_path)
    assert folder.put(PATH, FIRST, sha(FIRST)) is None
    assert (tmp_path / PATH).read_bytes() == FIRST
    assert backups(tmp_path) == {PATH: FIRST[:40]}
    (line,) = folder.replaced()
    assert line.startswith(f"{PATH} was damaged")
    assert Path(line.rsplit(" is ", 1)[1]).read_bytes() == FIRST[:40]


def test_an_empty_file_is_written_anew_without_a_word(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / PATH).write_bytes(b"")
    folder = reopened(tmp_path)
    assert folder.put(PATH, FIRST, sha(FIRST)) is None
    assert (tmp_path / PATH).read_bytes() == FIRST
    assert not backups(tmp_path)
    assert not list(folder.replaced())


def test_an_edit_of_a_kind_that_texpipe_cannot_read_is_kept(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / PATH).write_bytes(b"GIF89a and so on")
    assert reopened(tmp_path).put(PATH, SECOND, sha(SECOND)) == "edited"
    assert (tmp_path / PATH).read_bytes() == b"GIF89a and so on"


def test_an_archive_of_somebody_else_stops_a_run_before_it_writes(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/pack.rtz").write_bytes(b"somebody's archive")
    with pytest.raises(PackError, match=r"pack\.rtz is there and was not written by texpipe"):
        reopened(tmp_path).require_free(["folder/pack.rtz"])
    reopened(tmp_path, "folder/pack.rtz").require_free(["folder/pack.rtz"])


def test_an_archive_is_noted_before_it_has_its_name(tmp_path: Path) -> None:
    def killed(file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"whole")

    folder = reopened(tmp_path)
    digest = folder.put_whole("folder/pack.rtz", killed)
    assert ("folder/pack.rtz", digest) in noted(tmp_path)
    assert (tmp_path / "folder/pack.rtz").read_bytes() == b"whole"
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["pack.rtz"]


def test_what_leaves_the_pack_goes_to_the_backup_and_edits_stay(tmp_path: Path) -> None:
    written(tmp_path)
    written(tmp_path, SECOND, "folder/a/floor.png")
    (tmp_path / PATH).write_bytes(MINE)
    (line,) = remove_left_over(reopened(tmp_path), {})
    assert PATH in line
    assert (tmp_path / PATH).read_bytes() == MINE
    assert backups(tmp_path) == {"folder/a/floor.png": SECOND}


ODD_NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\\:", exclude_categories=["Cc"]), min_size=1
)


@given(
    st.lists(ODD_NAMES.filter(lambda name: name not in (".", "..") and len(name.encode()) < 200), max_size=4)
)
def test_no_name_damages_the_notes(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    """Unicode has line ends of its own, which are no line ends here."""
    output = tmp_path_factory.mktemp("notes")
    pairs = {(f"folder/{name}", sha(name.encode())) for name in names}
    keep_notes(output, pairs)
    assert noted(output) == pairs


@pytest.mark.parametrize(
    "path",
    ["../x", "/etc/passwd", ".", "", "a", "folder//x", "folder/./x", "folder/../../x", "C:/x", "folder\\x"],
)
def test_a_note_that_leads_elsewhere_is_passed_over(tmp_path: Path, path: str) -> None:
    (tmp_path / ".store").mkdir()
    (tmp_path / ".store/written").write_bytes(f"{'ab' * 32} {path}\n{'cd' * 32} {PATH}\n".encode())
    assert noted(tmp_path) == {(PATH, "cd" * 32)}
