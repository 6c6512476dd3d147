"""The public Python names: complete, documented, importable without heavy libraries, and the page's example works."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from dumps import dump, tree, write_recipe
from pages import REPOSITORY

import texpipe
from texpipe import errors
from texpipe.cli.console import exit_code_of

PAGE = (REPOSITORY / "docs" / "python.md").read_text("utf-8")
PUBLIC = {
    "DeviceError",
    "DeviceLostError",
    "ExitCode",
    "GuardError",
    "Interrupted",
    "Location",
    "ModelError",
    "PackError",
    "Progress",
    "RecipeError",
    "RunOptions",
    "RunResult",
    "SourceError",
    "TexpipeError",
    "UsageError",
    "__version__",
    "load_options",
    "run_recipe",
}
"""What other programs were promised: taking one away breaks them."""


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_no_promised_name_is_missing_and_no_other_is_exported() -> None:
    assert set(texpipe.__all__) == PUBLIC
    assert set(dir(texpipe)) >= PUBLIC
    for name in PUBLIC:
        assert getattr(texpipe, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        texpipe.nonsense  # noqa: B018


def test_no_public_name_is_undocumented() -> None:
    rows = re.findall(r"^\| `(\w+)", PAGE, flags=re.M)
    assert sorted(rows) == sorted(PUBLIC)


def test_no_error_class_is_left_out() -> None:
    kinds = {
        name
        for name, one in vars(errors).items()
        if isinstance(one, type) and issubclass(one, errors.TexpipeError)
    }
    assert kinds <= PUBLIC


def test_importing_the_package_loads_no_heavy_library() -> None:
    """Neither does the library of errors and progress; a recipe needs pydantic, and never torch."""
    heavy = "{'torch', 'cv2', 'imageio', 'numpy', 'pydantic'} & set(sys.modules)"
    assert python(f"import sys, texpipe; texpipe.TexpipeError; print({heavy})").strip() == "set()"
    assert python("import sys; from texpipe import *; print('torch' in sys.modules)").strip() == "False"


@pytest.fixture
def example(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The example of docs/python.md, in a folder with its recipe."""
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.M | re.S)
    write_recipe(tmp_path, f"model: {tiny_model}\n").rename(tmp_path / "my.yaml")
    monkeypatch.chdir(tmp_path)
    return code


def test_the_example_writes_the_same_pack_as_the_command(example: str, tmp_path: Path) -> None:
    names = dump(tmp_path / "dump", 2)
    done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, check=True)
    assert [line.split(" written")[0] for line in done.stdout.splitlines()] == names
    assert "upscale: 2 of 2" in done.stderr
    from texpipe.cli import texpipe as command

    arguments = ["run", "my.yaml", "--output", "build/command", "--device", "cpu", "-q"]
    assert exit_code_of(command, arguments) == 0
    ours, theirs = (
        tree(tmp_path / "build" / one, ("run.json", "checked", "finished", ".lock"))
        for one in ("oot", "command")
    )
    assert ours == theirs


@pytest.mark.parametrize(
    ("spoil", "code", "text"),
    [
        (lambda folder: (folder / "my.yaml").write_text("version: 1\nscael: 4\n"), 2, "unknown key 'scael'"),
        (lambda folder: (folder / "dump").rename(folder / "gone"), 3, "dump"),
        (lambda folder: (folder / "dump" / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n"), 7, ""),
    ],
    ids=["a recipe with mistakes", "a missing dump", "a damaged texture"],
)
def test_the_example_ends_with_the_code_of_the_failure(
    example: str, tmp_path: Path, spoil: Callable[[Path], object], code: int, text: str
) -> None:
    dump(tmp_path / "dump", 1)
    spoil(tmp_path)
    done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert text in done.stderr
