"""Colour bleed: give hidden texels the colour of their visible neighbours.

The colours of a dump under zero alpha are arbitrary (black, magenta, leftovers), yet a network and every bilinear
filter mix them into the visible border. The bled picture has the visible colours and, elsewhere, a smooth continuation
of them.
"""

from __future__ import annotations

import numpy as np

from texpipe.passes.channels import spread
from texpipe.passes.resample import Plane, extend, least_around, most_around, repeat, row_bands
from texpipe.texture import AlphaClass, Edges, PlaneF, Rgba8, RgbF

_SMOOTHING_ROUNDS = 2
"""Number of 3 x 3 box filters over the bled colours."""


def shown(rgba: Rgba8, alpha: AlphaClass, edges: Edges) -> RgbF:
    """Return the colours that a network upscales: bled, or unchanged where alpha is data and hides nothing.

    Args:
        rgba: H x W x 4 uint8, straight alpha.
        alpha: what the alpha channel means.
        edges: what lies beyond the borders.

    Returns:
        H x W x 3 float32 in [0, 1].
    """
    return as_colours(rgba) if alpha == "data" else bleed(rgba, edges)


def bleed(rgba: Rgba8, edges: Edges) -> RgbF:
    """Return the colours with hidden ones replaced; the colours of texels with alpha > 0 stay exactly as they are.

    The hidden RGB of `rgba` has no influence. Neighbours are found across wrapped and mirrored borders, and a rolled
    picture gives the rolled result. A picture without visible texels becomes mid-grey.

    Args:
        rgba: H x W x 4 uint8, straight alpha.
        edges: what lies beyond the borders.

    Returns:
        H x W x 3 float32 in [0, 1].
    """
    visible = rgba[..., 3] > 0
    colour = as_colours(rgba)
    if visible.all():
        return colour
    if not visible.any():
        return np.full_like(colour, 0.5)
    seen = spread(visible)
    colour *= seen
    weight = rgba[..., 3].astype(np.float32) / np.float32(255)
    bled = _fill(colour, weight, edges)
    for _ in range(_SMOOTHING_ROUNDS):
        bled = np.where(seen, colour, _box_mean(bled, 1, edges))
    return np.clip(bled, 0, 1)


def as_colours(rgba: Rgba8) -> RgbF:
    """Return the colours of H x W x 4 uint8 in [0, 1], H x W x 3."""
    import cv2

    colour = np.asarray(cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB)).astype(np.float32)
    colour /= np.float32(255)
    return colour


def without_halo(colour: RgbF, rgba: Rgba8, edges: Edges) -> RgbF:
    """Keep enlarged colours beside holes within the range of the visible source colours around them.

    A network sharpens the border of the visible part like any other edge. Its overshoot shows over a backdrop as a rim
    of a colour that the source does not have.

    Args:
        colour: sH x sW x 3 in [0, 1].
        rgba: the source, H x W x 4 uint8, straight alpha; hidden RGB has no influence.
        edges: what lies beyond the borders.

    Returns:
        sH x sW x 3 in [0, 1]; unchanged where a texel and its eight neighbours are all visible.
    """
    visible = rgba[..., 3] > 0
    if visible.all():
        return colour
    source, seen = as_colours(rgba), spread(visible)
    least = least_around(np.where(seen, source, np.float32(1)), edges)
    most = most_around(np.where(seen, source, np.float32(0)), edges)
    some_hidden = spread(least_around(visible.astype(np.float32), edges) == 0)
    bounded = some_hidden & (least <= most)  # among hidden texels only, the range is empty
    scale = colour.shape[0] // rgba.shape[0]
    low, high = np.where(bounded, least, np.float32(0)), np.where(bounded, most, np.float32(1))
    kept = np.empty_like(colour)
    for rows in row_bands(rgba.shape[0], colour.shape[1] * scale):
        wide = slice(rows.start * scale, rows.stop * scale)
        np.clip(colour[wide], repeat(low[rows], scale), repeat(high[rows], scale), out=kept[wide])
    return kept


def _fill(colour: RgbF, weight: PlaneF, edges: Edges) -> RgbF:
    """Spread visible colours outwards: a texel takes the alpha-weighted mean of the first visible ones in its window.

    The window grows from round to round, so that the first rings follow the border closely and a large void takes few
    rounds. (An image pyramid would be as fast, but its result depends on where the 2 x 2 blocks begin.)
    """
    radius = 1
    while not (known := weight > 0).all():
        reach = _box_mean(weight, radius, edges)
        found = ~known & (reach > 1e-6)
        near = _box_mean(colour * spread(weight), radius, edges)
        near /= spread(np.maximum(reach, 1e-6))
        colour = np.where(spread(found), near, colour)
        weight = np.where(found, reach, weight)
        radius = max(radius + 1, radius * 3 // 2)
    return colour


def _box_mean(plane: Plane, radius: int, edges: Edges) -> Plane:
    import cv2

    side = 2 * radius + 1
    padded = extend(plane, edges, radius)
    mean = cv2.boxFilter(padded, cv2.CV_32F, (side, side), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(mean[radius:-radius, radius:-radius], dtype=np.float32)
