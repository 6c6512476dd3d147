"""Fixtures that many tests share: a tiny network and the real command line."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from texpipe.cli import texpipe as commands
from texpipe.cli.console import exit_code_of
from texpipe.networks.checkpoint import save_safetensors
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.train.losses import weights

# The machine that checks a change draws the same examples every time; others look for new ones.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("local", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# A shell starts what it puts into the background with Ctrl-C ignored, and so would be everything that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


LOGGERS = logging.getLogger(), logging.getLogger("texpipe")
LEVELS = tuple(logger.level for logger in LOGGERS)


@pytest.fixture(autouse=True)
def log_levels() -> None:
    """Put back the log levels that commands set, in fixtures of modules too: tests listen to what is logged."""
    for logger, level in zip(LOGGERS, LEVELS, strict=True):
        logger.setLevel(level)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep what is measured of models in a folder of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Compute in one thread: on a busy machine threads that share small convolutions stall."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def no_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be no weights of metrics, neither on the network nor in a cache."""
    monkeypatch.setattr(weights, "weights", lambda _: None)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 4x RRDBNet small enough that a test never waits for it; its weights are random."""
    torch.manual_seed(7)
    network = RRDBNet(num_feat=8, num_block=1, num_grow_ch=4)
    path = tmp_path_factory.mktemp("models") / "tiny.safetensors"
    save_safetensors(path, network.state_dict(), {"licence": "MIT"})
    return path


@pytest.fixture
def texpipe() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the real command line in a process of its own."""

    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "texpipe", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    return call


@pytest.fixture
def texpipe_here(capsys: pytest.CaptureFixture[str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line in this process, which starts at once."""

    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        capsys.readouterr()
        words = [str(argument) for argument in arguments]
        code = exit_code_of(commands, words)
        return subprocess.CompletedProcess(words, code, *capsys.readouterr())

    return call
