"""A zip archive for bug reports: examination, logs, recipe, head of the manifest; no pictures, no private paths."""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from texpipe.doctor.finding import Finding
from texpipe.errors import UsageError
from texpipe.storage.atomic import open_atomic
from texpipe.storage.layout import OutputLayout
from texpipe.storage.small_files import RefusedFileError, parse_json, read_small

_MAX_FILE: Final = 64 << 20
"""Largest size in bytes of a manifest, log or recipe that goes into the archive."""
_LOGS: Final = 3
"""Number of internal-error logs that go into the archive, the newest ones."""
_TEXTURES: Final = 50
"""Number of textures in the head of the manifest."""
_POSIX_PATH: Final = re.compile(r"(?<![\w.~:/])/(?:[^/\s\"':,]+/)+")
_WINDOWS_PATH: Final = re.compile(r"(?<!\w)[A-Za-z]:\\{1,2}(?:[^\\\s\"':,]+\\{1,2})+")


def write_bundle(path: Path, findings: Sequence[Finding], output: Path, recipe: Path | None) -> list[str]:
    """Write the archive, and return the names of the files in it.

    Args:
        path: the archive; it must not exist.
        findings: the examination.
        output: folder of a run; its manifest and run.json are taken if they are there.
        recipe: the recipe of that run.

    Raises:
        UsageError: the archive exists, or the recipe does not.
        PackError: it cannot be written.
    """
    if path.exists():
        raise UsageError(f"{path} already exists", hint="Give another name: nothing is overwritten.")
    if recipe is not None and not recipe.is_file():
        raise UsageError(f"there is no recipe {recipe}", hint="Check the path.")
    private = [Path.home(), Path.cwd(), output.absolute()]
    names = []
    with (
        open_atomic(path, any_link=True) as stream,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, text in _contents(findings, output, recipe):
            archive.writestr(name, without_private_paths(text, private))
            names.append(name)
    return names


def without_private_paths(text: str, private: Iterable[Path]) -> str:
    """Return a text in which absolute paths have lost their folders.

    Args:
        text: any text, such as a log or JSON.
        private: folders to take out as they are spelt; their names may contain spaces.
    """
    for folder in sorted({str(one) for one in private}, key=len, reverse=True):
        if len(Path(folder).parts) > 1:
            for spelling in {folder, folder.replace("\\", "\\\\"), folder.replace("\\", "/")}:
                text = text.replace(spelling, "...")
    return _WINDOWS_PATH.sub(".../", _POSIX_PATH.sub(".../", text))


def _contents(findings: Sequence[Finding], output: Path, recipe: Path | None) -> Iterator[tuple[str, str]]:
    yield "doctor.json", json.dumps([one.as_json() for one in findings], indent=2)
    layout = OutputLayout(output)
    if (head := _manifest_head(layout.manifest)) is not None:
        yield "manifest-head.json", head
    for name, file in (("run.json", layout.run_info), ("recipe.yaml", recipe)):
        if file is not None and (text := _text(file)) is not None:
            yield name, text
    for log in _newest_logs():
        if (text := _text(log)) is not None:
            yield log.name, text


def _manifest_head(file: Path) -> str | None:
    """Return a manifest with its first textures only; None if there is none or it cannot be read."""
    text = _text(file)
    if text is None:
        return None
    try:
        manifest: Any = parse_json(text.encode(), file)
    except RefusedFileError as error:
        return json.dumps({"unreadable": error.message})
    if isinstance(manifest, dict) and isinstance(manifest.get("textures"), list):
        manifest["textures"] = manifest["textures"][:_TEXTURES]
    return json.dumps(manifest, indent=2, ensure_ascii=False)


def _text(file: Path) -> str | None:
    try:
        return read_small(file, _MAX_FILE, any_link=True).decode("utf-8", errors="replace")
    except RefusedFileError:
        return None


def _newest_logs() -> list[Path]:
    logs = [log for log in Path(tempfile.gettempdir()).glob("texpipe-*.log") if log.is_file()]
    return sorted(logs, key=lambda log: log.stat().st_mtime, reverse=True)[:_LOGS]
