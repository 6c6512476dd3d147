"""The graphics cards of this computer as its operating system lists them, whether or not torch can use them."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

Maker: TypeAlias = Literal["NVIDIA", "AMD", "Intel", "Apple"]

_MAKERS: Final[dict[str, Maker]] = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}
"""Makers by their PCI vendor number, as Linux writes it."""
_WINDOWS_DISPLAY_CLASS: Final = (
    r"SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"
)
"""Key of the Windows registry with a sub-key for each display adapter: Microsoft's setup class "Display"."""


@dataclass(frozen=True)
class Card:
    """A graphics card: its maker, and its name as far as the operating system says it."""

    maker: Maker
    name: str


def installed_cards() -> tuple[Card, ...]:
    """Return the cards of the makers that texpipe knows; empty where the system does not say."""
    if sys.platform == "win32":
        return tuple(_named(name) for name in _windows_names() if _maker_of(name))
    if sys.platform == "darwin":
        return (Card("Apple", _apple_chip()),) if platform.machine() == "arm64" else ()
    return linux_cards()


def linux_cards(
    devices: Path = Path("/sys/class/drm"), nvidia: Path = Path("/proc/driver/nvidia/gpus")
) -> tuple[Card, ...]:
    """Return the cards that Linux lists.

    Args:
        devices: folder of the kernel's graphics devices.
        nvidia: folder in which NVIDIA's driver names its cards.
    """
    found = list(_kernel_cards(devices))
    named = [Card("NVIDIA", name) for name in _nvidia_names(nvidia)]
    if named:  # the driver knows the names, and in a container it may be all that shows the cards
        found = [card for card in found if card.maker != "NVIDIA"] + named
    return tuple(found)


def _kernel_cards(devices: Path) -> Iterator[Card]:
    for vendor in sorted(devices.glob("card[0-9]*/device/vendor")):
        if "-" in vendor.parent.parent.name:  # a connector of a card, not a card
            continue
        maker = _MAKERS.get(_line(vendor))
        if maker is not None:
            number = _line(vendor.with_name("device")).removeprefix("0x")
            yield Card(maker, f"{maker} graphics (PCI device {number or 'unknown'})")


def _nvidia_names(folder: Path) -> Iterator[str]:
    for page in sorted(folder.glob("*/information")):
        model = re.search(r"^Model:\s*(.+)$", _text(page), flags=re.M)
        if model:
            yield model[1].strip()


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""


def _line(path: Path) -> str:
    return _text(path).strip().lower()


def _maker_of(name: str) -> Maker | None:
    words: dict[str, Maker] = {
        "nvidia": "NVIDIA",
        "geforce": "NVIDIA",
        "radeon": "AMD",
        "amd": "AMD",
        "intel": "Intel",
    }
    return next((maker for word, maker in words.items() if word in name.lower()), None)


def _named(name: str) -> Card:
    maker = _maker_of(name)
    assert maker is not None
    return Card(maker, name)


def _windows_names() -> Iterator[str]:
    """Yield the names of the display adapters that Windows has drivers for."""
    if sys.platform != "win32":
        return
    import winreg

    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _WINDOWS_DISPLAY_CLASS) as adapters:
        for number in range(winreg.QueryInfoKey(adapters)[0]):
            try:
                with winreg.OpenKey(adapters, winreg.EnumKey(adapters, number)) as adapter:
                    yield str(winreg.QueryValueEx(adapter, "DriverDesc")[0])
            except OSError:  # a key that only administrators read, or one without a name
                continue


def _apple_chip() -> str:
    command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "Apple graphics"
