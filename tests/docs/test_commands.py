"""Every command of the README and the docs, run: the real command line, tiny dumps, tiny networks."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from pages import PAGES, REPOSITORY, commands, is_example

from texpipe.cli import texpipe
from texpipe.cli.console import exit_code_of
from texpipe.networks.checkpoint import save_safetensors
from texpipe.networks.rrdbnet import RRDBNet

SAMPLES = REPOSITORY / "recipes" / "samples" / "oot"
DUMPED = ("0AD62C70#0#2_all", "6F015476#3#2_all", "C5CFD9A1#2#0#8AF9FF38_ciByRGBA")
MODELS = ("texpipe-x4", "texpipe-x4-fast", "realesrgan-x4plus", "realsr-df2k-x4", "realsr-df2k-jpeg-x4")

STAND_INS = {
    "RECIPE": "my.yaml",
    "NAME": "oot",
    "FOLDER": "~/dumps/oot",
    "DUMP": "~/dumps/oot",
    "OUTPUT": "build/oot",
    "OUTPUT_DIR": "build/oot",
}
"""Words of the docs that stand for what the reader has."""

NOT_RUN = {
    r"complete zelda.hts": "wants a container; tests/upkeep/test_complete.py has one",
    r"complete .*packs/zelda": "wants a pack by hand; tests/upkeep/test_complete.py has one",
    r"port": "wants dumps by two emulators; tests/upkeep/test_port.py makes them",
    r"patch apply": "wants an archive of that very pack; tests/upkeep/test_patch.py applies them",
    r"models fetch": "downloads; tests/networks/test_catalogue.py gives it a package of its own",
    r"models convert x4.param": "wants a whole ncnn network; tests/networks/test_ncnn.py converts one",
    r"models export": "wants onnx, an extra; tests/cli/test_models.py runs it where that is installed",
    r"finetune": "trains for minutes; tests/cli/test_finetune.py runs it with a few steps",
    r"evaluate": "wants the weights of the metrics; tests/train/evaluation/test_evaluate.py runs it without them",
    r"doctor": "measures speed for seconds; tests/doctor/test_examination.py runs it without",
    r"live": "goes on until Ctrl-C; tests/live/test_session.py plays",
    r"probe .*--read": "wants a screenshot; tests/cli/test_probe.py makes one",
    r"install build/oot-probe": "wants the pack of another name; tests/cli/test_probe.py installs one",
    r"studio": "serves until Ctrl-C; tests/studio/test_story.py asks it",
    r".*--executor ray": "wants a Ray cluster; tests/execution/test_ray_cluster.py starts one where Ray is installed",
}
"""Calls that cannot be run here, by how they begin, and what stands in for that. test_pages.py parses them."""


def is_complete(arguments: list[str]) -> bool:
    """Return whether a call says all that its command needs: not one that only names a command or an option."""
    wanted = {"models": 2, "--help": 0}.get(arguments[0] if arguments else "", 1)
    return len(arguments) > wanted and not (len(arguments) == 2 and arguments[1].startswith("--"))


def runnable(page: Path) -> Iterator[list[str]]:
    """Yield the calls of a page that can be run, in their order; one that is there twice is run once."""
    seen = set()
    for arguments in filter(is_example, commands(page)):
        call = shlex.join(arguments)
        if is_complete(arguments) and call not in seen and reason_against(call) is None:
            seen.add(call)
            yield arguments


def reason_against(call: str) -> str | None:
    return next((why for pattern, why in NOT_RUN.items() if re.match(pattern, call)), None)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a reader has before a page begins: a home with dumps and a painting, a checkout with recipes and models."""
    home = tmp_path_factory.mktemp("home")
    (home / ".local" / "share" / "mupen64plus").mkdir(parents=True)
    for dump in ("oot", "zelda", "zelda-few", "session1", "session2"):
        (home / "dumps" / dump).mkdir(parents=True)
        for name in DUMPED:
            shutil.copy(SAMPLES / f"THE LEGEND OF ZELDA#{name}.png", home / "dumps" / dump)
    (home / "paintings").mkdir()
    shutil.copy(SAMPLES / f"THE LEGEND OF ZELDA#{DUMPED[0]}.png", home / "paintings")
    work = home / "texpipe"
    shutil.copytree(home / "dumps" / "oot", work / "recipes" / "samples" / "oot")
    recipe = (REPOSITORY / "recipes" / "oot.yaml").read_text("utf-8")
    recipe = re.sub(
        r"^groups:.*?(?=^\S|\Z)", "", recipe, flags=re.M | re.S
    )  # its strips are not in this dump
    (work / "recipes" / "oot.yaml").write_text(recipe, "utf-8")
    for name in ("my", "oot", "zelda"):
        (work / f"{name}.yaml").write_text(
            f"version: 1\nname: {name}\ninput: ~/dumps/oot\noutput: build/oot\ntargets: [gliden64]\n", "utf-8"
        )
    (work / "seen.txt").write_text(f"THE LEGEND OF ZELDA#{DUMPED[0]}.png\n")
    for layer in ("base", "hd-hud", "mine"):
        shutil.copytree(home / "paintings", work / layer)
    (work / "models").mkdir()
    torch.manual_seed(7)
    state = RRDBNet(num_feat=8, num_block=1, num_grow_ch=4).state_dict()
    for name in MODELS:
        save_safetensors(work / "models" / f"{name}.safetensors", state, {"licence": "MIT"})
    save_safetensors(work / "build" / "mine" / "finetuned.safetensors", state, {"licence": "MIT"})
    torch.save(state, work / "4x_SomeModel.pth")
    return home


