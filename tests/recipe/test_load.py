"""Recipes say exactly where every mistake is, all at once, and are never dangerous to read."""

from __future__ import annotations

import hashlib
import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import REPOSITORY
from pydantic import BaseModel

from texpipe import formats
from texpipe.errors import RecipeError
from texpipe.formats import known_targets
from texpipe.recipe import load
from texpipe.recipe.group_rules import GroupRule
from texpipe.recipe.json_schema import json_schema
from texpipe.recipe.load import MAX_BYTES, load_recipe, shipped_recipes
from texpipe.recipe.schema import (
    DEFAULT_MODEL,
    EdgeRule,
    Match,
    Recipe,
    Rule,
)
from texpipe.recipe.yaml_positions import Mark, Unreadable, read_yaml

ROOT = REPOSITORY
KNOWN_TARGETS = ", ".join(formats.TARGETS)
HEAD = "version: 1\nname: oot\ninput: in\noutput: out\ntargets: [gliden64]\n"


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def problems(tmp_path: Path, text: str | bytes) -> list[tuple[int, int, str, str | None]]:
    """Return (line, column, message, hint) of every problem."""
    with pytest.raises(RecipeError) as caught:
        load_recipe(write(tmp_path, text), known_targets())
    assert caught.value.exit_code == 2
    found = []
    for problem in caught.value.problems:
        at = problem.location
        assert at is not None
        assert at.file == tmp_path / "recipe.yaml"
        assert str(problem) == f"{at}: {problem.message}"
        found.append((at.line, at.column, problem.message, problem.hint))
    return found  # type: ignore[return-value]


def one_problem(tmp_path: Path, text: str | bytes) -> tuple[int, int, str, str | None]:
    (found,) = problems(tmp_path, text)
    return found


# ---- what a recipe says


def test_a_short_recipe_and_its_defaults(tmp_path: Path) -> None:
    path = write(tmp_path, HEAD)
    loaded = load_recipe(path, known_targets())
    assert loaded.recipe.model == (DEFAULT_MODEL,)
    assert (loaded.recipe.scale, loaded.recipe.colour, loaded.recipe.rules) == (4, "match", ())
    assert (loaded.path, loaded.sha256) == (path, hashlib.sha256(HEAD.encode()).hexdigest())
    assert (loaded.inputs, loaded.output) == ((tmp_path / "in",), tmp_path / "out")


def test_short_and_long_forms_are_the_same(tmp_path: Path) -> None:
    short = load_recipe(
        write(tmp_path, HEAD + "rules:\n- match: {}\n  edges: wrap\n"), known_targets()
    ).recipe
    long = HEAD.replace("[gliden64]", "{gliden64: {container: folder}}")
    assert (
        load_recipe(
            write(tmp_path, long + "rules:\n- {match: {}, edges: {x: wrap, y: wrap}}\n"), known_targets()
        ).recipe
        == short
    )
    empty = HEAD.replace("[gliden64]", "\n  gliden64:\n")
    assert load_recipe(write(tmp_path, empty), known_targets()).recipe.targets == short.targets


def test_words_of_old_yaml_stay_words(tmp_path: Path) -> None:
    recipe = load_recipe(
        write(tmp_path, HEAD.replace("name: oot", "name: off") + "colour: off\ngame: 1:30\n"), known_targets()
    ).recipe
    assert (recipe.name, recipe.colour, recipe.game) == ("off", "off", "1:30")


def test_groups(tmp_path: Path) -> None:
    text = HEAD + "groups:\n- {name: title, columns: 2, rows: 1, overlap: 1, files: [a.png, b.png]}\n"
    (group,) = load_recipe(write(tmp_path, text), known_targets()).recipe.picture_groups()
    assert (group.columns, group.rows, group.overlap, group.files) == (2, 1, 1, ("a.png", "b.png"))


def test_equal_tiles_are_one_file(tmp_path: Path) -> None:
    text = HEAD + "groups:\n- {name: title, columns: 2, rows: 1, tile: 64x32, files: [a.png, a.png]}\n"
    (group,) = load_recipe(write(tmp_path, text), known_targets()).recipe.picture_groups()
    assert (group.files, group.tile) == (("a.png", "a.png"), (64, 32))


