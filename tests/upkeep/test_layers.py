"""Layers: the last one wins or a choice does, every conflict is named, and nothing of anybody's is lost."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dumps import tree
from hypothesis import assume, given, settings
from pack_trees import GAME, NAMES, contents, picture, trees, write_container, write_tree
from packs import finished, noise

from texpipe.errors import PackError, RecipeError, UsageError
from texpipe.formats import parse_name
from texpipe.formats.duckstation_config import read_config
from texpipe.formats.gliden64_cache import read_cache
from texpipe.formats.portable_names import file_digest
from texpipe.imaging.image_files import encode_png
from texpipe.manifest.file import write_manifest
from texpipe.manifest.layers import NAMES as MANIFESTS
from texpipe.manifest.schema import Entry, Manifest, ModelId, Output, Provenance, RecipeId, Summary
from texpipe.packs.pack import write_pack
from texpipe.recipe.targets import Target
from texpipe.storage import whole_folder as swapping
from texpipe.texture import Source
from texpipe.upkeep.any_pack import open_pack
from texpipe.upkeep.layers import Merged, merge_layers
from texpipe.upkeep.layers_recipe import is_layers_recipe, read_layers_recipe, write_layers_recipe
from texpipe.upkeep.provenance import Makers


@pytest.fixture(scope="module", autouse=True)
def disk() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(swapping, "sync_disk", lambda: None)
        patch.setattr("os.fsync", lambda _: None)
        yield


def conflicts(merged: Merged) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {one.name: (one.taken, one.others) for one in merged.conflicts}


def content_of(folder: Path) -> dict[str, bytes]:
    return tree(folder, leave_out=MANIFESTS)


def test_an_output_that_is_a_link_stays_one(tmp_path: Path) -> None:
    base, top = (
        write_tree(tmp_path / name, {"": {0: number}}) for number, name in enumerate(["base", "top"])
    )
    (tmp_path / "drive").mkdir()
    (tmp_path / "out").symlink_to(Path("drive", "merged"), target_is_directory=True)
    for layers in ([base], [base, top]):
        merge_layers(layers, tmp_path / "out")
    assert (tmp_path / "out").is_symlink()
    assert content_of(tmp_path / "drive" / "merged") == content_of(top)
    assert [path.name for path in (tmp_path / "drive").iterdir()] == ["merged"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "drive", "out", "top"]


def test_the_last_layer_wins_and_each_conflict_is_named(tmp_path: Path) -> None:
    base = write_tree(tmp_path / "base", {"": {0: 0, 1: 2, 2: 2}})
    hud = write_tree(tmp_path / "hud", {"": {1: 1, 3: 0}})  # 1 lies in a sub-folder here
    mine = write_tree(tmp_path / "mine", {"": {0: 2, 1: 4, 2: 2}})
    merged = merge_layers([base, hud, mine], tmp_path / "out")
    assert conflicts(merged) == {
        f"{GAME}/{NAMES[0]}": ("mine", ("base",)),
        f"{GAME}/{NAMES[1]}": ("mine", ("base", "hud")),
    }
    expected = {0: 2, 1: 4, 2: 2, 3: 0}
    assert content_of(tmp_path / "out") == {
        f"{GAME}/{NAMES[k]}": encode_png(picture(v)) for k, v in expected.items()
    }
    assert merged.files == {"base": 0, "hud": 1, "mine": 3}


def test_a_choice_decides_and_one_that_fits_nothing_is_told(tmp_path: Path) -> None:
    base = write_tree(tmp_path / "base", {"": {0: 0, 1: 2}})
    hud = write_tree(tmp_path / "hud", {"": {0: 2, 1: 1}})
    choices = [(NAMES[1], "base"), ("*nothing*", "base"), ("*", "hud")]
    merged = merge_layers([base, hud], tmp_path / "out", choices)
    assert conflicts(merged)[f"{GAME}/{NAMES[1]}"] == ("base", ("hud",))
    assert all(one.chosen for one in merged.conflicts)
    assert merged.idle == ("*nothing*",)
    with pytest.raises(UsageError, match="is no layer"):
        merge_layers([base, hud], tmp_path / "out2", [("*", "nobody")])


@settings(max_examples=20)
@given(trees, trees, trees)
def test_merging_is_associative_where_nothing_conflicts(one: dict, two: dict, three: dict) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        a, b, c = (write_tree(root / x, y) for x, y in (("a", one), ("b", two), ("c", three)))
        whole = merge_layers([a, b, c], root / "abc")
        assume(not whole.conflicts)
        merge_layers([a, b], root / "ab")
        merge_layers([b, c], root / "bc")
        assert not merge_layers([root / "ab", c], root / "ab-c").conflicts
        assert not merge_layers([a, root / "bc"], root / "a-bc").conflicts
        assert content_of(root / "ab-c") == content_of(root / "a-bc") == content_of(root / "abc")


@settings(max_examples=20)
@given(trees, trees)
def test_laws(one: dict, two: dict) -> None:
    """A pack over itself is itself; conflicts are what both have and differ in; nothing else is lost."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        a, b = write_tree(root / "a", one), write_tree(root / "b", two)
        (root / "again").mkdir()
        twin = write_tree(root / "again" / "twin", one)
        assert not merge_layers([a, twin], root / "aa").conflicts
        assert content_of(root / "aa") == tree(a)
        merged = merge_layers([a, b], root / "ab")
        expected = {
            (suffix, key)
            for suffix in one.keys() & two.keys()
            for key in one[suffix].keys() & two[suffix].keys()
            if one[suffix][key] != two[suffix][key]
        }
        assert len(merged.conflicts) == len(expected)
        pixels = {
            (suffix, key): two.get(suffix, {}).get(key, one.get(suffix, {}).get(key))
            for suffix in one.keys() | two.keys()
            for key in one.get(suffix, {}).keys() | two.get(suffix, {}).keys()
        }
        there = [entry for entry in open_pack(root / "ab").entries if entry.pixels]
        assert len(there) == len(pixels)


