"""Mupen64Plus with the Rice plugin on a screen that nobody sees, drawn by the processor.

Nothing of the user's is read or written: every folder that the emulator asks the environment for is a scratch folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from needed import fail_or_skip

from texpipe.imaging.image_files import decode
from texpipe.texture import Rgba8

SHOT = (640, 480)

_PLUGINS = ("mupen64plus-video-rice.so", "mupen64plus-rsp-hle.so")
_LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/local/lib")
_SHOT_FRAME = 20
_PATIENCE_SECONDS = 300  # a busy machine is slow, not wrong


def require_emulator(config: pytest.Config) -> None:
    """Skip the test if there is no emulator here; on a CI machine let it fail."""
    missing = [name for name in ("mupen64plus", "Xvfb") if _program(name) is None]
    missing += [name for name in _PLUGINS if not _is_installed(name)]
    if missing:
        fail_or_skip(config, f"PACKS ARE NOT TESTED IN AN EMULATOR: {', '.join(missing)} not installed")


def _program(name: str) -> str | None:
    """Debian puts games where root does not look."""
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/games")))


def _is_installed(plugin: str) -> bool:
    places = (Path(folder) for folder in _LIBRARIES)
    return any(
        found
        for place in places
        for depth in ("", "*/")
        for found in place.glob(f"{depth}mupen64plus/{plugin}")
    )


@contextmanager
def hidden_screen() -> Iterator[str]:
    """Start an X server without a monitor; yields the name of its display."""
    ours, servers = os.pipe()
    options = ("-displayfd", str(servers), "-screen", "0", f"{SHOT[0]}x{SHOT[1]}x24", "-nolisten", "tcp")
    server = subprocess.Popen(
        [str(_program("Xvfb")), *options], pass_fds=[servers], stderr=subprocess.DEVNULL
    )
    os.close(servers)
    try:
        with os.fdopen(ours) as announced:
            number = announced.readline().strip()
        assert number, "Xvfb did not start"
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(_PATIENCE_SECONDS)


@dataclass(frozen=True)
class Emulator:
    """Plays one cartridge, each time in a new home below `scratch`."""

    display: str
    cartridge: Path
    scratch: Path

    def dump(self, name: str = "dump") -> tuple[Rgba8, Path]:
        """Play without a pack; returns the screenshot and the folder that textures were dumped to."""
        shot = self._play(self.scratch / name, "DumpTexturesToFiles")
        return shot, self.dump_folder(name)

    def dump_folder(self, name: str) -> Path:
        """Return the folder that `dump` dumps to, which need not be there yet; `name` is that of the home to make."""
        return _user_data(self.scratch / name) / "texture_dump"

    def show(self, pack: Path, name: str) -> Rgba8:
        """Play with a pack; `pack` is the folder that has the game's, `name` that of the home to make."""
        home = self.scratch / name
        shutil.copytree(pack, _user_data(home) / "hires_texture")
        return self._play(home, "LoadHiResTextures")

    def _play(self, home: Path, setting: str) -> Rgba8:
        """Run for a few frames and return the last one, 480 x 640 x 4 uint8."""
        environment = _environment(self.display, home)
        options = _options(self.cartridge, home / "shots", setting)
        done = subprocess.run(
            [str(_program("mupen64plus")), *options],
            cwd=home,
            env=environment,
            capture_output=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
        shots = sorted((home / "shots").glob("*.png"))
        told = (done.stdout + done.stderr).decode(errors="replace")[-2000:]
        assert done.returncode == 0, told
        assert shots, told
        return decode(shots[-1].read_bytes(), name=shots[-1].name)[0]


def _options(cartridge: Path, shots: Path, setting: str) -> list[str]:
    parts = ("--gfx", _PLUGINS[0], "--rsp", _PLUGINS[1], "--audio", "dummy", "--input", "dummy")
    size = ("--resolution", f"{SHOT[0]}x{SHOT[1]}")
    pace = ("--nospeedlimit", "--noosd", "--testshots", str(_SHOT_FRAME), "--sshotdir", str(shots))
    return [*parts, *size, *pace, "--set", f"Video-Rice[{setting}]=True", str(cartridge)]


def _user_data(home: Path) -> Path:
    """The emulator's own folder, which dumps go to and packs are read from."""
    return home / "data" / "mupen64plus"


def _environment(display: str, home: Path) -> dict[str, str]:
    """All that the emulator may know of the machine. It passes over folders that are not there, so they are made."""
    folders = {"DATA": "data", "CONFIG": "config", "CACHE": "cache"}
    for name in (*folders.values(), "shots"):
        (home / name).mkdir(parents=True, exist_ok=True)
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        **{f"XDG_{kind}_HOME": str(home / name) for kind, name in folders.items()},
        "XDG_RUNTIME_DIR": str(home),
        "DISPLAY": display,
        "SDL_VIDEODRIVER": "x11",
        "LIBGL_ALWAYS_SOFTWARE": "1",
    }