@pytest.mark.parametrize("groups", ["auto", "[auto]"])
def test_groups_can_be_found(tmp_path: Path, groups: str) -> None:
    recipe = load_recipe(write(tmp_path, HEAD + f"groups: {groups}\n"), known_targets()).recipe
    assert recipe.finds_groups
    assert recipe.picture_groups() == ()


def test_a_model_beside_the_recipe_is_found_there(tmp_path: Path) -> None:
    (tmp_path / "mine.pth").write_bytes(b"")
    found = load_recipe(write(tmp_path, HEAD + "model: mine.pth\n"), known_targets()).recipe
    assert found.model == (str(tmp_path / "mine.pth"),)
    elsewhere = load_recipe(write(tmp_path, HEAD + "model: other.pth\n"), known_targets()).recipe
    assert elsewhere.model == ("other.pth",)


def test_names_of_models_stand_for_what_the_recipe_says(tmp_path: Path) -> None:
    (tmp_path / "mine.pth").write_bytes(b"")
    text = (
        "models: {letters: mine.pth, soft: {model: [clean, letters-x4], detail: 0.2}}\n"
        "model: [clean, letters]\n"
        "rules:\n- {match: {alpha: mask}, model: soft}\n- {match: {}, model: soft, detail: 1}\n"
    )
    recipe = load_recipe(write(tmp_path, HEAD + text), known_targets()).recipe
    mine = str(tmp_path / "mine.pth")
    assert (recipe.model, recipe.detail) == (("clean", mine), None)
    assert [(rule.model, rule.detail) for rule in recipe.rules] == [
        (("clean", "letters-x4"), 0.2),
        (("clean", "letters-x4"), 1.0),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [("model: []\n", "model"), ("model: 5\n", "model"), ("models: {a: {modell: b}}\n", "modell")],
)
def test_mistakes_in_models_are_named(tmp_path: Path, text: str, message: str) -> None:
    found = problems(tmp_path, HEAD + text)
    assert any(message in str(one) for one in found)
    assert found


def test_a_home_folder_is_found_and_one_that_does_not_exist_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "me"))
    text = HEAD.replace("input: in", "input: ~/dumps").replace(
        "output: out", "output: ~nobody-of-this-name/packs"
    )
    loaded = load_recipe(write(tmp_path, text), known_targets())
    assert loaded.inputs == (tmp_path / "me" / "dumps",)
    assert loaded.output == tmp_path / "~nobody-of-this-name" / "packs"


def test_recipes_are_frozen() -> None:
    with pytest.raises(ValueError, match=r"(?i)frozen"):
        Recipe.default().scale = 2  # type: ignore[misc]


# ---- mistakes


PLANTED = """\
version: 1
name: oot
input: in
output: out
targets: [gliden65]
scael: 8
rules:
  - match: {name: "*#4#*", max_side: wide}
    edges: {x: rap, y: clamp}
groups:
  - {name: title, columns: 1, rows: 3, files: [a, b]}
"""


def test_five_planted_mistakes_are_all_reported_with_their_places(tmp_path: Path) -> None:
    assert problems(tmp_path, PLANTED) == [
        (
            5,
            11,
            "targets: 'gliden65' is not allowed",
            f"Did you mean 'gliden64'? Allowed: {KNOWN_TARGETS}.",
        ),
        (
            6,
            1,
            "unknown key 'scael'",
            "Did you mean 'scale'? Known here: version, name, game, input, on_conflict, output, overrides, model,"
            " models, scale, colour, consistency, clean, outline, detail, targets, budget, stp, rules, groups,"
            " variants, atlases, frames, mirrored.",
        ),
        (8, 38, "max_side: 'wide' should be a valid integer", None),
        (9, 16, "x: 'rap' is not allowed", "Did you mean 'wrap'? Allowed: auto, wrap, mirror, clamp."),
        (11, 47, "files: has 2 entries, but 1 columns x 3 rows are 3", None),
    ]


