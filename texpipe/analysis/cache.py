"""What was seen in each texture is remembered beside the results: a second run looks only at what changed.

`OUTPUT/.store/analysis` has a line for every texture of the last run. It is a memory and never the truth: whatever in
it is damaged, of another version or cannot be is not believed, and the texture is looked at again.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from texpipe.classify.analysis import ANALYSIS_VERSION, Analysis
from texpipe.errors import PackError
from texpipe.relations import Box
from texpipe.storage.atomic import open_atomic
from texpipe.storage.layout import OutputLayout

if TYPE_CHECKING:
    from pydantic import TypeAdapter

log = logging.getLogger(__name__)


MAX_BYTES = 1 << 30
"""Larger files are not read. A texture takes about a kilobyte in it, and a quarter of that in memory."""

_TITLE = b"texpipe analysis"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_KEY = re.compile(rb"[0-9a-f]{64}")
_HEX = re.compile(r"([0-9a-f]{2})*")


class AnalysisCache:
    """Sightings by key, from the last run and of this one.

    Args:
        file: where they are kept; None to forget them with this object. Read when first asked.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._press = _LineCompressor()
        self._seen: dict[bytes, bytes] = {}

    @staticmethod
    def beside(output: Path) -> AnalysisCache:
        """Return those of the runs that wrote to an output folder."""
        return AnalysisCache(OutputLayout(output).analysis_cache)

    @functools.cached_property
    def _before(self) -> dict[bytes, bytes]:
        return {} if self._file is None else _read(self._file, self._press)

    @property
    def is_new(self) -> bool:
        """Whether nothing is known from an earlier run."""
        return not self._before

    def recall(self, key: str) -> Analysis | None:
        """Return what was seen before, or None."""
        short = bytes.fromhex(key)
        pressed = self._seen.get(short) or self._before.get(short)
        sighting = None if pressed is None else _parsed(self._press.line(pressed))
        if pressed is not None and sighting is not None:
            self._seen[short] = pressed
        return sighting

    def add(self, key: str, sighting: Analysis) -> None:
        """Remember something that was looked at now."""
        with contextlib.suppress(ValueError):  # names in archives may be no Unicode text
            self._seen[bytes.fromhex(key)] = self._press.pressed(_adapter().dump_json(sighting))

    def keep(self) -> None:
        """Write what was seen in this run, and nothing of earlier ones, for the next; then forget it.

        It is no loss if it cannot be written.
        """
        seen, changed = self._seen, self._seen != self._before
        self._seen = {}
        del self._before
        if self._file is None or not changed:
            return
        digest = hashlib.sha256()
        for line in self._lines(seen):
            digest.update(line)
        try:
            with open_atomic(self._file, fsync=False) as file:
                file.write(_head(digest.hexdigest()))
                file.writelines(self._lines(seen))
        except PackError as error:
            log.warning("%s: the next run will look at every texture again", error.message)

    def _lines(self, seen: dict[bytes, bytes]) -> Iterator[bytes]:
        return (b"%s %s\n" % (key.hex().encode(), self._press.line(seen[key])) for key in sorted(seen))


class _LineCompressor:
    """Keeps lines in a quarter of their bytes: they are much alike, so the first helps to deflate all others."""

    def __init__(self) -> None:
        self._first: bytes | None = None

    def pressed(self, line: bytes) -> bytes:
        """Return a line in few bytes, the same for equal lines."""
        if self._first is None:
            self._first = line
        press = zlib.compressobj(wbits=_WINDOW, memLevel=5, zdict=self._first)
        return press.compress(line) + press.flush()

    def line(self, pressed: bytes) -> bytes:
        """Return the line that was pressed."""
        return zlib.decompressobj(_WINDOW, zdict=self._first or b"").decompress(pressed)


_WINDOW = -12
"""A raw stream of zlib that looks back 4 KB; shorter than `zlib.MAX_WBITS`, because it is made for each line anew."""


def _head(digest: str) -> bytes:
    return b"%s %d %s\n" % (_TITLE, ANALYSIS_VERSION, digest.encode())


def _read(file: Path, press: _LineCompressor) -> dict[bytes, bytes]:
    """Return key -> pressed line of a file that is whole and of this version; nothing of any other."""
    lines: dict[bytes, bytes] = {}
    digest = hashlib.sha256()
    with contextlib.suppress(OSError):
        if file.is_file() and file.stat().st_size <= MAX_BYTES:
            with file.open("rb") as stream:
                head = stream.readline()
                for row in stream:
                    digest.update(row)
                    key, _, line = row.removesuffix(b"\n").partition(b" ")
                    if _KEY.fullmatch(key):
                        lines[bytes.fromhex(key.decode())] = press.pressed(line)
            if head == _head(digest.hexdigest()):
                return lines
    return {}


@functools.cache
def _adapter() -> TypeAdapter[Analysis]:
    from pydantic import TypeAdapter

    return TypeAdapter(Analysis)


def _parsed(line: bytes) -> Analysis | None:
    """Return what a line says, if it is something that can be seen in a texture."""
    try:
        sighting = _adapter().validate_json(line, strict=True)
    except ValueError:
        return None
    return sighting if _is_possible(sighting) else None


def _is_possible(one: Analysis) -> bool:
    digests = one.pixels, one.all_pixels, *filter(None, (one.indices, one.bare_indices))
    texts = one.facts.alpha_reason, one.facts.texels_reason, one.facts.x.reason, one.facts.y.reason
    whole = Box(0, 0, *one.size)
    return (
        min(one.size) >= 1
        and all(_DIGEST.fullmatch(digest) for digest in digests)
        and all(_HEX.fullmatch(text) for text in (one.blocks, one.orbit))
        and all(text.isprintable() for text in (*texts, *one.warnings))
        and all(0 <= guess.confidence <= 1 for guess in (one.facts.x, one.facts.y))
        and 0 <= one.contrast <= 255
        and 0 <= one.facts.colours <= one.size[0] * one.size[1]
        and all(_is_cell(cell, whole) for cell in one.cells)
    )


def _is_cell(cell: Box, whole: Box) -> bool:
    return min(cell.x, cell.y) >= 0 and min(cell.width, cell.height) >= 1 and cell.is_inside(whole)
