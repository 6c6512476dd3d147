"""Decisions that were not saved are never lost: whoever changed the recipe, and however many studios there are."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studio_page import RECIPE, Page, name_of

from texpipe.studio.draft import Draft
from texpipe.studio.three_way import merged
from texpipe.studio.workshop import Workshop

SKIP = f'\n  - {{match: {{name: "{name_of(1)}"}}, action: skip}}'


def decided(text: str = RECIPE) -> str:
    """Return a recipe with a rule more, as somebody decides in the studio."""
    return text.replace(
        "rules:   # the first that fits decides\n", "rules:   # the first that fits decides" + SKIP + "\n"
    )


def notices(draft: Draft) -> list[str]:
    return [one.text for one in draft.notices.all()]


def drafts(folder: Path) -> dict[str, str]:
    """Return the recipe that each draft beside the recipe keeps."""
    return {
        file.name: json.loads(file.read_bytes())["text"] for file in sorted(folder.glob(".mine.yaml.draft*"))
    }


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    file = tmp_path / "mine.yaml"
    file.write_text(RECIPE, "utf-8")
    return file


def test_a_recipe_that_was_changed_elsewhere_gets_what_was_decided(recipe: Path) -> None:
    Draft.open(recipe).change(decided())
    added = RECIPE.replace("output: out\n", "output: out\noverrides: by-hand\n")
    recipe.write_text(added, "utf-8")
    again = Draft.open(recipe)
    assert again.text == decided(added)
    (told,) = again.notices.all()
    assert "mine.yaml was changed" in told.text
    assert "action: skip" in told.diff
    again.undo()
    assert again.text == added
    assert not again.is_dirty


def test_decisions_that_no_longer_fit_stay_and_are_told(
    recipe: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = Draft.open(recipe)
    first.change(decided())
    kept = first.kept_file.read_bytes()
    edited = RECIPE.replace("  # walls\n", "").replace("rules:   # the first", "rules:   # the very first")
    recipe.write_text(edited, "utf-8")
    with caplog.at_level(logging.WARNING):
        again = Draft.open(recipe)
    assert again.text == edited
    (told,) = again.notices.all()
    assert str(first.kept_file) in told.text
    assert "action: skip" in told.diff
    assert told.text in caplog.text, "the terminal says it, too"
    again.change(edited + "# more\n")
    assert again.kept_file != first.kept_file
    again.undo()
    again.change(edited + "# other\n")
    again.save()
    assert first.kept_file.read_bytes() == kept
    assert list(drafts(recipe.parent)) == [first.kept_file.name]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"half a dra",
        b"[]",
        b'{"text": 1, "base": ""}',
        b'{"base": "", "text": "\\ud800"}',
        b"[" * 9999,
        b"\xff",
    ],
)
def test_a_draft_that_cannot_be_read_stays_and_is_told(recipe: Path, data: bytes) -> None:
    file = recipe.with_name(".mine.yaml.draft")
    file.write_bytes(data)
    draft = Draft.open(recipe)
    assert draft.text == RECIPE
    assert str(file) in notices(draft)[0]
    draft.change(decided())
    assert draft.kept_file.name == ".mine.yaml.draft.2"
    draft.save()
    assert file.read_bytes() == data
    assert not draft.kept_file.exists()


def test_a_draft_with_mistakes_stays_and_is_told(recipe: Path) -> None:
    file = recipe.with_name(".mine.yaml.draft")
    file.write_text(json.dumps({"base": RECIPE, "text": RECIPE + "nonsense: 1\n"}), "utf-8")
    draft = Draft.open(recipe)
    assert draft.text == RECIPE
    assert str(file) in notices(draft)[0]
    assert "nonsense" in draft.notices.all()[0].diff


def _undo(second: Draft) -> None:
    second.undo()


def _save(second: Draft) -> None:
    second.save()


@pytest.mark.parametrize("act", [_undo, _save])
def test_a_second_studio_leaves_the_decisions_of_the_first(
    recipe: Path, act: Callable[[Draft], None]
) -> None:
    first, second = Draft.open(recipe), Draft.open(recipe)
    first.change(decided())
    second.change(RECIPE + "# of the second\n")
    assert set(drafts(recipe.parent).values()) == {first.text, second.text}
    assert str(first.kept_file) in notices(second)[0]
    assert str(second.kept_file) in notices(second)[0]
    act(second)
    assert drafts(recipe.parent) == {first.kept_file.name: first.text}
    first.change("# more\n" + first.text)
    assert drafts(recipe.parent) == {first.kept_file.name: first.text}
    assert "# more" in Draft.open(recipe).text, "after the first was killed"


def test_of_two_killed_studios_one_after_the_other_goes_on(recipe: Path) -> None:
    first, second = Draft.open(recipe), Draft.open(recipe)
    first.change(decided())
    second.change(RECIPE + "# of the second\n")
    again = Draft.open(recipe)
    assert again.text == first.text
    assert str(second.kept_file) in notices(again)[0]
    again.save()
    last = Draft.open(recipe)
    assert last.text == decided() + "# of the second\n"
    last.save()
    assert not drafts(recipe.parent)
    assert not notices(Draft.open(recipe))


def test_a_draft_that_another_studio_went_on_with_is_not_overwritten(recipe: Path) -> None:
    first = Draft.open(recipe)
    first.change(decided())
    second = Draft.open(recipe)  # takes it over, as after a crash
    second.change(second.text + "# of the second\n")
    first.change(first.text + "# of the first\n")
    assert set(drafts(recipe.parent).values()) == {first.text, second.text}
    first.undo()
    first.undo()
    assert drafts(recipe.parent) == {second.kept_file.name: second.text}


def test_what_is_in_the_recipe_already_is_not_offered_again(recipe: Path) -> None:
    Draft.open(recipe).change(decided())
    recipe.write_text(decided() + "# and more\n", "utf-8")
    again = Draft.open(recipe)
    assert not again.is_dirty
    assert not notices(again)
    assert not drafts(recipe.parent)


def test_the_page_tells_where_decisions_are(folder: Path) -> None:
    Draft.open(folder / "mine.yaml").change(decided())
    (folder / "mine.yaml").write_text(RECIPE.replace("rules:   #", "rules: #"))
    page = Page(Workshop(folder / "mine.yaml", device="cpu"))
    (told,) = page.get("state")["notices"]
    assert str(folder / ".mine.yaml.draft") in told["text"]
    assert "action: skip" in told["diff"]


LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\r\n", "d"]), max_size=9).map("".join)


@given(LINES, LINES, LINES)
def test_two_changes_are_put_together(base: str, one: str, other: str) -> None:
    assert merged(base, one, base) == one
    assert merged(base, one, one) == one
    both = merged(base, one, other)
    assert both == merged(base, other, one)


def test_changes_of_the_same_lines_are_not_put_together() -> None:
    assert merged("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n") == "A\nb\nC\n"
    assert merged("a\nb\nc\n", "a\nB\nc\n", "a\nD\nc\n") is None
    assert merged("a\nb\nc\n", "A\nb\nc\n", "a\nB\nc\n") is None
    assert merged("a\n", "a\nb\n", "a\nc\n") is None
