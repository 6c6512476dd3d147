"""Textures of free games of which a person has said whether they repeat, as a console would store them.

`tileability_labels.csv` names them: floors that their game's engine repeats, walls and grounds that were looked at two
by two, and letters, faces, sprites, skies, signs and title pictures, which end. The games are packages of Debian, each
unpacked in a folder of its name (`apt-get download NAME; dpkg-deb -x NAME_*.deb GAMES/NAME`); "textures-train" is the
shard that the networks for upscaling were trained with. `part` says what a name is for: "fit" for weights and
thresholds, "table" for the benchmark; families of one name are never in both.
"""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from console import console
from fringes import GROWTHS, draw_fringe
from masonry import MORTARS, STYLES, draw_wall
from numpy.typing import NDArray
from PIL import Image
from wad import Wad

from texpipe.texture import Edges, Rgba8

Floats = NDArray[np.float32]

LABELS = Path(__file__).with_name("tileability_labels.csv")
SIZES = (64, 32, 16)
MARGIN = 8
"""Texels around a crop that tell what its border would look like if nobody had cut it."""
MASONRY_SIZES = (8, 16, 32, 64, 128)
FRINGE_SIZES = ((16, 16), (32, 32), (16, 32), (32, 64), (64, 64))
TILES = ("floor", "wall", "ground", "block")
_ARCHIVES = {
    "freedoom": "usr/share/games/doom/freedoom2.wad",
    "openarena-081-textures": "usr/share/games/openarena/baseoa/pak4-textures.pk3",
    "warzone2100-data": "usr/share/games/warzone2100/base.wz",
}


@dataclass(frozen=True)
class Label:
    """A row of the list: `x` and `y` are "wrap", "ends" or "?"."""

    part: str
    kind: str
    package: str
    path: str
    x: str
    y: str


@dataclass(frozen=True, eq=False)
class Sample:
    """A texture as a console stored it, and what is true of its axes.

    Attributes:
        around: of a crop, the same with `MARGIN` texels more on each side; None for others.
    """

    name: str
    kind: str
    size: int
    rgba: Rgba8
    x: str
    y: str
    around: Rgba8 | None = None


def labels(part: str) -> list[Label]:
    """Return the rows of a part."""
    with LABELS.open(encoding="utf-8") as file:
        return [Label(**row) for row in csv.DictReader(file) if row["part"] == part]


def samples(games: Path, part: str, crops: int = 1) -> Iterator[Sample]:
    """Make the samples of a part; the seed of each is its name.

    Args:
        games: where the packages are unpacked, each in a folder of its name. What is not there is left out.
        part: "fit" or "table".
        crops: random crops of each wall and ground, which end.
    """
    for label in labels(part):
        rgba = load(games, label)
        if rgba is None:
            continue
        name = f"{label.package}/{label.path}"
        random = seeded(f"{part} {name}")
        for small in _console_forms(rgba, label, random):
            if (small[..., 3] > 0).any():
                yield Sample(name, label.kind, max(small.shape[:2]), small, label.x, label.y)
        if label.x == label.y == "wrap" and (strip := _strip(rgba, label, random)) is not None:
            axis, small = strip
            truths = ("ends", "wrap") if axis == 1 else ("wrap", "ends")
            yield Sample(name, "strip", max(small.shape[:2]), small, *truths)
        if label.kind == "ground":
            yield from (crop for _ in range(crops) for crop in _crops(rgba, name, random))


def masonry(part: str, count: int) -> Iterator[Sample]:
    """Draw `count` walls of every style, mortar and size."""
    for style in STYLES:
        for mortar in MORTARS:
            for size in MASONRY_SIZES:
                for number in range(count):
                    name = f"{style} {mortar} {size} {number}"
                    rgba = draw_wall(seeded(f"{part} {name}"), style, mortar, size)
                    if len(np.unique(rgba[..., :3])) > 8:
                        yield Sample(name, f"{style}, mortar {mortar}", size, rgba, "wrap", "wrap")


def fringes(part: str, count: int) -> Iterator[Sample]:
    """Draw `count` cut-outs that repeat of every growth and size."""
    for growth in GROWTHS:
        for size in FRINGE_SIZES:
            for number in range(count):
                name = f"{growth} {size[0]} x {size[1]} {number}"
                rgba = draw_fringe(seeded(f"{part} {name}"), growth, size)
                yield Sample(name, growth, max(size), rgba, "wrap", "wrap" if growth == "clouds" else "ends")


def seeded(text: str) -> np.random.Generator:
    """Return a generator that a text decides."""
    return np.random.default_rng(list(hashlib.sha256(text.encode()).digest()[:8]))


def load(games: Path, label: Label) -> Rgba8 | None:
    """Return a picture, H x W x 4 uint8, or None if its package is not there."""
    folder = games / label.package
    if not folder.is_dir():
        return None
    archive = _ARCHIVES.get(label.package)
    if archive is None:
        return _decoded(folder / label.path)
    if archive.endswith(".wad"):
        return _wad(folder / archive)[label.path]
    return _decoded(io.BytesIO(_zip(folder / archive).read(label.path)))


@cache
def _wad(file: Path) -> dict[str, Rgba8]:
    return Wad(file).pictures()


