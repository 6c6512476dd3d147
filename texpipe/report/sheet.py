"""Comparison sheets: each texture as the console shows it, by plain bicubic interpolation, and as texpipe made it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from texpipe.errors import PackError, SourceError
from texpipe.imaging import image_files
from texpipe.manifest.file import read_manifest
from texpipe.manifest.schema import Entry, Manifest
from texpipe.passes.resample import repeat
from texpipe.report.finished_pack import chosen, result_of
from texpipe.report.sources import Dump, dump_of, source_of
from texpipe.report.worst import ranked
from texpipe.storage.atomic import write_atomic
from texpipe.storage.layout import OutputLayout
from texpipe.texture import EdgeMode, Edges, Rgba8

log = logging.getLogger(__name__)

MAGENTA = (255, 0, 255)
BLACK = (0, 0, 0)
GAP = 8
BACKGROUND = (40, 40, 44)
MOST_TEXTURES = 24
"""Largest number of textures on a sheet of a whole pack."""
MOST_PIXELS = 4000
"""Largest side of such a sheet, in pixels: what sites for pictures take."""
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class Sample:
    """A texture and its enlargement, both H x W x 4 uint8, and what lies beyond their borders.

    Raises:
        ValueError: the enlargement is not the same whole number of times as wide and as high as the source.
    """

    source: Rgba8
    result: Rgba8
    edges: Edges

    def __post_init__(self) -> None:
        height, width = self.source.shape[:2]
        if self.scale < 1 or self.result.shape[:2] != (height * self.scale, width * self.scale):
            size = f"{self.result.shape[1]}x{self.result.shape[0]}"
            raise ValueError(f"{size} is not a whole multiple of {width}x{height}")

    @property
    def scale(self) -> int:
        """Enlargement factor, at least 1."""
        return int(self.result.shape[1]) // int(self.source.shape[1])


def over(rgba: Rgba8, backdrop: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Composite H x W x 4 straight alpha over a colour; return H x W x 3 uint8."""
    alpha = rgba[..., 3:].astype(np.float32) / 255.0
    mixed = rgba[..., :3] * alpha + np.asarray(backdrop, np.float32) * (1.0 - alpha)
    shown: NDArray[np.uint8] = np.rint(mixed).astype(np.uint8)
    return shown


def bicubic(rgba: Rgba8, scale: int) -> Rgba8:
    """Enlarge premultiplied pixels by Pillow's bicubic filter, like a plain resize."""
    from PIL import Image

    height, width = rgba.shape[:2]
    premultiplied = (
        Image.fromarray(rgba)
        .convert("RGBa")
        .resize((width * scale, height * scale), Image.Resampling.BICUBIC)
    )
    return np.asarray(premultiplied.convert("RGBA"))


def tiled(rgba: Rgba8, edges: Edges) -> Rgba8:
    """Cut the middle out of 3 x 3 copies as the console lays them: the picture and a quarter of each neighbour.

    Args:
        rgba: H x W x 4 uint8.
        edges: on a mirrored axis every other copy is flipped; a clamped axis is not repeated.

    Returns:
        H x W x 4 with H and W at most 1.5 times as large; every seam lies inside.
    """
    rows, columns = rgba.shape[0] // 4, rgba.shape[1] // 4
    return _repeat(_repeat(rgba, edges.y, rows, axis=0), edges.x, columns, axis=1)


def _repeat(rgba: Rgba8, mode: EdgeMode, margin: int, axis: Literal[0, 1]) -> Rgba8:
    if mode == "clamp":
        return rgba
    flipped = rgba if mode == "wrap" else np.flip(rgba, axis)
    start = rgba.shape[axis] - margin
    plane = np.concatenate([flipped, rgba, flipped], axis)
    return plane.take(range(start, start + rgba.shape[axis] + 2 * margin), axis)


