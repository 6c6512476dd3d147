"""Pack formats of other packages: the one in docs/formats/third-party.md, installed for real, and broken ones."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dumps import texture
from packs import finished
from pages import REPOSITORY

from texpipe.errors import PackError
from texpipe.formats import TARGETS, format_of, known_targets, parse_name
from texpipe.formats.plugins import announced_formats
from texpipe.formats.third_party import grammars, load_format
from texpipe.imaging.image_files import save_png
from texpipe.packs.pack import Pack, write_pack
from texpipe.recipe.load import load_recipe
from texpipe.recipe.targets import Target, context_of
from texpipe.texture import Source

Run = Callable[..., "subprocess.CompletedProcess[str]"]

PAGE = REPOSITORY / "docs" / "formats" / "third-party.md"
EXAMPLE = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)[1]
NAMES = ["demo_0000000A.png", "demo_0000000B.png", "wood.png"]


def install(folder: Path, code: str, announced: str = "demo = texpipe_demo:FORMAT") -> Path:
    """Put a package where pip would put it: the module, and what the installer noted of it."""
    noted = folder / "texpipe_demo-1.2.dist-info"
    noted.mkdir(parents=True)
    (folder / "texpipe_demo.py").write_text(code, "utf-8")
    (noted / "METADATA").write_text("Metadata-Version: 2.1\nName: texpipe-demo\nVersion: 1.2\n")
    (noted / "entry_points.txt").write_text(f"[texpipe.formats]\n{announced}\n")
    return folder


def forget() -> None:
    for found in (announced_formats, load_format, grammars):
        found.cache_clear()
    sys.modules.pop("texpipe_demo", None)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Install a package for this process, for the length of a test."""

    def call(*arguments: str) -> None:
        monkeypatch.syspath_prepend(str(install(tmp_path / "site", *arguments)))
        forget()

    yield call
    monkeypatch.undo()
    forget()


def write_inputs(folder: Path, targets: str = "{folder: , demo: {game: Zelda}}") -> Path:
    for seed, name in enumerate(NAMES):
        save_png(folder / "dump" / name, texture(seed))
    recipe = folder / "recipe.yaml"
    recipe.write_text(f"version: 1\nname: x\ninput: dump\noutput: out\ntargets: {targets}\n")
    return recipe


def test_an_installed_format_is_a_target_like_any_other(
    tmp_path: Path, tiny_model: Path, texpipe: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = install(tmp_path / "site", EXAMPLE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))
    done = texpipe("run", write_inputs(tmp_path), "--model", tiny_model)
    assert done.returncode == 0, done.stderr
    assert "Copy the folder inside demo/ into Example64's user folder." in done.stdout + done.stderr
    pack = tmp_path / "out" / "demo"
    assert sorted(path.relative_to(pack).as_posix() for path in pack.rglob("*.png")) == [
        "Zelda/hd/demo_0000000A.png",
        "Zelda/hd/demo_0000000B.png",
    ]
    assert texpipe("verify", tmp_path / "out").returncode == 0

    save_png(pack / "Zelda" / "hd" / NAMES[0], texture(1, (31, 32)))
    spoilt = texpipe("verify", tmp_path / "out")
    assert spoilt.returncode == 5
    assert "31 x 32: Example64 wants even sides" in spoilt.stdout + spoilt.stderr

    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    gone = texpipe("verify", tmp_path / "out")
    assert gone.returncode == 5
    assert (
        "its rules cannot be checked: no installed package has the target demo" in gone.stdout + gone.stderr
    )


def test_names_and_recipes_know_it(tmp_path: Path, installed: Callable[..., None]) -> None:
    installed(EXAMPLE)
    assert list(known_targets())[-1] == "demo"
    assert parse_name("a/demo_0000000A.png").as_json() == {
        "scheme": "demo",
        "game": None,
        "texels": None,
        "checksum": "0000000A",
    }
    recipe = write_inputs(tmp_path, "[demo]").read_text()
    (tmp_path / "recipe.yaml").write_text(recipe + "game: Some Game\n")
    assert load_recipe(tmp_path / "recipe.yaml", known_targets()).recipe.targets == (
        Target(name="demo", container="folder", game="Some Game"),
    )


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"container": "rtz"}, "demo cannot be written as rtz, only as folder"),
        ({"mipmaps": True}, "demo has no option mipmaps, only container, game"),
    ],
)
def test_it_has_the_options_that_every_format_can_have(
    installed: Callable[..., None], options: dict[str, object], reason: str
) -> None:
    installed(EXAMPLE)
    with pytest.raises(ValueError, match=reason):
        Target.model_validate({"name": "demo"} | options, context=context_of(known_targets()))


def test_it_declares_containers_options_and_how_games_are_called(installed: Callable[..., None]) -> None:
    declared = 'containers=("folder", "pk"), options=("game", "mipmaps"), games=GameNames("Z.*", "a Z word")'
    code = EXAMPLE.replace("parse=parse\n", f"parse=parse, {declared}\n")
    installed("from texpipe.formats.contract import GameNames\n" + code)
    known = context_of(known_targets())
    options = {"name": "demo", "container": "pk", "mipmaps": True, "game": "Zelda"}
    assert Target.model_validate(options, context=known).model_dump(exclude_none=True) == options
    with pytest.raises(ValueError, match="only as folder, pk"):
        Target.model_validate({"name": "demo", "container": "hts"}, context=known)
    with pytest.raises(ValueError, match="demo wants a Z word, not 'Mario'"):
        Target.model_validate({"name": "demo", "game": "Mario"}, context=known)


