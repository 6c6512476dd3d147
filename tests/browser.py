"""A headless Chromium for tests of pages. Without one they are skipped, loudly; on a CI machine they fail."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from needed import fail_or_skip

from texpipe.imaging.image_files import decode
from texpipe.texture import Rgba8

OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",  # so that a pixel of a screenshot is the pixel of the file
    "--hide-scrollbars",
    "--window-size=1280,900",
)


def require_browser(config: pytest.Config) -> None:
    """Skip the test if there is no browser here; on a CI machine let it fail."""
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    try:
        import selenium  # noqa: F401
    except ImportError:
        missing.append("selenium")
    if missing:
        fail_or_skip(config, f"THE REPORT IS NOT TESTED IN A BROWSER: {', '.join(missing)} not installed")


@contextmanager
def chromium(profile: Path) -> Iterator[object]:
    """Start Chromium with a new empty profile; yields selenium's driver."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    driver.set_script_timeout(120)  # a busy machine is slow, not wrong
    try:
        yield driver
    finally:
        driver.quit()


def screen(driver) -> Rgba8:
    """Return what the window shows, H x W x 4 uint8."""
    return decode(driver.get_screenshot_as_png(), name="screen.png")[0]


def within(driver, selector: str) -> np.ndarray:
    """Return what the window shows of an element, H x W x 3 uint8; it must be in view."""
    box = driver.execute_script(
        "const b = document.querySelector(arguments[0]).getBoundingClientRect();"
        "return [b.left, b.top, b.width, b.height]",
        selector,
    )
    left, top, width, height = (round(value) for value in box)
    return screen(driver)[top : top + height, left : left + width, :3]
