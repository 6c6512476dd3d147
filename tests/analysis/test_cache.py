"""What was seen is remembered: truly, or not at all."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texpipe.analysis import cache
from texpipe.analysis.cache import AnalysisCache
from texpipe.classify import analysis
from texpipe.classify.analysis import ANALYSIS_VERSION, Analysis, analysis_key
from texpipe.relations import Box
from texpipe.texture import AlphaClass, AxisGuess, EdgeMode, EmulatorName, Facts, TexelFormat

DIGEST = "ab" * 32
CLAMP = AxisGuess("clamp", 0.5, "not certain")
FACTS = Facts("opaque", "alpha is 255", CLAMP, CLAMP, "rgba16", "the name", 3, False, False, False)
SIGHTING = Analysis(None, (8, 4), FACTS, DIGEST, DIGEST)
KEY = analysis_key("texture", DIGEST)

texts = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Cf", "Co", "Cn", "Zl", "Zp", "Zs")), max_size=9
)
digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
guesses = st.builds(AxisGuess, st.sampled_from(get_args(EdgeMode)), st.floats(0, 1), texts)
formats = st.none() | st.sampled_from(get_args(TexelFormat))
names = st.builds(
    EmulatorName,
    texts,
    st.none() | texts,
    formats,
    st.lists(st.tuples(texts, texts | st.integers(-(1 << 40), 1 << 40)), max_size=3).map(tuple),
)
facts = st.builds(
    Facts, st.sampled_from(get_args(AlphaClass)), texts, guesses, guesses, formats, texts, st.integers(0, 48)
)
sights = st.builds(
    Analysis,
    emulator=st.none() | names,
    size=st.just((8, 6)),
    facts=facts,
    pixels=digests,
    all_pixels=digests,
    indices=st.just("") | digests,
    bare_indices=st.just("") | digests,
    cells=st.lists(st.builds(Box, *[st.integers(0, 3)] * 2, *[st.integers(1, 3)] * 2), max_size=2).map(tuple),
    blocks=st.binary(max_size=16).map(bytes.hex),
    orbit=st.binary(max_size=16).map(bytes.hex),
    contrast=st.floats(0, 255),
    warnings=st.lists(texts, max_size=2).map(tuple),
)


def written(folder: Path, **seen: Analysis) -> Path:
    """Write what was seen under keys that begin like the names."""
    memory = AnalysisCache.beside(folder)
    for name, one in seen.items():
        memory.add(analysis_key(name, DIGEST), one)
    memory.keep()
    return folder / ".store" / "analysis"


def resealed(body: bytes) -> bytes:
    """Put a title and a fitting digest above lines, as somebody might who means harm."""
    title = f"texpipe analysis {ANALYSIS_VERSION} {hashlib.sha256(body).hexdigest()}\n"
    return title.encode() + body


def recalled(folder: Path, name: str = "texture") -> Analysis | None:
    return AnalysisCache.beside(folder).recall(analysis_key(name, DIGEST))


@given(seen=st.lists(sights, min_size=1, max_size=4))
def test_what_is_recalled_is_what_was_seen(
    tmp_path_factory: pytest.TempPathFactory, seen: list[Analysis]
) -> None:
    folder = tmp_path_factory.mktemp("seen")
    written(folder, **{f"kind{number}": one for number, one in enumerate(seen)})
    assert [recalled(folder, f"kind{number}") for number in range(len(seen))] == seen


@given(cut=st.integers(0, 1200), flip=st.integers(1, 255))
def test_a_damaged_file_says_nothing(tmp_path_factory: pytest.TempPathFactory, cut: int, flip: int) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    file = written(folder, texture=SIGHTING)
    whole = file.read_bytes()
    at = cut % len(whole)
    for damaged in (whole[:at], whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :], whole + b"x"):
        file.write_bytes(damaged)
        assert recalled(folder) is None
    written(folder, texture=SIGHTING)
    assert file.read_bytes() == whole


@pytest.mark.parametrize(
    "what",
    [
        dataclasses.replace(SIGHTING, size=(0, 4)),
        dataclasses.replace(SIGHTING, size=(8, -4)),
        dataclasses.replace(SIGHTING, pixels="../../etc"),
        dataclasses.replace(SIGHTING, indices="x"),
        dataclasses.replace(SIGHTING, blocks="0"),
        dataclasses.replace(SIGHTING, cells=(Box(-1, 0, 2, 2),)),
        dataclasses.replace(SIGHTING, cells=(Box(7, 0, 2, 2),)),
        dataclasses.replace(SIGHTING, cells=(Box(0, 0, 0, 2),)),
        dataclasses.replace(SIGHTING, contrast=float("nan")),
        dataclasses.replace(SIGHTING, warnings=("\x1b[2J",)),
        dataclasses.replace(SIGHTING, facts=dataclasses.replace(FACTS, colours=33)),
        dataclasses.replace(SIGHTING, facts=dataclasses.replace(FACTS, alpha_reason="two\nlines")),
        dataclasses.replace(SIGHTING, facts=dataclasses.replace(FACTS, alpha="fluffy")),
        dataclasses.replace(SIGHTING, facts=dataclasses.replace(FACTS, x=AxisGuess("wrap", 2.0, "sure"))),
    ],
)
def test_what_cannot_be_seen_is_not_believed(tmp_path: Path, what: Analysis) -> None:
    memory = AnalysisCache.beside(tmp_path)
    memory.add(KEY, what)
    memory.keep()
    assert recalled(tmp_path) is None


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"null",
        b"[" * 100_000,
        b'{"size": [1e400, 1]}',
        b"\xff\xfe",
        b'{"emulator": "\\ud800"}',
        b'{"size":"8"}',
    ],
)
def test_lines_of_others_are_no_error(tmp_path: Path, line: bytes) -> None:
    file = written(tmp_path, texture=SIGHTING)
    file.write_bytes(resealed(KEY.encode() + b" " + line + b"\n" + line + b"\n"))
    assert recalled(tmp_path) is None


def test_wrong_types_in_a_fitting_file_are_not_believed(tmp_path: Path) -> None:
    file = written(tmp_path, texture=SIGHTING)
    body = file.read_bytes().partition(b"\n")[2]
    assert recalled(tmp_path) == SIGHTING
    for old, new in (
        (b'"tiny":false', b'"tiny":0'),
        (b'"colours":3', b'"colours":"3"'),
        (b"[8,4]", b"[8,4,1]"),
    ):
        assert old in body
        file.write_bytes(resealed(body.replace(old, new)))
        assert recalled(tmp_path) is None


def test_another_version_knows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path, texture=SIGHTING)
    for module in (analysis, cache):
        monkeypatch.setattr(module, "ANALYSIS_VERSION", ANALYSIS_VERSION + 1)
    assert recalled(tmp_path) is None
    file.write_bytes(resealed(file.read_bytes().partition(b"\n")[2]))
    assert recalled(tmp_path) is None


def test_only_what_this_run_met_is_kept(tmp_path: Path) -> None:
    written(tmp_path, one=SIGHTING, two=SIGHTING, three=SIGHTING)
    memory = AnalysisCache.beside(tmp_path)
    memory.recall(analysis_key("two", DIGEST))
    memory.add(analysis_key("four", DIGEST), SIGHTING)
    memory.keep()
    kept = {name for name in ("one", "two", "three", "four") if recalled(tmp_path, name)}
    assert kept == {"two", "four"}


def test_the_order_of_looking_leaves_no_trace(tmp_path: Path) -> None:
    one = written(tmp_path / "a", one=SIGHTING, two=SIGHTING).read_bytes()
    assert written(tmp_path / "b", two=SIGHTING, one=SIGHTING).read_bytes() == one


def test_nothing_new_is_not_written_again(tmp_path: Path) -> None:
    file = written(tmp_path, texture=SIGHTING)
    os.utime(file, (1, 1))
    memory = AnalysisCache.beside(tmp_path)
    assert memory.recall(KEY) == SIGHTING
    memory.keep()
    assert file.stat().st_mtime == 1


def test_a_file_that_cannot_be_written_or_read_is_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ".store" / "analysis").mkdir(parents=True)
    written(tmp_path, texture=SIGHTING)
    assert "analyses every texture again" in caplog.text
    assert recalled(tmp_path) is None


def test_names_that_are_no_text_are_forgotten() -> None:
    memory = AnalysisCache()
    memory.add(KEY, dataclasses.replace(SIGHTING, emulator=EmulatorName("soh", "\ud800")))
    assert memory.recall(KEY) is None


def test_files_larger_than_any_dump_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, texture=SIGHTING)
    monkeypatch.setattr(cache, "MAX_BYTES", 10)
    assert recalled(tmp_path) is None
