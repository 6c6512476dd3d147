"""The dump that a finished pack was made from, in its present state: it may have moved or changed since."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from texpipe.errors import PackError, SourceError
from texpipe.imaging.texel_formats import Stp
from texpipe.manifest.schema import Entry
from texpipe.read.scan import scan
from texpipe.read.unchanged import decode_unchanged
from texpipe.storage.layout import OutputLayout
from texpipe.storage.small_files import MissingFileError, RefusedFileError, read_json
from texpipe.texture import Rgba8, Source

_MAX_RUN_INFO = 1 << 20
"""Largest run.json that is read, in bytes."""
_MAX_INPUTS = 64
"""Largest number of inputs in a run.json that are looked into."""


@dataclass(frozen=True)
class Dump:
    """The input of a finished run.

    Attributes:
        roots: the folders and files that were scanned.
        sources: the textures that are in them at present, those inside archives and caches included, by name; several
            inputs may have one of the same name.
        stp: how the run read bit 15 of a colour in `.tim` files.
    """

    roots: tuple[Path, ...]
    sources: Mapping[str, tuple[Source, ...]] = field(repr=False)
    stp: Stp = "opaque"


def dump_of(output: Path, names: Collection[str]) -> Dump:
    """Return the dump of a finished run, from the paths in its run.json.

    Args:
        output: the folder of the run; it is skipped if it lies inside the dump.
        names: of the textures that are wanted: a run.json of a stranger may name any folder, and what the manifest
            does not name is not looked at. The root of a file system is never looked into.

    Raises:
        PackError: run.json is missing or damaged, or the dump is gone; of several inputs all.
    """
    info = _run_info(OutputLayout(output).run_info)
    stp = _stp(info.stp)
    there: list[Path] = []
    sources: dict[str, tuple[Source, ...]] = {}
    for root in info.inputs:
        if root.is_absolute() and root == root.parent:
            continue
        with suppress(SourceError):
            found = scan(root, exclude=output, stp=stp, names=names)
            there.append(root)
            for source in found.sources:
                sources[source.name] = (*sources.get(source.name, ()), source)
    if not there:
        raise PackError(
            f"the textures that {output} was made from are gone: {', '.join(map(str, info.inputs))}",
            hint="Put them back, or run the recipe again with --input and their present folder.",
        )
    return Dump(tuple(there), sources, stp)


def source_of(entry: Entry, dump: Dump) -> Rgba8:
    """Decode the source of a texture, H x W x 4 uint8, if it is still what the run read.

    Raises:
        SourceError: it is gone, cannot be decoded or has changed since; the message is the reason alone.
    """
    if entry.source not in dump.sources:
        raise SourceError("it is gone from the input folder")
    changed = SourceError("it has changed since the pack was made")
    for source in dump.sources[entry.source]:
        try:
            texture = decode_unchanged(source, entry.sha256 or "")
        except SourceError as error:
            changed = error
            continue
        if texture is not None:
            return texture.rgba
    raise changed


@dataclass(frozen=True)
class _RunInfo:
    """What run.json says of the input."""

    inputs: tuple[Path, ...]
    stp: object = None


def _run_info(path: Path) -> _RunInfo:
    again = "Run the recipe again: it rewrites run.json and computes only what is missing."
    try:
        info = read_json(path, _MAX_RUN_INFO)
    except MissingFileError as error:
        raise PackError(f"cannot read {path}: it is missing", hint=again) from error
    except RefusedFileError as error:
        raise PackError(f"{path} is damaged: it {error.message}", hint=again) from error
    named = info.get("input") if isinstance(info, dict) else None
    paths = named if isinstance(named, list) else [named]
    texts = [one for one in paths if isinstance(one, str)]
    if isinstance(info, dict) and texts and texts == paths:
        return _RunInfo(tuple(map(Path, dict.fromkeys(texts)))[:_MAX_INPUTS], info.get("stp"))
    raise PackError(f"{path} is damaged: it does not say where the textures are", hint=again)


def _stp(value: object) -> Stp:
    return "semi" if value == "semi" else "opaque"
