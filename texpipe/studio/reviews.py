"""What people think of results: a mark and a note for each texture, in a plain, sorted file beside the recipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from texpipe.errors import RecipeError, UsageError
from texpipe.recipe.yaml_positions import Unreadable, read_yaml
from texpipe.storage.atomic import write_atomic
from texpipe.storage.small_files import MissingFileError, RefusedFileError, read_small, refusing
from texpipe.studio.rule_text import flow

MARKS = ("approve", "reject", "flag")
_MAX_BYTES = 64 << 20
"""Size in bytes of the largest file of reviews that is read."""
_MAX_VALUES = 1 << 22
"""Largest number of values in a file of reviews: four for each texture of a dump of a million."""
_MAX_NOTE = 2000
"""Length of the longest note, in characters."""
_HEAD = "# What was thought of each texture in `texpipe studio`: one line each, sorted, so that git can merge them.\n"


@dataclass(frozen=True)
class Review:
    """What somebody thinks of a texture: one of `MARKS` or "", and a note or ""."""

    mark: str = ""
    note: str = ""


class Reviews:
    """The reviews beside a recipe, `NAME.review.yaml`; read anew before each change, as git or a person may change it.

    Args:
        recipe: the recipe's file.
    """

    def __init__(self, recipe: Path) -> None:
        self.file = recipe.with_name(f"{recipe.stem}.review.yaml")
        self._last = _Known(b"", {})

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
                value = read_yaml(data.decode("utf-8-sig"), max_values=_MAX_VALUES).value
        except MissingFileError:
            return _Known(b"", {})
        except (RefusedFileError, UnicodeDecodeError, Unreadable) as error:
            raise self._damaged(
                error.message if isinstance(error, RefusedFileError) else str(error)
            ) from error
        if not isinstance(value, dict | None):
            raise self._damaged("is not a list of textures")
        self._last = _Known(data, {name: self._review(name, one) for name, one in (value or {}).items()})
        return self._last

    def _review(self, name: str, value: object) -> Review:
        fields = value if isinstance(value, dict) else {"": value}
        if not fields.keys() <= {"mark", "note"} or fields.get("mark", "") not in ("", *MARKS):
            raise self._damaged(f"the line of {name!r} is not {{mark: {' | '.join(MARKS)}, note: ...}}")
        return Review(str(fields.get("mark", "")), str(fields.get("note", "")))

    def _damaged(self, why: str) -> RecipeError:
        return RecipeError(f"{self.file}: {why}", hint="Mend it, or move it away; it is not overwritten.")

    def put(self, names: Iterable[str], mark: str | None, note: str | None) -> None:
        """Change the reviews of some textures, and write the file.

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
        known = dict(self.all())
        for name in names:
            old = known.get(name, Review())
            known[name] = Review(old.mark if mark is None else mark, old.note if note is None else note)
        kept = {name: one for name, one in sorted(known.items()) if one != Review()}
        data = (_HEAD + "".join(_line(name, one) for name, one in kept.items())).encode()
        # Nobody named this file: through a link it is written only to reviews, which `all` has read there.
        write_atomic(self.file, data, any_link=self.file.is_file())
        self._last = _Known(data, kept)

    def counts(self) -> dict[str, int]:
        """Return how many textures have each mark, and a note; errors as `all`."""
        return self._read().counts


@dataclass(frozen=True)
class _Known:
    """The bytes of a file of reviews, and what they say: to compare bytes is faster than to read them again."""

    data: bytes
    reviews: Mapping[str, Review]

    @cached_property
    def counts(self) -> dict[str, int]:
        marks = Counter(one.mark for one in self.reviews.values())
        notes = sum(bool(one.note) for one in self.reviews.values())
        return {mark: marks[mark] for mark in MARKS} | {"note": notes}


@lru_cache(maxsize=1 << 17)
def _line(name: str, review: Review) -> str:
    said = {key: value for key, value in vars(review).items() if value}
    return f"{_key(name)}: {flow(said)}\n"


def _key(name: str) -> str:
    """Return a texture's name in quotes, whatever is in it."""
    quoted = flow(f"{name}\n")  # the line break makes it a quoted text
    return quoted.removesuffix('\\n"') + '"'
