"""What the seam of an axis says of whether it repeats: measures that compare it with what lies inside.

One line of mortar at one border, which is a large step, counts as ordinary where such lines are inside as well. A flip
of the picture leaves every measure as it is. Pictures of one size are measured together: what NumPy does in a hundred
small steps takes as long for one as for many.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Stack: TypeAlias = NDArray[np.float64]
"""P x 4 x N x M: P pictures of N lines along an axis; their premultiplied colours and alpha in levels."""

LEAST_LINES = 8
"""Lines of texels on an axis below which its measures say nothing."""
LEVEL = 0.5
"""Added to differences before they are divided, in levels: less cannot be seen."""
PARTS = 4
"""Parts per side whose means and contrasts tell whether a picture is alike all over."""

Places = NDArray[np.intp]
"""Numbers of lines."""

_TEXELS_AT_A_TIME = 1 << 16
"""Texels whose lines are compared at a time."""
_SAME = 1e-3
"""Difference of two values, in levels or of correlations, that comes of rounding."""
_STRIP = 4
"""Lines of a strip that is compared with strips elsewhere."""
_STRIPS = 12
"""Strips inside that tell how far from all others a strip usually is."""
_BEFORE = 3
"""Lines from which the next one is foretold."""
_TERMS = _BEFORE + 2
"""What each texel is foretold from: those of the lines before it, and both neighbours in the nearest one."""
_MEASURES = 44
"""Measures of one seam."""
_AT_REGULAR, _AT_CONTRADICTION = 28, 32
"""Where among them is how alike lines a period apart are, and how much less they are across the seam."""
_REGULAR, _CONTRADICTION = 0.5, 0.9
"""From which likeness, a correlation, a pattern is regular, and from which loss of it across the seam it is cut in the
wrong phase: there it is as good as none or the opposite."""


def relative_steps(lines: Stack) -> Doubles:
    """Return the mean difference across the seam over that of neighbouring lines inside, P.

    Args:
        lines: P x 4 x N x M with N at least 2.
    """
    steps = lines[:, :, 1:] - lines[:, :, :-1]
    inside = np.abs(steps, out=steps).mean(axis=(1, 2, 3))
    across = np.abs(lines[:, :, 0] - lines[:, :, -1]).mean(axis=(1, 2))
    return np.asarray((across + LEVEL) / (inside + LEVEL))


def seam_measures(lines: Stack, reduced: Stack) -> Doubles:
    """Return what the seam of an axis says of each of P pictures, P x 44; 0 throughout for too few lines.

    Args:
        lines: P x 4 x N x M.
        reduced: the same, or reduced so far that looking for strips, bands and periods in it takes no time.
    """
    if lines.shape[2] < LEAST_LINES:
        return np.zeros((len(lines), _MEASURES))
    found = _line_by_line(lines)
    steps = found.steps.sum(axis=1) / 4
    worst = found.steps.max(axis=1)
    measures = [
        *_against(steps[:, -1:], steps[:, 1:-2]),
        *_against(found.bends[:, -1:], found.bends[:, 1:-2]),
        *_against(worst[:, -1:], worst[:, 1:-2]),
        *_bands(reduced),
        *_likeness(lines),
        *_strips(reduced),
        *_period(reduced),
        *_continuation(reduced),
        *_borders(lines, found.spreads, steps[:, :-1]),
    ]
    return np.stack(measures, axis=1)


def out_of_phase(measures: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Tell whether a regular pattern is cut so that it does not continue at the other border, of each of P pictures.

    Args:
        measures: P x K, those of the seam first, as `seam_measures` returns them.
    """
    regular, contradiction = (measures[:, at] for at in (_AT_REGULAR, _AT_CONTRADICTION))
    return np.asarray((regular >= _REGULAR) & (contradiction >= _CONTRADICTION))


class _Lines(NamedTuple):
    """What is measured of each of N lines.

    Attributes:
        steps: P x 4 x N, mean step to the next line; from the last one, across the seam.
        bends: P x N, mean difference of the steps before and behind it.
        spreads: P x N, standard deviation along it, mean of the channels.
    """

    steps: Doubles
    bends: Doubles
    spreads: Doubles