def test_it_may_write_one_file_for_each_game(tmp_path: Path, installed: Callable[..., None]) -> None:
    code = EXAMPLE.replace("parse=parse\n", "parse=parse, game_files=GameFiles(path, write)\n")
    functions = """
def path(texture):
    return PurePosixPath(texture.parts[0] + ".pk")

def write(file, pictures):
    file.parent.mkdir(parents=True)
    file.write_bytes(b"".join(one.read() for one in pictures))
"""
    code = code.replace("\nFORMAT =", f"{functions}\nFORMAT =")
    installed(code.replace("import PackFormat", "import GameFiles, PackFormat"))
    (output,) = write_one(tmp_path).outputs[NAMES[0]]
    assert output.path == "demo/Zelda.pk"
    assert (tmp_path / output.path).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import nothing_of_this_name", "it cannot be imported: ModuleNotFoundError"),
        ("1 / 0", "it cannot be imported: ZeroDivisionError"),
        ("", "it cannot be imported: AttributeError"),
        ("FORMAT = 'a text'", "texpipe_demo:FORMAT is a str, not a PackFormat"),
        (EXAMPLE.replace('"demo", "Copy', '"other", "Copy'), "it calls itself 'other'"),
    ],
)
def test_a_broken_package_is_named(
    installed: Callable[..., None], caplog: pytest.LogCaptureFixture, code: str, reason: str
) -> None:
    installed(code)
    with pytest.raises(PackError, match=reason) as caught:
        format_of("demo")
    assert "of the package texpipe-demo 1.2 is broken" in caught.value.message
    assert parse_name("GAME#0000ABCD#0#2_all.png") is not None, "other formats go on working"
    assert parse_name("demo_0000000A.png") is None
    assert "texpipe-demo 1.2" in caplog.text


def write_one(folder: Path) -> Pack:
    name = "demo_0000000A.png"
    pictures = [finished(Source(name, Path(name), parse_name(name)), texture(1), 1)]
    return write_pack(Target(name="demo", game="Zelda"), pictures, folder)


@pytest.mark.parametrize(
    ("sound", "failing", "part"),
    [
        ("    name = source.emulator\n", "    name = source.nothing\n", "output_path"),
        ("    found = size_problems(source_size, output_size, scale)\n", "    found = 1 / 0\n", "problems"),
        ("    match = NAME.fullmatch(PurePosixPath(name).name)\n", "    match = NAME[0]\n", "parse"),
        ("parse=parse\n", "parse=parse, render=lambda *_: (1 / 0 for _ in '.')\n", "render"),
        (
            "parse=parse\n",
            "parse=parse, game_files=__import__('texpipe').formats.contract.GameFiles(lambda path: 1 / 0, print)\n",
            "path of game_files",
        ),
        ("parse=parse\n", "parse=parse, with_options=lambda target: target.nothing\n", "with_options"),
    ],
)
def test_a_package_whose_functions_fail_is_named(
    tmp_path: Path, installed: Callable[..., None], sound: str, failing: str, part: str
) -> None:
    assert sound in EXAMPLE
    installed(EXAMPLE.replace(sound, failing))
    with pytest.raises(PackError, match=f"package texpipe-demo 1.2 is broken: its {part} fails"):
        write_one(tmp_path)


@pytest.mark.parametrize("path", ["../demo_{}.png", "{}/../../demo.png", "/tmp/{}/demo.png"])
def test_nothing_is_written_outside_of_the_pack(
    tmp_path: Path, installed: Callable[..., None], path: str
) -> None:
    known = 'PurePosixPath(name.game, "hd", f"demo_{dict(name.fields)[\'checksum\']}.png")'
    assert known in EXAMPLE
    rules = EXAMPLE.replace(known, f"PurePosixPath({path.format(tmp_path.name)!r})")
    installed(rules.replace("    return found\n", "    return []\n"))
    assert write_one(tmp_path / "out").outputs == {}
    assert not (tmp_path / "out").exists()


def test_names_that_could_be_paths_are_refused(installed: Callable[..., None]) -> None:
    installed(EXAMPLE.replace('"demo", "Copy', '"../x", "Copy'), "../x = texpipe_demo:FORMAT")
    with pytest.raises(PackError, match=r"both names must be one of a-z"):
        format_of("../x")


def test_texpipes_own_names_cannot_be_taken_over(installed: Callable[..., None]) -> None:
    installed(EXAMPLE.replace('"demo", "Copy', '"folder", "Copy'), "folder = texpipe_demo:FORMAT")
    assert format_of("folder") is TARGETS["folder"]
    assert list(known_targets()).count("folder") == 1


def test_a_run_stops_before_anything_is_computed(
    tmp_path: Path, texpipe: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = install(tmp_path / "site", "1 / 0")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))
    done = texpipe("run", write_inputs(tmp_path, "[demo]"), "--dry-run")
    assert done.returncode == 5
    assert "the target demo of the package texpipe-demo 1.2 is broken" in done.stderr
    assert not (tmp_path / "out").exists()


def test_help_looks_for_no_packages() -> None:
    code = "import sys; from texpipe.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "assert not {'texpipe.formats', 'texpipe.formats.plugins', 'torch'} & set(sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
