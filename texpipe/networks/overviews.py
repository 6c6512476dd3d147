"""What `texpipe models list` says of installed models without loading them: kept in the cache, once for each file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

from texpipe.errors import PackError
from texpipe.networks.foreign_facts import BORDERS_VERSION
from texpipe.networks.spandrel_package import spandrel_version
from texpipe.storage.atomic import write_atomic
from texpipe.storage.home import cache_folder
from texpipe.storage.small_files import RefusedFileError, read_json

_MAX_BYTES: Final = 1 << 16
"""Size in bytes of the largest file that is read."""


@dataclass(frozen=True)
class Overview:
    """What is known of a model.

    Attributes:
        architecture: its name, such as "SPAN".
        scale: output texels per input texel and axis.
        borders: how right the borders of its results are, in words.
        speeds: how it is computed (`backend.identity`) -> textures of 32 x 32 texels a second, on this computer.
    """

    architecture: str
    scale: int
    borders: str
    speeds: Mapping[str, float] = field(default_factory=dict)

    def with_speed(self, engine: str, per_second: float) -> Overview:
        """Return the same with the speed of one more way to compute."""
        return replace(self, speeds={**self.speeds, engine: round(per_second, 3)})


def kept(sha256: str) -> Overview | None:
    """Return what is known of a model file; None if nothing is, or what was kept is damaged.

    Args:
        sha256: hex digest of the file.
    """
    with suppress(RefusedFileError):
        read = read_json(_place(sha256), _MAX_BYTES)
        if not isinstance(read, dict):
            return None
        architecture, scale, borders = read.get("architecture"), read.get("scale"), read.get("borders")
        speeds = read.get("speeds")
        if isinstance(architecture, str) and isinstance(scale, int) and isinstance(borders, str):
            known = speeds if isinstance(speeds, dict) else {}
            sound = {engine: float(one) for engine, one in known.items() if isinstance(one, int | float)}
            return Overview(architecture, scale, borders, sound)
    return None


def keep(sha256: str, overview: Overview) -> None:
    """Keep what is known of a model file; if that is not possible it is found out again."""
    with suppress(PackError):
        write_atomic(_place(sha256), (json.dumps(asdict(overview), indent=2) + "\n").encode())


def _place(sha256: str) -> Path:
    version = f"{spandrel_version()}-{BORDERS_VERSION}"
    return cache_folder() / "models" / f"{sha256}-{version}-overview.json"
