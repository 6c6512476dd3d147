"""Trees that RETRO extracts from Ship of Harkinian's archives: PNG files, and a `manifest.json` with their types."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from texpipe.formats import soh
from texpipe.formats.otex import texels_of_type
from texpipe.storage.small_files import MissingFileError, RefusedFileError, read_json
from texpipe.texture import EmulatorName, TexelFormat

log = logging.getLogger(__name__)

_MANIFEST = "manifest.json"
_MAX_BYTES = 1 << 26
_TYPES: Mapping[str, TexelFormat] = {
    "rgba32bpp": "rgba32",
    "rgba16bpp": "rgba16",
    "palette4bpp": "ci4",
    "palette8bpp": "ci8",
    "grayscale4bpp": "i4",
    "grayscale8bpp": "i8",
    "grayscalealpha4bpp": "ia4",
    "grayscalealpha8bpp": "ia8",
    "grayscalealpha16bpp": "ia16",
    "jpeg32bpp": "rgba16",  # backgrounds are replaced as if they were rgba16
}


def extracted_resources(root: Path) -> Mapping[str, EmulatorName]:
    """Return resource path -> name of the textures that a tree's manifest lists; nothing without such a manifest.

    A manifest that cannot be read is passed over with a warning in the log.
    """
    try:
        top = read_json(root / _MANIFEST, _MAX_BYTES)
    except MissingFileError:
        return {}
    except RefusedFileError as error:
        log.warning("%s; the types of textures that it may list are unknown", error)
        return {}
    found = {}
    for path, entry in top.items() if isinstance(top, dict) else ():
        texels = _texels(entry.get("textureType")) if isinstance(entry, dict) else None
        if texels is not None:
            found[path] = soh.resource(path, texels)
    return found


def resource_of(name: str, resources: Mapping[str, EmulatorName]) -> EmulatorName | None:
    """Return what the manifest says of the picture `name`, a path relative to the tree."""
    return resources.get(str(PurePosixPath(name).with_suffix(""))) if resources else None


def _texels(kind: object) -> TexelFormat | None:
    """Types are written as the engine's numbers or as RETRO's words."""
    if isinstance(kind, int):
        return texels_of_type(kind)
    return _TYPES.get(re.sub(r"^.*\.", "", str(kind)).lower())
