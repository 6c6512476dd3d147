"""Textures of which it is known what they show: by the folders of free games, and by how they were made.

`kind_labels.csv` names folders of packages of Debian, each unpacked in a folder of its name (`apt-get download NAME;
dpkg-deb -x NAME_*.deb GAMES/NAME`), whose .pk3, .wz and .zip archives are unpacked in its folder `pk3`. What a folder
holds was looked at. `tileability_labels.csv` adds grounds, walls, skies and all of Freedoom. Letters are drawn with
fonts, which are looked for in these packages too, and data are made by rule.

`part` says what a source is for: trees are fitted to "fit"; "tuned" has a say in what counts as sure, and no other;
"judged" has none, but for the probability of cut-outs; "checked" has none in anything. No game and no font is in two.

What counts as HUD are gauges, buttons, frames, panels, cursors, crosshairs, arrows, symbols and pictograms. Digits and
words are letters, wherever they are. Pictures of things on nothing, which are an inventory's icons in one game and
sprites in another, are left out; where "judged" has them, their kind is "thing".
"""

from __future__ import annotations

import csv
import random as choices
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
from console import console
from labelled import Label, labels, load, seeded
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from texpipe.texture import Edges, Rgba8

Floats = NDArray[np.float32]

LABELS = Path(__file__).with_name("kind_labels.csv")
JUDGED = ("supertuxkart-data", "cube2-data")
"""Packages of tileability_labels.csv that belong to the part "judged"."""
FONTS: dict[str, tuple[str, ...]] = {
    "fit": (
        "*DejaVu*",
        "*Lato*",
        "*FreeS*",
        "*FreeM*",
        "*vera*",
        "*Droid*",
        "*Liberation*",
        "*SourceCode*",
        "*Nanum*",
        "*D2Coding*",
        "Roboto-*",
        "ComicNeue*",
        "Cantarell*",
        "Carlito*",
        "Jura*",
        "LinL*",
        "LinB*",
        "OldStandard*",
        "Dustismo*",
        "Play*",
        "Inconsolata*",
        "Ubuntu-Title*",
        "Humor*",
        "Junction*",
        "PenguinAttack*",
        "Wargames*",
        "Winks*",
        "Arimo*",
        "Tinos*",
        "Cousine*",
        "Caladea*",
        "Cabin*",
        "GenBas*",
        "GenBkBas*",
        "Anonymous*",
        "Ecolier*",
        "Klaudia*",
        "Tomson*",
        "OpenSans*",
        "mononoki*",
        "Quicksand*",
        "Oxygen*",
        "breip*",
        "Isabella*",
        "CourierPrime*",
        "Courier_Prime*",
        "Yanone*",
        "Vollkorn*",
        "EBGaramond*",
        "Andika*",
        "Hack*",
        "Fira*",
        "Lobster*",
        "lobster*",
        "LeagueMono-[BRT]*",
        "El_Abogado*",
        "Junkyard*",
        "Rufscript*",
        "Domestic*",
        "MarkedFool*",
        "Aoyagi*",
    ),
    "tuned": (),
    "checked": ("tiresias*",),
    "judged": (
        "JetBrainsMono-[BR]*",
        "AveriaSans*",
        "BebasNeue*",
        "OpenDyslexic*",
        "LindenHill*",
        "Comfortaa*",
        "DancingScript*",
        "Beteckna*",
        "okolaks*",
        "monof5*",
        "OCRA*",
        "Museum*",
        "Kristi*",
        "LeckerliOne*",
        "summersby*",
        "dkg*",
        "AtariSmall*",
        "GFSNeo*",
        "Prociono*",
        "SteveHand*",
        "Delphine*",
        "Balker*",
    ),
}
"""Patterns of the files of fonts."""
_KINDS = {
    "floor": "ground", "wall": "ground", "ground": "ground", "block": "ground",
    "glyph": "letters", "face": "face", "hud": "hud", "cut-out": "cut-out", "title": "picture", "sky": "picture",
}  # fmt: skip
_NOT_WORDS = (
    "ui/m_therm*",
    "ui/m_ls*",
    "ui/m_skull*",
    "ui/m_slider*",
    "ui/wimap*",
    "ui/wip?",
    "ui/wibp*",
    "ui/m_doom",
    "ui/stdisk",
    "ui/starms",
)
"""Pictures of Freedoom's menus that are no words."""
SIDES = (16, 32, 64)
FLAT = 3
"""Levels that a ground's colours must spread by to show anything."""


