"""Join files of the Custom Texture Tool (`.ctt`): a split picture as plain lines.

Name, path of the tiles, tile size WxH, columns, rows, overlap in texels, left:top:bottom:right texels that are cut
off every tile, size WxH of a button in the tool's window, and then one file name per tile in rows from the top left.
`A=B` in place of a name says that B belongs at the same place as A. Up to six lines `sst1=name` to `ssb3=name` may
follow: textures of Ocarina of Time for a shaking screen, which are not tiles. Source of the grammar: `CreateCTTFile`
and `LoadCTTFile` of the tool itself, version 51.0 (BigheadSMZ/Custom-Texture-Tool-PS).
"""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import ValidationError

from texpipe.errors import Location, RecipeError
from texpipe.recipe.group_rules import AUTO, GroupRule
from texpipe.recipe.schema import Recipe
from texpipe.storage.home import from_home
from texpipe.storage.small_files import RefusedFileError, read_small

MAX_BYTES = 1 << 20
"""Size in bytes of the largest join file that is read."""

_HEAD = ("name", "path", "tile size", "columns", "rows", "overlap", "margins", "button size")
_SIZE = re.compile(r"([0-9]{1,5})x([0-9]{1,5})")
_NUMBER = re.compile(r"[0-9]{1,5}")
_SHAKEN = re.compile(r"ss[tb][1-3]=.*")
"""A texture of Ocarina of Time's shaking screen: rows of the picture that no grid holds."""


def with_join_files(recipe: Recipe, folder: Path) -> Recipe:
    """Replace the join files among a recipe's groups by what they declare.

    Args:
        recipe: as its file has it.
        folder: that the paths in it are relative to.

    Raises:
        RecipeError: a join file is missing or breaks the grammar; `problems` holds the mistakes of all of them.
    """
    if not recipe.join_files:
        return recipe
    groups: list[GroupRule | str] = []
    problems: list[RecipeError] = []
    for entry in recipe.groups:
        if isinstance(entry, GroupRule) or entry == AUTO:
            groups.append(entry)
        else:
            found, wrong = _read_all(folder / from_home(entry))
            groups += found
            problems += wrong
    if len(problems) > 1:
        message = f"{len(problems)} mistakes in join files"
        raise RecipeError(message, location=Location(folder), problems=tuple(problems))
    if problems:
        raise problems[0]
    return recipe.model_copy(update={"groups": tuple(groups)})


def _read_all(root: Path) -> tuple[list[GroupRule], list[RecipeError]]:
    """Read one join file or a folder of them. Groups are named after the files: in them many are called "Top"."""
    files = sorted(root.rglob("*.ctt")) if root.is_dir() else [root] if root.is_file() else []
    if not files:
        hint = "Name a .ctt file or a folder of them, relative to the recipe."
        return [], [RecipeError("the folder has no join file", hint=hint, location=Location(root))]
    groups: list[GroupRule] = []
    problems: list[RecipeError] = []
    for file in files:
        inside = file.relative_to(root) if root.is_dir() else Path(file.name)
        try:
            groups += read_ctt(file, inside.with_suffix("").as_posix())
        except RecipeError as error:
            problems.append(error)
    return groups, problems


def read_ctt(file: Path, name: str | None = None) -> tuple[GroupRule, ...]:
    """Read a join file.

    Args:
        file: a text file, UTF-8 or what Windows makes of it.
        name: the group's name, instead of that in the file.

    Returns:
        The picture; and once more with the other names, if some of its places have two.

    Raises:
        RecipeError: it cannot be read, or breaks the grammar; its location is the first bad line.
    """
    try:
        data = read_small(file, MAX_BYTES, any_link=True)
    except RefusedFileError as error:
        raise RecipeError(error.message, location=Location(file)) from error
    return parse_ctt(data.decode("utf-8-sig", errors="replace"), file, name)


