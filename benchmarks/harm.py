"""What a wrong decision about an axis costs where it is seen, in levels.

A texture that repeats shows, if it was clamped, a step at every repeat that the wrapped result has not. A texture that
ends shows, if it was wrapped, what bled in from its other border into the outermost texel on either side. What differs
by less than a step of 5 bits cannot be told from how the console stored it and counts as nothing; of more, the excess
counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from texpipe.classify import classify
from texpipe.imaging.visible import premultiplied
from texpipe.passes import make_passes, recombine
from texpipe.recipe.rules import decide
from texpipe.recipe.schema import Recipe
from texpipe.texture import Axes, EdgeMode, Edges, Plan, Rgba8, Source, StoredForm, Texture
from texpipe.upscale.lazy_upscaler import LazyUpscaler

DECIDED = Axes()
SCALE = 4
VISIBLE = 255 / 31
"""Difference, in levels, from which a wrong pixel is seen: a step of 5 bits."""
BAND = 16
"""Pixels of a border band, as wide as a network bleeds."""


def plan_for(rgba: Rgba8, x: EdgeMode, y: EdgeMode, undecided: Axes = DECIDED) -> Plan:
    """Return what is done to a texture without a name by the default recipe, but with these edges."""
    texture = Texture(Source("texture.png", Path("texture.png")), rgba, "", StoredForm("RGBA"))
    recipe = Recipe.default().model_copy(update={"scale": SCALE})
    plan = decide(recipe, texture.source.name, texture.size, classify(texture))
    return replace(plan, action="upscale", edges=Edges(x, y), undecided=undecided)


def enlarge(network: LazyUpscaler, jobs: Sequence[tuple[Rgba8, Plan]]) -> list[Rgba8]:
    """Enlarge pictures, each by its plan; all passes go to the network at once."""
    passes = [make_passes(rgba, plan) for rgba, plan in jobs]
    grown = dict(network([[one for some in passes for one in some]], SCALE))
    numbers: Iterator[int] = iter(range(len(grown)))
    return [
        recombine(rgba, plan, tuple(grown[next(numbers)] for _ in some))
        for (rgba, plan), some in zip(jobs, passes, strict=True)
    ]


def false_step(result: Rgba8, repeated: Rgba8, axis: int) -> float:
    """Return how far the step from one repeat of a result to the next differs from that of the wrapped result.

    Args:
        result: sH x sW x 4.
        repeated: the same, computed as a texture that wraps.
        axis: 0 for top to bottom, 1 for left to right.

    Returns:
        The mean over the seam of what is seen of it, in levels.
    """
    return _seen(_step(result, axis) - _step(repeated, axis))


def bleeding(result: Rgba8, ending: Rgba8, axis: int) -> float:
    """Return how far the outermost texels of a result visibly differ from those of the clamped one, in levels."""
    return _seen(_band(premultiplied(result) - premultiplied(ending), axis, SCALE))


def band_error(result: Rgba8, truth: Rgba8, axis: int) -> float:
    """Return how far the border bands of a result are from the truth, in levels."""
    return float(_band(np.abs(premultiplied(result) - premultiplied(truth)), axis, BAND).mean())


def _seen(difference: NDArray[np.float32]) -> float:
    return float(np.maximum(np.abs(difference) - VISIBLE, 0).mean())


def _step(rgba: Rgba8, axis: int) -> NDArray[np.float32]:
    lines = np.moveaxis(premultiplied(rgba), axis, 0)
    return np.asarray(lines[0] - lines[-1])


def _band(values: NDArray[np.float32], axis: int, wide: int) -> NDArray[np.float32]:
    lines = np.moveaxis(values, axis, 0)
    return np.concatenate([lines[:wide], lines[-wide:]])
