"""Runs over an output folder in which people work: nothing of theirs is lost, and no pack shrinks in silence."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from dumps import tree
from packs import noise
from PIL import Image

from texpipe.errors import ExitCode, PackError, RecipeError, SourceError, UsageError
from texpipe.execution import job_io
from texpipe.formats.gliden64_cache import CacheEntry, write_htc, write_hts
from texpipe.imaging.image_files import encode_png
from texpipe.manifest.file import read_manifest
from texpipe.output import places
from texpipe.output.result import RunResult
from texpipe.packs import pack as pack_module
from texpipe.packs.verify import verify_pack
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options

Run = Callable[..., RunResult]


@pytest.fixture
def run(tmp_path: Path, tiny_model: Path) -> Run:
    """Run a recipe that repeats texels instead of upscaling them; `targets` is YAML."""

    def call(targets: str = "[folder]", scale: int = 2, **options: object) -> RunResult:
        recipe = tmp_path / "recipe.yaml"
        recipe.write_text(
            f"version: 1\nname: r\ngame: G\ninput: in\noutput: pack\nmodel: {tiny_model.as_posix()}\n"
            f"targets: {targets}\nscale: {scale}\nrules: [{{match: {{}}, action: nearest}}]\n",
            "utf-8",
        )
        made = load_options(recipe, options.pop("input_", None), options.pop("output", None), **options)  # type: ignore[arg-type]
        return run_recipe(made)

    return call


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A dump of three textures that GLideN64 could have named, and the folder that its pack goes to."""
    add(tmp_path, 1, 2, 3)
    return tmp_path / "pack"


def name_of(number: int) -> str:
    return f"G#{number:08X}#0#2_all.png"


def picture(seed: int, side: int = 8) -> bytes:
    return encode_png(noise((side, side), seed))


def add(folder: Path, *numbers: int, where: str = "in") -> None:
    (folder / where).mkdir(exist_ok=True)
    for number in numbers:
        (folder / where / name_of(number)).write_bytes(picture(number))


def backups(pack: Path) -> dict[str, bytes]:
    files = (path for path in (pack / ".backup").rglob("*") if path.is_file())
    return {"/".join(path.relative_to(pack).parts[2:]): path.read_bytes() for path in files}


def statuses(result: RunResult) -> dict[str, str]:
    return {entry.source: entry.status for entry in result.manifest.textures}


def test_an_edit_survives_other_rules_and_a_grown_dump(run: Run, pack: Path, tmp_path: Path) -> None:
    run()
    file, mine = pack / "folder" / name_of(1), picture(77, 16)
    file.write_bytes(mine)
    add(tmp_path, 4)
    result = run(scale=4)
    assert file.read_bytes() == mine
    assert statuses(result) == {name_of(1): "edited", **{name_of(n): "written" for n in (2, 3, 4)}}
    assert result.exit_code == ExitCode.OK
    assert statuses(run(scale=2))[name_of(1)] == "edited", "it is still known as an edit"


def test_verify_calls_an_edit_edited_and_half_a_file_damaged(run: Run, pack: Path) -> None:
    run()
    (pack / "folder" / name_of(1)).write_bytes(picture(77, 16))
    (pack / "folder" / name_of(2)).write_bytes(b"\x89PNG half")
    (pack / "folder/mine.png").write_bytes(picture(5))
    found = verify_pack(pack)
    assert [line for line in found.problems if "damaged" in line] == [f"folder/{name_of(2)}: is damaged"]
    assert not [line for line in found.problems if name_of(1) in line]
    assert any(name_of(1) in note and "edited by hand" in note for note in found.notes)
    assert "folder/mine.png: not ours, harmless" in found.notes


def test_an_edit_that_cannot_be_read_is_kept_and_named(run: Run, pack: Path) -> None:
    run()
    file = pack / "folder" / name_of(1)
    Image.new("P", (16, 16)).save(file, "GIF")
    mine = file.read_bytes()
    result = run(scale=4)
    assert file.read_bytes() == mine
    assert statuses(result)[name_of(1)] == "edited"
    assert any(name_of(1) in line and "not a PNG" in line for line in result.problems)
    found = verify_pack(pack)
    assert not [line for line in found.problems if "damaged" in line]
    assert any(name_of(1) in note and "edited by hand" in note for note in found.notes)


