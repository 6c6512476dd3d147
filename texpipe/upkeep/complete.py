"""Completion: the gaps of a pack are filled in its own style, and nothing that is there is changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, TypeAlias

from texpipe.analysis.cache import AnalysisCache
from texpipe.analysis.inventory import picture_of
from texpipe.analysis.survey import survey
from texpipe.errors import PackError, TexpipeError
from texpipe.execution.executors import executor_for
from texpipe.formats import known_targets
from texpipe.formats.contract import Picture
from texpipe.imaging.image_files import encode_png
from texpipe.options import RunOptions
from texpipe.packs.pack import configured, place, write_pack
from texpipe.planning.planner import plan_jobs
from texpipe.planning.result_keys import PIXELS_VERSION
from texpipe.planning.run_models import dialled, find_models
from texpipe.planning.sample import only_of
from texpipe.progress import Progress
from texpipe.recipe.schema import DEFAULT_MODEL, Recipe
from texpipe.recipe.targets import Target, context_of
from texpipe.storage.atomic import sync_disk, write_new
from texpipe.storage.keys import key_of
from texpipe.storage.layout import OutputLayout
from texpipe.storage.lock import Lock
from texpipe.storage.results import ResultStore
from texpipe.storage.stale_parts import remove_parts_of
from texpipe.storage.whole_folder import whole_folder
from texpipe.upkeep.any_pack import AnyPack, open_pack
from texpipe.upkeep.completed import RECORD, WAYS, Filled, Record, UsedModel, read_record, write_record
from texpipe.upkeep.coverage import Coverage, coverage
from texpipe.upkeep.gaps import Gap, Gaps, find_gaps, picture_like, usual_scale
from texpipe.upkeep.places import Folders, require_fillable
from texpipe.upkeep.port import TARGET_OF_SCHEME, target_for
from texpipe.upkeep.port import Wish as PortWish
from texpipe.upkeep.provenance import Makers
from texpipe.upkeep.style import PRESET, Style, Watchers, Wish, learn_style

SCHEMA = "texpipe.complete/1"
Step: TypeAlias = Callable[[Progress], None]

_SCALES = (16, 8, 4, 2, 1)
"""Scales that a run can make, the largest first."""


@dataclass(frozen=True)
class Order:
    """What is asked for.

    Attributes:
        pack: folder or container of the pack.
        dumps: of its game.
        work: folder for the training, and for what is computed.
        output: folder for a pack of the gaps alone, which must not be there yet; None to fill the pack itself.
        style: False leaves the model as it is.
        base: the model that is adapted, and that fills the gaps where an adapted one is not better.
        scale: enlargement; None for the usual one of the hand-made pictures.
        target: emulator to write for, where the pack's names do not say it.
        container: one file instead of a folder, for `output`.
        steps, minutes: limits of the training.
        device: as `upscale.device.choose` takes it.
        preset: the training preset.
        perceptual: judge by LPIPS and DISTS if their weights are available.
    """

    pack: Path
    dumps: tuple[Path, ...]
    work: Path
    output: Path | None = None
    style: bool = True
    base: str = DEFAULT_MODEL
    scale: int | None = None
    target: str | None = None
    container: str | None = None
    steps: int | None = None
    minutes: float | None = None
    device: str = "auto"
    preset: str = PRESET
    perceptual: bool = True


@dataclass(frozen=True)
class Plan:
    """What a completion would do.

    Attributes:
        gaps: what is to be filled.
        scale: of the pictures that a model makes.
        target: emulator to write for.
        files: texture -> file that is written for it, below the pack.
        left_out: texture -> why it stays a gap.
        problems: what could not be read, one line each.
    """

    gaps: Gaps
    scale: int
    target: Target
    files: Mapping[str, str]
    left_out: Mapping[str, str]
    problems: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return everything as one JSON object."""
        return {
            "schema": SCHEMA,
            "summary": {how: self.gaps.count(how) for how in WAYS}
            | {"by_hand": len(self.gaps.by_hand), "wrong_name": len(self.gaps.wrong)},
            "scale": self.scale,
            "target": self.target.name,
            "gaps": [
                {
                    "texture": one.name,
                    "how": one.how,
                    "like": one.like.entry.name if one.like else None,
                    "file": self.files.get(one.name),
                }
                for one in self.gaps.gaps
            ],
            "wrong_name": list(self.gaps.wrong),
            "left_out": dict(self.left_out),
            "problems": list(self.problems),
        }


