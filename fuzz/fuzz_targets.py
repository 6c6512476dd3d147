"""All parsers of untrusted files, with small valid files to start from: one list for fuzzing, benchmark and tests.

A reader may accept a file or refuse it with one of texpipe's errors; any other exception is a finding.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any, TypeAlias, cast

import sound_files as files
import sound_folders as folders

from texpipe.analysis.cache import AnalysisCache
from texpipe.cli.console import Console
from texpipe.cli.models import page_of
from texpipe.errors import PackError, SourceError, TexpipeError
from texpipe.execution.shards import require_all_done
from texpipe.formats import known_targets, parse_name, rt64
from texpipe.formats.duckstation_config import read_config, settings_of_dumps
from texpipe.formats.ppsspp_list import read_list
from texpipe.formats.rt64_hashes import read_hashes
from texpipe.imaging.image_files import decode_made
from texpipe.manifest.file import read_manifest
from texpipe.manifest.output_folder import has_manifest
from texpipe.networks.catalogue import resolve
from texpipe.networks.checkpoint import load
from texpipe.output.credits import write_credits
from texpipe.output.known_sizes import KnownSizes
from texpipe.packs.journal import noted
from texpipe.packs.verify import verify_pack
from texpipe.probe.numbers import read_numbers
from texpipe.read.decode import decode
from texpipe.read.scan import scan
from texpipe.recipe.ctt import read_ctt
from texpipe.recipe.load import load_recipe
from texpipe.report.finished_pack import can_show, result_of, shown_output
from texpipe.report.pictures import PictureFolder
from texpipe.report.sources import dump_of
from texpipe.storage.layout import OutputLayout
from texpipe.storage.results import ResultStore
from texpipe.storage.small_files import read_json
from texpipe.studio.draft import Draft
from texpipe.studio.reviews import Reviews
from texpipe.train import generators
from texpipe.train.data.files import picture_files, sources
from texpipe.train.loop.checkpoints import load_state
from texpipe.train.losses.weights import from_file
from texpipe.train.presets import load_preset
from texpipe.upkeep.any_pack import CONTAINERS, open_pack
from texpipe.upkeep.completed import read_record
from texpipe.upkeep.layers import merge_layers
from texpipe.upkeep.layers_recipe import is_layers_recipe, read_layers_recipe
from texpipe.upkeep.lists import LISTS
from texpipe.upkeep.patch import apply_patch, make_patch
from texpipe.upkeep.style import known_style

Read: TypeAlias = Callable[[Path], object]
Seeds: TypeAlias = Callable[[], tuple[bytes, ...]]


_NUMBERS = b'{"schema": "texpipe.probe/1", "textures": ["a.png", "b/c.png"]}'
_REVIEWS = b"a.png: {mark: reject, note: 'too soft'}\n'b#1.png': {mark: flag}\n"
_DRAFT = b"version: 1\nname: r\ninput: dump\noutput: out\nmodel: m\ntargets: [folder]\n"
_KEPT = json.dumps({"base": _DRAFT.decode(), "text": _DRAFT.decode() + "scale: 2\n"}).encode()


@dataclass(frozen=True, eq=False)
class Target:
    """A parser.

    Attributes:
        name: name of the target, and of its folder in `fuzz/corpus`.
        file: path to give a file, for what the parser makes of its suffix and its place.
        read: what is tried.
        seeds: makes sound files.
        beside: other files that the parser wants there, by name.
        mend: applied to every file: makes checksums fit again, so that damage gets behind them.
        makes: patterns of the files that the parser writes, below the folder.
    """

    name: str
    file: str
    read: Read
    seeds: Seeds
    beside: Mapping[str, bytes] = field(default_factory=dict)
    mend: Callable[[bytes], bytes] = bytes
    makes: tuple[str, ...] = ()

    def outcome(self, data: bytes, folder: Path) -> str:
        """Read a file with these bytes, put into a folder: `read`, or `refused` by an error of texpipe's.

        Raises:
            Exception: whatever else comes out of the parser.
        """
        for name, content in {**self.beside, self.file: self.mend(data)}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        try:
            self.read(folder / self.file)
        except TexpipeError:
            return "refused"
        return "read"


# ---- readers


def _textures(path: Path) -> None:
    """Read whatever textures a file holds, as a run does."""
    found = scan(path)
    for source in found.sources:
        decode(source)
    if found.unusable:
        raise SourceError(found.unusable[0][1])


def _made(path: Path) -> None:
    """Read a PNG as one that texpipe made, in a pack or in its store."""
    decode_made(path.read_bytes(), name=path.name)


def _settings(path: Path) -> object:
    return settings_of_dumps([path.parent / "dumps" / "a.png"])


def _tile(path: Path) -> None:
    _textures(path.with_name(files.TMEM))


def _recipe(path: Path) -> object:
    return load_recipe(path, known_targets())


def _reviews(path: Path) -> None:
    """Read reviews, and change them all."""
    reviews = Reviews(path.with_name("r.yaml"))
    names = [*reviews.all(), "new.png"]
    reviews.put(names, "flag", "looked at")


def _kept(path: Path) -> object:
    return Draft.open(path.with_name("r.yaml"))


def _json(path: Path) -> object:
    return read_json(path, 1 << 26)


def _rtz(path: Path) -> None:
    problems = rt64.check(path.parent, [PurePosixPath(path.name)])
    if problems:
        raise PackError(problems[0])


def _names(path: Path) -> None:
    for line in path.read_text("utf-8", "replace").split("\n"):
        parse_name(line)


def _trusted(path: Path) -> object:
    return load(path, trust=True)


def _pack(path: Path, depth: int) -> None:
    """Check a pack and look at its results, as `verify`, `report` and the next run do."""
    output = path.parents[depth]
    manifest = read_manifest(output / "manifest.json")
    pictures = PictureFolder(output / "report" / "pictures", output, "the dump is not looked at")
    for entry in manifest.textures:
        written = shown_output(entry)
        if written is not None and can_show(written):
            pictures.after(entry)
            result_of(entry, output)
    if problems := verify_pack(output).problems:
        raise PackError(problems[0])


def _any_pack(path: Path) -> None:
    """Read whatever files and textures a pack of strangers holds."""
    pack = open_pack(path if path.suffix in CONTAINERS else path.parent)
    for one in pack.entries:
        one.digest()
        if one.pixels is not None:
            one.pixels()
    if pack.problems:
        raise PackError(pack.problems[0])


def _credits(path: Path) -> object:
    """Write credits where there are some."""
    return write_credits(path.parent, read_manifest(path.with_name("manifest.json")), lambda name: None)


def _record(path: Path) -> object:
    """Read what was put into a pack."""
    return read_record(path.parent)


def _verdict(path: Path) -> object:
    """Read what became of learning a pack's style."""
    return known_style(path.parent)


