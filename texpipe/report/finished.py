"""A finished pack: its textures by name, their sources, which may have moved since, and their results."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from texpipe import pixels
from texpipe.errors import PackError, SourceError
from texpipe.formats import gliden64, gliden64_cache, parse_name
from texpipe.manifest import Entry, Manifest, Output
from texpipe.read.decode import decode
from texpipe.texture import Rgba8, Source

_CACHES = (".hts", ".htc")
_PICTURES = (".png", ".dds", ".tga", ".bmp")


def chosen(manifest: Manifest, names: Sequence[str]) -> list[Entry]:
    """Return the textures of these names, each once; all of them when there are no names.

    Raises:
        PackError: a name is not in the pack.
    """
    if not names:
        return list(manifest.textures)
    entries = {entry.source: entry for entry in manifest.textures}
    unknown = [name for name in dict.fromkeys(names) if name not in entries]
    if unknown:
        raise PackError(
            f"the pack has no texture {', '.join(map(repr, unknown))}",
            hint="Give names as in manifest.json: paths below the input folder, with forward slashes.",
        )
    return [entries[name] for name in dict.fromkeys(names)]


def input_of(output: Path) -> Path:
    """Return the folder that the textures of a finished run came from, as its run.json says.

    Raises:
        PackError: run.json is missing or damaged, or the folder is not there any more.
    """
    path = output / "run.json"
    again = "Run the recipe again: it writes run.json anew and computes only what is missing."
    try:
        root = Path(json.loads(path.read_bytes())["input"])
    except OSError as error:
        raise PackError(f"cannot read {path}: {error.strerror or error}", hint=again) from error
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise PackError(f"{path} is damaged: it does not say where the textures are", hint=again) from error
    if not root.exists():
        raise PackError(
            f"the textures that {output} was made from are gone: {root}",
            hint="Put them back, or run the recipe again with --input where they are now.",
        )
    return root


def source_of(entry: Entry, root: Path) -> Rgba8:
    """Decode the source of a texture, H x W x 4 uint8, if it is still the file that the run read.

    Args:
        entry: the texture.
        root: the folder that was scanned, or the one picture.

    Raises:
        SourceError: the file is gone, cannot be decoded or has changed since; the message is the reason alone.
    """
    texture = decode(Source(entry.source, root / entry.source if root.is_dir() else root))
    if texture.sha256 != entry.sha256:
        raise SourceError("it has changed since the pack was made")
    return texture.rgba


def shown_output(entry: Entry) -> Output | None:
    """Return the file to show as a texture's result: a PNG if there is one, for that needs no conversion."""
    pngs = (one for one in entry.outputs if PurePosixPath(one.path).suffix == ".png")
    return next(pngs, entry.outputs[0] if entry.outputs else None)


def can_show(written: Output) -> bool:
    """Return whether a result can be taken out of the file that it is in; out of archives it cannot."""
    return PurePosixPath(written.path).suffix in (*_PICTURES, *_CACHES)


def result_of(entry: Entry, output: Path) -> Rgba8:
    """Decode the result of a texture, H x W x 4 uint8, from a picture of the pack or from its cache file.

    Args:
        entry: a texture that was written or copied.
        output: the folder of the finished run.

    Raises:
        PackError: the file is gone or damaged.
    """
    written = shown_output(entry)
    assert written is not None, "only textures with outputs have a result"
    path = output / written.path
    try:
        if path.suffix in _CACHES:
            return _from_cache(entry, path)
        return pixels.decode(path.read_bytes(), name=path.name)[0]
    except (OSError, SourceError) as error:
        hint = "Run the recipe again: it writes the file anew."
        raise PackError(f"cannot read {path}: {error}", hint=hint) from error


def _from_cache(entry: Entry, path: Path) -> Rgba8:
    name = parse_name(entry.source)
    assert name is not None, "only textures with an emulator's name are in a cache file"
    pictures = _cache(path, path.stat().st_mtime_ns)
    key = gliden64.cache_key(name)
    if key not in pictures:
        raise PackError(f"{path} does not hold {entry.source!r}", hint="Run the recipe again.")
    return pictures[key]


@functools.lru_cache(maxsize=1)
def _cache(path: Path, _changed: int) -> dict[int, Rgba8]:
    return {one.key: one.rgba for one in gliden64_cache.read_cache(path)}
