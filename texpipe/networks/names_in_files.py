"""Which kind of network a model file holds, by the names of weights in its bytes: nothing is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_DENSE_BLOCKS: Final = (b"rdb1.conv1", b"RDB1.conv1")
"""Parts of the names that the weights of a dense block have in the three layouts of an ESRGAN generator."""


def has_other_names(data: bytes, path: Path) -> bool:
    """Return whether nothing in a file is named as in a Compact or an ESRGAN, or something only as in ESRGAN+.

    Names stand in all these files as plain text, except in ncnn's, which are read for those two alone.

    Args:
        data: the file.
        path: its name, whose suffix counts.
    """
    if path.suffix.lower() in (".param", ".bin") or _is_compact(data):
        return False
    return b"conv1x1" in data or not any(name in data for name in _DENSE_BLOCKS)


def _is_compact(data: bytes) -> bool:
    """Return whether a file names convolutions with PReLU between them, which has slopes and no bias."""
    there = all(name in data for name in (b"body.0.weight", b"body.0.bias", b"body.1.weight", b"body.2.bias"))
    return there and b"body.1.bias" not in data
