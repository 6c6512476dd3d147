"""From a texture to 3-channel passes for a network, and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from texpipe.imaging.visible import LUMA, without_hidden
from texpipe.passes.alpha import Alpha8, declared_alpha, rebuild_alpha
from texpipe.passes.back_projection import back_project
from texpipe.passes.bleed import shown, without_halo
from texpipe.passes.channels import mean, merged, spread
from texpipe.passes.clean import clean
from texpipe.passes.colour import match_histogram, match_source
from texpipe.passes.fidelity import ensure_fidelity
from texpipe.passes.frame_average import steady
from texpipe.passes.outlines import draw_outlines
from texpipe.passes.ramps import enlarge_ramp
from texpipe.passes.recolour import recolour
from texpipe.passes.resample import neighbourhood, repeat
from texpipe.passes.undecided import blended, ways
from texpipe.texture import AlphaClass, Pass, Plan, PlaneF, Rgba8, RgbF

__all__ = ["make_passes", "nearest", "pass_count", "pass_texels", "recombine", "steady", "vary"]

_GREY: tuple[AlphaClass, ...] = ("soft", "data")
"""Alpha that a network for pictures enlarges."""

_TINY_SIDE = 8
"""Longest side of a picture whose texels were placed by hand, in texels: its results match the source exactly."""


def make_passes(rgba: Rgba8, plan: Plan) -> tuple[Pass, ...]:
    """Split a texture into pictures that a network for RGB can enlarge; twice as many where its axes are undecided.

    Args:
        rgba: H x W x 4 uint8, straight alpha; H and W at least 1.
        plan: its alpha class, edges and cleaning are used.

    Returns:
        The colours with bled borders; then soft alpha and data as grey, unless they are constant. For a mask, its
        intensity alone. Colours and intensity are cleaned if the plan says so. Alpha is for the faithful end of a model
        with a dial: an outline must not be invented. Alpha of few levels needs no network for pictures: see `outlines`.
    """
    return tuple(one for way in ways(plan) for one in _passes(rgba, way))


def _passes(rgba: Rgba8, plan: Plan) -> tuple[Pass, ...]:
    picture = _picture(rgba, plan)
    if plan.clean == "auto":
        picture = clean(picture, _is_visible(rgba, plan), plan.edges)
    colour = Pass(picture, plan.edges, plan.detail)
    if _pass_count(rgba, plan) == 1:
        return (colour,)
    alpha = declared_alpha(rgba[..., 3], plan.alpha)
    return colour, Pass(_as_rgb(_as_plane(alpha)), plan.edges)


def pass_count(rgba: Rgba8, plan: Plan) -> int:
    """Return how many passes `make_passes` makes: one, or two if alpha is upscaled as a picture of its own; twice as
    many where the plan's axes are undecided.
    """
    return len(ways(plan)) * _pass_count(rgba, plan)


def pass_texels(texels: int, plan: Plan) -> int:
    """Return about how many texels the network sees of a texture: of all its passes, each mirrored axis twice.

    Args:
        texels: of the texture.
        plan: its alpha class and its edges, decided or not, are used. Grey alpha counts as if it were not constant.
    """
    of_alpha = 2 if plan.alpha in _GREY else 1
    mirrored = (plan.edges.x == "mirror") + (plan.edges.y == "mirror")
    return (texels * of_alpha * len(ways(plan))) << mirrored


def _pass_count(rgba: Rgba8, plan: Plan) -> int:
    return 1 if plan.alpha not in _GREY or _is_constant(rgba[..., 3]) else 2


def recombine(
    rgba: Rgba8, plan: Plan, results: tuple[RgbF, ...], passes: tuple[Pass, ...] | None = None
) -> Rgba8:
    """Make a texture from the network's results for the passes of `make_passes`.

    Args:
        rgba: the source, H x W x 4 uint8.
        plan: the plan that the passes were made with.
        results: sH x sW x 3 float32, in the order of the passes.
        passes: what `make_passes` returned; None to make them again, which takes long where a picture is cleaned.

    Returns:
        sH x sW x 4 uint8 of the plan's alpha class, s being `plan.scale`. Hidden RGB is the bled colour; with data in
        alpha nothing is hidden.

    Raises:
        ValueError: the number or size of the results does not fit the passes, or they are not finite.
    """
    passes = make_passes(rgba, plan) if passes is None else passes
    _check(rgba, plan, passes, results)
    each = _pass_count(rgba, plan)
    parts = [slice(at, at + each) for at in range(0, len(passes), each)]
    textures = [
        _recombined(rgba, way, passes[part], results[part])
        for way, part in zip(ways(plan), parts, strict=True)
    ]
    return textures[0] if len(textures) == 1 else blended(*textures)


def _recombined(rgba: Rgba8, plan: Plan, passes: tuple[Pass, ...], results: tuple[RgbF, ...]) -> Rgba8:
    results = tuple(_unless_ramp(one, plan, result) for one, result in zip(passes, results, strict=True))
    if plan.alpha == "mask":
        return _recombine_mask(rgba, passes[0].rgb, plan, results[0])
    alpha = _alpha(declared_alpha(rgba[..., 3], plan.alpha), plan, results[1:])
    return _coloured(rgba, results[0], alpha, passes[0].rgb, plan)


def _alpha(declared: Alpha8, plan: Plan, results: tuple[RgbF, ...]) -> Alpha8:
    if results:
        return rebuild_alpha(mean(results[0]), declared, plan.alpha, plan.edges)
    if plan.outline == "hard" or _is_constant(declared):
        return repeat(declared, plan.scale)
    return rebuild_alpha(draw_outlines(declared, plan.scale, plan.edges), declared, plan.alpha, plan.edges)


def vary(like: Rgba8, made: Rgba8, rgba: Rgba8, plan: Plan) -> Rgba8:
    """Make a variant of an enlarged texture: its structure and its alpha in other colours.

    Args:
        like: the texture that was enlarged, H x W x 4 uint8.
        made: its result, sH x sW x 4 uint8.
        rgba: the variant, H x W x 4 uint8, with the same alpha (a mask: equal intensity at the same texels).
        plan: the variant's plan, with the alpha class, edges and scale that `made` was made with.

    Returns:
        sH x sW x 4 uint8, as from `recombine`.
    """
    source, other = (make_passes(one, plan)[0] for one in (like, rgba))
    structure = made[..., :3].astype(np.float32) / np.float32(255)
    colour = _unless_ramp(other, plan, recolour(structure, source.rgb, other.rgb, plan.edges))
    if plan.alpha == "mask":
        return _recombine_mask(rgba, other.rgb, plan, colour)
    return _coloured(rgba, colour, made[..., 3], other.rgb, plan)


def nearest(rgba: Rgba8, plan: Plan) -> Rgba8:
    """Enlarge by repeating texels: H x W x 4 uint8 to sH x sW x 4.

    Visible texels stay exactly as they are; hidden RGB is the bled colour, or 0 in a mask.
    """
    alpha = rgba[..., 3]
    if plan.alpha == "mask":
        return repeat(np.where(alpha[..., None] > 0, rgba, np.uint8(0)), plan.scale)
    colour = _to_bytes(shown(rgba, plan.alpha, plan.edges))
    return repeat(_with_alpha(colour, declared_alpha(alpha, plan.alpha)), plan.scale)


def _unless_ramp(one: Pass, plan: Plan, result: RgbF) -> RgbF:
    ramp = enlarge_ramp(one.rgb, plan.scale, plan.edges)
    return result if ramp is None else ramp


def _picture(rgba: Rgba8, plan: Plan) -> RgbF:
    """Return the picture that the network enlarges as colour, H x W x 3."""
    return _as_rgb(_intensity(rgba)) if plan.alpha == "mask" else shown(rgba, plan.alpha, plan.edges)


def _is_visible(rgba: Rgba8, plan: Plan) -> NDArray[np.bool_]:
    return np.ones(rgba.shape[:2], dtype=np.bool_) if plan.alpha == "data" else rgba[..., 3] > 0


def _recombine_mask(rgba: Rgba8, cleaned: RgbF, plan: Plan, result: RgbF) -> Rgba8:
    source = _picture(rgba, plan)
    faithful = _as_rgb(ensure_fidelity(mean(result), cleaned[..., 0], plan.edges))
    solid, source_solid = (np.ones(one.shape[:2], dtype=np.float32) for one in (result, source))
    toned = _tone(faithful, solid, cleaned, source_solid, plan)
    if _is_matched(plan, source):
        toned = back_project(toned, solid, source, source_solid, plan.edges)
    intensity = _to_bytes(toned[..., 0])
    # The intensity is alpha too: nothing may appear among transparent texels, and no hole among solid ones.
    least, most = neighbourhood(source[..., 0], plan.edges)
    intensity[repeat(most == 0, plan.scale)] = 0
    intensity[repeat(least == 1, plan.scale)] = 255
    return merged([intensity] * 4)


def _coloured(rgba: Rgba8, colour: RgbF, alpha: Alpha8, cleaned: RgbF, plan: Plan) -> Rgba8:
    """Give an enlarged colour the tone of its source, and its alpha."""
    colour = _grey(colour) if plan.grey else colour
    seen, source_seen = (_weight(plane, plan) for plane in (alpha, declared_alpha(rgba[..., 3], plan.alpha)))
    toned = _tone(colour, seen, cleaned, source_seen, plan)
    toned = toned if plan.alpha == "data" else without_halo(toned, rgba, plan.edges)
    if _is_matched(plan, rgba):
        toned = back_project(toned, seen, _picture(rgba, plan), source_seen, plan.edges)
    return _with_alpha(_to_bytes(toned), alpha)


def _tone(colour: RgbF, alpha: PlaneF, source: RgbF, source_alpha: PlaneF, plan: Plan) -> RgbF:
    if plan.colour == "histogram":
        return match_histogram(colour, alpha, source, source_alpha)
    if plan.colour == "match":
        return match_source(colour, alpha, source, source_alpha, plan.edges)
    return np.clip(colour, 0, 1)


def _is_matched(plan: Plan, source: RgbF | Rgba8) -> bool:
    """Return whether the stored source is matched with its banding and dither: it is tiny, or the plan is strict."""
    tiny = max(source.shape[:2]) <= _TINY_SIDE and plan.colour != "off"
    return plan.consistency == "strict" or tiny


def _check(rgba: Rgba8, plan: Plan, passes: tuple[Pass, ...], results: tuple[RgbF, ...]) -> None:
    if len(results) != len(passes):
        raise ValueError(f"there are {len(results)} results for {len(passes)} passes")
    wanted = (rgba.shape[0] * plan.scale, rgba.shape[1] * plan.scale, 3)
    for result in results:
        if result.shape != wanted:
            raise ValueError(f"a result has the shape {result.shape} instead of {wanted}")
        if not np.isfinite(result).all():
            raise ValueError("the network returned values that are not numbers")


def _intensity(rgba: Rgba8) -> PlaneF:
    """Return the luma (BT.601) of the colours, for R = G = B exactly that value; 0 where alpha is 0."""
    rgba = without_hidden(rgba)
    if (rgba[..., 0] == rgba[..., 1]).all() and (rgba[..., 1] == rgba[..., 2]).all():
        return _as_plane(rgba[..., 0])
    return _as_plane(rgba[..., :3]) @ LUMA


def _as_plane(values: Alpha8) -> PlaneF:
    return values.astype(np.float32) / np.float32(255)


def _weight(alpha: Alpha8, plan: Plan) -> PlaneF:
    """Return the weight of each pixel where colours are compared: its alpha, or 1 if alpha is data."""
    return np.ones(alpha.shape, dtype=np.float32) if plan.alpha == "data" else _as_plane(alpha)


def _as_rgb(plane: PlaneF) -> RgbF:
    return spread(plane)


def _grey(rgb: RgbF) -> RgbF:
    return _as_rgb(mean(rgb))


def _is_constant(alpha: Alpha8) -> bool:
    return bool((alpha == alpha.flat[0]).all())


def _to_bytes(colour: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return H x W or H x W x 3 of values in [0, 1] as whole levels, the nearest ones, even ones of two as near.

    Whoever calls it has clipped them: a negative value would get the level of its size.
    """
    import cv2

    return np.asarray(cv2.convertScaleAbs(colour, alpha=255))


def _with_alpha(rgb: NDArray[np.uint8], alpha: Alpha8) -> Rgba8:
    import cv2

    rgba = cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA)
    cv2.insertChannel(alpha, rgba, 3)
    return np.asarray(rgba)
