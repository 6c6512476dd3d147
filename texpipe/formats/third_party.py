"""Pack formats of other packages, imported when a recipe or a dump needs them."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from importlib.metadata import EntryPoint
from typing import Any, TypeAlias

from texpipe.errors import PackError, TexpipeError
from texpipe.formats.contract import PackFormat
from texpipe.formats.plugins import announced_formats, package_of
from texpipe.texture import EmulatorName

Grammar: TypeAlias = Callable[[str], EmulatorName | None]

log = logging.getLogger(__name__)

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@functools.cache
def load_format(name: str) -> PackFormat:
    """Import the format that another package announces under a name.

    Args:
        name: as in a recipe.

    Raises:
        PackError: no installed package announces it, or what it announces is broken; the message names the package.
    """
    found = announced_formats().get(name)
    if found is None:
        raise PackError(
            f"no installed package has the target {name}", hint="Install the package that writes it."
        )
    try:
        loaded = found.load()
    except Exception as error:  # foreign code may fail in any way
        raise _broken(found, f"it cannot be imported: {type(error).__name__}: {error}") from error
    if not isinstance(loaded, PackFormat):
        raise _broken(found, f"{found.value} is a {type(loaded).__name__}, not a PackFormat")
    if loaded.name != name or not _NAME.fullmatch(name):
        raise _broken(found, f"it calls itself {loaded.name!r}; both names must be one of a-z, 0-9 and -")
    return _guarded(loaded, found)


def _guarded(loaded: PackFormat, found: EntryPoint) -> PackFormat:
    """Return the format with functions that name the package when they fail."""
    parts = ((part.name, getattr(loaded, part.name)) for part in fields(loaded))
    guarded: dict[str, Any] = {name: _guard(name, part, found) for name, part in parts if callable(part)}
    if loaded.game_files is not None:
        guarded["game_files"] = replace(
            loaded.game_files,
            path=_guard("path of game_files", loaded.game_files.path, found),
            write=_guard("write of game_files", loaded.game_files.write, found),
            size=_guard("size of game_files", loaded.game_files.size, found),
        )
    return replace(loaded, **guarded)


def _guard(name: str, call: Callable[..., Any], found: EntryPoint) -> Callable[..., Any]:
    def guarded(*arguments: Any) -> Any:  # noqa: ANN401
        try:
            result = call(*arguments)
            result = list(result) if isinstance(result, Iterator) else result
        except TexpipeError:
            raise
        except Exception as error:
            raise _broken(found, f"its {name} fails: {type(error).__name__}: {error}") from error
        return _guarded(result, found) if isinstance(result, PackFormat) else result

    return guarded


def _broken(found: EntryPoint, why: str) -> PackError:
    return PackError(
        f"the target {found.name} of the package {package_of(found)} is broken: {why}",
        hint="Tell its authors, update or uninstall the package, or leave the target out of the recipe.",
    )


@functools.cache
def grammars() -> tuple[Grammar, ...]:
    """Return how other packages read names of dumps. A broken package is passed over with a line in the log."""
    found = []
    for name in announced_formats():
        try:
            parse = load_format(name).parse
        except PackError as error:
            log.warning("%s. %s", error.message, error.hint)
        else:
            found += [] if parse is None else [parse]
    return tuple(found)
