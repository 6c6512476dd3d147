"""A first recipe for a dump: what it seems to be, which rules suit it, and comments that say what to look at."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from texpipe.analysis.inventory import Fingerprints, Survey, SurveyedTexture
from texpipe.formats import TARGETS, known_targets
from texpipe.groups.split.discovery import propose as find_groups
from texpipe.groups.split.discovery import recipe_section
from texpipe.planning.games import GameInDump, games_in
from texpipe.read.inputs import input_names
from texpipe.relations import Group

_TABLE_RULES = 6
"""Largest number of sizes of lookup tables that get a rule, the commonest."""
_FONT_LETTERS = 16
"""Smallest number of small textures of one size and intensity format that look like a font."""
STRIPS = 4
"""Smallest number of wide textures of one size that look like strips of a picture."""
_STRIP_RATIO = 8
"""Smallest width over height of a strip."""

_TARGETS: Mapping[str, str] = {"beetle_psx": "beetle-psx", "decomp": "soh", "tim": "duckstation"}
"""Grammars of names that belong to a target of another name."""


@dataclass(frozen=True)
class DumpProfile:
    """What a dump seems to be.

    Attributes:
        target: the pack format that its names belong to; "folder" if none.
        named: how many textures have names of that format.
        textures: how many textures there are, without those that could not be read.
        games: what its names belong to, if they say so, the game of most textures first.
        rules: lines of YAML, with comments.
        groups: split pictures that were found among the textures.
        notes: what to look at by hand, one line each.
    """

    target: str
    named: int
    textures: int
    games: tuple[GameInDump, ...]
    rules: tuple[str, ...]
    groups: tuple[Group, ...]
    notes: tuple[str, ...]

    @property
    def game(self) -> str | None:
        """The game of most textures, if names say so."""
        return self.games[0].name if self.games else None


_KIND_TEXTURES = 4
"""Fewest textures of a kind that a rule is proposed for."""
_KIND_WORDS = {"letters": "letters or words", "hud": "icons or buttons", "cut-out": "things that are cut out"}
_KIND_RULES = {
    "letters": "edges: clamp",
    "hud": "edges: clamp",
    "cut-out": "outline: hard",
}


def profile_dump(seen: Survey, *dumps: Path) -> DumpProfile:
    """Return what a dump as a whole seems to be.

    Args:
        seen: every texture of it, planned by a recipe without rules.
        dumps: its folders; emulators name folders after the game.
    """
    schemes = Counter(item.source.emulator.scheme for item in seen.items if item.source.emulator)
    scheme, named = schemes.most_common(1)[0] if schemes else ("folder", 0)
    target = _TARGETS.get(scheme, scheme)
    games = games_in(seen.items, dict(zip(input_names(dumps), dumps, strict=True)))
    groups = find_groups(seen.items, seen.fingerprints)
    return DumpProfile(
        target=target if target in known_targets() else "folder",
        named=named,
        textures=len(seen.items),
        games=games,
        rules=tuple(_rules(seen.items)),
        groups=groups,
        notes=(
            *_unreadable(len(seen.failures)),
            *_other_games(games[1:]),
            *_notes(seen.items, {file for group in groups for file in group.files}),
            *_doubts(seen.fingerprints),
        ),
    )


@dataclass(frozen=True)
class Choices:
    """What a first recipe says besides what the dump seems to be; what is None or empty it leaves to texpipe.

    Attributes:
        model: a model's name, or its path relative to the recipe's file.
        detail: the model's dial, 0 to 1.
        targets: pack formats, instead of that of the dump's names.
    """

    model: str | None = None
    detail: float | None = None
    targets: tuple[str, ...] = ()


def recipe_text(
    profile: DumpProfile, name: str, inputs: Sequence[str], output: str, choices: Choices | None = None
) -> str:
    """Return the recipe as YAML with comments; it validates as it is.

    Args:
        profile: what the dump seems to be.
        name: the recipe's name, as `recipe_name` makes it.
        inputs, output: folders relative to the recipe's file, with forward slashes.
        choices: what somebody asked for.
    """
    choices = choices or Choices()
    head = [
        f"# A first recipe for {profile.textures} textures: {_what(profile)}.",
        "# Change what you like; docs/recipes.md explains every line. What no rule says is decided texture by texture:",
        "#   texpipe inspect DUMP --recipe THIS_FILE   shows what, and why",
        "#   texpipe run THIS_FILE --report            makes the pack and a page to look at, worst first",
        "version: 1",
        f"name: {_quoted(name)}",
        *_game_lines(profile),
        *_input_lines(inputs),
        f"output: {_quoted(output)}",
        "scale: 4  # 1, 2, 4, 8 or 16",
        *_choice_lines(choices),
        f"targets: [{', '.join(choices.targets or (profile.target,))}]",
        "",
        "# The first rule that fits a texture decides.",
    ]
    rules = ["rules:", *(f"  {line}" for line in profile.rules)] if profile.rules else ["rules: []"]
    groups = _groups(profile.groups)
    notes = (
        ["", "# Look at these by hand:", *(f"# - {note}" for note in profile.notes)] if profile.notes else []
    )
    return "\n".join([*head, *rules, *groups, *notes]) + "\n"


def _choice_lines(choices: Choices) -> Iterator[str]:
    if choices.model is not None:
        yield f"model: {_quoted(choices.model)}"
    if choices.detail is not None:
        yield f"detail: {choices.detail:g}"


def _input_lines(inputs: Sequence[str]) -> list[str]:
    if len(inputs) == 1:
        return [f"input: {_quoted(inputs[0])}"]
    head = "input:  # of pictures that differ under one name the newest counts; `on_conflict` says otherwise"
    return [head, *(f"  - {_quoted(one)}" for one in inputs)]


def _groups(found: tuple[Group, ...]) -> list[str]:
    if not found:
        return []
    head = "# Pieces of one picture, found by their pixels: look at them in the report."
    return ["", head, *recipe_section(found).splitlines()]


def recipe_name(text: str) -> str:
    """Return a name for a recipe and its file out of a game's or folder's name: lower case, dashes."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return plain[:64].strip("-") or "pack"