def cells(sample: Sample) -> list[NDArray[np.uint8]]:
    """Return the pictures of one row, each H x W x 3 uint8.

    Source over magenta, bicubic over magenta, result over magenta, result over black, and the result among its
    neighbours (`tiled`), which is larger than the others where it repeats.
    """
    return [
        over(repeat(sample.source, sample.scale), MAGENTA),
        over(bicubic(sample.source, sample.scale), MAGENTA),
        over(sample.result, MAGENTA),
        over(sample.result, BLACK),
        over(tiled(sample.result, sample.edges), MAGENTA),
    ]


def sheet(samples: Sequence[Sample], *, width: int = 2600) -> NDArray[np.uint8]:
    """Lay the rows of many textures out on one page, packed into shelves of at most `width` pixels."""
    strips = [_beside(cells(sample)) for sample in samples]
    shelves = _shelves([strip.shape[1] for strip in strips], width)
    return _stack([_beside([strips[at] for at in shelf], gap=2 * GAP) for shelf in shelves])


def _shelves(widths: Sequence[int], width: int) -> list[list[int]]:
    """Return the numbers of the strips on each shelf, from the top; a strip that is wider has one of its own."""
    shelves: list[list[int]] = [[]]
    used = 0
    for number, one in enumerate(widths):
        if used and used + one + 2 * GAP > width:
            shelves.append([])
            used = 0
        shelves[-1].append(number)
        used += one + 2 * GAP
    return [shelf for shelf in shelves if shelf]


def sheet_of_pack(
    output: Path, target: Path, *, names: Sequence[str] = (), width: int = 2600
) -> tuple[int, int]:
    """Write the comparison sheet of a finished pack as a PNG; return how many textures are on it, and of how many.

    Args:
        output: the folder of a finished run; its run.json says where the textures came from.
        target: the PNG to write.
        names: the textures to show, whatever size that takes; if empty, at most `MOST_TEXTURES` on a page of at most
            `MOST_PIXELS` a side: one half conspicuous, worst first, the other half such as there are.
        width: the page is about this many pixels wide.

    Raises:
        PackError: as `samples_of_pack`, or the sheet cannot be written.
    """
    manifest = read_manifest(OutputLayout(output).manifest)
    entries = _with_result(manifest, names)
    if names:
        shown = samples_of_pack(output, names=names)
        page = sheet(shown, width=width)
    else:
        shown = _telling(entries, output, width)
        page = _reduced(sheet(shown, width=width))
    opaque = np.dstack([page, np.full(page.shape[:2], 255, np.uint8)])
    write_atomic(target, image_files.encode_signed_png(opaque), any_link=True)
    return len(shown), len(entries)


def _telling(entries: Sequence[Entry], output: Path, width: int) -> list[Sample]:
    """Return the most telling textures that fit on a page, at least one, smallest first.

    Raises:
        PackError: as `samples_of_pack`.
    """
    dump = dump_of(output, {entry.source for entry in entries})
    found: list[Sample] = []
    too_large: list[Sample] = []
    for entry in _by_interest(entries):
        if len(found) == MOST_TEXTURES or len(too_large) == MOST_TEXTURES:
            break
        sample = _sample(entry, output, dump)
        if sample is None:
            continue
        if _fit([*found, sample], width):
            found.append(sample)
        else:
            too_large.append(sample)
    shown = found or too_large[:1]
    if not shown:
        raise _nothing_to_show(output, dump)
    return _smallest_first(shown)


def _by_interest(entries: Sequence[Entry]) -> list[Entry]:
    """Return textures so that the first ones tell most: in turns the worst, and one of those of all sizes."""
    worst = [entry for entry, exceeds in ranked(entries) if exceeds]
    known = {entry.source for entry in worst}
    others = sorted((one for one in entries if one.source not in known), key=lambda one: one.size or (0, 0))
    # Multiples of the golden ratio: however many are taken, they are spread evenly.
    spread = sorted(range(len(others)), key=lambda at: at * _GOLDEN % 1)
    in_turns = chain.from_iterable(zip_longest(worst, (others[at] for at in spread)))
    return [entry for entry in in_turns if entry is not None]


