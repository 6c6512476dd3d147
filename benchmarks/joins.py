"""Automatic joins: pictures cut like those of games, mixed with other textures, and searched for.

Pictures are cropped to the shape of the game's, resized (enlarged if they are too small), reduced to the console's
texel format and cut. Equal pieces become one file, as in a dump; pairs that need such a piece twice are not counted.
The other textures have common sizes, or are single pieces of pictures of which nothing else was drawn. Names are
checksums.

Each dump is searched twice: with the dates of a fresh dump, and as a copy without dates. Textures are dated when they
are first drawn: a picture's pieces row by row, in one picture of ten by columns and in one of twenty from the last to
the first; 7 of 100 pieces are out of order, half of those anywhere. Half of the pictures follow directly on another; a
fifth of the other textures are drawn between pieces. MM's dump has whole seconds, as in an archive.

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
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from texpipe.groups.split.borders import Axis, Piece, piece_of
from texpipe.groups.split.jigsaw import PieceGrid
from texpipe.groups.split.search import find_grids
from texpipe.imaging.image_files import decode
from texpipe.imaging.texel_formats import quantise
from texpipe.texture import Rgba8, TexelFormat

Size = tuple[int, int]
Pair = tuple[str, str, Axis, int]
"""Two neighbours: the first, the one after it, their axis and the number of texels that they share."""

Place = tuple[int, int, int]
"""Where a piece belongs: number of the picture, column and row."""

MODES = ("dates", "no dates")
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

    def add(self, other: Score) -> None:
        """Count another dump's pairs too."""
        self.asked += other.asked
        self.right += other.right
        self.wrong += other.wrong


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


def pieces(picture: Rgba8, cut: Cut, number: int) -> Iterator[Drawn]:
    """Yield every piece of a picture, row by row."""
    (width, height), shared = cut.piece, cut.overlap
    for row, top in enumerate(range(0, picture.shape[0] - shared, height - shared)):
        for column, left in enumerate(range(0, picture.shape[1] - shared, width - shared)):
            part = picture[top : top + height, left : left + width]
            yield Drawn(part, cut.texels, (number, column, row))


@dataclass(frozen=True, eq=False)
class Drawn:
    """A texture that a game draws: its pixels and format, and where it belongs if it is a piece of a picture."""

    rgba: Rgba8
    texels: TexelFormat
    place: Place | None = None


@dataclass(frozen=True, eq=False)
class Dump:
    """What an emulator wrote.

    Attributes:
        tiles: textures by checksum, with dates.
        place: (picture, column, row) -> name, of the first place that each piece was drawn at.
        cut_of: how each picture was cut.
    """

    pieces: tuple[Piece, ...]
    place: dict[Place, str]
    cut_of: dict[int, Cut]


def dump(
    cuts: Sequence[Cut], pictures: Sequence[Path], others: Sequence[Path], seed: int, *, whole_seconds: bool
) -> Dump:
    """Cut pictures, mix them with others, draw everything and write each texture where it is drawn first."""
    chance = random.Random(seed)
    cut_of = {number: cuts[number % len(cuts)] for number in range(len(pictures))}
    scenes = [
        in_order(list(pieces(stored(fitted(load(path), cut.picture), cut.texels), cut, number)), chance)
        for (number, cut), path in zip(cut_of.items(), pictures, strict=True)
    ]
    drawn = draw(scenes, [other(load(path), cuts, chance) for path in others], chance)
    written: dict[str, tuple[Drawn, int]] = {}
    seconds = 1_000_000.0
    for one in drawn:
        seconds += chance.uniform(0.001, 0.008) + (chance.random() < 0.01) * chance.uniform(0.2, 3)
        date = int(seconds) * 10**9 if whole_seconds else int(seconds * 1e9)
        written.setdefault(key(one.rgba), (one, date))
    tiles = (piece_of(name, one.rgba, one.texels, date) for name, (one, date) in sorted(written.items()))
    place = {one.place: name for name, (one, _) in written.items() if one.place is not None}
    return Dump(tuple(tiles), place, cut_of)


def in_order(scene: list[Drawn], chance: random.Random) -> list[Drawn]:
    """Return a picture's pieces as the game draws them."""
    kind = chance.random()
    if kind < 0.1:
        return sorted(scene, key=lambda one: one.place[1:] if one.place else ())
    return scene[::-1] if kind < 0.15 else scene


