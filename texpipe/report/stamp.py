"""Whether a report still shows the pack beside it: the page names its manifest, and a script beside it the present one.

Pages from the disk cannot read `manifest.json`, but they can load a script: `stamp.js` has the digest of the manifest
that the pack has now, and every run brings it up to date.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path

from texpipe.formats.portable_names import file_digest
from texpipe.storage.atomic import write_atomic
from texpipe.storage.layout import OutputLayout
from texpipe.storage.links import require_own_folders
from texpipe.storage.small_files import RefusedFileError, open_regular, refusing

STAMP = "stamp.js"
_GENERATOR = b'<meta name="generator" content="texpipe '
_PACK = re.compile(rb'<meta name="pack" content="([0-9a-f]{64})">')
_HEAD_BYTES = 1 << 10
"""Bytes at the start of a page in which it says that texpipe made it, and of which manifest."""


def head_of_report(page: Path) -> bytes | None:
    """Return the first bytes of a page that texpipe made; None if there is no such page."""
    with suppress(RefusedFileError), refusing(page), open_regular(page, any_link=False) as file:
        head = file.read(_HEAD_BYTES)
        return head if _GENERATOR in head else None
    return None


def pack_of_report(output: Path) -> dict[str, str | None]:
    """Return what a page says of the pack it is made of: digest and date (UTC, to the minute) of its manifest."""
    manifest = OutputLayout(output).manifest
    written = datetime.fromtimestamp(manifest.stat().st_mtime, timezone.utc)
    return {"manifest": file_digest(manifest, inside=output), "date": f"{written:%Y-%m-%d %H:%M} UTC"}


def write_stamp(output: Path, digest: str | None) -> None:
    """Write into the report's folder which manifest the pack has.

    Raises:
        PackError: it cannot be written.
    """
    text = f'"use strict";\nconst PACK_NOW = "{digest or ""}";\n'
    write_atomic(OutputLayout(output).report / STAMP, text.encode(), fsync=False)


def older_report(output: Path) -> Path | None:
    """Return the page of a report that was made before the present manifest, which from now on says so itself.

    None if there is no report, or it shows the present pack.

    Raises:
        PackError: the report's folder is a link that leads out of the output folder, or cannot be written to.
    """
    page = OutputLayout(output).report / "index.html"
    head = head_of_report(page)
    if head is None:
        return None
    require_own_folders(output, [page.parent.name])
    made_of = _PACK.search(head)
    digest = file_digest(OutputLayout(output).manifest, inside=output)
    write_stamp(output, digest)
    is_older = made_of is None or made_of[1].decode() != digest
    return page if is_older else None
