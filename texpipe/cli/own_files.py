"""texpipe's own files, which may change while it runs: somebody installs it anew."""

from __future__ import annotations

import os
from pathlib import Path

from texpipe.errors import UsageError

_PACKAGE = Path(__file__).resolve().parents[1]


def changed_meanwhile(error: Exception) -> UsageError | None:
    """Return an error in plain words where one of texpipe's own files is gone, or is another's; None for all else.

    Commands load their parts and models when they need them, so an installation that is made meanwhile is noticed late.
    """
    if not _is_of_package(error):
        return None
    return UsageError(
        f"texpipe's own files changed while it ran; was it installed anew? ({error})",
        hint="Finished results are kept: when the installation is done, run the same command again.\n"
        "If that says the same, install texpipe again.",
    )


def _is_of_package(error: Exception) -> bool:
    if isinstance(error, ModuleNotFoundError):
        return (error.name or "").partition(".")[0] == "texpipe"
    if isinstance(error, ImportError):
        return error.path is not None and _lies_inside(error.path)
    if isinstance(error, FileNotFoundError):
        named = error.filename
        # Libraries in other languages only write the path into their message.
        return f"{_PACKAGE}{os.sep}" in str(error) if not isinstance(named, str) else _lies_inside(named)
    return False


def _lies_inside(path: str) -> bool:
    return Path(path).resolve().is_relative_to(_PACKAGE)