@dataclass(frozen=True, eq=False)
class Sample:
    """A texture as a console stored it, where it is from, and its kind."""

    source: str
    name: str
    kind: str
    rgba: Rgba8


def samples(games: Path, part: str) -> Iterator[Sample]:
    """Make all samples of a part; the seed of each is its name. What is not in `games` is left out."""
    yield from _of_folders(games, part)
    yield from _of_labels(games, part)
    yield from _letters(games, part)
    yield from _icons(part)
    yield from _data(games, part)


def _of_folders(games: Path, part: str) -> Iterator[Sample]:
    with LABELS.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["part"] == part]
    for row in rows:
        root = games / row["package"]
        found = sorted(file for file in root.glob(_deep(row["pattern"])) if file.is_file())
        found = [
            file for file in found if not any(fnmatch(file.name, one) for one in row["without"].split("|"))
        ]
        for file in choices.Random(row["pattern"]).sample(found, min(len(found), int(row["most"]))):
            name = f"{row['package']}/{file.relative_to(root)}"
            if (rgba := _picture(file)) is None:
                continue
            if row["kind"] == "letter-sheet":
                yield from _cut(row["package"], name, rgba)
            else:
                yield from _forms(row["package"], name, row["kind"], rgba)


def _cut(source: str, name: str, rgba: Rgba8) -> Iterator[Sample]:
    """Yield some pieces of a sheet of letters, as large as consoles keep them, that have ink in them."""
    random = seeded(f"sheet {name}")
    for _ in range(40):
        height, width = ((16, 16), (16, 32), (32, 32), (16, 64), (64, 64), (32, 128))[int(random.integers(6))]
        height = min(height, rgba.shape[0])
        if rgba.shape[1] < width or height < 8:
            continue
        top = int(random.integers(rgba.shape[0] - height + 1))
        left = int(random.integers(rgba.shape[1] - width + 1))
        piece = rgba[top : top + height, left : left + width]
        if 0.04 < (piece[..., 3] > 127).mean() < 0.8:
            yield Sample(source, name, "letters", np.ascontiguousarray(piece))


def _deep(pattern: str) -> str:
    folder, _, name = pattern.rpartition("/")
    return f"{folder}/**/{name}" if folder else f"**/{name}"


def _picture(file: Path) -> Rgba8 | None:
    try:
        with Image.open(file) as image:
            return np.asarray(image.convert("RGBA"))
    except OSError:
        return None


def _of_labels(games: Path, part: str) -> Iterator[Sample]:
    for label in (*labels("fit"), *labels("table")) if part in ("fit", "judged") else ():
        kind = _kind_of(label)
        if kind is None or (label.package in JUDGED) != (part == "judged"):
            continue
        rgba = load(games, label)
        if rgba is not None:
            yield from _forms(label.package, f"{label.package}/{label.path}", kind, rgba)


def _kind_of(label: Label) -> str | None:
    if label.package == "freedoom" and label.kind == "hud":
        return "hud" if any(fnmatch(label.path, one) for one in _NOT_WORDS) else "letters"
    if label.kind == "picture" and label.package == "textures-train":
        return "cut-out"  # those with holes; see `_forms`
    return _KINDS.get(label.kind)


def _forms(source: str, name: str, kind: str, rgba: Rgba8) -> Iterator[Sample]:
    """Yield a picture as a console may have stored it: in some size and format; whole, cut or padded."""
    random = seeded(f"kind {name}")
    if kind == "picture":
        yield from (Sample(source, name, kind, one) for one in _pieces(rgba, random))
        return
    if kind == "cut-out" and (rgba[..., 3] < 128).mean() < 0.05:
        return
    if kind in ("letters", "hud", "face", "cut-out"):
        rgba = _trimmed(rgba)
    for small in _reduced(rgba, kind, random):
        if kind == "face" and (small[..., 3] < 128).mean() > 0.05:
            continue
        if kind == "ground" and small[..., :3].std(axis=(0, 1)).max() < FLAT:
            continue
        if (small[..., 3] > 0).any() and min(small.shape[:2]) >= (8 if kind == "hud" else 4):
            yield Sample(source, name, kind, small)


