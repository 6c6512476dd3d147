"""The report: one static folder that any browser opens from the disk, made from a finished pack's manifest."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texpipe.errors import PackError
from texpipe.manifest.file import read_manifest
from texpipe.progress import Progress
from texpipe.report.finished_pack import chosen
from texpipe.report.page_data import facts_of_pack, facts_of_textures, fold_duplicates
from texpipe.report.pictures import PictureFolder
from texpipe.report.sources import Dump, dump_of
from texpipe.report.stamp import head_of_report, pack_of_report, write_stamp
from texpipe.storage.atomic import write_atomic
from texpipe.storage.layout import OutputLayout
from texpipe.storage.links import require_own_folders

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

log = logging.getLogger(__name__)

_SCRIPTS = (
    "dom.js",
    "texts.js",
    "reasons.js",
    "viewer.js",
    "textures.js",
    "filters.js",
    "list.js",
    "stage.js",
    "facts.js",
    "controls.js",
    "page.js",
)
"""The page's scripts in loading order; `theme.js` is loaded before all, so that the page never flashes."""
ASSETS = ("report.css", "theme.js", *_SCRIPTS)


def write_report(
    output: Path,
    *,
    names: Sequence[str] = (),
    progress: Callable[[Progress], None] = lambda _: None,
) -> Path:
    """Write the report of a finished pack to `output`/report; return its index.html.

    The folder is complete: it can be moved, sent and opened anywhere. Sources that are gone or have changed since the
    run are shown as missing, unless an earlier report kept them.

    Args:
        output: the folder of a finished run.
        names: the textures to show; all if empty.
        progress: called after each texture.

    Raises:
        PackError: the folder holds no finished run, a name is not in it, or the report cannot be written.
    """
    folder = OutputLayout(output).report
    require_own_folders(output, [folder.name])
    _require_own(folder / "index.html")
    manifest = read_manifest(OutputLayout(output).manifest)
    entries = chosen(manifest, names)
    pictures = PictureFolder(
        folder / "pictures", output, _dump_of(output, {entry.source for entry in entries})
    )
    folded = fold_duplicates(entries)
    textures = []
    for done, facts in enumerate(facts_of_textures(folded, pictures), start=1):
        textures.append(facts)
        progress(Progress("write", done, len(folded)))
    made_of = pack_of_report(output)
    page = render({"pack": facts_of_pack(manifest) | made_of, "textures": textures})
    for name in ASSETS:
        write_atomic(folder / name, asset(name), fsync=False)
    write_atomic(folder / "index.html", page.encode("ascii", "xmlcharrefreplace"))
    write_stamp(output, made_of["manifest"])
    pictures.remove_others()
    return folder / "index.html"


def _require_own(page: Path) -> None:
    """Check that a page that is there is an earlier report.

    Raises:
        PackError: it is somebody else's.
    """
    if head_of_report(page) is None and os.path.lexists(page):
        raise PackError(
            f"{page} is there and not texpipe's", hint="Move the folder report/ away; then try again."
        )


def render(data: dict[str, Any]) -> str:
    """Return the page's HTML.

    Args:
        data: `pack` and `textures` of `page_data`, JSON-able; `pack` with what `pack_of_report` says.
    """
    template = (_own_files() / "templates" / "index.html").read_text("utf-8")
    return page_of(template, data=data, pack=data["pack"], scripts=_SCRIPTS)


def page_of(template: str, **values: object) -> str:
    """Return the HTML of a page that shows file names.

    File names are untrusted. Everything in the template is escaped by jinja2, the data cannot end its script element
    because <, >, & and ' are escaped in it, and the page's policy forbids inline scripts.

    Args:
        template: the page.
        values: what it shows.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(template).render(**values)


def asset(name: str) -> bytes:
    """Return a style sheet or a script of the report, by its file name."""
    return (_own_files() / "static" / name).read_bytes()


def _own_files() -> Traversable:
    return files("texpipe.report")


def _dump_of(output: Path, names: Collection[str]) -> Dump | str:
    """Return the sources, or why they are missing, without the path: reports are shown to strangers."""
    try:
        return dump_of(output, names)
    except PackError as error:
        log.warning("%s", error.message)
        return "the input folder is gone"
