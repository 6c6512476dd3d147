"""Ctrl-C pressed more than once: one line and exit code 130, never a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

# A command that is stopped, and stopped again while its threads are waited for.
CODE = """\
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


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no SIGINT to a single process")
def test_however_often_it_is_pressed_there_is_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert done.stderr.count("stopped") == 1
