"""The package spandrel, which knows some forty architectures: imported when it is needed, without torchvision.

spandrel requires torchvision, but uses it in two networks only that are not for textures. torchvision may be missing,
or built for another torch, where importing it fails. So a module that has the three names stands in for it while
spandrel is imported, and is taken away again.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any, Final

from texpipe.errors import ModelError

INSTALL: Final = 'python -m pip install "texpipe[models]"'
"""The command that installs what other architectures need."""
_STAND_INS: Final = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")
_UNUSED: Final = ("InterpolationMode", "rotate", "normalize")
"""What spandrel imports from torchvision, for networks that repair photographs of faces and fill holes."""
_importing = threading.Lock()


def installed() -> bool:
    """Return whether spandrel is installed; nothing is imported."""
    return spandrel_version() is not None


def spandrel_version() -> str | None:
    """Return spandrel's version; None if it is not installed."""
    try:
        return version("spandrel")
    except PackageNotFoundError:
        return None


def import_spandrel() -> Any:  # noqa: ANN401
    """Return the module `spandrel`.

    Raises:
        ModelError: it is not installed, or cannot be imported.
    """
    if not installed():
        raise ModelError("the package spandrel is not installed", hint=INSTALL)
    with _importing:
        if "spandrel" in sys.modules:
            return sys.modules["spandrel"]
        try:
            with _without_torchvision():
                return importlib.import_module("spandrel")
        except (ImportError, RuntimeError) as error:
            raise ModelError(
                f"spandrel cannot be imported: {error}", hint=f"Install it again: {INSTALL}"
            ) from error


@contextmanager
def _without_torchvision() -> Iterator[None]:
    """Put stand-ins for torchvision where imports look first, and what was there back afterwards."""
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "torchvision"}
    for name in before:
        del sys.modules[name]
    sys.modules.update({name: _stand_in(name) for name in _STAND_INS})
    try:
        yield
    finally:
        for name in _STAND_INS:
            del sys.modules[name]
        sys.modules.update(before)


def _stand_in(name: str) -> ModuleType:
    module = ModuleType(name, "Stands in for a part of torchvision while spandrel is imported.")
    module.__path__ = []
    for unused in _UNUSED:
        setattr(module, unused, object)
    return module
