"""What a shell proposes, asked of the real command as bash asks it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def proposed(*words: str) -> set[str]:
    """Return what is proposed for the last word, without the kind of each proposal."""
    line = " ".join(("texpipe", *words))
    asked = {"_TEXPIPE_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words))}
    done = subprocess.run(
        [sys.executable, "-m", "texpipe"],
        env=os.environ | asked,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return {proposal.partition(",")[2] for proposal in done.stdout.split()}


@pytest.mark.parametrize(
    ("words", "some"),
    [
        (("ins",), {"inspect", "install"}),
        (("run", "oo"), {"oot", "oo"}),
        (("run", "oot", "--model", "texpipe-x4-p"), {"texpipe-x4-preview", "texpipe-x4-p"}),
        (("run", "oot", "--target", "gli"), {"gliden64"}),
        (("finetune", "--preset", "texture"), {"texture-esrgan"}),
        (("models", "fetch", "realesrgan"), {"realesrgan-x4plus"}),
    ],
)
def test_names_are_proposed_where_they_are_due(words: tuple[str, ...], some: set[str]) -> None:
    found = proposed(*words)
    assert some <= found
    assert all(one.startswith(words[-1]) for one in found)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_for_its_completion(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "texpipe"],
        env=os.environ | {"_TEXPIPE_COMPLETE": f"{shell}_source"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "_TEXPIPE_COMPLETE" in done.stdout
