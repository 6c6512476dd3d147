"""Comparison sheets: each texture as the console shows it, enlarged the plain way, and as texpipe made it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from texpipe.errors import PackError
from texpipe.manifest import Entry, read_manifest
from texpipe.pixels import decode, save_png
from texpipe.texture import Rgba8

MAGENTA = (255, 0, 255)
BLACK = (0, 0, 0)
GAP = 8
PAPER = (40, 40, 44)


@dataclass(frozen=True)
class Sample:
    """A texture and its enlargement, `scale` times as large; `tiles` per axis (x, y) where it repeats."""

    source: Rgba8
    result: Rgba8
    tiles: tuple[bool, bool]

    @property
    def scale(self) -> int:
        """Enlargement factor."""
        return int(self.result.shape[1]) // int(self.source.shape[1])


def over(rgba: Rgba8, backdrop: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Composite H x W x 4 straight alpha over a colour; returns H x W x 3 uint8."""
    alpha = rgba[..., 3:].astype(np.float32) / 255.0
    mixed = rgba[..., :3] * alpha + np.asarray(backdrop, np.float32) * (1.0 - alpha)
    shown: NDArray[np.uint8] = np.rint(mixed).astype(np.uint8)
    return shown


def nearest(rgba: Rgba8, scale: int) -> Rgba8:
    """Repeat every texel `scale` times on both axes."""
    return rgba.repeat(scale, axis=0).repeat(scale, axis=1)


def bicubic(rgba: Rgba8, scale: int) -> Rgba8:
    """Enlarge premultiplied pixels by Pillow's bicubic filter: what a plain resize gives."""
    from PIL import Image

    height, width = rgba.shape[:2]
    premultiplied = (
        Image.fromarray(rgba)
        .convert("RGBa")
        .resize((width * scale, height * scale), Image.Resampling.BICUBIC)
    )
    return np.asarray(premultiplied.convert("RGBA"))


def cells(sample: Sample) -> list[NDArray[np.uint8]]:
    """Return the pictures of one row, each H x W x 3 uint8 of one size.

    Source over magenta, bicubic over magenta, result over magenta, result over black, and the result rolled by half
    on the axes that repeat, so that its seams cross the middle.
    """
    height, width = sample.result.shape[:2]
    shift = (height // 2 if sample.tiles[1] else 0, width // 2 if sample.tiles[0] else 0)
    return [
        over(nearest(sample.source, sample.scale), MAGENTA),
        over(bicubic(sample.source, sample.scale), MAGENTA),
        over(sample.result, MAGENTA),
        over(sample.result, BLACK),
        over(np.roll(sample.result, shift, axis=(0, 1)), MAGENTA),
    ]


def sheet(samples: Sequence[Sample], *, width: int = 2600) -> NDArray[np.uint8]:
    """Lay the rows of many textures out on one page, packed into shelves of at most `width` pixels."""
    shelves: list[list[NDArray[np.uint8]]] = [[]]
    used = 0
    for sample in samples:
        strip = _beside(cells(sample))
        if used and used + strip.shape[1] + 2 * GAP > width:
            shelves.append([])
            used = 0
        shelves[-1].append(strip)
        used += strip.shape[1] + 2 * GAP
    return _stack([_beside(shelf, gap=2 * GAP) for shelf in shelves if shelf])


def sheet_of_pack(output: Path, target: Path, *, names: Sequence[str] = (), width: int = 2600) -> int:
    """Write the comparison sheet of a finished pack as a PNG; returns how many textures are on it.

    Args:
        output: the folder of a finished run; its run.json says where the textures came from.
        target: the PNG to write.
        names: the textures to show; all of them when empty.

    Raises:
        PackError: the folder holds no finished run, or its input is gone.
    """
    manifest = read_manifest(output / "manifest.json")
    root = Path(json.loads((output / "run.json").read_text("utf-8"))["input"])
    wanted = set(names)
    shown = [
        entry
        for entry in manifest.textures
        if entry.outputs and entry.duplicate_of is None and (not wanted or entry.source in wanted)
    ]
    samples = [sample for entry in shown if (sample := _sample(entry, output, root)) is not None]
    if not samples:
        raise PackError(f"there is no upscaled texture to show in {output}")
    samples.sort(key=lambda sample: sample.result.shape[:2])
    page = sheet(samples, width=width)
    save_png(target, np.dstack([page, np.full(page.shape[:2], 255, np.uint8)]))
    return len(samples)


def _sample(entry: Entry, output: Path, root: Path) -> Sample | None:
    written = next((one for one in entry.outputs if one.path.endswith(".png")), None)
    source = root / entry.source if root.is_dir() else root
    if written is None or not source.is_file():
        return None
    before, _, _ = decode(source.read_bytes(), name=entry.source)
    after, _, _ = decode((output / written.path).read_bytes(), name=written.path)
    edges = entry.edges
    return Sample(
        before, after, (edges is not None and edges.x != "clamp", edges is not None and edges.y != "clamp")
    )


def _beside(pictures: Sequence[NDArray[np.uint8]], gap: int = GAP) -> NDArray[np.uint8]:
    height = max(picture.shape[0] for picture in pictures)
    page = np.full(
        (height, sum(p.shape[1] for p in pictures) + gap * (len(pictures) - 1), 3), PAPER, np.uint8
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
