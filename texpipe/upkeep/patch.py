"""Update archives: what turns one pack into another, applied as a whole or not at all.

An archive is a zip file with `patch.json` and the new bytes. It names every file of both packs with its digest; files
of the new pack are put together from pieces of the old one and from those new bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, ClassVar, TypeAlias

from texpipe.errors import PackError
from texpipe.formats.archive import ZipReader, harm_in, zip_writer
from texpipe.formats.portable_names import file_digest, folded, unportable
from texpipe.progress import Progress
from texpipe.storage.atomic import open_atomic
from texpipe.storage.small_files import open_regular, refusing
from texpipe.storage.whole_folder import put_back, whole_folder
from texpipe.upkeep.any_pack import CONTAINERS, PackFiles, files_of_pack
from texpipe.upkeep.pieces import pieces_of

SCHEMA = "texpipe.patch/1"
SUFFIX = ".texpatch"

Step: TypeAlias = Callable[[Progress], None]

_LIST = "patch.json"
_MAX_LIST = 1 << 28
"""Largest list that is read, in bytes."""
_CHUNK = 1 << 20
_ALONE = "."
"""Name of the file in a pack that is one container file."""
_STRICT = {"extra": "forbid", "strict": True}


@dataclass(frozen=True)
class Piece:
    """A run of bytes: of the file `base` of the old pack, or of the new bytes if that is None."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = _STRICT

    base: str | None
    start: int
    length: int


@dataclass(frozen=True)
class Made:
    """A file of the new pack: its name, hex sha256, and the pieces that it is put together from."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = _STRICT

    name: str
    sha256: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Patch:
    """What `patch.json` says.

    Attributes:
        is_file: both packs are one container file; its name then is ".".
        base: name -> hex sha256 of every file of the old pack.
        made: files of the new pack that are not in the old one, or have other bytes there.
        removed: names of files of the old pack that the new one does not have.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = _STRICT

    schema: str
    texpipe: str
    is_file: bool
    base: dict[str, str]
    made: tuple[Made, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True)
class Written:
    """What a patch holds.

    Attributes:
        made: how many files it adds or changes.
        removed: how many it removes.
        size: in bytes.
        links: a line for each link in the packs that is not followed, so that the patch says nothing of it.
    """

    made: int
    removed: int
    size: int
    links: tuple[str, ...] = ()


def make_patch(one: Path, other: Path, file: Path, step: Step = lambda _: None) -> Written:
    """Write the archive that turns one pack into another; equal packs give equal bytes.

    Args:
        one, other: two folders, or two container files of one kind.
        file: the archive.
        step: called after each file.

    Raises:
        PackError: they are not of one kind, or a file cannot be read or written.
    """
    _require_alike(one, other)
    with refusing(other, PackError):
        return _made(one, other, file, step)


def _made(one: Path, other: Path, file: Path, step: Step) -> Written:
    before, after = files_of_pack(one), files_of_pack(other)
    old, new = _files(one, before), _files(other, after)
    old_digests, new_digests = _digests(old), _digests(new)
    known: _Known = {}
    for name in sorted(old):
        for start, length, digest in _pieces(old[name], old_digests[name]):
            known.setdefault(digest, (name, start, length))
    made: list[Made] = []
    from texpipe import __version__

    with zip_writer(file, any_link=True) as archive:
        names = sorted(name for name in new if new_digests[name] != old_digests.get(name))
        for number, name in enumerate(names):
            pieces, fresh = _put_together(new[name], new_digests[name], known)
            if fresh:
                with archive.opened(PurePosixPath(_data_name(number))) as stream:
                    _copy_runs(new[name], fresh, stream)
            made.append(Made(name, new_digests[name], pieces))
            step(Progress("write", number + 1, len(names)))
        removed = tuple(sorted(old.keys() - new.keys()))
        patch = Patch(SCHEMA, __version__, one.is_file(), old_digests, tuple(made), removed)
        archive.add(PurePosixPath(_LIST), _as_text(patch))
    return Written(len(made), len(removed), file.stat().st_size, (*before.links, *after.links))


