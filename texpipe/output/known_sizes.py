"""How many bytes textures take in packs, remembered: whoever asks for another budget need not make them all again.

`OUTPUT/.store/sizes` has a number for each texture, scale and target whose bytes had to be made to be counted. A wrong
number would only make a pack larger or smaller than it could be; the pack itself is measured when it is written.
"""

from __future__ import annotations

import json
from contextlib import suppress

from texpipe.errors import PackError
from texpipe.formats.contract import PackFormat, Placed
from texpipe.packs.sizes import bytes_in_pack, told_by_size
from texpipe.recipe.targets import Target
from texpipe.storage.atomic import write_atomic
from texpipe.storage.keys import key_of
from texpipe.storage.layout import OutputLayout
from texpipe.storage.small_files import RefusedFileError, read_json

_KEY_DIGITS = 32
_MAX_BYTES = 1 << 28
"""Size of the largest file that is read."""


class KnownSizes:
    """What textures take in the packs of an output folder.

    Args:
        layout: of the folder.
        version: of texpipe: another one may write other bytes.
    """

    def __init__(self, layout: OutputLayout, version: str) -> None:
        self._file, self._version = layout.sizes, version
        self._before = self._read()
        self._kept: dict[str, int] = {}

    def of(self, target: Target, layout: PackFormat, one: Placed) -> int:
        """Return the bytes of a texture in a pack, as `bytes_in_pack` does; may be called from any thread.

        Raises:
            PackError: its picture cannot be had.
        """
        told = told_by_size(layout, one)
        if told is not None:
            return told
        key = self._key(target, one)
        known = self._kept.get(key, self._before.get(key))
        self._kept[key] = bytes_in_pack(layout, one) if known is None else known
        return self._kept[key]

    def keep(self) -> None:
        """Write what was asked for, for the next run; if that fails, it counts again."""
        if self._kept and self._kept != self._before:
            with suppress(PackError):
                write_atomic(self._file, json.dumps(self._kept, sort_keys=True).encode(), fsync=False)

    def _key(self, target: Target, one: Placed) -> str:
        picture, name = one.picture, one.picture.source.emulator
        named = None if name is None else name.as_json()
        # Where the list lies says nothing: its names are in paths.
        said = target.model_dump(exclude={"hashes"})
        about = (self._version, said, str(one.path), named, picture.sha256, picture.alpha)
        return key_of(*about)[:_KEY_DIGITS]

    def _read(self) -> dict[str, int]:
        with suppress(RefusedFileError):
            found = read_json(self._file, _MAX_BYTES)
            if isinstance(found, dict):
                return {key: size for key, size in found.items() if isinstance(size, int) and size >= 0}
        return {}
