"""Upscales a dump while it grows: previews at once, and a run over the whole dump whenever there is nothing else to do.

Whatever the previews were, the run replaces them: when everything is idle, output and emulator's folder are what
`texpipe run` and `texpipe install` make of the dump.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from texpipe.errors import PackError, TexpipeError
from texpipe.formats.contract import Picture
from texpipe.live.arrivals import Arrivals, stamp_of
from texpipe.live.delivery import Delivery
from texpipe.live.destination import Destination
from texpipe.live.events import Event
from texpipe.live.folder_watch import Changes, FolderWatch, system_events
from texpipe.live.installed_files import InstallationRecord
from texpipe.live.preview import Previewer, Previews
from texpipe.live.refiner import Refiner, RefinerProcess
from texpipe.live.refining import Refinement
from texpipe.manifest.file import read_manifest
from texpipe.options import RunOptions
from texpipe.read.container_kinds import CONTAINERS
from texpipe.storage.layout import OutputLayout
from texpipe.storage.lock import Lock
from texpipe.storage.stale_parts import remove_stale_parts

Tell = Callable[[Event], None]

BATCH = 8
"""Largest number of files that are previewed together: then newer ones come first again."""
QUIET_SECONDS = 2.0
"""Time without a new texture after which refining begins, in seconds."""
MAX_WAIT_SECONDS = 60.0
"""Longest time that new textures wait for refining, in seconds, however many others come."""
_RETRY_SECONDS = (15.0, 600.0)
"""Time after a failed run until the next one, in seconds: at first, and at most; it doubles."""
_IDLE_SECONDS, _BUSY_SECONDS = 1.0, 0.2
"""Longest time that is waited for a change, in seconds: when nothing is done, and while another process refines."""
_MOST_RECENT = 2000
"""Number of textures that are refined in the order in which they came, newest first."""
_WITHOUT_PREVIEW = frozenset(CONTAINERS) - {".tim"}
"""Suffixes of files that hold whole games: the run alone reads them."""


class MakesPreviews(Protocol):
    """Makes previews of files; `Previewer` does."""

    def make(self, files: list[Path]) -> Previews:
        """Make previews of the textures in some files; raises TexpipeError."""
        ...


class Delivers(Protocol):
    """Puts pictures where the emulator looks for them; `Delivery` does."""

    @property
    def is_one_by_one(self) -> bool:
        """Whether each texture is a file of its own."""
        ...

    def put(self, pictures: Iterable[Picture]) -> list[str]:
        """Write pictures; return the names of those that are there now; raises PackError."""
        ...


class Session:
    """One game that is played.

    Args:
        options: of the run that refines.
        place: where its pack goes.
        changes: tells of new files.
        previewer, delivery, refiner: make previews, put them into the folder, refine.
        tell: called with each event.
        clock: seconds, monotonic.
        wall: seconds since the epoch.
    """

    def __init__(
        self,
        options: RunOptions,
        place: Destination,
        *,
        changes: Changes,
        previewer: MakesPreviews,
        delivery: Delivers,
        refiner: Refiner,
        tell: Tell,
        arrivals: Arrivals | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._options, self._place = options, place
        self._changes, self._previewer, self._delivery, self._refiner = changes, previewer, delivery, refiner
        self._tell, self._clock, self._wall = tell, clock, wall
        self._arrivals = Arrivals() if arrivals is None else arrivals
        self._recent: dict[str, None] = {}
        self._made: dict[str, str] = {}
        self._missing: tuple[Path, ...] = ()
        self._is_first = True
        self._is_asked = False
        self._finished: Event | None = None
        self._unrefined_since: float | None = clock()
        self._last_new, self._not_before, self._retry = -QUIET_SECONDS, 0.0, _RETRY_SECONDS[0]

    @property
    def is_idle(self) -> bool:
        """Whether everything is as the run leaves it."""
        return not len(self._arrivals) and self._unrefined_since is None and not self._refiner.is_busy

    def write_now(self) -> None:
        """Refine as soon as the run before is finished, however many textures arrive."""
        self._is_asked = True

    def step(self) -> None:
        """Wait a moment for changes, and do what there is to do."""
        self._take_notice(self._changes.wait(self._patience()))
        batch = self._arrivals.take(BATCH)
        if batch:
            self._preview(batch)
        self._hear()
        if self._is_due(previewed=bool(batch)):
            self._refine()
        if self._finished is not None and self.is_idle:
            self._tell(self._finished)
            self._finished = None

    def _patience(self) -> float:
        longest = _BUSY_SECONDS if self._refiner.is_busy else _IDLE_SECONDS
        if self._unrefined_since is not None and not self._refiner.is_busy:
            longest = min(longest, max(0.05, self._last_new + QUIET_SECONDS - self._clock()))
        next_ = self._arrivals.seconds_to_next()
        return longest if next_ is None else min(longest, next_)

    def _take_notice(self, found: set[Path]) -> None:
        if self._changes.missing != self._missing:
            self._missing = self._changes.missing
            for folder in self._missing:
                self._tell(Event("missing", text=str(folder)))
        if self._is_first and (found or not self._missing):
            self._is_first = False
            self._tell(Event("started", folder=str(self._place.folder), count=len(found)))
            self._made = _made_before(self._options)
            found = found - self._files_of(self._made)
        if not found:
            return
        self._tell(Event("found", count=len(found)))
        self._last_new = self._clock()
        self._mark_unrefined()
        if self._delivery.is_one_by_one:
            self._arrivals.add(path for path in found if path.suffix.lower() not in _WITHOUT_PREVIEW)

    def _mark_unrefined(self) -> None:
        if self._unrefined_since is None:
            self._unrefined_since = self._clock()

    def _preview(self, batch: list[Path]) -> None:
        try:
            made = self._previewer.make(batch)
            names = self._delivery.put(one for one in made.pictures if self._is_new(one, made))
        except TexpipeError as error:
            self._tell(Event("problem", text=str(error), hint=error.hint))
            for path in batch:
                self._arrivals.again(path)
            return
        if names:
            self._made |= {name: made.sha256[name] for name in names}
            self._recent = dict.fromkeys([*names, *self._recent][:_MOST_RECENT])
            stamps = [stamp_of(made.file_of[name]) for name in names]
            newest = [self._wall() - stamp[1] / 1e9 for stamp in stamps if stamp is not None]
            self._tell(Event("preview", tuple(names), seconds=max(newest, default=None)))
        for name, reason in made.unreadable.items():
            if not self._arrivals.again(made.file_of[name]):
                self._tell(Event("unreadable", (name,), text=reason))

    def _is_new(self, picture: Picture, made: Previews) -> bool:
        """Tell whether there is no picture of these bytes yet, which may be a better one than a preview."""
        name = picture.source.name
        return self._made.get(name) != made.sha256[name]

    def _hear(self) -> None:
        for event in self._refiner.events():
            if event.kind == "problem" and event.ends_run:
                self._mark_unrefined()
                self._not_before = self._clock() + self._retry
                self._retry = min(2 * self._retry, _RETRY_SECONDS[1])
            elif event.kind == "refined":
                self._arrivals.forget_old(self._files_of(event.textures))
            if event.ends_run:
                self._settle()
            if event.kind == "idle":
                self._finish(event)
            else:
                self._tell(event)

    def _finish(self, event: Event) -> None:
        """Take notice of the end of a run: what it made needs no previews, which would take its place."""
        self._retry = _RETRY_SECONDS[0]
        self._finished = event
        self._made |= _made_before(self._options)
        self._arrivals.forget_old(self._files_of(self._made))

    def _files_of(self, names: Iterable[str]) -> set[Path]:
        return {root / name for root in self._options.inputs for name in names}

    def _settle(self) -> None:
        with suppress(PackError):  # the notes stay, and are settled another time
            InstallationRecord(self._place.folder).settle()

    def _is_due(self, *, previewed: bool) -> bool:
        """Tell whether refining may begin; while a preview was made others may have come that nobody noticed yet."""
        if self._refiner.is_busy or not self._changes.count:
            return False
        if self._is_asked:
            return True
        now = self._clock()
        if self._unrefined_since is None or now < self._not_before:
            return False
        is_quiet = not previewed and not len(self._arrivals) and now - self._last_new >= QUIET_SECONDS
        return is_quiet or now - self._unrefined_since >= MAX_WAIT_SECONDS

    def _refine(self) -> None:
        self._is_asked, self._unrefined_since, self._finished = False, None, None
        first = tuple(dict.fromkeys((*self._options.first, *self._recent)))
        self._tell(Event("refining"))
        self._refiner.start(Refinement(replace(self._options, first=first), self._place))


def _made_before(options: RunOptions) -> dict[str, str]:
    """Return the textures of which an earlier run made something -> hex sha256 of what they were then."""
    try:
        manifest = read_manifest(OutputLayout(options.output).manifest)
    except PackError:
        return {}
    return {entry.source: entry.sha256 or "" for entry in manifest.textures if entry.outputs}


def play(
    options: RunOptions,
    place: Destination,
    *,
    tell: Tell,
    stop: Callable[[], bool],
    write_now: Callable[[], bool] = lambda: False,
) -> None:
    """Upscale a dump while it grows, until it is told to stop.

    Args:
        options: of the run; its inputs are watched, and need not exist yet.
        place: the emulator's folder.
        tell: called with each event, in this thread.
        stop: asked again and again, at least once a second.
        write_now: the same: whether somebody asked for the whole pack.

    Raises:
        PackError: another process does this already, or the folder cannot be written.
        ModelError: a model is missing.
        KeyboardInterrupt: passed on; what was done can be resumed.
    """
    options = replace(
        options, inputs=tuple(path.absolute() for path in options.inputs), output=options.output.absolute()
    )
    target = next(one for one in options.recipe.targets if one.name == place.target)
    record = InstallationRecord(place.folder)
    with Lock(record.file.with_suffix("")):
        record.settle()
        if place.folder.is_dir():
            remove_stale_parts(place.folder)
        previewer = Previewer(options)
        delivery = Delivery(target, place.folder, options.output)
        if delivery.is_one_by_one:
            previewer.prepare()
        changes, refiner = FolderWatch(options.inputs, options.output, system_events()), RefinerProcess()
        session = Session(
            options,
            place,
            changes=changes,
            previewer=previewer,
            delivery=delivery,
            refiner=refiner,
            tell=tell,
        )
        try:
            while not stop():
                if write_now():
                    session.write_now()
                session.step()
        finally:
            changes.close()
            refiner.close()
            record.settle()
        tell(Event("stopped"))
