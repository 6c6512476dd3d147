"""Textures in `.o2r` archives of Ship of Harkinian and 2Ship2Harkinian.

Textures with a palette are two resources, and nothing in the archive says which belong together; the decompilation
knows it, the archive has only its names. So a palette is taken by its name: `gFishingOwnerTLUT` is the palette of
`gFishingOwnerHatTex`, and the only palette of a folder is that of all its textures.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from texpipe.errors import PackError
from texpipe.formats import soh
from texpipe.formats.archive import ZipReader
from texpipe.formats.otex import HEADER_BYTES, LOAD_AS_RAW, Otex, is_otex, read_otex
from texpipe.imaging.image_files import MAX_PIXELS
from texpipe.imaging.texel_formats import decode
from texpipe.read.container import Container, Member
from texpipe.texture import Source, StoredForm, TexelFormat, Texture

_HEAD = HEADER_BYTES + 28
_PALETTE = re.compile(r"_?tlut.*", re.IGNORECASE)
_ENTRIES: Mapping[TexelFormat, int] = {"ci4": 16, "ci8": 256}
_TLUT = "tlut"


def _resources(file: Path) -> list[Member]:
    """List the textures of an archive; palettes and other resources are not pictures."""
    with ZipReader(file) as archive:
        heads = {name: _head(archive, name) for name in archive.names()}
    palettes: dict[str, dict[str, int]] = {}
    for name, head in heads.items():
        if isinstance(head, Otex) and _is_palette(name, head):
            palettes.setdefault(_folder(name), {})[name] = head.size[0] * head.size[1]
    members = [
        (head, _member(number, name, head, palettes.get(_folder(name), {})))
        for number, (name, head) in enumerate(heads.items())
        if head is not None and name not in palettes.get(_folder(name), {})
    ]
    wanting = {_folder(one.name) for head, one in members if _lacks_palette(head, one)}
    return [_unless_palette(one, head) if _folder(one.name) in wanting else one for head, one in members]


def _lacks_palette(head: Otex | PackError | ValueError, member: Member) -> bool:
    return isinstance(head, Otex) and head.texels in _ENTRIES and member.reason is not None


def _unless_palette(member: Member, head: Otex | PackError | ValueError) -> Member:
    """Leave out what has the shape of a palette in a folder whose textures have none by name: it may be theirs."""
    if not isinstance(head, Otex) or head.texels != "rgba16" or member.reason is not None:
        return member
    if head.size[0] * head.size[1] not in _ENTRIES.values():
        return member
    size = f"{head.size[0]} x {head.size[1]}"
    reason = f"may be a palette ({size} colours) of textures in its folder, which it would spoil if it was upscaled"
    return replace(member, reason=reason)


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def _head(archive: ZipReader, name: str) -> Otex | PackError | ValueError | None:
    """Return what an entry says of its texture, None of another resource, or why it cannot be read."""
    try:
        head = archive.head(name, _HEAD)
        return read_otex(head, whole=False) if is_otex(head) else None
    except (PackError, ValueError) as error:
        return error


def _is_palette(name: str, head: Otex) -> bool:
    return head.texels == "rgba16" and _PALETTE.search(PurePosixPath(name).name) is not None


def _member(
    number: int, name: str, head: Otex | PackError | ValueError, palettes: Mapping[str, int]
) -> Member:
    """Describe a texture; `palettes` are those of its folder, with their numbers of colours."""
    if isinstance(head, PackError):  # the name may be harmful, so it is not used
        return Member(f"entry {number}", name, reason=head.message)
    if isinstance(head, ValueError):
        return Member(name, name, reason=str(head))
    known = soh.resource(name, head.texels)
    if head.flags & LOAD_AS_RAW:
        return Member(name, name, known, "is a replacement already, not a texture of the game")
    if head.texels not in _ENTRIES:
        return Member(name, name, known)
    wanted = _ENTRIES[head.texels]
    found = palettes_of(name, palettes)
    if len(found) > 1:  # a palette for the other kind of index is not meant
        found = [one for one in found if (palettes[one] > _ENTRIES["ci4"]) == (head.texels == "ci8")] or found
    if len(found) != 1:
        return Member(name, name, known, _without_palette(found, len(palettes)))
    (palette,) = found
    count = palettes[palette]
    if count > wanted:
        reason = f"uses {wanted} colours of the {count} of {palette}, and nothing says which"
        return Member(name, name, known, reason)
    return Member(name, name, replace(known, fields=(*known.fields, (_TLUT, palette))))


def palettes_of(name: str, palettes: Iterable[str]) -> list[str]:
    """Return the palettes that a texture may have: those that it is named after, or the only one of its folder.

    Args:
        name: resource path of the texture.
        palettes: those of its folder.
    """
    beside = sorted(palettes)
    own = PurePosixPath(name).name
    stems = {one: _PALETTE.sub("", PurePosixPath(one).name) for one in beside}
    alike = [one for one, stem in stems.items() if stem and own.startswith(stem)]
    if alike:
        longest = max(len(stems[one]) for one in alike)
        return [one for one in alike if len(stems[one]) == longest]
    return beside if len(beside) == 1 else []


def _without_palette(alike: Sequence[str], count: int) -> str:
    found = f"{count} are in its folder, but none is named like it" if count else "its folder has none"
    if alike:
        found = f"nothing says which of {', '.join(PurePosixPath(one).name for one in alike)} it is"
    return f"its palette is another resource, and {found}: take this texture from an extracted tree"


def _claimed_size(source: Source) -> tuple[int, int]:
    return read_otex(_opened(source).head(str(source.member), _HEAD), whole=False).size


def _opened(source: Source) -> ZipReader:
    status = source.file.stat()
    return _archive(source.file, (status.st_size, status.st_mtime_ns))


def _read_resource(source: Source) -> Texture:
    archive = _opened(source)
    data = _texture_bytes(archive, str(source.member))
    found = read_otex(data)
    tlut = dict(source.emulator.fields).get(_TLUT) if source.emulator is not None else None
    palette = None
    if tlut is not None:
        resource = _texture_bytes(archive, str(tlut))
        palette, data = read_otex(resource).data, data + resource
        _require_colours(found, len(palette) // 2, str(tlut))
    rgba = decode(found.data, found.size, found.texels, palette)
    return Texture(source, rgba, hashlib.sha256(data).hexdigest(), StoredForm("RGBA"))


def _texture_bytes(archive: ZipReader, name: str) -> bytes:
    """Return an entry as far as its texture needs it: a small one may be made to unpack to gigabytes."""
    width, height = read_otex(archive.head(name, _HEAD), whole=False).size
    if width * height > MAX_PIXELS:
        raise ValueError(f"claims {width} x {height} pixels")
    return archive.head(name, _HEAD + width * height * 4)


def _require_colours(found: Otex, count: int, tlut: str) -> None:
    """A texture that needs more colours than the palette has belongs to another one."""
    nibbles = found.texels == "ci4"
    top = max((max(byte >> 4, byte & 15) if nibbles else byte for byte in set(found.data)), default=0)
    if top >= count:
        raise ValueError(f"needs {top + 1} colours, and {tlut}, the palette of its folder, has {count}")


@functools.lru_cache(maxsize=4)
def _archive(file: Path, _stamp: tuple[int, int]) -> ZipReader:
    """Keep archives open: their list of entries is long. A file that changed is opened anew."""
    return ZipReader(file)


O2R = Container(_resources, _read_resource, _claimed_size)
