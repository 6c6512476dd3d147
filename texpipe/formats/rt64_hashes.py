"""By which hashes RT64 looks a texture up: from a dump's name, or from a `rt64.json` that lists GLideN64's names.

Source: RT64's `TEXTURE-PACKS.md` and `rt64_replacement_database.cpp`, as of 2026-02.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from texpipe.errors import PackError
from texpipe.formats.contract import UnwritableError
from texpipe.storage.small_files import RefusedFileError, read_json, refusing
from texpipe.texture import EmulatorName, Source, TexelFormat

NAME = "rt64"
HASH_VERSION = 5
CURRENT = "v5"
"""Name of the field with the hash of the current version, where the file is named by an older one."""

_MAX_LIST = 1 << 26
"""Largest list that is read, in bytes."""
_HINT = "The target's option hashes names a rt64.json of this game, such as public packs bring."


@dataclass(frozen=True)
class Hashes:
    """What a `rt64.json` knows: Rice name in lower case -> RT64 hashes, and by which version those were computed."""

    of_rice: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    version: int = HASH_VERSION


def name_of(digest: str, version: int | None, *, texels: TexelFormat | None = None) -> EmulatorName:
    """Return the name of a texture.

    Args:
        digest: 16 lower-case hex digits.
        version: of the way to compute it, if known.
        texels: format of the texels, if known.
    """
    versioned = () if version is None else (("version", version),)
    return EmulatorName(NAME, texels=texels, fields=(("hash", digest), *versioned))


def read_hashes(path: Path) -> Hashes:
    """Read a `rt64.json`, to learn which hash belongs to which Rice name.

    Raises:
        PackError: the file cannot be read or is not a `rt64.json`.
    """
    try:
        top = read_json(path, _MAX_LIST, any_link=True)
        with refusing(path):
            return _hashes_in(cast("dict[str, Any]", top))
    except RefusedFileError as error:
        raise PackError(f"{error.message}: not a rt64.json", hint=_HINT, location=error.location) from error


def _hashes_in(top: Mapping[str, Any]) -> Hashes:
    """A missing configuration means today's defaults, a missing version in it means the first."""
    configuration = top.get("configuration")
    version = HASH_VERSION if configuration is None else int(configuration.get("hashVersion", 1))
    of_rice: dict[str, list[str]] = {}
    for texture in top["textures"]:
        hashes = texture["hashes"]
        rt64 = str(hashes.get("rt64") or hashes.get("rt64v1") or "").lower()
        rice = str(hashes.get("rice") or "").lower()
        if rice and re.fullmatch("[0-9a-f]{16}", rt64):
            of_rice.setdefault(rice, []).append(rt64)
    return Hashes({rice: tuple(found) for rice, found in of_rice.items()}, version)


def hashes_of(source: Source, known: Hashes) -> tuple[str, ...]:
    """Return the hashes by which RT64 looks a texture up.

    Raises:
        UnwritableError: nothing says the hash, or it was computed by another version.
    """
    name = source.emulator
    fields = dict(name.fields) if name is not None else {}
    if name is not None and name.scheme == NAME:
        if fields.get("version", known.version) == known.version:
            return (str(fields["hash"]),)
        if known.version == HASH_VERSION and CURRENT in fields:
            return (str(fields[CURRENT]),)
        raise UnwritableError(
            f"its hash is of version {fields['version']}, the pack's of version {known.version}"
        )
    for rice in rice_names(fields):
        if rice in known.of_rice:
            return known.of_rice[rice]
    raise UnwritableError(
        "its RT64 hash is unknown: dump the texture with RT64, or give the target the option hashes, a "
        "rt64.json of this game"
    )


def rice_names(fields: Mapping[str, str | int]) -> Iterator[str]:
    """Yield the names to look up; RT64's tool adds palettes that GLideN64 leaves out, and the other way round."""
    if not {"crc", "fmt", "siz"} <= fields.keys():
        return
    plain = f"{fields['crc']}#{fields['fmt']:x}#{fields['siz']:x}".lower()
    if "palette" in fields:
        yield f"{plain}#{fields['palette']}".lower()
    yield plain
