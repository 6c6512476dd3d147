"""The summary of `texpipe inspect`: a whole dump in counts, what belongs together, and what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from texpipe.cli.inspected import InspectedTexture
from texpipe.cli.printable import printable
from texpipe.cli.worst import is_uncertain, may_repeat
from texpipe.system.shell import command

if TYPE_CHECKING:
    from texpipe.analysis.inventory import Survey
    from texpipe.manifest.schema import Entry
    from texpipe.recipe.schema import Recipe

_SHOWN_PROBLEMS = 5
"""Largest number of textures, and of warnings, that are named as problems."""
_SHOWN_COUNTS = 8
"""Largest number of sizes and texel formats that are counted one by one."""
_MAX_COLUMNS = 100
"""Largest width of the text in characters: longer lines are hard to read."""
_ACTIONS = {
    "upscale": "upscale",
    "nearest": "repeat texels",
    "copy": "copy",
    "skip": "leave out",
    "hand": "take by hand",
}
_EDGES = {
    ("wrap", "wrap"): "repeat both ways",
    ("wrap", "clamp"): "repeat left to right",
    ("clamp", "wrap"): "repeat top to bottom",
    ("clamp", "clamp"): "end at their borders",
    ("mirror", "mirror"): "mirrored both ways",
}


@dataclass(frozen=True)
class Belonging:
    """Numbers of what belongs together: split pictures of the recipe and their pieces, and more that were found."""

    pictures: int
    pieces: int
    found: int


def belonging(textures: Iterable[InspectedTexture], surveys: Iterable[Survey], recipe: Recipe) -> Belonging:
    """Count the split pictures.

    Args:
        textures: all of them.
        surveys: where they are from.
        recipe: what it declares, or has found by itself, is known; more are looked for among the textures.
    """
    from texpipe.groups.split.discovery import propose

    groups = [one.entry.group for one in textures if one.entry.group is not None]
    declared = recipe.picture_groups()
    more = (propose(one.items, one.fingerprints, declared) for one in surveys)
    found = 0 if recipe.finds_groups else sum(map(len, more))
    return Belonging(len(set(groups)), len(groups), found)


def show_summary(
    textures: Sequence[InspectedTexture],
    groups: Belonging,
    ignored: Mapping[str, int],
    words: Sequence[str | Path],
) -> None:
    """Print a dump as counts to stdout, wrapped at the terminal's width.

    Args:
        textures: all of them.
        groups: split pictures among them.
        ignored: other files that were passed over, by kind.
        words: the command that was given, to which options are added.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    width = Console().width
    terminal = Console(highlight=False, width=min(width, _MAX_COLUMNS))
    terminal.print(Text(_heading(textures), style="bold"))
    table = Table.grid(padding=(0, 2))
    for label, text in _counts([one.entry for one in textures], textures, groups):
        table.add_row(f"  {label}", Text(text))
    terminal.print(table)
    problems = list(_problems(textures, ignored))
    if problems:
        terminal.print(Text("\nProblems", style="bold"))
        for line in problems:
            terminal.print(Text(f"  {line}"))
    terminal.print(Text("\nLook closer", style="bold"))
    for line in _next(textures, groups, words, width):  # never wrapped: people copy them
        terminal.print(Text(f"  {line}"), soft_wrap=True)


def _heading(textures: Sequence[InspectedTexture]) -> str:
    entries = [one.entry for one in textures]
    named = Counter(str((one.id or {}).get("scheme", "")) for one in entries)
    scheme, count = named.most_common(1)[0]
    if not scheme:
        return f"{_textures(len(entries))}, most without names that an emulator gives"
    share = "" if count == len(entries) else f"{count} of them "
    return f"{_textures(len(entries))}, {share}named as {scheme} names them"


def _counts(
    entries: Sequence[Entry], textures: Sequence[InspectedTexture], groups: Belonging
) -> Iterator[tuple[str, str]]:
    """Yield a label and a line of counts for each thing that is known of textures."""
    readable = [one for one in entries if one.size is not None]
    actions = Counter(_ACTIONS[one.action] for one in textures if one.action is not None)
    yield "a run would", _listed(actions)
    yield "they show", _listed(Counter(one.kind or "" for one in readable), unsure="not sure")
    yield "alpha", _listed(Counter(one.alpha or "" for one in readable))
    yield "edges", _listed(Counter(_edges(one) for one in readable))
    yield "sizes", _listed(Counter("{}x{}".format(*one.size) for one in readable if one.size), _SHOWN_COUNTS)
    yield (
        "texels",
        _listed(Counter(one.format or "" for one in readable), _SHOWN_COUNTS, unsure="of unknown format"),
    )
    together = ", ".join(_together(entries, groups))
    if together:
        yield "together", together