@cache
def _zip(file: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(file)


def _decoded(file: Path | io.BytesIO) -> Rgba8:
    with Image.open(file) as image:
        return np.asarray(image.convert("RGBA"))


def _console_forms(rgba: Rgba8, label: Label, random: np.random.Generator) -> Iterator[Rgba8]:
    yield from _FORMS[label.kind](rgba, label, random)


def _small(rgba: Rgba8, label: Label, random: np.random.Generator) -> Iterator[Rgba8]:
    """Old art as it is and cut elsewhere, and reduced to half and to a quarter."""
    yield rgba
    if label.part == "fit" and label.x == label.y == "wrap":
        yield np.roll(rgba, random.integers(rgba.shape[:2]), (0, 1))
    for factor in (2, 4):
        if min(rgba.shape[:2]) // factor >= 16 and label.kind != "block":
            edges = Edges("wrap" if label.x == "wrap" else "clamp", "wrap" if label.y == "wrap" else "clamp")
            yield console(_floats(rgba), factor, edges, random)


def _strip(rgba: Rgba8, label: Label, random: np.random.Generator) -> tuple[int, Rgba8] | None:
    """Cut a part out of a texture along one axis, which ends then; None if it is too small. Returns that axis, too."""
    whole = next(
        iter(_modern(rgba, label, random) if label.kind == "ground" else _small(rgba, label, random)), None
    )
    if whole is None or min(whole.shape[:2]) < 16:
        return None
    axis = int(random.integers(2))
    side = whole.shape[axis]
    length = side // 2 if random.random() < 0.5 else int(random.integers(side // 3, side - side // 8))
    begin = int(random.integers(side - length + 1))
    return axis, np.ascontiguousarray(whole.take(range(begin, begin + length), axis))


def _modern(rgba: Rgba8, label: Label, random: np.random.Generator) -> Iterator[Rgba8]:
    """A modern texture in every size, half of the time cut elsewhere if it repeats."""
    edges = Edges("wrap", "wrap") if label.x == "wrap" else Edges()
    for size in SIZES:
        factor = min(rgba.shape[:2]) // size
        if factor < 1:
            continue
        hr = _floats(_even(rgba, factor))
        if edges.x == "wrap" and random.random() < 0.5:
            hr = np.roll(hr, random.integers(hr.shape[:2]), (0, 1))
        yield console(hr, factor, edges, random)


def _pieces(rgba: Rgba8, label: Label, random: np.random.Generator) -> Iterator[Rgba8]:
    """Parts of a large picture as a console splits it."""
    hr = _floats(rgba)
    reduce = (
        max(1, round(max(rgba.shape[:2]) / 320)) if label.kind == "title" else max(1, rgba.shape[0] // 128)
    )
    small = console(
        hr[: len(hr) // reduce * reduce, : hr.shape[1] // reduce * reduce], reduce, Edges(), random
    )
    width, height = ((64, 32), (32, 32), (64, 64))[int(random.integers(3))]
    tops = range(0, small.shape[0] - height + 1, height)
    places = [(top, left) for top in tops for left in range(0, small.shape[1] - width + 1, width)]
    most = 40 if label.part == "table" and label.kind == "title" else 6
    for number in random.permutation(len(places))[:most]:
        top, left = places[number]
        yield small[top : top + height, left : left + width]
    if label.part == "fit":
        yield from _modern(rgba, label, random)


def _cut_out(rgba: Rgba8, label: Label, random: np.random.Generator) -> Iterator[Rgba8]:
    """A sprite as tight as it is, or in the next powers of two; a face or letter sometimes over one dark colour."""
    if max(rgba.shape[:2]) > 128:
        rgba = rgba[:: (max(rgba.shape[:2]) + 127) // 128, :: (max(rgba.shape[:2]) + 127) // 128]
    if random.random() < 0.6:
        height, width = (1 << (side - 1).bit_length() for side in rgba.shape[:2])
        padded = np.zeros((height, width, 4), np.uint8)
        top = (height - rgba.shape[0]) // 2 if random.random() < 0.5 else 0
        left = (width - rgba.shape[1]) // 2 if random.random() < 0.5 else 0
        padded[top : top + rgba.shape[0], left : left + rgba.shape[1]] = rgba
        rgba = padded
    if label.kind != "cut-out" and random.random() < 0.5:
        over = np.concatenate([random.integers(0, 80, 3), [255]]).astype(np.uint8)
        rgba = np.where(rgba[..., 3:] > 127, rgba, over)
    yield rgba


_Form = Callable[[Rgba8, Label, np.random.Generator], Iterator[Rgba8]]
_FORMS: dict[str, _Form] = {
    "floor": _small,
    "wall": _small,
    "block": _small,
    "item": _small,
    "ground": _modern,
    "picture": _modern,
    "title": _pieces,
    "sky": _pieces,
    "glyph": _cut_out,
    "face": _cut_out,
    "hud": _cut_out,
    "cut-out": _cut_out,
}


def _crops(rgba: Rgba8, name: str, random: np.random.Generator) -> Iterator[Sample]:
    """Cut out a part with what truly lies around it."""
    hr = _floats(rgba)[..., :3]
    for size in SIZES:
        most = min(hr.shape[:2]) // (size + 2 * MARGIN)
        if most < 2:
            continue
        factor = int(random.integers(max(2, most // 2), most + 1))
        factor = factor if factor <= 8 else factor // 2 * 2
        side = (size + 2 * MARGIN) * factor
        top, left = (int(random.integers(length - side + 1)) for length in hr.shape[:2])
        wide = console(hr[top : top + side, left : left + side], factor, Edges(), random)
        small = np.ascontiguousarray(wide[MARGIN:-MARGIN, MARGIN:-MARGIN])
        yield Sample(f"crop of {name}", "crop", size, small, "ends", "ends", wide)


def _floats(rgba: Rgba8) -> Floats:
    floats = rgba.astype(np.float32) / 255
    return floats[..., :3] if (rgba[..., 3] == 255).all() else floats


def _even(rgba: Rgba8, factor: int) -> Rgba8:
    height, width = (side // factor * factor for side in rgba.shape[:2])
    return rgba[:height, :width]
