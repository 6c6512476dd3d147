"""A pack in which each texture shows its number, and the textures that a screenshot of it shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from texpipe.analysis.inventory import SurveyedTexture, read_again
from texpipe.analysis.survey import survey
from texpipe.errors import SourceError, TexpipeError
from texpipe.imaging.image_files import decode, save_png, size_of
from texpipe.options import RunOptions
from texpipe.output.result import RunResult
from texpipe.pipeline import run_recipe
from texpipe.planning.texture_names import title_of
from texpipe.probe.codes import CodeBook
from texpipe.probe.numbers import Numbers, write_numbers
from texpipe.probe.painting import blank, has_room, painted
from texpipe.probe.reading import read_screen
from texpipe.progress import Progress
from texpipe.read.decode import MAX_BYTES
from texpipe.storage.small_files import read_small
from texpipe.texture import Rgba8

Watch = Callable[[Progress], None]

_MOST_PIXELS = 40_000_000
"""Number of pixels that a screenshot may have, somewhat more than a screen of 7,680 x 4,320: reading takes many times
its memory."""


@dataclass(frozen=True)
class ProbePack:
    """A pack that shows numbers.

    Attributes:
        result: of the run that wrote it.
        numbered: how many textures have a number.
        too_small: the textures that have no room for their code.
        unknown: names that were asked for and are of no texture.
    """

    result: RunResult
    numbered: int
    too_small: tuple[str, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class OnScreen:
    """What screenshots show.

    Attributes:
        shares: texture name -> its part of all pixels, 0 to 1, the largest first.
        unread: part of the pixels that have the hue of a code and could not be read.
    """

    shares: dict[str, float]
    unread: float


def probe_output(options: RunOptions) -> Path:
    """Return the output folder of the pack that shows numbers, beside that of the recipe."""
    return options.output.with_name(f"{options.output.name}-probe")


def write_probe(
    options: RunOptions, only: Sequence[str] = (), *, progress: Watch = lambda _: None
) -> ProbePack:
    """Write a pack for the recipe's targets in which each texture shows its number as digits and as a colour code.

    Args:
        options: of the recipe; its rules do not count, and its output is left alone.
        only: names of the textures that get a number; the fewer, the shorter the codes. Others become grey. None: all.
        progress: called at every step forward.

    Raises:
        SourceError: the dump cannot be read, or none of the named textures is in it.
        UsageError: there are more textures than codes.
        PackError: a file cannot be written.
    """
    plain = options.recipe.model_copy(update={"rules": (), "groups": ()})
    items = survey(
        options.inputs, plain, exclude=options.output, memory=options.memory, progress=progress
    ).items
    chosen = frozenset(only)
    names = [item.source.name for item in items if not only or item.source.name in chosen]
    if not names:
        raise SourceError(
            "there is no texture to give a number to",
            hint="Check the dump, and the names in the file of --only.",
        )
    output = probe_output(options)
    with TemporaryDirectory(prefix="texpipe-") as folder:
        too_small = _paint_all(Path(folder), items, names, progress)
        run = replace(options, recipe=plain, output=output, overrides=(Path(folder),), first=(), sample=None)
        result = run_recipe(run, progress=progress)
    write_numbers(output, names)
    unknown = tuple(name for name in only if name not in set(names))
    return ProbePack(result, len(names), tuple(too_small), unknown)


def _paint_all(
    folder: Path, items: Sequence[SurveyedTexture], names: Sequence[str], progress: Watch
) -> list[str]:
    """Write the pictures of all textures as pictures made by hand; return the textures without room for a code."""
    book, too_small = CodeBook(len(names)), []
    number_of = {name: number for number, name in enumerate(names, start=1)}
    for done, item in enumerate(items, start=1):
        name = item.source.name
        with suppress(SourceError):  # it is gone, or was changed: the run says so
            texels, scale = read_again(item).rgba, item.plan.scale
            number = number_of.get(name)
            if number is None:
                picture = blank(texels, scale)
            elif has_room((item.size[0] * scale, item.size[1] * scale), ring := book.rings[number - 1]):
                picture = painted(texels, scale, ring, number)
            else:
                picture = blank(texels, scale)
                too_small.append(name)
            save_png(folder / f"{title_of(name)}.png", picture)
        progress(Progress("paint", done, len(items)))
    return too_small


def look(shots: Sequence[Path], numbers: Numbers) -> OnScreen:
    """Return which textures screenshots show.

    Args:
        shots: files of pictures; the share of a texture is that in all of them together.
        numbers: of the pack that was on the screen.

    Raises:
        SourceError: a file cannot be read as a picture, or is larger than any screen.
    """
    return _joined((_picture(file) for file in shots), len(shots), numbers)


def look_at(data: bytes, numbers: Numbers) -> OnScreen:
    """Return which textures one screenshot shows, given as the bytes of its file; otherwise as `look`."""
    return _joined([_decoded(data, "the screenshot", "")], 1, numbers)


def _joined(pictures: Iterable[Rgba8], count: int, numbers: Numbers) -> OnScreen:
    shares: defaultdict[str, float] = defaultdict(float)
    unread = 0.0
    for picture in pictures:
        seen = read_screen(picture, numbers.book)
        unread += seen.unread / count
        for number, share in seen.shares.items():
            shares[numbers.name(number)] += share / count
    return OnScreen(dict(sorted(shares.items(), key=lambda one: -one[1])), unread)


def _picture(file: Path) -> Rgba8:
    try:
        data = read_small(file, MAX_BYTES, any_link=True)
    except TexpipeError as error:
        raise _refused(str(file), error.message) from error
    return _decoded(data, str(file), file.name)


def _decoded(data: bytes, title: str, name: str) -> Rgba8:
    """Decode a screenshot; `title` is for messages, `name` has the suffix."""
    width, height = size_of(data, name) or (0, 0)
    if width * height > _MOST_PIXELS:
        raise _refused(title, f"{width} x {height} pixels are more than a screen has")
    try:
        return decode(data, name=name)[0]
    except TexpipeError as error:
        raise _refused(title, error.message) from error


def _refused(title: str, reason: str) -> SourceError:
    return SourceError(f"{title}: {reason}", hint="Give a screenshot, such as a PNG.")
