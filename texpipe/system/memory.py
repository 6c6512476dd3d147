"""How much memory there is: what this process has, what it may still take, and sizes as people write them.

And one way to need less of it: one value in place of many equal ones.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from texpipe.errors import UsageError

DEFAULT_SHARE = 0.75
"""Of what is free: so much a run takes if nobody says how much."""
_MIN_BUDGET = 1 << 20
"""Bytes: whoever asks for less has forgotten the unit."""
PROGRAM_BYTES = 400 << 20
"""Bytes of this program with torch, its network and little else."""
_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([KMGT]?)(?:I?B)?", re.IGNORECASE)
_UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}


def size_of(text: str) -> int:
    """Return the bytes of a size such as "2G", "1500M" or "1.5 GiB": powers of 1024.

    Raises:
        UsageError: the text is no size, or one below `_MIN_BUDGET`.
    """
    found = _SIZE.fullmatch(text.strip())
    size = int(float(found[1]) * (1 << _UNITS[found[2].upper()])) if found else 0
    if size < _MIN_BUDGET:
        raise UsageError(f"--memory {text} is no size of a megabyte or more", hint="For example 2G or 1500M.")
    return size


def budget() -> int:
    """Return the bytes that this process should stay below: what it has, and a share of what is free."""
    return resident() + int(DEFAULT_SHARE * available())


def resident(proc: Path = Path("/proc")) -> int:
    """Return the bytes of memory that this process has now, or `PROGRAM_BYTES` where the system does not say."""
    try:
        return int((proc / "self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, LookupError, AttributeError):
        return PROGRAM_BYTES


def available(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the bytes that may still be taken: free on this computer, and allowed to this container or job.

    Args:
        proc, groups: where Linux tells of processes and control groups.
    """
    free = _free_on_linux(proc / "meminfo")
    if free is None:
        free = _free_on_windows() if sys.platform == "win32" else _half_of_all()
    return max(0, min([free, *_remaining_in_groups(proc / "self/cgroup", groups)]))


def _free_on_linux(meminfo: Path) -> int | None:
    try:
        found = re.search(r"^MemAvailable:\s*(\d+) kB$", meminfo.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) << 10 if found else None


def _half_of_all() -> int:
    """macOS and others do not say what is free without tools of their own."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return 2 << 30


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of Windows: `GlobalMemoryStatusEx` in Microsoft's reference of sysinfoapi.h."""

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("load", ctypes.c_uint32),
        ("total", ctypes.c_uint64),
        ("available", ctypes.c_uint64),
        ("others", ctypes.c_uint64 * 5),
    )


def _free_on_windows() -> int:
    status = _MemoryStatus(length=ctypes.sizeof(_MemoryStatus))
    kernel = ctypes.CDLL("kernel32")
    return int(status.available) if kernel.GlobalMemoryStatusEx(ctypes.byref(status)) else 2 << 30


def _remaining_in_groups(membership: Path, root: Path) -> Iterator[int]:
    """Yield what the control groups of this process and those above them still allow, version 2 and 1."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            yield from _remaining(root, path, "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            yield from _remaining(root / "memory", path, *names)


def _remaining(root: Path, path: str, limit: str, usage: str, cache: str) -> Iterator[int]:
    """Yield limit less usage of a group and those above; files that are only cached count as free."""
    group = root / path.strip("/")
    for folder in (group, *group.parents):
        try:
            most, used = int((folder / limit).read_text()), int((folder / usage).read_text())
            found = re.search(rf"^{cache} (\d+)$", (folder / "memory.stat").read_text(), re.MULTILINE)
            yield most - used + (int(found[1]) if found else 0)
        except (OSError, ValueError):  # no such file, or "max": no limit
            pass
        if folder == root:
            return
