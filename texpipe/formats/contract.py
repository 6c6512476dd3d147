"""What every pack format offers to the pipeline and to `verify`. A format is a plain module of this shape."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Protocol

from texpipe.errors import PackError
from texpipe.texture import EmulatorName, Source


class Unwritable(PackError):
    """A texture has no legal name in a format; the message says why."""


class PackFormat(Protocol):
    """One emulator's way of finding replacement textures.

    Attributes:
        NAME: the target's name in recipes and the folder below the output.
        COPY_TO: where people put the finished folder, a few lines of text.
    """

    @property
    def NAME(self) -> str:
        """The target's name in recipes, and of its folder below the output."""

    @property
    def COPY_TO(self) -> str:
        """Where people put the finished folder: a few lines of text."""

    def parse(self, name: str) -> EmulatorName | None:
        """Read a texture's name (path relative to the dump); None when it follows another grammar or none."""

    def output_path(self, source: Source) -> PurePosixPath:
        """Return where the texture goes, relative to the target's folder.

        Raises:
            Unwritable: the name cannot be expressed in this format.
        """

    def key(self, source: Source) -> str:
        """Return what the emulator looks the texture up by: of two sources with one key only one can be used.

        Raises:
            Unwritable: the name cannot be expressed in this format.
        """

    def problems(
        self, path: PurePosixPath, source_size: tuple[int, int], output_size: tuple[int, int], scale: int
    ) -> list[str]:
        """Check a written file against the emulator's own rules.

        Args:
            path: relative to the target's folder.
            source_size, output_size: width and height in pixels.
            scale: the factor that the recipe asks for.

        Returns:
            One line per rule that is broken; empty when the emulator will load the file.
        """
