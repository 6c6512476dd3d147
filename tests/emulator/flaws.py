"""Packs gone wrong: what can be wrong with a texture, what `texpipe verify` says of it, and what the plugin shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from emulator.scene import GAME


@dataclass(frozen=True)
class Flaw:
    """`plant` spoils a file of a finished run; `said` is the rule, `shown` what is drawn in its place."""

    plant: Callable[[Path], None]
    said: str
    shown: Literal["part of it", "opaque", "original"]


def resized(x: float, y: float | None = None) -> Callable[[Path], None]:
    """Make a picture of another size; `y` is as `x` if not given."""

    def plant(file: Path) -> None:
        with Image.open(file) as picture:
            size = round(picture.width * x), round(picture.height * (y or x))
            changed = picture.resize(size, Image.Resampling.BOX)
        changed.save(file)

    return plant


def without_alpha(file: Path) -> None:
    """Leave three channels."""
    with Image.open(file) as picture:
        changed = picture.convert("RGB")
    changed.save(file)


def renamed(pattern: str, by: str | Callable[[re.Match[str]], str]) -> Callable[[Path], None]:
    """Rename a file below the output folder, and in the manifest, as if the run had called it so."""

    def plant(file: Path) -> None:
        output = next(folder for folder in file.parents if (folder / "manifest.json").is_file())
        before = file.relative_to(output).as_posix()
        after = re.sub(pattern, by, before)
        assert after != before
        (output / after).parent.mkdir(exist_ok=True)
        file.rename(output / after)
        manifest = output / "manifest.json"
        manifest.write_text(manifest.read_text("utf-8").replace(f'"{before}"', f'"{after}"'), "utf-8")

    return plant


lower_case = renamed("#[0-9A-F]{8}", lambda match: match[0].lower())
FLAWS: dict[str, Flaw] = {
    "leaves": Flaw(resized(3 / 4), "times one power of two", "part of it"),
    "flat wall": Flaw(resized(1, 2), "times one power of two", "part of it"),
    "spot": Flaw(without_alpha, "not an 8-bit RGBA picture", "opaque"),
    "palette of 256": Flaw(renamed("_ciByRGBA", "_all"), "it wants _ciByRGBA", "original"),
    "cut-out of 256": Flaw(renamed("#[0-9A-F]{8}_ci", "_ci"), "it wants _allciByRGBA", "original"),
    "IA16": Flaw(renamed("_all", "_ciByRGBA"), "it wants _all", "original"),
    "IA4": Flaw(renamed(f"{GAME}/", f"{GAME.title()}/"), f"not below a folder called {GAME}", "original"),
    "small": Flaw(renamed(f"{GAME}#", f"{GAME.title()}#"), "not below a folder called", "original"),
}
