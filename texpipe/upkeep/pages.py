"""Pages about packs: a folder with `index.html`, the report's looks and its own pictures, opened from the disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from texpipe import __version__
from texpipe.errors import PackError
from texpipe.imaging.digest import pixel_digest
from texpipe.imaging.image_files import encode_png
from texpipe.report.stamp import head_of_report
from texpipe.storage.atomic import write_atomic
from texpipe.texture import Rgba8

_OF_REPORT = ("report.css", "theme.js", "dom.js")
_OWN = ("upkeep.css", "upkeep.js")
_MAX_SIDE = 512
"""Largest side of a picture on a page, in pixels: larger ones are reduced, a whole number of times."""


@dataclass
class PageFolder:
    """A folder that a page is written to.

    Attributes:
        folder: replaced as far as it is an earlier page.
    """

    folder: Path
    _pictures: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        page = self.folder / "index.html"
        if self.folder.exists() and not self.folder.is_dir():
            raise PackError(f"{self.folder} is a file", hint="Give the name of a folder for the page.")
        if head_of_report(page) is None and os.path.lexists(page):
            raise PackError(f"{page} is there and not texpipe's", hint="Give another folder for the page.")

    def picture(self, rgba: Rgba8) -> str:
        """Write a picture, H x W x 4 uint8, and return its address on the page."""
        step = -(-max(rgba.shape[:2]) // _MAX_SIDE)
        shown = np.ascontiguousarray(rgba[::step, ::step])
        name = f"{pixel_digest(shown, hidden=True)[:_DIGITS]}.png"
        if name not in self._pictures:
            write_atomic(self.folder / "pictures" / name, encode_png(shown), fsync=False)
            self._pictures.add(name)
        return f"pictures/{name}"

    def write(self, template: str, data: Mapping[str, Any]) -> Path:
        """Write the page and return its path; pictures of an earlier one that this one does not show are removed.

        Args:
            template: file name in `templates/`; everything in it is escaped.
            data: what it shows.
        """
        from jinja2 import DictLoader, Environment, StrictUndefined

        own, report = files("texpipe.upkeep"), files("texpipe.report")
        texts = {name: (own / "templates" / name).read_text("utf-8") for name in ("page.html", template)}
        environment = Environment(
            loader=DictLoader(texts),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        page = environment.get_template(template).render(version=__version__, **data)
        for package, names in ((report, _OF_REPORT), (own, _OWN)):
            for name in names:
                write_atomic(self.folder / name, (package / "static" / name).read_bytes(), fsync=False)
        write_atomic(self.folder / "index.html", page.encode("ascii", "xmlcharrefreplace"))
        for path in (self.folder / "pictures").glob("*.png"):
            if path.name not in self._pictures and len(path.stem) == _DIGITS:
                path.unlink(missing_ok=True)
        return self.folder / "index.html"


_DIGITS = 24
"""Number of hex digits in the names of pictures."""
