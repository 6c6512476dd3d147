"""The analysis of each texture is kept beside the results: a second run analyses only what changed.

`OUTPUT/.store/analysis` has a line for every texture of the last run. It is only a cache: a line that is damaged, of
another version or impossible is ignored, and the texture is analysed again.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import math
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from texpipe.classify.analysis import ANALYSIS_VERSION, Analysis
from texpipe.classify.judge import MOST_ODDS
from texpipe.errors import PackError
from texpipe.relations import Box
from texpipe.storage.atomic import open_atomic
from texpipe.storage.layout import OutputLayout
from texpipe.storage.links import leads_out
from texpipe.storage.small_files import RefusedFileError, open_regular, refusing
from texpipe.texture import AxisGuess

if TYPE_CHECKING:
    from pydantic import TypeAdapter

log = logging.getLogger(__name__)


MAX_BYTES = 1 << 30
"""Largest file that is read, in bytes. A texture takes about a kilobyte in it, and a quarter of that in memory."""

_MAX_LINE = 1 << 26
"""Longest line that is read at once, in bytes."""
_TITLE = b"texpipe analysis"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_KEY = re.compile(rb"[0-9a-f]{64}")
_HEX = re.compile(r"([0-9a-f]{2})*")


class AnalysisCache:
    """Analyses by key, of the last run and of this one.

    Args:
        file: where they are kept; None to keep them in memory alone. Read when the first is asked for.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._compressor = _LineCompressor()
        self._used: dict[bytes, bytes] = {}

    @staticmethod
    def beside(output: Path) -> AnalysisCache:
        """Return the cache of the runs that wrote to an output folder."""
        file = OutputLayout(output).analysis_cache
        return AnalysisCache(None if leads_out(file, output) else file)

    def moved_beside(self, output: Path) -> AnalysisCache:
        """Return the cache of an output folder, with the analyses of this one: of a dump that had no output before."""
        moved = AnalysisCache.beside(output)
        moved._compressor, moved._used = self._compressor, dict(self._used)
        return moved

    @functools.cached_property
    def _before(self) -> dict[bytes, bytes]:
        return {} if self._file is None else _read(self._file, self._compressor)

    @property
    def is_new(self) -> bool:
        """Whether there is nothing of an earlier run."""
        return not self._before

    def recall(self, key: str) -> Analysis | None:
        """Return an earlier analysis, or None."""
        short = bytes.fromhex(key)
        compressed = self._used.get(short) or self._before.get(short)
        analysis = None if compressed is None else _parsed(self._compressor.line_of(compressed))
        if compressed is not None and analysis is not None:
            self._used[short] = compressed
        return analysis

    def add(self, key: str, analysis: Analysis) -> None:
        """Keep a new analysis."""
        with contextlib.suppress(ValueError):  # names in archives may be invalid Unicode
            self._used[bytes.fromhex(key)] = self._compressor.compress(_adapter().dump_json(analysis))

    def learn(self, other: AnalysisCache) -> None:
        """Take over what another cache was asked for or given."""
        for key, compressed in other._used.items():
            self._used.setdefault(key, self._compressor.compress(other._compressor.line_of(compressed)))

    def keep(self) -> None:
        """Write what this run used, and nothing else of earlier ones, for the next run; then forget it.

        If it cannot be written, a warning is logged.
        """
        used, changed = self._used, self._used != self._before
        self._used = {}
        del self._before
        if self._file is None or not changed:
            return
        digest = hashlib.sha256()
        for line in self._lines(used):
            digest.update(line)
        try:
            with open_atomic(self._file, fsync=False) as file:
                file.write(_head(digest.hexdigest()))
                file.writelines(self._lines(used))
        except PackError as error:
            log.warning("%s: the next run analyses every texture again", error.message)

    def _lines(self, used: dict[bytes, bytes]) -> Iterator[bytes]:
        return (
            b"%s %s\n" % (key.hex().encode(), self._compressor.line_of(used[key])) for key in sorted(used)
        )


class _LineCompressor:
    """Compresses lines to a quarter of their bytes: they are much alike, so the first is the others' dictionary."""

    def __init__(self) -> None:
        self._first: bytes | None = None

    def compress(self, line: bytes) -> bytes:
        """Return a line compressed, the same bytes for equal lines."""
        if self._first is None:
            self._first = line
        stream = zlib.compressobj(wbits=_WINDOW, memLevel=5, zdict=self._first)
        return stream.compress(line) + stream.flush()

    def line_of(self, compressed: bytes) -> bytes:
        """Return the line that was compressed."""
        return zlib.decompressobj(_WINDOW, zdict=self._first or b"").decompress(compressed)


_WINDOW = -12
"""Window of zlib as its base-2 logarithm, negative for a raw stream: 4 KB, because a stream is made for each line."""


def _head(digest: str) -> bytes:
    return b"%s %d %s\n" % (_TITLE, ANALYSIS_VERSION, digest.encode())


def _read(file: Path, compressor: _LineCompressor) -> dict[bytes, bytes]:
    """Return key -> compressed line of a file that is whole and of this version; nothing of any other."""
    lines: dict[bytes, bytes] = {}
    digest = hashlib.sha256()
    with contextlib.suppress(RefusedFileError), refusing(file), open_regular(file) as stream:
        if os.fstat(stream.fileno()).st_size > MAX_BYTES:
            return {}
        head = stream.readline(_MAX_LINE)
        while row := stream.readline(_MAX_LINE):
            digest.update(row)
            key, _, line = row.removesuffix(b"\n").partition(b" ")
            if _KEY.fullmatch(key):
                lines[bytes.fromhex(key.decode())] = compressor.compress(line)
        if head == _head(digest.hexdigest()):
            return lines
    return {}


@functools.cache
def _adapter() -> TypeAdapter[Analysis]:
    from pydantic import TypeAdapter

    return TypeAdapter(Analysis)


def _parsed(line: bytes) -> Analysis | None:
    """Return the analysis that a line holds, if a texture can have it."""
    try:
        with refusing(Path("analysis")):
            analysis = _adapter().validate_json(line, strict=True)
            return analysis if _is_possible(analysis) else None
    except RefusedFileError:
        return None


def _is_possible(one: Analysis) -> bool:
    digests = one.pixels, one.all_pixels, *filter(None, (one.indices, one.bare_indices))
    texts = one.facts.alpha_reason, one.facts.texels_reason, one.facts.x.reason, one.facts.y.reason
    whole = Box(0, 0, *one.size)
    return (
        min(one.size) >= 1
        and all(_DIGEST.fullmatch(digest) for digest in digests)
        and all(_HEX.fullmatch(text) for text in (one.blocks, one.orbit))
        and all(text.isprintable() for text in (*texts, *one.warnings))
        and all(_is_possible_guess(guess) for guess in (one.facts.x, one.facts.y))
        and 0 <= one.facts.kind.confidence <= 1
        and 0 <= one.contrast <= 255
        and 0 <= one.facts.colours <= one.size[0] * one.size[1]
        and all(_is_cell(cell, whole) for cell in one.cells)
    )


def _is_possible_guess(guess: AxisGuess) -> bool:
    doubt = guess.doubt
    return 0 <= guess.confidence <= 1 and (
        doubt is None
        or (
            abs(doubt.odds) <= MOST_ODDS
            and all(0 <= value < math.inf for value in (doubt.clamp, doubt.wrap, doubt.step))
        )
    )


def _is_cell(cell: Box, whole: Box) -> bool:
    return min(cell.x, cell.y) >= 0 and min(cell.width, cell.height) >= 1 and cell.is_inside(whole)