def _fit(samples: Sequence[Sample], width: int) -> bool:
    """Return whether the page of textures has at most `MOST_PIXELS` a side."""
    sizes = [_strip_size(sample) for sample in _smallest_first(samples)]
    shelves = _shelves([one for _, one in sizes], width)
    high = sum(max(sizes[at][0] for at in shelf) + 2 * GAP for shelf in shelves)
    return high <= MOST_PIXELS and max(one for _, one in sizes) <= MOST_PIXELS


def _strip_size(sample: Sample) -> tuple[int, int]:
    """Return the height and width of a texture's row."""
    height, width = sample.result.shape[:2]
    high, wide = (
        side if mode == "clamp" else side + 2 * (side // 4)
        for side, mode in ((height, sample.edges.y), (width, sample.edges.x))
    )
    return high, 4 * width + wide + 4 * GAP


def _reduced(page: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a page, smaller by a whole number where one texture alone is larger than a page may be."""
    from PIL import Image

    times = -(-max(page.shape[:2]) // MOST_PIXELS)
    return page if times == 1 else np.asarray(Image.fromarray(page).reduce(times))


def samples_of_pack(output: Path, *, names: Sequence[str] = ()) -> list[Sample]:
    """Return the textures of a finished pack with their results, at least one, smallest first.

    Textures whose source is gone or has changed since the run are left out, with a warning in the log.

    Args:
        output: the folder of a finished run; its run.json says where the textures came from.
        names: the textures to show; if empty, all but duplicates.

    Raises:
        PackError: the folder holds no finished run, its input is gone, a name is not in it, or nothing can be shown.
    """
    manifest = read_manifest(OutputLayout(output).manifest)
    entries = _with_result(manifest, names)
    dump = dump_of(output, {entry.source for entry in entries})
    samples = [sample for entry in entries if (sample := _sample(entry, output, dump)) is not None]
    log.info("%s: %d of %d textures can be compared", output, len(samples), len(manifest.textures))
    if not samples:
        raise _nothing_to_show(output, dump)
    return _smallest_first(samples)


def _nothing_to_show(output: Path, dump: Dump) -> PackError:
    roots = ", ".join(map(str, dump.roots))
    return PackError(
        f"none of the textures in {output} can be shown",
        hint=f"Results are compared with {roots}; textures that have changed there are left out.",
    )


def _smallest_first(samples: Sequence[Sample]) -> list[Sample]:
    return sorted(samples, key=lambda sample: sample.result.shape[:2])


def _with_result(manifest: Manifest, names: Sequence[str]) -> list[Entry]:
    """Return the textures of these names, or without names all but duplicates, that have a result.

    Raises:
        PackError: a name is not in the pack, or its texture has no result.
    """
    if not names:
        return [entry for entry in manifest.textures if entry.outputs and entry.duplicate_of is None]
    entries = chosen(manifest, names)
    for entry in entries:
        if not entry.outputs:
            raise PackError(f"the pack holds no picture of {entry.source!r}: {entry.status}, {entry.reason}")
    return entries


def _sample(entry: Entry, output: Path, dump: Dump) -> Sample | None:
    after = result_of(entry, output)
    try:
        return Sample(source_of(entry, dump), after, _edges(entry))
    except (SourceError, ValueError) as error:
        reason = error.message if isinstance(error, SourceError) else error
        log.warning("%s is left out: %s", entry.source, reason)
        return None


def _edges(entry: Entry) -> Edges:
    """Return the edges by which a texture is tiled on the sheet: those of a piece of a split picture do not count."""
    return Edges() if entry.edges is None or entry.group is not None else entry.edges


def _beside(pictures: Sequence[NDArray[np.uint8]], gap: int = GAP) -> NDArray[np.uint8]:
    height = max(picture.shape[0] for picture in pictures)
    page = np.full(
        (height, sum(p.shape[1] for p in pictures) + gap * (len(pictures) - 1), 3), BACKGROUND, np.uint8
    )
    left = 0
    for picture in pictures:
        page[: picture.shape[0], left : left + picture.shape[1]] = picture
        left += picture.shape[1] + gap
    return page


def _stack(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(
        _beside([picture.transpose(1, 0, 2) for picture in pictures], gap=2 * GAP).transpose(1, 0, 2)
    )
