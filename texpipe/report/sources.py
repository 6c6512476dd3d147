"""The dump that a finished pack was made from, in its present state: it may have moved or changed since."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from texpipe.errors import PackError, SourceError
from texpipe.imaging.texel_formats import Stp
from texpipe.manifest.schema import Entry
from texpipe.read.scan import scan
from texpipe.read.unchanged import decode_unchanged
from texpipe.storage.layout import OutputLayout
from texpipe.texture import Rgba8, Source


@dataclass(frozen=True)
class Dump:
    """The input of a finished run.

    Attributes:
        root: the folder or the file that was scanned.
        sources: the textures that are in it at present, those inside archives and caches included, by name.
        stp: how the run read bit 15 of a colour in `.tim` files.
    """

    root: Path
    sources: Mapping[str, Source] = field(repr=False)
    stp: Stp = "opaque"


def dump_of(output: Path) -> Dump:
    """Return the dump of a finished run, from the path in its run.json.

    Args:
        output: the folder of the run; it is skipped if it lies inside the dump.

    Raises:
        PackError: run.json is missing or damaged, or the dump is gone.
    """
    info = _run_info(OutputLayout(output).run_info)
    root, stp = Path(info["input"]), _stp(info.get("stp"))
    try:
        found = scan(root, exclude=output, stp=stp)
    except SourceError as error:
        raise PackError(
            f"the textures that {output} was made from are gone: {root}",
            hint="Put them back, or run the recipe again with --input and their present folder.",
        ) from error
    return Dump(root, {source.name: source for source in found.sources}, stp)


def source_of(entry: Entry, dump: Dump) -> Rgba8:
    """Decode the source of a texture, H x W x 4 uint8, if it is still what the run read.

    Raises:
        SourceError: it is gone, cannot be decoded or has changed since; the message is the reason alone.
    """
    if entry.source not in dump.sources:
        raise SourceError("it is gone from the input folder")
    texture = decode_unchanged(dump.sources[entry.source], entry.sha256 or "")
    if texture is None:
        raise SourceError("it has changed since the pack was made")
    return texture.rgba


def _run_info(path: Path) -> Mapping[str, str]:
    again = "Run the recipe again: it rewrites run.json and computes only what is missing."
    try:
        info = json.loads(path.read_bytes())
        if isinstance(info["input"], str):
            return {key: value for key, value in info.items() if isinstance(value, str)}
    except OSError as error:
        raise PackError(f"cannot read {path}: {error.strerror or error}", hint=again) from error
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    raise PackError(f"{path} is damaged: it does not say where the textures are", hint=again)


def _stp(value: str | None) -> Stp:
    return "semi" if value == "semi" else "opaque"
