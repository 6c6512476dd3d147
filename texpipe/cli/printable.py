"""Text of strangers on a terminal: what would move the cursor, end the line or turn the direction is shown escaped."""

from __future__ import annotations

import unicodedata

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the direction of text: Unicode Standard Annex 9, table of explicit formatting characters."""
_ESCAPED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode's categories of control characters, halves of surrogate pairs, line and paragraph separators."""


def printable(text: str) -> str:
    """Return a text on one line: each control, line end, bidi control and undecodable byte as `\\x1b` or `\\u202e`."""
    return text if text.isprintable() else "".join(_escaped(letter) for letter in text)


def json_printable(text: str) -> str:
    """Return a JSON text in which such characters are escaped as JSON does it; line ends between values stay."""
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(
        f"\\u{ord(letter):04x}" if letter != "\n" and _is_escaped(letter) else letter for letter in text
    )


def _escaped(letter: str) -> str:
    if not _is_escaped(letter):
        return letter
    if letter in "\n\r\t":
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}[letter]
    return f"\\x{ord(letter):02x}" if ord(letter) < 0x100 else f"\\u{ord(letter):04x}"


def _is_escaped(letter: str) -> bool:
    return letter in _BIDI or unicodedata.category(letter) in _ESCAPED_CATEGORIES
