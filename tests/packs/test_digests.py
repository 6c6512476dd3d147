"""A file that was left alone is read once; any change of it is noticed."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from texpipe.formats import portable_names
from texpipe.packs import digests
from texpipe.packs.digests import FileDigests
from texpipe.packs.ownership import PackFolder


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every file that is read from here on."""
    found: list[Path] = []

    def counted(file: Path) -> str | None:
        found.append(file)
        return portable_names.file_digest(file)

    monkeypatch.setattr(digests, "file_digest", counted)
    return found


def settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an hour pass."""
    now = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: now)


def test_a_file_is_read_once(tmp_path: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"one")
    settle(monkeypatch)
    known = FileDigests()
    assert {known.of(file) for _ in range(3)} == {hashlib.sha256(b"one").hexdigest()}
    assert len(reads) == 1
    file.write_bytes(b"two")
    os.utime(file, ns=(0, 0))
    assert known.of(file) == hashlib.sha256(b"two").hexdigest(), "same size, and a time that was set back"
    file.unlink()
    assert known.of(file) is None


def test_a_file_that_was_written_just_now_is_read_again(tmp_path: Path, reads: list[Path]) -> None:
    """Its next change could fall into the same tick of a disk's clock."""
    file = tmp_path / "a"
    file.write_bytes(b"one")
    known = FileDigests()
    known.of(file)
    known.of(file)
    assert len(reads) == 2


def test_an_archive_is_read_once_until_it_is_replaced(
    tmp_path: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checked before computing, before writing, and when the new one gets its name."""
    (tmp_path / "t").mkdir()
    (tmp_path / "t/pack.hts").write_bytes(b"old")
    settle(monkeypatch)
    folder = PackFolder.opened(tmp_path, {("t/pack.hts", hashlib.sha256(b"old").hexdigest())})
    folder.require_free(["t/pack.hts"])
    folder.require_free(["t/pack.hts"])
    folder.put_whole("t/pack.hts", lambda part: part.write_bytes(b"new") and None)
    assert reads.count(tmp_path / "t/pack.hts") == 1
    assert (tmp_path / "t/pack.hts").read_bytes() == b"new"