def test_an_archive_that_cannot_be_read_stops_the_run(run: Run, pack: Path) -> None:
    targets = "[{gliden64: {container: hts}}]"
    run(targets)
    (archive,) = pack.rglob("*.hts")
    archive.write_bytes(b"7z\xbc\xaf\x27\x1c and so on")
    with pytest.raises(PackError, match="was changed since texpipe wrote it"):
        run(targets)
    assert archive.read_bytes().startswith(b"7z")


def test_a_damaged_file_is_made_again_and_told(run: Run, pack: Path) -> None:
    run()
    file = pack / "folder" / name_of(1)
    sound = file.read_bytes()
    file.write_bytes(sound[:50])
    result = run()
    assert file.read_bytes() == sound
    (copy,) = (pack / ".backup").rglob("*.png")
    assert copy.read_bytes() == sound[:50]
    assert [line for line in result.warnings if name_of(1) in line and str(copy) in line]


def test_an_edit_that_is_given_up_is_in_the_backup(run: Run, pack: Path) -> None:
    run()
    file, mine = pack / "folder" / name_of(1), picture(77, 16)
    before = file.read_bytes()
    file.write_bytes(mine)
    result = run(replace_edited=[name_of(1)])
    assert file.read_bytes() == before
    assert statuses(result)[name_of(1)] == "written"
    assert backups(pack) == {f"folder/{name_of(1)}": mine}


def test_a_hand_made_pack_is_filled_up_and_never_replaced(run: Run, pack: Path) -> None:
    (pack / "folder").mkdir(parents=True)
    (pack / "folder" / name_of(1)).write_bytes(b"hand-made, in a way that texpipe cannot read")
    result = run(output=pack)
    assert (pack / "folder" / name_of(1)).read_bytes().startswith(b"hand-made")
    assert statuses(result)[name_of(1)] == "foreign"
    assert (pack / "folder" / name_of(2)).is_file()
    assert statuses(run())[name_of(1)] == "foreign", "the next run does not take it for its own"


def test_a_foreign_file_that_goes_away_makes_place(run: Run, pack: Path) -> None:
    (pack / "folder").mkdir(parents=True)
    (pack / "folder" / name_of(1)).write_bytes(b"mine")
    run(output=pack)
    (pack / "folder" / name_of(1)).unlink()
    assert statuses(run())[name_of(1)] == "written"


@pytest.mark.parametrize("container", ["hts", "htc"])
def test_a_container_of_somebody_else_stops_the_run_before_it_computes(
    run: Run, pack: Path, container: str
) -> None:
    (pack / "gliden64").mkdir(parents=True)
    file = pack / f"gliden64/G_HIRESTEXTURES.{container}"
    file.write_bytes(b"months of work")
    with pytest.raises(PackError, match="was not written by texpipe") as stopped:
        run(f"[{{gliden64: {{container: {container}}}}}]", output=pack)
    assert "--replace-edited" in str(stopped.value.hint)
    assert tree(pack) == {f"gliden64/G_HIRESTEXTURES.{container}": b"months of work", ".lock": b""}
    run(f"[{{gliden64: {{container: {container}}}}}]", output=pack, replace_edited=["all"])
    assert backups(pack) == {f"gliden64/G_HIRESTEXTURES.{container}": b"months of work"}


def test_a_manifest_of_another_program_is_not_replaced(run: Run, pack: Path) -> None:
    pack.mkdir()
    (pack / "manifest.json").write_text('{"name": "my web app"}')
    with pytest.raises(UsageError, match="a folder with other files in it"):
        run()
    for _ in range(2):  # what a refused run leaves must not make the folder texpipe's
        with pytest.raises(PackError, match=r"manifest\.json is there and not texpipe's"):
            run(output=pack)
    assert (pack / "manifest.json").read_text() == '{"name": "my web app"}'


