"""Writing packs and checking them, whatever the format: one file per texture, the first of two rivals wins."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from texpipe.errors import PackError, SourceError
from texpipe.formats import TARGETS, gliden64, gliden64_cache
from texpipe.formats.contract import PackFormat, Unwritable
from texpipe.manifest import Entry, Manifest, Output, read_manifest
from texpipe.pixels import decode
from texpipe.recipe.schema import Target
from texpipe.store import write_atomic
from texpipe.texture import Source


@dataclass(frozen=True)
class Picture:
    """A finished texture: `read` returns the bytes of an RGBA PNG of `size` (width, height) and digest `sha256`.

    `scale` is how many times larger than its source it is.
    """

    source: Source
    scale: int
    size: tuple[int, int]
    sha256: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Pack:
    """What was written for one target: texture name -> file, and texture name -> why it was left out."""

    outputs: Mapping[str, Output] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)


def write_pack(target: Target, pictures: Sequence[Picture], output: Path, *, write: bool = True) -> Pack:
    """Write finished textures in the layout of one emulator below `output`/<target>.

    Args:
        target: name and options.
        pictures: in stable order; of two that the emulator cannot tell apart the first is written.
        output: the run's output folder.
        write: False only says what would be written.

    Raises:
        PackError: a file cannot be written.
    """
    layout = TARGETS[target.name]
    placed: dict[str, tuple[Picture, PurePosixPath]] = {}
    left_out: dict[str, str] = {}
    taken: dict[str, str] = {}
    for picture in pictures:
        name = picture.source.name
        try:
            path = layout.output_path(picture.source)
            # File systems that ignore case would let two such files overwrite each other.
            claims = (layout.key(picture.source), str(path).casefold())
            _require_loadable(layout, path, picture)
        except Unwritable as reason:
            left_out[name] = reason.message
            continue
        rival = next((taken[claim] for claim in claims if claim in taken), None)
        if rival is not None:
            left_out[name] = f"{target.name} cannot tell it from {rival}"
            continue
        taken |= dict.fromkeys(claims, name)
        placed[name] = (picture, path)
    put = _put_cache if target.container != "folder" else _put_files
    return Pack(dict(put(target, placed.values(), output, write)), left_out)


def _require_loadable(layout: PackFormat, path: PurePosixPath, picture: Picture) -> None:
    width, height = picture.size
    source_size = (width // picture.scale, height // picture.scale)
    broken = layout.problems(path, source_size, picture.size, picture.scale)
    if broken:
        raise Unwritable("; ".join(broken))


def _put_files(
    target: Target, placed: Iterable[tuple[Picture, PurePosixPath]], output: Path, write: bool
) -> Iterator[tuple[str, Output]]:
    for picture, path in placed:
        inside = PurePosixPath(target.name) / path
        if write and not _is(output / inside, picture.sha256):
            write_atomic(output / inside, picture.read(), fsync=False)
        yield picture.source.name, Output(target.name, str(inside), picture.sha256, picture.size)


def _put_cache(
    target: Target, placed: Iterable[tuple[Picture, PurePosixPath]], output: Path, write: bool
) -> Iterator[tuple[str, Output]]:
    """Write one `IDENT_HIRESTEXTURES.hts|.htc` per game."""
    games: dict[str, list[Picture]] = {}
    for picture, path in placed:
        games.setdefault(path.parts[0], []).append(picture)
    for game, pictures in games.items():
        inside = PurePosixPath(target.name) / f"{game}_HIRESTEXTURES.{target.container}"
        digest = ""
        if write:
            writer = gliden64_cache.write_hts if target.container == "hts" else gliden64_cache.write_htc
            writer(output / inside, (_cache_entry(picture) for picture in pictures))
            digest = _digest(output / inside) or ""
        for picture in pictures:
            yield picture.source.name, Output(target.name, str(inside), digest, picture.size)


def _cache_entry(picture: Picture) -> gliden64_cache.CacheEntry:
    name = picture.source.emulator
    assert name is not None, "output_path has refused textures without a name"
    rgba, _, _ = decode(picture.read(), name=picture.source.name)
    fmt, siz = gliden64.texel_numbers(name)
    return gliden64_cache.CacheEntry(gliden64.cache_key(name), rgba, fmt, siz)


def remove_left_over(output: Path, before: Manifest | None, now: Manifest) -> list[str]:
    """Remove files that an earlier run wrote and this one did not, so that a pack never depends on its history.

    Files that somebody changed since are kept.

    Returns:
        One line for each file that was kept.
    """
    if before is None:
        return []
    current = {one.path for entry in now.textures for one in entry.outputs}
    kept = []
    for one in {one.path: one for entry in before.textures for one in entry.outputs}.values():
        file = output / one.path
        if one.path in current or not _is_inside(one.path) or not file.is_file():
            continue
        if _is(file, one.sha256):
            file.unlink()
        else:
            kept.append(f"{one.path} is no longer part of the pack, but was changed by hand: kept")
    return kept


def verify_pack(output: Path) -> tuple[int, list[str]]:
    """Check every file of a finished run against its manifest and its emulator's rules.

    Returns:
        How many files were checked, and one line per problem.

    Raises:
        PackError: there is no readable manifest.
    """
    manifest = read_manifest(output / "manifest.json")
    problems: list[str] = []
    known: set[str] = set()
    for entry in manifest.textures:
        for one in entry.outputs:
            if not _is_inside(one.path):
                problems.append(f"{one.path}: leads out of the output folder")
                continue
            repeated = one.path in known
            known.add(one.path)
            problems += [
                f"{one.path}: {line}" for line in _file_problems(output, entry, one, manifest.scale, repeated)
            ]
    for name in manifest.targets:
        found = (
            path for path in sorted((output / name).rglob("*")) if path.is_file() and not _is_clutter(path)
        )
        strangers = [path.relative_to(output).as_posix() for path in found]
        problems += [
            f"{path}: is in the pack but not in the manifest" for path in strangers if path not in known
        ]
    return len(known), problems


def _is_clutter(path: Path) -> bool:
    """File managers leave these everywhere, and no emulator minds."""
    return path.name.startswith(".") or path.name.lower() in ("thumbs.db", "desktop.ini")


def _is_inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts and ":" not in pure.parts[0]


def _file_problems(output: Path, entry: Entry, one: Output, scale: int, repeated: bool) -> list[str]:
    file = output / one.path
    if not file.is_file():
        return ["is missing"]
    if not repeated and not _is(file, one.sha256):
        return ["is not the file that was written"]
    if file.suffix != ".png" or one.target not in TARGETS or entry.size is None:
        return []
    return _picture_problems(TARGETS[one.target], file, entry, one, scale if entry.status == "written" else 1)


def _picture_problems(layout: PackFormat, file: Path, entry: Entry, one: Output, scale: int) -> list[str]:
    try:
        rgba, stored, _ = decode(file.read_bytes(), name=one.path)
    except SourceError as error:
        return [error.message]
    size = (rgba.shape[1], rgba.shape[0])
    found = [] if stored.mode == "RGBA" and stored.bits == 8 else ["is not an 8-bit RGBA picture"]
    if size != tuple(one.size):
        found.append(f"is {size[0]} x {size[1]}, not {one.size[0]} x {one.size[1]}")
    inside = PurePosixPath(one.path).relative_to(one.target)
    assert entry.size is not None
    return found + layout.problems(inside, entry.size, size, scale)


def _is(file: Path, sha256: str) -> bool:
    return _digest(file) == sha256


def _digest(file: Path) -> str | None:
    try:
        digest = hashlib.sha256()
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PackError(f"cannot read {file}: {error.strerror or error}") from error