@dataclass(frozen=True)
class Completion:
    """What a completion did.

    Attributes:
        plan: what was to be done.
        filled: the files that were written.
        style: what became of learning the style; None where no model was needed.
        failed: texture -> why it could not be made or written.
    """

    plan: Plan
    filled: tuple[Filled, ...]
    style: Style | None
    failed: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return everything as one JSON object."""
        style = None
        if self.style is not None:
            style = {"model": str(self.style.model) if self.style.model else None, "said": self.style.said}
        filled = [one.model_dump(mode="json") for one in self.filled]
        return {**self.plan.as_json(), "style": style, "filled": filled, "failed": dict(self.failed)}


@dataclass(frozen=True)
class Completer:
    """A completion that is planned: `plan` says what it will do, `fill` does it."""

    order: Order
    plan: Plan
    _pack: AnyPack = field(repr=False)
    _analyses: AnalysisCache = field(repr=False)

    def learn(self, watchers: Watchers = Watchers()) -> Style | None:  # noqa: B008 - a frozen value
        """Adapt the model to the pack's own pictures; None where no gap needs a model.

        Args:
            watchers: who is told of the training.

        Raises:
            PackError: a folder cannot be written, or another process works in it.
            ModelError, UsageError: the base is missing or cannot be trained, or the pack cannot be filled in place.
            Interrupted: `watchers.stopped` said so; the same order continues.
        """
        order, gaps = self.order, self.plan.gaps
        self._require_place()
        if not gaps.count("upscaled"):
            return None
        if not order.style:
            return Style(None, "not asked for")
        wish = Wish(
            order.base, order.steps, order.minutes, order.device, order.preset, perceptual=order.perceptual
        )
        with Lock(order.work):
            return learn_style(gaps.by_hand, order.work, wish, watchers)

    def fill(self, style: Style | None, step: Step = lambda _: None) -> Completion:
        """Fill the gaps. The pack is written to when everything is made; its own files are never replaced.

        Args:
            style: what `learn` returned.
            step: called after each texture that a model makes.

        Raises:
            PackError: a folder cannot be written, or another process works in it.
            ModelError: the base is missing or damaged.
            UsageError: the pack cannot be filled in place.
        """
        self._require_place()
        with Lock(self.order.work):
            made = _Made()
            models = self._compute(style, made, step)
            for gap in self.plan.gaps.gaps:
                if gap.like is not None:
                    self._take(gap, made)
            output = self.order.output
            filled = (
                self._into_pack(made, models) if output is None else self._into_folder(output, made, models)
            )
        return Completion(self.plan, tuple(filled), style, made.failed)

    def _require_place(self) -> None:
        if self.order.output is None:
            require_fillable(self._pack)
        elif os.path.lexists(self.order.output):
            raise PackError(
                f"{self.order.output} is there already", hint="Give another name for the pack of the gaps."
            )

    def _compute(self, style: Style | None, made: _Made, step: Step) -> tuple[UsedModel, ...]:
        """Make the pictures for which no hand-made one can be taken; the store in the work folder keeps them."""
        gaps = {one.name: one for one in self.plan.gaps.gaps if one.like is None}
        if not gaps:
            return ()
        adapted = None if style is None else style.model
        model = self.order.base if adapted is None else str(adapted.resolve())
        recipe = _recipe(self.order, self.plan.target, self.plan.scale, model)
        models = find_models(recipe)
        recipe = dialled(recipe, models)
        seen = survey(self.order.dumps, recipe, cache=self._analyses)
        store = ResultStore(OutputLayout(self.order.work).store)
        with executor_for(_options(self.order, recipe)) as executor:
            whole = plan_jobs(seen, recipe, models.engine_id((), executor.engine()), self._analyses)
            work = only_of(whole, gaps)
            for number, done in enumerate(executor.compute(work, store, models.paths()), start=1):
                if done.reason is not None:
                    names = [piece.item.source.name for piece in done.job.pieces]
                    made.failed |= {name: done.reason for name in names if name in gaps}
                step(Progress("upscale", number, len(work.jobs), failed=len(made.failed)))
        for name, gap in gaps.items():
            piece = work.piece_of.get(name)
            if piece is not None and store.has(piece.key):
                by = models.main.name if gap.how == "upscaled" else None
                made.add(gap, store, piece.key, self.plan.scale, by)
            elif name not in made.failed:
                made.failed[name] = "could not be made"
        return tuple(UsedModel(name=one.name, sha256=one.sha256, licence=one.licence) for one in models.all())

    def _take(self, gap: Gap, made: _Made) -> None:
        """Make a picture of a hand-made one."""
        assert gap.like is not None, "the caller has looked"
        store = ResultStore(OutputLayout(self.order.work).store)
        try:
            digests = gap.like.entry.digest(), gap.like.item.sha256, gap.item.sha256
            rgba = picture_like(gap, self.plan.scale)
        except TexpipeError as error:
            made.failed[gap.name] = error.message
            return
        key = key_of("completed", gap.how, *digests, self.plan.scale, PIXELS_VERSION)
        store.put(key, encode_png(rgba), {})
        made.add(gap, store, key, max(1, rgba.shape[1] // gap.item.size[0]), None)

    def _into_pack(self, made: _Made, models: Sequence[UsedModel]) -> list[Filled]:
        """Put pictures into the pack, each as a whole and only where nothing is."""
        root, files = self._pack.root, self.plan.files
        wanted = {name: one.filled(files[name]) for name, one in made.pictures.items() if name in files}
        if not wanted:
            return []
        before = read_record(root)
        remove_parts_of([root / RECORD, *(root / one.file for one in wanted.values())])
        # The record comes first: a file that a stop left without an entry would pass for somebody's work.
        write_record(root, before.with_more(wanted.values(), models))
        written = []
        for name, filled in wanted.items():
            try:
                write_new(root / filled.file, made.pictures[name].read())
            except FileExistsError:
                made.failed[name] = f"{filled.file} is there already"
            else:
                written.append(filled)
        if len(written) < len(wanted):
            write_record(root, before.with_more(written, models))
        sync_disk()
        return written

    def _into_folder(self, output: Path, made: _Made, models: Sequence[UsedModel]) -> list[Filled]:
        """Write a pack of the gaps alone, with its record, below `output`/<target>."""
        with whole_folder(output) as folder:
            pack = write_pack(self.plan.target, [one.picture() for one in made.pictures.values()], folder)
            start = f"{self.plan.target.name}/"
            filled = [
                made.pictures[name].filled(outputs[0].path.removeprefix(start))
                for name, outputs in pack.outputs.items()
            ]
            write_record(folder / start, Record().with_more(filled, models))
        made.failed.update(pack.left_out)
        return filled


@dataclass(frozen=True)
class _MadePicture:
    """A finished picture: digest and bytes of its PNG, enlargement, and the name of the model that made it, if any."""

    gap: Gap
    sha256: str
    read: Callable[[], bytes]
    scale: int
    model: str | None

    def picture(self) -> Picture:
        """Return it as packs take it."""
        return _picture(self.gap, self.scale, self.sha256, self.read)

    def filled(self, file: str) -> Filled:
        """Return its entry in the record."""
        like = self.gap.like.entry.name if self.gap.like else None
        return Filled(
            file=file,
            texture=self.gap.name,
            sha256=self.sha256,
            how=self.gap.how,
            like=like,
            model=self.model,
        )


@dataclass
class _Made:
    """Finished pictures by texture, and why others could not be made."""

    pictures: dict[str, _MadePicture] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def add(self, gap: Gap, store: ResultStore, key: str, scale: int, model: str | None) -> None:
        stored = store.get(key)
        if stored is None:
            self.failed[gap.name] = "was made, but the store has lost it"
            return
        self.pictures[gap.name] = _MadePicture(gap, stored.sha256, partial(_png, store, key), scale, model)


def _png(store: ResultStore, key: str) -> bytes:
    stored = store.get(key)
    if stored is None:
        raise PackError(f"the store in {store.root} has lost a picture", hint="Run again.")
    return stored.png


def _picture(gap: Gap, scale: int, sha256: str = "", read: Callable[[], bytes] = bytes) -> Picture:
    width, height = gap.item.size
    found = picture_of(gap.item, sha256, read)
    return replace(found, scale=scale, size=(width * scale, height * scale))


def plan_completion(order: Order, step: Step = lambda _: None) -> Completer:
    """Find the gaps of a pack, and what they can be filled with; nothing is written.

    Args:
        order: what is asked for.
        step: called after each texture.

    Raises:
        PackError: there is no such pack, or its files or its record cannot be read.
        SourceError: a dump is missing or cannot be listed.
        UsageError: the target has no such container.
    """
    pack = open_pack(order.pack)
    read_record(pack.root)  # one that cannot be read is said now, not when everything is made
    covered = coverage(pack, order.dumps, target=order.target, progress=step)
    makers, analyses = Makers.of(pack.root), AnalysisCache()
    target = _target(pack, covered, order)
    seen = survey(order.dumps, _recipe(order, target, 1, order.base), cache=analyses, progress=step)
    gaps = find_gaps(pack, covered, seen, makers)
    scale = order.scale or _scale(gaps)
    left_out = dict(gaps.left_out)
    files = {name: str(path) for name, path in _places(pack, covered, gaps, target, scale, left_out)}
    kept = tuple(one for one in gaps.gaps if one.name in files)
    problems = (*pack.problems, *(f"{name}: {why}" for name, why in covered.unreadable.items()))
    plan = Plan(replace(gaps, gaps=kept), scale, target, files, left_out, problems)
    return Completer(order, plan, pack, analyses)


def _recipe(order: Order, target: Target, scale: int, model: str) -> Recipe:
    content = {
        "version": 1,
        "name": "completion",
        "input": [str(dump) for dump in order.dumps],
        "on_conflict": "first",
        "output": str(order.work),
        "model": (model,),
        "scale": scale,
        "targets": (target,),
    }
    return Recipe.model_validate(content, context=context_of(known_targets()))


def _options(order: Order, recipe: Recipe) -> RunOptions:
    return RunOptions(recipe, "", order.dumps, order.work, device=order.device)


def _scale(gaps: Gaps) -> int:
    """Return the enlargement that most hand-made pictures have, or the next smaller one that a run can make."""
    usual = next(iter(usual_scale(gaps.by_hand)), 4)
    return next(scale for scale in _SCALES if scale <= usual)


def _target(pack: AnyPack, covered: Coverage, order: Order) -> Target:
    """Return what to write: what is asked for, else what the pack's names are for, else those of the dump."""
    names = [name for texture in pack.textures for name in texture.names]
    names = names or [one.emulator for one in covered.sources.values() if one.emulator is not None]
    if order.target is None and not any(name.scheme in TARGET_OF_SCHEME for name in names):
        return target_for(names, PortWish("folder", container=order.container))
    return target_for(names, PortWish(order.target, container=order.container))


def _places(
    pack: AnyPack, covered: Coverage, gaps: Gaps, target: Target, scale: int, left_out: dict[str, str]
) -> Iterator[tuple[str, PurePosixPath]]:
    """Yield where the file of each gap goes below the pack; `left_out` is told why others have no place."""
    pictures = [_picture(one, scale) for one in gaps.gaps]
    folder_of = Folders(pack, covered)
    for one in place(target, configured(target), pictures, left_out):
        yield one.picture.source.name, folder_of(one)
