"""`texpipe init`: the proposed recipe fits the dump, validates and runs."""

from __future__ import annotations

import struct
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from dumps import GAME, texture
from hypothesis import given
from hypothesis import strategies as st
from pages import REPOSITORY

from texpipe.analysis.survey import survey
from texpipe.formats import TARGETS, known_targets
from texpipe.imaging.image_files import save_png
from texpipe.planning.games import GameInDump
from texpipe.planning.run_models import dialled, find_models
from texpipe.planning.starter_recipe import Choices, DumpProfile, profile_dump, recipe_name, recipe_text
from texpipe.progress import of_textures
from texpipe.recipe.load import load_recipe
from texpipe.recipe.schema import Recipe
from texpipe.recipe.targets import context_of
from texpipe.recipe.yaml_positions import read_yaml
from texpipe.studio.rule_text import frame_of_rule, with_entries
from texpipe.texture import Kind, KindGuess

Run = Callable[..., subprocess.CompletedProcess[str]]


def put(folder: Path, name: str, size: tuple[int, int] = (8, 8), seed: int = 0) -> None:
    save_png(folder / name, texture(seed, size))


def proposal_for(folder: Path) -> DumpProfile:
    return profile_dump(survey(folder, Recipe.default()), folder)


@given(
    name=st.text(max_size=80),
    folder=st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40
    ),
    game=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200),
)
def test_odd_names_of_games_and_folders_give_a_valid_recipe(name: str, folder: str, game: str) -> None:
    """Names of games and folders are whatever they are; the recipe holds them as they are."""
    games = (GameInDump(game, 1), GameInDump(game, 1))
    proposal = DumpProfile("gliden64", 1, 2, games, (), (), ("look",))
    document = read_yaml(recipe_text(proposal, recipe_name(name), [folder], "build/x"))
    assert not document.faults
    recipe = Recipe.model_validate(document.value, context=context_of(known_targets()))
    assert (recipe.game, recipe.input) == (game, (folder,))


@pytest.mark.parametrize("target", TARGETS)
def test_no_target_gives_an_invalid_recipe(target: str) -> None:
    proposal = DumpProfile(target, 1, 1, (), (), (), ())
    document = read_yaml(recipe_text(proposal, "x", ["dump"], "out"))
    recipe = Recipe.model_validate(document.value, context=context_of(known_targets()))
    assert [one.name for one in recipe.targets] == [target]


