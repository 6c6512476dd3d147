"""Rules in a recipe's text: the rest of it stays, and they decide what somebody decided."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from studio_page import RECIPE, Page, name_of

from texpipe.errors import RecipeError
from texpipe.recipe.rules import matches
from texpipe.recipe.schema import Match
from texpipe.recipe.yaml_positions import read_yaml
from texpipe.studio.decisions import exact, merged
from texpipe.studio.draft import Draft
from texpipe.studio.rule_text import flow, with_rule, with_rules
from texpipe.texture import AxisGuess, Facts

HEAD = "version: 1\nname: x\ninput: a  # here\noutput: b\ntargets: [folder]\n"
ENDS = [
    "",
    "# the end, without a line break",
    "rules: []  # none\nscale: 4\n",
    "rules: []",
    "rules:\n- match: {}  # all\n  action: copy\n\n# more\nscale: 2\n",
    "rules:\n\n    # first\n    - {match: {size: 8x8}, action: nearest}\n",
    "rules: [{match: {}, action: copy}]\n",
    "rules: [\n  {match: {}},  # one\n]\ndetail: 0.5\n",
]
NEW = [{"match": {"name": "a\n'\"#: b*"}, "edges": {"x": "wrap", "y": "clamp"}}, {"match": {}, "detail": 0.5}]
GUESS = AxisGuess("clamp", 1.0, "")
FACTS = Facts("opaque", "", GUESS, GUESS, "ci4", "", 3, grey=False, flat=False, tiny=False)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("line", ["\n", "\r\n"])
def test_all_else_of_a_recipe_stays(end: str, line: str) -> None:
    text = (HEAD + end).replace("\n", line)
    made = with_rules(text, NEW)
    before, after = read_yaml(text).value, read_yaml(made).value
    assert isinstance(before, dict)
    assert isinstance(after, dict)
    old = before.pop("rules", [])
    assert after.pop("rules")[2:] == old
    assert after == before
    kept = iter(made)
    assert all(letter in kept for letter in text.replace(" []", "")), "in the same order"
    assert made.count("\r") == (made.count("\n") if line == "\r\n" and "\n" in text else 0)


def test_a_recipe_in_one_pair_of_braces_is_refused() -> None:
    with pytest.raises(RecipeError, match="braces"):
        with_rules("{version: 1}", NEW)


def test_a_rule_in_braces_is_changed_in_place_and_one_with_a_comment_inside_is_not() -> None:
    text = "rules:\n  - {match: {}, action: copy}  # why\n  - match: {}\n  - {match: {}, # c\n     action: copy}\n"
    assert with_rule(text, 1, {"match": {}}) == text.replace(
        "{match: {}, action: copy}  # why", "{match: {}}  # why"
    )
    assert with_rule(text, 2, {"match": {}}) is None
    assert with_rule(text, 3, {"match": {}}) is None


LEAVES = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
VALUES = st.recursive(LEAVES, lambda one: st.lists(one) | st.dictionaries(st.just("key"), one), max_leaves=4)


@given(VALUES)
def test_any_value_is_read_back(value: object) -> None:
    assert read_yaml(f"a: {flow(value)}\n").value == {"a": value}


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_the_match_of_one_texture_is_about_it_alone(name: str) -> None:
    match = Match.model_validate(exact(name))
    assert matches(match, name, (8, 8), FACTS)
    assert not matches(match, f"{name}x", (8, 8), FACTS)
    assert not matches(match, f"deeper/{name}", (8, 8), FACTS)


SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "edges.x": st.sampled_from(["auto", "wrap", "mirror", None]),
        "alpha": st.sampled_from(["auto", "soft", None]),
        "action": st.sampled_from(["nearest", "copy", "skip", None]),
        "outline": st.sampled_from(["smooth", "hard", None]),
        "colour": st.sampled_from(["off", "histogram", None]),
    },
).filter(bool)
DECISIONS = st.tuples(
    st.lists(st.integers(0, 8), min_size=1, max_size=3),
    st.sets(st.sampled_from(["size", "alpha", "folder"])),
    SETTINGS,
)


def test_the_file_decides_what_was_decided_and_undo_restores_its_bytes(page: Page, folder: Path) -> None:
    names = [name_of(number) if number < 7 else f"hud/{name_of(number)}" for number in range(9)]
    workshop = page.workshop

    @settings(max_examples=25)
    @given(st.lists(DECISIONS, min_size=1, max_size=4))
    def holds(decisions: list[tuple[list[int], set[str], dict[str, object]]]) -> None:
        for picked, scope, chosen in decisions:
            expected = {name: merged(workshop.raw_rule(name), chosen) for name in names}
            before = {name: merged(workshop.raw_rule(name), {}) for name in names}
            about, _ = workshop.decide([names[one] for one in picked], sorted(scope), chosen)
            for name in names:
                wanted = expected if name in about else before
                assert merged(workshop.raw_rule(name), {}) == wanted[name]
        kept = Draft.open(folder / "mine.yaml")
        assert kept.text == workshop.draft.text, "a killed server loses nothing"
        rules = workshop.dump.of(workshop.dump.seen, kept.loaded().recipe).rules
        assert workshop.dump.rules == rules
        left = iter(workshop.draft.text)
        gone = RECIPE.replace("{size: 16x16}, outline: hard}", "")
        assert all(letter in left for letter in gone)
        while workshop.draft.past:
            workshop.step("undo")
        assert workshop.draft.text == RECIPE
        assert not workshop.draft.kept_file.exists()

    holds()


def test_a_file_that_an_editor_changed_is_not_overwritten(page: Page, folder: Path) -> None:
    page.decide(name_of(0), action="skip")
    decided = page.workshop.draft.text
    edited = RECIPE.replace("# the end", "# by an editor")
    (folder / "mine.yaml").write_text(edited)
    assert page.get("state")["changed_on_disk"]
    assert page.post("save", 409)["error"]["code"] == "changed"
    assert (folder / "mine.yaml").read_text() == edited
    page.post("reload")
    assert page.workshop.draft.text == edited
    page.post("undo")
    assert page.workshop.draft.text == decided


def test_a_file_that_is_no_text_any_more_is_told_and_the_draft_stays(page: Page, folder: Path) -> None:
    page.decide(name_of(0), action="skip")
    decided = page.workshop.draft.text
    (folder / "mine.yaml").write_bytes(RECIPE.encode("utf-16"))
    assert "is not UTF-8 text" in page.post("reload", 422)["error"]["message"]
    assert page.workshop.draft.text == decided


def test_an_impossible_value_changes_nothing(page: Page) -> None:
    for setting in ({"action": "explode"}, {"detail": 7}, {"cells": "huge"}, {"nothing": 1}, {}):
        page.post("decide", 422, names=[name_of(0)], set=setting)
    assert page.workshop.draft.text == RECIPE
