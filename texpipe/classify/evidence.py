"""What of a picture tells whether it repeats: measures of the seam, of a period, and of the kind of picture it is.

Every measure is a plain number that a flip of the picture leaves as it is. All are computed in double precision and
rounded, so that no processor's order of adding up makes another decision. Pictures of one size are measured together,
and come out as each would alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from texpipe.classify.figure_measures import figure_measures
from texpipe.classify.ink_measures import ink_measures
from texpipe.classify.kind_measures import AxisMeasures, kind_measures
from texpipe.classify.seam_measures import Doubles, Stack, seam_measures

Floats = NDArray[np.float32]

_STEPS = 1024
"""Steps that a measure of 1 is divided into: what differs by less is the same."""
_MOST_LINES = 64
"""Texels per side of the picture that strips, bands and periods are looked for in; larger ones are reduced to it."""


class Seen:
    """Pictures of one size and what is measured of them as a whole, once for all who ask.

    Args:
        rows: P x 4 x H x W, premultiplied colours and alpha in levels.
    """

    def __init__(self, rows: Stack) -> None:
        self.rows = rows

    @staticmethod
    def of(pictures: Sequence[NDArray[np.floating]]) -> Seen:
        """Return what is seen of pictures of one size, each H x W x 4: premultiplied colours and alpha in levels."""
        height, width = pictures[0].shape[:2]
        rows = np.empty((len(pictures), 4, height, width))
        for place, one in zip(rows, pictures, strict=True):
            place[:] = one.transpose(2, 0, 1)
        return Seen(rows)

    def __len__(self) -> int:
        return len(self.rows)

    def some(self, which: NDArray[np.bool_]) -> Seen:
        """Return those of the pictures that are flagged."""
        if which.all():
            return self
        part = Seen(self.rows[which])
        for name in ("reduced", "kind"):
            if name in self.__dict__:  # measured already
                part.__dict__[name] = _flagged(self.__dict__[name], which)
        return part

    @cached_property
    def columns(self) -> Stack:
        """The rows with x and y exchanged."""
        return np.ascontiguousarray(self.rows.swapaxes(2, 3))

    @cached_property
    def reduced(self) -> Stack:
        """The rows, or those reduced so far that nothing takes long."""
        return _reduced(self.rows)

    @cached_property
    def kind(self) -> AxisMeasures:
        """What sort of pictures they are."""
        return kind_measures(self.rows, self.reduced)


def _flagged(found: Stack | AxisMeasures, which: NDArray[np.bool_]) -> Stack | AxisMeasures:
    if isinstance(found, AxisMeasures):
        return AxisMeasures(found.x[which], found.y[which], found.whole[which])
    return found[which]


def kind_evidence(seen: Seen) -> tuple[Floats, Floats]:
    """Return the measures by which the kind of P pictures is told: as they are, and with x and y exchanged; P x K."""
    kind, ink, figure = seen.kind, ink_measures(seen.reduced), figure_measures(seen.reduced)
    whole = kind.whole, ink.whole
    plain = _rounded(kind.x, ink.x, kind.y, ink.y, *whole, figure.x, figure.y, figure.whole)
    turned = _rounded(kind.y, ink.y, kind.x, ink.x, *whole, figure.y, figure.x, figure.whole)
    return plain, turned


def evidence(seen: Seen) -> tuple[Floats, Floats]:
    """Return the measures of both axes: of its own seam, of the other axis' seam, and of the kind of picture.

    Args:
        seen: P pictures.

    Returns:
        P x K float32 each, finite, for x (left and right) and for y. What a side of fewer than `LEAST_LINES` texels
        would say is 0.
    """
    rows, reduced, kind = seen.rows, seen.reduced, seen.kind
    turned = seen.columns if reduced is rows else np.ascontiguousarray(reduced.swapaxes(2, 3))
    x, y = seam_measures(seen.columns, turned), seam_measures(rows, reduced)
    return _rounded(x, y, kind.x, kind.y, kind.whole), _rounded(y, x, kind.y, kind.x, kind.whole)


def _rounded(*parts: Doubles) -> Floats:
    found = np.nan_to_num(np.concatenate(parts, axis=1))
    return np.asarray(np.rint(found * _STEPS) / _STEPS, dtype=np.float32)


def _reduced(rows: Stack) -> Stack:
    """Halve pictures by means of 2 x 2 texels until no side is longer than `_MOST_LINES`."""
    while max(rows.shape[2:]) > _MOST_LINES:
        height, width = (side // 2 * 2 for side in rows.shape[2:])
        y, x = (2 if side > _MOST_LINES else 1 for side in rows.shape[2:])
        part = rows[:, :, : height if y == 2 else None, : width if x == 2 else None]
        blocks = part.reshape(*part.shape[:2], part.shape[2] // y, y, part.shape[3] // x, x)
        rows = blocks.mean(axis=(3, 5))
    return rows
