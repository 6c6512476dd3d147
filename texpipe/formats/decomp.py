"""Names of textures extracted by the N64 decompilations: `gName.rgba16.png`. Read only.

Source of the grammar: zeldaret/oot, docs/assets/images.md.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import cast

from texpipe.texture import EmulatorName, TexelFormat

NAME = "decomp"

_NAME = re.compile(
    r"(?P<name>\w+)\.(?P<texels>rgba32|rgba16|i4|i8|ia4|ia8|ia16|ci4|ci8)"
    r"(?:\.tlut_(?P<tlut>\w+?)(?:_u(?:32|64))?)?(?:\.u(?:32|64))?\.png"
)


def parse(name: str) -> EmulatorName | None:
    """Read `gName.ci8.tlut_gPalette.png` and the like; None for any other name.

    Args:
        name: path relative to the dump; only the last part is read.
    """
    match = _NAME.fullmatch(PurePosixPath(name).name)
    if match is None:
        return None
    tlut = () if match["tlut"] is None else (("tlut", match["tlut"]),)
    texels = cast(TexelFormat, match["texels"])
    return EmulatorName(scheme=NAME, texels=texels, fields=(("symbol", match["name"]), *tlut))
