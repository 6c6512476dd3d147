"""Which files texpipe wrote into an output folder: known even if a run was killed half-way or its manifest is damaged.

`OUTPUT/.store/written` has one line `SHA256 PATH` for each. A line is there before its file is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from texpipe.errors import PackError
from texpipe.storage.atomic import open_atomic, write_atomic
from texpipe.storage.layout import OutputLayout

_LINE = re.compile(r"([0-9a-f]{64}) (.+)")


def put(output: Path, path: str, data: bytes, digest: str) -> None:
    """Write a file of a pack, whole or not at all, and note it first.

    Args:
        output: the run's output folder.
        path: of the file, below it.
        data, digest: its bytes, and their hex sha256.

    Raises:
        PackError: it cannot be written.
    """
    log = _log(output)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as file:
            file.write(_line(path, digest))
    except OSError as error:
        hint = "Check the permissions of the output folder, and the room on its disk."
        raise PackError(f"cannot write {log}: {error.strerror or error}", hint=hint) from error
    write_atomic(output / path, data, fsync=False)


def noted(output: Path) -> set[tuple[str, str]]:
    """Return path and hex sha256 of every file noted; lines that are damaged are passed over.

    Raises:
        PackError: the notes cannot be read.
    """
    try:
        text = _log(output).read_text("utf-8", "replace")
    except FileNotFoundError:
        return set()
    except OSError as error:
        hint = "Check the permissions of the output folder."
        raise PackError(f"cannot read {_log(output)}: {error.strerror or error}", hint=hint) from error
    return {(found[2], found[1]) for found in map(_LINE.fullmatch, text.splitlines()) if found}


def keep_notes(output: Path, digests: Mapping[str, str]) -> None:
    """Replace the notes by those of a finished pack: path -> hex sha256.

    Raises:
        PackError: they cannot be written.
    """
    with open_atomic(_log(output), fsync=False) as file:
        file.writelines(_line(path, digest) for path, digest in sorted(digests.items()))


def _line(path: str, digest: str) -> bytes:
    return f"{digest} {path}\n".encode()


def _log(output: Path) -> Path:
    return OutputLayout(output).journal
