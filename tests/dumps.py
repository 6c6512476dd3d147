"""Small dumps on disk for tests of the whole pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from texpipe.imaging.image_files import encode_png
from texpipe.texture import Pass, RgbF

GAME = "THE LEGEND OF ZELDA"


def texture(seed: int, size: tuple[int, int] = (8, 8), alpha: str = "opaque") -> np.ndarray:
    """A seeded texture, H x W x 4 uint8: soft blobs of colour, and holes when `alpha` is "binary"."""
    width, height = size
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    phase, tilt = rng.uniform(0, 6, (3, 1, 1)), rng.uniform(0.3, 1.2, (3, 1, 1))
    rgb = (127 + 100 * np.sin(phase + tilt * x + tilt[::-1] * y)).transpose(1, 2, 0)
    mask = np.full((height, width), 255) if alpha == "opaque" else np.where((x + y) % 5 < 3, 255, 0)
    return np.dstack([rgb, mask]).astype(np.uint8)


def dump(folder: Path, count: int, size: tuple[int, int] = (8, 8)) -> list[str]:
    """Write `count` different textures under GLideN64 names; every fourth has 1-bit alpha."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{GAME}#{0x1000 + number:08X}#0#2_all.png" for number in range(count)]
    for number, name in enumerate(names):
        kind = "binary" if number % 4 == 3 else "opaque"
        (folder / name).write_bytes(encode_png(texture(number, size, kind)))
    return names


def write_recipe(folder: Path, extra: str = "") -> Path:
    """Write a recipe for the dump in `folder`/dump."""
    path = folder / "recipe.yaml"
    path.write_text(
        f"version: 1\nname: test\ngame: {GAME}\ninput: dump\noutput: out\ntargets: [gliden64]\n{extra}",
        "utf-8",
    )
    return path


def tree(folder: Path, leave_out: tuple[str, ...] = ("run.json", "checked", "finished")) -> dict[str, bytes]:
    """Return every file below a folder by relative path, but those that may differ between runs."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in leave_out
    }


def repeated(windows: Iterable[Sequence[Pass]], scale: int) -> Iterator[tuple[int, RgbF]]:
    """Stand for a network: give back each pass with its texels repeated."""
    for number, one in enumerate(chain.from_iterable(windows)):
        yield number, one.rgb.repeat(scale, 0).repeat(scale, 1)
