"""Automatic joins: pictures cut as games cut them, mixed with other textures, and found again.

Pictures are cropped to the shape of the game's, resized (enlarged where they are too small), reduced to the console's
texel format and cut. Equal pieces become one file, as in a dump; pairs that need such a piece twice are not asked for.

    python benchmarks/joins.py --pictures DIR --others DIR --count 1000
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from texpipe.groups.borders import Axis, tile_of
from texpipe.groups.jigsaw import Grid
from texpipe.groups.search import find_grids
from texpipe.pixelformats import quantise
from texpipe.pixels import decode
from texpipe.texture import Rgba8, TexelFormat

Size = tuple[int, int]
Pair = tuple[str, str, Axis, int]
"""Two neighbours: the first, the one after it, the direction and the texels that they share."""

SUFFIXES = (".png", ".jpg")


@dataclass(frozen=True)
class Cut:
    """How a game cuts its pictures: size of the picture and of a piece, texels shared, format."""

    name: str
    picture: Size
    piece: Size
    overlap: int
    texels: TexelFormat


GAMES: dict[str, tuple[Cut, ...]] = {
    "OoT": (
        Cut("background 320x6", (320, 240), (320, 6), 0, "rgba16"),
        Cut("title 160x6", (160, 160), (160, 6), 0, "rgba32"),
        Cut("skybox 32x32", (125, 63), (32, 32), 1, "ci8"),
        Cut("house 64x32", (253, 249), (64, 32), 1, "ci8"),
    ),
    "MM": (
        Cut("background 320x4", (320, 240), (320, 4), 0, "rgba16"),
        Cut("story 320x6", (320, 241), (320, 6), 1, "ci8"),
        Cut("skybox 32x32", (125, 125), (32, 32), 1, "ci8"),
    ),
    "MK64": (
        Cut("background 320x2", (320, 240), (320, 2), 0, "rgba16"),
        Cut("sky 32x32", (249, 249), (32, 32), 1, "rgba16"),
    ),
    "PS1": (
        Cut("screen 256 + 64", (320, 240), (256, 240), 0, "psx16"),
        Cut("movie 16x240", (320, 240), (16, 240), 0, "psx16"),
        Cut("pages 128x240", (512, 240), (128, 240), 0, "psx8"),
    ),
}

OTHER_SIZES: tuple[Size, ...] = (
    *[(32, 32)] * 5,
    *[(64, 32)] * 4,
    *[(32, 64), (64, 64)] * 3,
    *[(16, 16), (16, 32), (128, 32), (8, 8), (320, 6), (128, 128)],
)


@dataclass
class Score:
    """Pairs of neighbours that were cut apart, those of them that were found, and how many others were found."""

    asked: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    wrong: int = 0

    def precision(self) -> float:
        """Return the share of right ones among the pairs that were found."""
        right = self.right.total()
        return right / max(1, right + self.wrong)

    def recall(self) -> float:
        """Return the share of the pairs asked for that were found."""
        return self.right.total() / max(1, self.asked.total())


def load(path: Path) -> Rgba8:
    """Read a picture; JPEG by way of Pillow, which texpipe itself never reads."""
    if path.suffix == ".png":
        return decode(path.read_bytes(), name=path.name)[0]
    return np.asarray(Image.open(path).convert("RGBA"))


def fitted(rgba: Rgba8, size: Size) -> Rgba8:
    """Crop to the shape of `size` from the middle, and resize to it."""
    height, width = rgba.shape[:2]
    scale = min(width / size[0], height / size[1])
    w, h = int(size[0] * scale), int(size[1] * scale)
    x, y = (width - w) // 2, (height - h) // 2
    method = cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgba[y : y + h, x : x + w], size, interpolation=method))


def stored(rgba: Rgba8, texels: TexelFormat) -> Rgba8:
    """Return the picture as the console holds it, indexed formats with a palette of their own."""
    if texels in ("ci8", "psx8"):
        reduced = Image.fromarray(rgba[..., :3]).quantize(256, dither=Image.Dither.NONE).convert("RGB")
        rgba = np.dstack([np.asarray(reduced), np.where(rgba[..., 3] > 127, 255, 0).astype(np.uint8)])
    return quantise(rgba, texels)


def pieces(picture: Rgba8, cut: Cut, name: str) -> Iterator[tuple[str, int, int, Rgba8]]:
    """Yield name, column, row and pixels of every piece."""
    (width, height), shared = cut.piece, cut.overlap
    for row, top in enumerate(range(0, picture.shape[0] - shared, height - shared)):
        for column, left in enumerate(range(0, picture.shape[1] - shared, width - shared)):
            part = picture[top : top + height, left : left + width]
            yield f"{name}-{row:03d}-{column:02d}", column, row, part


def play(
    cuts: Sequence[Cut], pictures: Sequence[Path], others: Sequence[Path], seed: int
) -> tuple[Score, float]:
    """Cut, mix and search: one game's dump. Returns the score and the seconds that the search took."""
    chance = random.Random(seed)
    dump: dict[bytes, tuple[str, Rgba8, str]] = {}
    place: dict[tuple[int, int, int], str] = {}
    cut_of: dict[int, Cut] = {}
    for number, path in enumerate(pictures):
        cut = cut_of[number] = cuts[number % len(cuts)]
        whole = stored(fitted(load(path), cut.picture), cut.texels)
        for name, column, row, rgba in pieces(whole, cut, f"{number:02d}"):
            if dump.setdefault(key(rgba), (name, rgba, cut.texels))[0] == name:
                place[number, column, row] = name
    for number, path in enumerate(others):
        texels = chance.choice(cuts).texels
        rgba = stored(fitted(load(path), chance.choice(OTHER_SIZES)), texels)
        dump.setdefault(key(rgba), (f"other-{number}", rgba, texels))
    # As a dump has it: in the order of checksums.
    ordered = [dump[digest] for digest in sorted(dump)]
    start = time.perf_counter()
    found = pairs(find_grids(tile_of(name, rgba, texels) for name, rgba, texels in ordered))
    seconds = time.perf_counter() - start
    return judge(found, place, cut_of), seconds


