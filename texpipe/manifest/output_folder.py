"""Is a folder the output of texpipe runs? Its store and the schema of its manifest say so, never a file's mere name."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from texpipe.manifest.schema import SCHEMA
from texpipe.storage.layout import OutputLayout
from texpipe.storage.small_files import RefusedFileError, open_regular, refusing

_HEAD_BYTES = 4096
"""Bytes at the start of a manifest in which its schema stands."""
_SCHEMA = re.compile(
    rb'\A\s*\{\s*"schema":\s*"' + re.escape(SCHEMA.rpartition("/")[0].encode()) + rb'/[0-9]+"'
)
_STORE_NAMES = re.compile(
    r"[0-9a-f]{2}|written|analysis|checked|finished|computed-by|sightings|shards|sizes|\..*\.part"
)


def is_output_folder(folder: Path) -> bool:
    """Return whether texpipe wrote to this folder before: it has a manifest of ours, or a store of ours."""
    layout = OutputLayout(folder)
    return has_manifest(layout.manifest) or _is_store(layout.store)


def has_manifest(file: Path) -> bool:
    """Return whether a file begins as a manifest of texpipe does, of any version, whole or torn."""
    with suppress(RefusedFileError), refusing(file), open_regular(file, any_link=False) as stream:
        return _SCHEMA.match(stream.read(_HEAD_BYTES)) is not None
    return False


def _is_store(folder: Path) -> bool:
    with suppress(OSError):
        names = [path.name for path in folder.iterdir()] if not folder.is_symlink() else []
        return bool(names) and all(_STORE_NAMES.fullmatch(name) for name in names)
    return False
