"""A folder becomes sources in one order; what is no texture is counted, what cannot be used is named."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from texpipe.errors import SourceError
from texpipe.imaging.image_files import encode_png
from texpipe.read import decode as reading
from texpipe.read.decode import decode
from texpipe.read.scan import scan
from texpipe.texture import Source

PNG = encode_png(np.full((2, 3, 4), 9, np.uint8))


def fill(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(PNG)
    return root


def names(root: Path, **options: Path) -> list[str]:
    return [source.name for source in scan(root, **options).sources]


def test_order_is_by_bytes_whatever_the_folders(tmp_path: Path) -> None:
    fill(tmp_path, "b.png", "a/z.png", "a.png", "a-b/c.png", "Z.TGA", "é.bmp", "a/b/c.dds")
    assert names(tmp_path) == ["Z.TGA", "a-b/c.png", "a.png", "a/b/c.dds", "a/z.png", "b.png", "é.bmp"]


def test_textures_share_what_is_the_same(tmp_path: Path) -> None:
    fill(tmp_path, "a/GAME#12345678#2#1_all.png", "a/GAME#12345679#2#1_all.png", "plain.png")
    one, other, plain = scan(tmp_path).sources
    assert [source.file for source in (one, other, plain)] == [tmp_path / name for name in names(tmp_path)]
    assert one.root is other.root is plain.root
    assert one.emulator is not None
    assert other.emulator is not None
    assert one.emulator.fields[1] is other.emulator.fields[1]


def test_emulator_names_are_parsed(tmp_path: Path) -> None:
    fill(tmp_path, "GAME/GAME#12345678#2#1#9ABCDEF0_ciByRGBA.png", "holiday.png")
    parsed, plain = scan(tmp_path).sources
    assert parsed.emulator is not None
    assert (parsed.emulator.game, parsed.emulator.texels) == ("GAME", "ci8")
    assert plain.emulator is None


def test_other_files_are_counted_by_kind(tmp_path: Path) -> None:
    fill(
        tmp_path,
        "a.png",
        "Thumbs.db",
        "desktop.ini",
        "x/Thumbs.db",
        ".DS_Store",
        "x/._a.png",
        "notes.TXT",
        "README",
    )
    fill(tmp_path, ".git/objects/a.png", "pack.json")
    found = scan(tmp_path)
    assert [source.name for source in found.sources] == ["a.png"]
    assert found.ignored == {".db": 2, ".ini": 1, ".json": 1, ".txt": 1, "hidden": 3, "without a suffix": 1}
    assert found.unusable == ()


def test_the_output_inside_the_input_is_left_out(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "out/gliden64/a.png", "outer/b.png")
    assert names(tmp_path, exclude=tmp_path / "out") == ["a.png", "outer/b.png"]
    assert names(tmp_path, exclude=tmp_path / "x" / ".." / "out") == ["a.png", "outer/b.png"]
    assert names(tmp_path, exclude=tmp_path / "missing") == ["a.png", "out/gliden64/a.png", "outer/b.png"]


def test_another_output_inside_the_input_is_no_input(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its pack would be upscaled once more. It is said once, whatever is in it."""
    fill(tmp_path, "a.png", "old/pack/folder/a.png", "old/pack/b.png", "old/app/c.png", "two/folder/d.png")
    (tmp_path / "old" / "pack" / "manifest.json").write_text('{"schema": "texpipe.manifest/1"}')
    (tmp_path / "old" / "app" / "manifest.json").write_text('{"name": "my app"}')
    (tmp_path / "two" / ".store").mkdir()
    (tmp_path / "two" / ".store" / "written").touch()
    found = scan(tmp_path)
    assert [source.name for source in found.sources] == ["a.png", "old/app/c.png"]
    assert found.ignored == {".json": 1, "output of texpipe": 2}
    assert [one.getMessage() for one in caplog.records] == [
        "old/pack, two: made by texpipe, so not part of the input"
    ]
    assert [source.name for source in scan(tmp_path / "two").sources] == ["folder/d.png"], (
        "if that is asked for"
    )


def test_one_picture_is_a_scan_too(tmp_path: Path) -> None:
    fill(tmp_path, "x/a.png", "x/b.txt")
    assert names(tmp_path / "x" / "a.png") == ["a.png"]
    with pytest.raises(SourceError, match="is not a picture"):
        scan(tmp_path / "x" / "b.txt")


def test_a_missing_folder_is_a_source_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        scan(tmp_path / "none")


def test_an_empty_folder_is_an_empty_scan(tmp_path: Path) -> None:
    found = scan(tmp_path)
    assert (found.sources, found.unusable, found.ignored) == ((), (), {})


