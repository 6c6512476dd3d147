"""Credits of a pack, and the zip file that people upload."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from dumps import GAME, dump, write_recipe

from texpipe.errors import UsageError
from texpipe.imaging.image_files import decode
from texpipe.manifest.file import read_manifest, write_manifest
from texpipe.manifest.schema import Entry, Manifest, ModelId, Output, Provenance, RecipeId, Summary
from texpipe.output import credits as credits_module
from texpipe.output.credits import PAGE, SUMMARY, credits_of, write_credits
from texpipe.upkeep.any_pack import open_pack
from texpipe.upkeep.archive import archive_name, chosen_targets, manifest_of_output, write_archive
from texpipe.upkeep.coverage import coverage

MODELS = (
    ModelId("a|b", "1" * 64, "MIT"),
    ModelId("second", "2" * 64, "CC-BY-NC-4.0"),
    ModelId("unused", "3" * 64, None),
)


def entry(number: int, by: Provenance | None) -> Entry:
    return Entry(
        f"{number}.png", "written", outputs=(Output("folder", f"folder/{number}.png", "", (1, 1)),), by=by
    )


def manifest_of(*makers: Provenance | None) -> Manifest:
    entries = tuple(entry(number, by) for number, by in enumerate(makers))
    return Manifest(
        "0.2", RecipeId("my pack", ""), MODELS[0], 4, ("folder",), entries, Summary(), models=MODELS
    )


MIXED = manifest_of(
    Provenance("model", "a|b", 0.5),
    Provenance("model", "a|b + second"),
    Provenance("hand", file="x.png", sha256=""),
    Provenance("copied"),
    Provenance("foreign"),
    None,
)


def test_credits_count_textures_by_maker_and_model() -> None:
    found = credits_of(MIXED)
    assert found.textures == {"model": 2, "hand": 1, "copied": 1, "foreign": 1}
    assert [(model.name, count) for model, count in found.models] == [("a|b", 2), ("second", 1)]
    assert found.licence == "CC-BY-NC-4.0"
    assert "forbids commercial use" in found.page()
    assert "a\\|b" in found.page(), "a name cannot end a cell of the table"
    assert (
        found.statement() == "2 of 5 textures were upscaled from the game's own by AI models (a|b, second)."
    )
    value = found.as_json()
    assert value["ai"] == {"used": True, "textures": 2, "of": 5, "statement": found.statement()}
    assert sum(value["textures"].values()) == 5
    assert credits_of(manifest_of(Provenance("hand", file="x", sha256=""))).as_json()["ai"]["used"] is False


def credit(output: Path, manifest: Manifest, keep: Callable[[str], object] = pytest.fail) -> str | None:
    return write_credits(output, manifest, keep)


@pytest.mark.parametrize("text", ["", "{", '{"schema": "texpipe.credits/1", "textures": {'])
def test_a_damaged_summary_is_kept_aside_and_made_again(tmp_path: Path, text: str) -> None:
    credit(tmp_path, MIXED)
    wanted = (tmp_path / SUMMARY).read_bytes()
    (tmp_path / SUMMARY).write_text(text)
    kept: list[str] = []
    assert credit(tmp_path, MIXED, lambda name: kept.append((tmp_path / name).read_text())) is None
    assert kept == [text]
    assert (tmp_path / SUMMARY).read_bytes() == wanted


def test_an_empty_page_is_written_again(tmp_path: Path) -> None:
    credit(tmp_path, MIXED)
    (tmp_path / PAGE).write_bytes(b"")
    assert credit(tmp_path, MIXED) is None
    assert (tmp_path / PAGE).stat().st_size


def test_credits_of_somebody_else_stay(tmp_path: Path) -> None:
    assert credit(tmp_path, MIXED) is None
    first = (tmp_path / PAGE).read_bytes()
    assert credit(tmp_path, replace(MIXED, texpipe="0.3")) is None
    assert (tmp_path / PAGE).read_bytes() != first
    (tmp_path / PAGE).write_text("mine")
    assert "changed by hand" in str(credit(tmp_path, MIXED))
    assert (tmp_path / PAGE).read_text() == "mine"
    (tmp_path / SUMMARY).write_text("{}")
    assert "not texpipe's" in str(credit(tmp_path, MIXED))
    assert (tmp_path / SUMMARY).read_text() == "{}"


@pytest.mark.parametrize("writes", range(2))
def test_a_run_killed_while_it_writes_credits_does_not_take_them_for_an_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    credit(tmp_path, MIXED)
    left, write = [writes], credits_module.write_atomic

    def counted(*arguments: object, **options: object) -> None:
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        write(*arguments, **options)

    monkeypatch.setattr(credits_module, "write_atomic", counted)
    with pytest.raises(KeyboardInterrupt):
        credit(tmp_path, replace(MIXED, texpipe="0.3"))
    monkeypatch.undo()
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    for folder in (tmp_path, fresh):
        assert credit(folder, replace(MIXED, texpipe="0.4")) is None
    assert all((tmp_path / name).read_bytes() == (fresh / name).read_bytes() for name in (PAGE, SUMMARY))


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A run of the real command line: two targets."""
    from texpipe.cli import texpipe
    from texpipe.cli.console import exit_code_of

    folder = tmp_path_factory.mktemp("run")
    dump(folder / "dump", 5)
    recipe = write_recipe(folder)
    recipe.write_text(recipe.read_text().replace("[gliden64]", "[gliden64, folder]"))
    assert exit_code_of(texpipe, ["-q", "run", str(recipe), "--model", str(tiny_model)]) == 0
    return folder / "out"