def test_one_error_carries_them_all(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"recipe\.yaml: 5 mistakes"):
        load_recipe(write(tmp_path, PLANTED), known_targets())


@pytest.mark.parametrize("key", ["rules", "groups", "overrides"])
def test_a_list_whose_entries_are_all_commented_out_is_empty(tmp_path: Path, key: str) -> None:
    loaded = load_recipe(write(tmp_path, f"{HEAD}{key}:\n# - one that is off for now\n"), known_targets())
    assert loaded.recipe == load_recipe(write(tmp_path, HEAD), known_targets()).recipe


RULE, GROUP = "rules:\n- ", "groups:\n- "


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "message", "hint"),
    [
        ("version: 1", "version: 2", 1, 10, "version: 2 is not allowed", "Allowed: 1."),
        ("version: 1", "version: true", 1, 10, "version: 'True' is not allowed", "Allowed: 1."),
        ("name: oot\n", "", 1, 1, "key 'name' is missing", "The recipe's name."),
        ("name: oot", "name: 12", 2, 7, "name: 12 should be a valid string", "Put it in quotes."),
        (
            "name: oot",
            "name: oot\nname: mm",
            3,
            1,
            "key 'name' is here twice, first in line 2",
            "Remove one of them.",
        ),
        (
            "name: oot",
            "name: !!str oot",
            2,
            7,
            "tag tag:yaml.org,2002:str: recipes have no tags",
            "Remove it.",
        ),
        (
            "name: oot",
            "name: !!python/name:os.x oot",
            2,
            7,
            "tag tag:yaml.org,2002:python/name:os.x: recipes have no tags",
            "Remove it.",
        ),
        (
            "name: oot",
            "name: ../oot",
            2,
            7,
            "name: '../oot' should match pattern '^[A-Za-z0-9][A-Za-z0-9._-]*$'",
            "Use letters, digits and . _ - only, such as 'oot'.",
        ),
        ("[gliden64]", "[]", 5, 10, f"targets: is empty: name at least one of {KNOWN_TARGETS}", None),
        ("[gliden64]", "gliden64", 5, 10, f"targets: must be a list of names, of {KNOWN_TARGETS}", None),
        ("[gliden64]", "[folder, folder]", 5, 10, "targets: names folder twice", None),
        (
            "[gliden64]",
            "[[folder]]",
            5,
            11,
            "targets: ['folder'] is not allowed",
            f"Did you mean 'folder'? Allowed: {KNOWN_TARGETS}.",
        ),
        ("[gliden64]", "{gliden64: hts}", 5, 21, "gliden64: 'hts' is not a mapping of keys to values", None),
        ("[gliden64]", "{gliden64: {name: folder}}", 5, 1, "targets: unknown key 'name' in gliden64", None),
        (
            "[gliden64]",
            "{folder: {container: hts}}",
            5,
            31,
            "container: folder cannot be written as hts, only as folder",
            None,
        ),
        ("[gliden64]", "[folder]\nscale: 3", 6, 8, "scale: 3 is not allowed", "Allowed: 1, 2, 4, 8, 16."),
        (
            "[gliden64]",
            "[folder]\nscale: '4'",
            6,
            8,
            "scale: '4' is not allowed",
            "Write it without quotes. Allowed: 1, 2, 4, 8, 16.",
        ),
        ("[gliden64]", "[folder]\nrules: x", 6, 8, "rules: 'x' is not a list", None),
        ("[gliden64]", "[folder]\nrules: [x]", 6, 9, "rules: 'x' is not a mapping of keys to values", None),
        (
            "[gliden64]",
            "[folder]\n" + RULE + "{action: skip}",
            7,
            3,
            "key 'match' is missing",
            "Which textures the rule is for.",
        ),
        (
            "[gliden64]",
            "[folder]\n" + RULE + "{match: {}, edges: wrp}",
            7,
            22,
            "edges: 'wrp' is not allowed",
            "Did you mean 'wrap'? Allowed: auto, wrap, mirror, clamp.",
        ),
        (
            "[gliden64]",
            "[folder]\n" + RULE + "{match: {min_side: 9, max_side: 8}}",
            7,
            35,
            "max_side: is below min_side, so nothing can match",
            None,
        ),
        (
            "[gliden64]",
            "[folder]\n" + RULE + "{match: {size: 8 x 8}}",
            7,
            18,
            "size: '8 x 8' should match pattern '^[1-9][0-9]{0,4}x[1-9][0-9]{0,4}$'",
            None,
        ),
        (
            "[gliden64]",
            "[folder]\n" + GROUP + "{name: t, columns: 1, rows: 2, overlap: 3, files: [a, b]}",
            7,
            43,
            "overlap: 3 is not allowed",
            "Allowed: 0, 1, 2, 4.",
        ),
        (
            "[gliden64]",
            "[folder]\n" + GROUP + "{name: t, columns: 1, rows: 2, files: [a, b], tile: 6}",
            7,
            55,
            "tile: 6 should be a valid string",
            "Put it in quotes.",
        ),
        (
            "[gliden64]",
            "[folder]\n" + GROUP + "{name: t, columns: 0, rows: 2, files: [a]}",
            7,
            22,
            "columns: 0 should be greater than or equal to 1",
            None,
        ),
    ],
)
def test_each_mistake_has_its_place_and_remedy(
    tmp_path: Path, old: str, new: str, line: int, column: int, message: str, hint: str | None
) -> None:
    assert one_problem(tmp_path, HEAD.replace(old, new, 1)) == (line, column, message, hint)


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", 1, 1, "must be keys and values"),
        ("# nothing\n", 1, 1, "must be keys and values"),
        ("- a\n", 1, 1, "must be keys and values"),
        ("name: a\n\tb: c\n", 2, 1, "not valid YAML"),
        ("name: [a\nb: c\n", 2, 2, "not valid YAML"),
        ("name: a: b\n", 1, 8, "not valid YAML"),
        ("name: 'a\n", 2, 1, "not valid YAML"),
        ("a: 1\n---\nb: 2\n", 2, 1, "second document"),
        ("a: &x 1\nb: *x\n", 2, 4, "alias"),
        ("? [a]\n: 1\n", 1, 3, "a key must be a word"),
        ("a: b\nc: \x07\n", 2, 4, "cannot be in a YAML file"),
        (b"a: b\nc: \xff\n", 2, 1, "not UTF-8"),
        ("a: " + "[" * 17 + "]" * 17, 1, 20, "nested too deeply"),
    ],
)
def test_what_is_not_yaml_is_one_problem(
    tmp_path: Path, text: str | bytes, line: int, column: int, message: str
) -> None:
    found = one_problem(tmp_path, text)
    assert found[:2] == (line, column)
    assert message in found[2]