def _require_alike(one: Path, other: Path) -> None:
    for path in (one, other):
        if path.is_file() and path.suffix.lower() not in CONTAINERS:
            raise PackError(
                f"{path} is no pack", hint=f"Give a folder, or a file of {', '.join(CONTAINERS)}."
            )
        if not path.exists():
            raise PackError(f"{path} does not exist", hint="Give the folders of two packs.")
    if one.is_dir() != other.is_dir():
        raise PackError(
            f"{one} and {other} are not of one kind", hint="Give two folders, or two container files."
        )


def _files(root: Path, listed: PackFiles) -> Mapping[str, Path]:
    if root.is_file():
        return {_ALONE: root}
    odd = [name for name in listed.found if unportable(PurePosixPath(name)) or harm_in(name)]
    if odd:
        raise PackError(f"{root / odd[0]} has a name that not every system can hold", hint="Rename the file.")
    return listed.found


def _digests(files: Mapping[str, Path]) -> dict[str, str]:
    found = {}
    for name, path in sorted(files.items()):
        digest = file_digest(path)
        if digest is None:
            raise PackError(f"{path} is gone")
        found[name] = digest
    return found


_Known: TypeAlias = "dict[str, tuple[str, int, int]]"
"""Hex sha256 of a piece -> where the old pack has it: name, start and length."""


