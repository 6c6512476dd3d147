"""The command line itself: start-up, help, exit codes, what goes to stdout and what to stderr."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from dumps import dump, write_recipe
from pages import REPOSITORY

from texpipe.cli import COMMANDS, texpipe
from texpipe.cli.console import exit_code_of
from texpipe.errors import (
    DeviceError,
    GuardError,
    Interrupted,
    ModelError,
    PackError,
    RecipeError,
    SourceError,
    TexpipeError,
    UsageError,
)

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_help_imports_no_heavy_library(command: list[str]) -> None:
    """`--help` answers at once because torch, numpy and OpenCV are imported only by those who compute."""
    code = (
        "import sys; from texpipe.cli.console import exit_code_of; from texpipe.cli import texpipe;"
        f"code = exit_code_of(texpipe, {[*command, '--help']!r});"
        "heavy = {'torch', 'cv2', 'imageio', 'pydantic', 'onnx', 'onnxruntime', 'texpipe.upscale'};"
        "print(code, sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


def commands(group: click.Group = texpipe, path: str = "texpipe") -> list[tuple[str, click.Command]]:
    found = []
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        found.append((f"{path} {name}", command))
        if isinstance(command, click.Group):
            found += commands(command, f"{path} {name}")
    return found


@pytest.mark.parametrize(
    ("path", "command"), commands(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_no_command_lacks_help_or_a_page_that_mentions_it(path: str, command: click.Command) -> None:
    assert command.help
    for parameter in command.params:
        assert not isinstance(parameter, click.Option) or parameter.help, f"{path} {parameter.name}"
    texts = [file.read_text("utf-8") for file in (REPOSITORY / "docs").glob("*.md")]
    texts.append((REPOSITORY / "README.md").read_text("utf-8"))
    assert any(path in text for text in texts), f"no page mentions `{path}`"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (RecipeError("x"), 2),
        (SourceError("x"), 3),
        (ModelError("x"), 4),
        (PackError("x"), 5),
        (DeviceError("x"), 6),
        (MemoryError(), 6),
        (GuardError("x"), 8),
        (KeyboardInterrupt(), 130),
        (Interrupted("x"), 130),
        (RuntimeError("x"), 70),
        (TexpipeError("x"), 70),
        (click.UsageError("x"), 2),
    ],
)
def test_an_error_ends_with_its_code_and_a_message_on_stderr(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def fail() -> None:
        raise error

    assert exit_code_of(fail, []) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err


def test_an_unforeseen_error_leaves_a_log_with_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    def fail() -> None:
        raise ZeroDivisionError("on purpose")

    assert exit_code_of(fail, []) == 70
    log = Path(capsys.readouterr().err.split()[-1])
    assert "ZeroDivisionError: on purpose" in log.read_text()
    log.unlink()


def test_a_recipe_with_five_mistakes_gets_all_of_them_reported_at_once(tmp_path: Path, texpipe: Run) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(
        "version: 1\n"
        "name: bad\n"
        "input: dump\n"
        "output: out\n"
        "scal: 4\n"  # 1: unknown key
        "targets: [gliden65]\n"  # 2: unknown target
        "rules:\n"
        "  - match: {max_side: big}\n"  # 3: wrong type
        "    action: explode\n"  # 4: impossible value
        "    edges: {x: wrapped}\n"  # 5: impossible value
    )
    done = texpipe("run", path)
    assert done.returncode == 2
    assert done.stdout == ""
    for place in ("5:1", "6:11", "8:23", "9:13", "10:16"):
        assert f"{path}:{place}: " in done.stderr, done.stderr
    assert "scale" in done.stderr


def test_inspect_as_json_has_the_entries_of_the_manifest(tmp_path: Path, texpipe: Run) -> None:
    names = dump(tmp_path / "dump", 4)
    done = texpipe("inspect", tmp_path / "dump", "--recipe", write_recipe(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    entries = json.loads(done.stdout)
    assert [entry["source"] for entry in entries] == sorted(names)
    assert [entry["alpha"] for entry in entries] == ["opaque", "opaque", "opaque", "binary"]
    assert all(entry["id"]["scheme"] == "gliden64" and entry["format"] == "rgba16" for entry in entries)
    assert all(set(entry["decided_by"]) == {"action", "alpha", "x", "y"} for entry in entries)
    table = texpipe("inspect", tmp_path / "dump", "--all")
    assert all(name in table.stdout for name in names)


def test_unknown_commands_and_options_are_usage_errors(texpipe: Run) -> None:
    assert texpipe("upscale").returncode == 2
    assert texpipe("run", "--nonsense").returncode == 2
    assert texpipe("run", "recipes/oot.yaml", "--shard", "3/2").returncode == 2


def test_a_report_of_a_run_that_writes_no_pack_is_refused(texpipe: Run) -> None:
    for option in (["--dry-run"], ["--shard", "1/2"]):
        done = texpipe("run", "recipes/oot.yaml", "--report", *option)
        assert done.returncode == 2
        assert "--report needs a pack" in done.stderr


def test_version_is_that_of_the_package(texpipe: Run) -> None:
    from texpipe import __version__

    assert texpipe("--version").stdout == f"texpipe, version {__version__}\n"


def test_an_error_into_a_closed_pipe_keeps_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in `texpipe verify OUTPUT 2>&1 | head -1`."""

    def closed(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(click, "echo", closed)
    assert exit_code_of(texpipe, ["verify", str(tmp_path)]) == 5
