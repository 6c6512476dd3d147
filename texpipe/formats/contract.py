"""What every pack format offers to the pipeline and to `verify`: a `PackFormat`, a value of functions and names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from texpipe.errors import PackError
from texpipe.recipe.targets import GameNames as GameNames  # for formats of other packages too
from texpipe.recipe.targets import Target
from texpipe.texture import AlphaClass, Edges, EmulatorName, Rgba8, Source

Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""


class UnwritableError(PackError):
    """A texture has no legal name in a format; the message says why."""


Unwritable = UnwritableError
"""The name that plug-ins know `UnwritableError` by."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished texture: `read` returns the bytes of an RGBA PNG of `size` (width, height) and digest `sha256`.

    `scale` is how many times larger than its source it is; `edges` and `alpha` are those of the plan. `made_file`
    returns the file of a picture that somebody made by hand in this size, for formats that can take it as it is.
    """

    source: Source
    scale: int
    size: Size
    sha256: str
    read: Callable[[], bytes]
    edges: Edges = field(default_factory=Edges)
    alpha: AlphaClass = "soft"
    made_file: Callable[[], bytes] | None = None

    @property
    def source_size(self) -> Size:
        """Width and height of the source in texels."""
        return self.size[0] // self.scale, self.size[1] // self.scale


@dataclass(frozen=True)
class Rendered:
    """A file to write for a texture: `path` in the target's folder or archive, its bytes, its picture's size."""

    path: PurePosixPath
    data: bytes
    size: Size


@dataclass(frozen=True, slots=True)
class Placed:
    """A texture of a pack: the `path` of its own, and the `file` that it is in.

    They differ where a format lets several names share one file.
    """

    picture: Picture
    path: PurePosixPath
    file: PurePosixPath


def _no_problems(_: object, __: object) -> list[str]:
    """The check of formats without rules of this kind."""
    return []


def _not_unwanted(_: Source, __: Size) -> None:
    """The check of formats whose dumps hold textures only."""
    return


def size_problems(source_size: Size, output_size: Size, scale: int) -> list[str]:
    """Check that a written picture is `scale` times its source, the rule of every format without one of its own."""
    if output_size == (source_size[0] * scale, source_size[1] * scale):
        return []
    (width, height), source = output_size, f"{source_size[0]} x {source_size[1]}"
    return [f"{width} x {height} is not {scale} times the source, {source}"]


def _uncompressed(picture: Picture) -> int:
    """Four bytes for each pixel."""
    return 4 * picture.size[0] * picture.size[1]


@dataclass(frozen=True)
class GameFiles:
    """Files of an emulator's own format that hold all textures of a game each.

    Attributes:
        path: (a texture's path) -> the file that it goes into, relative to the target's folder.
        write: (the file, pictures of one game in stable order, taken one at a time) -> None: writes the file whole
            or not at all; raises PackError.
        size: (a picture) -> about the bytes that it takes in the file; four for each pixel if not given.
        is_plain: `size` follows from width and height alone, and reads no picture.
    """

    path: Callable[[PurePosixPath], PurePosixPath]
    write: Callable[[Path, Iterable[Picture]], None]
    size: Callable[[Picture], int] = _uncompressed
    is_plain: bool = True


@dataclass(frozen=True)
class PackFormat:
    """One emulator's way of finding replacement textures. Only few formats need the attributes that have a default.

    Formats of other packages are such values too; docs/formats/third-party.md shows a whole one.

    Attributes:
        name: the target's name in recipes, and of its folder below the output.
        copy_to: where people put the finished folder and what they switch on, a few lines of text.
        output_path: where the texture goes, relative to the target's folder or in its archive. It and `key`
            raise `UnwritableError` for a texture that has no legal name in this format.
        problems: (path, size of the source, size of the output, scale) -> one line per broken rule of names and
            sizes; empty when the emulator will load the file.
        key: what the emulator looks the texture up by, where that is not the whole path: of two sources with one
            key only one can be used.
        parse: reads what a file name of the emulator's dumps says of a texture, or returns None for any other.
            Its argument is the path relative to the dump, with forward slashes.
        pixel_problems: (path, H x W x 4 uint8 of a written picture) -> one line per broken rule of pixels.
        render: (pixels, picture, path) -> the files to write. None writes the PNG as it is.
        index: files that tell the emulator of all textures: path -> bytes, for the target's folder or archive.
        check: (the target's folder, its files by relative path) -> problems of the pack as a whole.
        shares_files: several names may point at one file, so equal files are written once; `index` says so.
        archive: name of the zip archive that holds everything; None writes a folder.
        game_files: what writes one file for each game instead of one for each texture.
        containers: what a recipe can have the pack written to, the usual one first; `with_options` sees to it.
        options: what a recipe can say of the target besides `container`: names of fields of `recipe.targets.Target`.
        games: how the emulator names games; None if any name will do.
        with_options: the format as the options of a recipe make it.
        unwanted: (source, its size in texels) -> why it is left out although the emulator would load it, or None.
        size: (a picture) -> the bytes of its files in a folder, where width and height tell, else None: they are made
            to find out.
        suffix: (source, size of the output) -> the suffix of its file, where that depends on the size.
        one_scale: why all textures of a pack must be enlarged by the same factor, after the format's name; None
            where each may have its own.
    """

    name: str
    copy_to: str
    output_path: Callable[[Source], PurePosixPath]
    problems: Callable[[PurePosixPath, Size, Size, int], list[str]]
    key: Callable[[Source], str] | None = None
    parse: Callable[[str], EmulatorName | None] | None = None
    pixel_problems: Callable[[PurePosixPath, Rgba8], list[str]] = _no_problems
    render: Callable[[Rgba8, Picture, PurePosixPath], Iterable[Rendered]] | None = None
    index: Callable[[Sequence[Placed]], Mapping[PurePosixPath, bytes]] | None = None
    check: Callable[[Path, Sequence[PurePosixPath]], list[str]] = _no_problems
    shares_files: bool = False
    archive: str | None = None
    game_files: GameFiles | None = None
    containers: tuple[str, ...] = ("folder",)
    options: tuple[str, ...] = ("game",)
    games: GameNames | None = None
    with_options: Callable[[Target], PackFormat] | None = None
    unwanted: Callable[[Source, Size], str | None] = _not_unwanted
    size: Callable[[Picture], int | None] | None = None
    suffix: Callable[[Source, Size], str] | None = None
    one_scale: str | None = None

    @property
    def has_rules_of_pixels(self) -> bool:
        """Whether `pixel_problems` looks at anything."""
        return self.pixel_problems is not _no_problems

    def key_of(self, source: Source) -> str:
        """Return what the emulator looks the texture up by; raises `UnwritableError` as `output_path` does."""
        return str(self.output_path(source)) if self.key is None else self.key(source)
