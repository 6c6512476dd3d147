"""Layers: several packs become one. Later layers win, a choice can say otherwise, and every conflict is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from texpipe.errors import PackError, UsageError
from texpipe.formats import gliden64
from texpipe.formats.archive import zip_writer
from texpipe.formats.gliden64_cache import write_htc, write_hts
from texpipe.formats.portable_names import file_digest, folded
from texpipe.manifest.layers import NAMES, read_layers_manifest
from texpipe.manifest.schema import LAYERS_SCHEMA
from texpipe.manifest.schema import SCHEMA as MANIFEST_SCHEMA
from texpipe.output.credits import PAGE, SUMMARY
from texpipe.output.credits import SCHEMA as CREDITS_SCHEMA
from texpipe.progress import Progress
from texpipe.storage.links import leads_out
from texpipe.storage.whole_folder import whole_folder
from texpipe.upkeep.any_pack import CACHES, AnyPack, PackEntry, PackTexture, open_pack
from texpipe.upkeep.completed import RECORD
from texpipe.upkeep.completed import SCHEMA as COMPLETED_SCHEMA
from texpipe.upkeep.keys import key_of
from texpipe.upkeep.layers_manifest import Origins
from texpipe.upkeep.lists import LISTS, Conflicting

Choices: TypeAlias = Sequence[tuple[str, str]]
"""Pattern of names, and the layer to take them from; the first that fits decides."""
Step: TypeAlias = Callable[[Progress], None]

_HEAD_BYTES = 1 << 16
_OF_ONE_PACK: Mapping[str, tuple[bytes, ...]] = {
    NAMES[0]: (MANIFEST_SCHEMA.encode(), LAYERS_SCHEMA.encode()),
    NAMES[1]: (LAYERS_SCHEMA.encode(),),
    SUMMARY: (CREDITS_SCHEMA.encode(),),
    PAGE: (b"Made with texpipe",),
    RECORD: (COMPLETED_SCHEMA.encode(),),
}
"""Files that runs and merges write beside packs, and what stands in them."""
_LEFT_BY_SYSTEMS = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
"""Names of files in a merged pack that nobody minds to lose."""


@dataclass(frozen=True)
class Conflict:
    """A file, or an entry of a list, that layers have in different forms.

    Attributes:
        name: of the file that was taken; of an entry of a list, the list's name, `: ` and the entry's.
        taken: the layer whose form was taken.
        others: the other layers that have another form, in order.
        chosen: a choice decided, not the order.
        entries: the file in the layer that was taken, and in the last of the others; for pages that show them.
    """

    name: str
    taken: str
    others: tuple[str, ...]
    chosen: bool
    entries: tuple[PackEntry | None, PackEntry | None] = field(default=(None, None), repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {"name": self.name, "taken": self.taken, "others": self.others, "chosen": self.chosen}


@dataclass(frozen=True)
class Merged:
    """What a merge of layers did: number of files by layer, conflicts, choices that fitted nothing, and problems."""

    files: Mapping[str, int]
    conflicts: tuple[Conflict, ...]
    idle: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return everything as one JSON object."""
        return {
            "schema": LAYERS_SCHEMA,
            "files": dict(self.files),
            "conflicts": [one.as_json() for one in self.conflicts],
            "idle": list(self.idle),
            "problems": list(self.problems),
        }


@dataclass(frozen=True)
class _Layer:
    name: str
    pack: AnyPack


_Forms: TypeAlias = "list[tuple[str, PackEntry]]"
"""The layers that have a file, lowest first, with their form of it."""


def layer_names(paths: Sequence[Path]) -> tuple[str, ...]:
    """Return what layers are called: the last part of their path, and as much of it as tells them apart."""
    full = [path.resolve() for path in paths]
    names = [path.name for path in full]
    for depth in range(2, 1 + max(len(path.parts) for path in full)):
        if len(set(names)) == len(names):
            break
        names = [str(PurePosixPath(*path.parts[-depth:])) for path in full]
    if len(set(names)) < len(names):
        raise UsageError("a layer is named twice", hint="Give each pack once, lowest first.")
    return tuple(names)


def merge_layers(
    paths: Sequence[Path], output: Path, choices: Choices = (), step: Step = lambda _: None
) -> Merged:
    """Write one pack out of several, as a whole or not at all.

    The same texture is one file even where layers keep it in other sub-folders of its game. Containers in which layers
    differ are merged entry by entry, and so are lists of names (`rt64.json`, `config.yaml`, `textures.ini`). A run's
    manifest is of its own pack alone, so it is left out.

    Args:
        paths: folders, lowest first; later ones win.
        output: replaced if it is an earlier merge that nobody changed.
        choices: see `Choices`; layers are named as `layer_names` does it.
        step: called after each file.

    Raises:
        UsageError: a choice names no layer, or the output is one of them.
        PackError: a layer cannot be read, or something else lies at `output`; nothing was written.
    """
    layers = [_Layer(name, open_pack(path)) for name, path in zip(layer_names(paths), paths, strict=True)]
    _require_apart(layers, output)
    _require_known(choices, layers)
    _require_own(output)
    choose = _Chooser(choices)
    files, contents = _units(layers)
    count, done = len(files) + len(contents), 0
    conflicts: list[Conflict] = []
    origins = Origins.of([(one.name, one.pack) for one in layers])
    with whole_folder(output) as folder:
        for forms in files.values():
            conflicts += _write_file(forms, folder, choose, origins)
            step(Progress("write", done := done + 1, count))
        for container, units in contents.items():
            conflicts += _write_container(container, units, layers, folder, choose, origins)
            step(Progress("write", done := done + 1, count))
        origins.write(folder)
    problems = tuple(line for one in layers for line in one.pack.problems)
    return Merged(
        origins.counts(), tuple(sorted(conflicts, key=lambda one: one.name)), choose.idle(), problems
    )


