"""Ctrl-C pressed more than once: one line and exit code 130, never a traceback, at whatever moment."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dumps import dump, write_recipe

from texpipe.imaging.image_files import save_png

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to a single process")

# A command that is stopped, and stopped again while its threads are waited for.
WAITING = """\
import os, signal, sys, threading
from concurrent.futures import ThreadPoolExecutor
import click
from texpipe.cli import console

def press():
    os.kill(os.getpid(), signal.SIGINT)

@click.command()
def command():
    started, ended = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: (started.set(), ended.wait(1)))
        started.wait()
        threading.Timer(0.2, press).start()
        press()
        ended.wait(5)

said = console._explain
console._explain = lambda error: (press(), said(error))[1]
sys.exit(console.exit_code_of(command, [], ends_process=True))
"""

# The texpipe command, which gets Ctrl-C when it does something for the n-th time: opens a file, imports a module,
# makes a call to the system, compiles; and again some such calls later. All of that is seen by an audit hook.
AT_CALLS = """\
import os, signal, sys
from texpipe.__main__ import main

moments = {int(sys.argv[1]), int(sys.argv[2])}
count = [0]

def hook(event, arguments):
    count[0] += 1
    if count[0] in moments:
        os.kill(os.getpid(), signal.SIGINT)

if "count" in os.environ:
    import atexit
    atexit.register(lambda: print("calls:", count[0], file=sys.stderr))
del sys.argv[1:3]
sys.addaudithook(hook)
main()
"""

# A finaliser cannot raise: Python would only print the traceback of what was raised there, and go on.
IN_A_FINALISER = """\
import os, signal, sys
import click
from texpipe.cli import console

class Final:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        sum(range(1000))

@click.command()
def command():
    Final()
    click.echo("went on")

sys.exit(console.exit_code_of(command, [], ends_process=True))
"""

# Some libraries make an error of their own of whatever is raised in their callbacks.
CONVERTED = """\
import os, signal, sys
import click
from texpipe.cli import console

@click.command()
def command():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        sum(range(1000))
    except BaseException:
        raise SystemError("a callback raised")

sys.exit(console.exit_code_of(command, [], ends_process=True))
"""

# A run whose step takes long, in a thread: the second press does not wait for it.
IN_A_LONG_STEP = """\
import os, signal, sys, threading
from concurrent.futures import ThreadPoolExecutor
import click
from texpipe.cli import console
from texpipe.cli.interrupt import DeferredInterrupt

def press():
    os.kill(os.getpid(), signal.SIGINT)

@click.command()
def command():
    with DeferredInterrupt(), ThreadPoolExecutor(1) as pool:
        working = pool.submit(threading.Event().wait, 100)
        press()
        press()
        working.result()

sys.exit(console.exit_code_of(command, [], ends_process=True))
"""


def run(code: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def assert_one_line(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 130, done.stderr
    for word in ("Traceback", "KeyboardInterrupt", "Exception ignored", "internal error"):
        assert word not in done.stderr, done.stderr
    assert done.stderr.splitlines().count("stopped") == 1, done.stderr


@pytest.mark.parametrize(
    "code",
    [WAITING, IN_A_FINALISER, CONVERTED, IN_A_LONG_STEP],
    ids=["waiting", "finaliser", "converted", "long step"],
)
def test_however_often_it_is_pressed_there_is_one_line(code: str) -> None:
    done = run(code)
    assert_one_line(done)
    assert "went on" not in done.stdout


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> dict[str, list[object]]:
    """The words of one call of each command that takes long; `inspect` has enough to look at for processes."""
    folder = tmp_path_factory.mktemp("interrupted")
    dump(folder / "dump", 8)
    dump(folder / "many", 300)
    random = np.random.default_rng(0)
    for number in range(4):
        rgba = random.integers(0, 256, (160, 160, 4), dtype=np.uint8)
        save_png(folder / "modern" / f"{number}.png", np.where([0, 0, 0, 1], np.uint8(255), rgba))
    recipe, pack = write_recipe(folder), folder / "pack"
    order: list[object] = ["run", recipe, "--model", tiny_model, "--precision", "fp32", "--output"]
    done = subprocess.run(
        [sys.executable, "-m", "texpipe", "-q", *map(str, order), str(pack)], check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return {
        "run": [*order, folder / "stopped"],
        "inspect": ["inspect", folder / "many"],
        "verify": ["verify", pack],
        "report": ["report", pack],
        "evaluate": ["evaluate", "--textures", folder / "modern", "--model", tiny_model],
        "finetune": [
            *("finetune", "--textures", folder / "modern", "--base", tiny_model, "--steps", "50"),
            *("--crop", "16", "--batch", "1", "--output", folder / "trained"),
        ],
        "init": ["init", folder / "dump", "--output", folder / "made.yaml", "--force"],
    }


@pytest.mark.parametrize(
    "command", ["run", "inspect", "verify", "report", "evaluate", "finetune", "init"], ids=str
)
def test_at_any_moment_of_any_command(commands: dict[str, list[object]], command: str) -> None:
    """Moments are spread over all calls evenly on a logarithmic scale: half of them come before the work itself."""
    moments = random.Random(f"{command} {os.environ.get('TEXPIPE_TEST_SEED', 0)}")
    for most in (100, 100_000):
        first = int(most ** moments.random()) + 1
        done = run(AT_CALLS, first, first + int(1000 ** moments.random()) + 1, *commands[command])
        if done.returncode != 0:  # otherwise it was done before it was stopped for good
            assert_one_line(done)
