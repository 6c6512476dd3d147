"""Which files texpipe wrote into an output folder: known even if a run was killed half-way or its manifest is damaged.

`OUTPUT/.store/written` has one line `SHA256 PATH` for each. A line is there before its file is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from texpipe.errors import PackError
from texpipe.manifest.paths import path_problem
from texpipe.storage.atomic import open_atomic
from texpipe.storage.layout import OutputLayout
from texpipe.storage.links import leads_out
from texpipe.storage.small_files import RefusedFileError, open_regular, open_to_append, parse_json, refusing

_LINE = re.compile(rb"([0-9a-f]{64}) (.+)", re.DOTALL)

_MAX_LINE = 1 << 16
"""Longest line that is read at once, in bytes; the longest path that is written takes a tenth of it."""


def note(output: Path, path: str, digest: str) -> None:
    """Note a file that is about to be written.

    Args:
        output: the run's output folder.
        path: of the file, below it.
        digest: hex sha256 of its bytes.

    Raises:
        PackError: the note cannot be written.
    """
    log = _log(output)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with open_to_append(log) as file:
            file.write(_line(path, digest))
    except OSError as error:
        hint = "Check the permissions of the output folder, and the space on its disk."
        raise PackError(f"cannot write {log}: {error.strerror or error}", hint=hint) from error


def noted(output: Path) -> set[tuple[str, str]]:
    """Return path and hex sha256 of every file noted; lines that are damaged or lead elsewhere are passed over.

    Raises:
        PackError: the notes cannot be read.
    """
    try:
        with refusing(_log(output), PackError, "Check the permissions of the output folder."):
            if leads_out(_log(output), output):
                raise RefusedFileError("is a link that leads out of the output folder")
            return _noted(_log(output))
    except PackError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return set()
        raise


def _noted(log: Path) -> set[tuple[str, str]]:
    pairs = set()
    with open_regular(log) as file:
        while line := file.readline(_MAX_LINE):
            if (pair := _parsed(line.removesuffix(b"\n"))) is not None:
                pairs.add(pair)
    return pairs


def keep_notes(output: Path, digests: Iterable[tuple[str, str]]) -> None:
    """Replace the notes by those of a finished pack: pairs of path and hex sha256.

    Raises:
        PackError: they cannot be written.
    """
    with open_atomic(_log(output), fsync=False) as file:
        file.writelines(_line(path, digest) for path, digest in sorted(set(digests)))


def _line(path: str, digest: str) -> bytes:
    # A line end in a name would cut the line; such names are written as JSON, which escapes it.
    text = json.dumps(path) if "\n" in path or path.startswith('"') else path
    return f"{digest} {text}\n".encode("utf-8", "surrogateescape")


def _parsed(line: bytes) -> tuple[str, str] | None:
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    path = found[2].decode("utf-8", "surrogateescape")
    if path.startswith('"'):
        with suppress(RefusedFileError):
            path = str(parse_json(found[2], Path("written")))
    return (path, found[1].decode()) if path_problem(path) is None else None


def _log(output: Path) -> Path:
    return OutputLayout(output).journal
