"""What a person writes into a file of reviews stays there, whatever is reviewed in the studio."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from studio_page import Page, name_of

from texpipe.studio.notices import Notices
from texpipe.studio.review_text import Review
from texpipe.studio.reviews import Reviews

BY_HAND = """# Reviews of my pack: ask Tom about the doors.
# What was thought of each texture in `texpipe studio`: one line each, sorted, so that git can merge them.

# the castle
'b.png': {mark: approve}   # Tom likes it
# a door
d.png: {note: "too # dark",   mark: reject}

"e.png":
  mark: flag  # why?
  note: seen
h.png: {mark: flag}
# the end
"""


@pytest.fixture
def reviews(tmp_path: Path) -> Reviews:
    made = Reviews(tmp_path / "mine.yaml", Notices())
    made.file.write_text(BY_HAND, "utf-8")
    return made


@pytest.mark.parametrize(
    ("name", "mark", "old", "new"),
    [
        ("b.png", "reject", "{mark: approve}   #", "{mark: reject}   #"),
        ("d.png", "flag", '{note: "too # dark",   mark: reject}', '{mark: flag, note: "too # dark"}'),
        ("h.png", "", "h.png: {mark: flag}\n", ""),
        ("b.png", "", "'b.png': {mark", "# 'b.png': {mark"),
        ("a.png", "flag", "# the castle\n", '"a.png": {mark: flag}\n# the castle\n'),
        ("c.png", "flag", "# a door\n", '"c.png": {mark: flag}\n# a door\n'),
        ("z.png", "flag", "# the end\n", '"z.png": {mark: flag}\n# the end\n'),
        (
            "e.png",
            "approve",
            '"e.png":\n  mark: flag  # why?\n  note: seen\n',
            '# "e.png":\n#   mark: flag  # why?\n#   note: seen\n"e.png": {mark: approve, note: seen}\n',
        ),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_only_the_entry_that_is_changed_changes(
    reviews: Reviews, name: str, mark: str, old: str, new: str, end: str
) -> None:
    reviews.file.write_bytes(BY_HAND.replace("\n", end).encode())
    before = dict(reviews.all())
    reviews.put([name], mark, None)
    assert BY_HAND.count(old) == 1
    assert reviews.file.read_bytes().decode() == BY_HAND.replace(old, new).replace("\n", end)
    wanted = {**before, name: Review(mark, before.get(name, Review()).note)}
    known = {one: review for one, review in wanted.items() if review != Review()}
    assert reviews.all() == Reviews(reviews.file.with_name("mine.yaml")).all() == known


def test_nothing_is_written_where_nothing_changes(reviews: Reviews) -> None:
    reviews.put(["b.png", "x.png"], None, None)
    reviews.put(["b.png"], "approve", "")
    assert reviews.file.read_text("utf-8") == BY_HAND


@pytest.mark.parametrize("text", ["# to do: all\n", "---\n# to do", "\ufeff# to do\n", "\n\n# to do\n"])
def test_a_file_of_comments_alone_keeps_them(reviews: Reviews, text: str) -> None:
    reviews.file.write_bytes(text.encode())
    reviews.put(["b.png"], "flag", "")
    made = reviews.file.read_bytes().decode()
    assert made.startswith(text)
    assert made.endswith('\n"b.png": {mark: flag}\n')


@pytest.mark.parametrize(
    "text",
    [
        "{a.png: {mark: flag}, b.png: {mark: flag}} # mine",
        "{\na.png: {mark: flag}, # mine\nb.png: {mark: flag}\n}\n",
        "a.png: {mark: approve} # mine\na.png: {mark: flag}\nb.png: {mark: flag}\n",
        "a.png: {mark: flag} # mine\nb.png: {mark: flag}\n...\n",
        "  a.png: {mark: flag} # mine\n  b.png: {mark: flag}\n",
        "? a.png\n: {mark: flag} # mine\n? b.png\n: {mark: flag}\n",
        "!!map\na.png: {mark: flag} # mine\nb.png: {mark: flag}\n",
        "{} # mine",
    ],
)
def test_a_file_without_lines_of_its_own_is_copied_once_and_told(tmp_path: Path, text: str) -> None:
    notices = Notices()
    reviews = Reviews(tmp_path / "mine.yaml", notices)
    reviews.file.write_text(text, "utf-8")
    before = dict(reviews.all())
    for mark in ("reject", "approve", ""):
        reviews.put(["b.png"], mark, None)
    before.pop("b.png", None)
    assert Reviews(tmp_path / "mine.yaml").all() == before
    (copy,) = tmp_path.glob("*.backup*")
    assert copy.read_text("utf-8") == text
    (told,) = notices.all()
    assert str(copy) in told.text
    reviews.file.write_text(text + "\n", "utf-8")
    reviews.put(["b.png"], "reject", None)
    assert copy.read_text("utf-8") == text
    assert len(list(tmp_path.glob("*.backup*"))) == 2


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=5)
MARKS = st.sampled_from(["", "approve", "reject", None])
NOTES = st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=5))


@given(st.lists(st.tuples(st.lists(NAMES, max_size=3), MARKS, NOTES), max_size=6))
def test_the_file_always_says_what_was_reviewed(
    steps: list[tuple[list[str], str | None, str | None]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        reviews = Reviews(Path(folder) / "mine.yaml")
        known: dict[str, Review] = {}
        for names, mark, note in steps:
            reviews.put(names, mark, note)
            for name in names:
                old = known.get(name, Review())
                known[name] = Review(old.mark if mark is None else mark, old.note if note is None else note)
        known = {name: one for name, one in known.items() if one != Review()}
        assert Reviews(Path(folder) / "mine.yaml").all() == known
        assert list(reviews.all()) == sorted(known)
        assert not list(Path(folder).glob("*.backup*"))


def test_the_page_tells_of_a_copy(page: Page, folder: Path) -> None:
    (folder / "mine.review.yaml").write_text("{a.png: {mark: flag}}  # mine\n")
    page.post("review", names=[name_of(1)], mark="approve")
    (told,) = page.get("state")["notices"]
    assert "mine.review.yaml.backup" in told["text"]
