"""Where emulators look for packs."""

from pathlib import Path

import pytest

from texpipe.formats import TARGETS
from texpipe.formats.emulator_folders import EMULATOR_FOLDERS, found_emulators


def test_every_folder_is_of_a_known_target() -> None:
    assert {one.target for one in EMULATOR_FOLDERS} <= set(TARGETS)
    assert len({(one.system, one.target, one.home) for one in EMULATOR_FOLDERS}) == len(EMULATOR_FOLDERS)


def test_an_emulator_is_found_by_its_user_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert list(found_emulators("linux")) == []
    (tmp_path / ".local/share/dolphin-emu").mkdir(parents=True)
    (only,) = found_emulators("linux")
    assert only.emulator == "Dolphin"
    assert only.texture_folder() == tmp_path / ".local/share/dolphin-emu/Load/Textures"


def test_variables_of_windows_are_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPDATA", str(tmp_path))
    one = next(one for one in EMULATOR_FOLDERS if "%APPDATA%" in one.home)
    assert one.home_folder() == Path(one.home)  # only Windows knows %NAME%
