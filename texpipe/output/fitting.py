"""A pack within a budget: the textures that lose least by it are written at a smaller scale.

The results in the store stay as they are, so another budget computes no network. Smaller pictures are kept in the store
beside them, with what they lose.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import islice
from types import MappingProxyType
from typing import Any

from texpipe.errors import PackError
from texpipe.formats.contract import PackFormat, Picture, Placed
from texpipe.imaging.image_files import decode, encode_png
from texpipe.output.choice import Choice, least_lossy, least_size
from texpipe.output.known_sizes import KnownSizes
from texpipe.output.stored import StoredPicture
from texpipe.output.together import together
from texpipe.packs.ownership import PackFolder
from texpipe.packs.pack import configured, place
from texpipe.packs.sizes import bytes_beside
from texpipe.packs.writers import path_inside
from texpipe.passes.smaller import levels_lost, smaller
from texpipe.planning.run_plan import RunPlan
from texpipe.progress import Progress, in_bytes
from texpipe.recipe.targets import Target
from texpipe.storage.keys import key_of
from texpipe.storage.results import ResultStore
from texpipe.system.cpu import available_cores

_VERSION = 1
"""Number of how pictures are made smaller and their losses measured: smaller pictures of another one are made anew."""
_MAX_THREADS = 8
_LARGE_PIXELS = 1 << 20
"""Pixels of a picture that is looked at alone, as several of such would take much memory."""
_AT_A_TIME = 256
"""Number of textures that are given to the threads at once."""


@dataclass(frozen=True)
class Lost:
    """What a texture lost that was made smaller: its scale, levels as `levels_lost` has them, texels of its source."""

    scale: int
    levels: float
    texels: int


@dataclass(frozen=True)
class Fit:
    """How a pack is brought within a budget.

    Attributes:
        target: its name.
        budget: bytes that it may have.
        full: bytes that it would have at the recipe's scale, about.
        size: bytes that it has.
        lost: texture name -> what it lost, of those that are smaller than the recipe asks for.
    """

    target: str
    budget: int
    full: int
    size: int
    lost: Mapping[str, Lost] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def mean_loss(self) -> float:
        """Levels that the textures which are made smaller lose on average, weighted by their texels."""
        texels = sum(one.texels for one in self.lost.values())
        return sum(one.levels * one.texels for one in self.lost.values()) / texels if texels else 0.0

    def by_scale(self) -> dict[int, int]:
        """Return how many textures are smaller, by their scale, the largest scale first."""
        return dict(sorted(Counter(one.scale for one in self.lost.values()).items(), reverse=True))

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "budget": self.budget,
            "full": self.full,
            "size": self.size,
            "smaller": {str(scale): count for scale, count in self.by_scale().items()},
            "mean_loss": round(self.mean_loss, 4),
        }


@dataclass(frozen=True, slots=True)
class _Set:
    """Textures that are written at one scale, and the choices that they have, the full scale first."""

    members: tuple[Placed, ...]
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Fitting:
    """All that is known of a target's textures before it is decided how large each is written.

    Attributes:
        target: the target.
        pictures: at the recipe's scale, in the order of the pack.
        sets: those of them that have a place in it.
        work: makes smaller ones.
        beside: bytes of the pack that belong to no texture.
        budget: bytes that it may have.
    """

    target: Target
    pictures: tuple[Picture, ...]
    sets: tuple[_Set, ...]
    work: _Work
    beside: int
    budget: int

    @property
    def full(self) -> int:
        """Bytes of the pack at the recipe's scale."""
        return self.beside + sum(one.choices[0].size for one in self.sets)

    def within(self, limit: int) -> tuple[list[Picture], dict[str, Lost]]:
        """Return the pictures to write and what those that are smaller lose.

        Args:
            limit: bytes that the pack should have at most, as far as it can be known before.

        Raises:
            PackError: there is no way to keep the budget.
        """
        chosen = least_lossy([one.choices for one in self.sets], limit - self.beside)
        if chosen is None:
            raise self._impossible()
        made: dict[str, Picture] = {}
        lost: dict[str, Lost] = {}
        for one, choice in zip(self.sets, chosen, strict=True):
            factor = one.choices[0].scale // choice.scale
            for member in one.members if factor > 1 else ():
                smaller_one, levels = self.work.reduced(member, factor)
                name, picture = member.picture.source.name, smaller_one.picture
                made[name], lost[name] = picture, Lost(picture.scale, levels, _texels(picture))
        return [made.get(picture.source.name, picture) for picture in self.pictures], lost

    def _impossible(self) -> PackError:
        least = self.beside + least_size([one.choices for one in self.sets])
        fixed = sum(len(one.choices) == 1 for one in self.sets)
        among = (
            f", {fixed} of them in full: made by hand, copied, kept or too small to be reduced"
            if fixed
            else ""
        )
        return PackError(
            f"{self.target.name}: the pack cannot be as small as {in_bytes(self.budget)}. "
            f"With every texture at its least scale{among} it takes {in_bytes(least)}",
            hint="Give a larger budget, leave textures out by rules with `action: skip`, or write another container. "
            "The results are kept: the next run computes nothing again.",
        )


