"""What is known of a model of another architecture without loading it: kept in the cache, once for each file.

Nothing here imports torch: a run that finds all its results in the store needs these facts for its manifest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from texpipe.errors import PackError
from texpipe.networks.spandrel_package import spandrel_version
from texpipe.storage.atomic import write_atomic
from texpipe.storage.home import cache_folder
from texpipe.storage.small_files import RefusedFileError, read_json

BORDERS_VERSION: Final = 1
"""Part of the store keys of what other architectures make, and of their certificates: raise it with any change in
`borders`, `per_axis`, `window_masks`, `bridge` or their engines that alters pixels."""
_MAX_FACTS: Final = 1 << 16
"""Largest size of a file of facts, in bytes."""


@dataclass(frozen=True)
class Borders:
    """How right the borders of a network's results are; `certificate` measures it.

    Attributes:
        multiple: exact where the sides of a picture are a multiple of this, 1 for any side; None: approximate.
        levels: largest difference between what it makes of a repeated picture and its repeated result, in levels of
            255; 0 for exact ones, where it is a matter of rounding.
    """

    multiple: int | None
    levels: float = 0.0

    def __str__(self) -> str:
        if self.multiple is None:
            return f"borders approximate ({self.levels:g} levels)"
        return "borders exact" if self.multiple == 1 else f"borders exact at multiples of {self.multiple}"


@dataclass(frozen=True)
class ForeignFacts:
    """What a model of another architecture is.

    Attributes:
        architecture: its name, such as "SPAN".
        scale: output texels per input texel and axis.
        weights: number of its weights.
        borders: how right the borders of its results are.
    """

    architecture: str
    scale: int
    weights: int
    borders: Borders

    @property
    def computed_by(self) -> str:
        """Name what determines a result besides the file: for the keys of what is stored."""
        multiple = self.borders.multiple or "approximate"
        return f"spandrel {spandrel_version()} borders {BORDERS_VERSION} {multiple}"


def kept(sha256: str) -> ForeignFacts | None:
    """Return the facts of a model file that were measured with this version; None if they must be measured.

    Args:
        sha256: hex digest of the file.
    """
    with suppress(RefusedFileError, KeyError, TypeError, ValueError):
        read = read_json(_place(sha256), _MAX_FACTS)
        return _from_json(read) if isinstance(read, dict) else None
    return None


def keep(sha256: str, facts: ForeignFacts) -> None:
    """Keep the facts of a model file for the next run; if that is not possible they are measured again."""
    with suppress(PackError):
        write_atomic(_place(sha256), (json.dumps(asdict(facts), indent=2) + "\n").encode())


def _place(sha256: str) -> Path:
    return cache_folder() / "models" / f"{sha256}-{spandrel_version()}-{BORDERS_VERSION}.json"


def _from_json(read: Mapping[str, Any]) -> ForeignFacts:
    """Read what `keep` wrote.

    Raises:
        KeyError, TypeError, ValueError: it is something else.
    """
    multiple, levels = read["borders"]["multiple"], float(read["borders"]["levels"])
    facts = ForeignFacts(
        str(read["architecture"]),
        int(read["scale"]),
        int(read["weights"]),
        Borders(None if multiple is None else int(multiple), levels),
    )
    if facts.scale < 1 or (facts.borders.multiple or 1) < 1:
        raise ValueError("a scale or a multiple below 1")
    return facts
