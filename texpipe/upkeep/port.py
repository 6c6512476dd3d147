"""Ports: a pack for one emulator becomes one for another, through dumps of the same game by both."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from pydantic import ValidationError

from texpipe.errors import PackError, SourceError, UsageError
from texpipe.formats import TARGETS, known_targets
from texpipe.formats.contract import Picture
from texpipe.imaging.image_files import encode_png
from texpipe.packs.pack import configured, write_pack
from texpipe.progress import Progress
from texpipe.read.decode import decode
from texpipe.recipe.targets import Images, Target, context_of
from texpipe.storage.atomic import write_atomic
from texpipe.storage.whole_folder import whole_folder
from texpipe.texture import EmulatorName, Source
from texpipe.upkeep.any_pack import AnyPack, PackEntry
from texpipe.upkeep.coverage import Covered, coverage
from texpipe.upkeep.dumps import sources_of
from texpipe.upkeep.keys import names_of_dumped
from texpipe.upkeep.same_texels import How, Matcher, Texels, texels_of

SCHEMA = "texpipe.port/1"
REPORT = "port.json"
Step: TypeAlias = Callable[[Progress], None]

TARGET_OF_SCHEME: Mapping[str, str] = {
    "rt64": "rt64",
    "soh": "soh",
    "decomp": "soh",
    "duckstation": "duckstation",
    "beetle_psx": "beetle-psx",
    "gliden64": "gliden64",
    "dolphin": "dolphin",
    "ppsspp": "ppsspp",
}
"""Scheme of a dump's names -> the target that such a dump is for."""


@dataclass(frozen=True)
class Ported:
    """A texture that the new pack has: its name in the dump of the new emulator, and in that of the old one.

    `file` is the old pack's, `how` its texels are the same. `also` names other textures of the old dump with these
    texels, for which the old pack has another picture.
    """

    name: str
    was: str
    file: str
    how: How
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wish:
    """What is said of the new pack: target, game, kind of pictures, container, as in recipes; None for the usual."""

    target: str | None = None
    game: str | None = None
    images: Images = "png"
    container: str | None = None


