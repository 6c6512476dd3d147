"""Several inputs of one run: short names for them, without the rest of their paths."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def input_names(roots: Sequence[Path]) -> tuple[str, ...]:
    """Return a name for each input: the last part of its path, or as many parts as tell it from the others.

    A single input needs none: its name is "".

    Args:
        roots: different folders or files.
    """
    if len(roots) == 1:
        return ("",)
    parts = [_parts(root) for root in roots]
    return tuple(_name(one, [other for other in parts if other is not one]) for one in parts)


def _parts(root: Path) -> tuple[str, ...]:
    """Without the drive or root: names are no absolute paths."""
    path = root.resolve()
    return path.relative_to(path.anchor).parts or ("root",)


def _name(one: tuple[str, ...], others: Sequence[tuple[str, ...]]) -> str:
    count = next((n for n in range(1, len(one)) if all(one[-n:] != other[-n:] for other in others)), len(one))
    return "/".join(one[-count:])
