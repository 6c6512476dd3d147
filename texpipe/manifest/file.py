"""`manifest.json` and `run.json` on the disk: a manifest is written and read texture by texture, however long it is."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from texpipe.errors import Location, PackError
from texpipe.manifest.paths import path_problem, shown, target_problem
from texpipe.manifest.schema import (
    LAYERS_SCHEMA,
    SCHEMA,
    Entry,
    Manifest,
    Output,
    PackFile,
    as_json,
    entry_as_json,
)
from texpipe.storage.atomic import open_atomic, write_atomic
from texpipe.storage.small_files import RefusedFileError, open_regular, parse_json, refusing
from texpipe.system.limits import limit
from texpipe.system.meant_paths import did_you_mean
from texpipe.system.shell import quoted

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_MAX_BYTES = limit("MAX_MANIFEST_BYTES", 1 << 30)
"""Largest manifest that is read, in bytes. A texture takes about a kilobyte in it."""
_HINT = "Run the recipe again: it writes the manifest anew and recomputes only what is missing."

# Lines as `write_manifest` writes them; the list of textures comes last. No line of an entry can be taken for one of
# these: they are indented deeper, and JSON has no line ends inside of strings.
_FIRST = f'{{\n  "schema": "{SCHEMA}",\n'.encode()
_LIST, _NO_LIST = b'  "textures": [\n', b'  "textures": []\n}\n'
_BEGIN, _BETWEEN, _END, _TAIL = b"    {\n", b"    },\n", b"    }\n", b"  ]\n}\n"


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write the manifest: UTF-8, LF, two spaces of indent, whole or not at all.

    Raises:
        PackError: the file cannot be written.
    """
    head = _text(as_json(replace(manifest, textures=())))
    with open_atomic(path) as file:
        if not manifest.textures:
            file.write(head)
            return
        file.write(head.removesuffix(_NO_LIST) + _LIST)
        for number, entry in enumerate(manifest.textures):
            file.write(b",\n" if number else b"")
            file.write(b"    " + _json(entry_as_json(entry)).replace("\n", "\n    ").encode())
        file.write(b"\n" + _TAIL)


def read_manifest(path: Path) -> Manifest:
    """Read a manifest back and check the type of everything in it.

    Targets and paths that lead out of the output folder, or nowhere, are left out and named in `Manifest.refused`:
    whoever has a manifest from here may open what it names.

    Raises:
        PackError: the file is missing, torn, too large, of another schema or holds something of a wrong type.
    """
    try:
        with refusing(path, PackError, _HINT), open_regular(path, any_link=False) as file:
            return _safe(_parse(path, file))
    except PackError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        raise _unreadable(path, error.__cause__) from error.__cause__


def _unreadable(path: Path, error: OSError) -> PackError:
    if isinstance(error, FileNotFoundError):
        above = next((one for one in list(path.parent.parents)[:2] if (one / path.name).is_file()), None)
        hint = (
            f"The output of the run is the folder above it: name {quoted(above)}."
            if above is not None and path.parent.is_dir()
            else did_you_mean(path.parent)
            + "Name the folder that `texpipe run` wrote. If the run was stopped there, start it again."
        )
        return PackError(f"cannot read {path}: no run was finished there", hint=hint)
    if path.parent.is_file():
        hint = "Name the folder that `texpipe run` wrote."
        return PackError(f"{path.parent} is a file, not the output of a run", hint=hint)
    return PackError(f"cannot read {path}: {error.strerror or error}", hint=_HINT)


def _parse(path: Path, file: IO[bytes]) -> Manifest:
    if os.fstat(file.fileno()).st_size > _MAX_BYTES:
        raise RefusedFileError(f"is larger than the limit of {_MAX_BYTES:,} bytes", location=Location(path))
    manifest = _read_by_lines(file)
    if manifest is None:
        file.seek(0)
        manifest = _read_whole(path, file.read(_MAX_BYTES))
    return manifest


