"""Who made the textures of a pack, as far as its manifest says."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from texpipe.errors import PackError
from texpipe.manifest.file import read_manifest
from texpipe.manifest.layers import read_layers_manifest
from texpipe.manifest.output_folder import has_manifest
from texpipe.manifest.schema import Entry, Manifest
from texpipe.storage.layout import OutputLayout
from texpipe.texture import EmulatorName
from texpipe.upkeep.any_pack import PackEntry, PackTexture
from texpipe.upkeep.completed import Filled, read_record
from texpipe.upkeep.keys import TextureKey, key_of

UNKNOWN = "unknown"
"""Stands for the maker of a texture that no manifest tells of."""
EDITED = "edited by hand"
BY_HAND = "by hand"
_KINDS: Mapping[str, str] = {
    "nearest": "repeated texels",
    "hand": BY_HAND,
    "copied": "copied from the dump",
    "edited": EDITED,
    "foreign": "foreign",
}
RECOLOURED = "made of another texture's picture"
"""Stands for a picture that `complete` made of the one of a texture with the same texels."""
OTHERS = frozenset({*_KINDS.values(), RECOLOURED})
"""Makers that are no models."""
_PEOPLE = frozenset({UNKNOWN, EDITED, BY_HAND, _KINDS["foreign"]})
"""Makers that may be people."""


@dataclass(frozen=True)
class Makers:
    """Who made the textures of a pack.

    Attributes:
        manifest: of the run that wrote it; None if there is none that can be read, or if it was merged out of several.
        completed: what `complete` put into it.
    """

    manifest: Manifest | None = None
    completed: Mapping[str, Filled] = field(default_factory=dict, repr=False)
    _by_path: Mapping[str, tuple[Entry, str]] = field(default_factory=dict, repr=False)
    _by_key: Mapping[TextureKey, Entry] = field(default_factory=dict, repr=False)
    _merged: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)

    @staticmethod
    def of(root: Path) -> Makers:
        """Return the makers of a pack, from the manifest in its folder or, of a target's folder, in the one above.

        A record of what `complete` added tells of those files. Of other packs none is known.
        """
        found = Makers._without_record(root)
        with suppress(PackError):
            return replace(found, completed=read_record(root).by_file())
        return found

    @staticmethod
    def _without_record(root: Path) -> Makers:
        if not root.is_dir():
            return Makers()
        if (merged := read_layers_manifest(root)) is not None:
            return Makers(_merged=_makers_in(merged["files"]))
        with suppress(PackError):
            if has_manifest(OutputLayout(root).manifest):
                return Makers._of_run(read_manifest(OutputLayout(root).manifest), "")
            above = root.resolve()
            if has_manifest(file := OutputLayout(above.parent).manifest):
                manifest = read_manifest(file)
                return (
                    Makers._of_run(manifest, f"{above.name}/") if above.name in manifest.targets else Makers()
                )
        return Makers()

    @staticmethod
    def _of_run(manifest: Manifest, start: str) -> Makers:
        """Return the makers of a run's pack; `start` is what its paths begin with and those of the pack do not."""
        by_path = {
            one.path.removeprefix(start): (entry, one.sha256)
            for entry in manifest.textures
            for one in entry.outputs
            if one.path.startswith(start)
        }
        by_key: dict[TextureKey, Entry] = {}
        for entry in manifest.textures:
            if entry.id is not None and entry.outputs:
                by_key.setdefault(key_of(name_of_entry(entry)), entry)
        return Makers(manifest, _by_path=by_path, _by_key=by_key)

    def of_file(self, texture: PackTexture) -> str:
        """Return who made a texture: a model's name, `by hand` and so on, or `unknown`.

        Raises:
            PackError: its file cannot be read.
        """
        filled = self.completed.get(texture.entry.name)
        if filled is not None:
            if texture.entry.digest() != filled.sha256:
                return EDITED
            return RECOLOURED if filled.model is None else filled.model
        if (merged := self._merged.get(texture.entry.name)) is not None:
            maker, digest = merged
            return maker if digest in ("", texture.entry.digest()) else EDITED
        entry = self._entry_of(texture.entry, texture.names)
        if entry is None:
            return UNKNOWN
        known = self._by_path.get(texture.entry.name)
        if known is not None and entry.status != "foreign" and texture.entry.digest() != known[1]:
            return EDITED
        return maker_of(entry)

    def is_by_hand(self, texture: PackTexture) -> bool:
        """Return whether somebody may have made a texture: no model did, and nothing else that is known of.

        Raises:
            PackError: its file cannot be read.
        """
        return self.of_file(texture) in _PEOPLE

    def _entry_of(self, file: PackEntry, names: tuple[EmulatorName, ...]) -> Entry | None:
        known = self._by_path.get(file.name)
        if known is not None:
            return known[0]
        return next((self._by_key[key] for key in map(key_of, names) if key in self._by_key), None)


def _makers_in(files: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """Return path -> maker and hex sha256 of what a merged pack's manifest tells of; "" of entries of containers."""
    found: dict[str, tuple[str, str]] = {}
    for path, origin in files.items():
        if "by" in origin:
            found[path] = str(origin["by"]), str(origin.get("sha256", ""))
        inside = origin.get("entries")
        for name, one in inside.items() if isinstance(inside, dict) else ():
            if isinstance(one, dict) and "by" in one:
                found[f"{path}/{name}"] = str(one["by"]), ""
    return found


def maker_of(entry: Entry) -> str:
    """Return who made a texture, as its manifest entry says; `unknown` of manifests that do not say it."""
    by = entry.by
    if by is None:
        return UNKNOWN
    if by.kind != "model":
        return _KINDS[by.kind]
    detail = f", detail {by.detail:g}" if by.detail is not None else ""
    return f"{by.model or 'model'}{detail}"


def name_of_entry(entry: Entry) -> EmulatorName:
    """Return the emulator's name of a manifest entry that has one."""
    assert entry.id is not None, "the caller has looked"
    own = ("scheme", "game", "texels")
    fields = tuple((key, value) for key, value in entry.id.items() if value is not None and key not in own)
    game = entry.id.get("game")
    return EmulatorName(str(entry.id["scheme"]), None if game is None else str(game), fields=fields)
