"""A pack, its dump and its recipe as a stranger could send them, beside files that are nobody else's business."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from packs import noise

from texpipe.cli import texpipe
from texpipe.cli.console import exit_code_of
from texpipe.imaging.image_files import decode, encode_png

PARTS = (
    "..", ".", "", "folder", "link", "secret", "key.png", "a.png", "\u202egnp", "C:", "con", "NUL.png", "a\\b",
    "..\\secret", "e\u0301.png", "a\n.png", "\udcff.png", "~", "$HOME", "x" * 300, "pack", "report", ".store",
    ".backup", "manifest.json",
)  # fmt: skip
"""Of which paths are made."""
LINKS = (
    "folder", "folder/link", "folder/a.png", "folder/sub", "report", "report/pictures", "report/index.html", ".store",
    ".store/ab", ".store/written", ".store/analysis", ".store/shards", ".backup", "manifest.json", "run.json", ".lock",
    "gliden64",
)  # fmt: skip
"""Places of an output folder where a link can lie."""
CODES = {0, 2, 3, 4, 5, 7}
"""Exit codes of commands that ended as they should, whatever they thought of the files."""


@dataclass
class World:
    """A folder with `dump`, `pack`, `recipe.yaml` and `secret`; nothing in the last may be touched.

    Attributes:
        root: the folder.
        before: what is in `secret`, as `state` sees it.
    """

    root: Path
    before: object = field(default=None)

    @property
    def secret(self) -> Path:
        """The folder that is nobody's business."""
        return self.root / "secret"

    @property
    def pack(self) -> Path:
        """The output folder."""
        return self.root / "pack"

    def state(self) -> object:
        """Return names, bytes, times and numbers of links of all that is in `secret`."""
        return sorted(
            (str(path), path.read_bytes() if path.is_file() else b"", *_facts(path.lstat()))
            for path in (self.secret, *self.secret.rglob("*"))
        )

    def leaks(self) -> list[str]:
        """Return the files outside of `secret` with its bytes or pixels."""
        (key,) = (decode((self.secret / "key.png").read_bytes(), name="key.png")[0],)
        found = []
        for above, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if Path(above, name) != self.secret]
            for path in (Path(above, name) for name in names):
                if path.is_symlink() or not path.is_file():
                    continue
                data = path.read_bytes()
                if b"hunter2" in data or (path.suffix == ".png" and _shows(data, key)):
                    found.append(str(path))
        return found

    def call(self, *words: object) -> int:
        """Run a command line in this process."""
        return exit_code_of(texpipe, ["-q", *map(str, words)])


def _facts(stat: os.stat_result) -> tuple[int, ...]:
    return stat.st_mtime_ns, stat.st_ino, stat.st_nlink, stat.st_mode


