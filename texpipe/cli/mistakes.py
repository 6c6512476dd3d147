"""Usual mistakes on the command line, and for each a line that helps."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import combinations

import click

from texpipe.errors import UsageError
from texpipe.storage.home import from_home
from texpipe.system.shell import command


def with_quotes(words: Sequence[str]) -> str | None:
    """Return the command with a path that the shell cut at its spaces put together, or None.

    Args:
        words: what followed `texpipe`.
    """
    for start, end in combinations(range(len(words) + 1), 2):
        joined = " ".join(words[start:end])
        if end - start > 1 and not _exists(words[start]) and _exists(joined):
            return command("texpipe", *words[:start], joined, *words[end:])
    return None


def _exists(text: str) -> bool:
    return bool(text) and not text.startswith("-") and os.path.exists(from_home(text))  # noqa: PTH110 a word may be no path


def with_home(words: Sequence[str]) -> list[str]:
    """Return words with `~` replaced by the home folder where a path begins with it.

    Shells do that, but not between quotes, and on Windows not all of them. A file that is really called `~` stays.
    """
    return [_from_home(word) for word in words]


def _from_home(word: str) -> str:
    option, sign, value = word.partition("=") if word.startswith("--") else ("", "", word)
    if value[:1] == "~" and value[1:2] in ("", "/", "\\") and not os.path.lexists(value):
        return f"{option}{sign}{from_home(value)}"
    return word


def example_of(usage: click.Command) -> str | None:
    """Return the first example of a command's help, or None."""
    lines = [line.strip() for line in (usage.help or "").splitlines()]
    return next((line for line in lines if line.startswith("texpipe ")), None)


_RUN_DUMPS = ("run", "compare", "live", "probe")
"""Commands that take a recipe or a dump."""


def in_our_words(error: click.ClickException) -> UsageError:
    """Return an error that click found on the command line, as texpipe says its own: one line, and one that helps."""
    if (missing := _nothing_to_run(error)) is not None:
        return missing
    if isinstance(error, click.NoSuchOption):
        close = f"Did you mean {error.possibilities[0]}? " if error.possibilities else ""
        return UsageError(f"there is no option {error.option_name}", hint=f"{close}{_help_of(error)}" or None)
    said = error.format_message().rstrip(".")
    example = (
        example_of(error.ctx.command) if isinstance(error, click.MissingParameter) and error.ctx else None
    )
    hint = f"For example: {example}" if example else _help_of(error)
    return UsageError(f"{said[:1].lower()}{said[1:]}", hint=hint or None)


def _help_of(error: click.ClickException) -> str:
    """Return which command lists what can be given; nothing if it is not known which was meant."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    return "" if context is None else f"`{context.command_path} --help` lists what can be given."


def _nothing_to_run(error: click.ClickException) -> UsageError | None:
    """Return an error in plain words for a command that names neither recipe nor dump; None for all else."""
    if not isinstance(error, click.MissingParameter) or error.param is None or error.ctx is None:
        return None
    name = error.ctx.info_name or ""
    if error.param.name != "recipe" or name not in _RUN_DUMPS:
        return None
    return UsageError(
        f"texpipe {name} needs a dump or a recipe",
        hint="Give the folder that your emulator dumps its textures to, or a recipe's file: "
        f"{command('texpipe', name)} FOLDER",
    )


def hint_for(words: Sequence[str]) -> str | None:
    """Return a line that helps with words that the shell cut at spaces, or None."""
    whole = with_quotes(words)
    return f"A path with spaces needs quotes: {whole}" if whole else None