def _what(profile: DumpProfile) -> str:
    if not profile.named:
        return "no emulator's names, so the pack is a plain folder of the same names"
    share = "all" if profile.named == profile.textures else str(profile.named)
    return f"{share} of them named as {profile.target} names them"


def _game_lines(profile: DumpProfile) -> Iterator[str]:
    if profile.game is not None:
        others = ", ".join(f"{_quoted(one.name)} ({_textures(one.textures)})" for one in profile.games[1:])
        yield f"game: {_quoted(profile.game)}" + (f"  # also here: {others}" if others else "")
    elif profile.target in TARGETS and "game" in TARGETS[profile.target].options:
        yield f"# game: NAME  # as {profile.target} calls the game; needed where no folder above the textures says it"


def _rules(items: tuple[SurveyedTexture, ...]) -> Iterator[str]:
    tables = Counter(item.size for item in items if min(item.size) == 1 and max(item.size) > 4)
    for (width, height), count in tables.most_common(_TABLE_RULES):
        yield f"# {_textures(count)}: one texel high or wide, a table of colours that must stay what they are"
        yield f"- {{match: {{size: {width}x{height}}}, action: nearest}}"
    tiny = sum(max(item.size) <= 4 for item in items)
    if tiny:
        yield f"# {_textures(tiny)}: too small to invent anything in"
        yield "- {match: {max_side: 4}, action: nearest}"
    for (texels, (width, height)), count in _fonts(items):
        yield f"# {_textures(count)} that look like letters, which stand alone"
        yield f"- {{match: {{format: {texels}, size: {width}x{height}}}, edges: clamp}}"
    yield from _kinds(items)


def _kinds(items: tuple[SurveyedTexture, ...]) -> Iterator[str]:
    """Yield rules by kind as comments, for the kinds that there are: which model suits them is a matter of taste."""
    counts = Counter(item.kind.kind for item in items if item.kind.kind is not None)
    for kind in ("letters", "hud", "cut-out"):
        if counts[kind] >= _KIND_TEXTURES:
            yield f"# {_textures(counts[kind])} that show {_KIND_WORDS[kind]}; a rule, which can name a model:"
            yield f"# - {{match: {{kind: {kind}}}, {_KIND_RULES[kind]}}}"


def _fonts(items: tuple[SurveyedTexture, ...]) -> Iterator[tuple[tuple[str, tuple[int, int]], int]]:
    small = Counter(
        (item.texels, item.size)
        for item in items
        if item.texels in ("i4", "ia4", "ia8") and 8 <= max(item.size) <= 16 and min(item.size) >= 8
    )
    for (texels, size), count in small.most_common():
        if texels is not None and count >= _FONT_LETTERS:
            yield (texels, size), count


def _unreadable(count: int) -> Iterator[str]:
    if count:
        yield f"{_textures(count)} could not be read: `texpipe inspect DUMP` says which, and why"


def _other_games(games: Sequence[GameInDump]) -> Iterator[str]:
    for one in games:
        way = f". To leave them out:  {one.rule}" if one.rule else ""
        yield f"{_textures(one.textures)} of another game, {_quoted(one.name)}{way}"


def _notes(items: tuple[SurveyedTexture, ...], joined: set[str]) -> Iterator[str]:
    single = (item for item in items if item.source.name not in joined)
    strips = Counter(
        item.size for item in single if item.size[0] >= _STRIP_RATIO * item.size[1] > _STRIP_RATIO
    )
    for (width, height), count in strips.most_common():
        if count >= STRIPS:
            yield (
                f"{count} textures of {width}x{height} may be strips of one picture: join them with `groups`"
                " (docs/groups.md)"
            )
    folders = Counter(str(PurePosixPath(item.source.name).parent) for item in items)
    for folder, count in sorted(folders.items()):
        if re.search(r"movie|video|fmv|cutscene", folder, re.IGNORECASE):
            rule = f"- {{match: {{folder: {_quoted(folder)}}}, action: skip}}"
            yield f"{count} textures in {_quoted(folder)} may be frames of a film. To leave them out:  {rule}"


def _doubts(fingerprints: Fingerprints) -> Iterator[str]:
    # How many they are depends on the rules, which people change: the commands count them.
    if any(
        one.facts.x.repeats is not None or one.facts.y.repeats is not None for one in fingerprints.values()
    ):
        yield "textures that may repeat, not certain:  texpipe inspect --recipe THIS_FILE --uncertain"
    yield "halves of things, which the game mirrors, want `edges: mirror`: a dump doesn't say which they are"


def _textures(count: int) -> str:
    return f"{count} texture{'s' if count != 1 else ''}"


def _quoted(text: str) -> str:
    """Return a text as YAML writes it: simple words as they are, all else in double quotes, printable."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9._/-]*", text) and text.lower() not in ("true", "false", "null"):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in quoted)


def input_path(dump: Path, folder: Path) -> str:
    """Return how a recipe in `folder` names a dump: by the way to it; on another drive (Windows) by its full path."""
    try:
        return Path(os.path.relpath(dump.resolve(), folder)).as_posix()
    except ValueError:
        return dump.resolve().as_posix()
