"""The real server, killed amid what it does: nothing is lost, and the next start goes on."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from studio_page import RECIPE, name_of

from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options
from texpipe.studio import draft as drafts
from texpipe.studio.draft import Draft
from texpipe.studio.run_process import RunProcess
from texpipe.studio.workshop import Workshop

pytestmark = pytest.mark.usefixtures("one_thread")


@contextmanager
def server(recipe: Path) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Start `texpipe studio`; yield the process, its address and its token."""
    command = [
        sys.executable,
        "-m",
        "texpipe",
        "studio",
        str(recipe),
        "--no-browser",
        "--device",
        "cpu",
        "-q",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address, _, token = process.stdout.readline().strip().partition("/#token=")
            yield process, address, token
        finally:
            process.kill()


def ask(address: str, token: str, path: str, **body: object) -> dict[str, object]:
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(f"{address}/api/{path}", data, {"X-Texpipe-Token": token})
    with urllib.request.urlopen(request, timeout=100) as answer:
        made = json.loads(answer.read())
    assert isinstance(made, dict)
    return made


def test_a_killed_server_loses_no_decision_and_the_next_run_is_whole(folder: Path) -> None:
    recipe = folder / "mine.yaml"
    with server(recipe) as (process, address, token):
        assert address.startswith("http://127.0.0.1:")
        version = ask(address, token, "state")["version"]
        saved = ask(address, token, "decide", version=version, names=[name_of(1)], set={"edges.x": "wrap"})
        ask(address, token, "save", version=saved["version"])
        version = ask(address, token, "state")["version"]
        ask(address, token, "run", do="start")
        ask(address, token, "decide", version=version, names=[name_of(2)], set={"action": "skip"})
        process.kill()
        process.wait()
    assert "edges: {x: wrap, y: auto}" in recipe.read_text()
    kept = Draft.open(recipe)
    assert kept.is_dirty
    assert "action: skip" in kept.text
    _free(folder / "out")
    whole = run_recipe(load_options(recipe, device="cpu"))
    assert whole.manifest.summary.written == 9


def _free(output: Path) -> None:
    """Wait until a run that outlived its server has ended."""
    fcntl = pytest.importorskip("fcntl")
    with (output / ".lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)


def test_a_save_that_fails_leaves_the_old_recipe_and_the_draft(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = folder / "mine.yaml"
    workshop = Workshop(recipe, device="cpu")
    workshop.decide([name_of(1)], [], {"action": "skip"})
    written = drafts.write_atomic

    def killed(file: Path, data: bytes, **more: bool) -> None:
        if file == recipe:
            raise KeyboardInterrupt
        written(file, data, **more)

    monkeypatch.setattr(drafts, "write_atomic", killed)
    with pytest.raises(KeyboardInterrupt):
        workshop.draft.save()
    assert recipe.read_text() == RECIPE
    again = Draft.open(recipe)
    assert again.text == workshop.draft.text
    again.undo()
    assert again.text == RECIPE


@pytest.mark.skipif(sys.platform == "win32", reason="a paused run is ended there")
def test_a_run_that_is_paused_goes_on(folder: Path) -> None:
    run = RunProcess(folder / "mine.yaml", folder / "out", "cpu")
    run.start()
    run.pause()
    run.join()
    assert run.status()["state"] == "paused"
    run.start()
    run.join()
    status = run.status()
    assert (status["state"], status["code"], status["stage"]) == ("done", 0, "write")


def test_a_run_that_crashes_is_told(folder: Path) -> None:
    (folder / "tiny.safetensors").unlink()
    run = RunProcess(folder / "mine.yaml", folder / "out", "cpu")
    run.start()
    run.join()
    status = run.status()
    assert (status["state"], status["code"]) == ("failed", 4)
    assert any("tiny.safetensors" in line for line in status["log"])
