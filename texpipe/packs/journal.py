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

_LINE = re.compile(rb"([0-9a-f]{64}) (.+)", re.DOTALL)


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
        with log.open("ab") as file:
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
        data = _log(output).read_bytes()
    except FileNotFoundError:
        return set()
    except OSError as error:
        hint = "Check the permissions of the output folder."
        raise PackError(f"cannot read {_log(output)}: {error.strerror or error}", hint=hint) from error
    return {pair for line in data.split(b"\n") if (pair := _parsed(line)) is not None}


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
        with suppress(ValueError, RecursionError):
            path = str(json.loads(path))
    return (path, found[1].decode()) if path_problem(path) is None else None


def _log(output: Path) -> Path:
    return OutputLayout(output).journal
