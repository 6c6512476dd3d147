"""A recipe while it is being changed: its text, the steps back and forth, and the file that it came from."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from texpipe.errors import RecipeError, UsageError
from texpipe.formats import known_targets
from texpipe.recipe.load import MAX_BYTES, LoadedRecipe, parse_recipe
from texpipe.storage.atomic import write_atomic
from texpipe.storage.small_files import MissingFileError, RefusedFileError, read_small, refusing
from texpipe.studio.kept_draft import Kept, KeptDraft, kept_files, read_kept
from texpipe.studio.notices import Notices
from texpipe.studio.three_way import merged

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
        notices: what there is to know of decisions that earlier studios did not save.
    """

    file: Path
    base: bytes
    text: str
    version: int = 1
    past: list[str] = field(default_factory=list)
    future: list[str] = field(default_factory=list)
    notices: Notices = field(default_factory=Notices)

    def __post_init__(self) -> None:
        self._kept = KeptDraft(self.file)

    @classmethod
    def open(cls, file: Path, notices: Notices | None = None) -> Draft:
        """Read a recipe, and what was decided about it and not saved before the last server ended.

        If the recipe was changed since, these decisions are put into it as it is now, where they fit. What is not taken
        over stays in its file and is said in `notices`.

        Raises:
            RecipeError: it cannot be read, or has mistakes.
        """
        base = _bytes_of(file)
        draft = cls(file, base, _text_of(base, file), notices=notices or Notices())
        draft.loaded()
        for kept_file in kept_files(file):
            draft._go_on_with(kept_file)
        return draft

    def _go_on_with(self, kept_file: Path) -> None:
        """Take over what a file keeps, if that fits and nothing else was taken over; otherwise say where it is."""
        try:
            kept = read_kept(kept_file)
        except RefusedFileError as error:
            self.notices.say(
                f"{kept_file} {error.message}. It should keep decisions about {self.file.name} that were not saved: "
                "none of them are here. The file stays as it is; delete it if you miss nothing."
            )
            return
        text = self._fitting(kept)
        if text is None:
            self.notices.say(
                f"{self.file.name} was changed after decisions about it that were not saved, and these no longer fit "
                f"it: they are not here. {kept_file} keeps them; delete it when you have decided anew.",
                _diff(kept.base, kept.text, self.file.name),
            )
        elif text.encode() == self.base:  # all of it was saved, or written by somebody
            kept_file.unlink(missing_ok=True)
        elif self.is_dirty:
            self.notices.say(
                f"{kept_file} keeps other decisions about {self.file.name} that were not saved, because two studios "
                "were open. Save or undo what is here, then start texpipe studio again: it has those.",
                _diff(kept.base, kept.text, self.file.name),
            )
        else:
            self._take_over(kept, text)

    def _fitting(self, kept: Kept) -> str | None:
        """Return the recipe as it is now with decisions that were kept; None if they do not fit it."""
        text = merged(kept.base, kept.text, self.base.decode("utf-8"))
        if text is None:
            return None
        try:
            parse_recipe(text.encode(), self.file, known_targets())
        except RecipeError:
            return None
        return text

    def _take_over(self, kept: Kept, text: str) -> None:
        self._kept.take(kept)
        self.past, self.text = [self.text], text
        if kept.base.encode() != self.base:
            self.notices.say(
                f"{self.file.name} was changed after decisions about it that were not saved. They are here again, as "
                "part of the recipe as it is now: Save shows what they change, Undo leaves them out.",
                self.diff(),
            )

    @property
    def kept_file(self) -> Path:
        """Where a draft is kept until it is saved."""
        return self._kept.file

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
        return _diff(self.base.decode("utf-8"), self.text, self.file.name)

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
        self._kept.remove()
        return hashlib.sha256(data).hexdigest()

    def reload(self) -> None:
        """Read the file again; the draft becomes a step that undo returns to.

        Raises:
            RecipeError: it cannot be read, or has mistakes; nothing is changed.
        """
        base = _bytes_of(self.file)
        text = _text_of(base, self.file)
        parse_recipe(base, self.file, known_targets())
        if text != self.text:
            self.past.append(self.text)
        self.future.clear()
        self.base = base
        self._take(text)

    def _keep(self) -> None:
        if not self.is_dirty:
            self._kept.remove()
            return
        in_the_way = self._kept.write(self.base.decode("utf-8"), self.text)
        if in_the_way is not None:
            self.notices.say(
                f"{in_the_way} has decisions about {self.file.name} that are not of this studio: those made here are "
                f"kept in {self._kept.file} until you save them."
            )


def _diff(old: str, new: str, name: str) -> str:
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), name, f"{name} (decided here)"
    )
    return "".join(lines)


def _text_of(data: bytes, file: Path) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecipeError(f"{file} is not UTF-8 text", hint="Save it as UTF-8.") from error


def _bytes_of(file: Path) -> bytes:
    try:
        with refusing(file):
            return read_small(file, MAX_BYTES, any_link=True)
    except MissingFileError as error:
        raise RecipeError(f"{file} is missing", hint="Put it back, or open another one.") from error
    except RefusedFileError as error:
        raise RecipeError(f"{file} {error.message}") from error
