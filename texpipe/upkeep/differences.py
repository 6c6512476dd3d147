"""How two packs differ: what was added, removed or changed, how much, and who made either picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from texpipe.errors import PackError, SourceError
from texpipe.imaging.visible import premultiplied, without_hidden
from texpipe.progress import Progress
from texpipe.texture import Rgba8
from texpipe.upkeep.any_pack import AnyPack, PackEntry, PackTexture
from texpipe.upkeep.keys import TextureKey, key_of
from texpipe.upkeep.provenance import BY_HAND, EDITED, OTHERS, UNKNOWN, Makers

SCHEMA = "texpipe.diff/1"

Change: TypeAlias = Literal["added", "removed", "changed", "moved", "same pixels", "other file"]
"""`same pixels`: other bytes of the same picture. `other file`: a changed file that is no picture."""
CHANGES: tuple[Change, ...] = get_args(Change)


@dataclass(frozen=True)
class Difference:
    """A file that two packs do not have in common.

    Attributes:
        name: of the file; where it moved, in the second pack.
        change: what happened to it.
        before, after: who made the picture in either pack; None where there is none.
        sizes: width and height in either pack; None where there is no picture.
        levels: mean difference of the visible pixels, in levels of 255; None unless both have one size.
        share: share of pixels that differ, 0 to 1; None likewise.
        was: its name in the first pack, where it moved.
        why: how its maker changed, in a few words.
        pictures: the entries themselves, for pages that show them.
    """

    name: str
    change: Change
    before: str | None = None
    after: str | None = None
    sizes: tuple[tuple[int, int] | None, tuple[int, int] | None] = (None, None)
    levels: float | None = None
    share: float | None = None
    was: str | None = None
    why: str = ""
    pictures: tuple[PackEntry | None, PackEntry | None] = field(default=(None, None), repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "name": self.name,
            "change": self.change,
            "was": self.was,
            "before": self.before,
            "after": self.after,
            "sizes": self.sizes,
            "levels": None if self.levels is None else round(self.levels, 4),
            "share": None if self.share is None else round(self.share, 4),
            "why": self.why,
        }


@dataclass(frozen=True)
class Differences:
    """How two packs differ.

    Attributes:
        files: that differ, in order of their names.
        equal: how many files are the same.
        problems: what cannot be read, one line each.
    """

    files: tuple[Difference, ...]
    equal: int
    problems: tuple[str, ...] = ()

    def count(self, change: Change) -> int:
        """Return how many files were changed in this way."""
        return sum(one.change == change for one in self.files)

    def as_json(self) -> dict[str, Any]:
        """Return everything as one JSON object."""
        summary = {"equal": self.equal} | {str(change): self.count(change) for change in CHANGES}
        return {
            "schema": SCHEMA,
            "summary": summary,
            "files": [one.as_json() for one in self.files],
            "problems": list(self.problems),
        }


def differences(
    one: AnyPack, other: AnyPack, *, progress: Callable[[Progress], None] = lambda _: None
) -> Differences:
    """Compare two packs file by file; containers, entry by entry.

    A file that is gone and one that is new are the same texture where the emulator finds both by one name.

    Args:
        one, other: from `open_pack`; two container files are compared whatever they are called.
        progress: called after each file.
    """
    before, after = _by_name(one), _by_name(other)
    textures = (_textures_by_name(one), _textures_by_name(other))
    makers = (Makers.of(one.root), Makers.of(other.root))
    moved = _moved(before.keys() - after.keys(), after.keys() - before.keys(), textures)
    names = sorted((before.keys() | after.keys()) - set(moved))
    found: list[Difference] = []
    problems = [*one.problems, *other.problems]
    equal = 0
    was = {new: old for old, new in moved.items()}
    for number, name in enumerate(names, start=1):
        pair = (before.get(was.get(name, name)), after.get(name))
        try:
            difference = _difference(name, was.get(name), pair, textures, makers)
        except (PackError, SourceError) as error:
            problems.append(f"{name}: {error.message}")
        else:
            equal += difference is None
            found += [] if difference is None else [difference]
        progress(Progress("read", number, len(names)))
    return Differences(tuple(found), equal, tuple(problems))


def _name(pack: AnyPack, entry: PackEntry) -> str:
    """Return the name of a file in a pack; that of a pack that is one container does not count."""
    return entry.inside if pack.root.is_file() else entry.name


def _by_name(pack: AnyPack) -> dict[str, PackEntry]:
    return {_name(pack, entry): entry for entry in pack.entries}


_Textures: TypeAlias = "tuple[Mapping[str, PackTexture], Mapping[str, PackTexture]]"


def _textures_by_name(pack: AnyPack) -> dict[str, PackTexture]:
    return {_name(pack, one.entry): one for one in pack.textures}


def _moved(gone: set[str], new: set[str], textures: _Textures) -> dict[str, str]:
    """Return the old name -> the new one of textures that the emulator finds in another folder, each once."""
    there: dict[tuple[str | None, TextureKey], str] = {}
    for name in sorted(new):
        for key in _keys(textures[1].get(name)):
            there.setdefault(key, name)
    found: dict[str, str] = {}
    for name in sorted(gone):
        target = next((there[key] for key in _keys(textures[0].get(name)) if key in there), None)
        if target is not None and target not in found.values() and _top(name) == _top(target):
            found[name] = target
    return found


def _top(name: str) -> str:
    """Return the first folder: a pack may hold those of several emulators."""
    return PurePosixPath(name).parts[0]


def _keys(texture: PackTexture | None) -> Iterator[tuple[str | None, TextureKey]]:
    yield from (() if texture is None else ((name.game, key_of(name)) for name in texture.names))


def _difference(
    name: str,
    was: str | None,
    pair: tuple[PackEntry | None, PackEntry | None],
    textures: _Textures,
    makers: tuple[Makers, Makers],
) -> Difference | None:
    old, new = pair
    if old is not None and new is not None and was is None and old.digest() == new.digest():
        return None
    known = (textures[0].get(was or name), textures[1].get(name))
    by = tuple(None if one is None else maker.of_file(one) for one, maker in zip(known, makers, strict=True))
    pixels = tuple(None if one is None or one.pixels is None else one.pixels() for one in pair)
    sizes = (_size(pixels[0]), _size(pixels[1]))
    if old is None or new is None:
        change: Change = "added" if old is None else "removed"
        return Difference(name, change, by[0], by[1], sizes, pictures=pair)
    if pixels[0] is None or pixels[1] is None:
        same = old.digest() == new.digest()
        return Difference(
            name, "moved" if same else "other file", by[0], by[1], sizes, was=was, pictures=pair
        )
    levels, share = _distance(pixels[0], pixels[1])
    same_pixels: Change = "moved" if was is not None else "same pixels"
    change = same_pixels if share == 0 and sizes[0] == sizes[1] else "changed"
    why = _why(by[0], by[1]) if change == "changed" else ""
    return Difference(name, change, by[0], by[1], sizes, levels, share, was, why, pair)


def _size(rgba: Rgba8 | None) -> tuple[int, int] | None:
    return None if rgba is None else (rgba.shape[1], rgba.shape[0])


def _distance(one: Rgba8, other: Rgba8) -> tuple[float | None, float | None]:
    """Return mean difference in levels and share of pixels that differ where visible; None for two sizes."""
    if one.shape != other.shape:
        return None, None
    differs = (without_hidden(one) != without_hidden(other)).any(axis=-1)
    if not differs.any():
        return 0.0, 0.0
    return float(np.abs(premultiplied(one) - premultiplied(other)).mean()), float(differs.mean())


def _why(before: str | None, after: str | None) -> str:
    """Say how the maker of a texture changed."""
    if UNKNOWN in (before, after) or None in (before, after):
        return ""
    if after == EDITED:
        return "edited by hand since the run"
    if before == after:
        return "made again with other settings, or from another source"
    names = [str(one).partition(", detail")[0] for one in (before, after)]
    if names[0] == names[1]:
        return "other detail of the same model"
    if after == BY_HAND:
        return "replaced by hand"
    return "made in another way" if {before, after} & OTHERS else "upscaled again by another model"
