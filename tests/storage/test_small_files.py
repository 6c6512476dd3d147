"""Small files of strangers: what is not a regular file of a sane size and shape is refused, with file and line."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texpipe.storage.small_files import (
    MissingFileError,
    RefusedFileError,
    parse_json,
    read_json,
    read_small,
    refusing,
    text_of,
)

LIMIT = 1 << 20


def test_a_file_of_the_limit_is_read_and_a_larger_one_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_bytes(b"x" * 10)
    assert read_small(file, 10) == b"x" * 10
    with pytest.raises(RefusedFileError, match="larger than the limit of 9 bytes"):
        read_small(file, 9)


def test_a_missing_file_is_told_from_one_that_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"none\.json: is missing"):
        read_small(tmp_path / "none.json", LIMIT)
    with pytest.raises(RefusedFileError, match="is not a regular file"):
        read_small(tmp_path, LIMIT)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "manifest.json")
    with pytest.raises(RefusedFileError, match="is not a regular file"):
        read_small(tmp_path / "manifest.json", LIMIT)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no such device here")
def test_a_link_to_a_device_or_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dump").mkdir()
    (tmp_path / "secret").write_text("x")
    (tmp_path / "dump" / "a").symlink_to("/dev/zero")
    (tmp_path / "dump" / "b").symlink_to(tmp_path / "secret")
    (tmp_path / "dump" / "c").write_text("own")
    (tmp_path / "dump" / "d").symlink_to("c")
    for name in "ab":
        with pytest.raises(RefusedFileError, match="leads out of its folder"):
            read_small(tmp_path / "dump" / name, LIMIT)
    assert read_small(tmp_path / "dump" / "d", LIMIT) == b"own"
    assert read_small(tmp_path / "dump" / "b", LIMIT, inside=tmp_path) == b"x"
    with pytest.raises(RefusedFileError, match="is not a regular file"):
        read_small(tmp_path / "dump" / "a", LIMIT, inside=Path("/"))


def test_links_that_lead_to_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(RefusedFileError, match="cannot be read"):
        read_small(tmp_path / "a", LIMIT)


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ('{\n"a": nope}', "2:6", "is not valid JSON"),
        ("[" * 100_000, "1", "nested too deeply"),
        ('\n\n{"a":' * 100, "131", "nested too deeply"),
        ("9" * 5000, "", "a number of 5,000 digits"),
        ("[1e" + "9" * 5000 + "]", "", "a number of 5,00"),
        ("NaN", "", "which is not JSON"),
        ("", "1:1", "is not valid JSON"),
        ('"\\', "1", "is not valid JSON"),
    ],
)
def test_what_is_not_sane_json_is_refused_with_its_line(text: str, place: str, reason: str) -> None:
    with pytest.raises(RefusedFileError, match=reason) as caught:
        parse_json(text.encode(), Path("a.json"))
    assert str(caught.value).startswith(f"a.json:{place}")


def test_brackets_and_escapes_inside_of_strings_count_for_nothing() -> None:
    value = {"a": "[" * 1000 + '\\"' * 1000, "b": ["}" * 1000]}
    assert parse_json(json.dumps(value).encode(), Path("a.json")) == value


def test_a_quote_that_never_ends_is_read_once() -> None:
    text = b'"' + b'\\"' * (1 << 19)
    with pytest.raises(RefusedFileError):  # in time squared this test would take hours
        parse_json(text, Path("a.json"))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=20,
    )
)
def test_json_that_python_writes_is_read_back(value: object) -> None:
    assert parse_json(json.dumps(value).encode(), Path("a.json")) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_refusal(data: bytes) -> None:
    with contextlib.suppress(RefusedFileError):
        parse_json(data, Path("a.json"))


@pytest.mark.parametrize(
    "data",
    ["é = 1".encode(), "é = 1".encode("utf-8-sig"), "é = 1".encode("utf-16"), "é = 1".encode("latin-1")],
)
def test_texts_are_read_as_editors_write_them(data: bytes) -> None:
    assert text_of(data) == "é = 1"


def test_any_exception_inside_becomes_a_refusal_of_the_file(tmp_path: Path) -> None:
    for error in (KeyError("a"), TypeError("b"), RecursionError("c"), ZeroDivisionError("d")):
        with pytest.raises(RefusedFileError, match=r"x\.json: "), refusing(Path("x.json")):
            raise error
    (tmp_path / "x.json").write_text('{"a": [1, 2]}')
    assert read_json(tmp_path / "x.json", LIMIT) == {"a": [1, 2]}
