"""Which graphics cards a computer has, from folders as Linux has them."""

from pathlib import Path

from texpipe.system.graphics_cards import Card, linux_cards


def device(folder: Path, name: str, vendor: str, number: str = "0x73df") -> None:
    place = folder / name / "device"
    place.mkdir(parents=True)
    (place / "vendor").write_text(f"{vendor}\n")
    (place / "device").write_text(f"{number}\n")


def test_makers_are_told_by_their_number_and_connectors_are_no_cards(tmp_path: Path) -> None:
    device(tmp_path, "card0", "0x1002")
    device(tmp_path, "card0-HDMI-A-1", "0x1002")
    device(tmp_path, "card1", "0x8086", "0x56a0")
    device(tmp_path, "card2", "0x1234")  # the screen of a virtual machine
    found = linux_cards(tmp_path, tmp_path / "none")
    assert found == (
        Card("AMD", "AMD graphics (PCI device 73df)"),
        Card("Intel", "Intel graphics (PCI device 56a0)"),
    )


def test_the_driver_of_nvidia_names_its_cards(tmp_path: Path) -> None:
    device(tmp_path / "drm", "card0", "0x10de")
    page = tmp_path / "gpus" / "0000:01:00.0" / "information"
    page.parent.mkdir(parents=True)
    page.write_text("Model: \t\t NVIDIA GeForce RTX 3060\nIRQ:   \t\t 130\n")
    assert linux_cards(tmp_path / "drm", tmp_path / "gpus") == (Card("NVIDIA", "NVIDIA GeForce RTX 3060"),)
    assert linux_cards(tmp_path / "none", tmp_path / "gpus") == (Card("NVIDIA", "NVIDIA GeForce RTX 3060"),)


def test_a_computer_without_cards_has_none(tmp_path: Path) -> None:
    assert linux_cards(tmp_path, tmp_path) == ()
