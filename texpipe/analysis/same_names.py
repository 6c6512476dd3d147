"""Textures of several inputs that have one name: which of them counts."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from texpipe.analysis.inventory import Fingerprint, SurveyedTexture, Unreadable
from texpipe.analysis.neighbours import Kin
from texpipe.classify.analysis import Analysis
from texpipe.texture import Source, Winner

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A texture of one of several inputs.

    Attributes:
        place: of its input among all, counted from 0.
        texture: what was read, with the name of the input.
        fingerprint: of its pixels; None if it cannot be read.
        rule: number of the rule that matches it, 0 if none does.
        kin: what its neighbours need to know of it, if it has any.
        analysis: all that is known of it, where the rule that matches may change with its neighbours.
    """

    place: int
    texture: SurveyedTexture | Unreadable
    fingerprint: Fingerprint | None = None
    rule: int = 0
    kin: Kin | None = None
    analysis: Analysis | None = None

    @property
    def name(self) -> str:
        """The texture's name."""
        return self.texture.source.name


def one_of_each_name(found: Sequence[Candidate], winner: Winner) -> list[Candidate]:
    """Return one texture for each name, with a note of the inputs that have other pixels under that name.

    Args:
        found: textures of all inputs.
        winner: which one counts where pixels differ; of equal ones the first does.
    """
    return [_chosen(rivals, winner) for rivals in _groups(found, lambda one: one.name)]


def _chosen(rivals: Sequence[Candidate], winner: Winner) -> Candidate:
    readable = [one for one in rivals if one.fingerprint is not None]
    best = _ranked(readable or rivals, winner)[0]
    if not readable:
        return best
    others = {_input(one) for one in readable if _pixels(one) != _pixels(best)}
    if not others:
        best = readable[0]
    texture = best.texture
    assert isinstance(texture, SurveyedTexture)
    instead_of = tuple(_input(one) for one in readable if _input(one) in others)
    damaged = tuple(
        f"{_input(one)} has it, too, but there it cannot be read: {one.texture.reason}"
        for one in rivals
        if isinstance(one.texture, Unreadable)
    )
    if not instead_of and not damaged:
        return best
    origin = replace(texture.origin, instead_of=instead_of)
    return replace(best, texture=replace(texture, origin=origin, warnings=(*texture.warnings, *damaged)))


def winners_first(
    items: Sequence[SurveyedTexture], inputs: Sequence[str], winner: Winner
) -> list[SurveyedTexture]:
    """Order textures that an emulator may not tell apart so that the one which counts is the first of them.

    Their names differ, such as those of one dump with its folders and of another one without, and a pack takes the
    first of those that its emulator looks up by one key.

    Args:
        items: textures of all inputs in the order of their names.
        inputs: the inputs' names.
        winner: which one counts.
    """
    ordered = list(items)
    named = [(number, item) for number, item in enumerate(items) if item.source.emulator is not None]
    for group in _groups(named, lambda pair: pair[1].source.emulator):
        if len({item.origin.input for _, item in group}) > 1:
            rivals = [Candidate(inputs.index(item.origin.input), item) for _, item in group]
            for (number, _), one in zip(group, _ranked(rivals, winner), strict=True):
                assert isinstance(one.texture, SurveyedTexture)
                ordered[number] = one.texture
    return ordered


def _ranked(rivals: Sequence[Candidate], winner: Winner) -> list[Candidate]:
    """Return textures in the order in which they count."""
    if len(rivals) == 1 or winner == "first":
        return sorted(rivals, key=lambda one: one.place)
    if winner == "last":
        return sorted(rivals, key=lambda one: -one.place)
    return sorted(rivals, key=lambda one: (-_modified(one.texture.source), -one.place))


def _modified(source: Source) -> int:
    """Return when a texture was written, in nanoseconds; 0 if nobody knows."""
    times = [0]
    for file in (source.file, source.alpha_file):
        with suppress(OSError):
            times += [] if file is None else [file.stat().st_mtime_ns]
    return max(times)


def _groups(values: Iterable[T], key: Callable[[T], Hashable]) -> list[list[T]]:
    """Return values that have one key together, in the order in which the keys appear."""
    groups: dict[Hashable, list[T]] = {}
    for value in values:
        groups.setdefault(key(value), []).append(value)
    return list(groups.values())


def _pixels(one: Candidate) -> str:
    assert one.fingerprint is not None
    return one.fingerprint.pixels


def _input(one: Candidate) -> str:
    return one.texture.origin.input
