"""texpipe is installed anew while it runs: its files are gone, and that is no bug of it."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

import texpipe
from texpipe.cli.console import exit_code_of

PACKAGE = Path(texpipe.__file__).resolve().parent
MODEL = str(PACKAGE / "_data" / "models" / "texpipe-x4.safetensors")


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(2, "No such file or directory", MODEL),
        FileNotFoundError(f"No such file or directory: {MODEL}"),
        ModuleNotFoundError("No module named 'texpipe.report.page'", name="texpipe.report.page"),
        ImportError(
            "cannot import name 'x' from 'texpipe.pipeline'",
            name="texpipe.pipeline",
            path=str(PACKAGE / "pipeline.py"),
        ),
    ],
)
def test_files_that_vanish_are_told_as_an_installation(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = ends(error, capsys)
    assert code == 2
    assert said.startswith("error: texpipe's own files changed while it ran; was it installed anew?")
    assert "Finished results are kept" in said
    assert "run the same command again" in said
    assert "bug" not in said


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(2, "No such file or directory", "/nowhere/a.png"),
        FileNotFoundError("nothing there"),
        ModuleNotFoundError("No module named 'torch'", name="torch"),
        ImportError("cannot import name 'x' from 'torch'", name="torch", path="/nowhere/torch/__init__.py"),
        ImportError("no path"),
    ],
)
def test_all_other_files_that_are_missing_stay_bugs(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = ends(error, capsys)
    assert code == 70
    Path(said.split()[-1]).unlink()


def ends(error: Exception, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    @click.command()
    def fail() -> None:
        raise error

    return exit_code_of(fail, []), capsys.readouterr().err
