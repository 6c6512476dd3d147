"""Checking packs: is each file what the manifest says, and would its emulator load it?"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path, PurePosixPath

from texpipe.errors import PackError, SourceError
from texpipe.formats import TARGETS, format_of
from texpipe.formats.contract import PackFormat, Size
from texpipe.formats.portable_names import file_digest
from texpipe.formats.readable import is_damaged
from texpipe.imaging.image_files import MAX_FILE_BYTES, decode
from texpipe.manifest.file import read_manifest
from texpipe.manifest.schema import Entry, Manifest, Output
from texpipe.packs.remembered_checks import RememberedChecks
from texpipe.storage.layout import OutputLayout
from texpipe.storage.links import KnownFolders, leads_out
from texpipe.storage.small_files import read_small, refusing
from texpipe.system.cpu import available_cores
from texpipe.texture import Rgba8

_MAX_THREADS = 4
"""That decode files, which is done without Python's lock; as many pictures are in memory."""
_AT_A_TIME = 256
_NOT_RGBA8 = "is not an 8-bit RGBA picture"


def digests_of(manifest: Manifest) -> dict[str, str]:
    """Return the sha256 of every file of a pack by path; of the result where a file of others was kept."""
    of_textures = {one.path: one.sha256 for entry in manifest.textures for one in entry.outputs}
    return of_textures | {one.path: one.sha256 for one in manifest.files}


