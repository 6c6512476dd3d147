"""The parts of long work by name, each with its time when it is done, and a page that shows a training's sheets."""

from __future__ import annotations

import html
import os
import time
from pathlib import Path
from urllib.parse import quote

import click

from texpipe.cli.console import Console
from texpipe.progress import in_words

_REFRESH_SECONDS = 5
"""Time after which the page looks for a newer sheet."""


_PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="{seconds}">
<title>{title} · texpipe finetune</title>
<style>
body {{ margin: 20px; font: 14px/1.45 system-ui, sans-serif; }}
img {{ max-width: 100%; }}
</style>
<h1>{title}</h1>
<p>From left to right: low resolution, bicubic, the network before, as it is now, the original.</p>
<a href="{source}"><img src="{source}" alt="The sheet of {title} in its full size"></a>
</html>
"""
"""The page of a training; braces are doubled where they are CSS."""


class Phases:
    """Says which part of the work begins, and how long the one before took.

    Args:
        console: for people.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._name, self._began = "", 0.0

    def __call__(self, name: str) -> None:
        """Begin a part."""
        self.end()
        self._name, self._began = name, time.monotonic()
        self._console.say(f"{name} ...")

    def end(self) -> None:
        """Say how long the last part took."""
        if self._name:
            self._console.say(f"{self._name}: {in_words(time.monotonic() - self._began)}")
        self._name = ""


class Preview:
    """A page in the output folder that shows the newest sheet of a training and looks for the next by itself.

    Args:
        folder: the output folder.
    """

    def __init__(self, folder: Path) -> None:
        self._page = folder / "preview.html"
        self._opened = False

    def __call__(self, sheet: Path) -> None:
        """Show a sheet, and open the page with the first one."""
        from texpipe.storage.atomic import write_atomic

        source = quote(Path(os.path.relpath(sheet, self._page.parent)).as_posix())
        page = _PAGE.format(seconds=_REFRESH_SECONDS, title=html.escape(sheet.parent.name), source=source)
        write_atomic(self._page, page.encode())
        if not self._opened:
            self._opened = True
            click.launch(self._page.resolve().as_uri())
