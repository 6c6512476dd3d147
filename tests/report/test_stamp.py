"""A report knows whether the pack beside it was written again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from reportable import finished_pack

from texpipe.errors import PackError
from texpipe.manifest.file import read_manifest, write_manifest
from texpipe.report.page import write_report
from texpipe.report.stamp import STAMP, older_report, pack_of_report


def change_pack(output: Path) -> None:
    """Write the manifest as another recipe would have it."""
    path = output / "manifest.json"
    write_manifest(path, replace(read_manifest(path), texpipe="1"))


def test_a_report_of_the_present_pack_is_not_older(tmp_path: Path) -> None:
    output = finished_pack(tmp_path)
    assert older_report(output) is None, "there is none"
    page = write_report(output)
    stamp = (page.parent / STAMP).read_text()
    assert older_report(output) is None
    assert (page.parent / STAMP).read_text() == stamp
    assert str(pack_of_report(output)["manifest"]) in stamp


def test_a_report_of_an_earlier_pack_is_older_until_it_is_made_anew(tmp_path: Path) -> None:
    output = finished_pack(tmp_path)
    page = write_report(output)
    before = page.read_bytes(), (page.parent / STAMP).read_bytes()
    change_pack(output)
    assert older_report(output) == page
    assert page.read_bytes() == before[0]
    assert (page.parent / STAMP).read_bytes() != before[1], "so that the page says it too"
    assert older_report(output) == page
    write_report(output)
    assert older_report(output) is None


def test_a_page_of_somebody_else_is_no_report(tmp_path: Path) -> None:
    output = finished_pack(tmp_path)
    (output / "report").mkdir()
    (output / "report" / "index.html").write_text("mine")
    assert older_report(output) is None
    assert not (output / "report" / STAMP).exists()


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    output = finished_pack(tmp_path)
    write_report(output)
    (output / "report").rename(tmp_path / "elsewhere")
    (output / "report").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / STAMP).unlink()
    change_pack(output)
    with pytest.raises(PackError):
        older_report(output)
    assert not (tmp_path / "elsewhere" / STAMP).exists()
