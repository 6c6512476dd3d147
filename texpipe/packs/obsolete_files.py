"""Files of earlier runs that are no longer part of a pack: found before a run, moved into the backup after it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from texpipe.errors import PackError
from texpipe.formats.portable_names import file_digest, folded
from texpipe.packs.ownership import PackFolder
from texpipe.storage.links import leads_out


def remove_left_over(folder: PackFolder, now: Mapping[str, str]) -> list[str]:
    """Move files that an earlier run wrote and this one did not into the backup: a pack does not depend on its history.

    Files that somebody changed since stay where they are.

    Args:
        folder: the run's output folder.
        now: path -> hex sha256 of the pack's files.

    Returns:
        One line for each file that stays.

    Raises:
        PackError: a file cannot be read or moved.
    """
    twins = {folded(path): path for path in now}
    kept = []
    for path in sorted(folder.paths - set(now)):
        twin = twins.get(folded(path))
        try:
            if not _remove(folder, path, None if twin is None else folder.output / twin):
                folder.kept[path] = "edited"
                kept.append(f"{path} is no longer part of the pack, but was changed by hand: kept")
        except OSError as error:
            raise PackError(
                f"cannot remove {folder.output / path}, which is no longer part of the pack: {error.strerror or error}",
                hint="Check the permissions of the output folder; then run again.",
            ) from error
    return kept


def _remove(folder: PackFolder, path: str, twin: Path | None) -> bool:
    """Move a file away if texpipe wrote its bytes; return whether it is gone.

    Where the file system takes it for the one of the pack that differs only in case, it gets that one's name.
    """
    file = folder.output / path
    if leads_out(file, folder.output):
        return False
    if not file.is_file():
        return True
    if twin is not None and file.samefile(twin):
        file.rename(twin)
        return True
    if file_digest(file) not in folder.written.get(folded(path), ()):
        return False
    folder.backup.move(path)
    return True
