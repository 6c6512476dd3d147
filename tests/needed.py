"""Programs that some tests need and that not every machine has."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def fail_or_skip(config: pytest.Config, message: str) -> NoReturn:
    """Skip the test and say so where nobody overlooks it; on a CI machine let it fail."""
    if os.environ.get("CI"):
        pytest.fail(message)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    if reporter is not None and capture is not None:
        with capture.global_and_fixture_disabled():  # what a fixture prints is only shown when the test fails
            reporter.write_line(f"\n{message}", red=True, bold=True)
    pytest.skip(message)