def fitting_of(
    run: RunPlan,
    target: Target,
    pictures: Sequence[Picture],
    folder: PackFolder,
    sizes: KnownSizes,
    progress: Callable[[Progress], None],
) -> Fitting:
    """Find out how large the textures of a target's pack are, and if they are too large what smaller ones would lose.

    Args:
        run: what was planned, with a budget.
        target: the target.
        pictures: all pictures, in stable order.
        folder: the output folder, which may hold files that are kept.
        sizes: what is known of the bytes of textures in packs; it learns.
        progress: called after each texture that is looked at.

    Raises:
        PackError: a picture cannot be had, or the store cannot be written.
    """
    budget = run.order.recipe.budget
    assert budget is not None, "the caller has looked"
    layout = configured(target)
    placed = tuple(place(target, layout, pictures, {}))
    work = _Work(run, target, layout, folder, sizes)
    members = together(placed, run.work)
    with ThreadPoolExecutor(min(available_cores(), _MAX_THREADS), "fit") as threads:
        sets = _each(threads, work.full, members, len(placed), progress)
        fitting = Fitting(target, tuple(pictures), sets, work, bytes_beside(layout, placed), budget)
        if fitting.full > budget:
            return replace(fitting, sets=_each(threads, work.choices, members, len(placed), progress))
    return fitting


def _each(
    threads: ThreadPoolExecutor,
    look: Callable[[Sequence[Placed]], _Set],
    members: Sequence[Sequence[Placed]],
    textures: int,
    progress: Callable[[Progress], None],
) -> tuple[_Set, ...]:
    """Look at all sets of textures, many at once, and tell of each."""
    found: list[_Set] = []
    done, waiting = 0, iter(members)
    while some := list(islice(waiting, _AT_A_TIME)):
        for looked_at, one in zip(some, threads.map(look, some), strict=True):
            found.append(one)
            progress(Progress("fit", done := done + len(looked_at), textures))
    return tuple(found)


@dataclass(frozen=True)
class _Work:
    """Looks at the textures of one target."""

    run: RunPlan
    target: Target
    layout: PackFormat
    folder: PackFolder
    sizes: KnownSizes
    alone: threading.Lock = field(default_factory=threading.Lock)

    def full(self, members: Sequence[Placed]) -> _Set:
        """Return a set that has no choice but the recipe's scale."""
        return _Set(tuple(members), (Choice(members[0].picture.scale, self._bytes(members), 0.0),))

    def choices(self, members: Sequence[Placed]) -> _Set:
        """Return a set with all scales that it can be written at."""
        full = self.full(members)
        if not all(map(self._may_change, members)):
            return full
        choices = list(full.choices)
        for factor in _factors(members):
            made = [self.reduced(one, factor) for one in members]
            if not all(self._is_loadable(one) for one, _ in made):
                break
            loss = sum(levels * _texels(one.picture) for one, levels in made)
            choices.append(Choice(made[0][0].picture.scale, self._bytes([one for one, _ in made]), loss))
        return replace(full, choices=tuple(choices))

    def _bytes(self, members: Sequence[Placed]) -> int:
        each = [(one.picture.sha256, self._bytes_of(one)) for one in members]
        return sum(dict(each).values()) if self.layout.shares_files else sum(size for _, size in each)

    def _bytes_of(self, one: Placed) -> int:
        if self._keeper(one) is not None:
            return (self.folder.output / path_inside(self.target, one.path)).lstat().st_size
        with self._turn(one.picture):
            return self.sizes.of(self.target, self.layout, one)

    def _turn(self, picture: Picture) -> AbstractContextManager[object]:
        """Return what to hold while a picture is looked at: large ones one after the other."""
        return self.alone if picture.size[0] * picture.size[1] > _LARGE_PIXELS else nullcontext()

    def _keeper(self, one: Placed) -> str | None:
        """Return whose the file in a texture's place is, if it is kept there."""
        if self.layout.archive is not None or self.layout.game_files is not None:
            return None
        path, digest = path_inside(self.target, one.path), None if self.layout.render else one.picture.sha256
        return self.folder.keeps(path, digest, one.picture.source.name)

    def _may_change(self, one: Placed) -> bool:
        """Return whether a texture may be made smaller: nobody made it, and its pixels are a result."""
        name = one.picture.source.name
        piece = self.run.work.piece_of.get(name)
        made = piece is not None and piece.item.plan.action in ("upscale", "nearest")
        return made and name not in self.run.work.made_by_hand and self._keeper(one) is None

    def _is_loadable(self, one: Placed) -> bool:
        picture = one.picture
        return not self.layout.problems(one.path, picture.source_size, picture.size, picture.scale)

    def reduced(self, one: Placed, factor: int) -> tuple[Placed, float]:
        """Return a texture as much smaller, and the levels that it loses; what was made before is in the store.

        Raises:
            PackError: its picture cannot be had, or the store cannot be written.
        """
        picture = one.picture
        with self._turn(picture):
            digest, loss, key = _kept_smaller(self.run.store, picture, factor)
        width, height = picture.size
        made = replace(
            picture,
            scale=picture.scale // factor,
            size=(width // factor, height // factor),
            sha256=digest,
            read=StoredPicture(self.run.store, key),
        )
        return replace(one, picture=made), loss


def _factors(members: Iterable[Placed]) -> Iterator[int]:
    """Yield 2, 4 and so on, up to the scale of the textures."""
    most = min(one.picture.scale for one in members)
    factor = 2
    while factor <= most:
        yield factor
        factor *= 2


def _kept_smaller(store: ResultStore, picture: Picture, factor: int) -> tuple[str, float, str]:
    """Return the digest, the loss and the key of a picture made smaller, which is in the store then."""
    key = key_of("smaller", _VERSION, picture.sha256, factor, picture.alpha, picture.edges)
    known = store.record(key)
    if known is not None and isinstance(known.facts.get("loss"), float):
        return known.sha256, known.facts["loss"], key
    rgba, _, _ = decode(picture.read(), name=picture.source.name)
    reduced = smaller(rgba, factor, picture)
    loss = levels_lost(rgba, reduced, picture)
    return store.put(key, encode_png(reduced), {"loss": loss}).sha256, loss, key


def _texels(picture: Picture) -> int:
    width, height = picture.source_size
    return width * height
