"""Mistyped paths: what is there and most like them is found, wherever in the path the mistake is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from texpipe.system.meant_paths import did_you_mean, meant_path

PARTS = ("dumps", "My games", "zelda")


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder three levels below another."""
    root = tmp_path_factory.mktemp("root")
    root.joinpath(*PARTS).mkdir(parents=True)
    (root / "pictures").mkdir()
    return root


@settings(deadline=None)
@given(
    st.integers(0, len(PARTS) - 1),
    st.integers(0, 10),
    st.sampled_from(["", "x", "e"]),
    st.booleans(),
)
def test_one_letter_less_or_more_in_any_part_is_found(
    there: Path, wrong: int, place: int, more: str, upper: bool
) -> None:
    """A letter is left out or put in, in any letter case, at any level."""
    parts = list(PARTS)
    name = parts[wrong]
    place %= len(name)
    parts[wrong] = name[:place] + more + name[place + (not more) :]
    if upper:
        parts[wrong] = parts[wrong].upper()
    assert meant_path(there.joinpath(*parts)) == there.joinpath(*PARTS)


def test_a_path_that_is_there_is_itself_and_no_question(there: Path) -> None:
    path = there.joinpath(*PARTS)
    assert meant_path(path) == path
    assert did_you_mean(path) == ""


@pytest.mark.parametrize("name", ["nothing like it", "dumps/My games/other", "dumps/zelda", "x" * 5000])
def test_what_is_like_nothing_is_not_guessed(there: Path, name: str) -> None:
    assert meant_path(there / name) is None
    assert did_you_mean(there / name) == ""


def test_relative_paths_stay_relative_and_are_quoted(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(there / "pictures")
    assert did_you_mean(Path("../dupms/My games/zelda")) == "Did you mean '../dumps/My games/zelda'? "