def key(rgba: Rgba8) -> bytes:
    """Return what tells pictures apart, in an order that has nothing to do with them."""
    return hashlib.sha256(repr(rgba.shape).encode() + rgba.tobytes()).digest()


def pairs(grids: Sequence[Grid]) -> set[Pair]:
    """Return all neighbours in grids."""
    across = {
        (one.name, other.name, "x", grid.overlap)
        for grid in grids
        for row in grid.rows
        for one, other in pairwise(row)
    }
    down = {
        (one.name, other.name, "y", grid.overlap)
        for grid in grids
        for upper, lower in pairwise(grid.rows)
        for one, other in zip(upper, lower, strict=True)
    }
    return across | down  # type: ignore[return-value]


def judge(found: set[Pair], place: dict[tuple[int, int, int], str], cut_of: dict[int, Cut]) -> Score:
    """Compare the pairs that were found with those that were cut apart."""
    score = Score()
    known: set[Pair] = set()
    for (number, column, row), name in place.items():
        cut = cut_of[number]
        beyond: tuple[tuple[Axis, tuple[int, int, int]], ...] = (
            ("x", (number, column + 1, row)),
            ("y", (number, column, row + 1)),
        )
        for axis, after in beyond:
            if after in place:
                pair = (name, place[after], axis, cut.overlap)
                known.add(pair)
                score.asked[cut.name] += 1
                score.right[cut.name] += pair in found
    score.wrong = len(found - known)
    return score


def files(folder: Path, seed: int) -> list[Path]:
    """Return the pictures below a folder, shuffled alike every time."""
    found = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES and ".a." not in path.name)
    random.Random(seed).shuffle(found)
    return found


def main() -> int:
    """Play all games, print the scores, and return 0 where both goals are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True, help="folder of pictures to cut")
    parser.add_argument("--others", type=Path, required=True, help="folder of unrelated textures")
    parser.add_argument("--count", type=int, default=1000, help="how many of them")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    pictures, others = files(options.pictures, options.seed), files(options.others, options.seed)
    total = Score()
    share = len(pictures) // len(GAMES)
    for number, (game, cuts) in enumerate(GAMES.items()):
        mine = pictures[number * share : (number + 1) * share]
        score, seconds = play(cuts, mine, others[: options.count], options.seed + number)
        print(f"{game}: precision {score.precision():.4f}, recall {score.recall():.3f}, {seconds:.1f} s")
        for cut, asked in score.asked.items():
            print(f"    {cut:20} {score.right[cut]} of {asked} pairs")
        total.asked += score.asked
        total.right += score.right
        total.wrong += score.wrong
    print(f"all: precision {total.precision():.4f}, recall {total.recall():.3f}, {total.wrong} wrong pairs")
    return 0 if total.precision() >= 0.99 and total.recall() >= 0.9 else 1


if __name__ == "__main__":
    sys.exit(main())
