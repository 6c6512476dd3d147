"""The real server, killed amid what it does: nothing is lost, and the next start goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from studio_page import RECIPE, name_of

from texpipe.errors import UsageError
from texpipe.manifest.file import read_manifest
from texpipe.storage.layout import OutputLayout
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
            while ask(address, token, "state")["reading"] is not None:
                time.sleep(0.05)
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


def test_a_killed_server_loses_no_decision_and_the_run_goes_on(folder: Path) -> None:
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
    with server(recipe) as (_, address, token):
        state = ask(address, token, "state")
        assert state["dirty"]
        assert "action: skip" in str(ask(address, token, "diff")["diff"])
        run = ask(address, token, "run")
        assert run["found"]
        while run["state"] == "running":
            time.sleep(0.05)
            run = ask(address, token, "run")
        assert (run["state"], run["code"]) == ("done", 0), run
    assert read_manifest(OutputLayout(folder / "out").manifest).summary.written == 9


@pytest.mark.skipif(
    sys.platform == "win32", reason="there the output's lock alone says that a run is at work"
)
def test_a_run_that_was_killed_with_its_server_is_offered_again(folder: Path) -> None:
    recipe = folder / "mine.yaml"
    killed = RunProcess(recipe, folder / "out", "cpu")
    killed.start()
    assert killed._pid is not None
    os.kill(killed._pid, signal.SIGSTOP)  # amid its work
    found = RunProcess(recipe, folder / "out", "cpu")
    assert (found.status()["state"], found.status()["found"]) == ("running", True)
    with pytest.raises(UsageError, match="going on"):
        found.start()
    kept = (recipe.parent / f".{recipe.name}.run.log").read_bytes()
    os.kill(killed._pid, signal.SIGKILL)
    killed.join()
    found.join()
    assert found.status()["state"] == "paused"
    (recipe.parent / f".{recipe.name}.run.log").write_bytes(kept)
    again = RunProcess(recipe, folder / "out", "cpu")
    assert (again.status()["state"], again.status()["found"]) == ("paused", True)
    again.start()
    again.join()
    assert (again.status()["state"], again.status()["found"]) == ("done", False)
    assert RunProcess(recipe, folder / "out", "cpu").status()["state"] == "idle"


def test_a_log_that_is_damaged_stops_nothing(folder: Path) -> None:
    log = folder / ".mine.yaml.run.log"
    log.write_bytes(b'{"event": "process", "pid": "x"}\n{"event"\n\xff\xfe' + b"[" * 100_000 + b"\n{}\n[1]\n")
    run = RunProcess(folder / "mine.yaml", folder / "out", "cpu")
    assert run.status()["state"] == "paused"
    run.stop()
    assert not log.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed otherwise there")
def test_a_save_that_is_killed_leaves_a_whole_recipe_and_the_draft(folder: Path) -> None:
    """A process that saves again and again, killed at any moment: the recipe is the old or the new one, never torn."""
    recipe = folder / "mine.yaml"
    script = (
        "import sys; from pathlib import Path; from texpipe.studio.draft import Draft\n"
        "draft = Draft.open(Path(sys.argv[1])); print('ready', flush=True)\n"
        "for number in range(10**6):\n"
        "    draft.change(draft.body() + f'# {number}\\n')\n"
        "    draft.save()\n"
    )
    for wait in (0.0, 0.011, 0.023):
        with subprocess.Popen([sys.executable, "-c", script, str(recipe)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(wait)
            process.kill()
        lines = Draft.open(recipe).text.removeprefix(RECIPE).splitlines()
        assert [line for line in lines if not line.startswith("# ")] == []
        assert recipe.read_text().startswith(RECIPE)


def test_a_recipe_that_is_a_link_stays_one(folder: Path) -> None:
    recipe = folder / "mine.yaml"
    recipe.rename(folder / "real.yaml")
    recipe.symlink_to("real.yaml")
    draft = Draft.open(recipe)
    draft.change(draft.body() + "# more\n")
    draft.save()
    assert recipe.is_symlink()
    assert (folder / "real.yaml").read_text().endswith("# more\n")


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


@pytest.mark.skipif(sys.platform == "win32", reason="a paused run is ended there")
def test_a_run_that_is_paused_before_it_began_is_paused(folder: Path) -> None:
    """Python itself is interrupted then, and ends with a code that no command of texpipe has."""
    beginning = (
        "import time\ntry:\n    print('at work', flush=True)\n    time.sleep(60)\n"
        "except KeyboardInterrupt:\n    raise SystemExit(1)"
    )
    run = RunProcess(folder / "mine.yaml", folder / "out", "cpu")
    run._command = [sys.executable, "-c", beginning]
    run.start()
    while "at work" not in run.status()["log"]:
        time.sleep(0.01)
    run.pause()
    run.join()
    assert run.status()["state"] == "paused"


def test_a_run_that_ends_with_python_s_own_code_has_failed(folder: Path) -> None:
    run = RunProcess(folder / "mine.yaml", folder / "out", "cpu")
    run._command = [sys.executable, "-c", "raise SystemExit(1)"]
    run.start()
    run.join()
    assert (run.status()["state"], run.status()["code"]) == ("failed", 1)


def test_a_run_that_crashes_is_told(folder: Path) -> None:
    (folder / "tiny.safetensors").unlink()
    run = RunProcess(folder / "mine.yaml", folder / "out", "cpu")
    run.start()
    run.join()
    status = run.status()
    assert (status["state"], status["code"]) == ("failed", 4)
    assert any("tiny.safetensors" in line for line in status["log"])
