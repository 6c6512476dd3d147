"""What all files that hold textures offer: a list of members, a way to read one, a limit to what is read."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from texpipe.texture import EmulatorName, Source, Texture


@dataclass(frozen=True)
class Member:
    """A texture in a file.

    Attributes:
        name: path below the file's name; empty where the file is one picture.
        member: what the file's reader finds it by.
        emulator: what is known of its name.
        reason: why it cannot be read, or None.
    """

    name: str
    member: str
    emulator: EmulatorName | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Container:
    """How a kind of file is listed and read.

    Attributes:
        members: the textures of a file, in any order. Raises SourceError, PackError or ValueError if it is damaged.
        read: one of them. Raises the same.
    """

    members: Callable[[Path], list[Member]]
    read: Callable[[Source], Texture]


def whole_file(file: Path, limit: int) -> bytes:
    """Return the bytes of a file.

    Args:
        file: to read.
        limit: largest number of bytes that are read.

    Raises:
        OSError: it cannot be read.
        ValueError: it is larger.
    """
    with file.open("rb") as stream:
        # `read` allocates all the bytes that it is asked for, so it is not asked for more than the file has.
        data = stream.read(min(limit, os.fstat(stream.fileno()).st_size) + 1)
    if len(data) > limit:
        raise ValueError(f"is larger than the limit of {limit:,} bytes")
    return data