def test_records_of_another_program_that_are_given_up_are_in_the_backup(run: Run, pack: Path) -> None:
    pack.mkdir()
    for name in ("manifest.json", "run.json"):
        (pack / name).write_text('{"of": "mine"}')
    run(output=pack, replace_edited=["all"])
    assert backups(pack) == dict.fromkeys(("manifest.json", "run.json"), b'{"of": "mine"}')


def test_a_pack_does_not_shrink_without_being_asked(run: Run, pack: Path, tmp_path: Path) -> None:
    add(tmp_path, *range(1, 13))
    run()
    before = tree(pack / "folder")
    add(tmp_path, 1, 2, where="other")
    with pytest.raises(PackError, match="would remove 10 of the 12 files") as stopped:
        run(input_=tmp_path / "other")
    assert "--remove" in str(stopped.value.hint)
    assert tree(pack / "folder") == before
    run(input_=tmp_path / "other", remove=True)
    assert set(tree(pack / "folder")) == {name_of(1), name_of(2)}
    assert backups(pack) == {
        f"folder/{name}": data for name, data in before.items() if name not in (name_of(1), name_of(2))
    }


def test_a_few_files_go_with_a_word(run: Run, pack: Path, tmp_path: Path) -> None:
    run()
    (tmp_path / "in" / name_of(3)).unlink()
    result = run()
    assert any("1 file of the earlier run is no longer part of the pack" in line for line in result.warnings)
    assert set(backups(pack)) == {f"folder/{name_of(3)}"}


def test_an_input_that_lost_everything_does_not_empty_the_pack(run: Run, pack: Path, tmp_path: Path) -> None:
    """A drive that is half mounted: one broken file is left of the dump."""
    run()
    before = tree(pack / "folder")
    for number in (1, 2, 3):
        (tmp_path / "in" / name_of(number)).unlink()
    (tmp_path / "in" / name_of(9)).write_bytes(b"\x89PNG")
    with pytest.raises(PackError, match="would remove 3 of the 3 files"):
        run()
    assert tree(pack / "folder") == before


def empty(dump: Path) -> None:
    for file in dump.iterdir():
        file.unlink()


def one_broken_file(dump: Path) -> None:
    empty(dump)
    (dump / name_of(1)).write_bytes(b"\x89PNG")


def one_other_picture(dump: Path) -> None:
    """What a desktop puts into a folder, or the dump of another game."""
    empty(dump)
    (dump / "thumb.png").write_bytes(picture(50))


def cut_to_nothing(dump: Path) -> None:
    for file in dump.iterdir():
        file.write_bytes(b"")


def unreadable(dump: Path) -> None:
    for file in dump.iterdir():
        file.unlink()
        file.symlink_to("/proc/1/mem")


def an_empty_container(dump: Path) -> None:
    empty(dump)
    (dump / "game.hts").write_bytes(b"")


def moved_away(dump: Path) -> None:
    dump.rename(dump.with_name("elsewhere"))


LOSSES = (
    empty,
    one_broken_file,
    one_other_picture,
    cut_to_nothing,
    unreadable,
    an_empty_container,
    moved_away,
)


@pytest.mark.parametrize("targets", ["[folder]", "[{gliden64: {container: hts}}, folder]"])
@pytest.mark.parametrize("manifest", ["sound", "damaged", "missing"])
@pytest.mark.parametrize("lose", LOSSES)
def test_an_input_that_lost_everything_changes_nothing(
    run: Run, pack: Path, tmp_path: Path, lose: Callable[[Path], None], manifest: str, targets: str
) -> None:
    if lose is one_other_picture and manifest != "sound":
        pytest.skip("nothing says which textures were there")
    run(targets)
    if manifest == "missing":
        (pack / "manifest.json").unlink()
    elif manifest == "damaged":
        (pack / "manifest.json").write_bytes(b"\0" * 100)
    before = {name: tree(pack / name) for name in ("folder", "gliden64")}
    lose(tmp_path / "in")
    with pytest.raises((PackError, SourceError)):
        run(targets)
    assert {name: tree(pack / name) for name in ("folder", "gliden64")} == before


def test_a_folder_of_the_input_that_is_gone_stops_a_large_loss(run: Run, pack: Path, tmp_path: Path) -> None:
    add(tmp_path, *range(4, 16), where="in/more")
    run()
    before = tree(pack / "folder")
    (tmp_path / "in" / "more").rename(tmp_path / "more")
    with pytest.raises(PackError, match="would remove 12 of the 15 files"):
        run()
    assert tree(pack / "folder") == before


