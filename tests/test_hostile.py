"""Mutated files: a few of those that benchmarks/hostile.py reads by the thousand."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "hostile.py"
SPEC = importlib.util.spec_from_file_location("hostile", SCRIPT)
assert SPEC is not None
assert SPEC.loader is not None
hostile = importlib.util.module_from_spec(SPEC)
sys.modules["hostile"] = hostile
SPEC.loader.exec_module(hostile)


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    return {target.name: target for target in hostile.targets(tmp_path_factory.mktemp("made"))}


@pytest.mark.parametrize("name", ["image", "cache", "recipe", "manifest", "weights"])
def test_readers_accept_or_refuse_but_never_crash(
    name: str, targets: dict[str, object], tmp_path: Path
) -> None:
    target = targets[name]
    for sound, data in target.seeds:
        (tmp_path / sound).write_bytes(data)
        assert hostile.outcome_of(target.read, tmp_path / sound) == "read"
    found = [
        hostile.outcome_of(target.read, hostile.write_mutant(target, number, 0, tmp_path))
        for number in range(60)
    ]
    assert set(found) <= {"read", "refused"}
    assert "refused" in found
    assert {path.name for path in tmp_path.iterdir()} <= {sound for sound, _ in target.seeds}


def test_a_crash_is_noticed(tmp_path: Path) -> None:
    def careless(path: Path) -> object:
        return path.read_bytes()[99]

    (tmp_path / "short").write_bytes(b"x")
    assert hostile.outcome_of(careless, tmp_path / "short").startswith("crashed: IndexError")


def test_a_child_that_dies_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = hostile.multiprocessing.Pipe()
    ours.send(hostile.Case("x", 0, "read", 0.1, 1))
    ours.close()
    first, second = hostile._received(theirs, "x", 0)
    assert (first.is_finding, second.is_finding) == (False, True)
    assert (second.number, second.outcome) == (1, "died")
