"""Make the sample dump: `python recipes/samples/make_oot.py` writes recipes/samples/oot, the same every time.

Every picture is stored in its N64 texel format and named as GLideN64 would have dumped it: the checksums in
the names are the Rice CRCs of the stored texels and palettes.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import panorama
import plants
import scenery
import symbols
from shapes import Floats, ramp

from texpipe.formats.rice_crc import palette_crc, rice_crc
from texpipe.imaging.image_files import encode_png
from texpipe.imaging.texel_formats import decode, encode, quantise
from texpipe.texture import Rgba8, TexelFormat

GAME = "THE LEGEND OF ZELDA"
OUTPUT = Path(__file__).parent / "oot"
STRIP_ROWS = 6
"""320 RGBA16 texels are 640 bytes, and 4096 bytes of texture memory hold six such rows."""

NUMBERS: dict[str, tuple[int, int]] = {
    **{"rgba16": (0, 2), "rgba32": (0, 3), "ci4": (2, 0), "ci8": (2, 1), "ia4": (3, 0)},
    **{"ia8": (3, 1), "ia16": (3, 2), "i4": (4, 0), "i8": (4, 1)},
}


@dataclass(frozen=True)
class Label:
    """What a sample is: its name, its texel format, and what a classifier should say of it.

    `x` and `y` are "any" where wrap, mirror and clamp come to the same.
    """

    name: str
    texels: TexelFormat
    alpha: str
    x: str
    y: str


@dataclass(frozen=True, eq=False)
class Sample:
    """A texture as the emulator dumps it, and under which file name."""

    label: Label
    rgba: Rgba8
    file: str


@dataclass(frozen=True)
class Drawn:
    """A picture to be stored: how to draw it, and for indexed formats how many colours it may have."""

    label: Label
    draw: Callable[[], Floats]
    colours: int = 0


def _drawn(
    name: str, texels: TexelFormat, alpha: str, edges: str, draw: Callable[[], Floats], colours: int = 0
) -> Drawn:
    x, _, y = edges.partition(" ")
    return Drawn(Label(name, texels, alpha, x, y or x), draw, colours)


BOTH, ACROSS, NONE = "wrap", "wrap clamp", "clamp"
PICTURES = (
    _drawn("cobbles", "rgba16", "opaque", BOTH, scenery.cobbles),
    _drawn("path_stones", "ci4", "opaque", BOTH, scenery.path_stones, 16),
    _drawn("flagstones", "ci4", "opaque", BOTH, scenery.flagstones, 16),
    _drawn("meadow", "rgba16", "opaque", BOTH, scenery.meadow),
    _drawn("floor_boards", "ci8", "opaque", BOTH, scenery.floor_boards, 200),
    _drawn("mossy_bricks", "rgba16", "opaque", BOTH, scenery.mossy_bricks),
    _drawn("water_1", "rgba16", "opaque", BOTH, lambda: scenery.water(1)),
    _drawn("water_2", "rgba16", "opaque", BOTH, lambda: scenery.water(2)),
    _drawn("lava", "rgba16", "opaque", BOTH, scenery.lava),
    _drawn("carpet", "i8", "mask", BOTH, scenery.carpet),
    _drawn("rough_metal", "i4", "mask", BOTH, scenery.rough_metal),
    _drawn("roof_tiles", "rgba16", "opaque", BOTH, scenery.roof_tiles),
    _drawn("sand", "i4", "mask", BOTH, symbols.sand),
    _drawn("cloud_layer", "i8", "mask", BOTH, symbols.cloud_layer),
    _drawn(
        "ripples",
        "ia8",
        "soft",
        BOTH,
        lambda: symbols.ripples(scenery.light(scenery.freedoom("anim_fwater1", 2))),
    ),
    _drawn("waterfall", "ia8", "soft", BOTH, symbols.waterfall),
    _drawn("lattice", "rgba16", "binary", BOTH, scenery.lattice),
    _drawn("leaves", "rgba16", "binary", BOTH, plants.leaves),
    _drawn("brick_wall", "rgba16", "opaque", ACROSS, scenery.brick_wall),
    _drawn("planks", "rgba16", "opaque", ACROSS, scenery.planks),
    _drawn("cliff", "ci8", "opaque", ACROSS, scenery.cliff, 240),
    _drawn("sky", "ci8", "opaque", ACROSS, scenery.sky, 128),
    _drawn("iron_bars", "rgba16", "binary", ACROSS, scenery.iron_bars),
    _drawn("grass_blades", "rgba16", "binary", ACROSS, plants.grass_blades),
    _drawn("ivy", "ci4", "binary", ACROSS, plants.ivy, 16),
    _drawn("shore", "rgba32", "soft", ACROSS, scenery.shore),
    _drawn("foam", "ia8", "soft", ACROSS, symbols.foam),
    _drawn("door_half", "rgba16", "opaque", "mirror clamp", scenery.door_half),
    _drawn("stained_glass", "ci8", "opaque", "mirror", scenery.stained_glass, 96),
    _drawn("glow_quarter", "i8", "mask", "mirror", lambda: symbols.glow_quarter(32)),
    _drawn("magic_circle", "ia8", "soft", "mirror", symbols.magic_circle),
    _drawn("tree", "ci8", "binary", NONE, plants.tree, 128),
    _drawn("stump", "rgba16", "binary", NONE, plants.stump),
    _drawn("crate", "rgba16", "opaque", NONE, scenery.crate, 60),
    _drawn("crate_again", "ci8", "opaque", NONE, scenery.crate, 60),
    _drawn("sign", "ci8", "opaque", NONE, scenery.sign, 128),
    _drawn("face", "rgba16", "binary", NONE, lambda: scenery.freedoom("ui_stfst01")),
    _drawn("fire_ball", "rgba16", "binary", NONE, lambda: scenery.freedoom("sprite_bal1a0")),
    _drawn("heart_full", "rgba32", "soft", NONE, lambda: symbols.heart(1)),
    _drawn("heart_half", "rgba32", "soft", NONE, lambda: symbols.heart(0.5)),
    _drawn("button_a", "rgba32", "soft", NONE, lambda: symbols.button("A", (20, 60, 150), (120, 190, 255))),
    _drawn("bomb", "rgba32", "soft", NONE, symbols.bomb),
    _drawn("sword", "rgba32", "soft", NONE, symbols.sword),
    _drawn("bottle", "rgba32", "soft", NONE, symbols.bottle),
    _drawn("arrow", "ia4", "binary", NONE, symbols.arrow),
    _drawn("map_marker", "ia4", "binary", NONE, symbols.map_marker),
    _drawn("crosshair", "ia8", "soft", NONE, symbols.crosshair),
    _drawn("digit_4", "ia16", "soft", NONE, lambda: symbols.digit("4")),
    _drawn("digit_7", "ia16", "soft", NONE, lambda: symbols.digit("7")),
    _drawn("smoke_1", "ia8", "soft", NONE, lambda: symbols.smoke(0)),
    _drawn("smoke_2", "ia8", "soft", NONE, lambda: symbols.smoke(2)),
    _drawn("glow", "i8", "mask", NONE, lambda: symbols.glow(32)),
    _drawn("lens_ring", "i8", "mask", NONE, symbols.lens_ring),
    _drawn("lens_star", "i8", "mask", NONE, symbols.lens_star),
    _drawn("shadow", "ia8", "soft", NONE, symbols.shadow),
    _drawn("flame", "ia16", "soft", NONE, symbols.flame),
    _drawn("flat_green", "rgba16", "opaque", "any", lambda: symbols.flat(8, 8, (74, 132, 66))),
    _drawn("flat_white", "rgba32", "opaque", "any", lambda: symbols.flat(4, 4, (255, 255, 255))),
    _drawn(
        "skin_tone",
        "rgba16",
        "opaque",
        "clamp any",
        lambda: symbols.colour_ramp(32, (90, 40, 24), (255, 226, 180)),
    ),
    _drawn("fade", "i8", "mask", "clamp any", lambda: symbols.fade(64)),
    _drawn("four_by_four", "rgba16", "opaque", NONE, lambda: scenery.cobbles()[4:8, 10:14]),
    *(_drawn(f"glyph_{letter}", "i4", "mask", NONE, partial(symbols.glyph, letter)) for letter in "AMSZ"),
    _drawn("glyph_question", "i4", "mask", NONE, lambda: symbols.glyph("?")),
)
"""All pictures but those with two palettes and the split one."""


def samples() -> Iterator[Sample]:
    """Make every sample."""
    for drawn in PICTURES:
        yield from stored(drawn)
    yield from two_gems()
    yield from two_soldiers()
    yield from strips()


def stored(drawn: Drawn) -> Iterator[Sample]:
    """Store a picture in its texel format."""
    rgba = to_bytes(drawn.draw())
    if drawn.colours:
        rgba = few_colours(quantise(rgba, "rgba16"), drawn.colours)
    if drawn.label.texels in ("ci4", "ci8"):
        yield from indexed([drawn.label], [rgba])
    else:
        yield direct(drawn.label, rgba)


def direct(label: Label, rgba: Rgba8) -> Sample:
    """Store a picture in a format without palette."""
    rgba = quantise(rgba, label.texels)
    height, width = rgba.shape[:2]
    fmt, siz = NUMBERS[label.texels]
    crc = rice_crc(encode(rgba, label.texels).data, width, height, siz)
    return Sample(label, rgba, f"{GAME}#{crc:08X}#{fmt:X}#{siz:X}_all.png")


def indexed(labels: list[Label], pictures: list[Rgba8]) -> Iterator[Sample]:
    """Store pictures of one size as one picture of indices with a palette each."""
    texels = labels[0].texels
    height, width = pictures[0].shape[:2]
    codes = np.stack([_codes(picture) for picture in pictures], axis=-1).reshape(-1, len(pictures))
    palettes, indices = np.unique(codes, axis=0, return_inverse=True)
    # Encoded with entries that all differ, so that two indices of one colour stay two.
    numbers = (np.arange(len(palettes)) * 2 + 1).astype(">u2").tobytes()
    plain = decode(np.frombuffer(numbers, ">u2")[indices].tobytes(), (width, height), "rgba16")
    data = encode(plain, texels, numbers).data
    fmt, siz = NUMBERS[texels]
    crc = rice_crc(data, width, height, siz)
    for label, entries in zip(labels, palettes.T, strict=True):
        palette = entries.astype(">u2").tobytes()
        file = f"{GAME}#{crc:08X}#{fmt:X}#{siz:X}#{palette_crc(palette, len(entries) - 1):08X}_ciByRGBA.png"
        yield Sample(label, decode(data, (width, height), texels, palette), file)


def _codes(rgba: Rgba8) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    return np.frombuffer(encode(rgba, "rgba16").data, ">u2").astype(np.uint16)


def two_gems() -> Iterator[Sample]:
    """One gem under two palettes of 16 colours."""
    grey = few_colours(to_bytes(symbols.gem()), 15)
    labels = [Label(f"gem_{colour}", "ci4", "binary", "clamp", "clamp") for colour in ("green", "blue")]
    green = ramp(grey[..., 0] / 255, (8, 40, 12), (36, 170, 50), (214, 255, 190))
    blue = ramp(grey[..., 0] / 255, (10, 20, 70), (50, 96, 226), (206, 226, 255))
    yield from indexed(labels, [_recolour(grey, colour) for colour in (green, blue)])


def _recolour(rgba: Rgba8, rgb: Floats) -> Rgba8:
    return np.dstack([to_bytes(rgb) * (rgba[..., 3:] > 0), rgba[..., 3]])


def two_soldiers() -> Iterator[Sample]:
    """One figure under two palettes of up to 256 colours."""
    labels = [Label(f"soldier_{colour}", "ci8", "binary", "clamp", "clamp") for colour in ("green", "red")]
    figures = [scenery.freedoom(f"ci8_player_{colour}")[:50, 4:44] for colour in ("green", "red")]
    yield from indexed(labels, [to_bytes(figure) for figure in figures])


def strips() -> Iterator[Sample]:
    """One painted view, cut into strips of six rows as the console draws it."""
    picture = quantise(to_bytes(panorama.panorama()), "rgba16")
    for number, top in enumerate(range(0, len(picture), STRIP_ROWS)):
        label = Label(f"panorama_{number:02}", "rgba16", "opaque", "clamp", "clamp")
        yield direct(label, picture[top : top + STRIP_ROWS])


def to_bytes(layer: Floats) -> Rgba8:
    """Turn [0, 1] into bytes."""
    return (np.clip(layer, 0, 1) * 255).round().astype(np.uint8)


def few_colours(rgba: Rgba8, count: int) -> Rgba8:
    """Reduce a picture to that many RGBA5551 colours, all hidden pixels being one of them.

    The median cut of Heckbert (1982): the box of colours with the widest channel is cut in two until there
    are enough, and each box becomes the mean of its pixels.
    """
    visible = rgba[..., 3] >= 128
    pixels = rgba[visible][:, :3].astype(int)
    boxes = [np.arange(len(pixels))]
    while len(boxes) < count - int(not visible.all()):
        spread = [np.ptp(pixels[box], axis=0).max() * (1 + 0.02 * len(box) ** 0.5) for box in boxes]
        widest = int(np.argmax(spread))
        if spread[widest] == 0:
            break
        box = boxes.pop(widest)
        channel = int(np.ptp(pixels[box], axis=0).argmax())
        order = box[np.argsort(pixels[box, channel], kind="stable")]
        values = pixels[order, channel]
        cuts = np.flatnonzero(values[1:] != values[:-1]) + 1
        cut = cuts[np.abs(cuts - len(order) / 2).argmin()]
        boxes += [order[:cut], order[cut:]]
    reduced = np.zeros_like(rgba)
    colours = np.zeros_like(pixels)
    for box in boxes:
        colours[box] = pixels[box].mean(axis=0).round()
    reduced[visible] = np.concatenate([colours, np.full((len(pixels), 1), 255)], axis=1)
    return quantise(reduced, "rgba16")


def main() -> None:
    """Write the dump and the table of what each file is."""
    for old in OUTPUT.glob("*.png"):
        old.unlink()
    with (OUTPUT / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["file", "name", "texels", "alpha", "x", "y"])
        for sample in samples():
            (OUTPUT / sample.file).write_bytes(encode_png(sample.rgba))
            label = sample.label
            table.writerow([sample.file, label.name, label.texels, label.alpha, label.x, label.y])


if __name__ == "__main__":
    main()
