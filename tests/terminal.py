"""Runs the command line on a pseudo-terminal, as people see it (not on Windows)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def on_terminal(arguments: Sequence[str | Path], columns: int = 110, timeout: float = 300) -> tuple[int, str]:
    """Run `texpipe` on a terminal of some columns; return its exit code and every byte that it wrote, as text."""
    import pty

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "texpipe", *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
    with subprocess.Popen(command, stderr=theirs, stdout=theirs, env=environment) as process:
        os.close(theirs)
        shown = _everything(ours)
        code = process.wait(timeout)
    return code, shown


def plain(shown: str) -> str:
    """Return what a terminal was sent without its control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)


def _everything(terminal: int) -> str:
    """Read a pseudo-terminal until the other side closes it."""
    parts = []
    try:
        while part := os.read(terminal, 1 << 16):
            parts.append(part)
    except OSError:  # how Linux says the end
        pass
    os.close(terminal)
    return b"".join(parts).decode()