def write_run_info(path: Path, info: Mapping[str, Any]) -> None:
    """Write `run.json`: timings, versions, device, whatever may differ between two runs.

    Raises:
        PackError: the file cannot be written.
    """
    write_atomic(path, _text(info))


def _safe(manifest: Manifest) -> Manifest:
    """Return a manifest without the targets and paths that lead elsewhere."""
    targets = {name: target_problem(name) for name in manifest.targets}
    known = {name for name, problem in targets.items() if problem is None}
    refused = [problem for problem in targets.values() if problem is not None]

    def is_safe(one: Output | PackFile) -> bool:
        problem = path_problem(one.path, one.target)
        if problem is None and one.target not in known:
            problem = f"{shown(one.path)} belongs to no target of the pack"
        refused.extend([] if problem is None else [problem])
        return problem is None

    files = tuple(file for file in manifest.files if is_safe(file))
    entries = tuple(_safe_entry(entry, is_safe) for entry in manifest.textures)
    return replace(
        manifest,
        targets=tuple(name for name in manifest.targets if name in known),
        files=files,
        textures=entries,
        refused=tuple(refused),
    )


def _safe_entry(entry: Entry, is_safe: Callable[[Output], bool]) -> Entry:
    outputs = tuple(one for one in entry.outputs if is_safe(one))
    if len(outputs) == len(entry.outputs):
        return entry
    reason = entry.reason or "the manifest names a file outside of the pack for it"
    return replace(entry, outputs=outputs, reason=reason)


def _read_by_lines(file: IO[bytes]) -> Manifest | None:
    """Read what `write_manifest` wrote; None for any other text, also if it says the same or is damaged."""
    from pydantic import ValidationError

    head = b"".join(takewhile(lambda line: line != _LIST, file))
    if not head.startswith(_FIRST):
        return None
    try:
        manifest = _adapters()[0].validate_json(head + _NO_LIST)
        return replace(manifest, textures=tuple(_entries(file)))
    except (ValidationError, _OtherLayoutError):
        return None


class _OtherLayoutError(Exception):
    """The text is not laid out as `write_manifest` does it."""


def _entries(file: IO[bytes]) -> Iterator[Entry]:
    """Yield the entries of a file that stands behind the line which begins the list."""
    adapter, end = _adapters()[1], _BETWEEN
    while end == _BETWEEN:
        if file.readline() != _BEGIN:
            raise _OtherLayoutError
        lines = [b"{"]
        while (line := file.readline()) not in (_BETWEEN, _END, b""):
            lines.append(line)
        end = line
        yield adapter.validate_json(b"".join(lines) + b"}")
    if end != _END or file.read(len(_TAIL) + 1) != _TAIL:
        raise _OtherLayoutError


def _read_whole(path: Path, data: bytes) -> Manifest:
    from pydantic import ValidationError

    _check_schema(path, data)
    try:
        return _adapters()[0].validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PackError(f"{path}: {where}: {first['msg']}", hint=_HINT) from error


def _check_schema(path: Path, data: bytes) -> None:
    try:
        top = parse_json(data, path)
    except RefusedFileError as error:
        raise PackError(
            f"not a whole JSON file: {error.message}", hint=_HINT, location=error.location
        ) from error
    schema = top.get("schema") if isinstance(top, dict) else None
    if schema == LAYERS_SCHEMA:
        hint = "It has no recipe to check it by. Copy its files to the emulator, or name one of its layers."
        raise PackError(
            f"{path.parent} was merged out of several packs, and is no output of a run", hint=hint
        )
    if schema != SCHEMA:
        raise PackError(f"{path}: schema is {schema!r}, this version of texpipe reads {SCHEMA!r}", hint=_HINT)


def _text(value: Mapping[str, Any]) -> bytes:
    return (_json(value) + "\n").encode()


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)


@functools.cache
def _adapters() -> tuple[TypeAdapter[Manifest], TypeAdapter[Entry]]:
    from pydantic import TypeAdapter

    return TypeAdapter(Manifest), TypeAdapter(Entry)
