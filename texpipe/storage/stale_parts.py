"""Half-written files that a killed run left: found by their names, and removed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from texpipe.errors import PackError

_PART = re.compile(r"\..*\.\d+-[0-9a-f]+\.part", re.DOTALL)


def remove_stale_parts(folder: Path) -> int:
    """Remove what killed runs left of half-written files below `folder`, and return how many there were.

    Call it while holding the run lock and before anything is written: it removes the parts of every process.

    Raises:
        PackError: a folder cannot be listed, or a file not removed.
    """
    try:
        found = ((above, name) for above, _, names in os.walk(folder, onerror=_raise) for name in names)
        stale = [Path(above, name) for above, name in found if _PART.fullmatch(name)]
        for path in stale:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise PackError(
            f"cannot clear {folder} of what a stopped run left: {error}",
            hint="Check the permissions of everything in the output folder.",
        ) from error
    return len(stale)


def remove_parts_of(files: Iterable[Path]) -> None:
    """Remove what a killed process left of some half-written files; parts of other files stay.

    Raises:
        PackError: a folder cannot be listed, or a part not removed.
    """
    names: dict[Path, set[str]] = {}
    for file in files:
        names.setdefault(file.parent, set()).add(file.name)
    for folder, wanted in names.items():
        try:
            found = [one for one in folder.iterdir() if _PART.fullmatch(one.name)] if folder.is_dir() else []
            for path in found:
                if path.name[1:].rsplit(".", 2)[0] in wanted:
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise PackError(f"cannot clear {folder} of what a stopped run left: {error}") from error


def _raise(error: OSError) -> None:
    raise error
