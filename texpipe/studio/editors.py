"""Opens a picture in the program that the system has for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from texpipe.errors import UsageError


def open_in_editor(file: Path) -> None:
    """Open a file, and return at once.

    Args:
        file: a picture.

    Raises:
        UsageError: the system knows no program for it.
    """
    try:
        if sys.platform == "win32":
            os.startfile(file)
        else:
            command = "open" if sys.platform == "darwin" else "xdg-open"
            quiet = subprocess.DEVNULL
            subprocess.Popen(
                [command, str(file)], stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
            )
    except OSError as error:
        raise UsageError(
            f"no program can be started for {file}: {error.strerror or error}",
            hint="Open that file yourself; the page shows each change of it.",
        ) from error
