"""Previews: textures that just arrived, upscaled at once by a small model, as far as they can be without the others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from texpipe.analysis.inventory import SurveyedTexture, picture_of, read_again
from texpipe.analysis.survey import survey_scans
from texpipe.errors import TexpipeError
from texpipe.execution.executors import LocalExecutor
from texpipe.formats.contract import Picture
from texpipe.imaging.image_files import encode_png
from texpipe.live.memory_store import MemoryStore
from texpipe.options import RunOptions
from texpipe.planning.jobs import Workload
from texpipe.planning.planner import plan_jobs
from texpipe.planning.run_models import dialled, find_models
from texpipe.read.scan import scan_files
from texpipe.recipe.schema import Recipe

PREVIEW_MODEL = "texpipe-x4-preview"
"""Name of the model that makes previews."""
_PARTNERS = {"_rgb": "_a", "_a": "_rgb"}
"""Ends of the names of a texture's colours and of its alpha, which old dumps have in two files."""


@dataclass(frozen=True)
class Previews:
    """What became of some files.

    Attributes:
        pictures: the finished textures.
        unreadable: texture name -> why it cannot be read; it may be half-written.
        file_of: texture name -> the file that it is in.
        sha256: texture name -> hex digest of its file's bytes, of those that can be read.
    """

    pictures: tuple[Picture, ...]
    unreadable: Mapping[str, str]
    file_of: Mapping[str, Path]
    sha256: Mapping[str, str]


class Previewer:
    """Makes previews.

    Args:
        options: those of the run that refines them later; its rules decide, but not on the model.

    Raises:
        ModelError: the model for previews is missing.
    """

    def __init__(self, options: RunOptions) -> None:
        recipe = _with_preview_model(options.recipe)
        self._options = options
        self._models = find_models(recipe)
        self._recipe = dialled(recipe, self._models)
        self._executor = LocalExecutor(options.device, options.precision, options.memory)

    def prepare(self) -> None:
        """Begin to load the model, so that the first texture does not wait for it."""
        self._executor.prepare(self._models.paths()[()])

    def make(self, files: Sequence[Path]) -> Previews:
        """Make previews of the textures in some files.

        Args:
            files: below the inputs.

        Raises:
            DeviceError: the device failed for good.
        """
        roots = self._options.inputs
        wanted = [[one for one in files if one.is_relative_to(root)] for root in roots]
        scans = [
            scan_files(root, _with_partners(some), stp=self._recipe.stp)
            for root, some in zip(roots, wanted, strict=True)
        ]
        seen = survey_scans(roots, scans, self._recipe, workers=1, memory=self._options.memory)
        ids = self._models.engine_id((), self._executor.engine())
        work = plan_jobs(seen, self._recipe, ids)
        store = MemoryStore()
        failed = {
            piece.item.source.name: done.reason
            for done in self._executor.compute(work, store, self._models.paths())
            if done.reason is not None
            for piece in done.job.pieces
        }
        unreadable = {one.source.name: one.reason for one in seen.failures} | failed
        sources = (*(item.source for item in seen.items), *(one.source for one in seen.failures))
        return Previews(
            tuple(_pictures(seen.items, work, store)),
            unreadable,
            {source.name: source.file for source in sources},
            {item.source.name: item.sha256 for item in seen.items},
        )


def _pictures(items: Sequence[SurveyedTexture], work: Workload, store: MemoryStore) -> Iterator[Picture]:
    for item in items:
        piece = work.piece_of.get(item.source.name)
        if item.plan.action == "copy":
            try:
                png = encode_png(read_again(item).rgba)
            except TexpipeError:  # it changed, and so it comes again
                continue
        elif piece is None or (made := store.get(piece.key)) is None:
            continue
        else:
            png = made.png
        yield picture_of(item, hashlib.sha256(png).hexdigest(), partial(bytes, png))


def _with_preview_model(recipe: Recipe) -> Recipe:
    rules = tuple(rule.model_copy(update={"model": None, "detail": None}) for rule in recipe.rules)
    return recipe.model_copy(update={"model": (PREVIEW_MODEL,), "detail": None, "rules": rules, "groups": ()})


def _with_partners(files: Sequence[Path]) -> list[Path]:
    """Return the files, and of textures in two files the other one."""
    both = dict.fromkeys(files)
    for file in files:
        for end, other in _PARTNERS.items():
            if file.stem.endswith(end):
                both[file.with_stem(file.stem.removesuffix(end) + other)] = None
    return list(both)