def _require_apart(layers: Sequence[_Layer], output: Path) -> None:
    target = output.resolve()
    for one in layers:
        root = one.pack.root.resolve()
        if root.is_file():
            raise UsageError(
                f"{one.pack.root} is a file",
                hint="Put it into a folder, under the name that the others have.",
            )
        if target == root or target.is_relative_to(root) or root.is_relative_to(target):
            raise UsageError(
                f"{output} and the layer {one.pack.root} lie inside each other", hint="Give another --output."
            )


def _require_known(choices: Choices, layers: Sequence[_Layer]) -> None:
    names = [one.name for one in layers]
    for pattern, layer in choices:
        if layer not in names:
            raise UsageError(
                f"{pattern!r} is to be taken from {layer!r}, which is no layer",
                hint=f"Layers: {', '.join(names)}.",
            )


def _require_own(output: Path) -> None:
    """Refuse to replace what is not an earlier merge, or one in which somebody changed something."""
    if not output.exists():
        return
    hint = "Give another --output, or move it away."
    known = read_layers_manifest(output)
    if known is None:
        raise PackError(f"{output} is there and is no pack that texpipe merged", hint=hint)
    digests = {name: one.get("sha256") for name, one in known["files"].items()}
    there = {path.relative_to(output).as_posix(): path for path in output.rglob("*") if path.is_file()}
    changed = [
        name
        for name, path in there.items()
        if path.name.lower() not in _LEFT_BY_SYSTEMS
        and not (name in NAMES and name not in digests)
        and (leads_out(path, output) or name not in digests or file_digest(path) != digests[name])
    ]
    if changed:
        raise PackError(
            f"{output}: {changed[0]} was changed or added since the packs were merged",
            hint=f"Put it into a layer of its own, and give that last. {hint}",
        )


