"""Edited files of a pack become hand-made pictures: nothing is lost or guessed, and the pack stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from dumps import tree
from packs import noise
from PIL import Image
from rt64_dumps import write_dump

from texpipe.errors import PackError, UsageError
from texpipe.formats.dds import encode_dds, mip_chain
from texpipe.imaging.image_files import decode, encode_png
from texpipe.output import adopt as adopt_module
from texpipe.output.adopt import adopt
from texpipe.output.result import RunResult
from texpipe.packs.verify import verify_pack
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options

Run = Callable[..., RunResult]


def name_of(number: int) -> str:
    return f"G#{number:08X}#0#2_all.png"


@pytest.fixture
def run(tmp_path: Path, tiny_model: Path) -> Run:
    """Run a recipe that repeats the texels of three textures twice; `targets` is YAML."""
    (tmp_path / "in").mkdir()
    for number in (1, 2, 3):
        (tmp_path / "in" / name_of(number)).write_bytes(encode_png(noise((8, 8), number)))

    def call(targets: str = "[folder]", overrides: bool = False, **options: object) -> RunResult:
        recipe = tmp_path / "recipe.yaml"
        recipe.write_text(
            f"version: 1\nname: r\ngame: G\ninput: in\noutput: pack\nmodel: {tiny_model.as_posix()}\n"
            f"targets: {targets}\nscale: 2\nrules: [{{match: {{}}, action: nearest}}]\n"
            + ("overrides: hd\n" if overrides else ""),
            "utf-8",
        )
        return run_recipe(load_options(recipe, **options))  # type: ignore[arg-type]

    return call


def edit(tmp_path: Path, path: str, seed: int = 77, side: int = 16) -> bytes:
    data = encode_png(noise((side, side), seed))
    (tmp_path / "pack" / path).write_bytes(data)
    return data


def kinds(result: RunResult) -> dict[str, str | None]:
    return {entry.source: entry.by and entry.by.kind for entry in result.manifest.textures}


def packs(tmp_path: Path) -> dict[str, bytes]:
    files = tree(tmp_path / "pack").items()
    return {
        path: data
        for path, data in files
        if not path.startswith((".", "manifest", "run.json", "CREDITS.md", "credits.json"))
    }


@pytest.mark.parametrize("known", [True, False], ids=["the manifest says edited", "edited since the run"])
def test_adopt_and_run_keep_every_byte_of_the_pack(run: Run, tmp_path: Path, known: bool) -> None:
    run()
    mine = edit(tmp_path, f"folder/{name_of(2)}")
    if known:
        run()
    before = packs(tmp_path)
    done = adopt(tmp_path / "pack", tmp_path / "hd")
    assert done.files == (name_of(2),)
    assert done.left == done.notes == ()
    assert (tmp_path / "hd" / name_of(2)).read_bytes() == mine
    assert packs(tmp_path) == before
    for _ in range(2):
        assert kinds(run(overrides=True)) == {
            name_of(1): "nearest",
            name_of(2): "hand",
            name_of(3): "nearest",
        }
        assert packs(tmp_path) == before
        verified = verify_pack(tmp_path / "pack")
        assert verified.notes == verified.problems == ()
    again = adopt(tmp_path / "pack", tmp_path / "hd")
    assert (again.files, again.known, again.left) == ((), (), ()), "nothing is edited any more"


def test_adopting_twice_copies_once(run: Run, tmp_path: Path) -> None:
    run()
    edit(tmp_path, f"folder/{name_of(2)}")
    adopt(tmp_path / "pack", tmp_path / "hd")
    before = tree(tmp_path / "hd")
    again = adopt(tmp_path / "pack", tmp_path / "hd")
    assert (again.files, again.known) == ((), (name_of(2),))
    assert tree(tmp_path / "hd") == before


def test_without_the_recipes_line_an_adopted_edit_is_kept_as_before(run: Run, tmp_path: Path) -> None:
    run()
    mine = edit(tmp_path, f"folder/{name_of(2)}")
    adopt(tmp_path / "pack", tmp_path / "hd")
    assert kinds(run())[name_of(2)] == "edited"
    assert (tmp_path / "pack" / "folder" / name_of(2)).read_bytes() == mine


def test_a_picture_put_back_into_the_pack_is_still_somebodys(run: Run, tmp_path: Path) -> None:
    """Whoever gives up the folder and keeps the file in the pack instead must not lose it."""
    run()
    mine = edit(tmp_path, f"folder/{name_of(2)}")
    adopt(tmp_path / "pack", tmp_path / "hd")
    other = edit(tmp_path, f"folder/{name_of(2)}", 78)
    assert kinds(run(overrides=True))[name_of(2)] == "edited", (
        "the pack's file is newer than the hand-made picture"
    )
    assert (tmp_path / "pack" / "folder" / name_of(2)).read_bytes() == other
    (tmp_path / "hd" / name_of(2)).replace(tmp_path / "pack" / "folder" / name_of(2))
    run()
    saved = (tmp_path / "pack" / ".backup").rglob(name_of(2))
    assert mine in [file.read_bytes() for file in (tmp_path / "pack" / "folder" / name_of(2), *saved)]


def test_the_other_targets_get_the_picture_too(run: Run, tmp_path: Path) -> None:
    run("[folder, gliden64]")
    mine = edit(tmp_path, f"folder/{name_of(1)}")
    assert adopt(tmp_path / "pack", tmp_path / "hd").files == (name_of(1),)
    run("[folder, gliden64]", overrides=True)
    assert (tmp_path / "pack" / "gliden64" / "G" / name_of(1)).read_bytes() == mine


def test_different_edits_of_one_texture_are_told(run: Run, tmp_path: Path) -> None:
    run("[folder, gliden64]")
    edit(tmp_path, f"folder/{name_of(1)}", 70)
    edit(tmp_path, f"gliden64/G/{name_of(1)}", 71)
    same = noise((16, 16), 72)
    edit(tmp_path, f"folder/{name_of(2)}", 72)
    Image.fromarray(same).save(tmp_path / "pack" / "gliden64" / "G" / name_of(2), compress_level=0)
    done = adopt(tmp_path / "pack", tmp_path / "hd")
    assert done.files == (name_of(2),), "the same pixels in other bytes are one edit"
    assert len(done.left) == 1
    assert "are different edits of" in done.left[0]
    run("[folder, gliden64]", replace_edited=(f"folder/{name_of(1)}",))
    assert name_of(1) in adopt(tmp_path / "pack", tmp_path / "hd").files, "as the message says"


def test_a_second_edit_replaces_the_first_only_when_asked(run: Run, tmp_path: Path) -> None:
    run()
    first = edit(tmp_path, f"folder/{name_of(1)}", 70)
    adopt(tmp_path / "pack", tmp_path / "hd")
    run(overrides=True)
    second = edit(tmp_path, f"folder/{name_of(1)}", 71)
    done = adopt(tmp_path / "pack", tmp_path / "hd")
    assert done.files == ()
    assert "is there for its texture and differs" in done.left[0]
    assert (tmp_path / "hd" / name_of(1)).read_bytes() == first
    (tmp_path / "hd" / name_of(1)).rename(tmp_path / "hd" / "00000001.png")
    assert adopt(tmp_path / "pack", tmp_path / "hd", replace=True).files == (name_of(1),)
    assert (tmp_path / "hd" / name_of(1)).read_bytes() == second
    (saved,) = (tmp_path / "hd" / ".backup").rglob("*.png")
    assert saved.read_bytes() == first
    assert kinds(run(overrides=True))[name_of(1)] == "hand"


def test_an_edit_of_another_size(run: Run, tmp_path: Path) -> None:
    run()
    edit(tmp_path, f"folder/{name_of(1)}", side=64)
    edit(tmp_path, f"folder/{name_of(2)}", side=4)
    done = adopt(tmp_path / "pack", tmp_path / "hd")
    assert done.files == (name_of(1),)
    assert "64 x 64 pixels: the next run brings it to 16 x 16" in done.notes[0]
    assert "is 4 x 4 pixels" in done.left[0]
    run(overrides=True)
    file = tmp_path / "pack" / "folder" / name_of(1)
    assert decode(file.read_bytes(), name="x.png")[0].shape == (16, 16, 4)
    assert kinds(run(overrides=True))[name_of(2)] == "edited"


def test_duplicates_are_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in" / "twin.png").write_bytes((tmp_path / "in" / name_of(1)).read_bytes())
    run()
    edit(tmp_path, f"folder/{name_of(1)}")
    assert "twin.png: the same texels" in adopt(tmp_path / "pack", tmp_path / "hd").notes[0]


@pytest.mark.parametrize("container", ["hts", "htc"])
def test_a_container_says_what_to_do_instead(run: Run, tmp_path: Path, container: str) -> None:
    target = f"{{gliden64: {{container: {container}}}}}"
    run(target)
    (cache,) = (tmp_path / "pack" / "gliden64").iterdir()
    other = tmp_path / "other"
    other.mkdir()
    for number in (1, 2, 3):
        (tmp_path / "in" / name_of(number)).write_bytes(encode_png(noise((8, 8), number + 50)))
    run(target, output=other)
    (theirs,) = (other / "gliden64").iterdir()
    cache.write_bytes(theirs.read_bytes())
    done = adopt(tmp_path / "pack", tmp_path / "hd")
    assert done.files == ()
    assert "holds many textures: take the pictures that you changed out of it" in done.left[0]
    assert not (tmp_path / "hd").exists()


def test_a_foreign_file_stays_what_it_is(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pack" / "folder").mkdir(parents=True)
    edit(tmp_path, f"folder/{name_of(1)}")
    run(output=tmp_path / "pack")
    assert adopt(tmp_path / "pack", tmp_path / "hd").files == ()


def test_a_mip_level_is_told(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    (tmp_path / "in" / "tex1_8x8_m_0123456789abcdef_6.png").write_bytes(encode_png(noise((8, 8), 4)))
    run("{dolphin: {game: GALE01, mipmaps: true}}")
    levels = sorted((tmp_path / "pack" / "dolphin").rglob("*mip1*"))
    assert levels
    levels[0].write_bytes(encode_png(noise((8, 8), 90)))
    done = adopt(tmp_path / "pack", tmp_path / "hd")
    assert done.files == ()
    assert "is a mip level" in done.left[0]


def test_an_edited_dds_keeps_every_byte(run: Run, tmp_path: Path) -> None:
    """RT64 loads it as it is; encoded again, its pixels would differ a little."""
    pytest.importorskip("etcpak")
    write_dump(tmp_path / "in")
    run("[rt64]")
    (file,) = (tmp_path / "pack" / "rt64").rglob("*.dds")
    size = decode(file.read_bytes(), name=file.name)[0].shape[:2]
    mine = encode_dds(mip_chain(noise((size[1], size[0]), 8), cutout=False))
    file.write_bytes(mine)
    assert len(adopt(tmp_path / "pack", tmp_path / "hd").files) == 1
    result = run("[rt64]", overrides=True)
    assert file.read_bytes() == mine
    assert "edited" not in kinds(result).values()
    assert "hand" in kinds(result).values()


def test_pixels_stay_where_the_bytes_cannot(run: Run, tmp_path: Path) -> None:
    """A PNG without alpha is written again with one, as packs have it."""
    run()
    mine = noise((16, 16), 5)
    file = tmp_path / "pack" / "folder" / name_of(1)
    Image.fromarray(mine).convert("RGB").save(file)
    adopt(tmp_path / "pack", tmp_path / "hd")
    assert kinds(run(overrides=True))[name_of(1)] == "hand"
    assert np.array_equal(decode(file.read_bytes(), name="x.png")[0], mine)
    assert verify_pack(tmp_path / "pack").problems == ()


def test_stopped_half_way_it_goes_on(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    for number in (1, 2, 3):
        edit(tmp_path, f"folder/{name_of(number)}", 70 + number)
    before = packs(tmp_path)
    writes = []

    def full(path: Path, data: bytes) -> None:
        if writes:
            raise PackError("the disk is full")
        writes.append(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    with monkeypatch.context() as patch:
        patch.setattr(adopt_module, "write_atomic", full)
        with pytest.raises(PackError):
            adopt(tmp_path / "pack", tmp_path / "hd")
    assert packs(tmp_path) == before
    done = adopt(tmp_path / "pack", tmp_path / "hd")
    assert len(done.files) == 2
    assert len(done.known) == 1
    assert len(list((tmp_path / "hd").iterdir())) == 3


@pytest.mark.parametrize("place", ["pack", "pack/hd", "."])
def test_the_folder_lies_apart_from_the_pack(run: Run, tmp_path: Path, place: str) -> None:
    run()
    edit(tmp_path, f"folder/{name_of(1)}")
    before = packs(tmp_path)
    with pytest.raises(UsageError):
        adopt(tmp_path / "pack", tmp_path / place)
    assert packs(tmp_path) == before


def test_a_manifest_that_leads_elsewhere_writes_nothing_there(run: Run, tmp_path: Path) -> None:
    run()
    edit(tmp_path, f"folder/{name_of(1)}")
    manifest = tmp_path / "pack" / "manifest.json"
    text = manifest.read_text("utf-8").replace(f'"source": "{name_of(1)}"', '"source": "../../evil.png"')
    manifest.write_text(text, "utf-8")
    done = adopt(tmp_path / "pack", tmp_path / "hd")
    assert done.files == ()
    assert "leads out of the folder" in done.left[0]
    assert not list(tmp_path.parent.glob("evil*"))


def test_command_line(run: Run, tmp_path: Path, texpipe: Callable[..., object]) -> None:
    """The real command: says the line, adds it when asked, and the next run shows nothing as edited."""
    run()
    edit(tmp_path, f"folder/{name_of(1)}")
    edit(tmp_path, f"folder/{name_of(2)}", side=3)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(recipe.read_text("utf-8").replace("output: pack", "output: pack  # here"), "utf-8")
    before = recipe.read_text("utf-8")
    nowhere = texpipe("adopt", tmp_path / "pack")
    assert nowhere.returncode == 2  # type: ignore[attr-defined]
    done = texpipe("adopt", tmp_path / "pack", "--recipe", recipe)
    assert done.returncode == 7, done.stderr  # type: ignore[attr-defined]
    assert "\noverrides: by-hand\n" in done.stderr  # type: ignore[attr-defined]
    assert recipe.read_text("utf-8") == before, "nobody asked for it"
    done = texpipe("adopt", tmp_path / "pack", "--recipe", recipe, "--add-to-recipe", "--json")
    assert recipe.read_text("utf-8") == before.replace("# here\n", "# here\noverrides: by-hand\n")
    assert '"recipe_changed": true' in done.stdout  # type: ignore[attr-defined]
    assert f"added to {recipe}: overrides: by-hand\n" in done.stderr  # type: ignore[attr-defined]
    done = texpipe("run", recipe, "--replace-edited", name_of(2))
    assert done.returncode == 0, done.stderr  # type: ignore[attr-defined]
    assert "1 by hand" in done.stderr  # type: ignore[attr-defined]
    assert "was changed" not in done.stderr  # type: ignore[attr-defined]
    assert [one.name for one in (tmp_path / "by-hand").iterdir()] == [name_of(1)]


def test_a_recipe_that_is_a_link_stays_one(run: Run, tmp_path: Path, texpipe: Callable[..., object]) -> None:
    run()
    edit(tmp_path, f"folder/{name_of(1)}")
    recipe = tmp_path / "recipe.yaml"
    recipe.rename(tmp_path / "real.yaml")
    recipe.symlink_to("real.yaml")
    done = texpipe("adopt", tmp_path / "pack", "--recipe", recipe, "--add-to-recipe")
    assert done.returncode == 0, done.stderr  # type: ignore[attr-defined]
    assert recipe.is_symlink()
    assert "overrides: by-hand" in (tmp_path / "real.yaml").read_text("utf-8")


def test_an_edit_that_cannot_be_read_is_named_and_the_others_are_adopted(run: Run, tmp_path: Path) -> None:
    run()
    Image.new("P", (16, 16)).save(tmp_path / "pack/folder" / name_of(1), "GIF")
    edit(tmp_path, f"folder/{name_of(2)}")
    done = adopt(tmp_path / "pack", tmp_path / "hd")
    assert len(done.files) == 1
    (line,) = done.left
    assert line.startswith(f"folder/{name_of(1)} cannot be adopted: not a PNG")
    assert "Save it as PNG" in line


def test_a_folder_of_the_recipe_that_is_gone_is_not_made_anew(
    run: Run, tmp_path: Path, texpipe: Callable[..., object]
) -> None:
    (tmp_path / "hd").mkdir()
    (tmp_path / "hd" / name_of(1)).write_bytes(encode_png(noise((16, 16), 9)))
    run(overrides=True)
    edit(tmp_path, f"folder/{name_of(2)}")
    recipe = tmp_path / "recipe.yaml"
    (tmp_path / "hd").rename(tmp_path / "unplugged")
    for empty in (False, True):
        if empty:
            (tmp_path / "hd").mkdir()
        for words in ((), ("--into", tmp_path / "hd")):
            done = texpipe("adopt", tmp_path / "pack", "--recipe", recipe, *words)
            assert done.returncode == 2  # type: ignore[attr-defined]
            assert str(tmp_path / "hd") in done.stderr  # type: ignore[attr-defined]
            assert "Connect the drive" in done.stderr  # type: ignore[attr-defined]
    (tmp_path / "hd").rmdir()
    (tmp_path / "unplugged").rename(tmp_path / "hd")
    done = texpipe("adopt", tmp_path / "pack", "--recipe", recipe)
    assert done.returncode == 0, done.stderr  # type: ignore[attr-defined]
    assert (tmp_path / "hd" / name_of(2)).is_file()
