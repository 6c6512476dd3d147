"""Every function that takes strangers' bytes apart is fuzzed, and nothing but a refusal ever leaves it."""

from __future__ import annotations

import importlib
import sys
from functools import cache
from pathlib import Path

import pytest
from pages import REPOSITORY

import texpipe
from texpipe.formats.rice_crc import rice_crc

sys.path.append(str(REPOSITORY / "fuzz"))
fuzz_targets, readers = (importlib.import_module(name) for name in ("fuzz_targets", "readers"))
TARGETS = {target.name: target for target in fuzz_targets.TARGETS}
PACKAGE = Path(texpipe.__file__).parent


class Unforeseen(Exception):
    """What nobody has thought of: no error of texpipe's, nor of any library."""


def some_files(target) -> list[bytes]:
    """Sound and damaged files: some readers only see what is damaged."""
    whole = fuzz_targets.seeds_of(target)
    return [one for seed in whole for one in (seed, seed[: len(seed) // 2], seed[:-1] + b"~")]


@cache
def reached_by(name: str, folder: Path) -> frozenset[tuple[int, str]]:
    """The readers that a target calls, each with the number of the first of its files that makes it do so."""
    found: dict[str, int] = {}
    for number, data in enumerate(some_files(TARGETS[name])):
        place = folder / f"{name}-{number}"
        place.mkdir()
        with readers.watching(PACKAGE, lambda reader, number=number: found.setdefault(reader, number)):
            TARGETS[name].outcome(data, place)
    return frozenset((number, reader) for reader, number in found.items())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readers")


def test_every_reader_in_the_code_is_fuzzed_or_says_why_not(folder: Path) -> None:
    fuzzed = {reader for name in TARGETS for _, reader in reached_by(name, folder)}
    unknown = readers.readers(PACKAGE) - fuzzed - readers.NOT_FUZZED.keys()
    assert not unknown, "write a target in fuzz/fuzz_targets.py, or a reason in fuzz/readers.py"
    reasons = {readers.NOT_FUZZED.get(name) for name in fuzzed} - {None, readers.WRITES, readers.OWN}
    assert not reasons, "a reason that does not hold"
    assert readers.NOT_FUZZED.keys() <= readers.readers(PACKAGE), "a reason for what is gone"


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_goes_wrong_in_a_reader_is_a_refusal(name: str, folder: Path, tmp_path: Path) -> None:
    for number, reader in sorted(reached_by(name, folder)):
        if reader in readers.NOT_FUZZED:
            continue
        place = tmp_path / reader.replace(":", "-")
        place.mkdir()
        with readers.failing(PACKAGE, reader, Unforeseen(reader)):
            outcome = TARGETS[name].outcome(some_files(TARGETS[name])[number], place)
        assert outcome in {"read", "refused"}


def test_a_new_reader_is_found(tmp_path: Path) -> None:
    (tmp_path / "texpipe").mkdir()
    (tmp_path / "texpipe" / "new.py").write_text(
        "import json\nclass A:\n    @staticmethod\n    def f(p):\n        def g():\n            return p.read_bytes()\n"
        "        return [g() for _ in p]\ndef h(d):\n    return json.loads(d)\ndef i(d):\n    return d.strip()\n"
        "async def j(request):\n    return await request.body()\ndef k(self):\n    return self.rfile.read(9)\n"
    )
    found = {"texpipe.new:A.f.g", "texpipe.new:h", "texpipe.new:j", "texpipe.new:k"}
    assert readers.readers(tmp_path / "texpipe") == found


def test_watching_sees_calls_and_can_make_them_fail(tmp_path: Path) -> None:
    called: list[str] = []
    with readers.watching(PACKAGE, called.append):
        TARGETS["json"].outcome(b"{}", tmp_path)
    assert "texpipe.storage.small_files:parse_json" in called

    with pytest.raises(Unforeseen), readers.failing(PACKAGE, "texpipe.formats.rice_crc:_word", Unforeseen()):
        rice_crc(bytes(64), 4, 4, 2)
