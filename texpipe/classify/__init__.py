"""What a texture is, as far as its pixels and its name tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from texpipe.classify.alpha import alpha_class
from texpipe.classify.evidence import Seen
from texpipe.classify.kind_measures import counted
from texpipe.classify.kinds import guess_kinds
from texpipe.classify.pixel_format import texel_format
from texpipe.classify.tileability import guess_axes_alike
from texpipe.imaging.visible import premultiplied, without_hidden
from texpipe.texture import AlphaClass, AxisGuess, EmulatorName, Facts, KindGuess, Rgba8, Texture

__all__ = ["classify"]

_TINY_SIDE = 4
_COLOUR, _NO_COLOUR = np.array([[255, 255, 255, 0], [0, 0, 0, 255]], np.uint8).view(np.uint32)[:, 0]
"""The bits of a texel that are its colour, and the code, one without them, that stands for all hidden texels."""


def classify(texture: Texture) -> Facts:
    """Gather the facts about a texture that a plan is made from.

    Hidden RGB (under zero alpha) has no influence, except that R = G = B = A marks an intensity format, and that
    everything counts as visible where alpha is 0 everywhere over several colours.

    Args:
        texture: decoded, H and W at least 1.

    Returns:
        The facts, each guess with its reason.
    """
    return classify_alike([texture])[0]


def classify_alike(textures: Sequence[Texture]) -> list[Facts]:
    """Gather the facts about textures of one size, each as it would be alone.

    Args:
        textures: decoded, all of one size, at least one.
    """
    emulators = [one.source.emulator for one in textures]
    alphas = [
        alpha_class(one.rgba, name.texels if name else None)
        for one, name in zip(textures, emulators, strict=True)
    ]
    pictures = [
        _opaque(one.rgba) if kind == "data" else one.rgba
        for one, (kind, _) in zip(textures, alphas, strict=True)
    ]
    seen = Seen.of([premultiplied(one) for one in pictures])
    kinds = guess_kinds(seen)
    shown = without_hidden(np.stack(pictures))
    axes = guess_axes_alike(shown, seen, [_is_n64(name) for name in emulators])
    colours = visible_colours(shown)
    return [_facts(*one) for one in zip(textures, colours, alphas, axes, kinds, strict=True)]


def _facts(
    texture: Texture,
    colours: tuple[int, bool],
    alpha: tuple[AlphaClass, str],
    axes: tuple[AxisGuess, AxisGuess],
    kind: KindGuess,
) -> Facts:
    texels, texels_reason = texel_format(texture)
    count, grey = colours
    return Facts(
        alpha=alpha[0],
        alpha_reason=alpha[1],
        x=axes[0],
        y=axes[1],
        texels=texels,
        texels_reason=texels_reason,
        colours=count,
        grey=grey,
        flat=count <= 1,
        tiny=min(texture.size) <= _TINY_SIDE,
        kind=kind,
    )


def _opaque(rgba: Rgba8) -> Rgba8:
    return np.dstack([rgba[..., :3], np.full_like(rgba[..., 3], 255)])


def _is_n64(emulator: EmulatorName | None) -> bool:
    return emulator is not None and emulator.texels is not None and not emulator.texels.startswith("psx")


def visible_colours(shown: NDArray[np.uint8]) -> list[tuple[int, bool]]:
    """Return how many visible colours each of P textures has, and whether all of them are grey.

    Args:
        shown: P x H x W x 4, with zeros under zero alpha.
    """
    red, green, blue, alpha = (shown[..., channel] for channel in range(4))
    grey = ((red == green) & (green == blue)).all(axis=(1, 2))
    hidden = alpha == 0
    codes = np.where(hidden, _NO_COLOUR, shown.view(np.uint32)[..., 0] & _COLOUR)
    distinct = counted(codes.reshape(len(shown), -1))[0] - hidden.any(axis=(1, 2))
    return list(zip(distinct.tolist(), grey.tolist(), strict=True))
