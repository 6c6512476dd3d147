"""The catalogue of the pages' texts: every language knows every text, and the pages ask for no other."""

from __future__ import annotations

import re
from pathlib import Path

import texpipe.report
import texpipe.studio

REPORT = Path(texpipe.report.__file__).parent
STUDIO = Path(texpipe.studio.__file__).parent / "static"
CATALOGUES = (REPORT / "static" / "texts.js", STUDIO / "studio-texts.js")
PAGES = (STUDIO / "index.html", REPORT / "templates" / "index.html")


def keys_of(file: Path) -> dict[str, list[str]]:
    """Return the keys of each language."""
    text = re.split(r"^\}\)?;$", file.read_text("utf-8"), flags=re.M)[0]
    parts = re.split(r"^  (\w\w): \{$", text, flags=re.M)
    return {
        language: re.findall(r'(?<![\w"])(\w+): "', part)
        for language, part in zip(parts[1::2], parts[2::2], strict=True)
    }


def test_every_language_has_every_text_once() -> None:
    for file in CATALOGUES:
        found = keys_of(file)
        assert set(found) == {"en", "de"}
        assert len(found["en"]) > 60
        for keys in found.values():
            assert len(keys) == len(set(keys))
            assert set(keys) == set(found["en"])
    report, studio = (set(keys_of(file)["en"]) for file in CATALOGUES)
    assert not report & studio, "one text has one place"


def asked_for(scripts: list[Path], page: Path) -> set[str]:
    asked: set[str] = set()
    for file in scripts:
        asked |= set(re.findall(r'\bsay\("(\w+)"', file.read_text("utf-8")))
    return asked | set(re.findall(r'data-(?:text|label|placeholder|title)="(\w+)"', page.read_text("utf-8")))


def test_the_pages_ask_for_no_other_text() -> None:
    report, studio = (set(keys_of(file)["en"]) for file in CATALOGUES)
    shared = sorted((REPORT / "static").glob("*.js"))
    in_report = asked_for(shared, PAGES[1])
    assert len(in_report) > 60
    assert in_report <= report
    in_studio = asked_for(sorted(STUDIO.glob("*.js")), PAGES[0])
    assert len(in_studio) > 60
    assert in_studio <= report | studio


def test_the_studio_s_page_has_no_script_and_no_style_of_its_own() -> None:
    """Its policy forbids both."""
    page = PAGES[0].read_text("utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page)
