"""Coverage: which textures of a dump a pack has and lacks, and which of its files no texture of the dump asks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeAlias, get_args

from texpipe.errors import SourceError
from texpipe.formats import format_of
from texpipe.formats.contract import PackFormat
from texpipe.progress import Progress
from texpipe.read.decode import open_source
from texpipe.texture import EmulatorName, Source
from texpipe.upkeep.any_pack import AnyPack, PackTexture
from texpipe.upkeep.dumps import sources_of
from texpipe.upkeep.keys import ANY, TextureKey, file_key, key_of, names_of_dumped

SCHEMA = "texpipe.coverage/1"

State: TypeAlias = Literal["there", "other palette", "wrong name", "missing"]
STATES: tuple[State, ...] = get_args(State)
Why: TypeAlias = Literal["not in the dump", "no texture name", "second file"]
"""Why no texture of the dump asks for a file: it is for a texture that the dump does not have, for none, or for one
that another file is used for."""

_FORMATS: Mapping[str, str] = {
    "gliden64": "gliden64",
    "beetle_psx": "beetle-psx",
    "duckstation": "duckstation",
}
"""Scheme of names -> the format whose rules they have to follow."""
_NUMBERED = re.compile(r"(?: ?\(\d+\)|[ _-]+copy(?: ?\d+)?)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Covered:
    """A texture of the dump.

    Attributes:
        name: of the texture.
        state: whether the pack has it; at `other palette` it has the same texels in other colours, at `wrong name` a
            file that is meant for it and that the emulator does not find.
        size: width and height in texels; None if it cannot be read.
        files: of the pack, by name: that are used, have another palette or the wrong name.
        why: what is wrong with the name.
    """

    name: str
    state: State
    size: tuple[int, int] | None
    files: tuple[str, ...] = ()
    why: str = ""

    @property
    def texels(self) -> int:
        """How many texels it has; 0 if it cannot be read."""
        return self.size[0] * self.size[1] if self.size else 0


@dataclass(frozen=True)
class Coverage:
    """What a pack has of a dump.

    Attributes:
        textures: of the dump, by name.
        unasked: files of the pack that no texture of the dump asks for, and why.
        unreadable: textures of the dump that cannot be read, and why; they are not in `textures`.
        sources: texture name -> where it is, for pages that show it.
    """

    textures: tuple[Covered, ...]
    unasked: Mapping[str, Why]
    unreadable: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict, repr=False)

    def count(self, state: State) -> int:
        """Return how many textures are in a state."""
        return sum(one.state == state for one in self.textures)

    def texels(self, state: State) -> int:
        """Return how many texels the textures in a state have."""
        return sum(one.texels for one in self.textures if one.state == state)

    def as_json(self) -> dict[str, Any]:
        """Return everything as one JSON object."""
        return {
            "schema": SCHEMA,
            "summary": {
                state: {"textures": self.count(state), "texels": self.texels(state)} for state in STATES
            },
            "textures": [
                {"name": one.name, "state": one.state, "size": one.size, "files": one.files, "why": one.why}
                for one in self.textures
            ],
            "unasked": [{"file": file, "why": why} for file, why in self.unasked.items()],
            "unreadable": dict(self.unreadable),
        }


def coverage(
    pack: AnyPack,
    dumps: Sequence[Path],
    *,
    target: str | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Coverage:
    """Compare a pack with dumps of its game.

    Args:
        pack: from `open_pack`.
        dumps: folders, or files that a run would take as input; a texture that several have counts once.
        target: emulator whose rules names have to follow; None for the one that the names themselves tell.
        progress: called after each texture of the dump.

    Raises:
        SourceError: a dump is missing or cannot be listed.
    """
    sources, unreadable = sources_of(dumps)
    judge = _Judge(pack, None if target is None else format_of(target))
    covered = []
    for number, source in enumerate(sources.values(), start=1):
        try:
            names = names_of_dumped(source)
            size = _size_of(source)
        except SourceError as error:
            unreadable[source.name] = error.message
        else:
            judge.note(source)
            covered.append(judge.judged(source, names, size))
        progress(Progress("read", number, len(sources)))
    found = tuple(judge.with_wrong_names(covered))
    return Coverage(found, judge.unasked(found), unreadable, sources)


def _size_of(source: Source) -> tuple[int, int]:
    opened = open_source(source)
    return opened.claimed_size() or opened.texture().size


class _Judge:
    """Finds the files of a pack for textures of a dump, and remembers which it found."""

    def __init__(self, pack: AnyPack, layout: PackFormat | None) -> None:
        self._layout = layout
        self._textures = pack.textures
        self._by_key: dict[TextureKey, list[PackTexture]] = {}
        self._by_texels: dict[tuple[object, ...], list[PackTexture]] = {}
        self._wild: list[tuple[TextureKey, PackTexture]] = []
        self._used: set[str] = set()
        self._asked: dict[str, str] = {}
        self._wrong: dict[str, str] = {}
        for texture in pack.textures:
            for key in self._keys(texture):
                self._by_key.setdefault(key, []).append(texture)
                self._by_texels.setdefault((key.scheme, key.texels), []).append(texture)
                if any(value == ANY for _, value in (*key.texels, *key.colours)):
                    self._wild.append((key, texture))

    def _keys(self, texture: PackTexture) -> Iterator[TextureKey]:
        path = PurePosixPath(texture.entry.name).with_suffix("")
        if not texture.names:
            yield from (file_key(str(PurePosixPath(*path.parts[start:]))) for start in range(len(path.parts)))
            return
        for name in texture.names:
            why = None if texture.listed else _broken_rule(name, texture, self._layout)
            if why is not None:
                self._wrong[texture.entry.name] = why
            yield key_of(name)

    def note(self, source: Source) -> None:
        """Remember how a texture's file is called, to recognise names that are nearly its."""
        self._asked.setdefault(_plain_stem(source.name), source.name)

    def judged(self, source: Source, names: Sequence[EmulatorName], size: tuple[int, int]) -> Covered:
        """Return what the pack has of a texture."""
        stem = str(PurePosixPath(source.name).with_suffix(""))
        keys = [key_of(name) for name in names] or [file_key(stem)]
        found = self._found(keys)
        games = {name.game for name in names if name.game is not None}
        sound = [one for one in found if one.entry.name not in self._wrong and _is_of(one, games)]
        if sound:
            self._used.add(sound[0].entry.name)
            return Covered(source.name, "there", size, _names(sound))
        if found:
            first = found[0]
            self._used.update(_names(found))
            why = self._wrong.get(first.entry.name) or f"it is named for the game {first.names[0].game}"
            return Covered(source.name, "wrong name", size, _names(found), why)
        other = [one for key in keys for one in self._by_texels.get((key.scheme, key.texels), ())]
        other += [one for known, one in self._wild if any(known.shows(key) for key in keys)]
        if other:
            return Covered(source.name, "other palette", size, _names(other))
        return Covered(source.name, "missing", size)

    def _found(self, keys: Sequence[TextureKey]) -> list[PackTexture]:
        exact = [one for key in keys for one in self._by_key.get(key, ())]
        wild = [one for known, one in self._wild if any(known.finds(key) for key in keys)]
        return list({one.entry.name: one for one in (*exact, *wild)}.values())

    def with_wrong_names(self, covered: Iterable[Covered]) -> Iterator[Covered]:
        """Give textures that are missing the files that nobody asks for and that are nearly called like them."""
        nearly: dict[str, list[str]] = {}
        for texture in self._textures:
            if texture.entry.name not in self._used and not texture.names:
                name = self._asked.get(_plain_stem(texture.entry.name))
                if name is not None:
                    nearly.setdefault(name, []).append(texture.entry.name)
        for one in covered:
            files = nearly.get(one.name)
            if one.state != "missing" or not files:
                yield one
                continue
            self._used.update(files)
            wanted = PurePosixPath(one.name).name
            yield Covered(one.name, "wrong name", one.size, tuple(files), f"the dump calls it {wanted}")

    def unasked(self, covered: Sequence[Covered]) -> dict[str, Why]:
        """Return the pictures that are for no texture of the dump."""
        there = {file for one in covered for file in one.files if one.state == "there"}
        found: dict[str, Why] = {}
        for texture in self._textures:
            name = texture.entry.name
            if name not in self._used:
                known: Why = "not in the dump" if texture.names else "no texture name"
                found[name] = "second file" if name in there else known
        return found


