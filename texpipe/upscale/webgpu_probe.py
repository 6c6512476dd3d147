"""Tries WebGPU in a process of its own, because a graphics driver may end or stop it, and keeps the finding for a day.

So a broken driver cannot take a run with it, and a run that starts does not wait for the trial.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, cast

from texpipe.errors import DeviceLostError, PackError
from texpipe.storage.atomic import write_atomic
from texpipe.storage.home import cache_folder
from texpipe.storage.small_files import RefusedFileError, parse_json, read_small
from texpipe.system.graphics_cards import installed_cards
from texpipe.upscale.webgpu_sessions import Adapter, find_adapter

_COMMAND: Final = "import json; from texpipe.upscale.webgpu_probe import tried; print(json.dumps(tried()))"
_SECONDS: Final = 60
"""Longest time that a graphics driver may take for its first computation, in seconds."""
_KEPT_SECONDS: Final = 24 * 60 * 60
"""Time for which an adapter is taken to be as it was found, in seconds."""
_MAX_FILE: Final = 1 << 16
"""Largest size in bytes of the file with the adapter."""
_VARIABLES: Final = (
    "LD_LIBRARY_PATH",
    "ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER",
    "VK_DRIVER_FILES",
    "VK_ICD_FILENAMES",
)
"""Environment variables that decide which driver is used."""


@dataclass(frozen=True)
class Absent:
    """Why there is no adapter.

    Attributes:
        reason: for people.
        is_broken: there is a driver, which ended or stopped its process.
    """

    reason: str
    is_broken: bool = False


def probed(library: str) -> Adapter | Absent:
    """Return the adapter, found out now or in the last day.

    Args:
        library: name and version of what would use it; another one finds it out anew.
    """
    circumstances = _circumstances(library)
    known = _recalled(circumstances)
    if known is not None:
        return known
    found = _probed_now()
    if isinstance(found, Adapter):
        note = {"found_in": circumstances, "time": time.time(), "adapter": asdict(found)}
        with suppress(PackError):  # then the next run finds it out anew
            write_atomic(_place(), (json.dumps(note, indent=2) + "\n").encode())
    return found


def forget() -> None:
    """Remove what is kept of the adapter, if it can be removed."""
    with suppress(OSError):
        _place().unlink()


def tried() -> dict[str, Any]:
    """Return the adapter, or why there is none, as JSON; a broken driver may end or stop this process."""
    try:
        return asdict(find_adapter())
    except (DeviceLostError, MemoryError) as error:
        return {"reason": str(error)}


def _probed_now() -> Adapter | Absent:
    try:
        done = subprocess.run(
            [sys.executable, "-c", _COMMAND],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Absent(f"its first computation takes over {_SECONDS} s", is_broken=True)
    except OSError as error:
        return Absent(f"it cannot be tried: {error.strerror or error}")
    said = (done.stdout.strip().splitlines() or [""])[-1].encode()
    try:
        found = cast(Any, parse_json(said, Path("the answer")))
        return Absent(str(found["reason"])) if "reason" in found else _adapter(found)
    except (RefusedFileError, KeyError, TypeError):
        broken = f"its first computation ended with code {done.returncode}: the graphics driver is broken"
        return Absent(broken, is_broken=True)


def _circumstances(library: str) -> dict[str, Any]:
    """Return what an adapter depends on, as far as it is known without a driver."""
    return {
        "library": library,
        "cards": [card.name for card in installed_cards()],
        "system": platform.platform(),
        "variables": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
    }


def _recalled(circumstances: dict[str, Any]) -> Adapter | None:
    try:
        note = cast(Any, parse_json(read_small(_place(), _MAX_FILE), _place()))
        age = time.time() - float(note["time"])
        if note["found_in"] != circumstances or not 0 <= age < _KEPT_SECONDS:
            return None
        return _adapter(note["adapter"])
    except (RefusedFileError, KeyError, TypeError, ValueError):
        return None


def _adapter(read: Any) -> Adapter:  # noqa: ANN401
    """Read what `tried` says.

    Raises:
        KeyError, TypeError: it is something else.
    """
    return Adapter(str(read["name"]), half=bool(read["half"]), software=bool(read["software"]))


def _place() -> Path:
    return cache_folder() / "webgpu.json"
