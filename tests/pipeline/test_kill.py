"""The real command, killed: at random moments, in the middle of a shard, and asked to stop by Ctrl-C.

A server that has imported everything forks the command, so that thirty runs cost little more than what they compute.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from dumps import dump, tree, write_recipe

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks the command")

SERVER = """
import gc, json, os, sys
import cv2, etcpak, torch, torch._dynamo, torch._prims
import texpipe.cli.merge, texpipe.cli.run, texpipe.networks.checkpoint, texpipe.pipeline, texpipe.upscale.batching
from texpipe.cli import main

gc.collect()
gc.freeze()  # forks share what is never looked at again
for line in sys.stdin:
    log, arguments = json.loads(line)
    child = os.fork()
    if child == 0:
        os.dup2(os.open(log, os.O_WRONLY), 2)
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        try:
            main(arguments)
        except SystemExit as end:
            os._exit(end.code or 0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass
class Command:
    """A `texpipe` process: its number, and where it says what it does."""

    server: subprocess.Popen[str]
    number: int
    log: Path

    def wait(self) -> int:
        """Return the exit code, or the signal that ended it, negative."""
        assert self.server.stdout is not None
        return int(self.server.stdout.readline())

    def send(self, kind: signal.Signals) -> None:
        """Send a signal, if there is still somebody to get it."""
        with suppress(ProcessLookupError):
            os.kill(self.number, kind)


class Server:
    """Starts commands by forking; one at a time."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-c", SERVER]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(command, **pipes, text=True)  # type: ignore[call-overload]
        self._log = folder / "log"

    def start(self, *arguments: object) -> Command:
        self._log.write_text("")
        self._process.stdin.write(json.dumps([str(self._log), [str(one) for one in arguments]]) + "\n")
        self._process.stdin.flush()
        return Command(self._process, int(self._process.stdout.readline()), self._log)

    def run(self, *arguments: object) -> int:
        return self.start(*arguments).wait()

    def close(self) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("server"))
    yield made
    made.close()


TARGETS = "targets: {gliden64: {container: hts}, folder: }\n"


def game(folder: Path, count: int, tiny_model: Path) -> list[object]:
    """Write a dump and a recipe; return the arguments of the run."""
    dump(folder / "dump", count)
    recipe = write_recipe(folder)
    recipe.write_text(recipe.read_text("utf-8").replace("targets: [gliden64]\n", TARGETS), "utf-8")
    return ["-q", "run", recipe, "--model", tiny_model, "--precision", "fp32"]


def finished(output: Path) -> int:
    """Return how many results the store holds."""
    return len(list((output / ".store").glob("??/*.json")))


def assert_nothing_half_written(output: Path, wanted: dict[str, bytes]) -> None:
    for path, data in tree(output).items():
        if not path.endswith((".part", ".lock", ".store/written")):
            assert data == wanted[path], path


def test_killed_at_thirty_random_moments(tmp_path: Path, tiny_model: Path, server: Server) -> None:
    run = game(tmp_path, 6, tiny_model)
    assert server.run(*run, "--output", tmp_path / "wanted") == 0
    wanted = tree(tmp_path / "wanted")
    durations = []
    for number in range(3):  # other work on the machine may slow one of them down
        started = time.monotonic()
        assert server.run(*run, "--output", tmp_path / f"timed-{number}") == 0
        durations.append(time.monotonic() - started)
    duration = min(durations)
    moments = random.Random(10)
    killed, output = 0, tmp_path / "out"
    for _ in range(30):
        command = server.start(*run, "--output", output)
        time.sleep(moments.uniform(0, duration))
        command.send(signal.SIGKILL)
        killed += command.wait() == -signal.SIGKILL
        assert_nothing_half_written(output, wanted)
        assert server.run(*run, "--output", output) == 0
        assert tree(output) == wanted
        shutil.rmtree(output)
    assert killed >= 15, f"only {killed} runs were killed before they had ended"


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true() and time.monotonic() < deadline:
        time.sleep(0.002)


def test_ctrl_c_keeps_what_is_in_hand_and_goes_on_later(
    tmp_path: Path, tiny_model: Path, server: Server
) -> None:
    run, output = game(tmp_path, 120, tiny_model), tmp_path / "out"
    command = server.start(*run[1:], "--output", output)
    wait_until(lambda: finished(output) > 5)
    command.send(signal.SIGINT)
    assert command.wait() == 130
    said = command.log.read_text()
    assert "press Ctrl-C again to stop at once" in said
    assert "run the same command to go on" in said
    kept = finished(output)
    assert 5 < kept < 120
    assert not [path for path in output.rglob("*") if path.name.endswith(".part")]
    assert not (output / "manifest.json").exists()
    assert server.run(*run, "--output", output) == 0
    assert server.run(*run, "--output", tmp_path / "wanted") == 0
    assert tree(output) == tree(tmp_path / "wanted")
    report = json.loads((output / "run.json").read_text())
    assert (report["computed"], report["cached"]) == (120 - kept, kept)


def test_a_killed_shard_is_named_and_done_again(tmp_path: Path, tiny_model: Path, server: Server) -> None:
    run, output = game(tmp_path, 40, tiny_model), tmp_path / "out"
    merge = ["merge", *run[2:]]
    assert server.run(*run, "--output", tmp_path / "wanted") == 0
    assert server.run(*run, "--shard", "1/3") == 0
    before = finished(output)
    command = server.start(*run, "--shard", "2/3")
    wait_until(lambda: finished(output) > before)
    command.send(signal.SIGKILL)
    assert command.wait() == -signal.SIGKILL
    assert server.run(*run, "--shard", "3/3") == 0
    command = server.start(*merge)
    assert command.wait() == 5
    assert "--shard 2/3" in command.log.read_text()
    assert server.run(*run, "--shard", "2/3") == 0
    assert server.run(*merge) == 0
    assert tree(output) == tree(tmp_path / "wanted")
