"""What a texture is, as far as its pixels and its name tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from texpipe.classify.alpha import alpha_class
from texpipe.classify.evidence import Seen
from texpipe.classify.kinds import guess_kinds
from texpipe.classify.pixel_format import texel_format
from texpipe.classify.tileability import guess_axes_alike
from texpipe.imaging.visible import distinct_colours, premultiplied, without_hidden
from texpipe.texture import AlphaClass, AxisGuess, EmulatorName, Facts, KindGuess, Rgba8, Texture

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
    axes = guess_axes_alike(without_hidden(np.stack(pictures)), seen, [_is_n64(name) for name in emulators])
    return [_facts(*one) for one in zip(textures, pictures, alphas, axes, kinds, strict=True)]


def _facts(
    texture: Texture,
    rgba: Rgba8,
    alpha: tuple[AlphaClass, str],
    axes: tuple[AxisGuess, AxisGuess],
    kind: KindGuess,
) -> Facts:
    texels, texels_reason = texel_format(texture)
    visible = _visible_colours(rgba)
    return Facts(
        alpha=alpha[0],
        alpha_reason=alpha[1],
        x=axes[0],
        y=axes[1],
        texels=texels,
        texels_reason=texels_reason,
        colours=len(visible),
        grey=bool((visible == visible[:, :1]).all()),
        flat=len(visible) <= 1,
        tiny=min(texture.size) <= _TINY_SIDE,
        kind=kind,
    )


def _opaque(rgba: Rgba8) -> Rgba8:
    return np.dstack([rgba[..., :3], np.full_like(rgba[..., 3], 255)])


def _is_n64(emulator: EmulatorName | None) -> bool:
    return emulator is not None and emulator.texels is not None and not emulator.texels.startswith("psx")


def _visible_colours(rgba: Rgba8) -> NDArray[np.uint8]:
    """Return the distinct visible colours, N x 3."""
    seen = rgba[..., 3] > 0
    shown = rgba.reshape(-1, 4).copy() if seen.all() else rgba[seen]
    shown[:, 3] = 0
    return distinct_colours(shown)[:, :3]
