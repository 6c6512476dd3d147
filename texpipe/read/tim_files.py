"""PS1 `.TIM` files as sources: every picture with every palette is a texture of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from texpipe.imaging.texel_formats import Stp
from texpipe.read.container import Container, Member
from texpipe.read.tim import Tim, decode_tim, find_tims
from texpipe.read.uploads import as_uploaded
from texpipe.storage.small_files import read_small
from texpipe.system.limits import limit
from texpipe.texture import EmulatorName, Source, StoredForm, Texture

_MAX_TIM = limit("MAX_TIM_BYTES", 1 << 28)
_LARGE_TEXELS = 1 << 20
"""Number of texels below which no picture takes much memory."""


def _pictures(file: Path) -> list[Member]:
    """List every picture with every palette; the number of the picture and of the palette make its name."""
    tims = find_tims(_bytes_of(file))
    return [
        Member(_tim_name(tims, number, palette), f"{number}/{palette}", _tim_emulator(tim, number, palette))
        for number, tim in enumerate(tims)
        for palette in range(len(tim.palettes) or 1)
    ]


def _tim_name(tims: Sequence[Tim], number: int, palette: int) -> str:
    parts = [f"tim{number:02}"] if len(tims) > 1 else []
    parts += [f"clut{palette:02}"] if len(tims[number].palettes) > 1 else []
    return "-".join(parts)


def _tim_emulator(tim: Tim, number: int, palette: int) -> EmulatorName:
    place = (("x", tim.pixels.x), ("y", tim.pixels.y))
    return EmulatorName("tim", texels=tim.texels, fields=(("tim", number), ("clut", palette), *place))


def _read_picture(source: Source) -> Texture:
    number, palette, *meaning = str(source.member).split("/")
    data = _bytes_of(source.file)
    stp: Stp = "semi" if meaning == ["semi"] else "opaque"
    tim = find_tims(data)[int(number)]
    rgba = decode_tim(data, tim, int(palette), stp)
    name = _tim_emulator(tim, int(number), int(palette))
    known = replace(source, emulator=as_uploaded(name, data, tim, int(palette), semi=stp == "semi"))
    return Texture(known, rgba, hashlib.sha256(data).hexdigest(), StoredForm("RGBA"))


def _claimed_size(source: Source) -> tuple[int, int] | None:
    """Texels of 4 bits are the smallest, and nothing is compressed: a small file has no large picture."""
    if source.file.stat().st_size * 2 < _LARGE_TEXELS:
        return None
    return find_tims(_bytes_of(source.file))[int(str(source.member).split("/")[0])].size


def _bytes_of(file: Path) -> bytes:
    return read_small(file, _MAX_TIM, any_link=True)


TIM = Container(_pictures, _read_picture, _claimed_size)