def _update(path: Path) -> object:
    """Apply an update archive to the pack beside it."""
    return apply_patch(path, path.parent / "pack")


def _update_of_cache(path: Path) -> object:
    """Make an update archive of a cache file and the one beside it."""
    return make_patch(path.parent / "new" / path.name, path, path.parent / "p.texpatch")


def _layers_recipe(path: Path) -> object:
    return is_layers_recipe(path) and read_layers_recipe(path)


def _joined(path: Path) -> object:
    """Join a list of names with itself, as two layers."""
    data = path.read_bytes()
    return LISTS[path.name]([("a", data), ("b", data)], lambda _, __: None)


def _merged_before(path: Path) -> object:
    """Replace an earlier merge."""
    return merge_layers([path.parents[1] / "a", path.parents[1] / "b"], path.parent)


def _sizes(path: Path) -> object:
    return KnownSizes(OutputLayout(path.parents[1]), "0")


def _journal(path: Path) -> object:
    return noted(path.parents[1])


def _analysis(path: Path) -> object:
    return AnalysisCache(path).recall(folders.KEY)


def _stored(path: Path) -> None:
    store = ResultStore(path.parents[1])
    if store.record(folders.KEY) is None or store.get(folders.KEY) is None:
        raise PackError("it counts as missing")


def _shard_note(path: Path) -> None:
    output = path.parents[2]
    order = SimpleNamespace(recipe_sha256=folders.SHA, recipe=SimpleNamespace(detail=None), output=output)
    run = SimpleNamespace(
        layout=OutputLayout(output), order=order, models=SimpleNamespace(weights=lambda: ("w",)), engine="cpu"
    )
    require_all_done(cast(Any, run))


def _card(path: Path) -> object:
    return resolve(str(path.with_suffix(".safetensors")))


def _training(path: Path) -> None:
    for found in picture_files(path if path.suffix == ".tar" else path.parent):
        found.read()
    if path.suffix == ".tar":
        sources(path)


_SHARD_NOTE = b'["' + folders.SHA.encode() + b'","w",null,"cpu"]'


