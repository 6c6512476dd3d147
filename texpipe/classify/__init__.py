"""What a texture is, as far as its pixels and its name tell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from texpipe.classify.alpha import alpha_class
from texpipe.classify.evidence import Seen
from texpipe.classify.kinds import guess_kind
from texpipe.classify.pixel_format import texel_format
from texpipe.classify.tileability import guess_axes
from texpipe.imaging.visible import distinct_colours, premultiplied
from texpipe.texture import EmulatorName, Facts, Rgba8, Texture

__all__ = ["classify"]

_TINY_SIDE = 4


def classify(texture: Texture) -> Facts:
    """Gather the facts about a texture that a plan is made from.

    Hidden RGB (under zero alpha) has no influence, except that R = G = B = A marks an intensity format, and that
    everything counts as visible where alpha is 0 everywhere over several colours.

    Args:
        texture: decoded, H and W at least 1.

    Returns:
        The facts, each guess with its reason.
    """
    rgba = texture.rgba
    emulator = texture.source.emulator
    alpha, alpha_reason = alpha_class(rgba, emulator.texels if emulator else None)
    if alpha == "data":
        rgba = np.dstack([rgba[..., :3], np.full_like(rgba[..., 3], 255)])
    seen = Seen(premultiplied(rgba))
    x, y = guess_axes(rgba, n64=_is_n64(emulator), seen=seen)
    texels, texels_reason = texel_format(texture)
    visible = _visible_colours(rgba)
    return Facts(
        alpha=alpha,
        alpha_reason=alpha_reason,
        x=x,
        y=y,
        texels=texels,
        texels_reason=texels_reason,
        colours=len(visible),
        grey=bool((visible == visible[:, :1]).all()),
        flat=len(visible) <= 1,
        tiny=min(texture.size) <= _TINY_SIDE,
        kind=guess_kind(seen),
    )


def _is_n64(emulator: EmulatorName | None) -> bool:
    return emulator is not None and emulator.texels is not None and not emulator.texels.startswith("psx")


def _visible_colours(rgba: Rgba8) -> NDArray[np.uint8]:
    """Return the distinct visible colours, N x 3."""
    shown = rgba[rgba[..., 3] > 0]
    shown[:, 3] = 0
    return distinct_colours(shown)[:, :3]
