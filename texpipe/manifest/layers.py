"""The manifest of a pack that was merged out of several, as it is found in a folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from texpipe.manifest.schema import LAYERS_SCHEMA
from texpipe.storage.small_files import RefusedFileError, read_json

NAMES = ("manifest.json", "layers.json")
"""What the manifest is called: the second name where a layer has a file of the first that is none of texpipe's."""
_MAX_BYTES = 1 << 28


def read_layers_manifest(folder: Path) -> Mapping[str, Any] | None:
    """Return the manifest of a merged pack, whose `files` map paths to what is known of them; None if there is none."""
    for name in NAMES:
        try:
            found = read_json(folder / name, _MAX_BYTES)
        except RefusedFileError:
            continue
        if isinstance(found, dict) and found.get("schema") == LAYERS_SCHEMA:
            files = found.get("files")
            if isinstance(files, dict) and all(isinstance(one, dict) for one in files.values()):
                return found
    return None


def manifest_name(taken: Iterable[str]) -> str:
    """Return what the manifest of a merged pack is called that has files of these names."""
    there = {name.lower() for name in taken}
    return next((name for name in NAMES if name not in there), NAMES[-1])
