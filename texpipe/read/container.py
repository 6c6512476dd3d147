"""What all files that hold textures offer: a list of members, a way to read one."""

from __future__ import annotations

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
        size: the width and height that one of them claims, before it is decoded; None if they cannot be large.
            Raises the same.
    """

    members: Callable[[Path], list[Member]]
    read: Callable[[Source], Texture]
    size: Callable[[Source], tuple[int, int] | None]
