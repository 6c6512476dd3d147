"""A recipe while it is being changed: its text, the steps back and forth, and the file that it came from."""

from __future__ import annotations

import difflib
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from texpipe.errors import RecipeError, UsageError
from texpipe.formats import known_targets
from texpipe.recipe.load import MAX_BYTES, LoadedRecipe, parse_recipe
from texpipe.storage.atomic import write_atomic
from texpipe.storage.small_files import MissingFileError, RefusedFileError, parse_json, read_small, refusing

_MAX_KEPT = 4 * MAX_BYTES
"""Size in bytes of the largest kept draft that is read."""
_BOM = "\ufeff"


class ChangedError(UsageError):
    """Another program changed the recipe's file since it was read."""


@dataclass
class Draft:
    """The text of a recipe, which `save` writes to its file.

    What is not saved lies in a hidden file beside the recipe, so that a killed server loses nothing.

    Attributes:
        file: the recipe.
        base: its bytes when it was read or written last.
        text: as it would be saved now.
        version: goes up with every change of the text.
        past, future: texts that undo and redo return to, the next one last.
    """

    file: Path
    base: bytes
    text: str
    version: int = 1
    past: list[str] = field(default_factory=list)
    future: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, file: Path) -> Draft:
        """Read a recipe, and what was decided about it and not saved before the last server ended.

        Raises:
            RecipeError: it cannot be read, or has mistakes.
        """
        base = _bytes_of(file)
        try:
            draft = cls(file, base, base.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise RecipeError(f"{file} is not UTF-8 text", hint="Save it as UTF-8.") from error
        draft.loaded()
        kept = draft._kept()
        if kept is not None and kept != draft.text:
            draft.past, draft.text = [draft.text], kept
        return draft

    @property
    def kept_file(self) -> Path:
        """Where a draft is kept until it is saved."""
        return self.file.with_name(f".{self.file.name}.draft")

    @property
    def is_dirty(self) -> bool:
        """Whether there is something to save."""
        return self.text.encode() != self.base

    def loaded(self) -> LoadedRecipe:
        """Return the recipe that the text is.

        Raises:
            RecipeError: it has mistakes.
        """
        return parse_recipe(self.text.encode(), self.file, known_targets())

    def body(self) -> str:
        """Return the text as the YAML parser counts it: without a byte order mark."""
        return self.text.removeprefix(_BOM)

    def change(self, body: str) -> LoadedRecipe:
        """Take another text as the next step.

        Args:
            body: without a byte order mark.

        Raises:
            RecipeError: it would not be a recipe; nothing is changed.
        """
        text = (_BOM if self.text.startswith(_BOM) else "") + body
        loaded = parse_recipe(text.encode(), self.file, known_targets())
        self.past.append(self.text)
        self.future.clear()
        self._take(text)
        return loaded

    def undo(self) -> None:
        """Go one step back.

        Raises:
            UsageError: there is none.
        """
        self._step(self.past, self.future, "undo")

    def redo(self) -> None:
        """Go one step forth; UsageError as `undo`."""
        self._step(self.future, self.past, "redo")

    def _step(self, source: list[str], target: list[str], what: str) -> None:
        if not source:
            raise UsageError(f"there is nothing to {what}")
        target.append(self.text)
        self._take(source.pop())

    def _take(self, text: str) -> None:
        self.text = text
        self.version += 1
        self._keep()

    def diff(self) -> str:
        """Return what saving would change, as a unified diff."""
        old, new = self.base.decode("utf-8").splitlines(keepends=True), self.text.splitlines(keepends=True)
        return "".join(difflib.unified_diff(old, new, self.file.name, f"{self.file.name} (decided here)"))

    def changed_on_disk(self) -> bool:
        """Return whether the file is not what was read or written last."""
        try:
            return _bytes_of(self.file) != self.base
        except RecipeError:
            return True

    def save(self) -> str:
        """Write the file, whole or not at all, and return the hex digest of its bytes.

        Raises:
            ChangedError: another program changed it; nothing is written.
            PackError: it cannot be written.
        """
        if self.changed_on_disk():
            raise ChangedError(
                f"another program changed {self.file}, so it was not written",
                hint="Load the file again; what you decided here is kept until you do.",
            )
        data = self.text.encode()
        write_atomic(self.file, data, any_link=True)
        self.base = data
        self.version += 1
        self.kept_file.unlink(missing_ok=True)
        return hashlib.sha256(data).hexdigest()

    def reload(self) -> None:
        """Read the file again; the draft becomes a step that undo returns to.

        Raises:
            RecipeError: it has mistakes; nothing is changed.
        """
        base = _bytes_of(self.file)
        text = base.decode("utf-8")
        parse_recipe(base, self.file, known_targets())
        if text != self.text:
            self.past.append(self.text)
        self.future.clear()
        self.base = base
        self._take(text)

    def _keep(self) -> None:
        if not self.is_dirty:
            self.kept_file.unlink(missing_ok=True)
            return
        kept = {"of": hashlib.sha256(self.base).hexdigest(), "text": self.text}
        write_atomic(self.kept_file, json.dumps(kept).encode(), fsync=False)

    def _kept(self) -> str | None:
        """Return the draft that was kept, if it is one of this file as it is and can be read."""
        try:
            with refusing(self.kept_file):
                kept = parse_json(read_small(self.kept_file, _MAX_KEPT), self.kept_file)
        except RefusedFileError:
            return None
        if not isinstance(kept, dict) or kept.get("of") != hashlib.sha256(self.base).hexdigest():
            return None
        text = kept.get("text")
        try:
            parse_recipe(str(text).encode(), self.file, known_targets())
        except RecipeError:
            return None
        return str(text)


def _bytes_of(file: Path) -> bytes:
    try:
        with refusing(file):
            return read_small(file, MAX_BYTES, any_link=True)
    except MissingFileError as error:
        raise RecipeError(f"{file} is missing", hint="Put it back, or open another one.") from error
    except RefusedFileError as error:
        raise RecipeError(f"{file} {error.message}") from error