@settings(max_examples=15)
@given(contents, contents)
def test_cache_files_are_merged_entry_by_entry(one: dict, two: dict) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for folder, content in (("a", one), ("b", two)):
            write_container(root / folder / "X_HIRESTEXTURES.hts", content)
        merge_layers([root / "a", root / "b"], root / "out")
        found = {entry.key: entry.rgba for entry in read_cache(root / "out" / "X_HIRESTEXTURES.hts")}
        assert found.keys() == {0x0A000000 + key for key in one | two}
        for key, value in (one | two).items():
            assert (found[0x0A000000 + key] == picture(value)).all()


def test_lists_of_rt64_are_joined_by_hash_in_folders_and_archives(tmp_path: Path) -> None:
    hashes = [f"{number:016x}" for number in range(3)]

    def pack(folder: str, numbers: dict[int, int], container: str) -> Path:
        names = [(f"{hashes[number]}.png", seed) for number, seed in numbers.items()]
        pictures = [
            finished(Source(name, tmp_path / name, parse_name(name)), noise((4, 4), seed), 1)
            for name, seed in names
        ]
        write_pack(
            Target(name="rt64", container=container, images="png", game="g"), pictures, tmp_path / folder
        )
        return tmp_path / folder

    for container in ("folder", "rtz"):
        base, mine = (
            pack(f"{container}-a", {0: 0, 1: 1}, container),
            pack(f"{container}-b", {1: 2, 2: 3}, container),
        )
        merged = merge_layers([base, mine], tmp_path / container)
        assert [name for name in conflicts(merged) if "json" not in name] == [
            next(one.name for one in merged.conflicts if hashes[1] in one.name)
        ]
        textures = {
            dict(name.fields)["hash"]: one
            for one in open_pack(tmp_path / container).textures
            for name in one.names
        }
        assert textures.keys() == set(hashes)
        assert (textures[hashes[1]].entry.pixels() == noise((4, 4), 2)).all()