def test_names_in_another_case_are_the_same_pack(run: Run, pack: Path, tmp_path: Path) -> None:
    """A drive with another file system may give names back in capitals."""
    run()
    for file in (tmp_path / "in").iterdir():
        file.rename(file.with_name(file.name.upper()))
    run()
    assert len(tree(pack / "folder")) == 3


def test_an_archive_does_not_lose_most_of_its_textures_in_silence(
    run: Run, pack: Path, tmp_path: Path
) -> None:
    """One file holds them all, so no file goes when nearly all textures do."""
    add(tmp_path, *range(1, 13))
    run("[{gliden64: {container: hts}}]")
    before = tree(pack / "gliden64")
    add(tmp_path, 1, 2, where="other")
    with pytest.raises(
        PackError, match=r"would leave 10 of the 12 textures out of gliden64/G_HIRESTEXTURES\.hts"
    ):
        run("[{gliden64: {container: hts}}]", input_=tmp_path / "other")
    assert tree(pack / "gliden64") == before
    run("[{gliden64: {container: hts}}]", input_=tmp_path / "other", remove=True)
    assert tree(pack / "gliden64") != before
    assert backups(pack) == {f"gliden64/{name}": data for name, data in before.items()}


def test_an_input_that_vanishes_during_the_run_changes_nothing(
    run: Run, pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read twice: looked at, and upscaled."""
    run()
    before = tree(pack / "folder")

    def vanished(*_: object) -> None:
        raise SourceError("cannot be read: Input/output error")

    monkeypatch.setattr(job_io, "read_again", vanished)
    with pytest.raises(PackError, match="would remove 3 of the 3 files"):
        run(scale=4)
    assert tree(pack / "folder") == before


@pytest.mark.parametrize(
    ("input_", "output"), [("p/folder", "p"), ("p", "p/folder"), ("p/folder/in", "p"), ("p", "p/q")]
)
def test_what_is_read_is_never_written_over(run: Run, tmp_path: Path, input_: str, output: str) -> None:
    (tmp_path / input_).mkdir(parents=True)
    (tmp_path / input_ / name_of(1)).write_bytes(picture(1))
    before = tree(tmp_path / "p")
    with pytest.raises(UsageError, match="is written by this run"):
        run(input_=tmp_path / input_, output=tmp_path / output)
    assert tree(tmp_path / "p") == before


@pytest.mark.parametrize(
    ("input_", "output"),
    [
        ("p/folder", "q/../p"),
        ("link", "p"),
        ("link/in", "p"),
        ("p/folder/in", "linked-pack"),
        ("p/folder", "linked-target"),
        ("p/folder/in", "linked-target"),
        ("p/in", "linked-store"),
    ],
)
def test_links_and_dots_hide_nothing_that_is_read(run: Run, tmp_path: Path, input_: str, output: str) -> None:
    """The output, its target or its store is a link to what is read, or the input is a link into the pack."""
    for where in ("p/folder", "p/folder/in", "p/in"):
        (tmp_path / where).mkdir(parents=True, exist_ok=True)
        (tmp_path / where / name_of(1)).write_bytes(picture(1))
    for folder in ("q", "linked-target", "linked-store"):
        (tmp_path / folder).mkdir()
    (tmp_path / "link").symlink_to("p/folder")
    (tmp_path / "linked-pack").symlink_to("p")
    (tmp_path / "linked-target" / "folder").symlink_to(tmp_path / "p" / "folder")
    (tmp_path / "linked-store" / ".store").symlink_to(tmp_path / "p")
    before = tree(tmp_path / "p")
    with pytest.raises((UsageError, PackError), match=r"is written by this run|is a link that leads out of"):
        run(input_=tmp_path / input_, output=tmp_path / output)
    assert tree(tmp_path / "p") == before


def test_a_folder_is_known_whatever_it_is_called(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems take Dump and dump for one folder: here two folders that say to be one stand for it."""
    add(tmp_path, 1, where="Dump")
    (tmp_path / "dump").mkdir()
    known = places._identity
    monkeypatch.setattr(places, "_identity", lambda path: known(Path(str(path).replace("Dump", "dump"))))
    with pytest.raises(UsageError, match="is written by this run"):
        run(input_=tmp_path / "Dump", output=tmp_path / "dump" / "pack")


@pytest.mark.parametrize("game", ["../../evil", "a/../../b", "/tmp/evil", "..", "a\\\\b", "con", "C:"])
def test_a_name_of_a_game_leads_nowhere(run: Run, pack: Path, tmp_path: Path, game: str) -> None:
    before = tree(tmp_path)
    with pytest.raises(RecipeError):
        run(f'[{{gliden64: {{game: "{game}"}}}}]')
    assert {path for path in tree(tmp_path) if not path.startswith("recipe")} == set(before)


def test_beside_the_files_of_a_folder_that_was_named(run: Run, pack: Path, tmp_path: Path) -> None:
    """A git checkout, a web app, a home folder: a run with --output writes beside, and never over, what is there."""
    home = tmp_path / "home"
    for path in (
        ".git/config",
        "src/app.js",
        "folder/notes.txt",
        "gliden64",
        "report/index.html",
        ".store-x/a",
    ):
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(f"mine: {path}")
    before = tree(home)
    run(output=home)
    assert {path: data for path, data in tree(home).items() if path in before} == before


def test_a_result_above_the_limit_is_left_out_before_it_is_computed(
    run: Run, pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in" / name_of(9)).write_bytes(picture(9, 16))
    monkeypatch.setattr(pack_module, "MAX_PIXELS", 16 * 16)
    result = run()
    (entry,) = (one for one in result.manifest.textures if one.status == "skipped")
    assert entry.source == name_of(9)
    assert "its result would have 32 x 32 pixels" in str(entry.reason)
    assert result.computed == 3


def test_a_damaged_manifest_is_written_anew_and_the_old_one_kept(run: Run, pack: Path) -> None:
    run()
    (pack / "manifest.json").write_bytes(b"\0" * 100)
    result = run()
    assert any("written anew" in line for line in result.warnings)
    assert read_manifest(pack / "manifest.json").textures
    assert backups(pack) == {"manifest.json": b"\0" * 100}


def test_what_verify_advises_helps(run: Run, pack: Path) -> None:
    """Running again mends what is texpipe's; of an edit that the emulator would refuse the option is named."""
    run()
    (pack / "folder" / name_of(1)).unlink()
    (pack / "folder" / name_of(2)).write_bytes(b"\x89PNG half")
    (pack / "folder" / name_of(3)).write_bytes(encode_png(noise((9, 7), 5)))
    (pack / "folder" / "mine.png").write_bytes(picture(5))
    wrong = {line.partition(":")[0] for line in verify_pack(pack).problems}
    assert wrong == {f"folder/{name_of(number)}" for number in (1, 2, 3)}
    run()
    left = verify_pack(pack)
    assert len(left.problems) == 1
    assert left.kept == (f"folder/{name_of(3)}",)
    run(replace_edited=[left.kept[0]])
    assert verify_pack(pack).problems == ()
    assert (pack / "folder" / "mine.png").read_bytes() == picture(5)


@pytest.mark.parametrize("container", ["hts", "htc"])
def test_an_edited_cache_stops_the_run_which_says_how_to_go_on(run: Run, pack: Path, container: str) -> None:
    targets = f"[{{gliden64: {{container: {container}}}}}]"
    run(targets)
    (file,) = pack.rglob(f"*.{container}")
    write = write_hts if container == "hts" else write_htc
    write(file, [CacheEntry(7, noise((4, 4), 9), 0, 2)])
    mine = file.read_bytes()
    with pytest.raises(PackError, match="was changed since texpipe wrote it") as stopped:
        run(targets, scale=4)
    assert file.read_bytes() == mine
    option = re.search(r"--replace-edited '([^']*)'", str(stopped.value.hint))
    assert option is not None
    run(targets, scale=4, replace_edited=[option[1]])
    assert mine in backups(pack).values()
    assert verify_pack(pack).problems == ()