def _shows(data: bytes, key: np.ndarray) -> bool:
    try:
        shown = decode(data, name="a.png")[0]
    except Exception:  # no picture
        return False
    side, wide = key.shape[:2]
    return any(
        shown[:: shown.shape[0] // side, :: shown.shape[1] // wide].shape == key.shape
        and (shown[:: shown.shape[0] // side, :: shown.shape[1] // wide, :3] == key[..., :3]).all()
        for _ in range(shown.shape[0] >= side and shown.shape[1] >= wide)
    )


def finished_world(folder: Path, model: Path) -> World:
    """Make the world with a finished pack; `copied` makes others of it."""
    world = World(folder)
    (folder / "dump" / "sub").mkdir(parents=True)
    for number, name in enumerate(("a.png", "b.png", "sub/c.png")):
        (folder / "dump" / name).write_bytes(encode_png(noise((8, 8), number)))
    (world.secret / "sub").mkdir(parents=True)
    (world.secret / "key.png").write_bytes(encode_png(noise((8, 8), 99)))
    (world.secret / "a.png").write_bytes(encode_png(noise((8, 8), 98)))
    (world.secret / "notes.txt").write_text("password=hunter2\n")
    (world.secret / "sub" / "c.png").write_text("password=hunter2\n")
    write_recipe(world, model=str(model))
    assert world.call("run", folder / "recipe.yaml") == 0
    assert world.call("report", world.pack) == 0
    return world


def copied(world: World, folder: Path) -> World:
    """Return a copy of a world whose links and hard links are its own."""
    shutil.copytree(world.root, folder, symlinks=True)
    made = World(folder)
    made.before = made.state()
    return made


def write_recipe(world: World, **keys: object) -> None:
    """Write a recipe that repeats texels; `keys` replace what it says."""
    said = {
        "version": 1,
        "name": "r",
        "game": "G",
        "input": "dump",
        "output": "pack",
        "targets": ["folder"],
        "scale": 2,
    }
    said |= {"rules": [{"match": {}, "action": "nearest"}], **keys}
    (world.root / "recipe.yaml").write_text(json.dumps(said), "utf-8", "surrogateescape")


@st.composite
def paths(draw: st.DrawFn, world: str = "") -> str:
    """A path below an output folder that may lead anywhere; `WORLD` at its start stands for the world's folder."""
    parts = draw(st.lists(st.sampled_from(PARTS), min_size=1, max_size=5))
    ready = (
        "../secret/key.png",
        "folder/../../secret/key.png",
        "WORLD/secret/key.png",
        "folder/link/key.png",
        "folder/a.png",
    )
    return draw(st.sampled_from(("/".join(parts), "folder/" + "/".join(parts), draw(st.sampled_from(ready)))))


@dataclass(frozen=True)
class Attack:
    """What a stranger did to a finished pack.

    Attributes:
        links: place in the pack -> what a link there leads to, below the world's folder.
        outputs: paths that the manifest names instead of its own, in turn, with the target of each.
        knows: the stranger knows the digest of the secret file.
        targets: what the manifest lists.
        sources: names of textures in the manifest, in turn.
        noted: paths in the journal.
        index: more files that the manifest names.
    """

    links: dict[str, str]
    outputs: tuple[tuple[str, str], ...]
    knows: bool
    targets: tuple[str, ...]
    sources: tuple[str, ...]
    noted: tuple[str, ...]
    index: tuple[str, ...]

    def strike(self, world: World) -> None:
        """Change the pack."""
        known = hashlib.sha256((world.secret / "key.png").read_bytes()).hexdigest()
        file = world.pack / "manifest.json"
        manifest = json.loads(file.read_text("utf-8"))
        real = lambda path: path.replace("WORLD", str(world.root))  # noqa: E731
        for entry, (path, target) in zip(manifest["textures"], self.outputs, strict=False):
            sha256 = known if self.knows else "0" * 64
            entry["outputs"] = [{"target": target, "path": real(path), "sha256": sha256, "size": [8, 8]}]
            entry["alpha"] = "opaque"
        for entry, source in zip(manifest["textures"], self.sources, strict=False):
            entry["source"] = real(source)
        manifest["targets"] = [real(target) for target in self.targets]
        manifest["files"] = [{"target": "folder", "path": real(path), "sha256": known} for path in self.index]
        file.write_text(json.dumps(manifest), "utf-8")
        with (world.pack / ".store" / "written").open("ab") as notes:
            for path in self.noted:
                notes.write(f"{known} {json.dumps(real(path))}\n".encode())
        for place, aim in self.links.items():
            _link(world.pack / place, world.root / aim)


def _link(place: Path, aim: Path) -> None:
    """Put a link in place of what is there."""
    if any(above.is_symlink() for above in place.parents):
        return
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(aim)


def attacks() -> st.SearchStrategy[Attack]:
    """Attacks on a finished pack."""
    aims = st.sampled_from(
        ("secret", "secret/key.png", "secret/sub", "secret/notes.txt", "secret/new", "pack", "dump")
    )
    target = st.sampled_from(
        ("folder", "gliden64", "soh", "..", "WORLD/secret", "/", "", "folder/..", "../secret")
    )
    return st.builds(
        Attack,
        links=st.dictionaries(st.sampled_from(LINKS), aims, max_size=2),
        outputs=st.lists(st.tuples(paths(), st.one_of(st.just("folder"), target)), max_size=3).map(tuple),
        knows=st.booleans(),
        targets=st.lists(target, min_size=1, max_size=3).map(tuple),
        sources=st.lists(paths(), max_size=2, unique=True).map(tuple),
        noted=st.lists(paths(), max_size=3).map(tuple),
        index=st.lists(paths(), max_size=2).map(tuple),
    )


def recipes() -> st.SearchStrategy[dict[str, object]]:
    """Keys of recipes that lead elsewhere; `input` stays, because a recipe may say what is read."""
    output = st.sampled_from(
        (
            "secret",
            "../secret",
            "WORLD/secret",
            ".",
            "..",
            "dump",
            "dump/sub",
            "pack/link",
            "pack",
            "secret/sub",
            "~/x",
            "",
        )
    )
    odd = st.one_of(paths(), st.sampled_from(("../../secret", "/", "a\x1b[2J", "x" * 300)))
    names = st.sampled_from(("folder", "gliden64", "../secret", "/", "soh", "WORLD/secret", "rt64", "ppsspp"))
    return st.fixed_dictionaries(
        {"output": output},
        optional={
            "targets": st.lists(names, min_size=1, max_size=3),
            "game": odd,
            "name": odd,
            "groups": st.lists(odd, max_size=2),
            "model": odd,
        },
    )
