"""Text of strangers on a terminal: one line, and nothing that the terminal would obey."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texpipe.cli.printable import json_printable, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b]0;pwned\x07b", "a\\x1b]0;pwned\\x07b"),
        ("x.png\nwrote 999 textures", "x.png\\nwrote 999 textures"),
        ("gnp.\u202etxt", "gnp.\\u202etxt"),
        ("one\u2028two", "one\\u2028two"),
        ("\x9b2J", "\\x9b2J"),
        ("\udcff", "\\udcff"),
        ("Zelda – Türkçe 夢 🗡", "Zelda – Türkçe 夢 🗡"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text())
def test_nothing_printed_controls_anything(text: str) -> None:
    assert not any(
        ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 or letter in "\u202e\u2028"
        for letter in printable(text)
    )


@given(st.text(st.characters(codec="utf-8")))
def test_json_says_the_same_and_controls_nothing(text: str) -> None:
    shown = json_printable(json.dumps([text], ensure_ascii=False, indent=2))
    assert json.loads(shown) == [text]
    assert not any(0x7F <= ord(letter) < 0xA0 or letter in "\u202e\u2028" for letter in shown)
