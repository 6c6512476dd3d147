"""`texpipe live` killed at random moments: two of the kills that benchmarks/live.py makes by the score."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pages import REPOSITORY


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds processes in /proc")
def test_after_a_kill_live_and_run_end_in_the_same_bytes() -> None:
    command = [
        sys.executable,
        REPOSITORY / "benchmarks" / "live.py",
        "kills",
        "--count",
        "2",
        "--textures",
        "6",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 kills, 0 with other bytes" in done.stdout