def test_two_files_for_one_hash_are_a_conflict(tmp_path: Path) -> None:
    for folder, path, extra in (("a", "old.png", {}), ("b", "new.png", {"operationFilters": []})):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / path).write_bytes(encode_png(noise((4, 4))))
        top = {"textures": [{"path": path, "hashes": {"rt64": "0" * 16, "rice": ""}}], **extra}
        (tmp_path / folder / "rt64.json").write_text(json.dumps(top))
    merged = merge_layers([tmp_path / "a", tmp_path / "b"], tmp_path / "out")
    assert conflicts(merged) == {f"rt64.json: {'0' * 16}": ("b", ("a",))}
    chosen = merge_layers(
        [tmp_path / "a", tmp_path / "b"], tmp_path / "out", [(f"rt64.json: {'0' * 16}", "a")]
    )
    assert conflicts(chosen) == {f"rt64.json: {'0' * 16}": ("a", ("b",))}
    assert json.loads((tmp_path / "out" / "rt64.json").read_text())["textures"][0]["path"] == "old.png"


def test_aliases_of_duckstation_and_lists_of_ppsspp_are_joined(tmp_path: Path) -> None:
    alias = "texupload-P4-18DDF9B731440D20-AF506869B80F5CE7-10x56-0-0-36x32-P0-15"
    for folder, number in (("a", 1), ("b", 2)):
        (tmp_path / folder / "SLUS-00067").mkdir(parents=True)
        (tmp_path / folder / "SLUS-00067" / "config.yaml").write_text(
            f"ReducePaletteRange: {str(number == 1).lower()}\nAliases:\n  {alias[:-1]}{number}: x{number}.png\n"
        )
        (tmp_path / folder / "textures.ini").write_text(
            f"[options]\nversion = 1\nhash = quick\n[hashes]\n{number:024x} = {number}.png\n{9:024x} = {number}.png\n"
        )
    merged = merge_layers([tmp_path / "a", tmp_path / "b"], tmp_path / "out")
    config = read_config(tmp_path / "out" / "SLUS-00067" / "config.yaml")
    assert config.aliases == {f"{alias[:-1]}{number}": f"x{number}.png" for number in (1, 2)}
    assert config.settings == {"ReducePaletteRange": False}
    text = (tmp_path / "out" / "textures.ini").read_text()
    assert [line for line in text.splitlines() if line.endswith(".png")] == [
        f"{1:024x} = 1.png",
        f"{2:024x} = 2.png",
        f"{9:024x} = 2.png",
    ]
    assert set(conflicts(merged)) == {
        "SLUS-00067/config.yaml: ReducePaletteRange",
        f"textures.ini: {9:024x}",
    }


def test_what_was_changed_in_a_merged_pack_is_not_lost(tmp_path: Path) -> None:
    base, mine = write_tree(tmp_path / "base", {"": {0: 0}}), write_tree(tmp_path / "mine", {"": {1: 2}})
    out = tmp_path / "out"
    merge_layers([base, mine], out)
    (mine / GAME / NAMES[1]).write_bytes(encode_png(picture(8)))
    merge_layers([base, mine], out)
    assert content_of(out)[f"{GAME}/{NAMES[1]}"] == encode_png(picture(8))
    (out / "new.png").write_bytes(b"painted")
    before = tree(out)
    with pytest.raises(PackError, match=r"new\.png was changed or added"):
        merge_layers([base, mine], out)
    (tmp_path / "theirs").mkdir()
    with pytest.raises(PackError, match="no pack that texpipe merged"):
        merge_layers([base, mine], tmp_path / "theirs")
    for bad in (base, base / "inside", tmp_path):
        with pytest.raises(UsageError, match="inside each other"):
            merge_layers([base, mine], bad)
    with pytest.raises(UsageError, match="twice"):
        merge_layers([base, base], tmp_path / "out2")
    assert tree(out) == before


def test_a_damaged_entry_leaves_what_was_there(tmp_path: Path) -> None:
    base, mine = (
        write_tree(tmp_path / "base", {".zip": {0: 0}}),
        write_tree(tmp_path / "mine", {".zip": {1: 2}}),
    )
    merge_layers([base, mine], tmp_path / "out")
    before = tree(tmp_path / "out")
    file = mine / f"{GAME}_HIRESTEXTURES.zip"
    with zipfile.ZipFile(file) as archive:
        start = archive.infolist()[0].header_offset + 60 + len(NAMES[1])
    data = bytearray(file.read_bytes())
    data[start] ^= 255
    file.write_bytes(data)
    with pytest.raises(PackError):
        merge_layers([base, mine], tmp_path / "out")
    assert tree(tmp_path / "out") == before