def written_by_texpipe(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield path and hex sha256 of every file that texpipe wrote, also those that somebody changed since."""
    for entry in manifest.textures:
        yield from ((one.path, one.sha256) for one in entry.outputs if one.kept != "foreign")
    yield from ((one.path, one.sha256) for one in manifest.files)


@dataclass(frozen=True)
class Verified:
    """What checking a pack found.

    Attributes:
        checked: how many files the manifest names.
        problems: one line each: what is missing or damaged, or breaks a rule of its emulator.
        notes: one line each, about what is no fault: files that somebody edited, or that are not texpipe's.
        kept: paths of edited and foreign files that break a rule: a run keeps them, so it does not mend them.
        theirs: how many of the files that the manifest names were edited, or are not texpipe's.
    """

    checked: int
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    theirs: int = 0


def verify_pack(output: Path) -> Verified:
    """Check every file of a finished run against its manifest and its emulator's rules.

    Raises:
        PackError: there is no readable manifest.
    """
    manifest = read_manifest(OutputLayout(output).manifest)
    digests, foreign = digests_of(manifest), _foreign(manifest)
    problems: list[str] = list(manifest.refused)
    notes: list[str] = []
    theirs: list[str] = []
    for path, digest in digests.items():
        found, is_problem = _file_state(output, path, digest, path in foreign)
        (problems if is_problem else notes).extend(found)
        theirs += [path] if found and not is_problem else []
    there = [f"{name}/{path}" for name in manifest.targets for path in _files_of(output / name)]
    notes += [f"{path}: not ours, harmless" for path in there if path not in digests]
    broken = broken_rules(output, manifest)
    kept = tuple(path for path in theirs if any(line.startswith(f"{path}:") for line in broken))
    return Verified(len(digests), (*problems, *broken), tuple(notes), kept, len(theirs))


def _foreign(manifest: Manifest) -> set[str]:
    return {one.path for entry in manifest.textures for one in entry.outputs if one.kept == "foreign"}


def _file_state(output: Path, path: str, digest: str, is_foreign: bool) -> tuple[list[str], bool]:
    """Return what is to be said of a file, and whether it is a problem."""
    if leads_out(output / path, output):
        return [f"{path}: is a link that leads out of the output folder"], True
    if not (output / path).is_file():
        return [f"{path}: is missing"], True
    if is_foreign:
        return [f"{path}: not ours, kept in the texture's place"], False
    try:
        if file_digest(output / path) == digest:
            return [], False
    except PackError as error:
        return [error.message], True
    if is_damaged(output / path):
        return [f"{path}: is damaged"], True
    return [f"{path}: was changed since texpipe wrote it: edited by hand, and kept by later runs"], False


def broken_rules(output: Path, manifest: Manifest, remembered: RememberedChecks | None = None) -> list[str]:
    """Check what is in the packs against the rules of their emulators; what is missing breaks none.

    Args:
        output: the run's output folder.
        manifest: what is in it.
        remembered: what was checked before and has not changed since is not read, and what has the manifest's digest is
            not decoded where the format has no rules of pixels; None to read and decode all.

    Returns:
        One line for every rule that a file of texpipe's breaks, with the file.

    Raises:
        PackError: a file cannot be read.
    """
    layouts, problems = _layouts(manifest.targets)
    links = KnownFolders(output)

    def check(entry: Entry, one: Output) -> list[str]:
        layout = layouts.get(one.target)
        scale = one.scale or manifest.scale
        if (
            remembered is None or one.target not in TARGETS
        ):  # rules of others may change without a new version
            lines = _texture_problems(output, entry, one, layout, scale, links)
            return [f"{one.path}: {line}" for line in lines]
        mark = remembered.mark(one.path, *_asked(entry, one, scale))
        if remembered.knows(mark):
            return []
        lines = _texture_problems(output, entry, one, layout, scale, links, by_digest=True)
        if not lines:
            remembered.add(mark)
        return [f"{one.path}: {line}" for line in lines]

    there = _textures_there(output, manifest)
    with ThreadPoolExecutor(min(available_cores(), _MAX_THREADS)) as pool:
        while some := list(islice(there, _AT_A_TIME)):
            problems += chain.from_iterable(pool.map(check, *zip(*some, strict=True)))
    for name, layout in layouts.items():
        files = _files_of(output / name)
        problems += [f"{name}/{line}" for line in _checked(layout, output / name, files)]
    return problems


def _asked(entry: Entry, one: Output, scale: int) -> tuple[object, ...]:
    """Return what the check of a file depends on besides its bytes and its path."""
    by = None if entry.by is None else entry.by.kind
    return one.target, one.sha256, one.size, entry.size, entry.alpha, entry.status, by, scale


def _checked(layout: PackFormat, folder: Path, files: list[PurePosixPath]) -> list[str]:
    """Check a pack as a whole; a format that stumbles over a damaged file must not end the check of the others."""
    try:
        with refusing(folder):
            return layout.check(folder, files) if files else []
    except SourceError as error:
        return [error.message]


def _textures_there(output: Path, manifest: Manifest) -> Iterator[tuple[Entry, Output]]:
    """Yield each file of a texture that is there, once."""
    seen: set[str] = set()
    for entry in manifest.textures:
        for one in entry.outputs:
            if one.path not in seen and (output / one.path).is_file():
                seen.add(one.path)
                yield entry, one


def _layouts(targets: Iterable[str]) -> tuple[dict[str, PackFormat], list[str]]:
    """Return the formats whose rules can be checked, and one line for each of the others."""
    layouts: dict[str, PackFormat] = {}
    problems = []
    for name in targets:
        try:
            layouts[name] = format_of(name)
        except PackError as error:
            problems.append(f"{name}: its rules cannot be checked: {error.message}")
    return layouts, problems


def _texture_problems(
    output: Path,
    entry: Entry,
    one: Output,
    layout: PackFormat | None,
    scale: int,
    links: KnownFolders,
    *,
    by_digest: bool = False,
) -> list[str]:
    inside = PurePosixPath(one.path).relative_to(one.target)
    if layout is None or entry.size is None or inside.suffix not in (".png", ".dds"):
        return []
    try:
        file = output / one.path
        data = read_small(file, MAX_FILE_BYTES, inside=output, any_link=not links.leads_out(file))
        is_ours = hashlib.sha256(data).hexdigest() == one.sha256
        wanted = scale if entry.status in ("written", "edited", "foreign") else 1
        if by_digest and is_ours and not layout.has_rules_of_pixels:
            return layout.problems(inside, entry.size, one.size, wanted)
        rgba, stored, _ = decode(data, name=one.path)
    except SourceError as error:
        return [error.message]
    size = (rgba.shape[1], rgba.shape[0])
    is_rgba8 = stored.mode == "RGBA" and stored.bits == 8
    if is_ours:
        found = _own_problems(entry, one, rgba, is_rgba8=is_rgba8)
    else:  # somebody's: it may have any size that the emulator takes, but without alpha it would be drawn opaque
        found = [] if is_rgba8 or entry.alpha == "opaque" else [_NOT_RGBA8]
        wanted = _factor(entry.size, size) or wanted
    return found + layout.problems(inside, entry.size, size, wanted) + layout.pixel_problems(inside, rgba)


def _own_problems(entry: Entry, one: Output, rgba: Rgba8, *, is_rgba8: bool) -> list[str]:
    """Check a picture that texpipe wrote against what it writes."""
    size = (rgba.shape[1], rgba.shape[0])
    found = [] if is_rgba8 else [_NOT_RGBA8]
    if size != tuple(one.size):
        found.append(f"is {size[0]} x {size[1]}, not {one.size[0]} x {one.size[1]}")
    by_hand = entry.by is not None and entry.by.kind == "hand"
    if entry.alpha == "opaque" and entry.status == "written" and not by_hand and rgba[..., 3].min() < 255:
        found.append(f"is opaque, but has texels of alpha {rgba[..., 3].min()}")
    return found


def _factor(source: Size, size: Size) -> int | None:
    """Return how many times larger than its source a picture is; None if the sides differ in that."""
    factor = size[0] // source[0]
    return factor if factor and size == (source[0] * factor, source[1] * factor) else None


def _files_of(folder: Path) -> list[PurePosixPath]:
    """Return the files in a target's folder by their paths below it, sorted; none if there is no folder."""
    try:
        return sorted(_walk(folder))
    except OSError as error:
        raise PackError(f"cannot list {folder}: {error.strerror or error}") from error


def _walk(folder: Path) -> Iterator[PurePosixPath]:
    """Yield paths one by one: `Path.rglob` remembers all of them."""
    if not folder.is_dir() or leads_out(folder, folder.parent):
        return
    for above, _, names in os.walk(folder, onerror=_raise):
        below = Path(above).relative_to(folder).as_posix()
        for name in names:
            if not _is_clutter(name) and _is_own_file(Path(above, name), folder):
                yield PurePosixPath(below, name)


def _is_own_file(file: Path, folder: Path) -> bool:
    return file.is_file() and not (file.is_symlink() and leads_out(file, folder))


def _raise(error: OSError) -> None:
    """Stop at a folder that cannot be listed; one that may not be entered counts as empty."""
    if not isinstance(error, PermissionError):
        raise error


def _is_clutter(name: str) -> bool:
    """File managers leave these everywhere, and no emulator minds."""
    return name.startswith(".") or name.lower() in ("thumbs.db", "desktop.ini")
