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
from typing import Any, TypeVar

from texpipe.errors import PackError
from texpipe.formats.contract import PackFormat, Picture, Placed
from texpipe.imaging.image_files import decode_made, encode_png
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
from texpipe.progress import Progress
from texpipe.recipe.targets import Target
from texpipe.storage.keys import key_of
from texpipe.storage.results import ResultStore
from texpipe.system.cpu import available_cores

_Seen = TypeVar("_Seen")

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
    """Textures that are written at one scale, the choices that they have, the full scale first, and if they are all."""

    members: tuple[Placed, ...]
    choices: tuple[Choice, ...]
    is_fixed: bool


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
        among = f" ({fixed} in full: made by hand, copied, kept or too small to be reduced)" if fixed else ""
        return PackError(
            f"{self.target.name}: the pack cannot be as small as {self.budget:,} bytes. "
            f"With every texture at its least scale{among} it takes {least:,}",
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
        progress: called after each set of textures that is looked at.

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
        sets = _each(threads, work.full, members, progress)
        fitting = Fitting(target, tuple(pictures), sets, work, bytes_beside(layout, placed), budget)
        if fitting.full > budget:
            return replace(fitting, sets=_each(threads, work.choices, sets, progress))
    return fitting


def _each(
    threads: ThreadPoolExecutor,
    look: Callable[[_Seen], _Set],
    some_seen: Sequence[_Seen],
    progress: Callable[[Progress], None],
) -> tuple[_Set, ...]:
    """Look at all sets of textures, many at once, and tell of each."""
    found: list[_Set] = []
    waiting = iter(some_seen)
    while some := list(islice(waiting, _AT_A_TIME)):
        for one in threads.map(look, some):
            found.append(one)
            progress(Progress("fit", len(found), len(some_seen)))
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
        kept = [self._is_kept(one) for one in members]
        size = self._sum(members, [self._bytes_of(*pair) for pair in zip(members, kept, strict=True)])
        is_fixed = any(kept) or not all(map(self._is_made, members))
        return _Set(tuple(members), (Choice(members[0].picture.scale, size, 0.0),), is_fixed)

    def choices(self, full: _Set) -> _Set:
        """Return a set with all scales that it can be written at."""
        choices = list(full.choices)
        for factor in () if full.is_fixed else _factors(full.members):
            made, levels = zip(*(self.reduced(one, factor) for one in full.members), strict=True)
            if not all(map(self._is_loadable, made)):
                break
            loss = sum(lost * _texels(one.picture) for one, lost in zip(made, levels, strict=True))
            size = self._sum(made, [self._bytes_of(one, False) for one in made])
            choices.append(Choice(made[0].picture.scale, size, loss))
        return replace(full, choices=tuple(choices))

    def _sum(self, members: Sequence[Placed], sizes: Sequence[int]) -> int:
        """Return the bytes of all: equal pictures are one file where names share files."""
        if not self.layout.shares_files:
            return sum(sizes)
        return sum({one.picture.sha256: size for one, size in zip(members, sizes, strict=True)}.values())

    def _bytes_of(self, one: Placed, is_kept: bool) -> int:
        if is_kept:
            return (self.folder.output / path_inside(self.target, one.path)).lstat().st_size
        with self._turn(one.picture):
            return self.sizes.of(self.target, self.layout, one)

    def _turn(self, picture: Picture) -> AbstractContextManager[object]:
        """Return what to hold while a picture is looked at: large ones one after the other."""
        return self.alone if picture.size[0] * picture.size[1] > _LARGE_PIXELS else nullcontext()

    def _is_kept(self, one: Placed) -> bool:
        """Return whether the file in a texture's place is somebody's, and kept."""
        if self.layout.archive is not None or self.layout.game_files is not None:
            return False
        path, digest = path_inside(self.target, one.path), None if self.layout.render else one.picture.sha256
        return self.folder.keeps(path, digest, one.picture.source.name) is not None

    def _is_made(self, one: Placed) -> bool:
        """Return whether a texture's pixels are a result: neither copied nor made by hand."""
        piece = self.run.work.piece_of.get(one.picture.source.name)
        is_result = piece is not None and piece.item.plan.is_computed
        return is_result and one.picture.source.name not in self.run.work.made_by_hand

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
    rgba = decode_made(picture.read(), name=picture.source.name)
    reduced = smaller(rgba, factor, picture)
    loss = levels_lost(rgba, reduced, picture)
    return store.put(key, encode_png(reduced), {"loss": loss}).sha256, loss, key


def _texels(picture: Picture) -> int:
    width, height = picture.source_size
    return width * height
