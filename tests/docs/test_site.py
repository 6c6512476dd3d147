"""The site of the documentation has every page; .ci/run builds it, and any dead link or missing page fails there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import PAGES, REPOSITORY


def pages_of_nav() -> list[str]:
    """Return the pages that the site's menu names."""
    text = (REPOSITORY / "mkdocs.yml").read_text("utf-8")
    return re.findall(r"^ +- .+?: (\S+\.md)$", text, flags=re.M)


def test_no_page_is_missing_from_the_menu() -> None:
    named = pages_of_nav()
    assert len(named) == len(set(named))
    assert {page.relative_to(REPOSITORY).as_posix() for page in PAGES} <= set(named)
    assert all((REPOSITORY / page).is_file() for page in named)


def test_the_site_has_each_page_and_can_be_searched(tmp_path: Path) -> None:
    pytest.importorskip("material", reason="an extra; .ci/run builds the site in an environment of its own")
    command = [sys.executable, REPOSITORY / "docs" / "build_site.py", "--output", tmp_path]
    subprocess.run(command, check=True, timeout=300)
    pages = [page.removesuffix(".md").replace("README", "index") for page in pages_of_nav()]
    assert all((tmp_path / f"{page}.html").is_file() for page in pages)
    assert "GLideN64" in (tmp_path / "search" / "search_index.json").read_text("utf-8")
    fetched = re.findall(
        r'<(?:script|link|img)[^>]+(?:src|href)="https?:', (tmp_path / "index.html").read_text("utf-8")
    )
    assert not fetched, "who reads the site asks no other server"
