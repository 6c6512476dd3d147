"""Processes that look at textures: they see what this one would, and nothing is lost when they fail."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dumps import dump, texture

from texpipe import looking
from texpipe.classify.look import look
from texpipe.lookers import Lookers, command
from texpipe.read.decode import decode
from texpipe.recipe.schema import Recipe
from texpipe.sightings import Sighting
from texpipe.survey import survey
from texpipe.texture import Source, Texture


@pytest.fixture
def textures(tmp_path: Path) -> list[Texture]:
    names = dump(tmp_path / "in", 4, (12, 8))
    return [decode(Source(name, tmp_path / "in", below=name)) for name in names]


def test_a_process_sees_the_same(textures: list[Texture]) -> None:
    with Lookers() as lookers, ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lookers.look, textures)) == [look(one) for one in textures]


@pytest.mark.parametrize(
    "start",
    [
        ["no such program"],
        [sys.executable, "-c", ""],
        [sys.executable, "-c", "print('no answer', flush=True); input()"],
        [sys.executable, "-c", "import os, sys; sys.stdin.buffer.read(10); os.kill(os.getpid(), 9)"],
    ],
    ids=["none", "ends", "babbles", "killed"],
)
def test_without_an_answer_it_is_done_here(start: list[str], textures: list[Texture]) -> None:
    with Lookers(start) as lookers:
        assert [lookers.look(one) for one in textures] == [look(one) for one in textures]


def test_a_process_that_cannot_look_goes_on(textures: list[Texture]) -> None:
    broken = replace(textures[0], rgba=textures[0].rgba[..., :2])
    with Lookers() as lookers:
        with pytest.raises(ValueError, match="broadcast"):
            lookers.look(broken)
        assert lookers.look(textures[1]) == look(textures[1])


def test_no_process_outlives_its_lookers(textures: list[Texture], monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    plain = subprocess.Popen

    def noted(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        started.append(plain(*arguments, **options))  # type: ignore[call-overload]
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", noted)
    with suppress(KeyboardInterrupt), Lookers() as lookers:
        lookers.look(textures[0])
        assert started[0].poll() is None
        raise KeyboardInterrupt
    assert [one.returncode for one in started] == [0]


def test_enough_textures_are_looked_at_by_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dump(tmp_path / "in", 12, (12, 8))
    wanted = survey(tmp_path / "in", Recipe.default(), workers=2)
    here: list[str] = []

    def noted(one: Texture) -> Sighting:
        here.append(one.source.name)
        return look(one)

    monkeypatch.setattr(looking, "look", noted)
    monkeypatch.setattr(looking, "WORTH_PROCESSES", 3)
    assert survey(tmp_path / "in", Recipe.default(), workers=2) == wanted
    assert len(here) == 3
    monkeypatch.setattr(looking, "are_possible", lambda: False)
    assert survey(tmp_path / "in", Recipe.default(), workers=2) == wanted
    assert len(here) == 3 + 12


def test_a_script_is_not_run_again(tmp_path: Path) -> None:
    """Not even one without `if __name__ == "__main__"`, of which multiprocessing would run a copy in each process."""
    dump(tmp_path / "in", 6)
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\nfrom texpipe import looking\nfrom texpipe.recipe.schema import Recipe\n"
        "from texpipe.survey import survey\nlooking.WORTH_PROCESSES = 1\n"
        f"print(len(survey(Path({str(tmp_path / 'in')!r}), Recipe.default(), workers=2).items))\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("6\n", "")


def test_modules_are_found_where_this_process_finds_them(tmp_path: Path) -> None:
    """A folder of the name in the current folder is none of them."""
    (tmp_path / "texpipe").mkdir()
    (tmp_path / "texpipe" / "__init__.py").write_text("raise SystemExit(3)", encoding="utf-8")
    done = subprocess.run(command(), cwd=tmp_path, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0


def test_the_size_of_a_texture_does_not_matter(textures: list[Texture]) -> None:
    """More than a pipe holds."""
    large = replace(textures[0], rgba=np.ascontiguousarray(texture(1, (200, 300))))
    with Lookers() as lookers:
        assert lookers.look(large) == look(large)