@pytest.fixture
def work(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, where the commands are typed."""
    home = tmp_path / "home"
    shutil.copytree(prepared, home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TEXPIPE_MODELS", str(home / "texpipe" / "models"))
    for name in ("TASK_ID", "TASK_MIN", "TASK_MAX", "TASK_COUNT"):  # the only task of a Slurm array
        monkeypatch.setenv(f"SLURM_ARRAY_{name}", "1")
    monkeypatch.chdir(home / "texpipe")
    for output in ("build/oot", "~/packs/oot"):
        call(["-q", "run", "recipes/oot.yaml", "--output", output])
    return home / "texpipe"


def call(arguments: list[str]) -> int:
    """Run a call as the shell would: `~` is the home folder."""
    words = [STAND_INS.get(word, word) for word in arguments]
    return exit_code_of(texpipe, [str(Path(word).expanduser()) if word[0] == "~" else word for word in words])


@pytest.mark.parametrize("page", [one for one in PAGES if any(runnable(one))], ids=lambda page: page.name)
def test_no_command_of_a_page_fails(page: Path, work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In their order, one after the other, as a reader would type them."""
    for arguments in runnable(page):
        if arguments[0] == "init":
            Path(arguments[arguments.index("--output") + 1]).unlink(missing_ok=True)
        code = call(arguments)
        assert code == 0, f"texpipe {shlex.join(arguments)}: {capsys.readouterr().err}"


def test_few_commands_are_left_out_and_none_without_a_test_elsewhere() -> None:
    """The list of those that are not run names no command that the docs do not have, and few that they have."""
    calls = [
        shlex.join(one) for page in PAGES for one in filter(is_example, commands(page)) if is_complete(one)
    ]
    for pattern, why in NOT_RUN.items():
        assert any(re.match(pattern, one) for one in calls), pattern
        assert all((REPOSITORY / path).is_file() for path in re.findall(r"tests/[\w/]+\.py", why)), why
    assert sum(reason_against(one) is None for one in calls) > 0.6 * len(calls)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_script_that_a_page_runs_is_missing(page: Path) -> None:
    for path in re.findall(r"python ((?:benchmarks|docs|recipes)/\S+?\.py)", page.read_text("utf-8")):
        compile((REPOSITORY / path).read_text("utf-8"), path, "exec")


def test_the_line_of_python_that_sums_up_the_drift_runs(work: Path) -> None:
    page = (REPOSITORY / "docs" / "alpha-and-edges.md").read_text("utf-8")
    (line,) = re.findall(r'^    python -c "(.*)"$', page, flags=re.M)
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True)
    mean, largest = map(float, done.stdout.split())
    assert 0 <= mean <= largest


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_an_unfinished_option_is_completed_by_the_shell(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the shell asks for it, by the variable that docs/running.md names."""
    running = (REPOSITORY / "docs" / "running.md").read_text("utf-8")
    assert f"_TEXPIPE_COMPLETE={shell}_source texpipe" in running
    monkeypatch.setenv("_TEXPIPE_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", "texpipe run --tar" if shell != "fish" else "texpipe run")
    monkeypatch.setenv("COMP_CWORD", "2" if shell != "fish" else "--tar")
    with pytest.raises(SystemExit) as done:
        exit_code_of(texpipe, [])
    assert done.value.code == 0
    assert "--target" in capsys.readouterr().out