def _line_by_line(lines: Stack) -> _Lines:
    """Measure all lines, a few at a time where they are long: all at once would take as much memory as the picture,
    several times.
    """
    pictures, _, count, width = lines.shape
    some = max(1, _TEXELS_AT_A_TIME // (pictures * width))
    parts = [_measured(lines, at, min(count, at + some)) for at in range(0, count, some)]
    return (
        parts[0]
        if len(parts) == 1
        else _Lines(*(np.concatenate(one, axis=-1) for one in zip(*parts, strict=True)))
    )


def _measured(lines: Stack, start: int, stop: int) -> _Lines:
    """Measure the lines from one to another."""
    width = lines.shape[3]
    around = lines.take(np.arange(start - 1, stop + 2), axis=2, mode="wrap")
    steps = around[:, :, :-1] - around[:, :, 1:]
    bends = steps[:, :, :-2] - steps[:, :, 2:]
    bent = np.abs(bends, out=bends).sum(axis=3).sum(axis=1) / (4 * width)
    own = steps[:, :, 1:-1]
    stepped = np.abs(own, out=own).sum(axis=3) / width
    inside = around[:, :, 1:-2]
    centred = np.subtract(inside, inside.sum(axis=3, keepdims=True) / width, out=bends)
    spread = np.sqrt(np.vecdot(centred, centred) / width)
    return _Lines(stepped, bent, spread.sum(axis=1) / 4)


def parts_of(side: int) -> tuple[slice, ...]:
    """Divide a side into four parts that a flip exchanges; those of an odd side share its middle line."""
    if side < PARTS:
        return (slice(0, side),)
    quarter, half = side // 4, side // 2
    return (
        slice(0, quarter),
        slice(quarter, side - half),
        slice(half, side - quarter),
        slice(side - quarter, side),
    )


def _against(seam: Doubles, inside: Doubles) -> tuple[Doubles, Doubles, Doubles]:
    """Compare the mean of P x S values with P x K inside: with their mean, their largest, and how many it exceeds."""
    value = seam.sum(axis=1) / seam.shape[1]
    usual = inside.sum(axis=1) / inside.shape[1]
    return (
        np.log((value + LEVEL) / (usual + LEVEL)),
        np.log((value + LEVEL) / (inside.max(axis=1) + LEVEL)),
        np.count_nonzero(inside >= value[:, None] - _SAME, axis=1) / inside.shape[1],
    )


def _bands(lines: Stack) -> list[Doubles]:
    """Compare the means of two bands on either side of the seam with those of bands inside: a crop has a trend.

    Bands are compared as a whole and in four parts.
    """
    count = lines.shape[2]
    found: list[Doubles] = []
    sums = np.cumsum(_twice_over_in_parts(lines), axis=1)
    for wide in (2, max(2, count // 8), max(2, count // 4)):
        bands = (sums[:, wide : wide + count] - sums[:, :count]) / wide
        apart = np.abs(bands - np.roll(bands, -wide, axis=1))
        # The sum before the first line is missing, so band k is lines k + 1 to k + wide.
        at = (np.arange(count) + wide) % count
        seam = at == count - 1
        far = (at >= wide - 1) & (at <= count - 1 - wide)
        for some in (apart[:, :, :1], apart[:, :, 1:]):
            steps = some.sum(axis=(2, 3)) / (some.shape[2] * some.shape[3])
            found += _against(steps[:, seam], steps[:, far] if far.any() else steps)[::2]
    return found


def _twice_over_in_parts(lines: Stack) -> Doubles:
    """Return lines twice over and one more: the mean of each, then the means of its four parts; P x 2N+1 x 5 x 4."""
    width = lines.shape[3]
    parts = [lines[..., part].sum(axis=3) / len(range(width)[part]) for part in parts_of(width)]
    means = np.stack([lines.sum(axis=3) / width, *parts], axis=3).transpose(0, 2, 3, 1)
    return np.concatenate([means, means, means[:, :1]], axis=1)


def _likeness(lines: Stack) -> list[Doubles]:
    """Correlate neighbouring lines, with a shift of up to one texel, and compare the seam with the inside."""
    pictures, _, _, width = lines.shape
    if width < 3:
        return [np.zeros(pictures)] * 3
    plain = lines.sum(axis=1) / 4
    plain -= plain.sum(axis=2, keepdims=True) / width
    power = np.vecdot(plain, plain)
    scale = np.sqrt(power * np.roll(power, -1, axis=1)) + LEVEL * width
    following = np.roll(plain, -1, axis=1)
    shifted = [
        np.vecdot(plain, following),
        np.vecdot(plain[..., 1:], following[..., :-1]),
        np.vecdot(plain[..., :-1], following[..., 1:]),
    ]
    likeness = np.max(shifted, axis=0) / scale
    seam, inside = likeness[:, -1], likeness[:, 1:-2]
    return [
        seam,
        seam - inside.mean(axis=1),
        np.count_nonzero(inside <= seam[:, None] + _SAME, axis=1) / inside.shape[1],
    ]


def _strips(lines: Stack) -> list[Doubles]:
    """Tell whether the strips across the seam look like some strip inside, wherever that lies along the line.

    Bricks are shifted from row to row, so every shift along the line counts; a correlation finds all at once. The last
    measure is how unlike each other strips inside are, which is little in a texture and much in a picture.
    """
    pictures, _, count, width = lines.shape
    centred = lines - lines.mean(axis=(2, 3), keepdims=True)
    power = np.vecdot(centred, centred)
    energy = power.sum(axis=1)
    varies = power.any(axis=2)  # the alpha of what is opaque does not
    varies[:, 0] = True
    places = np.arange(count)
    strip = (places[:, None] + np.arange(_STRIP)) % count
    norms = energy[:, strip].sum(axis=2)
    inside = places[: count - _STRIP + 1]
    tested = np.concatenate([places[count - _STRIP + 1 :], _spread_out(inside)])
    best = np.stack(
        [
            _best_correlations(one[some], strip[tested], strip[inside])
            for one, some in zip(centred, varies, strict=True)
        ]
    )
    distance = norms[:, tested, None] + norms[:, None, inside] - 2 * best
    apart = np.abs((tested[:, None] - inside[None] + count // 2) % count - count // 2)
    distance = np.where(apart < _STRIP, np.inf, distance)
    nearest = np.sqrt(np.maximum(distance.min(axis=2), 0) / (_STRIP * width * 4))
    across, usual = nearest[:, : _STRIP - 1], nearest[:, _STRIP - 1 :]
    # Which strips lie too near all others follows from the number of lines alone.
    usual = usual[:, np.isfinite(usual[0])]
    if not usual.shape[1] or not np.isfinite(across).all():
        return [np.zeros(pictures)] * 4
    spread = np.sqrt(energy.sum(axis=1) / centred[0].size)
    return [*_against(across, usual), np.log((usual.mean(axis=1) + LEVEL) / (spread + LEVEL))]


def _best_correlations(centred: Doubles, tested: Places, inside: Places) -> Doubles:
    """Return the largest correlation of each of T strips with each of I strips over all shifts, T x I.

    Args:
        centred: C x N x M, C of the channels.
        tested, inside: T x 4 and I x 4, the numbers of their lines.
    """
    spectrum = np.ascontiguousarray(np.fft.rfft(centred, axis=2).transpose(2, 1, 0))
    ours, theirs = (spectrum[:, strip].reshape(len(spectrum), len(strip), -1) for strip in (tested, inside))
    # The shifts are all of them, so it does not matter which of both strips is shifted.
    products = np.matmul(ours.conj(), theirs.transpose(0, 2, 1))
    correlations = np.fft.irfft(products, centred.shape[2], axis=0)
    return np.asarray(correlations.max(axis=0))


def _spread_out(places: Places) -> Places:
    """Return some of the places, as many from either end."""
    first = np.linspace(0, (len(places) - 1) / 2, _STRIPS // 2).astype(int)
    return np.asarray(places[np.union1d(first, len(places) - 1 - first)])


def _period(lines: Stack) -> list[Doubles]:
    """Look for a period without the seam's help, and tell how well it divides the side; then with the seam's help.

    The last measure is how much less lines are alike that are that far apart across the seam: much if the pattern is
    cut in the wrong phase, whichever multiple of its period was found.
    """
    count = lines.shape[2]
    plain, circular, power = _self_correlations(lines)
    tail = power.sum(axis=1)[:, None]
    head = np.concatenate([np.zeros_like(tail), power.cumsum(axis=1)], axis=1)
    lags = np.arange(count)
    overlap = (head[:, count - lags] + tail - head[:, lags]) / 2 + 1e-3 * tail + 1e-6
    likeness = np.round(plain / overlap, 6)
    around = circular / (tail + 1e-6)
    found = [_best_period(*one) for one in zip(likeness, around, strict=True)]
    return list(np.array(found).T)


def _self_correlations(lines: Stack) -> tuple[Doubles, Doubles, Doubles]:
    """Return the products of lines that are 0 to N - 1 apart, without and with the first after the last, and the power
    of each line; P x N each.
    """
    pictures, _, count, _ = lines.shape
    centred = (lines - lines.mean(axis=2, keepdims=True)).swapaxes(1, 2).reshape(pictures, count, -1)
    # Written in rows of 2N and read in rows of 2N + 1, the product of line k with line k + lag is at [k, lag].
    room = np.zeros((pictures, count * (2 * count + 1)))
    products = room[:, : count * 2 * count].reshape(pictures, count, 2 * count)[:, :, :count]
    products[:] = np.matmul(centred, centred.swapaxes(1, 2))
    power = products.diagonal(axis1=1, axis2=2)
    plain = room.reshape(pictures, count, 2 * count + 1)[:, :, :count].sum(axis=1)
    around = plain.copy()
    around[:, 1:] += plain[:, :0:-1]
    return plain, around, power


def _best_period(likeness: Doubles, around: Doubles) -> tuple[float, float, float, float, float]:
    count = len(likeness)
    most = count // 2 + 1
    middle = likeness[2:most]
    peaks = 2 + np.flatnonzero((middle >= likeness[1 : most - 1]) & (middle >= likeness[3 : most + 1]))
    if not len(peaks):
        return 0.0, 0.5, 0.0, float(around[most - 1]), 0.0
    lag = int(peaks[np.argmax(likeness[peaks])])
    before, at, after = (float(likeness[lag + k]) for k in (-1, 0, 1))
    bend = before - 2 * at + after
    exact = lag + (0.5 * (before - after) / bend if bend < -1e-5 else 0.0)
    times = count / exact
    across = float(likeness[count - lag])
    return at, abs(times - round(times)), float(around[lag] - at), float(around[most - 1]), at - across


def _continuation(lines: Stack) -> list[Doubles]:
    """Foretell each line from those before it, as the inside teaches it, and compare the errors at the seam with those
    inside. Where a wave or a fold is cut in the wrong phase, the inside is foretold well and the seam is not.

    The last measure is how little can be foretold inside: near 0 for noise, far below for what is regular.
    """
    plain = lines[:, :3].sum(axis=1) / 3
    plain -= plain.mean(axis=(1, 2), keepdims=True)
    errors = np.stack([_foretelling_errors(one) for one in (plain, plain[:, ::-1])], axis=1)
    across, inside = errors[..., :_BEFORE], errors[..., _BEFORE:].reshape(len(lines), -1)
    seam, usual = across[..., 0].sum(axis=1) / 2, inside.sum(axis=1) / inside.shape[1]
    contrast = np.abs(plain).sum(axis=(1, 2)) / plain[0].size
    return [
        np.log((across.sum(axis=(1, 2)) / across[0].size + LEVEL) / (usual + LEVEL)),
        np.log((seam + LEVEL) / (usual + LEVEL)),
        np.log((seam + LEVEL) / (inside.max(axis=1) + LEVEL)),
        np.count_nonzero(inside >= seam[:, None] - _SAME, axis=1) / inside.shape[1],
        np.log((usual + LEVEL) / (contrast + LEVEL)),
    ]


def _foretelling_errors(plain: Doubles) -> Doubles:
    """Return how far each line is from what the lines before it foretell, by one linear rule for a whole picture.

    Args:
        plain: P x N x M, with a mean of 0.

    Returns:
        P x N mean errors; those of the first `_BEFORE` lines go by lines from across the seam.
    """
    pictures, _, width = plain.shape
    known = np.empty((pictures, _TERMS, *plain.shape[1:]))
    for back in range(1, _BEFORE + 1):
        known[:, back - 1, back:] = plain[:, :-back]
        known[:, back - 1, :back] = plain[:, -back:]
    for term, aside in ((_BEFORE, 1), (_BEFORE + 1, -1)):
        known[:, term] = np.roll(known[:, 0], aside, axis=2)
    # What all lines say, less what the first ones say, which go by lines from across the seam.
    (all_known, all_wanted), (known_across, wanted_across) = (
        (some.reshape(pictures, _TERMS, -1), lines.reshape(pictures, -1, 1))
        for some, lines in ((known, plain), (known[:, :, :_BEFORE], plain[:, :_BEFORE]))
    )
    products = all_known @ all_known.swapaxes(1, 2) - known_across @ known_across.swapaxes(1, 2)
    wanted = all_known @ all_wanted - known_across @ wanted_across
    # A small ridge keeps the rule defined where lines are alike.
    ridge = 1e-3 * (products.diagonal(axis1=1, axis2=2).sum(axis=1) / _TERMS + 1)
    products += ridge[:, None, None] * np.eye(_TERMS)
    rule = np.linalg.solve(products, wanted)
    errors = (rule.swapaxes(1, 2) @ all_known).reshape(plain.shape)
    errors -= plain
    return np.asarray(np.abs(errors, out=errors).sum(axis=2) / width)


def _borders(lines: Stack, spreads: Doubles, steps: Doubles) -> list[Doubles]:
    """Tell how the two border lines themselves look: how much varies along them, how much is void, how they step."""
    usual = np.median(spreads, axis=1) + LEVEL
    inside = steps.mean(axis=1) + LEVEL
    void = (lines[:, 3, [0, -1]] < 128).mean(axis=2)
    ends, border = spreads[:, [0, -1]], steps[:, [0, -1]]
    return [
        np.log((ends.min(axis=1) + LEVEL) / usual),
        np.log((ends.max(axis=1) + LEVEL) / usual),
        np.log((border.min(axis=1) + LEVEL) / inside),
        np.log((border.max(axis=1) + LEVEL) / inside),
        void.min(axis=1),
        void.max(axis=1),
    ]