def _trimmed(rgba: Rgba8) -> Rgba8:
    down, across = (np.flatnonzero((rgba[..., 3] > 0).any(axis=axis)) for axis in (1, 0))
    return rgba[down[0] : down[-1] + 1, across[0] : across[-1] + 1] if len(down) else rgba


def _reduced(rgba: Rgba8, kind: str, random: np.random.Generator) -> Iterator[Rgba8]:
    long = max(rgba.shape[:2])
    edges = Edges("wrap", "wrap") if kind == "ground" else Edges()
    if long <= 72:
        yield _framed(rgba, kind, random)
    sides = [side for side in SIDES if side * 1.5 <= long]
    for side in random.permutation(sides)[:2]:
        factor = max(2, round(long / int(side)))
        factor = factor if factor <= 8 else factor // 2 * 2
        if min(rgba.shape[:2]) // factor >= 8:
            yield _framed(console(_floats(rgba), factor, edges, random), kind, random)


def _framed(rgba: Rgba8, kind: str, random: np.random.Generator) -> Rgba8:
    """Pad what has a shape to powers of two, or not; put what is no cut-out over a colour at times."""
    if kind in ("ground", "picture", "data"):
        return rgba
    if random.random() < 0.6:
        height, width = (max(8, 1 << (side - 1).bit_length()) for side in rgba.shape[:2])
        padded = np.zeros((height, width, 4), np.uint8)
        place = random.random() < 0.6
        top, left = (
            (out - side) // 2 if place else 0 for out, side in zip((height, width), rgba.shape, strict=False)
        )
        padded[top : top + rgba.shape[0], left : left + rgba.shape[1]] = rgba
        rgba = padded
    if kind != "cut-out" and random.random() < (0.8 if kind == "face" else 0.3):
        over = np.concatenate([random.integers(0, 80, 3), [255]]).astype(np.uint8)
        rgba = np.where(rgba[..., 3:] > 127, rgba, over)
    return rgba


def _floats(rgba: Rgba8) -> Floats:
    floats = rgba.astype(np.float32) / 255
    return floats[..., :3] if (rgba[..., 3] == 255).all() else floats