@dataclass(frozen=True)
class Port:
    """What a port did.

    Attributes:
        target: what the new pack is for.
        ported: textures that it has.
        lost: file of the old pack -> why it is not in the new one.
        left_out: texture of the new dump that the old pack has -> why the new emulator cannot be given it.
        missing: textures of the new dump for which the old pack has nothing.
        problems: rules of the new emulator that the new pack breaks, and what could not be read.
    """

    target: str
    ported: tuple[Ported, ...]
    lost: Mapping[str, str]
    left_out: Mapping[str, str]
    missing: tuple[str, ...]
    problems: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return everything as one JSON object."""
        return {
            "schema": SCHEMA,
            "target": self.target,
            "summary": {"ported": len(self.ported), "lost": len(self.lost), "missing": len(self.missing)},
            "ported": [vars(one) for one in self.ported],
            "lost": dict(self.lost),
            "left_out": dict(self.left_out),
            "missing": list(self.missing),
            "problems": list(self.problems),
        }


def port(
    pack: AnyPack,
    old: Sequence[Path],
    new: Sequence[Path],
    output: Path,
    wish: Wish | None = None,
    *,
    step: Step = lambda _: None,
) -> Port:
    """Write a pack for another emulator, as a whole or not at all, with its report in `port.json`.

    A texture of the new dump gets the picture of the old dump's texture that has the same texels. Textures whose texels
    differ in anything are never taken for one another.

    Args:
        pack: from `open_pack`.
        old: dumps by the emulator that the pack is for.
        new: dumps of the same game by the other one.
        output: a folder that is not there yet.
        wish: what is said of the new pack.
        step: called after each texture.

    Raises:
        SourceError: a dump is missing or cannot be listed.
        UsageError: nothing says what the new pack is for.
        PackError: something is at `output`, or it cannot be written.
    """
    if os.path.lexists(output):
        raise PackError(f"{output} is there already", hint="Give another name for the new pack.")
    covered = coverage(pack, old, progress=step)
    files = {one.name: one for one in covered.textures if one.state == "there"}
    problems = [f"{name}: {why}" for name, why in covered.unreadable.items()]
    wanted = list(_dumped(new, problems, step))
    matcher = Matcher(list(_known(files, covered.sources, problems, step)))
    order = target_for([name for _, _, names in wanted for name in names], wish or Wish())
    found = _found(wanted, matcher, files, pack, problems)
    with whole_folder(output) as folder:
        pictures = [one.picture for one in found.values()]
        written = write_pack(order, pictures, folder, lambda: None)
        problems += _broken(order, folder)
        ported = tuple(one.ported for name, one in found.items() if name not in written.left_out)
        lost = _lost(pack, files, ported, covered.unasked)
        names = {source.name for source, _, _ in wanted}
        made = Port(
            order.name,
            ported,
            lost,
            dict(written.left_out),
            tuple(sorted(names - found.keys())),
            tuple(problems),
        )
        text = json.dumps(made.as_json(), indent=2, ensure_ascii=False) + "\n"
        write_atomic(folder / REPORT, text.encode(), fsync=False)
    return made


_Wanted: TypeAlias = "tuple[Source, Texels, tuple[EmulatorName, ...]]"


def _dumped(dumps: Sequence[Path], problems: list[str], step: Step) -> Iterator[_Wanted]:
    """Yield the textures of the new dump with their texels and names."""
    sources, unreadable = sources_of(dumps)
    problems += [f"{name}: {why}" for name, why in unreadable.items()]
    for number, source in enumerate(sources.values(), start=1):
        try:
            texture = decode(source)
            names = names_of_dumped(source)
        except SourceError as error:
            problems.append(f"{source.name}: {error.message}")
        else:
            yield texture.source, texels_of(source.name, texture.rgba, names, keep=_is_upload(names)), names
        step(Progress("read", number, len(sources)))


def _is_upload(names: Sequence[EmulatorName]) -> bool:
    """Return whether a texture may be a part of an upload, or a whole one: PS1 emulators cut them differently."""
    return any(name.scheme in ("duckstation", "beetle_psx") for name in names)


def _known(
    files: Mapping[str, Covered], sources: Mapping[str, Source], problems: list[str], step: Step
) -> Iterator[Texels]:
    """Yield the texels of the textures that the old pack has."""
    for number, name in enumerate(files, start=1):
        try:
            rgba, names = decode(sources[name]).rgba, names_of_dumped(sources[name])
        except SourceError as error:
            problems.append(f"{name}: {error.message}")
        else:
            yield texels_of(name, rgba, names, keep=_is_upload(names))
        step(Progress("read", number, len(files)))


def target_for(names: Sequence[EmulatorName], wish: Wish) -> Target:
    """Return what to write: what is wished, else what most names of the new dump are for.

    Raises:
        UsageError: nothing says it, or it has no such option.
    """
    schemes = [TARGET_OF_SCHEME[name.scheme] for name in names if name.scheme in TARGET_OF_SCHEME]
    if wish.target is None and not schemes:
        raise UsageError(
            "nothing says what the new pack is for: the names in its dump are no emulator's",
            hint=f"Give --target: {', '.join(TARGETS)}.",
        )
    target = wish.target or max(sorted(set(schemes)), key=schemes.count)
    options = {"name": target, "game": wish.game, "container": wish.container}
    if target in known_targets() and "images" in known_targets()[target].options:
        options["images"] = wish.images
    try:
        return Target.model_validate(options, context=context_of(known_targets()))
    except ValidationError as error:
        raise UsageError(f"{target}: {error.errors(include_url=False)[0]['msg']}") from error


@dataclass(frozen=True)
class _Match:
    picture: Picture
    ported: Ported


def _found(
    wanted: Sequence[_Wanted],
    matcher: Matcher,
    files: Mapping[str, Covered],
    pack: AnyPack,
    problems: list[str],
) -> dict[str, _Match]:
    """Return the pictures of the new pack by texture of the new dump."""
    entries = {entry.name: entry for entry in pack.entries}
    found: dict[str, _Match] = {}
    for source, texels, names in wanted:
        how, same = matcher.of(texels)
        place = (0, 0)
        if not same:
            wholes = (matcher.whole_of(texels, name) for name in names)
            whole = next((one for one in wholes if one is not None), None)
            if whole is None:
                continue
            how, same, place = "part", [whole[0]], whole[1]
        first, file = same[0], files[same[0].name].files[0]
        also = tuple(one.name for one in same[1:] if files[one.name].files[0] != file)
        try:
            picture = _picture(source, texels, entries[file], first.size, place)
        except (PackError, SourceError) as error:
            problems.append(f"{file}: {error.message}")
            continue
        found[source.name] = _Match(picture, Ported(source.name, first.name, file, how, also))
    return found


def _picture(
    source: Source, texels: Texels, entry: PackEntry, size: tuple[int, int], place: tuple[int, int]
) -> Picture:
    """Return the picture of a texture, or of the part of it that another emulator's texture is.

    Raises:
        PackError: the old picture is no whole number of times its texture.
    """
    assert entry.pixels is not None, "files that textures are found in are pictures"
    height, width = entry.pixels().shape[:2]
    scale = width // size[0]
    if not scale or (width, height) != (size[0] * scale, size[1] * scale):
        raise PackError(f"is {width} x {height}, no whole number of times its texture, {size[0]} x {size[1]}")
    (x, y), (w, h) = ((at * scale for at in place), (side * scale for side in texels.size))
    read = partial(_png, entry, x, y, w, h)
    return Picture(source, scale, (w, h), hashlib.sha256(read()).hexdigest(), read)


def _png(entry: PackEntry, x: int, y: int, width: int, height: int) -> bytes:
    assert entry.pixels is not None, "the caller has looked"
    return encode_png(entry.pixels()[y : y + height, x : x + width].copy())


def _lost(
    pack: AnyPack, files: Mapping[str, Covered], ported: Sequence[Ported], unasked: Mapping[str, str]
) -> dict[str, str]:
    """Return which files of the old pack are not in the new one, and why."""
    used = {one.file for one in ported}
    known = {file for one in files.values() for file in one.files}
    lost = {}
    for texture in pack.textures:
        name = texture.entry.name
        if name in used:
            continue
        if name in known:
            lost[name] = "no texture of the new dump has the texels of its texture"
        else:
            lost[name] = f"the old dump does not ask for it ({unasked.get(name, 'its name is wrong')})"
    return lost


def _broken(target: Target, folder: Path) -> list[str]:
    """Check the new pack by its emulator's rules."""
    layout = configured(target)
    root = folder / target.name
    files = sorted(
        PurePosixPath(path.relative_to(root).as_posix()) for path in root.rglob("*") if path.is_file()
    )
    return [f"{target.name}/{line}" for line in layout.check(root, files)] if files else []