def parse_ctt(text: str, file: Path, name: str | None = None) -> tuple[GroupRule, ...]:
    """Parse the text of a join file; `file` is for messages, see `read_ctt`.

    Raises:
        RecipeError: as `read_ctt`.
    """
    lines = text.rstrip().splitlines()
    if len(lines) <= len(_HEAD):
        missing = _HEAD[len(lines)] if len(lines) < len(_HEAD) else "first file name"
        raise _fault(file, len(lines) + 1, f"ends before its {missing}")
    width, height = _size(file, 3, lines)
    columns, rows, overlap = (_number(file, number, lines) for number in (4, 5, 6))
    trim = _trim(file, lines)
    _size(file, 8, lines)
    tiles = _tiles(file, lines, columns, rows)
    fields = {
        "columns": columns,
        "rows": rows,
        "overlap": overlap,
        "tile": f"{width}x{height}",
        "trim": (0, 0, 0, 0) if overlap else trim,  # the tool cuts off one or the other
    }
    group = _group_name(name or lines[0])
    first = _rule(file, {"name": group, **fields, "files": [tile for tile, _ in tiles]})
    if not any(other for _, other in tiles):
        return (first,)
    others = [other or tile for tile, other in tiles]
    return first, _rule(file, {"name": f"{group[:58]}-other", **fields, "files": others})


def _tiles(file: Path, lines: list[str], columns: int, rows: int) -> list[tuple[str, str]]:
    """Return for every place the name of its tile, and another one for the same place or ""."""
    names = [line.strip() for line in lines[len(_HEAD) :]]
    while len(names) > columns * rows and _SHAKEN.fullmatch(names[-1]):
        names.pop()
    if len(names) != columns * rows:
        message = f"{len(names)} file names, but {columns} columns x {rows} rows are {columns * rows}"
        raise _fault(file, len(_HEAD) + len(names), message)
    tiles = [(tile.strip(), other.strip()) for tile, _, other in (name.partition("=") for name in names)]
    empty = next((place for place, (tile, _) in enumerate(tiles) if not tile), None)
    if empty is not None:
        raise _fault(file, len(_HEAD) + 1 + empty, "is empty, but a file name belongs here")
    return tiles


def _rule(file: Path, fields: dict[str, object]) -> GroupRule:
    try:
        return GroupRule.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        line = {"columns": 4, "rows": 5, "overlap": 6, "tile": 3}.get(str(first["loc"][0]), len(_HEAD) + 1)
        raise _fault(file, line, f"{first['loc'][0]}: {first['msg']}") from error


def _group_name(text: str) -> str:
    """Return a text as the name of a group: letters, digits and `._-`, at most 64."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:64] or "picture"


def _size(file: Path, line: int, lines: list[str]) -> tuple[int, int]:
    found = _SIZE.fullmatch(lines[line - 1].strip())
    if found is None or not int(found[1]) or not int(found[2]):
        raise _fault(file, line, f"{_HEAD[line - 1]} {lines[line - 1].strip()!r} is not WxH, such as 64x32")
    return int(found[1]), int(found[2])


def _number(file: Path, line: int, lines: list[str]) -> int:
    text = lines[line - 1].strip()
    if not _NUMBER.fullmatch(text):
        raise _fault(file, line, f"{_HEAD[line - 1]} {text!r} is not a number")
    return int(text)


def _trim(file: Path, lines: list[str]) -> tuple[int, ...]:
    """Return the texels to cut off at the left, top, right and bottom; the file has the bottom before the right."""
    parts = lines[6].strip().split(":")
    if len(parts) != 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        message = (
            f"margins {lines[6].strip()!r} are not four numbers (left:top:bottom:right), such as 0:0:0:0"
        )
        raise _fault(file, 7, message)
    left, top, bottom, right = map(int, parts)
    return left, top, right, bottom


def _fault(file: Path, line: int, message: str) -> RecipeError:
    hint = f"Lines of a join file: {', '.join(_HEAD)}, then one file name per tile."
    return RecipeError(message, hint=hint, location=Location(file, line))
