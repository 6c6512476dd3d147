"""Whether a texture wraps or ends at its border: judged per axis from its pixels.

Facts come first. What they leave open is decided by harm: how likely the axis repeats, and what each treatment would
cost where it is seen, if it were the wrong one. docs/alpha-and-edges.md has the table of harms. Mirroring is never
guessed: where pixels give it away, at calm borders, a clamp looks the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from texpipe.classify.evidence import Floats, Seen, evidence
from texpipe.classify.harm import Treatment, harms, least_harm
from texpipe.classify.judge import log_odds, probability
from texpipe.classify.seam_measures import LEAST_LINES, Stack, relative_steps
from texpipe.imaging.visible import premultiplied, without_hidden
from texpipe.texture import AxisGuess, Doubt, Rgba8

NOTHING_CHANGES = "nothing changes along this axis: every mode gives the same"
"""The reason of a guess that says nothing of what the game does."""

Flags = NDArray[np.bool_]


def guess_axes(rgba: Rgba8, *, n64: bool) -> tuple[AxisGuess, AxisGuess]:
    """Guess how a texture goes on beyond its borders, for x (left and right) and y (top and bottom).

    Hidden RGB has no influence. An axis along which nothing changes is `clamp`: every mode gives the same there.

    Args:
        rgba: H x W x 4 uint8.
        n64: the texture comes from an N64, where only sides of a power of two can wrap or mirror.

    Returns:
        The guesses for x and y.
    """
    shown, seen = without_hidden(rgba)[None], Seen.of([premultiplied(rgba)])
    return guess_axes_alike(shown, seen, [n64])[0]


def guess_axes_alike(
    shown: NDArray[np.uint8], seen: Seen, n64: Sequence[bool]
) -> list[tuple[AxisGuess, AxisGuess]]:
    """Guess the same for P textures of one size: what is certain first, and measures only of what that leaves open.

    Args:
        shown: P x H x W x 4, with zeros under zero alpha.
        seen: what is measured of them.
        n64: of each, as `guess_axes` takes it.
    """
    guesses = [certain(lines, n64) for lines in (shown.swapaxes(1, 2), shown)]
    open_axes = np.array([[one is None for one in axis] for axis in guesses])
    doubtful = np.asarray(open_axes.any(axis=0))
    if doubtful.any():
        some = seen.some(doubtful)
        for axis, is_open, lines, measures in zip(
            guesses, open_axes, (some.columns, some.rows), evidence(some), strict=True
        ):
            asked = is_open[doubtful]
            weighed = _likely(lines if asked.all() else lines[asked], measures[asked])
            for at, guess in zip(np.flatnonzero(is_open), weighed, strict=True):
                axis[at] = guess
    return [(x, y) for x, y in zip(*guesses, strict=True) if x is not None and y is not None]


def certain(lines: NDArray[np.uint8], n64: Sequence[bool]) -> list[AxisGuess | None]:
    """Answer what needs no statistics, or None, for each of P textures.

    Args:
        lines: P x N x M x 4, the lines along an axis, with zeros under zero alpha.
        n64: of each, as `guess_axes` takes it.
    """
    count = lines.shape[1]
    codes, alpha = np.ascontiguousarray(lines).view(np.uint32)[..., 0], lines[..., 3]
    flat = (codes == codes[:, :1]).all(axis=(1, 2))
    never = np.array(n64) & (count & (count - 1) != 0)
    no_ends = ~(alpha[:, 0].any(axis=1) | alpha[:, -1].any(axis=1))
    period = _exact_periods(codes, ~(flat | never | no_ends))
    touches = _only_touch(alpha)
    same_ends = np.asarray(
        (codes[:, 0] == codes[:, -1]).all(axis=1) & (alpha[:, 0] != alpha[:, 0, :1]).any(axis=1)
    )
    rules = np.stack([flat, never, no_ends, period > 0, touches], axis=1)
    guesses: list[AxisGuess | None] = []
    for first, decided, length, same in zip(
        rules.argmax(axis=1).tolist(),
        np.asarray(rules.any(axis=1)).tolist(),
        period.tolist(),
        same_ends.tolist(),
        strict=True,
    ):
        if decided:
            guesses.append(_by_fact(first, count, length))
        elif count < LEAST_LINES:
            guesses.append(AxisGuess("clamp", 0.5, f"{count} texels are too few to tell"))
        elif same:  # as bars of a fence do; were it not meant, equal would bleed into equal
            guesses.append(AxisGuess("wrap", 0.9, "the same line of texels and holes at both borders"))
        else:
            guesses.append(None)
    return guesses


def _by_fact(number: int, count: int, period: int) -> AxisGuess:
    """Return the guess that the first of five facts makes, by its number."""
    return (
        AxisGuess("clamp", 1.0, NOTHING_CHANGES),
        AxisGuess("clamp", 1.0, f"{count} texels are no power of two: an N64 cannot repeat them"),
        AxisGuess("clamp", 0.9, "nothing is visible at either border"),
        AxisGuess("wrap", 0.95, f"it repeats exactly every {period} texels"),
        AxisGuess("clamp", 0.8, "a shape that only touches its borders"),
    )[number]


def _only_touch(alpha: NDArray[np.uint8]) -> Flags:
    """Tell whether less is visible at both borders than anywhere in the middle, as in an icon that fills its box.

    What goes on past a border (a fence, foliage) is somewhere in the middle as narrow as it is there.
    """
    count = alpha.shape[1]
    width = np.count_nonzero(alpha, axis=2)
    middle = width[:, count // 4 : -(count // 4) or None]
    touching = np.maximum(width[:, 0], width[:, -1])
    return np.asarray((touching < 0.75 * middle.min(axis=1)) & (touching <= alpha.shape[2] / 2))


def _exact_periods(codes: NDArray[np.uint32], asked: Flags) -> NDArray[np.intp]:
    """Return the shortest period that divides the number of lines, where a texture repeats inside itself, else 0.

    Args:
        codes: P x N x M, the colours of lines.
        asked: the textures that are looked at.
    """
    count = codes.shape[1]
    found = np.zeros(len(codes), np.intp)
    for period in (one for one in range(1, count // 2 + 1) if count % one == 0):
        # Most periods fail at their second line.
        for at in np.flatnonzero(asked & (found == 0) & (codes[:, period] == codes[:, 0]).all(axis=1)):
            if np.array_equal(codes[at, period:], codes[at, :-period]):
                found[at] = period
    return found


def by_harm(doubt: Doubt, neighbours: str = "") -> AxisGuess:
    """Return the treatment that costs least, and say it with the seam, which everybody can check.

    Args:
        doubt: what is weighed.
        neighbours: what other textures say of it, a continuation of that sentence.
    """
    seam = f"across the border colours jump {doubt.step:.1f} times as much as inside{neighbours}"
    repeats = round(probability(doubt.odds), 2)
    treatment = least_harm(doubt)
    if treatment is Treatment.WRAP:
        return AxisGuess("wrap", repeats, seam, doubt=doubt)
    if treatment is Treatment.BLEND:
        return AxisGuess("clamp", repeats, seam, undecided=True, doubt=doubt)
    return AxisGuess("clamp", round(1 - repeats, 2), seam, doubt=doubt)


def _likely(lines: Stack, measures: Floats) -> list[AxisGuess]:
    """Weigh the axes of pictures, of at least two lines each, about which no fact decides."""
    if not len(lines):
        return []
    found = zip(log_odds(measures), harms(lines), relative_steps(lines).tolist(), strict=True)
    return [by_harm(Doubt(odds, *harm, round(step, 2))) for odds, harm, step in found]
