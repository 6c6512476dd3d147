"""Kinds of files that hold several textures.

A picture in such a file is a source of its own. Its name is a path below the file's name, so it cannot be mistaken
for another file.
"""

from __future__ import annotations

from collections.abc import Mapping

from texpipe.read.archives import SUFFIX, ZIP
from texpipe.read.cache_files import CACHE
from texpipe.read.container import Container
from texpipe.read.o2r import O2R
from texpipe.read.tim_files import TIM

CONTAINERS: Mapping[str, Container] = {".o2r": O2R, ".tim": TIM, ".hts": CACHE, ".htc": CACHE}
"""How each kind of file is listed and read, by suffix in lower case."""

INPUTS: Mapping[str, Container] = {**CONTAINERS, SUFFIX: ZIP}
"""What an input may be besides a folder or a picture: in a dump's folders, zip files are left alone."""
