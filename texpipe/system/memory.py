"""Memory: what this process uses, what it may still take, and sizes as people write them."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from texpipe.errors import SourceError, UsageError

DEFAULT_SHARE = 0.75
"""Share of the available memory that a run may take without --memory."""
_MIN_BUDGET = 1 << 20
"""Smallest accepted --memory, in bytes: a smaller one lacks its unit."""
PROGRAM_BYTES = 400 << 20
"""Typical memory of this process once torch and a network are loaded, in bytes."""
MIN_CHECKED_BYTES = 64 << 20
"""Smallest need of one picture, in bytes, that is compared with the memory there is: everything has to have so much."""
_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([KMGT]?)(?:I?B)?", re.IGNORECASE)
_UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}


class TooLargeError(SourceError):
    """A picture takes more memory than there is; nothing is known of whether it is sound."""


def size_of(text: str) -> int:
    """Return the bytes of a size such as "2G", "1500M" or "1.5 GiB": powers of 1024.

    Raises:
        UsageError: the text is not a size of at least `_MIN_BUDGET`.
    """
    found = _SIZE.fullmatch(text.strip())
    size = int(float(found[1]) * (1 << _UNITS[found[2].upper()])) if found else 0
    if size < _MIN_BUDGET:
        raise UsageError(
            f"--memory {text} is not a size of at least a megabyte", hint="For example 2G or 1500M."
        )
    return size


def budget() -> int:
    """Return the default memory limit of this process in bytes: what it uses, and a share of what is available."""
    return resident() + int(DEFAULT_SHARE * available())


def why_too_large(
    size: tuple[int, int], per_texel: int, purpose: str, memory: int | None = None
) -> str | None:
    """Return why a picture must be left alone because of the memory that it would take; None if it may fit.

    Args:
        size: width and height.
        per_texel: memory that it takes, in bytes per texel.
        purpose: what is to be done with it, as "decode".
        memory: bytes that this process should stay below; by default its share of what is free.
    """
    needed = size[0] * size[1] * per_texel
    if needed < MIN_CHECKED_BYTES or resident() + needed <= (budget() if memory is None else memory):
        return None
    remedy = "close other programs" if memory is None else "raise --memory or close other programs"
    return (
        f"{size[0]} x {size[1]} texels take about {needed >> 20:,} MB of memory to {purpose}, "
        f"more than there is: {remedy}"
    )


def resident(proc: Path = Path("/proc")) -> int:
    """Return the resident memory of this process in bytes, or `PROGRAM_BYTES` where the system does not tell."""
    try:
        return int((proc / "self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, LookupError, AttributeError):
        return PROGRAM_BYTES


def available(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the bytes that may still be taken: free on this computer, and allowed to this container or job.

    Args:
        proc, groups: where Linux mounts the process and control group file systems.
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
    """Return half of all memory, for macOS and others that tell what is free only by tools of their own."""
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
    """Yield the bytes that the control groups of this process and their parents still allow, version 2 and 1."""
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
    """Yield limit minus usage of a group and its parents; cached files count as free."""
    group = root / path.strip("/")
    for folder in (group, *group.parents):
        try:
            total, used = int((folder / limit).read_text()), int((folder / usage).read_text())
            found = re.search(rf"^{cache} (\d+)$", (folder / "memory.stat").read_text(), re.MULTILINE)
            yield total - used + (int(found[1]) if found else 0)
        except (OSError, ValueError):  # no such file, or "max": no limit
            pass
        if folder == root:
            return
