"""Sizes that people write, and what Linux, containers and others say of memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from texpipe.errors import UsageError
from texpipe.system import memory
from texpipe.system.interning import interned
from texpipe.system.memory import DEFAULT_SHARE, available, budget, resident, size_of

FREE = 8 << 30


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2G", 2 << 30),
        ("1500M", 1500 << 20),
        ("1.5 GiB", 3 << 29),
        ("700mb", 700 << 20),
        ("1t", 1 << 40),
        ("1048576", 1 << 20),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert size_of(text) == size


@pytest.mark.parametrize("text", ["", "2", "lots", "-1G", "1G2", "10K", "0G", "2 X", "1e9", "9" * 40])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--memory") as caught:
        size_of(text)
    assert caught.value.exit_code == 2
    assert "2G" in str(caught.value.hint)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A /proc with 8 GiB free."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text(f"MemTotal: 99999999 kB\nMemAvailable:   {FREE >> 10} kB\n")
    (tmp_path / "groups").mkdir()
    return tmp_path


def limit(folder: Path, *files: tuple[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files:
        (folder / name).write_text(text + "\n")


def free(machine: Path) -> int:
    return available(machine / "proc", machine / "groups")


def test_without_groups_it_is_what_linux_calls_available(machine: Path) -> None:
    assert free(machine) == FREE


def test_the_tightest_group_of_version_2_counts_and_cached_files_are_free(machine: Path) -> None:
    (machine / "proc/self/cgroup").write_text("0::/jobs/one\n")
    inner, outer = machine / "groups/jobs/one", machine / "groups/jobs"
    limit(inner, ("memory.max", "max"), ("memory.current", "5"), ("memory.stat", "inactive_file 1"))
    limit(
        outer,
        ("memory.max", str(3 << 30)),
        ("memory.current", str(2 << 30)),
        ("memory.stat", f"anon 7\ninactive_file {1 << 29}\nactive_file 3"),
    )
    assert free(machine) == (1 << 30) + (1 << 29)


def test_a_group_of_version_1_counts(machine: Path) -> None:
    (machine / "proc/self/cgroup").write_text("5:cpu:/\n4:memory:/box\n0::/\n")
    limit(
        machine / "groups/memory/box",
        ("memory.limit_in_bytes", str(1 << 30)),
        ("memory.usage_in_bytes", str(1 << 28)),
        ("memory.stat", "cache 5\ntotal_inactive_file 4096"),
    )
    assert free(machine) == (1 << 30) - (1 << 28) + 4096


def test_more_than_allowed_is_not_less_than_nothing(machine: Path) -> None:
    (machine / "proc/self/cgroup").write_text("0::/\n")
    limit(machine / "groups", ("memory.max", "5"), ("memory.current", "9"), ("memory.stat", ""))
    assert free(machine) == 0


def test_elsewhere_it_is_half_of_all_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"SC_PHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(memory.os, "sysconf", sizes.__getitem__, raising=False)
    assert available(tmp_path, tmp_path) == 1000 * 4096 // 2


def test_windows_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.sys, "platform", "win32")
    monkeypatch.setattr(memory, "_free_on_windows", lambda: 123)
    assert available(tmp_path, tmp_path) == 123


def test_what_this_process_has(tmp_path: Path) -> None:
    assert resident(tmp_path) == memory.PROGRAM_BYTES
    (tmp_path / "self").mkdir()
    (tmp_path / "self/statm").write_text("500 20 3 4 5 6 7")
    assert resident(tmp_path) == 20 * memory.os.sysconf("SC_PAGE_SIZE")


def test_the_default_is_what_there_is_and_a_share_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "resident", lambda: 100)
    monkeypatch.setattr(memory, "available", lambda: 1000)
    assert budget() == 100 + int(DEFAULT_SHARE * 1000)


def test_equal_values_are_one() -> None:
    word = ["size", "16"]
    first = interned(tuple(word))
    assert interned(tuple(word)) is first
    assert interned(("size", "32")) == ("size", "32")
    kinds = [type(interned(value)) for value in (1, 1.0, True)]
    assert kinds == [int, float, bool]
