"""Refining: a run over the whole dump, whose results go into the emulator's folder as they are finished."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from texpipe.analysis.inventory import SurveyedTexture, picture_of
from texpipe.errors import TexpipeError
from texpipe.formats.contract import Picture
from texpipe.live.delivery import Delivery
from texpipe.live.destination import Destination
from texpipe.live.events import Event
from texpipe.live.installation import carry_out, plan_installation, without_others
from texpipe.live.installed_files import InstallationRecord
from texpipe.options import RunOptions
from texpipe.output.result import RunResult
from texpipe.pipeline import run_recipe
from texpipe.planning.jobs import JobResult
from texpipe.planning.run_plan import RunPlan
from texpipe.progress import Progress
from texpipe.storage.results import ResultStore

Tell = Callable[[Event], None]

_STEP_SECONDS = 0.25
"""Least time between two steps of a stage that are told, in seconds; the last one always is."""


@dataclass(frozen=True)
class Refinement:
    """A run that is asked for.

    Attributes:
        options: of the run.
        place: where its pack goes.
    """

    options: RunOptions
    place: Destination


def refine(asked: Refinement, tell: Tell) -> None:
    """Run, put each finished texture into the emulator's folder, and at the end the whole pack.

    Files in the folder that are not the pack's stay. What fails is told as a problem.

    Args:
        asked: what to do.
        tell: called with each event, at last with `idle` or `problem`.
    """
    try:
        known = InstallationRecord(asked.place.folder).read()
        options = replace(asked.options, given=time.monotonic())
        result = run_recipe(options, progress=_steps(tell), finished=_Finished(asked, tell))
        changes = plan_installation(asked.options.output, asked.place, known)
        if changes.others:
            tell(Event("kept", count=len(changes.others), text=changes.others[0]))
        for line in changes.links:
            tell(Event("problem", text=line))
        carry_out(without_others(changes))
    except TexpipeError as error:
        tell(Event("problem", text=str(error), hint=error.hint, ends_run=True))
        return
    for line in (*result.warnings, *result.problems):
        tell(Event("problem", text=line))
    tell(Event("idle", count=_written(result), seconds=result.seconds, ends_run=True))


def _written(result: RunResult) -> int:
    return result.manifest.summary.written + result.manifest.summary.copied


def _steps(tell: Tell) -> Callable[[Progress], None]:
    last = -_STEP_SECONDS

    def step(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if progress.done == progress.total or now - last >= _STEP_SECONDS:
            last = now
            tell(Event("progress", count=progress.done, total=progress.total, text=progress.stage))

    return step


class _Finished:
    """Puts the textures of finished jobs into the emulator's folder, where each is a file of its own."""

    def __init__(self, asked: Refinement, tell: Tell) -> None:
        options, place = asked.options, asked.place
        target = next(one for one in options.recipe.targets if one.name == place.target)
        self._delivery = Delivery(target, place.folder, options.output.absolute())
        self._tell = tell
        self._textures: dict[str, list[SurveyedTexture]] | None = None

    def __call__(self, run: RunPlan, done: JobResult) -> None:
        if not self._delivery.is_one_by_one:
            return
        if self._textures is None:
            self._textures = _textures_by_key(run)
        pictures = [
            one
            for piece in done.job.pieces
            for item in self._textures.get(piece.key, ())
            if (one := _picture(item, piece.key, run.store)) is not None
        ]
        if names := self._delivery.put(pictures):
            self._tell(Event("refined", tuple(names)))


def _textures_by_key(run: RunPlan) -> dict[str, list[SurveyedTexture]]:
    found: defaultdict[str, list[SurveyedTexture]] = defaultdict(list)
    for item in run.seen.items:
        piece = run.work.piece_of.get(item.source.name)
        if piece is not None and item.source.name not in run.left_out:
            found[piece.key].append(item)
    return dict(found)


def _picture(item: SurveyedTexture, key: str, store: ResultStore) -> Picture | None:
    stored = store.get(key)
    return None if stored is None else picture_of(item, stored.sha256, partial(bytes, stored.png))
