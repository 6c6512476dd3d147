"""The data of the report page: a JSON object per texture, without empty values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from texpipe.manifest.schema import Entry, Manifest, entry_as_json, model_as_json
from texpipe.report.pictures import PictureFolder, ReportPicture
from texpipe.storage.keys import canonical_json

_OF_OUTPUTS = ("target", "path", "size", "scale", "loss")
"""What the page is told of a texture's files."""


def facts_of_pack(manifest: Manifest) -> dict[str, Any]:
    """Return the page's data about the pack as a whole."""
    return {
        "name": manifest.recipe.name,
        "model": model_as_json(manifest.model),
        "scale": manifest.scale,
        "targets": manifest.targets,
        "texpipe": manifest.texpipe,
        "summary": vars(manifest.summary),
    }


def fold_duplicates(entries: Iterable[Entry]) -> list[tuple[Entry, tuple[Entry, ...]]]:
    """Return each texture with its duplicates, in the order of the manifest.

    A duplicate whose original is not among the entries is listed as a texture of its own.
    """
    everything = tuple(entries)
    names = {entry.source for entry in everything}
    folded: dict[str, list[Entry]] = {}
    for entry in everything:
        if entry.duplicate_of in names:
            folded.setdefault(str(entry.duplicate_of), []).append(entry)
    return [
        (entry, tuple(folded.get(entry.source, ())))
        for entry in everything
        if entry.duplicate_of not in names
    ]


def facts_of_textures(
    folded: Sequence[tuple[Entry, tuple[Entry, ...]]], pictures: PictureFolder
) -> Iterable[dict[str, Any]]:
    """Yield the JSON object of each texture: its manifest entry, its pictures, its duplicates and its family.

    A family are related textures: pieces of one split picture, frames, palette variants, or mirror images.
    """
    families = [_family(entry) for entry, _ in folded]
    sizes = Counter(families)
    for (entry, duplicates), family in zip(folded, families, strict=True):
        facts = entry_as_json(entry)
        del facts["duplicate_of"], facts["sha256"]
        facts["outputs"] = [
            {name: one[name] for name in _OF_OUTPUTS if name in one} for one in facts["outputs"]
        ]
        facts["before"] = _picture(pictures.before(entry))
        facts["after"] = _picture(pictures.after(entry))
        facts["duplicates"] = [one.source for one in duplicates]
        facts["family"] = family if sizes[family] > 1 else None
        yield _without_empty(facts)


def _family(entry: Entry) -> str | None:
    """Return a key that all textures of a family share; None for a texture without one."""
    if entry.group is not None:
        return f"group {entry.group}"
    if entry.frame is not None:
        return f"frames of {entry.frame.first}"
    if entry.variant is not None:
        return f"variant of {entry.variant.like}"
    if entry.mirror is not None:
        return f"image of {entry.mirror.of}"
    fields: Mapping[str, object] = entry.id or {}
    if not any("palette" in name and value is not None for name, value in fields.items()):
        return None
    return canonical_json({name: value for name, value in fields.items() if "palette" not in name}).decode()


def _picture(shown: ReportPicture) -> dict[str, Any]:
    return _without_empty(vars(shown))


def _without_empty(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out values that are None or empty, which makes the page a third smaller."""
    return {
        name: value for name, value in facts.items() if value is not None and value not in ("", [], (), {})
    }