@pytest.mark.parametrize(
    ("line", "column", "hint"),
    [
        (r'input: "C:\Users\me\zelda"', 13, "forward slashes, or use single quotes"),
        (r'input: "D:\dumps\game"', 11, "forward slashes, or use single quotes"),
        (r'input: "C:\new\temp"', 8, "forward slashes, or use single quotes"),
        ("rules: [{match: {name: *ui*}}]", 24, "Put it in quotes"),
        ("rules: [{match: {name: *.png}}]", 24, "Put it in quotes"),
        ("rules: [{match: {name: *ui}}]", 24, "Put it in quotes"),
        ("game: Zelda: Ocarina", 12, "Put a value that has a colon in it into quotes"),
        ("game: @home", 7, "Put the value into quotes"),
        ("game Zelda", 1, "with a colon and a space"),
        ("rules: [{match: {name: a} b}]", 27, "a bracket missing here or on the line before"),
        ("\tgame: Zelda", 1, "YAML takes no tabs"),
    ],
)
def test_what_people_write_in_yaml_by_mistake_has_a_remedy(
    tmp_path: Path, line: str, column: int, hint: str
) -> None:
    text = "version: 1\nname: é\n" + line + "\noutput: pack\n"
    found = next(one for one in problems(tmp_path, text) if one[0] == 3)
    assert found[:2] == (3, column)
    assert hint in str(found[3])