def test_a_run_writes_its_credits(output: Path) -> None:
    made = json.loads((output / SUMMARY).read_text())
    assert made["textures"]["model"] == 5
    assert made["models"][0] | {"sha256": ""} == {
        "name": "tiny",
        "sha256": "",
        "licence": "MIT",
        "textures": 5,
    }
    page, _, digest = (output / PAGE).read_text().rpartition("\n<!--")
    assert page == credits_of(read_manifest(output / "manifest.json")).page()
    assert hashlib.sha256(page.encode()).hexdigest() in digest


def test_an_archive_is_the_pack_with_what_people_need(output: Path, tmp_path: Path) -> None:
    manifest = manifest_of_output(output)
    done = write_archive(output, manifest, "gliden64", tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    pack = {
        f"gliden64/{path.relative_to(output / 'gliden64').as_posix()}": path.read_bytes()
        for path in (output / "gliden64").rglob("*.png")
    }
    assert done.files == len(pack) == 5
    assert files.keys() - pack.keys() == {"README.txt", PAGE, SUMMARY, "preview.png"}
    assert all(files[name] == data for name, data in pack.items())
    assert b"hires_texture" in files["README.txt"], "where the pack goes"
    assert files[PAGE].decode() == credits_of(manifest).page()
    rgba = decode(files["preview.png"], name="p")[0]
    assert rgba.shape[0] > 160
    assert len(set(map(tuple, rgba[:, :, :3].reshape(-1, 3)[::7].tolist()))) > 50
    assert coverage(open_pack(tmp_path / "a.zip"), [output.parent / "dump"]).count("there") == 5


def test_equal_packs_give_equal_archives(output: Path, tmp_path: Path) -> None:
    shutil.copytree(output, tmp_path / "copy")
    for number, folder in enumerate((output, tmp_path / "copy")):
        write_archive(folder, manifest_of_output(folder), "folder", tmp_path / f"{number}.zip")
    assert (tmp_path / "0.zip").read_bytes() == (tmp_path / "1.zip").read_bytes()


def test_the_command(output: Path, tmp_path: Path, texpipe: Callable) -> None:
    done = texpipe("archive", output, "--into", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"test-gliden64.zip", "test-folder.zip"}
    assert [one["target"] for one in json.loads(done.stdout)] == ["gliden64", "folder"]
    before = (tmp_path / "test-folder.zip").read_bytes()
    again = texpipe("archive", output, "--into", tmp_path, "--target", "folder")
    assert (again.returncode, "already exists" in again.stderr) == (2, True)
    assert (tmp_path / "test-folder.zip").read_bytes() == before


def test_links_to_files_of_the_pack_are_archived_and_all_others_are_named(
    output: Path, tmp_path: Path, texpipe: Callable
) -> None:
    """An archive of a stranger's pack must not publish the files of whoever makes it."""
    (tmp_path / "secret").write_bytes(b"secret")
    shutil.copytree(output, tmp_path / "out")
    folder = tmp_path / "out" / "folder"
    real = next(folder.rglob("*.png"))
    (folder / "again.png").symlink_to(real)
    (folder / "secret.png").symlink_to(tmp_path / "secret")
    (folder / "more").symlink_to(tmp_path)
    done = texpipe("archive", tmp_path / "out", "--into", tmp_path, "--target", "folder")
    assert done.returncode == 0, done.stderr
    assert f"{folder / 'secret.png'} is a link that leads out of its folder" in done.stderr
    assert f"{folder / 'more'} is a link to a folder" in done.stderr
    with zipfile.ZipFile(tmp_path / "test-folder.zip") as archive:
        assert archive.read("folder/again.png") == real.read_bytes()
        assert not [name for name in archive.namelist() if "secret" in name or "more" in name]


def test_names_of_archives_are_sound(output: Path) -> None:
    manifest = manifest_of_output(output)
    assert archive_name(replace(manifest, recipe=RecipeId("../x", "")), "folder") == "pack-folder.zip"
    with pytest.raises(UsageError, match="no target soh"):
        chosen_targets(manifest, ["soh"])
    assert GAME in str(open_pack(output).textures[0].names[0].game)


def test_a_zip_file_that_is_larger_than_the_budget_is_told(
    output: Path, tmp_path: Path, texpipe: Callable
) -> None:
    shutil.copytree(output, tmp_path / "copy")
    file = tmp_path / "copy" / "manifest.json"
    manifest = read_manifest(file)
    for budget, told in ((10**8, False), (1000, True)):
        write_manifest(file, replace(manifest, budget=budget))
        done = texpipe("archive", tmp_path / "copy", "--into", tmp_path, "--target", "folder", "--force")
        assert done.returncode == 0, done.stderr
        assert ("larger than the pack's budget of 1 KB" in done.stderr) == told


def test_the_readme_says_how_many_textures_are_smaller(output: Path, tmp_path: Path) -> None:
    manifest = manifest_of_output(output)
    first = manifest.textures[0]
    less = replace(first, outputs=tuple(replace(one, scale=2, loss=1.0) for one in first.outputs))
    write_archive(
        output, replace(manifest, textures=(less, *manifest.textures[1:])), "folder", tmp_path / "a.zip"
    )
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert (
            "4 times as large (1 of them less, to keep the pack small)."
            in archive.read("README.txt").decode()
        )