def _names(textures: Iterable[PackTexture]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.entry.name for one in textures))


def _is_of(texture: PackTexture, games: set[str]) -> bool:
    """Return whether a file is of the dump's game, as far as both say one."""
    of_file = {name.game for name in texture.names if name.game is not None}
    return not of_file or not games or bool(of_file & games)


def _plain_stem(name: str) -> str:
    """Return a file's name in lower case, without what copying adds to it."""
    return _NUMBERED.sub("", PurePosixPath(name).stem.strip()).lower()


def _broken_rule(name: EmulatorName, texture: PackTexture, layout: PackFormat | None) -> str | None:
    """Return why an emulator does not find a file that is meant for a texture, or None if its name is right."""
    known = layout or (format_of(_FORMATS[name.scheme]) if name.scheme in _FORMATS else None)
    if known is None or texture.entry.container is not None:
        return None
    path, size = (
        PurePosixPath(_folder_of(name, known), PurePosixPath(texture.entry.name).name),
        _size_named(name),
    )
    broken = known.problems(path, size, size, 1)
    return broken[0] if broken else None


def _folder_of(name: EmulatorName, layout: PackFormat) -> str:
    """Return the folder in which a file would be right, so that its name alone is judged."""
    folders = {"duckstation": "SLUS-00000/replacements", "beetle-psx": "disc-texture-replacements"}
    return folders.get(layout.name, str(name.game))


def _size_named(name: EmulatorName) -> tuple[int, int]:
    """Return the size that a name says, or one that every emulator takes."""
    fields = dict(name.fields)
    return int(fields.get("w", 4)), int(fields.get("h", 4))
