"""An output folder as a run writes to it: what texpipe wrote there is replaced, what somebody else did is kept.

A file is *ours* if it has bytes that texpipe once wrote at its place, *edited* if it is at such a place with other
bytes, and *foreign* if texpipe never wrote there.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias

from texpipe.errors import PackError
from texpipe.formats.portable_names import file_digest, folded
from texpipe.formats.readable import is_damaged
from texpipe.manifest.schema import Kept
from texpipe.packs.backup import Backup
from texpipe.packs.digests import FileDigests
from texpipe.packs.journal import note
from texpipe.storage.atomic import part_of, write_atomic
from texpipe.storage.layout import OutputLayout
from texpipe.storage.links import KnownFolders

Standing: TypeAlias = Literal["free", "equal", "ours", "damaged", "edited", "foreign"]
"""What lies where a file is to be written: nothing, the same bytes, ours, the remains of ours, or somebody's."""


@dataclass(frozen=True)
class PackFolder:
    """An output folder with what is known of its files.

    Attributes:
        output: the folder.
        paths: of all files that texpipe once wrote here.
        written: folded path -> hex sha256 of all that it wrote there.
        copies: folded path -> hex sha256 of files that somebody made there and keeps elsewhere, too.
        by_hand: folded paths of files that hold what somebody made and no longer keeps elsewhere.
        replace: which edited and foreign files are given up: "all", or globs of their paths and of textures' names.
        backup: where they are copied to first.
        kept: path -> whose the file is, for every file that was not written or removed because of it; grows.
        damaged: paths of the damaged files that were replaced; grows.
        digests: of its files.
        links: which of its folders are in it.
    """

    output: Path
    paths: frozenset[str] = frozenset()
    written: Mapping[str, frozenset[str]] = field(default_factory=dict)
    copies: Mapping[str, frozenset[str]] = field(default_factory=dict)
    by_hand: frozenset[str] = frozenset()
    replace: tuple[str, ...] = ()
    backup: Backup = field(default_factory=lambda: Backup(Path()))
    kept: dict[str, Kept] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)
    digests: FileDigests = field(default_factory=FileDigests, compare=False)
    links: KnownFolders = field(default_factory=lambda: KnownFolders(Path()), compare=False)

    @staticmethod
    def opened(output: Path, before: Iterable[tuple[str, str]], replace: tuple[str, ...] = ()) -> PackFolder:
        """Return the folder; `before` has path and hex sha256 of all that earlier runs wrote, a path several times."""
        known = tuple(before)
        paths = frozenset(path for path, _ in known)
        return PackFolder(
            output,
            paths,
            _by_folded_path(known),
            replace=replace,
            backup=Backup(output),
            links=KnownFolders(output),
        )

    def with_hand_made(self, copies: Iterable[tuple[str, str]], last: Iterable[str]) -> PackFolder:
        """Return the folder with what is known of hand-made pictures in it.

        Args:
            copies: path and hex sha256 of files that may be replaced, because they are kept elsewhere, too.
            last: paths of files that are copied to the backup before they are replaced, because they no longer are.
        """
        gone = frozenset(map(folded, last))
        return dataclasses.replace(self, copies=_by_folded_path(copies), by_hand=gone)

    def standing(self, path: str, digest: str | None = None) -> Standing:
        """Return what lies at a path where bytes of this hex sha256 (None: not known yet) are to be written.

        Raises:
            PackError: a file is there and cannot be read.
        """
        file = self.output / path
        if self.links.leads_out(file):  # whatever lies there is not looked at
            return "foreign"
        found = None if file.is_dir() else self.digests.of(file)
        if found is None:
            return "foreign" if os.path.lexists(file) else "free"  # a folder, or a link to what is gone
        if found == digest:
            return "equal"
        if found in self.copies.get(folded(path), ()):
            return "ours"
        known = self.written.get(folded(path))
        if known is None:
            return "foreign"
        if found in known:
            return "ours"
        return "damaged" if is_damaged(self.output / path) else "edited"

    def keeps(self, path: str, digest: str | None, *names: str) -> Kept | None:
        """Return whose the file is that `put` would keep at a path; None where it would write, or need not.

        Raises:
            PackError: a file is there and cannot be read.
        """
        return self._kept(path, self.standing(path, digest), names)

    def put(self, path: str, data: bytes | Callable[[], bytes], digest: str, *names: str) -> Kept | None:
        """Write a file, whole or not at all, and note it first; keep what somebody else made, and say whose it is.

        Args:
            path: of the file, below the folder.
            data, digest: its bytes, or what reads them if they are needed, and their hex sha256.
            names: of the textures in it, by which `replace` may mean it, too.

        Raises:
            PackError: it cannot be written.
        """
        standing = self.standing(path, digest)
        if standing == "equal":
            return None
        if (kept := self._kept(path, standing, names)) is not None:
            self.kept[path] = kept
            return kept
        content = data if isinstance(data, bytes) else data()
        self._copy_first(path, standing)
        note(self.output, path, digest)
        write_atomic(self.output / path, content, fsync=False)
        return None

    def put_whole(self, path: str, write: Callable[[Path], None]) -> str:
        """Let `write` make a file under another name, note it and give it its own; return its hex sha256.

        Call `require_free` first: what lies there is replaced.

        Raises:
            PackError: it cannot be written.
        """
        final = self.output / path
        part = part_of(final)
        try:
            write(part)
            digest = file_digest(part) or ""
            self._copy_first(path, self.standing(path, digest))
            note(self.output, path, digest)
            part.replace(final)
        except OSError as error:
            hint = "Check the permissions of the output folder, and that no other program has the file open."
            raise PackError(f"cannot write {final}: {error.strerror or error}", hint=hint) from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        return digest

    def require_free(self, paths: Iterable[str]) -> None:
        """Check that files which hold many textures, or lists of them, are ours to write.

        Raises:
            PackError: one was changed by hand, or texpipe never wrote it; nothing was written.
        """
        kept = {path: whose for path in paths if (whose := self._kept(path, self.standing(path), ()))}
        if kept:
            lines = "; ".join(f"{path} {_SAID[whose]}" for path, whose in kept.items())
            raise PackError(
                f"nothing was written: {lines}",
                hint=f"Move it away or give another --output. To give it up, run again with --replace-edited "
                f"{next(iter(kept))!r}: a copy goes to {OutputLayout(self.output).backup}.",
            )

    def replaced(self) -> Iterator[str]:
        """Yield a line for each damaged file that was replaced: whoever knows better finds it in the backup."""
        for path in self.damaged:
            copy = self.backup.folder / path
            yield f"{path} was damaged and has been written anew; a copy of what was there is {copy}"

    def still_edited(self) -> Iterator[tuple[str, str]]:
        """Yield path and hex sha256 of what texpipe once wrote where now somebody's edit lies."""
        for path, whose in self.kept.items():
            if whose == "edited":
                yield from ((path, digest) for digest in self.written[folded(path)])

    def _kept(self, path: str, standing: Standing, names: Iterable[str]) -> Kept | None:
        if standing not in ("edited", "foreign") or self._is_given_up(path, names):
            return None
        return "edited" if standing == "edited" else "foreign"

    def _is_given_up(self, path: str, names: Iterable[str]) -> bool:
        inside = str(PurePosixPath(*PurePosixPath(path).parts[1:]))
        known = {path, inside, PurePosixPath(path).name, *names}
        return any(
            pattern == "all" or pattern in known or any(fnmatchcase(name, pattern) for name in known)
            for pattern in self.replace
        )

    def _copy_first(self, path: str, standing: Standing) -> None:
        """Copy what somebody may want back; an empty file has nothing in it."""
        is_somebodys = standing in ("edited", "foreign", "damaged") or folded(path) in self.by_hand
        if is_somebodys and (self.output / path).is_file() and (self.output / path).stat().st_size:
            self.backup.copy(path)
            if standing == "damaged":
                self.damaged.append(path)


_SAID: Mapping[Kept, str] = {
    "edited": "was changed since texpipe wrote it",
    "foreign": "is there and was not written by texpipe",
}


def _by_folded_path(before: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for path, digest in before:
        found.setdefault(folded(path), set()).add(digest)
    return {path: frozenset(digests) for path, digests in found.items()}
