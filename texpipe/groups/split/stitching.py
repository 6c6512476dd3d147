"""From groups to joined pictures: which of the run's textures make each picture, and which are cut out of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from texpipe.analysis.cache import AnalysisCache
from texpipe.analysis.inventory import SurveyedTexture, read_again
from texpipe.analysis.pool import analyse_joined
from texpipe.errors import SourceError, TexpipeError
from texpipe.passes.assemble import Layout, join, lay_out
from texpipe.recipe.rules import decide
from texpipe.recipe.schema import Recipe
from texpipe.relations import Box, Group, Spot
from texpipe.texture import AxisGuess, Plan, Rgba8


@dataclass(frozen=True)
class SplitPicture:
    """A split picture that can be put together.

    Attributes:
        group: its declaration, with the names that the textures have here.
        layout: the positions of all pieces.
        plan: how the whole picture is upscaled.
        made: the pieces that are cut out of the result.
        lent: pieces that only contribute texels: another picture makes them, or they are not upscaled at all.
    """

    group: Group
    layout: Layout
    plan: Plan
    made: tuple[SurveyedTexture, ...]
    lent: tuple[SurveyedTexture, ...] = ()

    @property
    def members(self) -> tuple[SurveyedTexture, ...]:
        """All pieces that are in the input."""
        return (*self.made, *self.lent)

    @property
    def inside(self) -> Box:
        """The part of the joined pieces that is the picture."""
        left, top, right, bottom = self.group.margins
        width, height = self.layout.size
        return Box(left, top, width - left - right, height - top - bottom)

    def spot(self, name: str) -> Spot:
        """Return where a piece lies, for the manifest."""
        place = self.layout.first_places()[name]
        return Spot(place.column, place.row, place.x, place.y, self.layout.size, self.group.why)

    def picture(self) -> Rgba8:
        """Read all pieces again and join them.

        Raises:
            SourceError: a piece cannot be read, or is not what it was.
        """
        return join(self.layout, {item.source.name: read_again(item).rgba for item in self.members})


@dataclass(frozen=True)
class SplitPictures:
    """All split pictures of a run; `notes` are warnings by texture name, `warnings` are about whole groups."""

    joins: tuple[SplitPicture, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def make_joins(
    items: Sequence[SurveyedTexture],
    groups: Iterable[Group],
    recipe: Recipe,
    cache: AnalysisCache | None = None,
) -> SplitPictures:
    """Return the pictures that can be joined, in the order of the groups.

    A piece that several pictures share is made by the first of them and only contributes its texels to the others. A
    picture with a missing piece is joined without it. Where joining fails, the pieces are upscaled one by one, with a
    note on each.

    Args:
        items: the surveyed textures.
        groups: the split pictures. A file is a texture's name, or its file name alone where only one has that.
        recipe: its rules plan the joined pictures.
        cache: known analyses of joined pictures; new ones are added. None analyses all of them anew.
    """
    known = AnalysisCache() if cache is None else cache
    by_name = {item.source.name: item for item in items}
    find = finder(by_name)
    joins: list[SplitPicture] = []
    notes: dict[str, str] = {}
    warnings: list[str] = []
    taken: set[str] = set()
    for declared in groups:
        group = replace(declared, files=tuple(map(find, declared.files)))
        present = [by_name[name] for name in dict.fromkeys(group.files) if name in by_name]
        if not present:
            warnings.append(f"group {group.name}: the run writes none of its files")
            continue
        if all(item.source.name in taken for item in present):
            warnings.append(f"group {group.name}: earlier groups already join all of its files in the input")
            continue
        try:
            joined = _join(group, present, taken, recipe, known)
        except TexpipeError as error:
            notes |= {
                item.source.name: f"not joined as part of {group.name}: {error.message}" for item in present
            }
            continue
        joins.append(joined)
        taken.update(item.source.name for item in joined.made)
        notes |= _missing(group, present)
    return SplitPictures(tuple(joins), notes, tuple(warnings))


def finder(by_name: Mapping[str, SurveyedTexture]) -> Callable[[str], str]:
    """Return a function from a declared file to a texture's name; other tools list files without a folder."""
    count = Counter(name.rpartition("/")[2] for name in by_name)
    by_file_name = {file: name for name in by_name if count[file := name.rpartition("/")[2]] == 1}
    return lambda file: file if file in by_name else by_file_name.get(file, file)


def _join(
    group: Group,
    present: Sequence[SurveyedTexture],
    taken: set[str],
    recipe: Recipe,
    cache: AnalysisCache,
) -> SplitPicture:
    made = tuple(item for item in present if item.plan.is_computed and item.source.name not in taken)
    lent = tuple(item for item in present if item not in made)
    if not made:
        raise SourceError("all of its pieces are made by other groups or not upscaled")
    if len(present) == 1:
        raise SourceError(f"only its piece {present[0].source.name} is in the input")
    layout = lay_out(group, {item.source.name: item.size for item in present})
    undecided = SplitPicture(group, layout, made[0].plan, made, lent)
    if min(undecided.inside.width, undecided.inside.height) < 1:
        raise SourceError("its margins cover the whole picture", hint="Correct the margins of the group.")
    plan = _plan(undecided, recipe, cache)
    if not plan.is_computed:
        raise SourceError(f"the joined picture is not to be upscaled ({plan.decided_by.action})")
    return replace(undecided, plan=plan)


def _plan(joined: SplitPicture, recipe: Recipe, cache: AnalysisCache) -> Plan:
    """Plan the picture as a whole; rules match the name of the first piece that is made, and the whole's size."""
    first = read_again(joined.made[0])
    picture = joined.picture()[joined.inside.rows, joined.inside.columns]
    seen = analyse_joined(replace(first, rgba=picture), cache)
    ends = AxisGuess("clamp", 1.0, "a joined picture ends at its borders")
    facts = replace(seen.facts, x=ends, y=ends)
    return decide(recipe, first.source.name, seen.size, facts)


def _missing(group: Group, present: Sequence[SurveyedTexture]) -> dict[str, str]:
    names = {item.source.name for item in present}
    missing = [name for name in dict.fromkeys(group.files) if name not in names]
    if not missing:
        return {}
    others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    note = f"joined as part of {group.name}, of which {missing[0]}{others} is missing"
    return dict.fromkeys(names, note)
