"""What people think of results: a mark and a note for each texture, in a plain, sorted file beside the recipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from texpipe.errors import RecipeError, UsageError
from texpipe.recipe.yaml_positions import Document, Unreadable, read_yaml
from texpipe.storage.atomic import write_atomic, write_new
from texpipe.storage.small_files import MissingFileError, RefusedFileError, read_small, refusing
from texpipe.studio.notices import Notices
from texpipe.studio.review_text import Change, Review, ReviewText, UnchangeableError

MARKS = ("approve", "reject", "flag")
_MAX_BYTES = 64 << 20
"""Size in bytes of the largest file of reviews that is read."""
_MAX_VALUES = 1 << 22
"""Largest number of values in a file of reviews: four for each texture of a dump of a million."""
_MAX_NOTE = 2000
"""Length of the longest note, in characters."""


class Reviews:
    """The reviews beside a recipe, `NAME.review.yaml`; read anew before each change, as git or a person may change it.

    Args:
        recipe: the recipe's file.
        notices: where to say that the file had to be written anew.
    """

    def __init__(self, recipe: Path, notices: Notices | None = None) -> None:
        self.file = recipe.with_name(f"{recipe.stem}.review.yaml")
        self._notices = notices or Notices()
        self._last = _NOTHING

    def all(self) -> Mapping[str, Review]:
        """Return the reviews by texture.

        Raises:
            RecipeError: the file is not one of reviews.
        """
        return self._read().reviews

    def _read(self) -> _Known:
        try:
            with refusing(self.file):
                data = read_small(self.file, _MAX_BYTES, any_link=True)
                if data == self._last.data:
                    return self._last
                document = read_yaml(data.decode("utf-8-sig"), max_values=_MAX_VALUES)
                text = _text_of(data.decode(), document) if isinstance(document.value, dict | None) else None
        except MissingFileError:
            return _NOTHING
        except (RefusedFileError, UnicodeDecodeError, Unreadable) as error:
            raise self._damaged(
                error.message if isinstance(error, RefusedFileError) else str(error)
            ) from error
        if not isinstance(document.value, dict | None):
            raise self._damaged("is not a list of textures")
        reviews = {name: self._review(name, one) for name, one in (document.value or {}).items()}
        self._last = _Known(data, reviews, text)
        return self._last

    def _review(self, name: str, value: object) -> Review:
        fields = value if isinstance(value, dict) else {"": value}
        if not fields.keys() <= {"mark", "note"} or fields.get("mark", "") not in ("", *MARKS):
            raise self._damaged(f"the line of {name!r} is not {{mark: {' | '.join(MARKS)}, note: ...}}")
        return Review(str(fields.get("mark", "")), str(fields.get("note", "")))

    def _damaged(self, why: str) -> RecipeError:
        return RecipeError(f"{self.file}: {why}", hint="Mend it, or move it away; it is not overwritten.")

    def put(self, names: Iterable[str], mark: str | None, note: str | None) -> None:
        """Change the reviews of some textures, and write the file; whatever else a person wrote there stays.

        A file in which no single entry can be changed is written anew, after a copy of it.

        Args:
            names: the textures.
            mark: one of `MARKS`, "" to take it away, None to leave it.
            note: text, "" to take it away, None to leave it.

        Raises:
            UsageError: there is no such mark, or the note is too long.
            RecipeError: the file is not one of reviews.
            PackError: it cannot be written.
        """
        if mark not in (None, "", *MARKS):
            raise UsageError(f"{mark!r} is no mark", hint=f"Marks: {', '.join(MARKS)}.")
        if note is not None and len(note) > _MAX_NOTE:
            raise UsageError(f"the note is longer than {_MAX_NOTE} characters")
        known = self._read()
        changes: dict[str, Change] = {}
        for name in names:
            old = known.reviews.get(name, Review())
            new = Review(old.mark if mark is None else mark, old.note if note is None else note)
            if new != old:
                changes[name] = Change(old, new)
        if changes:
            self._write(known, changes)

    def _write(self, known: _Known, changes: Mapping[str, Change]) -> None:
        reviews = {**known.reviews, **{name: one.after for name, one in changes.items()}}
        kept = {name: one for name, one in sorted(reviews.items()) if one != Review()}
        text = self._changed(known, changes)
        if text is None:
            self._copy(known.data)
            text = ReviewText.written(kept)
        data = text.whole().encode()
        # Nobody named this file: through a link it is written only to reviews, which were read there.
        write_atomic(self.file, data, any_link=self.file.is_file())
        self._last = _Known(data, kept, text)

    def _changed(self, known: _Known, changes: Mapping[str, Change]) -> ReviewText | None:
        """Return the text with other entries; None where they cannot be changed by themselves."""
        with refusing(self.file, RecipeError), suppress(UnchangeableError):
            return None if known.text is None else known.text.changed(changes)
        return None

    def _copy(self, data: bytes) -> None:
        """Put the file as it is beside it, under a name that is free, and say so."""
        number = 1
        while True:
            copy = self.file.with_name(f"{self.file.name}.backup" + (f".{number}" if number > 1 else ""))
            try:
                write_new(copy, data)
            except FileExistsError:
                number += 1
                continue
            self._notices.say(
                f"{self.file} is not written with a line of its own for each texture, so it was written anew, without "
                f"its comments. {copy} is the file as it was: copy what you miss from it."
            )
            return

    def counts(self) -> dict[str, int]:
        """Return how many textures have each mark, and a note; errors as `all`."""
        return self._read().counts


def _text_of(text: str, document: Document) -> ReviewText | None:
    """Take a text apart; None where no single entry can be changed in it."""
    with suppress(UnchangeableError):
        return ReviewText.read(text, document)
    return None


@dataclass(frozen=True)
class _Known:
    """The bytes of a file of reviews, and what they say: to compare bytes is faster than to read them again.

    `text` is None where no single entry can be changed in the file.
    """

    data: bytes
    reviews: Mapping[str, Review]
    text: ReviewText | None

    @cached_property
    def counts(self) -> dict[str, int]:
        marks = Counter(one.mark for one in self.reviews.values())
        notes = sum(bool(one.note) for one in self.reviews.values())
        return {mark: marks[mark] for mark in MARKS} | {"note": notes}


_NOTHING = _Known(b"", {}, ReviewText())
