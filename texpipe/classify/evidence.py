"""What of a picture tells whether it repeats: measures of the seam, of a period, and of the kind of picture it is.

Every measure is a plain number that a flip of the picture leaves as it is. They compare the texture with itself: what
a seam looks like with what lies inside, so that one line of mortar at one border, which is a large step, counts as
ordinary where such lines are inside as well.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Lines = NDArray[np.float32]
"""N x M x 4: the N lines of texels along an axis; alpha and premultiplied colours in levels."""

LEAST_LINES = 8
"""Lines of texels on an axis below which its measures say nothing."""

_MOST_LINES = 64
"""Texels per side of the picture that strips, bands and periods are looked for in; larger ones are reduced to it."""
_LEVEL = 0.5
"""Added to differences before they are divided, in levels: less cannot be seen."""
_SAME = 1e-3
"""Difference of two values, in levels or of correlations, that comes of rounding."""
_STRIP = 4
"""Lines of a strip that is compared with strips elsewhere."""
_STRIPS = 12
"""Strips inside that tell how far from all others a strip usually is."""
_SEAM_MEASURES = 37
"""Measures of one seam."""
_BLOCKS = 4
"""Blocks per side whose means and contrasts tell whether a picture is alike all over."""


def relative_step(lines: Lines) -> float:
    """Return the mean difference across the seam over that of neighbouring lines inside.

    Args:
        lines: N x M x 4 with N at least 2.
    """
    inside = float(np.abs(np.diff(lines, axis=0)).mean())
    return (float(np.abs(lines[0] - lines[-1]).mean()) + _LEVEL) / (inside + _LEVEL)


def evidence(rows: Lines) -> tuple[Floats, Floats]:
    """Return the measures of both axes: of its own seam, of the other axis' seam, and of the kind of picture.

    Args:
        rows: H x W x 4 float32, the rows of a picture.

    Returns:
        K float32 each, finite, for x (left and right) and for y. What a side of fewer than `LEAST_LINES` texels would
        say is 0.
    """
    columns = np.ascontiguousarray(rows.swapaxes(0, 1))
    reduced = _reduced(rows)
    x = _seam(columns, np.ascontiguousarray(reduced.swapaxes(0, 1)))
    y = _seam(rows, reduced)
    along_x, along_y, both = _kind(rows, reduced)
    parts = (x, y, along_x, along_y, both), (y, x, along_y, along_x, both)
    found = [np.nan_to_num(np.concatenate(part)).astype(np.float32) for part in parts]
    return found[0], found[1]


def _reduced(lines: Lines) -> Lines:
    """Halve a picture by means of 2 x 2 texels until no side is longer than `_MOST_LINES`."""
    while max(lines.shape[:2]) > _MOST_LINES:
        height, width = (side // 2 * 2 for side in lines.shape[:2])
        y, x = (2 if side > _MOST_LINES else 1 for side in lines.shape[:2])
        part = lines[: height if y == 2 else None, : width if x == 2 else None]
        lines = part.reshape(part.shape[0] // y, y, part.shape[1] // x, x, 4).mean(axis=(1, 3))
    return lines


def _seam(lines: Lines, reduced: Lines) -> Floats:
    """Return what the seam of an axis says, 0 throughout for too few lines."""
    if len(lines) < LEAST_LINES:
        return np.zeros(_SEAM_MEASURES, np.float32)
    steps = np.abs(lines - np.roll(lines, -1, axis=0)).mean(axis=(1, 2))
    bends = np.abs(np.roll(lines, 1, 0) - lines - np.roll(lines, -1, 0) + np.roll(lines, -2, 0)).mean(
        axis=(1, 2)
    )
    worst = np.abs(lines - np.roll(lines, -1, axis=0)).mean(axis=1).max(axis=1)
    parts = [
        *_against(steps[-1:], steps[1:-2]),
        *_against(bends[-1:], bends[1:-2]),
        *_against(worst[-1:], worst[1:-2]),
        *_bands(reduced),
        *_likeness(lines),
        *_strips(reduced),
        *_period(reduced),
        *_borders(lines),
    ]
    return np.array(parts, dtype=np.float32)


def _against(seam: Floats, inside: Floats) -> tuple[float, float, float]:
    """Compare a value with those inside: by their mean, by their largest, and by how many it exceeds."""
    value = float(seam.mean()) + _LEVEL
    return (
        float(np.log(value / (float(inside.mean()) + _LEVEL))),
        float(np.log(value / (float(inside.max()) + _LEVEL))),
        float((inside >= seam.mean() - _SAME).mean()),
    )


def _bands(lines: Lines) -> list[float]:
    """Compare the means of two bands on either side of the seam with those of bands inside: a crop has a trend."""
    count = len(lines)
    found: list[float] = []
    sums = np.concatenate([lines, lines, lines[:1]]).mean(axis=1).cumsum(axis=0)
    coarse = _coarse(lines).cumsum(axis=0)
    for wide in (2, max(2, count // 8), max(2, count // 4)):
        for whole in (sums, coarse):
            bands = (whole[wide : wide + count] - whole[:count]) / wide
            steps = np.abs(bands - np.roll(bands, -wide, axis=0)).reshape(count, -1).mean(axis=1)
            # The sum before the first line is missing, so band k is lines k + 1 to k + wide.
            at = (np.arange(count) + wide) % count
            seam = at == count - 1
            far = (at >= wide - 1) & (at <= count - 1 - wide)
            inside = steps[far] if far.any() else steps
            found += _against(steps[seam], inside)[::2]
    return found


def _coarse(lines: Lines) -> Floats:
    """Return lines twice over and one more, their texels summed up in four parts."""
    coarse = np.stack([lines[:, part].mean(axis=1) for part in _quarters(lines.shape[1])], axis=1)
    return np.concatenate([coarse, coarse, coarse[:1]])


def _quarters(side: int) -> tuple[slice, ...]:
    """Divide a side into four parts that a flip exchanges; those of an odd side share its middle line."""
    if side < _BLOCKS:
        return (slice(0, side),)
    quarter, half = side // 4, side // 2
    return (
        slice(0, quarter),
        slice(quarter, side - half),
        slice(half, side - quarter),
        slice(side - quarter, side),
    )


def _likeness(lines: Lines) -> list[float]:
    """Correlate neighbouring lines, with a shift of up to one texel, and compare the seam with the inside."""
    if lines.shape[1] < 3:
        return [0.0, 0.0, 0.0]
    plain = lines.mean(axis=2)
    plain = plain - plain.mean(axis=1, keepdims=True)
    power = (plain**2).sum(axis=1)
    scale = np.sqrt(power * np.roll(power, -1)) + _LEVEL * lines.shape[1]
    following = np.roll(plain, -1, axis=0)
    shifted = [(plain * following).sum(axis=1)]
    shifted += [
        (plain[:, 1:] * following[:, :-1]).sum(axis=1),
        (plain[:, :-1] * following[:, 1:]).sum(axis=1),
    ]
    likeness = np.max(shifted, axis=0) / scale
    inside = likeness[1:-2]
    return [
        float(likeness[-1]),
        float(likeness[-1] - inside.mean()),
        float((inside <= likeness[-1] + _SAME).mean()),
    ]


def _strips(lines: Lines) -> list[float]:
    """Tell whether the strips across the seam look like some strip inside, wherever that lies along the line.

    Bricks are shifted from row to row, so every shift along the line counts; a correlation finds all at once.
    """
    count, width = lines.shape[:2]
    centred = lines - lines.mean(axis=(0, 1))
    spectrum = np.fft.rfft(centred, axis=1).astype(np.complex64)
    energy = (centred**2).sum(axis=(1, 2))
    places = np.arange(count)
    strip = (places[:, None] + np.arange(_STRIP)) % count
    norms = energy[strip].sum(axis=1)
    inside = places[: count - _STRIP + 1]
    tested = np.concatenate([places[count - _STRIP + 1 :], _spread_out(inside)])
    # C x F x N spectra: each tested strip against each strip inside, line by line.
    ours = spectrum[strip[tested]]
    products = np.zeros((len(tested), len(inside), spectrum.shape[1]), np.complex64)
    for line in range(_STRIP):
        theirs = spectrum[strip[inside, line]]
        products += np.einsum("tfc,ifc->tif", ours[:, line], theirs.conj())
    best = np.fft.irfft(products, width, axis=2).max(axis=2)
    distance = norms[tested][:, None] + norms[inside][None] - 2 * best
    apart = np.abs((tested[:, None] - inside[None] + count // 2) % count - count // 2)
    distance = np.where(apart < _STRIP, np.inf, distance)
    nearest = np.sqrt(np.maximum(distance.min(axis=1), 0) / (_STRIP * width * 4))
    across, usual = nearest[: _STRIP - 1], nearest[_STRIP - 1 :]
    usual = usual[np.isfinite(usual)]
    if not len(usual) or not np.isfinite(across).all():
        return [0.0, 0.0, 0.0]
    return list(_against(across, usual))


def _spread_out(places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return some of the places, as many from either end."""
    first = np.linspace(0, (len(places) - 1) / 2, _STRIPS // 2).astype(int)
    return np.asarray(places[np.union1d(first, len(places) - 1 - first)])


def _period(lines: Lines) -> list[float]:
    """Look for a period without the seam's help, and tell how well it divides the side; then with the seam's help."""
    count = len(lines)
    centred = lines - lines.mean(axis=0)
    padded = np.fft.rfft(centred, 2 * count, axis=0)
    plain = np.fft.irfft((np.abs(padded) ** 2).sum(axis=(1, 2)), 2 * count)[:count]
    power = (centred**2).sum(axis=(1, 2))
    head, tail = np.concatenate([[0], power.cumsum()]), power.sum()
    lags = np.arange(count)
    overlap = (head[count - lags] + tail - head[lags]) / 2 + 1e-3 * tail + 1e-6
    likeness = plain / overlap
    circular = np.fft.irfft((np.abs(np.fft.rfft(centred, axis=0)) ** 2).sum(axis=(1, 2)), count) / (
        tail + 1e-6
    )
    most = count // 2 + 1
    peaks = [
        lag
        for lag in range(2, most)
        if likeness[lag] >= likeness[lag - 1] and likeness[lag] >= likeness[lag + 1]
    ]
    if not peaks:
        return [0.0, 0.5, 0.0, float(circular[most - 1])]
    lag = max(peaks, key=lambda one: float(likeness[one]))
    before, at, after = (float(likeness[lag + k]) for k in (-1, 0, 1))
    bend = before - 2 * at + after
    exact = lag + (0.5 * (before - after) / bend if bend < -1e-9 else 0.0)
    times = count / exact
    return [at, abs(times - round(times)), float(circular[lag] - at), float(circular[most - 1])]


def _borders(lines: Lines) -> list[float]:
    """Tell how the two border lines themselves look: how much varies along them, how much is void, how they step."""
    spreads = lines.std(axis=1).mean(axis=1)
    usual = float(np.median(spreads)) + _LEVEL
    steps = np.abs(np.diff(lines, axis=0)).mean(axis=(1, 2))
    inside = float(steps.mean()) + _LEVEL
    void = (lines[[0, -1], :, 3] < 128).mean(axis=1)
    first, last = spreads[0], spreads[-1]
    return [
        float(np.log((min(first, last) + _LEVEL) / usual)),
        float(np.log((max(first, last) + _LEVEL) / usual)),
        float(np.log((min(steps[0], steps[-1]) + _LEVEL) / inside)),
        float(np.log((max(steps[0], steps[-1]) + _LEVEL) / inside)),
        float(void.min()),
        float(void.max()),
    ]


def _kind(rows: Lines, reduced: Lines) -> tuple[Floats, Floats, Floats]:
    """Return what sort of picture it is, along x, along y and as a whole: its shape, its colours, how even it is."""
    contrast = float(rows.std(axis=(0, 1)).mean()) + _LEVEL
    alpha = rows[..., 3]
    codes = np.ascontiguousarray(np.rint(rows).astype(np.uint8)).view(np.uint32)[..., 0]
    _, counts = np.unique(codes, return_counts=True)
    symmetry = _symmetry(reduced)
    y, x = (_along(rows, codes, axis, contrast, symmetry[axis]) for axis in (0, 1))
    whole = [
        float(rows.shape[0] == rows.shape[1]),
        float((alpha == 255).mean()),
        float((alpha == 0).mean()),
        float(alpha.min() == 255),
        np.log2(len(counts)) / 8,
        np.log2(len(counts) / codes.size) / 8,
        float(counts.max() / codes.size),
        np.log(contrast) - 3,
        float(rows[..., :3].mean()) / 128 - 1,
        *_evenness(reduced, contrast),
    ]
    return x, y, np.array(whole, dtype=np.float32)


def _along(rows: Lines, codes: NDArray[np.uint32], axis: int, contrast: float, symmetry: float) -> Floats:
    """Return the shape and the steps along one axis."""
    side = rows.shape[axis]
    step = float(np.abs(np.diff(rows, axis=axis)).mean()) if side > 1 else 0.0
    lines = np.moveaxis(codes, axis, 0)
    return np.array(
        [
            np.log2(side) - 5,
            float(side & (side - 1) == 0),
            np.log((step + _LEVEL) / contrast),
            float((lines[1:] == lines[:-1]).mean()) if side > 1 else 0.0,
            symmetry,
        ],
        dtype=np.float32,
    )


def _evenness(lines: Lines, contrast: float) -> list[float]:
    """Compare blocks with each other, and the middle with what lies around it: a picture of something has a middle."""
    rows, columns = (_quarters(side) for side in lines.shape[:2])
    blocks = [lines[y, x] for y in rows for x in columns]
    means = np.array([block.mean(axis=(0, 1)) for block in blocks])
    spreads = np.array([block.std(axis=(0, 1)).mean() for block in blocks])
    inner = np.zeros((len(rows), len(columns)), dtype=bool)
    inner[1:-1, 1:-1] = True
    middle = inner.ravel()
    found = [
        float(means.std(axis=0).mean()) / contrast,
        float(spreads.std()) / contrast,
        float(spreads.min() / (spreads.mean() + _LEVEL)),
    ]
    if not middle.any():
        return [*found, 0.0, 0.0]
    apart = float(np.abs(means[middle].mean(axis=0) - means[~middle].mean(axis=0)).mean()) / contrast
    return [
        *found,
        apart,
        float(np.log((spreads[middle].mean() + _LEVEL) / (spreads[~middle].mean() + _LEVEL))),
    ]


def _symmetry(lines: Lines) -> list[float]:
    """Correlate the picture with its mirror images."""
    centred = lines - lines.mean(axis=(0, 1))
    power = float((centred**2).sum()) + 1e-6
    return [float((centred * np.flip(centred, axis)).sum()) / power for axis in (0, 1)]
