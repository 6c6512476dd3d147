"""Limits: against files that claim too much, each with a default and a variable of the environment that raises it; and
how much of the computer may be used."""

from __future__ import annotations

import os

from texpipe.errors import UsageError


def limit(name: str, default: int) -> int:
    """Return a limit; all of them are listed in `docs/limits.md`.

    Args:
        name: what is limited, such as "MAX_PIXELS"; the variable is called `TEXPIPE_` and this.
        default: without the variable.

    Raises:
        UsageError: the variable is no whole number above zero.
    """
    text = os.environ.get(f"TEXPIPE_{name}", str(default))
    if not (text.isascii() and text.isdigit() and int(text)):
        raise UsageError(
            f"TEXPIPE_{name}={text} is no limit", hint=f"A whole number, such as the default {default}."
        )
    return int(text)