def _pieces(rgba: Rgba8, random: np.random.Generator) -> Iterator[Rgba8]:
    """Yield a picture of 320 texels whole and reduced, and some of the pieces that a console splits it into."""
    factor = max(1, round(rgba.shape[1] / 320))
    factor = factor if factor <= 8 else factor // 2 * 2
    small = console(_floats(rgba), factor, Edges(), random) if factor > 1 else rgba
    height, width = ((64, 32), (32, 64), (64, 64))[int(random.integers(3))]
    places = [
        (top, left)
        for top in range(0, small.shape[0] - height + 1, height)
        for left in range(0, small.shape[1] - width + 1, width)
    ]
    for number in random.permutation(len(places))[:2]:
        top, left = places[number]
        yield small[top : top + height, left : left + width]
    side = int(random.choice([64, 128]))
    factor = max(2, rgba.shape[1] // side)
    factor = factor if factor <= 8 else factor // 2 * 2
    if min(rgba.shape[:2]) // factor >= 8:
        yield console(_floats(rgba), factor, Edges(), random)


_WORDS = (
    "PUSH START", "Options", "Time", "LAP 2/3", "Game Over", "Continue?", "Load", "SAVE", "Player 1", "Score", "x 12",
    "YES", "NO", "Press A", "Stage", "Level 4", "READY", "GO!", "Winner", "Pause", "Quit", "00:59", "Bomb", "HP", "MAX",
)  # fmt: skip
_SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789?!&%+-.:"


def _letters(games: Path, part: str) -> Iterator[Sample]:
    """Draw letters, words, lines and sheets with every font of a part, as white, coloured, outlined or shaded ink."""
    roots = (Path("/usr/share/fonts"), games)
    files = {
        file.name: file
        for root in roots
        for file in sorted([*root.rglob("*.ttf"), *root.rglob("*.otf")])
        if file.exists()
    }
    for pattern in FONTS[part]:
        for file in (file for file in files.values() if fnmatch(file.name, pattern)):
            for number in range(14):
                random = seeded(f"{part} {file.name} {number}")
                rgba = _written(file, random, number)
                if rgba is not None:
                    yield Sample(f"font {pattern}", f"{file.name} {number}", "letters", rgba)
            for number in range(5 if part == "fit" else 0):
                rgba = _digit(file, seeded(f"digit {file.name} {number}"))
                yield Sample(f"font {pattern}", f"{file.name} digit {number}", "letters", rgba)


def _written(file: Path, random: np.random.Generator, number: int) -> Rgba8 | None:
    sheet = number % 7 == 6
    size = int(random.choice([8, 10, 12, 16] if sheet else [8, 12, 16, 24, 32]))
    font = ImageFont.truetype(str(file), size)
    if sheet:
        text = "\n".join("".join(random.choice(list(_SIGNS), 128 // size)) for _ in range(64 // size))
        height, width = 64, 128
    elif number % 7 in (3, 4):
        text = str(random.choice(_WORDS))
        _left, _top, right, bottom = font.getbbox(text)
        height, width = _two(bottom), _two(right)
    elif number % 7 == 5:
        text = "".join(random.choice(list(_SIGNS), 3))
        _, _, right, bottom = font.getbbox(text)
        height, width = int(bottom) + 2, int(right) + 2
    else:
        text = str(random.choice(list(_SIGNS)))
        height = width = _two(size)
        width = width // 2 if random.random() < 0.3 and width > 8 else width
    if max(height, width) > 256:
        return None
    return _inked(text, font, (height, width), random)


def _digit(file: Path, random: np.random.Generator) -> Rgba8:
    """Draw a large digit or letter as counters have them: shaded, with a rim, a light side and a shadow."""
    side = int(random.choice([12, 16, 24, 32, 48]))
    font = ImageFont.truetype(str(file), side * 4)
    text = str(random.choice(list("0123456789" if random.random() < 0.7 else _SIGNS)))
    left, top, right, bottom = font.getbbox(text)
    plane = Image.new("L", (int(right - left) // 4 * 4 + 24, int(bottom - top) // 4 * 4 + 24))
    ImageDraw.Draw(plane).text((10 - left, 10 - top), text, 255, font)
    height, width = plane.height // 4, plane.width // 4
    ink = np.asarray(plane.resize((width, height), Image.Resampling.BOX), np.float32) / 255
    ends = (
        random.integers(40, 256, (2, 3))
        if random.random() < 0.6
        else random.integers(40, 256, (2, 1)).repeat(3, 1)
    )
    place = np.linspace(0, 1, height)
    if random.random() < 0.4:
        place = np.abs(place * 2 - 1)
    painted = (ends[0] + place[:, None, None] * (ends[1] - ends[0])).repeat(width, 1)
    if random.random() < 0.5:
        light = ink - np.roll(ink, (1, 1), (0, 1))
        painted = painted + random.uniform(40, 160) * light[..., None]
    if random.random() < 0.4:
        painted = painted + random.normal(0, 12, (height, width, 1))
    alpha = ink
    if random.random() < 0.6:
        solid = Image.fromarray((ink * 255).astype(np.uint8))
        rim = np.asarray(solid.filter(ImageFilter.MaxFilter(3)), np.float32) / 255
        rim = np.maximum(ink, np.roll(rim, (1, 1), (0, 1))) if random.random() < 0.3 else rim
        colour = random.integers(0, 60, 3) if random.random() < 0.6 else random.integers(180, 256, 3)
        painted, alpha = painted * ink[..., None] + colour * (1 - ink[..., None]), rim
    rgba = np.dstack([painted.clip(0, 255), alpha * 255]).astype(np.uint8)
    return _framed(rgba, "letters", random)


def _two(side: float) -> int:
    return max(8, 1 << (int(side) - 1).bit_length())


def _inked(
    text: str, font: ImageFont.FreeTypeFont, shape: tuple[int, int], random: np.random.Generator
) -> Rgba8 | None:
    height, width = shape
    plane = Image.new("L", (width, height))
    draw = ImageDraw.Draw(plane)
    draw.fontmode = "1" if random.random() < 0.4 else "L"
    draw.multiline_text((width / 2, height / 2), text, 255, font, anchor="mm", spacing=1)
    ink = np.asarray(plane, np.float32) / 255
    if ink.max() < 0.5:
        return None
    colour = np.full(3, 255.0) if random.random() < 0.4 else random.integers(100, 256, 3)
    painted = np.broadcast_to(colour.astype(np.float32), (height, width, 3)).copy()
    if random.random() < 0.3:
        painted *= np.linspace(1, random.uniform(0.3, 0.8), height)[:, None, None]
    alpha = ink
    if random.random() < 0.3:
        rim = np.asarray(plane.filter(ImageFilter.MaxFilter(3)), np.float32) / 255
        painted = painted * ink[..., None]
        alpha = rim
    form = random.random()
    if form < 0.15:
        rgb = painted * alpha[..., None] + (1 - alpha[..., None]) * random.integers(0, 90, 3)
        return np.dstack([rgb, np.full((height, width), 255)]).astype(np.uint8)
    if form < 0.35:
        grey = (painted.mean(axis=2) * alpha)[..., None]
        return np.concatenate([grey, grey, grey, np.full_like(grey, 255) if form < 0.25 else grey], 2).astype(
            np.uint8
        )
    alpha = (alpha > 0.5).astype(np.float32) if random.random() < 0.4 else np.rint(alpha * 15) / 15
    rgb = np.where(alpha[..., None] > 0, painted, 0)
    return np.dstack([rgb // 8 * 8.226 if random.random() < 0.5 else rgb, alpha * 255]).astype(np.uint8)


def _icons(part: str) -> Iterator[Sample]:
    """Draw parts of a HUD: buttons, hearts, bars, frames, arrows, dials, with a light and a rim."""
    if part != "fit":
        return
    for form in ("button", "heart", "bar", "frame", "arrow", "dial", "diamond", "key"):
        for number in range(20):
            random = seeded(f"icon {form} {number}")
            side = int(random.choice([8, 16, 24, 32, 48]))
            yield Sample(f"icon {form}", f"{form} {number}", "hud", _icon(form, side, random))


def _icon(form: str, side: int, random: np.random.Generator) -> Rgba8:
    big = side * 8
    wide = big * 2 if form == "bar" else big
    image = Image.new("RGBA", (wide, big))
    draw = ImageDraw.Draw(image)
    fill = tuple(int(one) for one in random.integers(60, 256, 3))
    rim = tuple(int(one * 0.4) for one in fill)
    light = tuple(min(255, one + 90) for one in fill)
    m, line = big // 12, max(4, big // 14)
    if form in ("button", "dial"):
        draw.ellipse((m, m, big - m, big - m), fill, rim, line)
        draw.ellipse((big // 4, big // 5, big // 2, big // 3), light)
        if form == "dial":
            draw.line((big // 2, big // 2, big * 3 // 4, big // 4), rim, line)
    elif form == "heart":
        for left in (m, big // 2 - m):
            draw.ellipse((left, m, left + big // 2, big // 2 + m), fill)
        draw.polygon([(m + line, big // 2), (big - m - line, big // 2), (big // 2, big - m)], fill)
    elif form in ("bar", "frame"):
        draw.rounded_rectangle(
            (m, m, wide - m, big - m), line * 2, None if form == "frame" else rim, light, line
        )
        if form == "bar":
            draw.rectangle((2 * m, 2 * m, wide * random.uniform(0.3, 0.8), big - 2 * m), fill)
    elif form == "arrow":
        draw.polygon([(m, big // 2), (big // 2, m), (big // 2, big - m)], fill, rim, line)
        draw.rectangle((big // 2, big // 3, big - m, big * 2 // 3), fill, rim, line)
    elif form == "diamond":
        draw.polygon(
            [(big // 2, m), (big - m, big // 2), (big // 2, big - m), (m, big // 2)], fill, rim, line
        )
        draw.polygon([(big // 2, m), (big // 2, big // 2), (m, big // 2)], light)
    else:
        draw.ellipse((m, m, big // 2, big // 2), None, fill, line * 2)
        draw.line((big // 2, big // 2, big - m, big - m), fill, line * 2)
    small = np.asarray(image.resize((wide // 8, big // 8), Image.Resampling.BOX))
    small = np.rot90(small, int(random.integers(4))) if form in ("arrow", "key") else small
    return np.ascontiguousarray(small)


def _data(games: Path, part: str) -> Iterator[Sample]:
    """Make what is stored as a texture and is no picture: bytes, noise, palettes, normals, ramps and lights."""
    if part not in ("fit", "judged"):
        return
    code = _bytes_of(games, part)
    for form in ("bytes", "noise", "palette", "normals", "table", "light"):
        for number in range(40 if part == "fit" else 25):
            random = seeded(f"{part} {form} {number}")
            height, width = (int(random.choice([8, 16, 32, 64])) for _ in range(2))
            rgba = _datum(form, (height, width), random, code)
            yield Sample(f"made {number % 8}", f"{form} {number}", "data", rgba)


def _bytes_of(games: Path, part: str) -> NDArray[np.uint8]:
    """Return what lies in memory: programs to fit to, compressed sounds to judge by."""
    if part == "judged":
        files = sorted(file for package in JUDGED for file in (games / package).rglob("*.ogg"))[:60]
    else:
        files = [one for one in sorted(Path("/usr/bin").glob("[a-m]*"))[:60] if one.stat().st_size > 70000]
    return np.concatenate([np.fromfile(one, np.uint8, 60000, offset=4096) for one in files])


def _datum(form: str, shape: tuple[int, int], random: np.random.Generator, code: NDArray[np.uint8]) -> Rgba8:
    height, width = shape
    opaque = np.full((height, width, 1), 255, np.uint8)
    if form == "bytes":
        start = int(random.integers(len(code) - height * width * 4))
        raw = code[start : start + height * width * 4].reshape(height, width, 4)
        if random.random() < 0.4:
            words = raw[..., 0].astype(np.uint16) << 8 | raw[..., 1]
            rgb = np.stack([words >> 11 & 31, words >> 6 & 31, words >> 1 & 31], 2).astype(np.uint8) * 8
            return np.concatenate([rgb, ((words & 1) * 255).astype(np.uint8)[..., None]], axis=2)
        if random.random() < 0.5:
            return np.concatenate([raw[..., :1]] * 3 + [opaque], axis=2)
        return np.ascontiguousarray(raw)
    if form == "noise":
        grey = random.random() < 0.5
        noise = random.integers(0, 256, (height, width, 1 if grey else 3), np.uint8)
        return np.concatenate([np.broadcast_to(noise, (height, width, 3)), opaque], axis=2)
    if form == "palette":
        count = int(random.choice([16, 64, 256]))
        start = random.integers(0, 256, (4, 3))
        steps = np.linspace(0, 3, count)
        colours = np.stack([np.interp(steps, range(4), start[:, k]) for k in range(3)], 1)
        colours = (colours + random.normal(0, random.choice([2, 30]), colours.shape)).clip(0, 255)
        rows = colours.reshape(max(1, count // 16), 16, 3)
        return np.dstack([rows, np.full(rows.shape[:2], 255)]).astype(np.uint8)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    if form == "normals":
        bumps = _smooth(random, shape, float(random.uniform(0.5, 4)))
        slopes = np.stack([-np.gradient(bumps, axis=1), -np.gradient(bumps, axis=0), np.full(shape, 0.3)], 2)
        slopes /= np.linalg.norm(slopes, axis=2, keepdims=True)
        return np.concatenate([((slopes + 1) * 127.5).astype(np.uint8), opaque], axis=2)
    if form == "table":
        ramp = [x / width, y / height, (x / width + y / height) / 2, x / width * (y / height)][
            int(random.integers(4))
        ]
        levels = (ramp * random.uniform(150, 255))[..., None]
        return np.concatenate([np.repeat(levels, 3, 2), opaque], axis=2).astype(np.uint8)
    away = np.hypot((x - (width - 1) / 2) / width, (y - (height - 1) / 2) / height) * 2
    glow = (np.clip(1 - away, 0, 1) ** random.uniform(0.6, 2) * 255)[..., None]
    alpha = glow if random.random() < 0.5 else opaque
    return np.concatenate([np.repeat(glow, 3, 2), alpha], axis=2).astype(np.uint8)


def _smooth(random: np.random.Generator, shape: tuple[int, int], radius: float) -> NDArray[np.float64]:
    image = Image.fromarray(random.integers(0, 256, shape, np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), np.float64) / 64
