"""Lists of names that packs bring, merged entry by entry: later layers win, unless a choice says otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

from texpipe.errors import PackError
from texpipe.formats import duckstation_config, ppsspp_list, rt64
from texpipe.formats.duckstation_config import Config, config_text, parse_config
from texpipe.formats.ppsspp_list import TextureList, entry_name, list_text, parse_list
from texpipe.storage.small_files import parse_json, refusing

K = TypeVar("K")
V = TypeVar("V")

Choose: TypeAlias = Callable[[str, Sequence[str]], str | None]
"""(entry, layers that have it) -> the layer that a choice names, or None."""
Named: TypeAlias = Sequence[tuple[str, bytes]]
"""The layers that have a list, lowest first, with its bytes."""


@dataclass(frozen=True)
class Conflicting:
    """An entry that layers have in different forms: its name, the layer taken, the others, whether it was chosen."""

    part: str
    taken: str
    others: tuple[str, ...]
    chosen: bool


def _merged(
    layers: Sequence[tuple[str, Mapping[K, V]]],
    named: Callable[[K], str],
    choose: Choose,
    found: list[Conflicting],
) -> dict[K, V]:
    """Join mappings; conflicts are added to `found`."""
    keys = dict.fromkeys(key for _, entries in layers for key in entries)
    merged: dict[K, V] = {}
    for key in keys:
        forms = [(name, entries[key]) for name, entries in layers if key in entries]
        names = [name for name, _ in forms]
        chosen = choose(named(key), names) if any(form != forms[0][1] for _, form in forms) else None
        number = len(forms) - 1 if chosen is None else names.index(chosen)
        merged[key] = forms[number][1]
        others = tuple(name for name, form in forms if form != forms[number][1])
        if others:
            found.append(Conflicting(named(key), names[number], others, chosen is not None))
    return merged


def _rt64(layers: Named, choose: Choose) -> tuple[bytes, list[Conflicting]]:
    """Join lists of RT64: textures by hash, configuration and filters by key."""
    found: list[Conflicting] = []
    tops = [(name, _rt64_list(data, name)) for name, data in layers]
    textures = [(name, {_identity(one): one for one in top["textures"]}) for name, top in tops]
    rest = [
        (name, {k: v for k, v in top.items() if k not in ("textures", "configuration")}) for name, top in tops
    ]
    configurations = [(name, top.get("configuration") or {}) for name, top in tops]
    joined = _merged(textures, str, choose, found)
    merged = {
        "configuration": _merged(configurations, "configuration {}".format, choose, found),
        **_merged(rest, str, choose, found),
        "textures": [joined[key] for key in sorted(joined)],
    }
    return (json.dumps(merged, indent=2) + "\n").encode(), found


def _rt64_list(data: bytes, name: str) -> dict[str, Any]:
    with refusing(Path(name, rt64.LIST), PackError):
        top = cast("dict[str, Any]", parse_json(data, Path(name, rt64.LIST)))
        for texture in top["textures"]:
            _identity(texture)
        return top


def _identity(texture: Mapping[str, Any]) -> str:
    """Return what RT64 finds a texture by; of several hashes the newest."""
    hashes = texture.get("hashes") or {}
    digest = hashes.get("rt64") or hashes.get("rt64v1") or hashes.get("rice")
    return str(digest or texture["path"]).lower()


def _duckstation(layers: Named, choose: Choose) -> tuple[bytes, list[Conflicting]]:
    """Join DuckStation's configurations: settings and aliases by name."""
    found: list[Conflicting] = []
    configs = [(name, parse_config(data, Path(name, duckstation_config.CONFIG))) for name, data in layers]
    settings = _merged([(name, one.settings) for name, one in configs], str, choose, found)
    aliases = _merged([(name, one.aliases) for name, one in configs], str, choose, found)
    ordered = (dict(sorted(settings.items())), dict(sorted(aliases.items())))
    return config_text(Config(*ordered)).encode(), found


def _ppsspp(layers: Named, choose: Choose) -> tuple[bytes, list[Conflicting]]:
    """Join PPSSPP's lists: options, entries and other sections by name."""
    found: list[Conflicting] = []
    lists = [(name, parse_list(data, Path(name, ppsspp_list.LIST))) for name, data in layers]
    options = _merged([(name, one.options) for name, one in lists], str, choose, found)
    hashes = _merged([(name, one.hashes) for name, one in lists], entry_name, choose, found)
    titles = sorted({title for _, one in lists for title in one.sections})
    sections = {
        title: _merged(
            [(name, one.sections.get(title, {})) for name, one in lists],
            f"[{title}] {{}}".format,
            choose,
            found,
        )
        for title in titles
    }
    ordered = {title: dict(sorted(pairs.items())) for title, pairs in sections.items()}
    merged = TextureList(dict(sorted(options.items())), dict(sorted(hashes.items())), ordered)
    return list_text(merged).encode(), found


LISTS: Mapping[str, Callable[[Named, Choose], tuple[bytes, list[Conflicting]]]] = {
    rt64.LIST: _rt64,
    duckstation_config.CONFIG: _duckstation,
    ppsspp_list.LIST: _ppsspp,
}
"""How lists are joined, by file name: the lists of layers, lowest first -> the joined one, and its conflicts."""
