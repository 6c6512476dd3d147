"""Animated clips: a bar wipes from each source to its result and back."""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from texpipe.imaging.image_files import SIGNATURE
from texpipe.passes.resample import repeat
from texpipe.report.sheet import BACKGROUND, BLACK, GAP, Sample, over, samples_of_pack
from texpipe.storage.atomic import write_atomic

log = logging.getLogger(__name__)

MAX_TEXTURES = 12
"""Number of textures in a clip for which no names are given; more make a file too large for most sites."""
CELL = 256
"""Largest side to which a result is enlarged by repeating its pixels, in pixels."""
WIPE_STEPS = 12
WIPE_MS = 40
HOLD_MS = 1200
_BAR = (255, 255, 255)


@dataclass(frozen=True, eq=False)
class _PlacedPair:
    """Two pictures of one size, each H x W x 3 uint8, and their position on the page."""

    top: int
    left: int
    before: NDArray[np.uint8]
    after: NDArray[np.uint8]


def clip_of_pack(output: Path, target: Path, *, names: Sequence[str] = (), width: int = 1080) -> int:
    """Write a GIF that shows textures of a finished pack before and after; return how many are in it.

    Args:
        output: the folder of a finished run.
        target: the GIF to write.
        names: the textures to show; if empty, `MAX_TEXTURES` of them, picked evenly among those that are pictures.
        width: largest width of the clip in pixels, unless one picture is wider.

    Raises:
        PackError: as `sheet.samples_of_pack`, or the file cannot be written.
    """
    samples = samples_of_pack(output, names=names)
    shown = samples if names else _pick(samples)
    log.info("%d of %d textures are in the clip", len(shown), len(samples))
    write_atomic(target, encode_gif(*wipe(shown, width=width)), any_link=True)
    return len(shown)


def wipe(samples: Sequence[Sample], *, width: int = 1080) -> tuple[list[NDArray[np.uint8]], list[int]]:
    """Return the frames, each H x W x 3 uint8, and the milliseconds that each is shown.

    The first frame shows the sources alone, the middle one the results alone; then it goes back to the sources.
    """
    places, size = _placed(samples, width)
    there = [_page(places, size, step / WIPE_STEPS) for step in range(WIPE_STEPS + 1)]
    frames = there + there[-2:0:-1]
    times = [WIPE_MS] * len(frames)
    times[0] = times[WIPE_STEPS] = HOLD_MS
    return frames, times


def encode_gif(frames: Sequence[NDArray[np.uint8]], milliseconds: Sequence[int]) -> bytes:
    """Encode frames, each H x W x 3 uint8, as a GIF that runs forever."""
    import imageio.v3 as iio

    buffer = io.BytesIO()
    iio.imwrite(
        buffer,
        np.stack(frames),
        extension=".gif",
        duration=list(milliseconds),
        loop=0,
        plugin="pillow",
        comment=SIGNATURE,
    )
    return buffer.getvalue()


def _pick(samples: Sequence[Sample]) -> list[Sample]:
    """Pick `MAX_TEXTURES` samples evenly among those that are pictures; if there are none, among all."""
    pictures = [one for one in samples if _is_picture(one)] or list(samples)
    return (
        [pictures[at * len(pictures) // MAX_TEXTURES] for at in range(MAX_TEXTURES)]
        if len(pictures) > MAX_TEXTURES
        else pictures
    )


def _is_picture(sample: Sample) -> bool:
    """Return whether a sample is worth showing: not a narrow strip, and not a single colour over black."""
    sides = sample.source.shape[:2]
    return max(sides) <= 4 * min(sides) and bool(np.ptp(over(sample.source, BLACK)) > 0)


def _placed(samples: Sequence[Sample], width: int) -> tuple[list[_PlacedPair], tuple[int, int]]:
    """Put pictures on shelves of at most `width` pixels, or one picture; returns the page's height and width too."""
    places: list[_PlacedPair] = []
    top = left = GAP
    shelf = right = 0
    for before, after in map(_pair, samples):
        if left > GAP and left + after.shape[1] + GAP > width:
            top, left, shelf = top + shelf + GAP, GAP, 0
        places.append(_PlacedPair(top, left, before, after))
        left += after.shape[1] + GAP
        shelf, right = max(shelf, after.shape[0]), max(right, left)
    return places, (top + shelf + GAP, right)


def _pair(sample: Sample) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return source and result over black, of one size, whole texels repeated."""
    times = max(1, CELL // max(sample.result.shape[:2]))
    before, after = repeat(sample.source, sample.scale * times), repeat(sample.result, times)
    return over(before, BLACK), over(after, BLACK)


def _page(places: Sequence[_PlacedPair], size: tuple[int, int], share: float) -> NDArray[np.uint8]:
    """Draw all pictures, the result shown on the left `share` of each."""
    page = np.full((*size, 3), BACKGROUND, np.uint8)
    for place in places:
        height, width = place.after.shape[:2]
        page[place.top : place.top + height, place.left : place.left + width] = _cut(place, share)
    return page


def _cut(place: _PlacedPair, share: float) -> NDArray[np.uint8]:
    width = place.after.shape[1]
    edge = round(width * share)
    mixed = np.concatenate([place.after[:, :edge], place.before[:, edge:]], axis=1)
    if 0 < edge < width:
        mixed[:, edge - 1 : edge + 1] = _BAR
    return mixed
