"""From a folder to texture sources, in the same order on every machine."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from texpipe.errors import SourceError
from texpipe.formats import parse_name, ppsspp
from texpipe.imaging.texel_formats import Stp
from texpipe.manifest.output_folder import is_output_folder
from texpipe.read.archives import ZIP
from texpipe.read.container_kinds import CONTAINERS, INPUTS
from texpipe.read.extracted import extracted_resources, resource_of
from texpipe.storage.file_names import utf8_name
from texpipe.storage.links import why_not_followed
from texpipe.system.interning import interned
from texpipe.system.meant_paths import did_you_mean
from texpipe.system.shell import quoted
from texpipe.texture import EmulatorName, Source

log = logging.getLogger(__name__)

PICTURES = frozenset({".png", ".tga", ".bmp", ".dds", ".jpg", ".jpeg", ".webp", ".tmem"})
"""Suffixes of texture files, in any case."""

_HIDDEN, _LINK, _BARE, _OUTPUT = "hidden", "link to a folder", "without a suffix", "output of texpipe"


@dataclass(frozen=True)
class Scan:
    """What a folder holds.

    Attributes:
        sources: textures, sorted by name as UTF-8 bytes.
        unusable: textures and folders that cannot be dealt with, sorted likewise, and why.
        ignored: how many other files there are, by kind: a suffix in lower case, "hidden" and so on.
    """

    sources: tuple[Source, ...]
    unusable: tuple[tuple[Source, str], ...]
    ignored: Mapping[str, int]


def scan(
    root: Path, *, exclude: Path | None = None, stp: Stp = "opaque", names: Collection[str] | None = None
) -> Scan:
    """List the textures below a folder.

    Links to files count as long as they stay inside the folder. Links to folders are not followed: what they
    lead to inside is found anyway, and so there are no loops. Hidden files and folders (`.name`) are ignored, and so
    are folders inside that texpipe runs wrote to.

    Args:
        root: a folder, searched recursively, one picture, or a file that holds several.
        exclude: a folder inside that is left out: where an earlier run wrote to.
        stp: what bit 15 of a colour means in PS1 `.tim` files.
        names: of textures: only folders that hold one of them are looked into, and only containers that do are opened.
            None for all.

    Raises:
        SourceError: `root` is missing, cannot be listed, or is a file but not a picture.
    """
    require_input(root)
    if root.is_file():
        return _single(root, stp)
    left_out, wanted = exclude.resolve() if exclude else None, None if names is None else _ways_to(names)
    return _listed(root, _walk(root, left_out, wanted), stp)


def scan_files(root: Path, files: Iterable[Path], *, stp: Stp = "opaque") -> Scan:
    """List the textures in some files of a folder, without looking at the others; see `scan`.

    Args:
        root: a folder.
        files: paths below it. Those that are gone are passed over.
        stp: as `scan` takes it.
    """
    return _listed(root, (_Found(file) for file in files if os.path.lexists(file)), stp)


def _listed(root: Path, files: Iterable[_Found], stp: Stp) -> Scan:
    base = root.resolve()
    sources: list[Source] = []
    unusable: list[tuple[Source, str]] = []
    ignored: Counter[str] = Counter()
    resources, listed = extracted_resources(root), ppsspp.names_in_list(root)
    outputs: list[str] = []
    for found in files:
        kind = _ignored_as(found)
        if kind == _OUTPUT:
            outputs.append(utf8_name(found.file.relative_to(root).as_posix()))
        if kind is not None:
            ignored[kind] += 1
            continue
        name = found.file.relative_to(root).as_posix()
        reason = found.reason or _unusable_because(found.file, name, base)
        for source, problem in _sources_in(found.file, utf8_name(name), reason, stp):
            if problem:
                unusable.append((source, problem))
            else:
                known = source.emulator or resource_of(source.name, resources) or listed.get(source.name)
                sources.append(_lighter(replace(source, emulator=known), root))
    if outputs:
        log.warning("%s: made by texpipe, so not part of the input", ", ".join(sorted(outputs)))
    return Scan(
        tuple(sorted(_paired(sources), key=lambda source: source.name.encode())),
        tuple(sorted(unusable, key=lambda pair: pair[0].name.encode())),
        dict(sorted(ignored.items())),
    )


def require_input(root: Path) -> None:
    """Check that there is something to read, without reading it.

    Raises:
        SourceError: `root` is missing, or is a file but not a picture.
    """
    try:
        is_file, is_folder = root.is_file(), root.is_dir()
    except OSError as error:  # as for a name that is too long
        raise SourceError(
            f"{root} cannot be opened: {error.strerror or error}", hint="Check the path."
        ) from error
    if is_file:
        if root.suffix.lower() not in (*PICTURES, *INPUTS):
            known = ", ".join(sorted({*PICTURES, *INPUTS}))
            recipe = root.suffix.lower() in (".yaml", ".yml")
            hint = f"A recipe is named with --recipe {quoted(root)}." if recipe else f"Known: {known}."
            raise SourceError(f"{root} is not a picture", hint=hint)
    elif not is_folder:
        raise SourceError(
            f"{root} does not exist",
            hint=did_you_mean(root)
            or "Check the path: what a recipe calls `input`, or what the command names.",
        )


def holds_textures(root: Path, *, exclude: Path | None = None) -> bool:
    """Return whether there is a file that may be a texture; the search ends with the first.

    Args:
        root, exclude: as `scan` takes them.

    Raises:
        SourceError: as `scan`.
    """
    require_input(root)
    left_out = exclude.resolve() if exclude else None
    return root.is_file() or any(_ignored_as(found) is None for found in _walk(root, left_out, None))


def _lighter(source: Source, root: Path) -> Source:
    """Return an equal source that shares its values with others: a dump may hold a hundred thousand textures."""
    named = replace(source, emulator=_lighter_name(source.emulator))
    return named if source.member is not None else replace(named, root=root, below=source.name)


def _lighter_name(name: EmulatorName | None) -> EmulatorName | None:
    if name is None:
        return None
    return replace(name, game=interned(name.game), fields=tuple(map(interned, name.fields)))


def _paired(sources: Sequence[Source]) -> list[Source]:
    """Join the halves of old dumps: `_rgb` has the colours, `_a` of the same name the alpha."""
    halves = {half: source for source in sources if (half := _half_of(source, "a")) is not None}
    joined = []
    for source in sources:
        half = _half_of(source, "rgb")
        other = None if half is None else halves.pop(half, None)
        joined.append(source if other is None else replace(source, alpha_file=other.file))
    used = {source.alpha_file for source in joined if source.alpha_file is not None}
    return [source for source in joined if source.file not in used] if used else joined


def _half_of(source: Source, suffix: str) -> tuple[object, ...] | None:
    """Return what the two halves of a texture have in common, if the source is the half with this suffix."""
    name = source.emulator
    if name is None or ("suffix", suffix) not in name.fields:
        return None
    same = tuple(pair for pair in name.fields if pair[0] != "suffix")
    return (source.name.rpartition("/")[0], name.game, same)


@dataclass(frozen=True)
class _Found:
    """A file, a folder that is not entered, or one that cannot be, with the `reason`."""

    file: Path
    is_folder: bool = False
    is_output: bool = False
    reason: str | None = None


def _single(file: Path, stp: Stp) -> Scan:
    found = sorted(_sources_in(file, utf8_name(file.name), None, stp), key=lambda pair: pair[0].name.encode())
    return Scan(
        tuple(source for source, reason in found if not reason),
        tuple((source, reason) for source, reason in found if reason),
        {},
    )


def _sources_in(file: Path, name: str, reason: str | None, stp: Stp) -> Iterator[tuple[Source, str | None]]:
    """Yield the textures of a file, each with the reason why it cannot be used, if it cannot."""
    container = INPUTS.get(file.suffix.lower())
    if reason is not None or container is None:
        yield Source(name, file, None if reason else parse_name(name)), reason
        return
    try:
        members = container.members(file)
    except MemoryError:
        raise
    except Exception as error:  # strangers' bytes can make a parser raise anything
        yield Source(name, file), str(error)
        return
    for one in members:
        inside = one.name if container is ZIP else f"{name}/{one.name}" if one.name else name
        member = f"{one.member}/{stp}" if file.suffix.lower() == ".tim" else one.member
        yield Source(inside, file, one.emulator, member), one.reason


def _ways_to(names: Collection[str]) -> frozenset[str]:
    """Return every path on the way to some textures: folders, and containers that hold them."""
    paths = (PurePosixPath(name) for name in names)
    return frozenset(str(above) for path in paths for above in (path, *path.parents))


def _is_wanted(path: Path, root: Path, wanted: frozenset[str] | None) -> bool:
    return wanted is None or path.relative_to(root).as_posix() in wanted


def _walk(root: Path, left_out: Path | None, wanted: frozenset[str] | None) -> Iterator[_Found]:
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError as error:
            reason = f"cannot be listed: {error.strerror or error}"
            if folder == root:
                raise SourceError(f"{root} {reason}", hint="Check its permissions.") from error
            yield _Found(folder, is_folder=True, reason=reason)
            continue
        if folder != root and is_output_folder(folder):
            yield _Found(folder, is_folder=True, is_output=True)
            continue
        for entry in entries:
            path = Path(entry.path)
            if not _is_folder(entry):
                if path.suffix.lower() not in CONTAINERS or _is_wanted(path, root, wanted):
                    yield _Found(path)
            elif entry.is_symlink() or entry.name.startswith("."):
                yield _Found(path, is_folder=True)
            elif path.resolve() != left_out and _is_wanted(path, root, wanted):
                folders.append(path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself, or to where nobody may look
        return False


def _ignored_as(found: _Found) -> str | None:
    """Return the kind of a file that is not a texture, or None."""
    if found.file.name.startswith("."):
        return _HIDDEN
    if found.is_output:
        return _OUTPUT
    if found.is_folder:
        return None if found.reason else _LINK
    suffix = found.file.suffix.lower()
    return None if suffix in PICTURES or suffix in CONTAINERS else utf8_name(suffix) or _BARE


def _unusable_because(file: Path, name: str, base: Path) -> str | None:
    if utf8_name(name) != name:
        return "its name is not valid UTF-8: rename the file"
    if (why := why_not_followed(file, base, "the input folder")) is not None:
        return why
    # Reading a pipe or a device would wait for ever.
    return None if file.is_file() else "is not a file, or a link to one"
