"""The seeds of the fuzz targets: read whole and cut short without a crash; every parser has a target."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from pages import REPOSITORY

from texpipe.errors import TexpipeError
from texpipe.networks.model_files import SUFFIXES
from texpipe.read.container_kinds import CONTAINERS
from texpipe.read.scan import PICTURES

sys.path.append(str(REPOSITORY / "fuzz"))
fuzz_targets = importlib.import_module("fuzz_targets")
TARGETS = {target.name: target for target in fuzz_targets.TARGETS}


@pytest.mark.parametrize("name", TARGETS)
def test_sound_files_are_read(name: str, tmp_path: Path) -> None:
    seeds = TARGETS[name].seeds()
    assert seeds == TARGETS[name].seeds(), "the same bytes every time"
    assert {TARGETS[name].outcome(seed, tmp_path) for seed in seeds} == {"read"}


@pytest.mark.parametrize("name", TARGETS)
def test_files_cut_short_are_read_or_refused(name: str, tmp_path: Path) -> None:
    for seed in fuzz_targets.seeds_of(TARGETS[name]):
        cuts = {len(seed) * share // 16 for share in range(16)} | {1, 7, 8, 9, len(seed) - 1}
        outcomes = {TARGETS[name].outcome(seed[:cut], tmp_path) for cut in sorted(cuts)}
        assert outcomes <= {"read", "refused"}


def test_every_suffix_that_is_read_has_a_target() -> None:
    fuzzed = {Path(target.file).suffix for target in TARGETS.values()}
    alike = {".pt", ".param", ".bin"}  # a .pth by another name; ncnn has tests of every byte in test_ncnn.py
    assert {*PICTURES, *CONTAINERS, *SUFFIXES} - alike <= fuzzed


def test_findings_lie_in_folders_of_targets() -> None:
    corpus = Path(fuzz_targets.__file__).parent / "corpus"
    assert {folder.name for folder in corpus.glob("*")} <= TARGETS.keys()


def test_an_error_of_another_kind_is_a_finding(tmp_path: Path) -> None:
    def careless(path: Path) -> object:
        raise IndexError(path)

    def careful(path: Path) -> object:
        raise TexpipeError(str(path))

    assert fuzz_targets.Target("careful", "a", careful, tuple).outcome(b"", tmp_path) == "refused"
    with pytest.raises(IndexError):
        fuzz_targets.Target("careless", "a", careless, tuple).outcome(b"", tmp_path)
