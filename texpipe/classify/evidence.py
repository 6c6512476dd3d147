"""What of a picture tells whether it repeats: measures of the seam, of a period, and of the kind of picture it is.

Every measure is a plain number that a flip of the picture leaves as it is. All are computed in double precision and
rounded, so that no processor's order of adding up makes another decision.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from texpipe.classify.ink_measures import ink_measures
from texpipe.classify.kind_measures import Kind, kind_measures
from texpipe.classify.seam_measures import Doubles, Lines, seam_measures

Floats = NDArray[np.float32]

_STEPS = 1024
"""Steps that a measure of 1 is divided into: what differs by less is the same."""
_MOST_LINES = 64
"""Texels per side of the picture that strips, bands and periods are looked for in; larger ones are reduced to it."""


class Seen:
    """A picture and what is measured of it as a whole, once for all who ask.

    Args:
        rows: H x W x 4, the rows of a picture; alpha and premultiplied colours in levels.
    """

    def __init__(self, rows: Lines) -> None:
        self.rows = rows

    @cached_property
    def exact(self) -> Doubles:
        """The rows in double precision."""
        return self.rows.astype(np.float64)

    @cached_property
    def reduced(self) -> Doubles:
        """The same, or reduced so far that nothing takes long."""
        return _reduced(self.exact)

    @cached_property
    def kind(self) -> Kind:
        """What sort of picture it is."""
        return kind_measures(self.exact, self.reduced)


def kind_evidence(seen: Seen) -> tuple[Floats, Floats]:
    """Return the measures by which the kind of a picture is told: as it is, and with x and y exchanged."""
    kind, ink = seen.kind, ink_measures(seen.reduced)
    whole = kind.whole, ink.whole
    return _rounded(kind.x, ink.x, kind.y, ink.y, *whole), _rounded(kind.y, ink.y, kind.x, ink.x, *whole)


def evidence(rows: Lines | Seen) -> tuple[Floats, Floats]:
    """Return the measures of both axes: of its own seam, of the other axis' seam, and of the kind of picture.

    Args:
        rows: H x W x 4, the rows of a picture; alpha and premultiplied colours in levels. Or what is seen of them.

    Returns:
        K float32 each, finite, for x (left and right) and for y. What a side of fewer than `LEAST_LINES` texels would
        say is 0.
    """
    seen = rows if isinstance(rows, Seen) else Seen(rows)
    exact, reduced, kind = seen.exact, seen.reduced, seen.kind
    x = seam_measures(*(np.ascontiguousarray(one.swapaxes(0, 1)) for one in (exact, reduced)))
    y = seam_measures(exact, reduced)
    return _rounded(x, y, kind.x, kind.y, kind.whole), _rounded(y, x, kind.y, kind.x, kind.whole)


def _rounded(*parts: Doubles) -> Floats:
    found = np.nan_to_num(np.concatenate(parts))
    return np.asarray(np.rint(found * _STEPS) / _STEPS, dtype=np.float32)


def _reduced(lines: Doubles) -> Doubles:
    """Halve a picture by means of 2 x 2 texels until no side is longer than `_MOST_LINES`."""
    while max(lines.shape[:2]) > _MOST_LINES:
        height, width = (side // 2 * 2 for side in lines.shape[:2])
        y, x = (2 if side > _MOST_LINES else 1 for side in lines.shape[:2])
        part = lines[: height if y == 2 else None, : width if x == 2 else None]
        lines = part.reshape(part.shape[0] // y, y, part.shape[1] // x, x, 4).mean(axis=(1, 3))
    return lines
