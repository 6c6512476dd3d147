"""The files beside a recipe that keep what was decided about it and not saved.

The first studio of a recipe has `.NAME.yaml.draft`, others at the same time that name with a number behind it. A studio
replaces and removes only a file that has the bytes that it read or wrote there itself.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from texpipe.recipe.load import MAX_BYTES
from texpipe.storage.atomic import write_atomic, write_new
from texpipe.storage.small_files import RefusedFileError, parse_json, read_small, refusing

_MAX_KEPT = 8 * MAX_BYTES
"""Size in bytes of the largest file that is read: it has two texts, and JSON spells some letters longer."""


@dataclass(frozen=True)
class Kept:
    """What a file keeps.

    Attributes:
        file: where it is.
        data: its bytes.
        base: the recipe before somebody decided.
        text: the recipe as it was decided.
    """

    file: Path
    data: bytes
    base: str
    text: str


def kept_files(recipe: Path) -> list[Path]:
    """Return the files that keep decisions about a recipe, by their numbers; none where a folder cannot be listed."""
    name = re.compile(re.escape(_numbered(recipe, 1).name) + r"(?:\.([1-9][0-9]{0,8}))?")
    try:
        found = [(name.fullmatch(path.name), path) for path in recipe.parent.iterdir()]
    except OSError:  # what is there is still not written over
        return []
    return [path for _, path in sorted((int(match[1] or 1), path) for match, path in found if match)]


def read_kept(file: Path) -> Kept:
    """Return what a file keeps.

    Raises:
        RefusedFileError: it cannot be read, or keeps no decisions.
    """
    data = read_small(file, _MAX_KEPT)
    with refusing(file):
        value = parse_json(data, file)
        texts = [value.get(key) for key in ("base", "text")] if isinstance(value, dict) else []
        if [type(one) for one in texts] != [str, str]:
            raise RefusedFileError("keeps no decisions")
        base, text = map(str, texts)
        "".join((base, text)).encode()  # JSON can spell what no file can have
    return Kept(file, data, base, text)


class KeptDraft:
    """The file in which one studio keeps its decisions.

    Args:
        recipe: the recipe's file.

    Attributes:
        file: where they are kept, or would be.
    """

    def __init__(self, recipe: Path) -> None:
        self._recipe = recipe
        self._known: bytes | None = None
        self.file = _numbered(recipe, 1)

    def take(self, kept: Kept) -> None:
        """Go on with a file that an earlier studio left."""
        self.file, self._known = kept.file, kept.data

    def write(self, base: str, text: str) -> Path | None:
        """Keep decisions, in a file with another number if something that is not this studio's has the name.

        Args:
            base, text: as `Kept` has them.

        Returns:
            What has the name; None if nothing is in the way.

        Raises:
            PackError: it cannot be written.
        """
        data = json.dumps({"base": base, "text": text}).encode()
        in_the_way = None
        if self._is_own():
            write_atomic(self.file, data, fsync=False)
        else:
            self.file, in_the_way = self._written_new(data)
        self._known = data
        return in_the_way

    def remove(self) -> None:
        """Keep nothing any more."""
        if self._is_own():
            self.file.unlink(missing_ok=True)
        self._known = None

    def _is_own(self) -> bool:
        try:
            return self._known is not None and read_small(self.file, _MAX_KEPT) == self._known
        except RefusedFileError:
            return False

    def _written_new(self, data: bytes) -> tuple[Path, Path | None]:
        number, in_the_way = 1, None
        while True:
            file = _numbered(self._recipe, number)
            try:
                write_new(file, data)
            except FileExistsError:
                number, in_the_way = number + 1, in_the_way or file
            else:
                return file, in_the_way


def _numbered(recipe: Path, number: int) -> Path:
    return recipe.with_name(f".{recipe.name}.draft" + (f".{number}" if number > 1 else ""))
