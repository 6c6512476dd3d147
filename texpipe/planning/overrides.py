"""Which textures get a picture that somebody made by hand, and what is wrong with such pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from texpipe.analysis.inventory import Inventory
from texpipe.planning.texture_names import TextureNames, shown
from texpipe.read.hand_made import HandMade, find_hand_made, links_to_folders
from texpipe.texture import Source

MAX_FACTOR = 16
"""Largest factor by which a hand-made picture may be larger than its texture."""
_SHOWN_FILES = 10
"""Largest number of files of a folder that are named because no texture is like them."""


@dataclass(frozen=True)
class Overrides:
    """Hand-made pictures by texture.

    Attributes:
        by_texture: texture name -> its picture; one that cannot be used has a problem, and the texture fails.
        warnings: lines for people about files that are used for no texture, and links that are not followed.
    """

    by_texture: Mapping[str, HandMade]
    warnings: tuple[str, ...] = ()


def find_overrides(folders: Sequence[Path], seen: Inventory) -> Overrides:
    """Return which texture gets which hand-made picture.

    A file that may be meant for several textures is used for none. Where several files of one folder are meant for one
    texture, none is used, and the texture fails. The first folder that has a picture for a texture wins.

    Args:
        folders: of pictures named after textures.
        seen: the textures.

    Raises:
        SourceError: a folder is missing or cannot be listed.
    """
    if not folders:
        return Overrides({})
    sources = [*(item.source for item in seen.items), *(one.source for one in seen.failures)]
    names = TextureNames({source.name: _fields(source) for source in sources})
    sizes = {item.source.name: item.size for item in seen.items}
    found: dict[str, HandMade] = {}
    warnings: list[str] = []
    for folder in folders:
        for name, one in _of_folder(folder, names, warnings).items():
            if name in sizes:
                found.setdefault(name, _checked(one, sizes[name]))
            else:
                warnings.append(f"{folder / one.name} is not used: {name} cannot be read")
    return Overrides(found, tuple(warnings))


def _fields(source: Source) -> Mapping[str, str | int | None] | None:
    return None if source.emulator is None else dict(source.emulator.fields)


def _of_folder(folder: Path, names: TextureNames, warnings: list[str]) -> dict[str, HandMade]:
    """Return the pictures of a folder by texture; files that are used for none go into the warnings."""
    files = find_hand_made(folder)
    warnings += links_to_folders(folder)
    if not files:
        warnings.append(f"there are no pictures in {folder}")
    meant = [(one, names.find(one.name)) for one in files]
    found: dict[str, list[HandMade]] = {}
    for one, textures in meant:
        if len(textures) == 1:
            found.setdefault(textures[0], []).append(one)
        elif textures:
            warnings.append(
                f"{folder / one.name} is not used: it may be for {shown(textures)}; "
                "call it like one of them, with its folder"
            )
    warnings += _without_texture(folder, [one.name for one, textures in meant if not textures])
    return {name: _only(pictures) for name, pictures in found.items()}


def _without_texture(folder: Path, names: Sequence[str]) -> Iterator[str]:
    for name in names[:_SHOWN_FILES]:
        yield f"{folder / name} is not used: no texture of the input is called that"
    if len(names) > _SHOWN_FILES:
        yield f"... and {len(names) - _SHOWN_FILES} more files in {folder} that no texture is called like"


def _only(pictures: Sequence[HandMade]) -> HandMade:
    """Return the one picture of a texture; of several that differ the first, with what is wrong."""
    first = pictures[0]
    if all(one.sha256 and one.sha256 == first.sha256 for one in pictures[1:]):
        return first
    return replace(first, problem=f"{shown(one.name for one in pictures)} are all for it: keep one of them")


def _checked(one: HandMade, size: tuple[int, int]) -> HandMade:
    """Return a picture with what is wrong with its size, if nothing else is wrong."""
    if one.problem is not None or one.size is None:
        return one
    return replace(one, problem=misfit(one.size, size))


def misfit(made: tuple[int, int], size: tuple[int, int]) -> str | None:
    """Say why a picture cannot be used for a texture because of its size; None if it can.

    Args:
        made: width and height of the picture in pixels.
        size: those of the texture in texels.
    """
    if _fits(made, size):
        return None
    (width, height), (wide, high) = made, size
    return (
        f"is {width} x {height} pixels, but a picture for {wide} x {high} texels has both sides the same 1 to "
        f"{MAX_FACTOR} times as long, such as {wide * 4} x {high * 4}"
    )


def _fits(made: tuple[int, int], size: tuple[int, int]) -> bool:
    """Return whether both sides are the same multiple of the texture's, rounded to whole pixels."""
    pairs = tuple(zip(made, size, strict=True))
    least = max(Fraction(1), *(Fraction(2 * side - 1, 2 * texels) for side, texels in pairs))
    most = min(Fraction(MAX_FACTOR), *(Fraction(2 * side + 1, 2 * texels) for side, texels in pairs))
    return least < most and all(texels <= side <= MAX_FACTOR * texels for side, texels in pairs)
