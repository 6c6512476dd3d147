"""NumPy's matrix products get one thread, unless somebody asked for more."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from texpipe.system.offload import SubprocessPool

NAME = "OPENBLAS_NUM_THREADS"
COMMAND = (
    "import os, sys; sys.argv = ['texpipe', '--version']; from texpipe.__main__ import main\n"
    "assert 'numpy' not in sys.modules\n"
    "try: main()\n"
    f"finally: sys.stderr.write(os.environ[{NAME!r}])"
)


@pytest.mark.parametrize(("asked", "threads"), [(None, "1"), ("3", "3")])
def test_the_command_asks_for_one_before_numpy_is_loaded(asked: str | None, threads: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != NAME}
    environment |= {} if asked is None else {NAME: asked}
    done = subprocess.run(
        [sys.executable, "-c", COMMAND], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stderr == threads


@pytest.mark.parametrize(("asked", "threads"), [(None, "1"), ("3", "3")])
def test_subprocesses_of_any_program_get_one(
    monkeypatch: pytest.MonkeyPatch, asked: str | None, threads: str
) -> None:
    monkeypatch.delenv(NAME, raising=False)
    if asked is not None:
        monkeypatch.setenv(NAME, asked)
    with SubprocessPool() as processes:
        assert processes.call(os.getenv, NAME) == threads
    assert os.getenv(NAME) == asked
