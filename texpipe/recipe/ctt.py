"""Join files of the Custom Texture Tool (`.ctt`): a split picture as plain lines.

Name, output path, tile size WxH, columns, rows, overlap in texels, margins a:b:c:d, tile size in the pack WxH, and then
one file name per tile in rows from the top left.
"""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import ValidationError

from texpipe.errors import Location, RecipeError
from texpipe.recipe.schema import AUTO, GroupRule, Recipe

MAX_BYTES = 1 << 20
"""Largest join file that is read."""

_HEAD = ("name", "output path", "tile size", "columns", "rows", "overlap", "margins", "tile size in the pack")
_SIZE = re.compile(r"([0-9]{1,5})x([0-9]{1,5})")
_NUMBER = re.compile(r"[0-9]{1,5}")


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
            found, wrong = _read_all(folder / Path(entry).expanduser())
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
        return [], [RecipeError("there is no join file", hint=hint, location=Location(root))]
    groups: list[GroupRule] = []
    problems: list[RecipeError] = []
    for file in files:
        inside = file.relative_to(root) if root.is_dir() else Path(file.name)
        try:
            groups.append(read_ctt(file, inside.with_suffix("").as_posix()))
        except RecipeError as error:
            problems.append(error)
    return groups, problems


def read_ctt(file: Path, name: str | None = None) -> GroupRule:
    """Read a join file.

    Args:
        file: a text file, UTF-8 or what Windows makes of it.
        name: the group's name, instead of that in the file.

    Raises:
        RecipeError: it cannot be read, or breaks the grammar; its location is the first bad line.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise RecipeError(f"cannot be read: {error.strerror or error}", location=Location(file)) from error
    if len(data) > MAX_BYTES:
        raise RecipeError(f"is larger than the limit of {MAX_BYTES:,} bytes", location=Location(file))
    return parse_ctt(data.decode("utf-8-sig", errors="replace"), file, name)


def parse_ctt(text: str, file: Path, name: str | None = None) -> GroupRule:
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
    _margins(file, lines)
    _size(file, 8, lines)
    files = [line.strip() for line in lines[len(_HEAD) :]]
    if len(files) != columns * rows:
        message = f"{len(files)} file names, but {columns} columns x {rows} rows are {columns * rows}"
        raise _fault(file, len(lines), message)
    if "" in files:
        raise _fault(file, len(_HEAD) + 1 + files.index(""), "is empty, but a file name belongs here")
    fields = {
        "columns": columns,
        "rows": rows,
        "overlap": overlap,
        "tile": f"{width}x{height}",
        "files": files,
    }
    try:
        return GroupRule.model_validate({"name": _group_name(name or lines[0]), **fields})
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


def _margins(file: Path, lines: list[str]) -> None:
    """None of the public files has margins, and nobody says which side is which: better no join than a wrong one."""
    parts = lines[6].strip().split(":")
    if len(parts) != 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        raise _fault(file, 7, f"margins {lines[6].strip()!r} are not four numbers, such as 0:0:0:0")
    if any(int(part) for part in parts):
        raise _fault(file, 7, f"margins {lines[6].strip()} are not supported, only 0:0:0:0")


def _fault(file: Path, line: int, message: str) -> RecipeError:
    hint = f"Lines of a join file: {', '.join(_HEAD)}, then one file name per tile."
    return RecipeError(message, hint=hint, location=Location(file, line))
