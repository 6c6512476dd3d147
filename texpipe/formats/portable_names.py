"""Files of a pack: names that every system can hold, and contents known by their digest."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import Path, PurePath

from texpipe.errors import PackError
from texpipe.storage.links import leads_out
from texpipe.storage.small_files import RefusedFileError, open_regular, refusing

_MAX_NAME_BYTES = 255
"""Longest name of a file or folder on every file system in use, in UTF-8."""

_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]')
_DEVICE = re.compile(
    r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\xb9\xb2\xb3]) *(?:\..*)?", re.IGNORECASE
)


def unportable(path: PurePath) -> str | None:
    """Say why some system cannot hold a file of this relative path, or return None.

    Packs travel: what is written on Linux is unpacked on Windows, so the rules are the same everywhere. Those of
    Windows are from Microsoft's "Naming Files, Paths, and Namespaces".
    """
    if path.is_absolute():
        return f"{path} is not below the pack's folder"
    for part in path.parts:
        if len(part.encode("utf-8", "surrogateescape")) > _MAX_NAME_BYTES:
            return f"its file name would have more than {_MAX_NAME_BYTES} bytes"
        if found := _FORBIDDEN.search(part):
            return f"Windows allows no {found[0]!r} in a name ({part})"
        if part.endswith((".", " ")):
            return f"Windows allows no dot or space at the end of a name ({part!r})"
        if _DEVICE.fullmatch(part):
            return f"{part} is the name of a device on Windows"
    return None


def folded(path: PurePath | str) -> str:
    """Return what two paths have in common that are one file where upper case, lower case and accents are one."""
    text = str(path)
    if text.isascii():  # as nearly all names are
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def file_digest(path: Path, *, inside: Path | None = None) -> str | None:
    """Return the hex sha256 of a file's bytes, or None if there is no such file.

    Args:
        path: the file.
        inside: folder that links must not lead out of; None where they may lead anywhere.

    Raises:
        PackError: the file cannot be read, or lies elsewhere.
    """
    if inside is not None and leads_out(path, inside):
        raise PackError(f"{path} is a link that leads out of the output folder")
    digest = hashlib.sha256()
    try:
        with refusing(path), open_regular(path) as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except RefusedFileError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise PackError(f"{path} {error.message}") from error
    return digest.hexdigest()


def holds(path: Path, digest: str) -> bool:
    """Return whether a file is there, can be read and has the bytes of this hex sha256."""
    try:
        return file_digest(path) == digest
    except PackError:
        return False