def _in_pack(name: str, path: str, of: Callable[[], folders.Files]) -> Target:
    """Return the target of one file of a pack."""
    others = {other: data for other, data in of().items() if other != path}
    return Target(name, path, partial(_pack, depth=path.count("/")), lambda: (of()[path],), beside=others)


def _picture(suffix: str, kind: str, seeds: Seeds) -> Target:
    return Target(kind, f"a.{suffix}", _textures, seeds)


DUMPS = (
    _picture("png", "png", files.pngs),
    Target("png-body", "a.png", _textures, files.pngs, mend=files.with_checksums),
    _picture("tga", "tga", files.tgas),
    _picture("bmp", "bmp", files.bmps),
    _picture("dds", "dds", files.ddss),
    _picture("jpg", "jpeg", files.jpegs),
    _picture("jpeg", "jpeg-by-another-name", files.jpegs),
    _picture("webp", "webp", files.webps),
    _picture("tim", "tim", files.tims),
    Target("made-png", "a.png", _made, files.pngs, mend=files.with_checksums),
    Target("tmem", files.TMEM, _textures, files.memories, beside={files.TILE: files.tiles()[0]}),
    Target("studio-reviews", "r.review.yaml", _reviews, lambda: (_REVIEWS,)),
    Target("studio-draft", "r.yaml", Draft.open, lambda: (_DRAFT,)),
    Target("studio-kept", ".r.yaml.draft", _kept, lambda: (_KEPT,), beside={"r.yaml": _DRAFT}),
    Target("hts", "PACK.hts", _textures, files.htss),
    Target("htc", "PACK.htc", _textures, files.htcs),
    Target("o2r", "a.o2r", _textures, files.o2rs),
    Target("resources", "manifest.json", lambda path: _textures(path.parent), folders.resources),
    Target("duckstation-config", "config.yaml", read_config, files.configs),
    Target("duckstation-settings", "SLUS-00067/config.yaml", _settings, files.configs),
    Target("ppsspp-list", "textures.ini", read_list, files.lists),
    Target("names", "names.txt", _names, files.name_lists),
)
"""What an emulator's dump has in it."""
PACKS = (
    Target("manifest", "manifest.json", read_manifest, files.manifests),
    _in_pack("pack-manifest", "manifest.json", folders.folder_pack),
    _in_pack("pack-png", "folder/a.png", folders.folder_pack),
    _in_pack("pack-hts", "gliden64/G_HIRESTEXTURES.hts", partial(folders.cache_pack, ".hts")),
    _in_pack("pack-htc", "gliden64/G_HIRESTEXTURES.htc", partial(folders.cache_pack, ".htc")),
    _in_pack("pack-o2r", "soh/a.o2r", folders.soh_pack),
    _in_pack("pack-rtz", "rt64/textures.rtz", folders.rtz_pack),
    _in_pack("pack-dds", f"rt64/textures/{files.HASH}.dds", folders.rt64_pack),
    _in_pack("pack-rt64-list", "rt64/rt64.json", folders.rt64_pack),
    _in_pack("pack-ppsspp-list", "ppsspp/ULUS10000/textures.ini", folders.ppsspp_pack),
    _in_pack("pack-duckstation-config", "duckstation/SLUS-00067/config.yaml", folders.duckstation_pack),
    Target("rtz", "a.rtz", _rtz, files.rtzs),
    Target("any-hts", "PACK.hts", _any_pack, files.htss),
    Target("any-o2r", "a.o2r", _any_pack, lambda: (folders.soh_pack()["soh/a.o2r"],)),
    Target("any-rtz", "a.rtz", _any_pack, files.rtzs),
    Target("any-rt64-list", "rt64.json", _any_pack, files.jsons),
    Target("any-ppsspp-list", "textures.ini", _any_pack, files.lists),
    Target("any-duckstation-config", "config.yaml", _any_pack, files.configs),
    Target(
        "update",
        "a.texpatch",
        _update,
        folders.updates,
        beside={"pack/a.png": b"old", "pack/b.png": b"gone"},
        makes=("pack/**/*",),
    ),
    Target(
        "update-of-cache",
        "a.hts",
        _update_of_cache,
        files.htss,
        beside={"new/a.hts": files.htss()[0][:-1] + b"~"},
        makes=("p.texpatch",),
    ),
    Target(
        "credits",
        "credits.json",
        _credits,
        folders.summaries,
        beside={"manifest.json": files.manifests()[0]},
        makes=("CREDITS.md",),
    ),
    Target("completed", "completed.json", _record, folders.records),
    Target("style-verdict", "verdict.json", _verdict, folders.verdicts),
    Target("layers-recipe", "layers.yaml", _layers_recipe, folders.layers_recipes),
    Target("layers-rt64-list", "rt64.json", _joined, files.jsons),
    Target("layers-ppsspp-list", "textures.ini", _joined, files.lists),
    Target("layers-duckstation-config", "config.yaml", _joined, files.configs),
    Target(
        "layers-manifest",
        "out/manifest.json",
        _merged_before,
        folders.layers_manifests,
        beside={"a/a.png": b"a", "b/b.png": b"b"},
        makes=("out/**/*",),
    ),
    Target("sizes", "out/.store/sizes", _sizes, lambda: (json.dumps({"0" * 32: 7, "f" * 32: 0}).encode(),)),
    Target("rt64-json", "rt64.json", read_hashes, files.jsons),
    Target(
        "run-info",
        "run.json",
        lambda path: dump_of(path.parent, {"a.png"}),
        lambda: (b'{"input": ".", "stp": "semi"}',),
    ),
    Target("foreign-manifest", "manifest.json", has_manifest, files.manifests),
    Target("journal", ".store/written", _journal, folders.journals),
    Target("analysis", ".store/analysis", _analysis, folders.analyses, mend=folders.with_digest),
    Target(
        "sidecar",
        f".store/01/{folders.KEY}.json",
        _stored,
        folders.sidecars,
        mend=folders.with_check,
        beside={f".store/01/{folders.KEY}.png": files.pngs()[0]},
    ),
    Target(
        "stored-png",
        f".store/01/{folders.KEY}.png",
        _stored,
        lambda: files.pngs()[:1],
        beside={f".store/01/{folders.KEY}.json": folders.sidecars()[0]},
    ),
    Target("probe-numbers", "probe.json", lambda path: read_numbers(path.parent), lambda: (_NUMBERS,)),
    Target("shard-note", ".store/shards/1-of-1", _shard_note, lambda: (_SHARD_NOTE,)),
)
"""What an output folder has in it: packs, their manifest and the store."""
RECIPES = (
    Target("recipe", "a.yaml", _recipe, files.recipes),
    Target("ctt", "a.ctt", read_ctt, files.ctts),
    Target("json", "a.json", _json, files.jsons),
    Target("preset", "a.yaml", load_preset, folders.presets),
)
"""What people write."""
MODELS = (
    Target("safetensors", "a.safetensors", load, files.safetensors),
    Target("pickle", "a.pth", load, files.pickles),
    Target("trusted-pickle", "a.pth", _trusted, files.pickles),
    Target("ncnn-param", "a.param", load, folders.params, beside={"a.bin": folders.bins()[0]}),
    Target("ncnn-bin", "a.bin", load, folders.bins, beside={"a.param": folders.params()[0]}),
    Target("model-header", "a.safetensors", lambda path: resolve(str(path)), files.safetensors),
    Target("card", "a.json", _card, folders.cards, beside={"a.safetensors": folders.model()}),
    Target("model-page", "a.md", lambda path: page_of(path, Console(quiet=True)), folders.pages),
    Target("srresnet", "a.safetensors", lambda path: generators.load(str(path)), folders.srresnets),
)
"""Models and what lies beside them."""
TRAININGS = (
    Target("training-shard", "a.tar", _training, folders.shards),
    Target("training-photo", "a.jpg", _training, files.jpegs, beside={"a.a.png": files.pngs()[0]}),
    Target("training-alpha", "a.a.png", _training, files.pngs, beside={"a.jpg": files.jpegs()[0]}),
    Target("checkpoint", "state.pt", lambda path: load_state(path.parent), folders.states),
    Target("trunk", "a.pth", lambda path: from_file(path, "alexnet"), folders.trunks),
)
"""What a training reads."""
TARGETS = (*DUMPS, *PACKS, *RECIPES, *MODELS, *TRAININGS)
"""All targets; a parser that is not listed is not fuzzed."""


@cache
def seeds_of(target: Target) -> tuple[bytes, ...]:
    """Return the sound files of a target, and those in its corpus that once were findings."""
    corpus = Path(__file__).parent / "corpus" / target.name
    return (*target.seeds(), *(path.read_bytes() for path in sorted(corpus.glob("*"))))
