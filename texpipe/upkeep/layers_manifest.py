"""The manifest of a merged pack: which layer each file is from, who made it, and what else the layers had there."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from texpipe import __version__
from texpipe.formats.portable_names import file_digest
from texpipe.manifest.layers import manifest_name
from texpipe.manifest.schema import LAYERS_SCHEMA, model_as_json
from texpipe.storage.atomic import write_atomic
from texpipe.upkeep.any_pack import AnyPack, PackEntry
from texpipe.upkeep.provenance import UNKNOWN, Makers


@dataclass(frozen=True)
class _Source:
    """A layer: its name, its pack, and who made its textures."""

    name: str
    makers: Makers
    textures: Mapping[str, Any]

    def maker_of(self, entry: PackEntry) -> str | None:
        """Return who made a file; None of one that is no texture or whose maker nobody knows."""
        texture = self.textures.get(entry.name)
        maker = UNKNOWN if texture is None else self.makers.of_file(texture)
        return None if maker == UNKNOWN else maker


@dataclass(frozen=True)
class Origins:
    """Where the files of a pack that is being merged come from; grows.

    Attributes:
        sources: the layers by name.
        files: path -> its origin, as the manifest has it.
    """

    sources: Mapping[str, _Source]
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    @staticmethod
    def of(layers: Sequence[tuple[str, AnyPack]]) -> Origins:
        """Return what is known before anything is written: the layers by their names."""
        return Origins(
            {
                name: _Source(name, Makers.of(pack.root), {one.entry.name: one for one in pack.textures})
                for name, pack in layers
            }
        )

    def take(self, path: str, layer: str, entry: PackEntry, others: Sequence[str]) -> None:
        """Note a file that was taken from a layer, although `others` have it in another form."""
        self.files[path] = self._origin(layer, entry, others)

    def copy(self, path: str, layer: str) -> None:
        """Note a container that was taken as it is."""
        self.files[path] = {"layer": layer}

    def combine(self, path: str, layers: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Note a list or a container that was made out of several; return where the entries of it are noted."""
        entries: dict[str, dict[str, Any]] = {}
        self.files[path] = {"merged": list(dict.fromkeys(layers)), "entries": entries}
        return entries

    def note_entry(
        self, entries: dict[str, dict[str, Any]], layer: str, entry: PackEntry, others: Sequence[str]
    ) -> None:
        """Note an entry of a container in what `combine` returned."""
        entries[entry.inside] = self._origin(layer, entry, others)

    def counts(self) -> dict[str, int]:
        """Return how many files each layer gave; what was made out of several counts to the last of them."""
        given = Counter(one["layer"] if "layer" in one else one["merged"][-1] for one in self.files.values())
        return {name: given[name] for name in self.sources}

    def write(self, folder: Path) -> None:
        """Write the manifest of the folder that all files are in.

        Raises:
            PackError: it cannot be written.
        """
        files = {}
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                name = path.relative_to(folder).as_posix()
                origin = {key: value for key, value in self.files[name].items() if value}
                files[name] = {"sha256": file_digest(path), **origin}
        top = {
            "schema": LAYERS_SCHEMA,
            "texpipe": __version__,
            "layers": [_layer_as_json(one) for one in self.sources.values()],
            "files": files,
        }
        text = json.dumps(top, indent=1, ensure_ascii=False) + "\n"
        write_atomic(folder / manifest_name(path for path in files if "/" not in path), text.encode())

    def _origin(self, layer: str, entry: PackEntry, others: Sequence[str]) -> dict[str, Any]:
        maker = self.sources[layer].maker_of(entry)
        return {
            "layer": layer,
            **({"instead_of": list(others)} if others else {}),
            **({"by": maker} if maker else {}),
        }


def _layer_as_json(source: _Source) -> dict[str, Any]:
    """Return a layer's name, and of a run's pack its recipe and its models with their licences."""
    made_by = source.makers.manifest
    if made_by is None:
        return {"name": source.name}
    models = made_by.models or (made_by.model,)
    return {
        "name": source.name,
        "recipe": made_by.recipe.name,
        "models": [model_as_json(one) for one in models],
    }
