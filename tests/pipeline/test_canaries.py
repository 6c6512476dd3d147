"""Path attacks as a property: whatever a stranger's pack or recipe says, nobody else's file is touched or shown."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from canaries import CODES, Attack, World, attacks, copied, finished_world, recipes, write_recipe
from hypothesis import HealthCheck, Phase, example, given, settings
from pages import REPOSITORY

sys.path.append(str(REPOSITORY / "fuzz"))
Audit = importlib.import_module("audit").Audit

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need a permission there")

EXAMPLES = int(os.environ.get("TEXPIPE_TEST_ATTACKS", "6"))
"""Attacks of each kind, beside the written examples; TEXPIPE_TEST_ATTACKS sets another number."""
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],  # an attack is eight commands: too slow to be made smaller
)
SECRET: list[str] = []
"""The real path of the folder that must not be touched at present."""
AUDIT = Audit(lambda path: bool(SECRET) and (path == SECRET[0] or path.startswith(f"{SECRET[0]}/")))
NOTHING = Attack({}, (), False, ("folder",), (), (), ())


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> World:
    return finished_world(tmp_path_factory.mktemp("world") / "sound", tiny_model)


@pytest.fixture
def attacked(sound: World):
    """Makes a copy of the sound world for each attack, and takes it away."""
    made: list[Path] = []

    def make() -> World:
        for folder in made:
            shutil.rmtree(folder.parent, ignore_errors=True)
        made[:] = [Path(tempfile.mkdtemp(dir=sound.root.parent)) / "world"]
        world = copied(sound, made[0])
        SECRET[:] = [os.path.realpath(world.secret)]
        return world

    yield make
    SECRET.clear()


def require_untouched(world: World, code: int, *, may_read: bool = False) -> None:
    assert code in CODES
    assert may_read or not AUDIT.elsewhere
    assert world.state() == world.before
    assert world.leaks() == []


@given(attack=attacks())
@example(attack=NOTHING)
@example(
    attack=Attack(
        {"folder/a.png": "secret/key.png"}, (("folder/a.png", "folder"),), True, ("folder",), (), (), ()
    )
)
@example(attack=Attack({"folder": "secret"}, (("folder/key.png", "folder"),), True, ("folder",), (), (), ()))
@example(attack=Attack({".store/written": "secret/notes.txt"}, (), False, ("folder",), (), (), ()))
@example(attack=Attack({"report": "secret"}, (), False, ("folder",), (), (), ()))
@example(attack=Attack({}, (("WORLD/secret/key.png", "folder"),), True, ("WORLD/secret",), (), (), ()))
@SETTINGS
def test_no_pack_of_a_stranger_touches_anything_else(attacked, attack: Attack) -> None:
    world = attacked()
    attack.strike(world)
    for words in (
        ("verify", world.pack),
        ("inspect", world.pack, "--json"),
        ("report", world.pack),
        ("report", world.pack, "--sheet", world.root / "sheet.png"),
        ("run", world.root / "recipe.yaml"),
        ("run", world.root / "recipe.yaml", "--remove", "--replace-edited", "all", "--shard", "1/1"),
        ("merge", world.root / "recipe.yaml", "--remove", "--replace-edited", "all"),
        ("verify", world.pack),
    ):
        with AUDIT:
            code = world.call(*words)
        require_untouched(world, code)


@given(keys=recipes())
@example(keys={"output": "secret"})
@example(keys={"output": "pack", "game": "../../secret/key", "targets": ["soh"]})
@SETTINGS
def test_no_recipe_of_a_stranger_changes_anything_else(attacked, keys: dict[str, object]) -> None:
    world = attacked()
    write_recipe(world, **keys)
    recipe = world.root / "recipe.yaml"
    recipe.write_text(recipe.read_text("utf-8").replace("WORLD", str(world.root)), "utf-8")
    for words in (("run", recipe), ("inspect", world.root / "dump", "--recipe", recipe, "--json")):
        with AUDIT:
            code = world.call(*words)
        require_untouched(world, code, may_read=True)


def test_the_dump_that_a_pack_names_is_read_by_name_and_digest_alone(attacked) -> None:
    """A stranger's run.json may name any folder: what the manifest does not name there is not opened, nothing shown."""
    world = attacked()
    (world.pack / "run.json").write_text(f'{{"input": "{world.secret}"}}')
    shutil.rmtree(world.pack / "report")
    with AUDIT:
        assert world.call("report", world.pack) == 0
    opened = {line.rpartition("/")[2].strip("'\")") for line in AUDIT.elsewhere if line.startswith("open")}
    assert opened <= {"a.png", "c.png", "manifest.json", "textures.ini", "config.yaml"}
    assert world.state() == world.before
    assert world.leaks() == []


def test_a_leak_is_seen(attacked) -> None:
    world = attacked()
    shutil.copy(world.secret / "key.png", world.pack / "folder" / "x.png")
    assert world.leaks() == [str(world.pack / "folder" / "x.png")]
    with AUDIT:
        (world.secret / "key.png").read_bytes()
    assert AUDIT.elsewhere
    os.link(world.secret / "key.png", world.root / "hard")
    assert world.state() != world.before
