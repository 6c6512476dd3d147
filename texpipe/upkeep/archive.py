"""The zip file that people upload: a pack with a README, its credits and a picture; the same bytes every time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath

from PIL import Image

from texpipe.errors import PackError, SourceError, UsageError
from texpipe.formats import format_of
from texpipe.formats.archive import ZipWriter, zip_writer
from texpipe.formats.portable_names import unportable
from texpipe.manifest.file import read_manifest
from texpipe.manifest.schema import Entry, Manifest
from texpipe.output.credits import PAGE, SUMMARY, credits_of
from texpipe.progress import Progress
from texpipe.report.finished_pack import can_show, result_of, shown_output
from texpipe.storage.layout import OutputLayout
from texpipe.storage.small_files import open_regular
from texpipe.upkeep.any_pack import PackFiles, files_of_pack

README, PREVIEW = "README.txt", "preview.png"

_COLUMNS, _ROWS, _CELL, _GAP = 6, 3, 160, 8
"""Columns and rows of the preview, side of a cell and gap between two, in pixels."""
_BACKGROUND, _LIGHT, _DARK = (24, 24, 30), (70, 70, 80), (56, 56, 64)
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Archived:
    """A zip file that was written.

    Attributes:
        target: for which target.
        path: of the file.
        files: number of files of the pack in it.
        size: in bytes.
        links: a line for each link in the pack that is not followed, so that what it leads to is not in it.
    """

    target: str
    path: Path
    files: int
    size: int
    links: tuple[str, ...] = ()


def archive_name(manifest: Manifest, target: str) -> str:
    """Return the file name of a target's zip file."""
    name = f"{manifest.recipe.name}-{target}.zip"
    return name if unportable(PurePosixPath(name)) is None and "/" not in name else f"pack-{target}.zip"


def chosen_targets(manifest: Manifest, targets: Sequence[str]) -> tuple[str, ...]:
    """Return the targets to archive: those asked for, or all.

    Raises:
        UsageError: the pack does not have one that is asked for.
    """
    unknown = [one for one in targets if one not in manifest.targets]
    if unknown:
        raise UsageError(
            f"the pack has no target {unknown[0]}", hint=f"It has: {', '.join(manifest.targets)}."
        )
    return tuple(targets) or manifest.targets


def write_archive(
    output: Path,
    manifest: Manifest,
    target: str,
    file: Path,
    step: Callable[[Progress], None] = lambda _: None,
) -> Archived:
    """Write the zip file of one target; equal packs give equal bytes.

    Args:
        output: the folder of a finished run.
        manifest: what is in it.
        target: which of its packs.
        file: the zip file.
        step: called after each file.

    Raises:
        PackError: the pack is empty, or a file cannot be read or written.
    """
    folder = output / target
    found = files_of_pack(folder) if folder.is_dir() else PackFiles({})
    files = sorted(found.found.items())
    if not files:
        raise PackError(f"{folder} is empty", hint="Run the recipe again.")
    credits_ = credits_of(manifest)
    with zip_writer(file, any_link=True) as archive:
        archive.add(PurePosixPath(README), _readme(manifest, target, len(files)).encode())
        archive.add(PurePosixPath(PAGE), credits_.page().encode())
        archive.add(PurePosixPath(SUMMARY), (json.dumps(credits_.as_json(), indent=2) + "\n").encode())
        picture = preview(output, manifest)
        if picture is not None:
            archive.add(PurePosixPath(PREVIEW), picture)
        for number, (name, path) in enumerate(files, start=1):
            _add(archive, f"{target}/{name}", path, folder)
            step(Progress("write", number, len(files)))
    return Archived(target, file, len(files), file.stat().st_size, found.links)


def _add(archive: ZipWriter, name: str, path: Path, folder: Path) -> None:
    with (
        archive.opened(PurePosixPath(name)) as stream,
        open_regular(path, inside=folder, any_link=False) as source,
    ):
        while chunk := source.read(_CHUNK):
            stream.write(chunk)


def _readme(manifest: Manifest, target: str, files: int) -> str:
    credits_ = credits_of(manifest)
    files_of = [[one for one in entry.outputs if one.target == target] for entry in manifest.textures]
    textures, smaller = (
        sum(map(bool, files_of)),
        sum(any(one.scale is not None for one in outputs) for outputs in files_of),
    )
    less = f" ({smaller} of them less, to keep the pack small)" if smaller else ""
    title = f"{manifest.recipe.name}, textures for {target}"
    lines = [title, "=" * len(title), ""]
    lines += [
        f"{textures} textures in {files} file{'s' if files != 1 else ''}, {manifest.scale} times as large{less}."
    ]
    lines += [
        "",
        "How to install",
        "--------------",
        f"Unpack this file. The folder {target}/ has the pack.",
        "",
    ]
    lines += [*format_of(target).copy_to.splitlines(), ""]
    lines += [
        "Who made it",
        "-----------",
        credits_.statement(),
        f"{PAGE} has the models and their licences.",
    ]
    return "\r\n".join([*lines, ""])


def preview(output: Path, manifest: Manifest) -> bytes | None:
    """Return a PNG with some results of a pack, large and different ones; None if none can be read."""
    pictures = []
    for entry in _shown(manifest):
        try:
            pictures.append(Image.fromarray(result_of(entry, output)))
        except (PackError, SourceError):
            continue
        if len(pictures) == _COLUMNS * _ROWS:
            break
    if not pictures:
        return None
    columns = min(_COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (_place(columns), _place(rows)), _BACKGROUND)
    for number, picture in enumerate(pictures):
        sheet.paste(_cell(picture), (_place(number % columns), _place(number // columns)))
    buffer = BytesIO()
    sheet.save(buffer, "PNG", optimize=False)
    return buffer.getvalue()


def _place(number: int) -> int:
    """Return where a column or row of the preview begins, in pixels."""
    return _GAP + number * (_CELL + _GAP)


def _shown(manifest: Manifest) -> Iterator[Entry]:
    """Yield textures to show, each picture once: the largest of each kind in turn, so that there are several kinds."""
    kinds: dict[str | None, list[Entry]] = {}
    for entry in manifest.textures:
        one = shown_output(entry)
        if one is not None and can_show(one) and entry.duplicate_of is None and entry.status != "failed":
            kinds.setdefault(entry.kind, []).append(entry)
    for entries in kinds.values():
        entries.sort(key=lambda entry: (-_area(entry), entry.source))
    longest = max(map(len, kinds.values()), default=0)
    for number in range(longest):
        for _, entries in sorted(kinds.items(), key=lambda pair: str(pair[0])):
            yield from entries[number : number + 1]


def _area(entry: Entry) -> int:
    return entry.size[0] * entry.size[1] if entry.size else 0


def _cell(picture: Image.Image) -> Image.Image:
    cell = Image.new("RGB", (_CELL, _CELL), _LIGHT)
    for y in range(0, _CELL, 16):
        for x in range(y // 16 % 2 * 16, _CELL, 32):
            cell.paste(_DARK, (x, y, x + 16, y + 16))
    share = min(_CELL / picture.width, _CELL / picture.height)
    size = (max(1, round(picture.width * share)), max(1, round(picture.height * share)))
    small = picture.resize(size, Image.Resampling.LANCZOS if share < 1 else Image.Resampling.NEAREST)
    cell.paste(small, ((_CELL - size[0]) // 2, (_CELL - size[1]) // 2), small)
    return cell


def manifest_of_output(output: Path) -> Manifest:
    """Read the manifest of a finished run.

    Raises:
        PackError: there is none.
    """
    return read_manifest(OutputLayout(output).manifest)
