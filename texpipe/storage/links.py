"""Links: in a stranger's folder they are followed only as long as they stay inside of it; a user may name any."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from texpipe.errors import PackError


def leads_out(path: Path, root: Path) -> bool:
    """Return whether a path below a folder is elsewhere on the disk, because of a link at any of its parts."""
    try:
        return not path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # links that lead to each other; a RuntimeError before Python 3.13
        return True


def why_not_followed(path: Path, root: Path, named: str = "its folder") -> str | None:
    """Return why a file in a folder is not taken for one of the folder; None for a file, and for a link to one inside.

    Args:
        path: of the file, or of a link to anything.
        root: the folder.
        named: what the folder is called.
    """
    if not path.is_symlink():
        return None
    try:
        target = path.resolve(strict=True)
    except FileNotFoundError:
        return "is a link to a file that is missing"
    except (OSError, RuntimeError):  # a RuntimeError before Python 3.13
        return "is a link that leads to itself"
    if target.is_dir():
        return "is a link to a folder"
    return None if target.is_relative_to(root.resolve()) else f"is a link that leads out of {named}"


@dataclass(frozen=True)
class FilesInside:
    """The files of a folder.

    Attributes:
        files: in no order; also links to files of the folder.
        left_out: a line for people for each other link, which is not followed.
    """

    files: tuple[Path, ...]
    left_out: tuple[str, ...]


def files_inside(
    root: Path, passed_over: Callable[[Path, str], bool] = lambda _above, _name: False
) -> FilesInside:
    """List a folder of a stranger, and the folders in it.

    Args:
        root: the folder.
        passed_over: whether a file or folder does not count, by the folder that it is in and its name.

    Raises:
        PackError: a folder cannot be listed.
    """
    files: list[Path] = []
    lines: list[str] = []
    for path in _files_and_links(root, passed_over):
        if (why := why_not_followed(path, root)) is not None:
            lines.append(f"{path} {why}, so it is left out: put the file or folder itself in its place")
        elif path.is_file():
            files.append(path)
    return FilesInside(tuple(files), tuple(sorted(lines)))


def _files_and_links(root: Path, passed_over: Callable[[Path, str], bool]) -> Iterator[Path]:
    """Yield the files below a folder, and all links, also those to folders."""

    def stop(error: OSError) -> None:
        raise PackError(f"cannot list {error.filename}: {error.strerror or error}") from error

    for above, folders, names in os.walk(root, onerror=stop):
        place = Path(above)
        folders[:] = [one for one in folders if not passed_over(place, one)]
        yield from (place / one for one in names if not passed_over(place, one))
        yield from (place / one for one in folders if (place / one).is_symlink())


def target_of(path: Path) -> Path:
    """Return the place that a link leads to, whatever is there; of a path that is no link, the path.

    Raises:
        OSError: links lead to each other.
    """
    if not path.is_symlink():
        return path
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return target


class KnownFolders:
    """Tells of many files of a folder whether they lie elsewhere; each folder on the way is looked at once.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._inside: set[Path] = set()

    def leads_out(self, path: Path) -> bool:
        """Return what `leads_out` does of a path below the folder."""
        above = path.parent
        if above not in self._inside:
            if not above.is_dir() or leads_out(above, self._root):
                return leads_out(path, self._root)
            self._inside.add(above)
        return path.is_symlink() and leads_out(path, self._root)


def require_own_folders(root: Path, names: Iterable[str]) -> None:
    """Check that nothing which is written into these folders would land outside of `root`.

    Args:
        root: an output folder.
        names: of folders below it; those that are missing are sound.

    Raises:
        PackError: one of them, or a folder in it, is a link that leads out.
    """
    for name in names:
        _require_own(root, [root / name])
        for above, folders, _ in os.walk(root / name):
            _require_own(root, (Path(above, folder) for folder in folders))


def _require_own(root: Path, folders: Iterable[Path]) -> None:
    for folder in folders:
        if folder.is_symlink() and leads_out(folder, root):
            raise PackError(
                f"nothing was written: {folder} is a link that leads out of {root}",
                hint="Put a folder in its place. To have the pack elsewhere, make a link there that leads here.",
            )