def test_the_recipe_keeps_the_choice(tmp_path: Path, texpipe: Callable) -> None:
    """The command writes a recipe with every conflict; one is uncommented, and the recipe does it again."""
    write_tree(tmp_path / "base", {"": {0: 0, 1: 2}})
    write_tree(tmp_path / "hud", {"": {0: 2, 1: 4}})
    recipe = tmp_path / "layers.yaml"
    done = texpipe(
        "merge", tmp_path / "base", tmp_path / "hud", "--output", tmp_path / "out", "--save", recipe,
        "--html", tmp_path / "page", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [one["taken"] for one in json.loads(done.stdout)["conflicts"]] == ["hud", "hud"]
    assert (tmp_path / "page" / "index.html").read_text().count("data-compare") == 2
    lines = recipe.read_text().splitlines()
    recipe.write_text(
        "\n".join(line.replace("# ", "", 1) if NAMES[0] in line else line for line in lines) + "\n"
    )
    assert is_layers_recipe(recipe)
    again = texpipe("merge", recipe)
    assert again.returncode == 0, again.stderr
    assert f"{NAMES[0]}: taken from base by choice, not from hud" in again.stderr
    assert content_of(tmp_path / "out")[f"{GAME}/{NAMES[0]}"] == encode_png(picture(0))
    assert content_of(tmp_path / "out")[f"{GAME}/{NAMES[1]}"] == encode_png(picture(4))


def test_a_recipe_is_read_as_it_is_written(tmp_path: Path) -> None:
    layers = [tmp_path / "a", tmp_path / 'with: colon # and "quotes" \u202e']
    choices = (("*: x", "a"), ("y\n", "a"))
    write_layers_recipe(tmp_path / "r.yaml", layers, tmp_path / "out", choices, [])
    found = read_layers_recipe(tmp_path / "r.yaml")
    assert (found.layers, found.output, found.choices) == (tuple(layers), tmp_path / "out", choices)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("version: 1\nlayers: [a]\noutput: o\n", ":2:1"),
        ("version: 1\nlayers: [a, b]\noutput: o\nchose: {}\n", ":4:1"),
        ("version: 2\nlayers: [a, b]\noutput: o\n", ":1:1"),
        ("version: 1\nlayers: [a, b]\noutput: [o]\n", ":3:1"),
        ("version: 1\nlayers: [a, b]\noutput: o\nchoose: [x]\n", ":4:1"),
        ("layers: [a, b]\nlayers: [a, b]\n", ":2:1"),
        ("layers: [a, b\n", ":"),
    ],
)
def test_mistakes_in_a_recipe_have_their_place(tmp_path: Path, text: str, place: str) -> None:
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(RecipeError) as mistake:
        read_layers_recipe(tmp_path / "r.yaml")
    assert f"r.yaml{place}" in str(mistake.value)


def test_options_of_runs_are_refused_for_packs(tmp_path: Path, texpipe: Callable) -> None:
    done = texpipe("merge", tmp_path / "a", tmp_path / "b", "--output", tmp_path / "c", "--model", "x")
    assert done.returncode == 2
    assert "--model says nothing of packs" in done.stderr


def manifest_of(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text("utf-8"))


def test_the_manifest_says_which_layer_each_file_is_from(tmp_path: Path) -> None:
    base = write_tree(tmp_path / "base", {"": {0: 0, 1: 2}, ".zip": {0: 0, 1: 1}})
    mine = write_tree(tmp_path / "mine", {"": {1: 4, 2: 2}, ".zip": {1: 2, 2: 2}})
    merged = merge_layers([base, mine], tmp_path / "out")
    known = manifest_of(tmp_path / "out")
    assert known["schema"] == "texpipe.layers/1"
    assert [one["name"] for one in known["layers"]] == ["base", "mine"]
    assert known["files"].keys() == tree(tmp_path / "out", leave_out=MANIFESTS).keys()
    assert all(one["sha256"] == file_digest(tmp_path / "out" / name) for name, one in known["files"].items())
    origins = {
        name: (one.get("layer"), one.get("instead_of"))
        for name, one in known["files"].items()
        if "merged" not in one
    }
    assert origins == {
        f"{GAME}/{NAMES[0]}": ("base", None),
        f"{GAME}/{NAMES[1]}": ("mine", ["base"]),
        f"{GAME}/{NAMES[2]}": ("mine", None),
    }
    ((container, inside),) = (pair for pair in known["files"].items() if "merged" in pair[1])
    assert container.endswith(".zip")
    assert inside["merged"] == ["base", "mine"]
    assert {name[-len(NAMES[0]) :]: one["layer"] for name, one in inside["entries"].items()} == {
        NAMES[0]: "base", NAMES[1]: "mine", NAMES[2]: "mine"
    }  # fmt: skip
    assert merged.files == {"base": 1, "mine": 3}
    merge_layers([base, mine], tmp_path / "again")
    assert manifest_of(tmp_path / "again") == known, "no time, no place"


