"""Commands as people paste them: quoted for the shell of this system."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path


def quoted(word: str | Path) -> str:
    """Return a word of a command as the user's shell takes it; without quotes where it needs none."""
    text = str(word)
    return subprocess.list2cmdline([text]) if sys.platform == "win32" else shlex.quote(text)


def command(*words: str | Path) -> str:
    """Return a whole command that can be pasted into a terminal."""
    return " ".join(map(quoted, words))
