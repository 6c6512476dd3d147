"""The store keys of all textures as a run of the draft would have them, planned while the page goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Mapping

from texpipe.planning.planner import plan_jobs
from texpipe.planning.run_models import dialled
from texpipe.recipe.schema import Recipe
from texpipe.studio.dump import Dump
from texpipe.studio.workshop import Workshop

_WAITED_FOR = 2_000
"""Number of textures of the largest dump whose plan is waited for: it is made in a fraction of a second."""

_CALM = 2.0
"""Seconds without a decision after which a larger dump is planned: decisions come in series, and are in a hurry."""


class PlannedKeys:
    """Plans what a run of the draft would make of the whole dump, in a thread of its own.

    For a large dump that takes seconds, and every decision may change it: no decision waits for it, and who asks for a
    key meanwhile hears that it is not known yet.

    Args:
        workshop: the recipe and its dump.
        engine: what determines results beside pixels, plan and weights.
    """

    def __init__(self, workshop: Workshop, engine: str) -> None:
        self._workshop = workshop
        self._engine = engine
        self._changed = threading.Condition()
        self._planned: Hashable = None
        self._keys: Mapping[str, str] | Exception = {}
        self._is_planning = False

    def key(self, name: str) -> str | None:
        """Return the key of a texture; None if it has none, or the draft as it is now is not planned yet.

        Raises:
            TexpipeError: a run could not be planned.
        """
        wanted = self._workshop.state()
        with self._changed:
            if self._planned != wanted and not self._is_planning:
                self._is_planning = True
                threading.Thread(target=self._plan, name="planning", daemon=True).start()
            if len(self._workshop.dump.rules) <= _WAITED_FOR:
                self._changed.wait_for(lambda: self._planned == wanted or not self._is_planning)
            if self._planned != wanted:
                return None
            if isinstance(self._keys, Exception):
                raise self._keys
            return self._keys.get(name)

    def _plan(self) -> None:
        """Plan until nothing was decided meanwhile."""
        while self._is_planning:
            self._wait_for_calm()
            with self._workshop.lock:
                state, dump, recipe = (
                    self._workshop.state(),
                    self._workshop.dump,
                    self._workshop.loaded.recipe,
                )
            try:
                keys: Mapping[str, str] | Exception = self._keys_of(dump, recipe)
            except Exception as error:  # whoever asks for a key raises it again
                keys = error
            with self._changed:
                self._planned, self._keys = state, keys
                self._is_planning = state != self._workshop.state()
                self._changed.notify_all()

    def _wait_for_calm(self) -> None:
        state: Hashable = None
        while len(self._workshop.dump.rules) > _WAITED_FOR and state != self._workshop.state():
            state = self._workshop.state()
            time.sleep(_CALM)

    def _keys_of(self, dump: Dump, recipe: Recipe) -> dict[str, str]:
        models = self._workshop.models.of(recipe)
        recipe = dialled(recipe, models)
        ids = models.engine_id((), self._engine), models.engine_ids(self._engine)
        work = plan_jobs(dump.planned(recipe), recipe, ids[0], self._workshop.cache, ids[1])
        return {name: piece.key for name, piece in work.piece_of.items()}
