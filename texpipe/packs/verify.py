"""Checking packs: is each file what the manifest says, and would its emulator load it?"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path, PurePosixPath

from texpipe.errors import PackError, SourceError
from texpipe.formats import format_of
from texpipe.formats.contract import PackFormat
from texpipe.formats.files import file_digest, folded
from texpipe.imaging.image_files import decode
from texpipe.manifest.file import read_manifest
from texpipe.manifest.schema import Entry, Manifest, Output
from texpipe.storage.layout import OutputLayout
from texpipe.system.cpu import available_cores

_MAX_THREADS = 4
"""That decode files, which is done without Python's lock; as many pictures are in memory."""
_AT_A_TIME = 256


def remove_left_over(output: Path, before: Iterable[tuple[str, str]], now: Mapping[str, str]) -> list[str]:
    """Remove files that an earlier run wrote and this one did not, so that a pack never depends on its history.

    Files that somebody changed since are kept.

    Args:
        output: the run's output folder.
        before: path and hex sha256 of whatever earlier runs wrote; a path may come several times.
        now: path -> hex sha256 of the pack's files.

    Returns:
        One line for each file that was kept.

    Raises:
        PackError: a file cannot be read or removed.
    """
    earlier: dict[str, set[str]] = {}
    for path, digest in before:
        if path not in now and _is_inside(path):
            earlier.setdefault(path, set()).add(digest)
    twins = {folded(path): path for path in now} if earlier else {}
    kept = []
    for path, digests in sorted(earlier.items()):
        try:
            twin = twins.get(folded(path))
            if not _remove(output / path, digests, None if twin is None else output / twin):
                kept.append(f"{path} is no longer part of the pack, but was changed by hand: kept")
        except OSError as error:
            raise PackError(
                f"cannot remove {output / path}, which is no longer part of the pack: {error.strerror or error}",
                hint="Check the permissions of the output folder; then run again.",
            ) from error
    return kept


def _remove(file: Path, digests: set[str], twin: Path | None) -> bool:
    """Remove a file if it has the bytes of one of these digests; return whether it is gone.

    Where the file system takes it for the one of the pack that differs only in case, it gets that one's name.
    """
    if not file.is_file():
        return True
    if twin is not None and file.samefile(twin):
        file.rename(twin)
        return True
    if file_digest(file) not in digests:
        return False
    file.unlink()
    return True


def digests_of(manifest: Manifest) -> dict[str, str]:
    """Return the sha256 of every file of a pack by path."""
    of_textures = {one.path: one.sha256 for entry in manifest.textures for one in entry.outputs}
    return of_textures | {one.path: one.sha256 for one in manifest.files}


def verify_pack(output: Path) -> tuple[int, list[str]]:
    """Check every file of a finished run against its manifest and its emulator's rules.

    Returns:
        How many files were checked, and one line per problem.

    Raises:
        PackError: there is no readable manifest.
    """
    manifest = read_manifest(OutputLayout(output).manifest)
    digests = digests_of(manifest)
    problems = [line for path, digest in digests.items() for line in _file_problems(output, path, digest)]
    there = [f"{name}/{path}" for name in manifest.targets for path in _files_of(output / name)]
    strangers = [f"{path}: is in the pack but not in the manifest" for path in there if path not in digests]
    return len(digests), problems + strangers + broken_rules(output, manifest)


def broken_rules(output: Path, manifest: Manifest) -> list[str]:
    """Check what is in the packs against the rules of their emulators; what is missing breaks none.

    Args:
        output: the run's output folder.
        manifest: what is in it.

    Returns:
        One line for every broken rule, with the file.

    Raises:
        PackError: a file cannot be read.
    """
    layouts, problems = _layouts(manifest.targets)

    def look(entry: Entry, one: Output) -> list[str]:
        lines = _texture_problems(output, entry, one, layouts.get(one.target), manifest.scale)
        return [f"{one.path}: {line}" for line in lines]

    there = _textures_there(output, manifest)
    with ThreadPoolExecutor(min(available_cores(), _MAX_THREADS)) as pool:
        while some := list(islice(there, _AT_A_TIME)):
            problems += chain.from_iterable(pool.map(look, *zip(*some, strict=True)))
    for name, layout in layouts.items():
        files = _files_of(output / name)
        problems += [f"{name}/{line}" for line in (layout.check(output / name, files) if files else ())]
    return problems


def _textures_there(output: Path, manifest: Manifest) -> Iterator[tuple[Entry, Output]]:
    """Yield each file of a texture that is there, once."""
    seen: set[str] = set()
    for entry in manifest.textures:
        for one in entry.outputs:
            if one.path not in seen and _is_inside(one.path) and (output / one.path).is_file():
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


def _file_problems(output: Path, path: str, digest: str) -> list[str]:
    if not _is_inside(path):
        return [f"{path}: leads out of the output folder"]
    if not (output / path).is_file():
        return [f"{path}: is missing"]
    try:
        whole = file_digest(output / path) == digest
    except PackError as error:
        return [error.message]
    return [] if whole else [f"{path}: is not the file that was written"]


def _texture_problems(
    output: Path, entry: Entry, one: Output, layout: PackFormat | None, scale: int
) -> list[str]:
    inside = PurePosixPath(one.path).relative_to(one.target)
    if layout is None or entry.size is None or inside.suffix not in (".png", ".dds"):
        return []
    try:
        rgba, stored, _ = decode((output / one.path).read_bytes(), name=one.path)
    except SourceError as error:
        return [error.message]
    except OSError as error:
        raise PackError(f"cannot read {output / one.path}: {error.strerror or error}") from error
    size = (rgba.shape[1], rgba.shape[0])
    found = [] if stored.mode == "RGBA" and stored.bits == 8 else ["is not an 8-bit RGBA picture"]
    if size != tuple(one.size):
        found.append(f"is {size[0]} x {size[1]}, not {one.size[0]} x {one.size[1]}")
    if entry.alpha == "opaque" and entry.status == "written" and rgba[..., 3].min() < 255:
        found.append(f"is opaque, but has texels of alpha {rgba[..., 3].min()}")
    wanted = scale if entry.status == "written" else 1
    return found + layout.problems(inside, entry.size, size, wanted) + layout.pixel_problems(inside, rgba)


def _files_of(folder: Path) -> list[PurePosixPath]:
    """Return the files in a target's folder by their paths below it, sorted; none if there is no folder."""
    try:
        return sorted(_walk(folder))
    except OSError as error:
        raise PackError(f"cannot list {folder}: {error.strerror or error}") from error


def _walk(folder: Path) -> Iterator[PurePosixPath]:
    """Yield paths one by one: `Path.rglob` remembers all of them."""
    if not folder.is_dir():
        return
    for above, _, names in os.walk(folder, onerror=_raise):
        below = Path(above).relative_to(folder).as_posix()
        for name in names:
            if not _is_clutter(name) and Path(above, name).is_file():
                yield PurePosixPath(below, name)


def _raise(error: OSError) -> None:
    """Stop at a folder that cannot be listed; one that may not be entered counts as empty."""
    if not isinstance(error, PermissionError):
        raise error


def _is_clutter(name: str) -> bool:
    """File managers leave these everywhere, and no emulator minds."""
    return name.startswith(".") or name.lower() in ("thumbs.db", "desktop.ini")


def _is_inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts and ":" not in pure.parts[0]
