"""What the seam of an axis says of whether it repeats: measures that compare it with what lies inside.

One line of mortar at one border, which is a large step, counts as ordinary where such lines are inside as well. A flip
of the picture leaves every measure as it is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Lines = NDArray[np.floating]
"""N x M x 4: the N lines of texels along an axis; alpha and premultiplied colours in levels."""

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
_MEASURES = 38
"""Measures of one seam."""


def relative_step(lines: Lines) -> float:
    """Return the mean difference across the seam over that of neighbouring lines inside.

    Args:
        lines: N x M x 4 with N at least 2.
    """
    exact = lines.astype(np.float64)
    steps = np.diff(exact, axis=0)
    inside = float(np.abs(steps, out=steps).mean())
    return (float(np.abs(exact[0] - exact[-1]).mean()) + LEVEL) / (inside + LEVEL)


def seam_measures(lines: Doubles, reduced: Doubles) -> Doubles:
    """Return what the seam of an axis says, 0 throughout for too few lines.

    Args:
        lines: N x M x 4 float64.
        reduced: the same, or reduced so far that looking for strips, bands and periods in it takes no time.
    """
    if len(lines) < LEAST_LINES:
        return np.zeros(_MEASURES)
    count = len(lines)

    def step_after(at: Places) -> Doubles:
        return np.asarray(lines[at % count] - lines[(at + 1) % count])

    per_channel = _line_by_line(lines, lambda at: np.abs(step_after(at)).sum(axis=1)) / lines.shape[1]
    steps = per_channel.sum(axis=1) / 4
    worst = per_channel.max(axis=1)
    bends = _line_by_line(lines, lambda at: _means(np.abs(step_after(at - 1) - step_after(at + 1))))
    return np.array(
        [
            *_against(steps[-1:], steps[1:-2]),
            *_against(bends[-1:], bends[1:-2]),
            *_against(worst[-1:], worst[1:-2]),
            *_bands(reduced),
            *_likeness(lines),
            *_strips(reduced),
            *_period(reduced),
            *_borders(lines, steps[:-1]),
        ]
    )


def _line_by_line(lines: Doubles, measure: Callable[[Places], Doubles]) -> Doubles:
    """Measure all lines, given by their numbers, a few at a time where they are long: all at once would take as much
    memory as the picture, several times.
    """
    some = max(1, _TEXELS_AT_A_TIME // lines.shape[1])
    starts = range(0, len(lines), some)
    return np.concatenate([measure(np.arange(at, min(len(lines), at + some))) for at in starts])


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


def _means(lines: Doubles) -> Doubles:
    """Return the mean of each line."""
    return np.asarray(lines.sum(axis=(1, 2)) / lines[0].size)


def _against(seam: Doubles, inside: Doubles) -> tuple[float, float, float]:
    """Compare a value with those inside: by their mean, by their largest, and by how many it exceeds."""
    value = float(seam.sum()) / len(seam)
    usual = float(inside.sum()) / len(inside)
    return (
        float(np.log((value + LEVEL) / (usual + LEVEL))),
        float(np.log((value + LEVEL) / (float(inside.max()) + LEVEL))),
        np.count_nonzero(inside >= value - _SAME) / len(inside),
    )


def _bands(lines: Doubles) -> list[float]:
    """Compare the means of two bands on either side of the seam with those of bands inside: a crop has a trend.

    Bands are compared as a whole and in four parts.
    """
    count = len(lines)
    found: list[float] = []
    sums = np.cumsum(_twice_over_in_parts(lines), axis=0)
    for wide in (2, max(2, count // 8), max(2, count // 4)):
        bands = (sums[wide : wide + count] - sums[:count]) / wide
        apart = np.abs(bands - np.roll(bands, -wide, axis=0))
        # The sum before the first line is missing, so band k is lines k + 1 to k + wide.
        at = (np.arange(count) + wide) % count
        seam = at == count - 1
        far = (at >= wide - 1) & (at <= count - 1 - wide)
        for steps in (_means(apart[:, :1]), _means(apart[:, 1:])):
            found += _against(steps[seam], steps[far] if far.any() else steps)[::2]
    return found


def _twice_over_in_parts(lines: Doubles) -> Doubles:
    """Return lines twice over and one more: the mean of each, then the means of its four parts."""
    parts = [
        lines[:, part].sum(axis=1) / len(range(lines.shape[1])[part]) for part in parts_of(lines.shape[1])
    ]
    means = np.stack([lines.sum(axis=1) / lines.shape[1], *parts], axis=1)
    return np.concatenate([means, means, means[:1]])


def _likeness(lines: Doubles) -> list[float]:
    """Correlate neighbouring lines, with a shift of up to one texel, and compare the seam with the inside."""
    if lines.shape[1] < 3:
        return [0.0, 0.0, 0.0]
    plain = lines.sum(axis=2) / 4
    plain -= plain.sum(axis=1, keepdims=True) / plain.shape[1]
    power = (plain**2).sum(axis=1)
    scale = np.sqrt(power * np.roll(power, -1)) + LEVEL * lines.shape[1]
    following = np.roll(plain, -1, axis=0)
    shifted = [
        (plain * following).sum(axis=1),
        (plain[:, 1:] * following[:, :-1]).sum(axis=1),
        (plain[:, :-1] * following[:, 1:]).sum(axis=1),
    ]
    likeness = np.max(shifted, axis=0) / scale
    inside = likeness[1:-2]
    return [
        float(likeness[-1]),
        float(likeness[-1] - inside.mean()),
        np.count_nonzero(inside <= likeness[-1] + _SAME) / len(inside),
    ]


def _strips(lines: Doubles) -> list[float]:
    """Tell whether the strips across the seam look like some strip inside, wherever that lies along the line.

    Bricks are shifted from row to row, so every shift along the line counts; a correlation finds all at once. The last
    measure is how unlike each other strips inside are, which is little in a texture and much in a picture.
    """
    count, width = lines.shape[:2]
    centred = lines - lines.mean(axis=(0, 1))
    energy = (centred**2).sum(axis=(1, 2))
    places = np.arange(count)
    strip = (places[:, None] + np.arange(_STRIP)) % count
    norms = energy[strip].sum(axis=1)
    inside = places[: count - _STRIP + 1]
    tested = np.concatenate([places[count - _STRIP + 1 :], _spread_out(inside)])
    best = _best_correlations(centred, strip[tested], strip[inside])
    distance = norms[tested][:, None] + norms[inside][None] - 2 * best
    apart = np.abs((tested[:, None] - inside[None] + count // 2) % count - count // 2)
    distance = np.where(apart < _STRIP, np.inf, distance)
    nearest = np.sqrt(np.maximum(distance.min(axis=1), 0) / (_STRIP * width * 4))
    across, usual = nearest[: _STRIP - 1], nearest[_STRIP - 1 :]
    usual = usual[np.isfinite(usual)]
    if not len(usual) or not np.isfinite(across).all():
        return [0.0, 0.0, 0.0, 0.0]
    spread = float(np.sqrt(energy.sum() / centred.size))
    return [*_against(across, usual), float(np.log((usual.mean() + LEVEL) / (spread + LEVEL)))]


def _best_correlations(centred: Doubles, tested: NDArray[np.int64], inside: NDArray[np.int64]) -> Doubles:
    """Return the largest correlation of each of T strips with each of I strips over all shifts, T x I.

    Args:
        centred: N x M x 4.
        tested, inside: T x 4 and I x 4, the numbers of their lines.
    """
    spectrum = np.fft.rfft(centred, axis=1)
    frequencies = spectrum.shape[1]
    ours, theirs = (
        spectrum[strip].transpose(2, 0, 1, 3).reshape(frequencies, len(strip), -1)
        for strip in (tested, inside)
    )
    products = np.matmul(ours, theirs.conj().transpose(0, 2, 1))
    correlations = np.fft.irfft(products, centred.shape[1], axis=0)
    return np.asarray(correlations.max(axis=0))


def _spread_out(places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return some of the places, as many from either end."""
    first = np.linspace(0, (len(places) - 1) / 2, _STRIPS // 2).astype(int)
    return np.asarray(places[np.union1d(first, len(places) - 1 - first)])


def _period(lines: Doubles) -> list[float]:
    """Look for a period without the seam's help, and tell how well it divides the side; then with the seam's help."""
    count = len(lines)
    centred = (lines - lines.mean(axis=0)).reshape(count, -1)
    padded = np.fft.rfft(centred, 2 * count, axis=0)
    power_at = padded.real**2 + padded.imag**2
    plain = np.fft.irfft(power_at.sum(axis=1), 2 * count)[:count]
    power = (centred**2).sum(axis=1)
    head, tail = np.concatenate([[0], power.cumsum()]), power.sum()
    lags = np.arange(count)
    overlap = (head[count - lags] + tail - head[lags]) / 2 + 1e-3 * tail + 1e-6
    likeness = np.round(plain / overlap, 6)
    # Every other frequency of the padded lines is one of the lines themselves.
    circular = np.fft.irfft(power_at[::2].sum(axis=1), count) / (tail + 1e-6)
    most = count // 2 + 1
    middle = likeness[2:most]
    peaks = 2 + np.flatnonzero((middle >= likeness[1 : most - 1]) & (middle >= likeness[3 : most + 1]))
    if not len(peaks):
        return [0.0, 0.5, 0.0, float(circular[most - 1])]
    lag = int(peaks[np.argmax(likeness[peaks])])
    before, at, after = (float(likeness[lag + k]) for k in (-1, 0, 1))
    bend = before - 2 * at + after
    exact = lag + (0.5 * (before - after) / bend if bend < -1e-5 else 0.0)
    times = count / exact
    return [at, abs(times - round(times)), float(circular[lag] - at), float(circular[most - 1])]


def _borders(lines: Doubles, steps: Doubles) -> list[float]:
    """Tell how the two border lines themselves look: how much varies along them, how much is void, how they step."""
    spreads = _line_by_line(lines, lambda at: np.asarray(lines[at].std(axis=1).mean(axis=1)))
    usual = float(np.median(spreads)) + LEVEL
    inside = float(steps.mean()) + LEVEL
    void = (lines[[0, -1], :, 3] < 128).mean(axis=1)
    first, last = spreads[0], spreads[-1]
    return [
        float(np.log((min(first, last) + LEVEL) / usual)),
        float(np.log((max(first, last) + LEVEL) / usual)),
        float(np.log((min(steps[0], steps[-1]) + LEVEL) / inside)),
        float(np.log((max(steps[0], steps[-1]) + LEVEL) / inside)),
        float(void.min()),
        float(void.max()),
    ]
