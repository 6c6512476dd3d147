"""The page and the sheet of a comparison: a folder that any browser opens from the disk, and one picture."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from texpipe import __version__
from texpipe.compare.choices import Choices, choices_of, of_all
from texpipe.compare.making import Comparison, Made
from texpipe.compare.sheet import Row, sheet_of
from texpipe.errors import PackError, TexpipeError
from texpipe.execution.job_io import load_input
from texpipe.imaging.image_files import decode, encode_png, encode_signed_png
from texpipe.passes.assemble import join_enlarged
from texpipe.planning.jobs import Job, SplitPictureJob
from texpipe.progress import in_words
from texpipe.recipe.load import MAX_BYTES
from texpipe.report.page import asset, page_of
from texpipe.storage.atomic import write_atomic
from texpipe.storage.keys import key_of
from texpipe.storage.results import ResultStore
from texpipe.storage.small_files import MissingFileError, RefusedFileError, read_json
from texpipe.texture import Edges, Rgba8

PAGE, SHEET, NOTES = "index.html", "sheet.png", "comparison.json"
"""Names of the files in the folder of a comparison."""
_OF_REPORT = ("report.css", "theme.js", "dom.js", "texts.js", "stage.js")
_OWN = ("compare.css", "compare.js")
_PICTURE = re.compile(r"[0-9a-f]{24}\.png")
_MAX_NOTES = 1 << 20
"""Size in bytes of the largest file of notes that is read."""


@dataclass(frozen=True)
class Shown:
    """What was written.

    Attributes:
        page: open it in a browser.
        sheet: all pictures in one.
        columns: for each column its label, licences, the seconds of the whole dump and the lines that take it for all.
        example: lines of rules that take one column for some textures.
        failures: a line for each picture that could not be made.
    """

    page: Path
    sheet: Path
    columns: tuple[dict[str, Any], ...]
    example: tuple[str, ...]
    failures: tuple[str, ...]


def write_comparison(comparison: Comparison) -> Shown:
    """Write the page, the sheet and the notes of a comparison into its folder.

    Raises:
        PackError: they cannot be written.
        SourceError: none of the pictures could be made.
    """
    folder, rows = comparison.order.output, list(_rows(comparison))
    choices = choices_of(comparison, MAX_BYTES)
    columns = tuple(_columns(comparison, folder / NOTES))
    pictures = _Pictures(folder / "pictures")
    textures = [_texture(row, choices, pictures) for row in rows]
    data = {
        "recipe": comparison.order.recipe.name,
        "file": None if comparison.order.recipe_file is None else comparison.order.recipe_file.name,
        "scale": comparison.order.recipe.scale,
        "place": _place(choices),
        "columns": [{name: one[name] for name in ("label", "licences", "time", "all")} for one in columns],
        "kinds": _kinds(rows, choices),
        "textures": textures,
    }
    _write_sheet(folder / SHEET, rows, [one["label"] for one in columns])
    _write_page(folder, data)
    write_atomic(folder / NOTES, json.dumps({"texpipe": __version__, "columns": columns}, indent=1).encode())
    pictures.remove_others()
    return Shown(folder / PAGE, folder / SHEET, columns, tuple(_example(data)), tuple(_failures(comparison)))


@dataclass(frozen=True)
class _Row:
    """A picture by all columns: in their order, a result or the reason why there is none."""

    job: Job
    source: Rgba8
    results: tuple[Rgba8 | str, ...]

    @property
    def name(self) -> str:
        """The texture that a rule about it names."""
        return self.job.pieces[0].item.source.name

    @property
    def title(self) -> str:
        """What it is called."""
        return self.job.split.group.name if isinstance(self.job, SplitPictureJob) else self.name

    @property
    def kind(self) -> str | None:
        """What it shows, where classify is sure."""
        return self.job.pieces[0].item.kind.kind

    @property
    def edges(self) -> Edges:
        """What lies beyond its borders; a joined picture ends there."""
        return Edges() if isinstance(self.job, SplitPictureJob) else self.job.plan.edges


def _rows(comparison: Comparison) -> Iterator[_Row]:
    """Yield the pictures in the order of the dump; of one that cannot be read any more there is none."""
    first, *_ = comparison.columns
    for name, job in first.jobs.items():
        try:
            source = load_input(job)
        except TexpipeError:
            continue
        yield _Row(job, source, tuple(_result(made, name, comparison.store) for made in comparison.columns))


def _result(made: Made, name: str, store: ResultStore) -> Rgba8 | str:
    if name in made.reasons:
        return made.reasons[name]
    job = made.jobs.get(name)
    found = [] if job is None else [store.get(piece.key) for piece in job.pieces]
    pngs = [one.png for one in found if one is not None]
    if job is None or len(pngs) < len(job.pieces):
        return "its result is missing from the store"
    pictures = [decode(png, name=name)[0] for png in pngs]
    if not isinstance(job, SplitPictureJob):
        return pictures[0]
    names = [piece.item.source.name for piece in job.pieces]
    return join_enlarged(job.split.layout, dict(zip(names, pictures, strict=True)), job.plan.scale)


def _columns(comparison: Comparison, notes: Path) -> Iterator[dict[str, Any]]:
    """Yield what is known of each column; the pace of an earlier run where all pictures were there already."""
    known = _paces(notes)
    for made in comparison.columns:
        weights = [file.weights for file in made.column.models.own]
        key = key_of("pace", made.engine, made.column.label, *weights)
        pace = known.get(key) if made.pace is None else made.pace
        yield {
            "label": made.column.label,
            "licences": made.column.licences,
            "settings": made.column.settings,
            "all": of_all(made.column.settings),
            "key": key,
            "seconds_per_texel": pace,
            "seconds": None if pace is None else round(pace * made.whole, 3),
            "time": None if pace is None else in_words(pace * made.whole),
        }


def _paces(notes: Path) -> dict[str, float]:
    """Return what an earlier comparison measured; nothing where there is none that can be read."""
    try:
        found = read_json(notes, _MAX_NOTES)
    except (MissingFileError, RefusedFileError):
        return {}
    columns = found.get("columns") if isinstance(found, dict) else None
    paces: dict[str, float] = {}
    for one in columns if isinstance(columns, list) else []:
        pace = one.get("seconds_per_texel") if isinstance(one, dict) else None
        if isinstance(one, dict) and isinstance(pace, float):
            paces[str(one.get("key"))] = pace
    return paces


class _Pictures:
    """Writes pictures under names made of their digests, so that no name of a file reaches the page's addresses."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._used = folder, set[str]()

    def add(self, rgba: Rgba8) -> str:
        """Write a picture; return the name of its file."""
        png = encode_png(rgba)
        name = f"{hashlib.sha256(png).hexdigest()[:24]}.png"
        write_atomic(self._folder / name, png, fsync=False)
        self._used.add(name)
        return name

    def remove_others(self) -> None:
        """Remove the pictures of earlier comparisons."""
        for path in self._folder.glob("*.png"):
            if path.name not in self._used and _PICTURE.fullmatch(path.name):
                path.unlink(missing_ok=True)