@pytest.mark.parametrize("kinds", [("hud",), ("letters", "hud", "cut-out")])
@pytest.mark.parametrize("choices", [Choices(), Choices(model="texpipe-x4-fast")])
def test_rules_that_are_only_suggested_leave_a_valid_recipe_and_give_one(
    tmp_path: Path, kinds: tuple[Kind, ...], choices: Choices
) -> None:
    """Regression: a recipe in which every rule was a comment was refused, and so was one of its suggestions."""
    for number in range(4 * len(kinds)):
        put(tmp_path, f"{number}.png", seed=number)
    seen = survey(tmp_path, Recipe.default())
    items = tuple(
        replace(item, kind=KindGuess(kinds[number // 4], 0.99)) for number, item in enumerate(seen.items)
    )
    seen = replace(seen, inventory=replace(seen.inventory, items=items))
    text = recipe_text(profile_dump(seen, tmp_path), "x", ["dump"], "out", choices)
    assert text.count("# - {match: {kind: ") == len(kinds)
    file = tmp_path / "x.yaml"
    file.write_text(text, encoding="utf-8")
    assert load_recipe(file, known_targets()).recipe.rules == ()
    file.write_text(text.replace("# - {", "- {"), encoding="utf-8")
    taken = load_recipe(file, known_targets()).recipe
    assert [rule.match.kind for rule in taken.rules] == [*kinds]
    dialled(taken, find_models(taken))
    file.write_text(with_entries(text, "rules", [{"match": {}, "edges": "wrap"}]), encoding="utf-8")
    assert len(load_recipe(file, known_targets()).recipe.rules) == 1
    assert frame_of_rule(text) == ("  - ", "")


@pytest.mark.parametrize(
    ("text", "name"),
    [("THE LEGEND OF ZELDA", "the-legend-of-zelda"), ("..", "pack"), ("é", "pack"), ("A" * 99, "a" * 64)],
)
def test_a_game_whose_name_is_no_file_name_gives_one(text: str, name: str) -> None:
    assert recipe_name(text) == name


def test_the_game_of_most_names_is_taken_and_others_are_noted(tmp_path: Path) -> None:
    for number in range(3):
        put(tmp_path, f"{GAME}#0000000{number}#0#2_all.png", seed=number)
    put(tmp_path, "OTHER#00000009#0#2_all.png", seed=9)
    found = proposal_for(tmp_path)
    assert (found.target, found.named, found.game) == ("gliden64", 4, GAME)
    assert [(one.name, one.textures) for one in found.games] == [(GAME, 3), ("OTHER", 1)]


def test_names_of_no_emulator_give_the_target_folder(tmp_path: Path) -> None:
    put(tmp_path, "wall.png")
    found = proposal_for(tmp_path)
    assert (found.target, found.named, found.game) == ("folder", 0, None)


@pytest.mark.parametrize(
    ("place", "names", "target", "game"),
    [
        ("GLideNHQ", [f"{GAME}#{1:08X}#0#2_all.png", f"{GAME}#{2:08X}#2#0#{3:08X}_ciByRGBA.png"], "gliden64", GAME),
        ("dump", [f"{1:016x}.v5.png", f"{2:016x}.v5.png"], "rt64", None),
        (
            "textures/SLUS-00067/dumps",
            [f"texupload-P4-{1:016X}-{2:016X}-8x8-0-0-8x8-P0-15.png", f"vram-write-{3:032X}.png"],
            "duckstation",
            "SLUS-00067",
        ),
        ("Some Game (USA)-texture-dump", ["514851fc-98906414.png", "c8fe8108-0.png"], "beetle-psx", None),
        ("Dump/Textures/GZLE01", ["tex1_8x8_491f13c5ccb0e7e8_14.png"], "dolphin", None),
        ("TEXTURES/ULUS10041/new", [f"{1:016x}{2:08x}.png"], "ppsspp", "ULUS10041"),
        ("assets/objects/gameplay_keep", ["gEffTex.rgba16.png", "gKeyTex.i8.png"], "soh", None),
    ],
)  # fmt: skip
def test_no_emulator_s_dump_goes_unrecognised(
    tmp_path: Path, texpipe: Run, place: str, names: list[str], target: str, game: str | None
) -> None:
    """Recognised, with the game where names say it, and the proposed recipe would write all of it.

    Beetle's and Dolphin's formats take the game from the folder when they write.
    """
    folder = tmp_path / place
    for number, name in enumerate(names):
        put(folder, name, seed=number)
    recipe = tmp_path / "mine.yaml"
    done = texpipe("init", folder, "--output", recipe)
    assert done.returncode == 0, done.stderr
    loaded = load_recipe(recipe, known_targets()).recipe
    assert ([one.name for one in loaded.targets], loaded.game) == ([target], game)
    planned = texpipe("run", recipe, "--dry-run")
    assert f"would write {of_textures(len(names))}" in planned.stderr, planned.stderr


def test_an_archive_of_ship_of_harkinian_is_recognised(tmp_path: Path) -> None:
    header = struct.pack("<BBHIIQ", 0, 1, 0, 0x4F544558, 0, 0xDEADBEEFDEADBEEF).ljust(64, b"\0")
    with zipfile.ZipFile(tmp_path / "oot.o2r", "w") as archive:
        rgba32 = struct.pack("<IIII", 1, 8, 8, 256) + texture(4).tobytes()
        archive.writestr("objects/gKeyTex", header + rgba32)
    assert proposal_for(tmp_path / "oot.o2r").target == "soh"


def test_tables_tiny_textures_and_fonts_get_rules(tmp_path: Path) -> None:
    put(tmp_path, f"{GAME}#00000001#0#2_all.png", (32, 1))
    put(tmp_path, f"{GAME}#00000002#0#2_all.png", (4, 2))
    for number in range(16):
        put(tmp_path, f"{GAME}#0000010{number:X}#4#0_all.png", (16, 16), number)
    rules = [line for line in proposal_for(tmp_path).rules if not line.startswith("#")]
    assert rules == [
        "- {match: {size: 32x1}, action: nearest}",
        "- {match: {max_side: 4}, action: nearest}",
        "- {match: {format: i4, size: 16x16}, edges: clamp}",
    ]


def test_strips_films_and_damaged_files_are_noted(tmp_path: Path) -> None:
    for number in range(4):
        put(tmp_path, f"strip{number}.png", (64, 4), number)
    put(tmp_path, "Movies/a.png")
    (tmp_path / "damaged.png").write_bytes(b"nothing")
    notes = "\n".join(proposal_for(tmp_path).notes)
    assert "4 textures of 64x4 may be strips" in notes
    assert "folder: Movies}, action: skip" in notes
    assert "1 texture could not be read" in notes


def test_an_existing_recipe_is_replaced_only_by_force(tmp_path: Path, texpipe: Run) -> None:
    recipe = tmp_path / "mine.yaml"
    samples = REPOSITORY / "recipes" / "samples" / "oot"
    done = texpipe("init", samples, "--output", recipe)
    assert done.returncode == 0, done.stderr
    loaded = load_recipe(recipe, known_targets())
    assert [path.resolve() for path in loaded.inputs] == [samples]
    assert loaded.recipe.game == GAME
    assert loaded.recipe.targets[0].name == "gliden64"
    (group,) = loaded.recipe.picture_groups()
    assert (group.columns, group.overlap) == (1, 0), "most strips of the panorama"
    assert len(group.files) >= 8
    planned = texpipe("run", recipe, "--dry-run")
    assert planned.returncode == 0, planned.stderr
    again = texpipe("init", samples, "--output", recipe)
    assert again.returncode == 2
    assert "--force" in again.stderr
    assert texpipe("init", samples, "--output", recipe, "--force").returncode == 0


def test_an_empty_folder_ends_with_code_3(tmp_path: Path, texpipe: Run) -> None:
    done = texpipe("init", tmp_path)
    assert done.returncode == 3
    assert "no textures" in done.stderr


def test_a_folder_of_damaged_textures_is_not_called_empty(tmp_path: Path, texpipe: Run) -> None:
    (tmp_path / "wall.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    done = texpipe("init", tmp_path)
    assert done.returncode == 3
    assert "no texture in" in done.stderr
    assert "(1 damaged)" in done.stderr
    assert "wall.png" in done.stderr