def test_links_inside_count_and_links_out_are_named(tmp_path: Path) -> None:
    root = fill(tmp_path / "in", "a.png", "folder/b.png")
    fill(tmp_path, "secret.png", "elsewhere/c.png")
    (root / "again.png").symlink_to("a.png")
    (root / "out.png").symlink_to(tmp_path / "secret.png")
    (root / "gone.png").symlink_to("nowhere.png")
    (root / "loop").symlink_to(root, target_is_directory=True)
    (root / "away").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    found = scan(root)
    assert [source.name for source in found.sources] == ["a.png", "again.png", "folder/b.png"]
    assert [(source.name, reason) for source, reason in found.unusable] == [
        ("gone.png", "is a link to a file that is missing"),
        ("out.png", "is a link that leads out of the input folder"),
    ]
    assert found.ignored == {"link to a folder": 2}


def test_a_linked_root_is_fine(tmp_path: Path) -> None:
    fill(tmp_path / "real", "a.png")
    (tmp_path / "link").symlink_to("real", target_is_directory=True)
    assert names(tmp_path / "link") == ["a.png"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    ((source, reason),) = scan(tmp_path).unusable
    assert (source.name, reason) == ("pipe.png", "is not a file, or a link to one")


@pytest.mark.skipif(sys.platform != "linux", reason="file names are Unicode here")
def test_names_that_are_no_text_are_named_readably(tmp_path: Path) -> None:
    fill(tmp_path, "a.png")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xff.png")).write_bytes(PNG)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/b.\xfe")).write_bytes(PNG)
    found = scan(tmp_path)
    assert [source.name for source in found.sources] == ["a.png"]
    assert [(source.name, reason) for source, reason in found.unusable] == [
        ("b\\xff.png", "its name is not valid UTF-8: rename the file")
    ]
    assert found.ignored == {".\\xfe": 1}


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, "a.png", "closed/b.png")
    listing = os.scandir

    def refuse(folder: Path):
        if Path(folder).name == "closed" or Path(folder) == tmp_path / "none":
            raise PermissionError(13, "Permission denied")
        return listing(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    found = scan(tmp_path)
    assert [source.name for source in found.sources] == ["a.png"]
    assert [(source.name, reason) for source, reason in found.unusable] == [
        ("closed", "cannot be listed: Permission denied")
    ]
    (tmp_path / "none").mkdir()
    with pytest.raises(SourceError, match="none cannot be listed: Permission denied"):
        scan(tmp_path / "none")


# ---- decoding


def test_a_source_becomes_a_texture(tmp_path: Path) -> None:
    (source,) = scan(fill(tmp_path, "walls/a.png")).sources
    texture = decode(source)
    assert (texture.source, texture.size) == (source, (3, 2))
    assert texture.sha256 == hashlib.sha256(PNG).hexdigest()
    assert (texture.rgba == 9).all()


def test_a_manifest_that_is_a_pipe_or_damaged_hides_no_texture(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    os.mkfifo(fill(tmp_path, "a.png") / "manifest.json")
    assert names(tmp_path) == ["a.png"]
    assert "manifest.json: is not a regular file" in caplog.text
    (tmp_path / "manifest.json").unlink()
    (tmp_path / "manifest.json").write_text('{\n"a": ' + "[" * 5000)
    assert names(tmp_path) == ["a.png"]
    assert "manifest.json:2: is nested too deeply" in caplog.text


def test_a_link_that_leads_to_itself_hides_no_other_texture(tmp_path: Path) -> None:
    fill(tmp_path, "a.png", "b/c.png")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "b" / "one.png").symlink_to("two.png")
    (tmp_path / "b" / "two.png").symlink_to("one.png")
    (tmp_path / "up").symlink_to(tmp_path)
    found = scan(tmp_path)
    assert [source.name for source in found.sources] == ["a.png", "b/c.png"]
    assert [(source.name, reason) for source, reason in found.unusable] == [
        ("b/one.png", "is a link that leads to itself"),
        ("b/two.png", "is a link that leads to itself"),
    ]
    assert found.ignored == {"link to a folder": 1, "without a suffix": 1}


def test_a_bad_file_is_named_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG[:-10])
    with pytest.raises(SourceError, match="truncated") as caught:
        decode(Source("walls/a.png", tmp_path / "a.png"))
    assert caught.value.message == "the file is truncated"
    assert str(caught.value) == f"{Path('walls/a.png')}: the file is truncated"


def test_a_file_that_vanished_or_grew_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match=r"a\.png: is missing"):
        decode(Source("a.png", tmp_path / "a.png"))
    fill(tmp_path, "a.png")
    monkeypatch.setattr(reading, "MAX_BYTES", len(PNG) - 1)
    with pytest.raises(SourceError, match="is larger than the limit"):
        decode(Source("a.png", tmp_path / "a.png"))
