"""A pack of six targets that another recipe takes over, killed while containers, lists and notes are renamed.

Only a few of the kills that benchmarks/kills.py makes by the hundred, always the same ones.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from pages import REPOSITORY


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks the command")
def test_a_killed_takeover_ends_like_an_undisturbed_one() -> None:
    command = [sys.executable, REPOSITORY / "benchmarks" / "kills.py", "--count", "8"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.fullmatch(r"(\d+) kills, (\d+) takeovers, (\d+) of them byte for byte .*\n", done.stdout)
    assert found is not None, done.stdout
    kills, takeovers, same = map(int, found.groups())
    assert kills >= 8
    assert same == takeovers > 1
