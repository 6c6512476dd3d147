"""The emulator with the test cartridge, started once for all tests that play it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.mupen64plus import Emulator, hidden_screen, require_emulator
from emulator.scene import cartridge
from texpipe.texture import Rgba8


@pytest.fixture(scope="package")
def emulator(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    require_emulator(request.config)
    scratch = tmp_path_factory.mktemp("emulator")
    file = scratch / "cartridge.z64"
    file.write_bytes(cartridge())
    with hidden_screen() as display:
        yield Emulator(display, file, scratch)


@pytest.fixture(scope="package")
def dumped(emulator: Emulator) -> tuple[Rgba8, Path]:
    """What the emulator shows without a pack, and the folder that it dumped the textures to."""
    return emulator.dump()