@pytest.mark.parametrize("path", [r"'C:\new\temp'", r'"C:\\new\\temp"', r"C:\new\temp", '"C:/new/temp"'])
def test_paths_of_windows_that_yaml_reads_as_they_are_meant_are_no_mistakes(path: str) -> None:
    document = read_yaml(f"input: {path}")
    assert not document.faults
    assert document.value["input"].replace("\\", "/") == "C:/new/temp"


def test_a_document_of_more_values_than_the_limit_is_refused() -> None:
    assert read_yaml("[a, b, c]", max_values=4).value == ["a", "b", "c"]
    with pytest.raises(Unreadable, match="more than the limit of 3 values"):
        read_yaml("[a, b, c]", max_values=3)


def test_a_mistake_in_a_value_is_shown_shortened(tmp_path: Path) -> None:
    assert len(one_problem(tmp_path, HEAD + f"colour: {'x' * 5000}\n")[2]) < 120


# ---- files


def test_the_file_itself(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="is a folder"):
        load_recipe(tmp_path, known_targets())
    with pytest.raises(RecipeError, match="there is no such recipe"):
        load_recipe(tmp_path / "none.yaml", known_targets())
    with pytest.raises(RecipeError, match=f"limit of {MAX_BYTES:,} bytes"):
        load_recipe(write(tmp_path, HEAD + "#" * MAX_BYTES), known_targets())
    assert (
        load_recipe(write(tmp_path, "\ufeff" + HEAD.replace("\n", "\r\n")), known_targets()).recipe.name
        == "oot"
    )


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package, imitated, with the recipe oot in it; and an empty current folder."""
    folder = tmp_path / "site-packages" / "texpipe" / "_data" / "recipes"
    folder.mkdir(parents=True)
    (folder / "oot.yaml").write_text(HEAD)
    monkeypatch.setattr(load, "__file__", str(tmp_path / "site-packages" / "texpipe" / "recipe" / "load.py"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return folder


@pytest.mark.parametrize("name", ["oot", "oot.yaml", "recipes/oot.yaml"])
def test_shipped_recipes_are_found_by_name(shipped: Path, name: str) -> None:
    loaded = load_recipe(Path(name), known_targets())
    assert loaded.path == shipped / "oot.yaml"
    assert loaded.inputs == (shipped / "in",)
    assert loaded.output == Path("build") / "oot"


def test_a_file_of_ones_own_comes_first(shipped: Path) -> None:
    Path("recipes").mkdir()
    Path("recipes/oot.yaml").write_text(HEAD.replace("output: out", "output: mine"))
    assert load_recipe(Path("recipes/oot.yaml"), known_targets()).output == Path("recipes/mine")


@pytest.mark.parametrize("name", ["ooot", "elsewhere/oot.yaml"])
def test_unknown_recipes_name_the_known_ones(shipped: Path, name: str) -> None:
    with pytest.raises(RecipeError, match="there is no such recipe") as caught:
        load_recipe(Path(name), known_targets())
    assert caught.value.hint is not None
    assert "Recipes that come with texpipe: oot." in caught.value.hint


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("mygam.yaml", "no such recipe", "Did you mean mygame.yaml?"),
        ("../here/dmp", "no such folder or recipe", "Did you mean ../here/dump?"),
        ("../nowhere/GAME", "no such folder or recipe", "Check the path"),
        (r"C:\Users\me\dump", "no such folder or recipe", "Check the path"),
    ],
)
def test_what_is_like_a_missing_path_is_named(shipped: Path, name: str, message: str, hint: str) -> None:
    Path("mygame.yaml").write_text(HEAD)
    Path("dump").mkdir()
    with pytest.raises(RecipeError, match=message) as caught:
        load_recipe(Path(name), known_targets())
    assert hint in str(caught.value.hint)
    assert "oot" not in str(caught.value.hint) or name.endswith(".yaml")


@pytest.mark.parametrize(
    ("line", "meant"),
    [("edges: repeat", "wrap"), ("edges: {x: flip}", "mirror"), ("alpha: cutout", "binary")],
)
def test_words_of_other_tools_are_understood_in_the_hint(tmp_path: Path, line: str, meant: str) -> None:
    (_, _, _, hint) = one_problem(tmp_path, HEAD + f"rules:\n  - match: {{name: x}}\n    {line}\n")
    assert f"Did you mean {meant!r}?" in str(hint)


def test_recipes_of_the_project_are_valid() -> None:
    recipes = {name: load_recipe(path, known_targets()).recipe for name, path in shipped_recipes().items()}
    assert {name: recipe.name for name, recipe in recipes.items()} == {
        name: name for name in ("mk64", "mm", "oot", "psx", "sm64")
    }


def test_the_json_schema_is_up_to_date() -> None:
    committed = (ROOT / "recipes" / "recipe.schema.json").read_text("utf-8")
    assert committed == json_schema(formats.TARGETS), "call python docs/generate_reference.py"


@pytest.mark.parametrize("model", [Recipe, Rule, Match, EdgeRule, GroupRule])
def test_the_reference_has_every_key_as_the_schema_describes_it(model: type[BaseModel]) -> None:
    page = (ROOT / "docs" / "recipes.md").read_text("utf-8")
    for key, field in model.model_fields.items():
        assert f"| `{key}` | {field.description} |" in page


def test_the_recipes_of_the_reference_are_valid(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "recipes.md").read_text("utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert len(examples) >= 2  # those of the cookbook are tested with the docs
    for example in examples:
        load_recipe(write(tmp_path, example if "version:" in example else HEAD + example), known_targets())


# ---- hostile recipes


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 500_000,
        "- " * 400_000,
        "a: &a [*a]",
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n" * 1000,
        "{" * 500_000,
        "a:" * 400_000,
        "? " * 400_000,
        "&a " * 300_000,
        HEAD + "rules:\n" + "- {match: {}}\n" * 40_000,
        HEAD + f"rules:\n- match: {{name: '{'*a' * 5000}'}}\n",
        HEAD + "scale: " + "9" * 500_000,
    ],
    ids=lambda text: text[:12],
)
def test_bombs_are_refused_quickly(tmp_path: Path, text: str) -> None:
    started = time.process_time()
    assert len(problems(tmp_path, text[: MAX_BYTES - 1])) >= 1
    assert time.process_time() - started < 5


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_recipes_raise_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    text = list(PLANTED.encode())
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(text) - 1))
        text[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    with pytest.raises(RecipeError):
        load_recipe(write(tmp_path_factory.mktemp("r"), bytes(text)), known_targets())


words = st.from_regex(r"[a-z]{1,8}", fullmatch=True).filter(
    lambda word: word not in ("true", "false", "null")
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=50)
@given(values)
def test_plain_values_are_read_as_they_are(value: object) -> None:
    # JSON is YAML; keys and words in quotes are words, whatever they look like.
    assert read_yaml(json.dumps(value)).value == value


def test_every_value_knows_its_place() -> None:
    document = read_yaml("a: 1\nb:\n  - c: [x, y]\n    d: ''\n")
    assert document.value == {"a": 1, "b": [{"c": ["x", "y"], "d": ""}]}
    assert document.marks[("b", 0, "c", 1)] == Mark(3, 12)
    assert document.key_marks[("b", 0, "d")] == Mark(4, 5)
    assert document.marks[("b", 0, "d")] == Mark(4, 8)


def test_targets_may_be_listed_with_their_options(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    head = "version: 1\nname: a\ninput: i\noutput: o\n"
    path.write_text(head + "targets: [{gliden64: {container: hts}}, folder]\n", encoding="utf-8")
    targets = load_recipe(path, known_targets()).recipe.targets
    assert [(target.name, target.container) for target in targets] == [
        ("gliden64", "hts"),
        ("folder", "folder"),
    ]
    path.write_text(head + "targets: [{gliden64: {container: zip}}]\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="gliden64 cannot be written as zip, only as folder, hts, htc"):
        load_recipe(path, known_targets())
