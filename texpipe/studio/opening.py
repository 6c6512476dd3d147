"""From what a path means to a workshop: the recipe is found or made, and the dump is read while the page shows it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from texpipe.analysis.cache import AnalysisCache
from texpipe.analysis.inventory import Fingerprint, SurveyedTexture
from texpipe.errors import RecipeError, SourceError, UsageError
from texpipe.formats import known_targets
from texpipe.planning.dump_folders import output_around
from texpipe.planning.first_recipe import file_for, first_recipe
from texpipe.progress import Progress
from texpipe.read.container_kinds import INPUTS
from texpipe.recipe.load import load_recipe
from texpipe.studio.workshop import Workshop

_ABOVE = 3
"""How many folders above an output are searched for its recipe."""


class StillReadingError(UsageError):
    """Something was asked for that is known when all textures are read."""


class _StoppedError(Exception):
    """The server ends while textures are read."""


@dataclass(frozen=True)
class Read:
    """A texture that is known before all are."""

    item: SurveyedTexture
    fingerprint: Fingerprint


class Opening:
    """Reads a dump in a thread of its own, shows what is known so far, and ends with a workshop.

    Its methods may be called from several threads.

    Args:
        given: a recipe, the output of a run, or a dump (a folder or a file of textures), which gets its first recipe in
            the current folder.
        device: as `upscale.device.choose` takes it.

    Raises:
        UsageError: there is nothing of that name, or no recipe of an output can be found.
        RecipeError: the recipe has mistakes.
    """

    def __init__(self, given: Path, *, device: str = "auto") -> None:
        self.given = given
        self.error: Exception | None = None
        self._recipe = _recipe_at(given)
        self._device = device
        self._read: dict[str, Read] = {}
        self._step = Progress("read", 0, 0)
        self._workshop: Workshop | None = None
        self._is_stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @classmethod
    def of(cls, workshop: Workshop) -> Opening:
        """Return an opening that has ended."""
        done = cls(workshop.draft.file)
        done._workshop = workshop
        return done

    def begin(self, failed: Callable[[], None] = lambda: None) -> None:
        """Start to read; `failed` is called when nothing can be opened."""
        if self._workshop is None:
            self._thread = threading.Thread(target=self._open, args=(failed,), name="opening", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop reading, and a run of the workshop; what is known and computed is kept."""
        self._is_stopped.set()
        if self._thread is not None:
            self._thread.join()
        if self._workshop is not None:
            self._workshop.live.close()
            self._workshop.run.close()

    @property
    def is_open(self) -> bool:
        """Whether all is read."""
        return self._workshop is not None

    def workshop(self) -> Workshop:
        """Return the workshop.

        Raises:
            StillReadingError: not all textures are read yet.
            Exception: they cannot be; the same as `error`.
        """
        if self._workshop is not None:
            return self._workshop
        if self.error is not None:
            raise self.error
        raise StillReadingError(
            "the textures are still being read",
            hint="Decide when all of them are here; look at them meanwhile.",
        )

    def progress(self) -> dict[str, int] | None:
        """Return how many textures are known, read and there; None when all are read."""
        if self.is_open:
            return None
        return {"known": len(self._read), "done": self._step.done, "total": self._step.total}

    def read_from(self, place: int) -> Sequence[Read]:
        """Return the textures that are known so far, but for the first ones."""
        return list(self._read.values())[place:]

    def item(self, name: str) -> SurveyedTexture:
        """Return a texture, as far as it is known; SourceError if there is none of this name."""
        if self._workshop is not None:
            return self._workshop.dump.item(name)
        if name not in self._read:
            raise SourceError(f"there is no texture {name!r} so far")
        return self._read[name].item

    def _open(self, failed: Callable[[], None]) -> None:
        try:
            cache = None
            recipe = self._recipe
            if recipe is None:
                cache = AnalysisCache()
                first = first_recipe((self.given,), cache=cache, progress=self._went_on, found=self._take)
                recipe = file_for(first, self.given).path.absolute()
            self._workshop = Workshop(
                recipe, device=self._device, cache=cache, progress=self._went_on, found=self._take
            )
            self._read = {}
        except _StoppedError:
            pass
        except Exception as error:  # whoever serves raises it again
            self.error = error
            failed()

    def _went_on(self, step: Progress) -> None:
        if self._is_stopped.is_set():
            raise _StoppedError
        self._step = step

    def _take(self, item: SurveyedTexture, fingerprint: Fingerprint) -> None:
        self._read.setdefault(item.source.name, Read(item, fingerprint))


def _recipe_at(given: Path) -> Path | None:
    """Return the recipe's file that a path means; None for a dump, which may have none yet."""
    if given.is_file() and given.suffix.lower() in INPUTS:
        return None
    if given.is_file():
        load_recipe(given, known_targets())
        return given
    if not given.is_dir():
        raise UsageError(
            f"there is no recipe and no folder {given}",
            hint="Give a recipe's file, the output of a run, or the folder that your emulator dumps its textures to.",
        )
    output = output_around(given)
    return None if output is None else _recipe_of(output)


def _recipe_of(output: Path) -> Path:
    whole = output.resolve()
    near = [whole, *whole.parents[:_ABOVE], Path.cwd()]
    for file in (file for folder in near for file in sorted(folder.glob("*.y*ml"))):
        try:
            if load_recipe(file, known_targets()).output.resolve() == whole:
                return file
        except (RecipeError, OSError):
            continue
    raise UsageError(f"no recipe near {output} writes to it", hint="Give the recipe's file instead.")