def test_a_run_says_who_made_a_layer_and_the_merged_pack_goes_on_saying_it(tmp_path: Path) -> None:
    base = write_tree(tmp_path / "base", {"": {0: 0}})
    run = write_tree(tmp_path / "run" / "gliden64", {"": {1: 2}})
    file = run / GAME / NAMES[1]
    output = Output("gliden64", f"gliden64/{GAME}/{NAMES[1]}", file_digest(file) or "", (4, 4))
    entry = Entry(NAMES[1], "written", outputs=(output,), by=Provenance("model", "texpipe-x4"))
    model = ModelId("texpipe-x4", "ab", "CC0-1.0")
    write_manifest(
        tmp_path / "run" / "manifest.json",
        Manifest("0", RecipeId("oot", ""), model, 4, ("gliden64",), (entry,), Summary()),
    )
    merge_layers([base, run], tmp_path / "out")
    known = manifest_of(tmp_path / "out")
    assert known["layers"][1]["models"] == [{"name": "texpipe-x4", "sha256": "ab", "licence": "CC0-1.0"}]
    assert known["files"][f"{GAME}/{NAMES[1]}"]["by"] == "texpipe-x4"
    assert "by" not in known["files"][f"{GAME}/{NAMES[0]}"]
    textures = {one.entry.name: one for one in open_pack(tmp_path / "out").textures}
    makers = Makers.of(tmp_path / "out")
    assert makers.of_file(textures[f"{GAME}/{NAMES[1]}"]) == "texpipe-x4"
    assert makers.of_file(textures[f"{GAME}/{NAMES[0]}"]) == "unknown"
    third = write_tree(tmp_path / "third", {"": {2: 2}})
    merge_layers([tmp_path / "out", third], tmp_path / "more")
    assert manifest_of(tmp_path / "more")["files"][f"{GAME}/{NAMES[1]}"] == {
        "sha256": file_digest(file), "layer": "out", "by": "texpipe-x4"
    }  # fmt: skip
    (tmp_path / "out" / GAME / NAMES[1]).write_bytes(encode_png(picture(9)))
    textures = {one.entry.name: one for one in open_pack(tmp_path / "out").textures}
    assert Makers.of(tmp_path / "out").of_file(textures[f"{GAME}/{NAMES[1]}"]) == "edited by hand"


def test_a_manifest_of_somebody_elses_is_a_file_like_others(tmp_path: Path, texpipe: Callable) -> None:
    base, mine = write_tree(tmp_path / "base", {"": {0: 0}}), write_tree(tmp_path / "mine", {"": {1: 2}})
    (mine / "manifest.json").write_text('{"name": "A mod"}')
    merge_layers([base, mine], tmp_path / "out")
    assert (tmp_path / "out" / "manifest.json").read_text() == '{"name": "A mod"}'
    assert (
        json.loads((tmp_path / "out" / "layers.json").read_text())["files"]["manifest.json"]["layer"]
        == "mine"
    )
    merge_layers([base, mine], tmp_path / "out")
    (mine / "manifest.json").unlink()
    merge_layers([base, mine], tmp_path / "out")
    assert manifest_of(tmp_path / "out")["schema"] == "texpipe.layers/1"
    done = texpipe("verify", tmp_path / "out")
    assert done.returncode == 5
    assert "merged out of several packs" in done.stderr
