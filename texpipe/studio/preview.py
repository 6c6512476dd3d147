"""Pictures of textures: as they are in the dump, as they were made, and as they would be made."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from pydantic import ValidationError

from texpipe.analysis.inventory import SurveyedTexture, read_again
from texpipe.errors import SourceError, UsageError
from texpipe.execution.executors import LocalExecutor
from texpipe.imaging.image_files import decode, encode_png
from texpipe.planning.jobs import ResultRef, SingleTexture, Workload
from texpipe.planning.result_keys import content_with_model, engine_id_for, plan_key
from texpipe.planning.run_models import RunModels, dialled
from texpipe.recipe.models import with_models
from texpipe.recipe.rules import plan_by
from texpipe.recipe.schema import Recipe, Rule
from texpipe.storage.keys import key_of
from texpipe.storage.layout import OutputLayout
from texpipe.storage.results import ResultStore
from texpipe.studio.decisions import Settings, merged, require_known
from texpipe.studio.planned_keys import PlannedKeys
from texpipe.studio.workshop import Workshop
from texpipe.texture import Rgba8


@dataclass(frozen=True)
class Made:
    """A PNG, and whether it was there already."""

    png: bytes
    cached: bool


class Previews:
    """Makes pictures for the page; the network stays loaded between them.

    Args:
        workshop: the recipe and its dump.
    """

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._executor = LocalExecutor(workshop.options.device, workshop.options.precision)
        self._store = ResultStore(OutputLayout(workshop.options.output).store)
        self._computing = threading.Lock()

    @cached_property
    def _engine(self) -> str:
        return self._executor.engine()

    @cached_property
    def _keys(self) -> PlannedKeys:
        return PlannedKeys(self._workshop, self._engine)

    def warm_up(self) -> None:
        """Begin to load the recipe's model, in a thread of its own."""
        self._executor.prepare(self._workshop.models.of(self._workshop.loaded.recipe).paths()[()])

    def result(self, name: str, side: int | None = None) -> bytes | None:
        """Return what a run makes of a texture as the draft decides, if that was made already; else None.

        None, too, while a large dump is planned: `preview` has what is made of the texture alone.

        Raises:
            SourceError: there is no such texture.
        """
        self._workshop.dump.item(name)
        key = self._keys.key(name)
        found = None if key is None else self._store.get(key)
        if found is None:
            return None
        return reduced(found.png, side)

    def preview(self, name: str, settings: Settings) -> Made:
        """Return a texture made in another setting, by itself: without its variants, frames and pieces.

        Args:
            name: the texture.
            settings: as in a decision; what they leave out stays as it is decided.

        Raises:
            UsageError: a setting is impossible.
            SourceError: there is no such texture, or it cannot be made.
            ModelError, DeviceError: as a run.
        """
        if settings:
            require_known(settings)
        item = self._workshop.dump.item(name)
        recipe, models = self._setting(name, settings)
        plan = plan_by(1, recipe, self._workshop.dump.facts(name))
        if plan.action == "skip":
            raise SourceError(f"{name} is left out, so there is nothing to see")
        if plan.action == "copy":
            return Made(source_picture(item), cached=False)
        job = self._job(replace(item, plan=plan), models)
        cached = self._store.get(job.result.key)
        return Made(cached.png, cached=True) if cached else Made(self._compute(job, models), cached=False)

    def _setting(self, name: str, settings: Settings) -> tuple[Recipe, RunModels]:
        """Return the recipe with the one rule that decides about a texture in a setting, and its models."""
        workshop = self._workshop
        try:
            rule = Rule.model_validate({"match": {}, **merged(workshop.raw_rule(name), settings)})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise UsageError(f"{where}: {first['msg']}") from error
        recipe = workshop.loaded.recipe
        alone = Recipe.default().model_copy(update={"models": recipe.models, "rules": (rule,)})
        rules = with_models(alone, workshop.loaded.path.parent).rules
        whole = recipe.model_copy(update={"rules": rules})
        models = workshop.models.of(whole)
        return dialled(whole, models), models

    def _job(self, item: SurveyedTexture, models: RunModels) -> SingleTexture:
        """Return the job of one texture under the key that a run gives it."""
        pixels = self._workshop.dump.seen.fingerprints[item.source.name].pixels
        base = key_of("texture", pixels, plan_key(item.plan))
        ids = {(): models.engine_id((), self._engine), **models.engine_ids(self._engine)}
        key = key_of(base, *engine_id_for(item.plan, ids))
        return SingleTexture(ResultRef(item, key), content_with_model(base, item.plan))

    def _compute(self, job: SingleTexture, models: RunModels) -> bytes:
        with self._computing:
            for one in self._executor.compute(Workload((job,)), self._store, models.paths()):
                if one.reason is not None:
                    raise SourceError(f"{job.result.item.source.name}: {one.reason}")
        made = self._store.get(job.result.key)
        if made is None:
            raise SourceError("the preview could not be kept", hint="Check that the disk has room.")
        return made.png


def source_picture(item: SurveyedTexture, side: int | None = None) -> bytes:
    """Return a texture as it is in the dump, as a PNG whose longer side is at most `side` pixels.

    Raises:
        SourceError: it cannot be read any more.
    """
    return encode_png(_within(read_again(item).rgba, side))


def reduced(png: bytes, side: int | None) -> bytes:
    """Return a picture as it is, or with its longer side at most `side` pixels long."""
    return png if side is None else encode_png(_within(decode(png, name="a result")[0], side))


def _within(rgba: Rgba8, side: int | None) -> Rgba8:
    """Return a picture reduced by whole factors until its longer side is at most `side`: every n-th texel is shown."""
    if side is None or max(rgba.shape[:2]) <= side:
        return rgba
    step = -(-max(rgba.shape[:2]) // side)
    return np.ascontiguousarray(rgba[::step, ::step])


def settings_of(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a query names; numbers and lists of models are read as a recipe reads them."""
    known = {name: value for name, value in query.items() if name not in ("name", "size", "v", "what")}
    if " > " in str(known.get("model", "")):
        known["model"] = known["model"].split(" > ")
    if "detail" in known:
        try:
            known["detail"] = float(known["detail"])
        except ValueError as error:
            raise UsageError(f"detail: {known['detail']!r} is no number from 0 to 1") from error
    return {name: (None if value == "" else value) for name, value in known.items()}