class _Chooser:
    """Decides which layer's form is taken, and remembers which choices fitted something."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._used: set[str] = set()

    def of(self, names: Iterable[str], layers: Sequence[str]) -> str | None:
        """Return the layer that a choice names for a file with these names, if that has it."""
        known = {part for name in names for part in (name, PurePosixPath(name).name)}
        for pattern, layer in self._choices:
            if layer in layers and any(name == pattern or fnmatchcase(name, pattern) for name in known):
                self._used.add(pattern)
                return layer
        return None

    def idle(self) -> tuple[str, ...]:
        """Return the patterns that fitted nothing."""
        return tuple(pattern for pattern, _ in self._choices if pattern not in self._used)


def _units(layers: Sequence[_Layer]) -> tuple[dict[str, _Forms], dict[str, dict[str, _Forms]]]:
    """Return the forms of every file, and by container those of every entry in it."""
    files: dict[str, _Forms] = {}
    contents: dict[str, dict[str, _Forms]] = {}
    for layer in layers:
        textures = {one.entry.name: one for one in layer.pack.textures}
        for container in layer.pack.containers:  # also an empty one
            contents.setdefault(folded(container), {})
        for entry in layer.pack.entries:
            if entry.container is not None:
                units = contents[folded(entry.container)]
                units.setdefault(folded(entry.inside), []).append((layer.name, entry))
            elif not _is_of_one_pack(entry):
                unit = _unit_of(entry, textures.get(entry.name))
                files.setdefault(unit, []).append((layer.name, entry))
    return dict(sorted(files.items())), dict(sorted(contents.items()))


def _is_of_one_pack(entry: PackEntry) -> bool:
    """Return whether a file is the manifest or the credits of a run or a merge, which speak of that pack alone."""
    marks = _OF_ONE_PACK.get(entry.name)
    return marks is not None and any(mark in entry.data()[:_HEAD_BYTES] for mark in marks)


def _unit_of(entry: PackEntry, texture: PackTexture | None) -> str:
    """Return what is one file in all layers: a texture in any sub-folder of its game, else the path."""
    if texture is None or texture.listed or not texture.names or texture.names[0].scheme != gliden64.NAME:
        return folded(entry.name)
    name = texture.names[0]
    folders = PurePosixPath(entry.name).parent.parts
    above = folders[: folders.index(str(name.game)) + 1] if name.game in folders else ()
    key = key_of(name)
    return f"{folded('/'.join(above))}/{name.game}#{key.texels}#{key.colours}"


def _pick(forms: _Forms, choose: _Chooser, digests: Sequence[str]) -> tuple[int, Conflict | None]:
    """Return which form is taken, and the conflict if there is one."""
    names = [name for name, _ in forms]
    chosen = choose.of([entry.name for _, entry in forms], names)
    number = len(forms) - 1 if chosen is None else names.index(chosen)
    others = [other for other in range(len(forms)) if digests[other] != digests[number]]
    if not others:
        return number, None
    taken = forms[number]
    conflict = Conflict(
        taken[1].name,
        taken[0],
        tuple(forms[other][0] for other in others),
        chosen is not None,
        (taken[1], forms[others[-1]][1]),
    )
    return number, conflict


def _write_file(forms: _Forms, folder: Path, choose: _Chooser, origins: Origins) -> Iterator[Conflict]:
    merge_list = LISTS.get(PurePosixPath(forms[0][1].name).name)
    digests = [entry.digest() for _, entry in forms]
    if merge_list is not None and len(set(digests)) > 1:
        named = [(name, entry.data()) for name, entry in forms]
        data, conflicts = merge_list(named, _choice_in_list(forms[-1][1].name, choose))
        _put(folder, forms[-1][1].name, data)
        origins.combine(forms[-1][1].name, [name for name, _ in forms])
        yield from _of_list(forms[-1][1].name, conflicts)
        return
    number, conflict = _pick(forms, choose, digests)
    layer, entry = forms[number]
    _put(folder, entry.name, entry.data())
    origins.take(entry.name, layer, entry, () if conflict is None else conflict.others)
    if conflict is not None:
        yield conflict


def _choice_in_list(name: str, choose: _Chooser) -> Callable[[str, Sequence[str]], str | None]:
    return lambda part, layers: choose.of([f"{name}: {part}", part], layers)


def _of_list(name: str, conflicts: Iterable[Conflicting]) -> Iterator[Conflict]:
    for one in conflicts:
        yield Conflict(f"{name}: {one.part}", one.taken, one.others, one.chosen)


def _put(folder: Path, name: str, data: bytes) -> None:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def _write_container(
    container: str,
    units: Mapping[str, _Forms],
    layers: Sequence[_Layer],
    folder: Path,
    choose: _Chooser,
    origins: Origins,
) -> Iterator[Conflict]:
    """Copy a container that is the same wherever it is, and merge the entries of others."""
    files = [
        (layer.name, layer.pack.root / name)
        for layer in layers
        for name in layer.pack.containers
        if folded(name) == container
    ]
    name = next(
        name for layer in reversed(layers) for name in layer.pack.containers if folded(name) == container
    )
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if len({file_digest(path) for _, path in files}) == 1:
        shutil.copyfile(files[-1][1], target)
        origins.copy(name, files[-1][0])
        return
    conflicts: list[Conflict] = []
    entries = origins.combine(name, [layer for layer, _ in files])

    def picked(wanted: Mapping[str, _Forms]) -> Iterator[PackEntry]:
        for layer, entry, conflict in _picked(wanted, choose):
            origins.note_entry(entries, layer, entry, () if conflict is None else conflict.others)
            conflicts.extend([] if conflict is None else [conflict])
            yield entry

    if PurePosixPath(name).suffix.lower() in CACHES:
        write = write_hts if PurePosixPath(name).suffix.lower() == ".hts" else write_htc
        write(target, (entry.cached() for entry in picked(units) if entry.cached))
    else:
        with zip_writer(target) as archive:
            for inside, data in _zip_entries(units, choose, picked, entries, conflicts):
                archive.add(PurePosixPath(inside), data)
    yield from conflicts


def _picked(
    units: Mapping[str, _Forms], choose: _Chooser
) -> Iterator[tuple[str, PackEntry, Conflict | None]]:
    """Yield the layer and the form that is taken of each entry, and the conflict if there is one."""
    for unit in sorted(units):
        forms = units[unit]
        number, conflict = _pick(forms, choose, [entry.digest() for _, entry in forms])
        yield *forms[number], conflict


def _zip_entries(
    units: Mapping[str, _Forms],
    choose: _Chooser,
    picked: Callable[[Mapping[str, _Forms]], Iterator[PackEntry]],
    entries: dict[str, dict[str, Any]],
    conflicts: list[Conflict],
) -> Iterator[tuple[str, bytes]]:
    lists = {unit: forms for unit, forms in units.items() if PurePosixPath(unit).name in LISTS}
    for entry in picked({unit: forms for unit, forms in units.items() if unit not in lists}):
        yield entry.inside, entry.data()
    for unit, forms in sorted(lists.items()):
        named = [(name, entry.data()) for name, entry in forms]
        name = forms[-1][1].name
        data, found = LISTS[PurePosixPath(unit).name](named, _choice_in_list(name, choose))
        conflicts += _of_list(name, found)
        entries[forms[-1][1].inside] = {"merged": [layer for layer, _ in forms]}
        yield forms[-1][1].inside, data
