"""Give back grain that a network took for dither: its own drawing of it, as strong as the source's.

A network that was taught to dissolve dither pales fine noise, too: metal, grass, sand. What it leaves has the right
shape and too little contrast, so its contrast is raised around each texel until enough of the source's is there. Only
what cannot be dither is raised. Dither is blue: smoothed it vanishes, as it was made to (Ulichney, "Dithering with blue
noise", 1988), while grain is white or coarser. Dither mixes whichever colours a palette has, in all directions; grain
is lighter and darker of one tint. And what is no larger than rounding is no grain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from texpipe.passes.channels import mean as mean_of
from texpipe.passes.channels import merged, parted, spread, total
from texpipe.passes.resample import Plane, blur, blur_weights, enlarge, smooth
from texpipe.texture import Edges, PlaneF, RgbF

_FINE = 1.5
"""Standard deviation of the low-pass above which detail is grain, in texels."""
_AROUND = 4.0
"""Standard deviation of the window in which grain is judged, in texels."""

_WANTED = 0.7
"""Share of the source's contrast that grain keeps; all of it, enlarged, looks harsher than the source."""
_MOST = 2.0
"""Largest factor of the contrast: what the network took away altogether has no shape to raise."""
_LEAST = 1.05
"""Factor from which it can be seen."""

_WHITE = (0.05, 0.075)
"""Energy of detail that smoothing leaves, as a share of it: up to the first it is dither, from the second on it is not.
White noise has 0.09, dithered flat colours 0.02 to 0.04."""
_TINTED = (0.03, 0.1)
"""Share of the energy that is off the main direction of colour: up to the first it is one tint, from the second on it
is not. Grain of metal and grass has up to 0.01, dither with 256 colours 0.1 and more."""
_ROUNDED = (0.08, 0.14)
"""Mean square of detail, in squared steps of storage: up to the first it may be rounding alone, which has 1 / 12."""

_NOTHING = np.float32(1e-7)


class _Detail(NamedTuple):
    """Averages around each texel, H x W each: of the products of two channels, red-red to blue-blue, of what smoothing
    leaves, of the product with the network's detail, and of the squared step of storage.
    """

    products: list[PlaneF]
    smoothed: PlaneF
    drawn: PlaneF
    rounding: PlaneF


def restore_grain(
    result: RgbF, mean: RgbF, source: RgbF, weight: PlaneF, step: Plane | None, edges: Edges
) -> RgbF:
    """Raise the contrast of a result where the source has grain of which little is left.

    Commutes with rolling a wrapped axis.

    Args:
        result: sH x sW x 3 in [0, 1].
        mean: H x W x 3, the result reduced.
        source: H x W x 3 in [0, 1], bled.
        weight: H x W in [0, 1], how much each texel counts.
        step: H x W x 3, as `storage_box.storage_step` returns it; None where storage did not round but to 8 bits.
        edges: what lies beyond the borders.

    Returns:
        sH x sW x 3, clipped to [0, 1] where it was raised.
    """
    weights = spread(weight)
    whole = spread(np.maximum(blur_weights(weight, edges, _FINE), _NOTHING))
    coarse = blur(mean * weights, edges, _FINE) / whole
    detail = source - blur(source * weights, edges, _FINE) / whole
    detail *= weights
    factor = _factor(_around(detail, mean - coarse, weight, step, edges))
    if factor.max() < _LEAST:
        return result
    scale = result.shape[0] // source.shape[0]
    more = spread(enlarge(factor - 1, scale, edges))
    return np.clip(result + more * (result - enlarge(coarse, scale, edges)), 0, 1)


def _around(detail: Plane, drawn: Plane, weight: PlaneF, step: Plane | None, edges: Edges) -> _Detail:
    red, green, blue = parted(detail)
    squared = np.full_like(weight, 1 / 255**2) if step is None else mean_of(step**2)
    planes = [red * red, green * green, blue * blue, red * green, green * blue, blue * red]
    planes += [total(smooth(detail, edges) ** 2), total(drawn * detail), weight**2 * squared]
    averages = parted(blur(merged(planes), edges, _AROUND))
    return _Detail(averages[:6], *averages[6:])


def _factor(found: _Detail) -> PlaneF:
    """Return by how much to multiply the contrast, H x W from 1 to `_MOST`."""
    squares, mixed = found.products[:3], found.products[3:]
    energy = squares[0] + squares[1] + squares[2] + _NOTHING
    # The trace of the squared covariance is 1 - 2 x (1 - x) of its squared trace if x is in the second direction.
    off = np.float32(0.5) * (1 - (_squared(squares) + 2 * _squared(mixed)) / energy**2)
    is_grain = _rising(found.smoothed / energy, _WHITE)
    is_grain *= 1 - _rising(off, _TINTED)
    is_grain *= _rising(energy / np.float32(3) / (found.rounding + _NOTHING), _ROUNDED)
    kept = np.maximum(found.drawn / energy, _WANTED / _MOST)
    return np.asarray(np.maximum(1 + is_grain * (_WANTED / kept - 1), 1), np.float32)


def _squared(planes: Sequence[PlaneF]) -> PlaneF:
    red, green, blue = planes
    return red**2 + green**2 + blue**2


def _rising(value: PlaneF, limits: tuple[float, float]) -> PlaneF:
    """Return 0 up to the first limit, 1 from the second on."""
    share = (value - np.float32(limits[0])) / np.float32(limits[1] - limits[0])
    return np.asarray(np.clip(share, 0, 1), np.float32)
