"""texpipe: AI-upscaled texture packs for retro games.

`__all__` lists what other programs may rely on; `docs/python.md` shows its use. Each name is imported from its module
when it is first used, so that `import texpipe` and `texpipe --help` stay fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from texpipe.errors import (
        DeviceError,
        DeviceLostError,
        ExitCode,
        GuardError,
        Interrupted,
        Location,
        ModelError,
        PackError,
        RecipeError,
        SourceError,
        TexpipeError,
        UsageError,
    )
    from texpipe.options import RunOptions
    from texpipe.output.result import RunResult
    from texpipe.pipeline import run_recipe
    from texpipe.planning.load_options import load_options
    from texpipe.progress import Progress

__version__ = "0.1.0"

__all__ = [
    "DeviceError",
    "DeviceLostError",
    "ExitCode",
    "GuardError",
    "Interrupted",
    "Location",
    "ModelError",
    "PackError",
    "Progress",
    "RecipeError",
    "RunOptions",
    "RunResult",
    "SourceError",
    "TexpipeError",
    "UsageError",
    "__version__",
    "load_options",
    "run_recipe",
]

_MODULES = {
    "Progress": "texpipe.progress",
    "RunOptions": "texpipe.options",
    "RunResult": "texpipe.output.result",
    "load_options": "texpipe.planning.load_options",
    "run_recipe": "texpipe.pipeline",
}
"""Modules of the names in `__all__` that are not errors."""


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULES.get(name, "texpipe.errors")), name)
    globals()[name] = value  # the next use finds it without this function
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