def _edges(entry: Entry) -> str:
    if is_uncertain(entry):
        return "may repeat, not certain"
    assert entry.edges is not None
    pair = entry.edges.x, entry.edges.y
    return _EDGES.get(pair, "{} left to right and {} top to bottom".format(*pair))


def _together(entries: Sequence[Entry], groups: Belonging) -> Iterator[str]:
    """Yield what belongs together, with its number."""
    if groups.pictures:
        yield f"{_many(groups.pictures, 'split picture')} of {groups.pieces} pieces"
    if groups.found:
        yield f"{_many(groups.found, 'split picture')} that no group names"
    duplicates = sum(one.duplicate_of is not None for one in entries)
    if duplicates:
        yield _many(duplicates, "duplicate")
    variants = sum(one.variant is not None and one.variant.like != one.source for one in entries)
    if variants:
        yield f"{variants} in other colours than another"
    frames = sum(one.frame is not None for one in entries)
    if frames:
        animations = len({one.frame.first for one in entries if one.frame is not None})
        yield f"{_many(animations, 'animation')} of {frames} frames"
    mirrored = sum(one.mirror is not None and one.mirror.axis != "none" for one in entries)
    if mirrored:
        yield f"{_many(mirrored, 'mirror image')} of another"


def _problems(textures: Sequence[InspectedTexture], ignored: Mapping[str, int]) -> Iterator[str]:
    """Yield a line about each thing that is wrong: textures that fail, what decoding had to change, other files."""
    failed = [one.entry for one in textures if one.entry.status == "failed"]
    for entry in failed[:_SHOWN_PROBLEMS]:
        yield printable(f"{entry.source}: {entry.reason}")
    if len(failed) > _SHOWN_PROBLEMS:
        yield f"... and {len(failed) - _SHOWN_PROBLEMS} more that cannot be used"
    warned = Counter(line for one in textures for line in one.entry.warnings)
    for warning, count in warned.most_common(_SHOWN_PROBLEMS):
        yield printable(f"{_textures(count)}: {warning}")
    if ignored:
        yield "files that are no textures: " + ", ".join(
            printable(f"{count} {kind}") for kind, count in sorted(ignored.items())
        )


def _next(
    textures: Sequence[InspectedTexture], groups: Belonging, words: Sequence[str | Path], width: int
) -> Iterator[str]:
    """Yield the commands that show more, each on one line with what it shows, or below it where that is too wide."""
    uncertain = may_repeat(one.entry for one in textures)
    shown: dict[str, str] = {}
    if uncertain:
        shown["--uncertain"] = f"those that may repeat, not certain ({uncertain})"
    if groups.found:
        shown["--groups"] = f"the {_many(groups.found, 'split picture')} that no group names"
    shown |= {"--like": "those that are like one", "--all": "every texture, and why"}
    calls = {
        option: printable(command(*words, option)) + (" NAME" if option == "--like" else "")
        for option in shown
    }
    column = max(map(len, calls.values()))
    fits = column + max(map(len, shown.values())) + len("    # ") <= width
    for option, text in shown.items():
        yield from [f"{calls[option]:<{column}}  # {text}"] if fits else [f"{text}:", f"  {calls[option]}"]


def _listed(counts: Counter[str], most: int | None = None, unsure: str = "") -> str:
    """Return counts as people say them, the largest first, what is not known last."""
    unknown = counts.pop("", 0)
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    parts = [f"{name} ({count})" for name, count in ranked[:most]]
    others = ranked[most:] if most is not None else []
    if others:
        parts.append(f"{_many(len(others), 'other')} ({sum(count for _, count in others)})")
    if unknown:
        parts.append(f"{unsure} ({unknown})")
    return ", ".join(parts)


def _textures(count: int) -> str:
    return _many(count, "texture")


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'s' if count != 1 else ''}"


def command_of(paths: Sequence[Path], recipe: Path | None, add: Sequence[Path]) -> tuple[str | Path, ...]:
    """Return the words of the command that was given, without what picks textures."""
    of_recipe = () if recipe is None else ("--recipe", recipe)
    return ("texpipe", "inspect", *paths, *of_recipe, *(word for one in add for word in ("--add", one)))