def other(rgba: Rgba8, cuts: Sequence[Cut], chance: random.Random) -> Drawn:
    """Return an unrelated texture; one in four is a lonely piece of a picture."""
    cut = chance.choice(cuts)
    if chance.random() < 0.25:
        return replace(
            chance.choice(list(pieces(stored(fitted(rgba, cut.picture), cut.texels), cut, 0))), place=None
        )
    return Drawn(stored(fitted(rgba, chance.choice(OTHER_SIZES)), cut.texels), cut.texels)


def draw(scenes: list[list[Drawn]], others: list[Drawn], chance: random.Random) -> list[Drawn]:
    """Return everything in the order in which it is drawn."""
    gaps: list[list[Drawn]] = [[] for _ in range(len(scenes) // 2 + 1)]
    split = len(others) * 4 // 5
    for one in others[:split]:
        chance.choice(gaps).append(one)
    parts = [*scenes, *gaps]
    chance.shuffle(parts)
    drawn = [one for part in parts for one in part]
    for one in others[split:]:
        drawn.insert(chance.randrange(len(drawn)), one)
    for one in [one for one in drawn if one.place is not None and chance.random() < 0.07]:
        at = drawn.index(one)
        drawn.pop(at)
        near = max(0, at + chance.randint(-8, 8))
        drawn.insert(chance.choice([near, chance.randrange(len(drawn))]), one)
    return drawn


def search(tiles: Sequence[Piece]) -> tuple[set[Pair], float]:
    """Return the neighbours that are found, and the processor time that it took in seconds."""
    start = time.process_time()
    found = pairs(find_grids(tiles))
    return found, time.process_time() - start


def key(rgba: Rgba8) -> str:
    """Return what tells pictures apart, in an order that has nothing to do with them."""
    return hashlib.sha256(repr(rgba.shape).encode() + rgba.tobytes()).hexdigest()


def pairs(grids: Sequence[PieceGrid]) -> set[Pair]:
    """Return all neighbours in grids."""
    return {
        (before.name, after.name, axis, grid.overlap)
        for grid in grids
        for before, after, axis in grid.neighbours
    }


def asked(dump: Dump) -> dict[Pair, Cut]:
    """Return the neighbours that were cut apart."""
    place = dump.place
    pairs: dict[Pair, Cut] = {}
    for (number, column, row), name in place.items():
        cut = dump.cut_of[number]
        beyond: tuple[tuple[Axis, Place], ...] = (
            ("x", (number, column + 1, row)),
            ("y", (number, column, row + 1)),
        )
        pairs |= {(name, place[after], axis, cut.overlap): cut for axis, after in beyond if after in place}
    return pairs


def judge(found: set[Pair], wanted: dict[Pair, Cut]) -> Score:
    """Compare the pairs that were found with those that were cut apart."""
    score = Score(wrong=len(found - wanted.keys()))
    for pair, cut in wanted.items():
        score.asked[cut.name] += 1
        score.right[cut.name] += pair in found
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
    totals = {mode: Score() for mode in MODES}
    share = len(pictures) // len(GAMES)
    for number, (game, cuts) in enumerate(GAMES.items()):
        mine = pictures[number * share : (number + 1) * share]
        seed = options.seed + number
        made = dump(cuts, mine, others[: options.count], seed, whole_seconds=game == "MM")
        for mode, total in totals.items():
            tiles = made.pieces if mode == "dates" else [replace(tile, date=None) for tile in made.pieces]
            found, seconds = search(tiles)
            score = judge(found, asked(made))
            show(game, mode, score, seconds)
            total.add(score)
    for mode, total in totals.items():
        show("all", mode, total)
    met = all(total.precision() >= 0.99 and total.recall() >= 0.9 for total in totals.values())
    return 0 if met else 1


def show(game: str, mode: str, score: Score, seconds: float | None = None) -> None:
    """Print one score."""
    time_taken = "" if seconds is None else f", {seconds:.1f} s"
    print(
        f"{game}, {mode}: precision {score.precision():.4f}, recall {score.recall():.3f}, "
        f"{score.wrong} wrong pairs{time_taken}"
    )
    if seconds is not None:
        for cut, count in score.asked.items():
            print(f"    {cut:20} {score.right[cut]} of {count} pairs")


if __name__ == "__main__":
    sys.exit(main())
