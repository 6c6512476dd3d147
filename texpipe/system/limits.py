"""Limits against files that claim absurd sizes, each with a default and an environment variable that raises it."""

from __future__ import annotations

import os

from texpipe.errors import UsageError


def limit(name: str, default: int) -> int:
    """Return the value of a limit; `docs/limits.md` lists all of them.

    Args:
        name: such as "MAX_PIXELS"; the environment variable is `TEXPIPE_MAX_PIXELS`.
        default: the value without the variable.

    Raises:
        UsageError: the variable is not a whole number above zero.
    """
    text = os.environ.get(f"TEXPIPE_{name}", str(default))
    if not (text.isascii() and text.isdigit() and int(text)):
        raise UsageError(
            f"TEXPIPE_{name}={text} is not a whole number above zero", hint=f"The default is {default}."
        )
    return int(text)