def _pieces(file: Path, whole: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, length and digest of the file itself, then of its pieces if it is a container."""
    yield 0, file.stat().st_size, whole
    if file.suffix.lower() in CONTAINERS:
        with open_regular(file) as stream:
            for start, length in pieces_of(file):
                yield start, length, _digest_of_run(stream, start, length)


def _digest_of_run(stream: IO[bytes], start: int, length: int) -> str:
    digest = hashlib.sha256()
    for chunk in _run(stream, start, length):
        digest.update(chunk)
    return digest.hexdigest()


def _run(stream: IO[bytes], start: int, length: int) -> Iterator[bytes]:
    stream.seek(start)
    while length > 0:
        chunk = stream.read(min(length, _CHUNK))
        if not chunk:
            raise PackError(f"{getattr(stream, 'name', 'a file')} became shorter while it was read")
        yield chunk
        length -= len(chunk)


def _put_together(file: Path, whole: str, known: _Known) -> tuple[tuple[Piece, ...], list[tuple[int, int]]]:
    """Return the pieces of a new file, and which runs of it the archive has to bring."""
    pieces: list[Piece] = []
    fresh: list[tuple[int, int]] = []
    at = 0
    parts = _pieces(file, whole)
    _, size, digest = next(parts)
    if digest in known:
        return (Piece(*known[digest]),), []
    for start, length, of_piece in list(parts) or [(0, size, digest)]:
        if of_piece in known:
            piece = Piece(*known[of_piece])
        else:
            piece = Piece(None, at, length)
            fresh.append((start, length))
            at += length
        if pieces and pieces[-1].base == piece.base and pieces[-1].start + pieces[-1].length == piece.start:
            piece = Piece(piece.base, pieces[-1].start, pieces.pop().length + piece.length)
        pieces.append(piece)
    return tuple(pieces), fresh


def _copy_runs(file: Path, runs: Sequence[tuple[int, int]], target: IO[bytes]) -> None:
    with open_regular(file) as stream:
        for start, length in runs:
            target.writelines(_run(stream, start, length))


def _data_name(number: int) -> str:
    return f"data/{number}"


def _as_text(patch: Patch) -> bytes:
    import json

    value = {
        "schema": patch.schema,
        "texpipe": patch.texpipe,
        "is_file": patch.is_file,
        "base": patch.base,
        "made": [
            {"name": one.name, "sha256": one.sha256, "pieces": [vars(piece) for piece in one.pieces]}
            for one in patch.made
        ],
        "removed": patch.removed,
    }
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def read_patch(file: Path) -> Patch:
    """Read what an update archive says.

    Raises:
        PackError: it cannot be read, is no update archive, or names files outside of the pack.
    """
    with ZipReader(file) as archive:
        return _patch_in(archive, file)


def _patch_in(archive: ZipReader, file: Path) -> Patch:
    from pydantic import TypeAdapter, ValidationError

    hint = "Make it anew with `texpipe patch make`, or download it again."
    if _LIST not in archive.names():
        raise PackError(f"{file} is no update archive of texpipe: it has no {_LIST}", hint=hint)
    with refusing(file, PackError, hint):
        data = archive.read(_LIST, _MAX_LIST)
        try:
            patch = TypeAdapter(Patch).validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise PackError(f"{file}: {_LIST}: {where}: {first['msg']}", hint=hint) from error
    if patch.schema != SCHEMA:
        raise PackError(f"{file}: schema is {patch.schema!r}, this version of texpipe reads {SCHEMA!r}")
    _require_sound(patch, file)
    return patch


def _require_sound(patch: Patch, file: Path) -> None:
    """Refuse names that lead out of the pack, and pieces of files that are not in the old one."""
    names = [*patch.base, *(one.name for one in patch.made), *patch.removed]
    for name in names:
        if (patch.is_file and name != _ALONE) or (not patch.is_file and _is_harmful(name)):
            raise PackError(f"{file}: {_LIST}: {name!r} is no path below a pack")
    made = [folded(one.name) for one in patch.made]
    if len(set(made)) < len(made):
        raise PackError(f"{file}: {_LIST}: a file is made twice")
    for one in patch.made:
        for piece in one.pieces:
            if piece.start < 0 or piece.length < 0 or not (piece.base is None or piece.base in patch.base):
                raise PackError(f"{file}: {_LIST}: {one.name!r} has a piece of a file that is not there")


def _is_harmful(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(harm_in(name) or unportable(path)) or any(part.startswith(".") for part in path.parts)


@dataclass(frozen=True)
class Applied:
    """What applying a patch did: how many files were added or changed, removed, and left as they were."""

    made: int
    removed: int
    kept: int


def apply_patch(
    file: Path,
    root: Path,
    *,
    output: Path | None = None,
    other_changes: bool = False,
    step: Step = lambda _: None,
) -> Applied:
    """Turn a pack into the one that an update archive was made for, as a whole or not at all.

    Files that belong to neither pack stay as they are, hidden ones too.

    Args:
        file: the archive.
        root: the pack.
        output: where the result goes instead; the pack then stays as it is. Nothing may be there.
        other_changes: accept a pack that differs from the one that the archive was made from, as long as the files
            that it changes or removes do not.
        step: called after each file that is made.

    Raises:
        PackError: the archive is damaged, or the pack is not the one that it was made from; the pack is as it was.
    """
    put_back(root)
    if output is not None and os.path.lexists(output):
        raise PackError(f"{output} is there already", hint="Give another name for the result.")
    with ZipReader(file) as archive:
        patch = _patch_in(archive, file)
        if not root.exists() or root.is_file() != patch.is_file:
            kind = "a container file" if patch.is_file else "a folder"
            raise PackError(f"{root} is not {kind}, as the pack that this update is for")
        files = _files(root, files_of_pack(root))
        _require_base(patch, files, root, other_changes)
        if patch.is_file:
            _apply_to_file(patch, archive, root, output or root)
        else:
            _apply_to_folder(patch, archive, root, output or root, step)
    return Applied(len(patch.made), len(patch.removed), len(files) - len(patch.removed))


def _require_base(patch: Patch, files: Mapping[str, Path], root: Path, other_changes: bool) -> None:
    """Refuse a pack that the archive was not made from, naming what differs."""
    touched = {one.name for one in patch.made} | set(patch.removed)
    touched |= {piece.base for one in patch.made for piece in one.pieces if piece.base is not None}
    wrong = []
    for name, digest in patch.base.items():
        if name not in touched and other_changes:
            continue
        if name not in files:
            wrong.append(f"{name} is missing")
        elif file_digest(files[name]) != digest:
            wrong.append(f"{name} is another")
    wrong += [f"{name} is in the way" for name in _in_the_way(patch, files, root)]
    if wrong:
        shown = "; ".join(wrong[:_SHOWN]) + (
            f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        )
        hint = "Apply it to the version of the pack that it was made from."
        if not other_changes:
            hint += " Where only other files were changed, --other-changes keeps those."
        raise PackError(f"{root} is not the pack that this update is for: {shown}", hint=hint)


def _in_the_way(patch: Patch, files: Mapping[str, Path], root: Path) -> Iterator[str]:
    """Yield what lies where the archive would put a new file, under a name that some systems take for the same."""
    others = {folded(name): name for name in files if name not in patch.base}
    for one in patch.made if not patch.is_file else ():
        if one.name not in patch.base:
            if (rival := others.get(folded(one.name))) is not None:
                yield rival
            elif os.path.lexists(root / one.name) and one.name not in files:
                yield one.name


_SHOWN = 5
"""Number of files that a message names."""


def _apply_to_file(patch: Patch, archive: ZipReader, root: Path, final: Path) -> None:
    with refusing(final, PackError):
        _write_file(patch, archive, root, final)


def _write_file(patch: Patch, archive: ZipReader, root: Path, final: Path) -> None:
    if not patch.made:
        if final != root:
            with open_atomic(final, any_link=True) as target, open_regular(root) as stream:
                shutil.copyfileobj(stream, target)
        return
    with open_atomic(final, any_link=True) as target:
        _make(patch.made[0], 0, archive, {_ALONE: root}, target)


def _apply_to_folder(patch: Patch, archive: ZipReader, root: Path, final: Path, step: Step) -> None:
    replaced = {one.name for one in patch.made} | set(patch.removed)
    with refusing(final, PackError), whole_folder(final) as folder:
        others = _link if final == root else _copy
        for source, target in _others(root, folder, {os.path.normcase(root / name) for name in replaced}):
            others(source, target)
        for number, one in enumerate(patch.made):
            target = folder / one.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as stream:
                _make(one, number, archive, {name: root / name for name in patch.base}, stream)
            step(Progress("write", number + 1, len(patch.made)))


def _others(root: Path, folder: Path, replaced: set[str]) -> Iterator[tuple[Path, Path]]:
    """Yield every other file of the old folder and its place in the new one; folders that become empty are left out."""
    for above, folders, names in os.walk(root):
        below = folder / Path(above).relative_to(root)
        if not names and not folders:
            below.mkdir(parents=True, exist_ok=True)
        for name in (*names, *(one for one in folders if Path(above, one).is_symlink())):
            source = Path(above, name)
            if os.path.normcase(source) not in replaced:
                below.mkdir(parents=True, exist_ok=True)
                yield source, below / name


def _link(source: Path, target: Path) -> None:
    """Give a file a second name: the first is removed with the old folder."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # a file system without hard links
        _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    shutil.copy2(source, target, follow_symlinks=False)


def _make(one: Made, number: int, archive: ZipReader, files: Mapping[str, Path], target: IO[bytes]) -> None:
    """Put a file together, and check that it is what the archive says.

    Raises:
        PackError: it is not.
    """
    digest = hashlib.sha256()
    with contextlib.ExitStack() as opened:
        streams: dict[str | None, IO[bytes]] = {}
        for piece in one.pieces:
            if piece.base not in streams:
                streams[piece.base] = opened.enter_context(
                    archive.stream(_data_name(number))
                    if piece.base is None
                    else open_regular(files[piece.base])
                )
            stream = streams[piece.base]
            if piece.base is None:
                chunks = _next(stream, piece.length, one.name)
            else:
                chunks = _run(stream, piece.start, piece.length)
            for chunk in chunks:
                digest.update(chunk)
                target.write(chunk)
    if digest.hexdigest() != one.sha256:
        raise PackError(f"the update archive is damaged: {one.name} is not what it says")


def _next(stream: IO[bytes], length: int, name: str) -> Iterator[bytes]:
    """Yield the next bytes of those that the archive brings, which are in order."""
    while length > 0:
        chunk = stream.read(min(length, _CHUNK))
        if not chunk:
            raise PackError(f"the update archive is damaged: it has too little of {name}")
        yield chunk
        length -= len(chunk)


def patch_as_json(patch: Patch) -> dict[str, Any]:
    """Return what a patch changes as one JSON object."""
    return {
        "schema": patch.schema,
        "texpipe": patch.texpipe,
        "files": len(patch.base),
        "made": [one.name for one in patch.made],
        "removed": list(patch.removed),
    }