def _texture(row: _Row, choices: Choices, pictures: _Pictures) -> dict[str, Any]:
    results = [
        {"missing": one} if isinstance(one, str) else {"file": pictures.add(one)} for one in row.results
    ]
    columns = choices.comparison.columns
    return {
        "title": row.title,
        "kind": row.kind,
        "size": [row.source.shape[1], row.source.shape[0]],
        "edges": {"x": row.edges.x, "y": row.edges.y},
        "before": pictures.add(row.source),
        "results": results,
        "rules": [choices.of_texture(row.name, made.column.settings) for made in columns],
    }


def _kinds(rows: list[_Row], choices: Choices) -> dict[str, list[list[str]]]:
    """Return for each kind among the pictures the rules that take each column for all textures of it."""
    columns = choices.comparison.columns
    kinds = dict.fromkeys(row.kind for row in rows if row.kind is not None)
    return {kind: [choices.of_kind(kind, made.column.settings) for made in columns] for kind in kinds}


def _place(choices: Choices) -> str:
    """Return where rules go: below a line that is there, into brackets, or below a line of their own."""
    if not choices.rules:
        return "new"
    return "brackets" if choices.behind else "below"


def _example(data: Mapping[str, Any]) -> list[str]:
    """Return rules that take the last column: for a kind, or else for the first picture."""
    for rules in (*data["kinds"].values(), *(texture["rules"] for texture in data["textures"])):
        return list(rules[-1])
    return []


def _failures(comparison: Comparison) -> Iterator[str]:
    for made in comparison.columns:
        for name, reason in made.reasons.items():
            yield f"{name}, {made.column.label}: {reason}"


def _write_sheet(file: Path, rows: list[_Row], labels: list[str]) -> None:
    shown = [Row(row.source, row.results, row.edges) for row in rows]
    write_atomic(file, encode_signed_png(sheet_of(shown, labels)))


def _write_page(folder: Path, data: Mapping[str, Any]) -> None:
    own = files("texpipe.compare")
    text = page_of((own / "templates" / "index.html").read_text("utf-8"), data=data, texpipe=__version__)
    for name in _OF_REPORT:
        write_atomic(folder / name, asset(name), fsync=False)
    for name in _OWN:
        write_atomic(folder / name, (own / "static" / name).read_bytes(), fsync=False)
    write_atomic(folder / PAGE, text.encode("ascii", "xmlcharrefreplace"))


def require_own(folder: Path) -> None:
    """Check that a folder is empty, missing, or that of an earlier comparison.

    Raises:
        PackError: it is somebody else's.
    """
    from texpipe.manifest.output_folder import is_output_folder

    if folder.is_dir() and any(folder.iterdir()) and not is_output_folder(folder):
        raise PackError(
            f"{folder} is there and has files that are not texpipe's",
            hint="Move it away, or name another --output.",
        )
