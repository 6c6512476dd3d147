"""Which of six ways a texture uses alpha: it decides how alpha is enlarged and what the result promises."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from texpipe.imaging.texel_codecs import SEMI_BAND
from texpipe.imaging.visible import distinct_colours
from texpipe.texture import AlphaClass, Rgba8, TexelFormat

_MAX_MIDDLE_LEVELS = 3
_MAX_SPECKS = 0.02
"""Largest share of visible texels in a texture that is probably not meant to be seen through its alpha."""
_MIN_PICTURE_COLOURS = 16
"""Smallest number of hidden colours that are probably a picture."""
_INTENSITY: tuple[TexelFormat, ...] = ("i4", "i8")
_WITH_FINE_ALPHA: tuple[TexelFormat, ...] = ("ia8", "ia16", "rgba32")


def alpha_class(rgba: Rgba8, named: TexelFormat | None) -> tuple[AlphaClass, str]:
    """Tell the alpha class of a texture.

    Args:
        rgba: H x W x 4 uint8.
        named: the console format if the file name says it; a hint that the pixels can overrule.

    Returns:
        The class and one line of evidence:

        * `mask`: R = G = B = A everywhere, an N64 intensity format;
        * `opaque`: alpha is 255 everywhere;
        * `binary`: alpha is 0 or 255;
        * `ternary`: besides 0 and 255 only a few levels about the middle, as the PS1 has them;
        * `data`: alpha is 0 everywhere over more than one colour: a game that draws this ignores alpha;
        * `soft`: everything else.
    """
    levels = np.flatnonzero(np.bincount(rgba[..., 3].ravel(), minlength=256)).astype(np.uint8)
    if _is_mask(rgba, levels, named):
        by = f"the name says {named} and" if named in _INTENSITY else "several greys and"
        return "mask", f"{by} R = G = B = A in every texel"
    if levels[-1] == 0 and len(hidden_colours(rgba)) > 1:
        return "data", "alpha is 0 everywhere, but there are colours: a game that draws it ignores alpha"
    if levels[0] == 255:
        return "opaque", "alpha is 255 everywhere"
    middle = levels[(levels > 0) & (levels < 255)]
    if middle.size == 0:
        share = float((rgba[..., 3] == 255).mean())
        return "binary", f"alpha is 0 or 255, {share:.0%} of the texels are visible"
    if named not in _WITH_FINE_ALPHA and _is_ternary(middle):
        return "ternary", f"alpha is 0, 255 or {', '.join(map(str, middle))}, as on the PS1"
    return "soft", f"{levels.size} levels of alpha from {levels[0]} to {levels[-1]}"


def hidden_colours(rgba: Rgba8) -> NDArray[np.uint8]:
    """Return the distinct colours under zero alpha, N x 4 with alpha 0."""
    return distinct_colours(rgba[rgba[..., 3] == 0])


def hidden_picture(rgba: Rgba8) -> str | None:
    """Return a warning about a texture that is invisible but for a few texels, under which there is a picture.

    Args:
        rgba: H x W x 4 uint8.
    """
    visible, texels = int((rgba[..., 3] > 0).sum()), rgba.shape[0] * rgba.shape[1]
    if not 0 < visible <= _MAX_SPECKS * texels or len(hidden_colours(rgba)) < _MIN_PICTURE_COLOURS:
        return None
    return (
        f"only {visible} of {texels:,} texels can be seen, but the others have colours: if the game ignores alpha, "
        "give it a rule with alpha: data"
    )


def _is_mask(rgba: Rgba8, levels: NDArray[np.uint8], named: TexelFormat | None) -> bool:
    if not (rgba == rgba[..., 3:]).all():
        return False
    # Black and white alone may as well be a white cut-out over black.
    return named in _INTENSITY or (named is None and bool(((levels > 0) & (levels < 255)).any()))


def _is_ternary(middle: NDArray[np.uint8]) -> bool:
    low, high = SEMI_BAND
    return middle.size <= _MAX_MIDDLE_LEVELS and bool(low <= middle[0] and middle[-1] <= high)
