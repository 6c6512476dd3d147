"""The catalogue of the studio's texts: every language knows every text, and the page asks for no other."""

from __future__ import annotations

import re
from pathlib import Path

import texpipe.studio

STATIC = Path(texpipe.studio.__file__).parent / "static"


def catalogues() -> dict[str, list[str]]:
    """Return the keys of each language."""
    text = (STATIC / "texts.js").read_text("utf-8")
    parts = re.split(r"^  (\w\w): \{$", text.split("\n};\n")[0], flags=re.M)
    return {
        language: re.findall(r'(?<![\w"])(\w+): "', part)
        for language, part in zip(parts[1::2], parts[2::2], strict=True)
    }


def test_every_language_has_every_text_once() -> None:
    found = catalogues()
    assert set(found) == {"en", "de"}
    assert len(found["en"]) > 80
    for keys in found.values():
        assert len(keys) == len(set(keys))
        assert set(keys) == set(found["en"])


def test_the_page_asks_for_no_other_text() -> None:
    asked: set[str] = set()
    for file in STATIC.glob("*.js"):
        asked |= set(re.findall(r'\bsay\("(\w+)"', file.read_text("utf-8")))
    page = (STATIC / "index.html").read_text("utf-8")
    asked |= set(re.findall(r'data-(?:text|label|placeholder)="(\w+)"', page))
    assert len(asked) > 60
    assert asked <= set(catalogues()["en"])


def test_the_page_has_no_script_and_no_style_of_its_own() -> None:
    """Its policy forbids both."""
    page = (STATIC / "index.html").read_text("utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page)
