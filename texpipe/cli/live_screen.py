"""What `texpipe live` shows: a table that stays in its place on a terminal, lines elsewhere, or JSON events."""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING

import click

from texpipe.cli.console import Console
from texpipe.cli.printable import json_printable, printable

if TYPE_CHECKING:
    import rich.live
    import rich.table

    from texpipe.live.events import Event

_LAST = 6
"""Number of textures that are named."""
_LATENCIES = 200
"""Number of previews of which the latency is shown."""


@dataclass
class Tally:
    """What happened so far."""

    folder: str = ""
    found: int = 0
    previews: int = 0
    refined: int = 0
    unreadable: int = 0
    state: str = "starting"
    problem: str = ""
    last: deque[str] = field(default_factory=lambda: deque(maxlen=_LAST))
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=_LATENCIES))

    def take(self, event: Event) -> None:
        """Count an event."""
        match event.kind:
            case "started":
                self.folder, self.state = event.folder or "", "waiting for textures"
            case "found":
                self.found += event.count
            case "preview":
                self.previews += len(event.textures)
                self.last.extend(event.textures)
                self.latencies += [event.seconds] * len(event.textures) if event.seconds is not None else []
            case "refined":
                self.refined += len(event.textures)
                self.last.extend(event.textures)
            case "unreadable":
                self.unreadable += len(event.textures)
                self.problem = f"{', '.join(event.textures)}: {event.text}"
            case "refining":
                self.state, self.problem = "refining", ""
            case "progress":
                self.state = f"refining: {event.text} {event.count} of {event.total}"
            case "idle":
                self.state = f"all {event.count} textures are as good as they get; waiting for more"
            case "missing":
                self.state = f"waiting for the folder {event.text}"
            case "problem" | "kept":
                self.problem = sentence(event)
            case "stopped":
                self.state = "stopped"

    @property
    def waiting(self) -> int:
        """How many found files have no preview yet, about."""
        return max(0, self.found - self.previews - self.unreadable)

    def latency(self) -> str:
        """Return the latency of half and of 95 % of the last previews, from a whole file to the emulator's folder."""
        if not self.latencies:
            return "-"
        ordered = sorted(self.latencies)
        return (
            f"{ordered[len(ordered) // 2]:.2f} s, 95 % below {ordered[int(0.95 * (len(ordered) - 1))]:.2f} s"
        )


def sentence(event: Event) -> str:
    """Return what an event says to people; "" for those that happen all the time."""
    names = ", ".join(event.textures[:3]) + (" ..." if len(event.textures) > 3 else "")
    match event.kind:
        case "started":
            return f"textures go to {event.folder}; {event.count} are in the dump"
        case "preview":
            return f"preview: {names}" + (f" ({event.seconds:.2f} s)" if event.seconds is not None else "")
        case "unreadable":
            return f"{names} cannot be read: {event.text}"
        case "refining":
            return "refining"
        case "idle":
            return f"all {event.count} textures are as good as they get"
        case "missing":
            return f"waiting for the folder {event.text}"
        case "kept":
            return f"{event.count} files there are not this pack's and stay as they are, such as {event.text}"
        case "problem":
            return f"{event.text}" + (f": {event.hint}" if event.hint else "")
    return ""


class Screen:
    """Shows events until its block ends.

    Args:
        console: says nothing when it is quiet.
        as_json: write every event as a line of JSON to stdout, and nothing else.
    """

    def __init__(self, console: Console, *, as_json: bool = False) -> None:
        self._console, self._as_json = console, as_json
        self._tally = Tally()
        self._live: rich.live.Live | None = None

    def __enter__(self) -> Screen:
        if not self._as_json and not self._console.quiet and sys.stderr.isatty():
            from rich.live import Live

            self._live = Live(self._table(), console=self._console.rich, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
        tally = self._tally
        if not self._as_json:
            self._console.say(
                f"{tally.found} files found, {tally.previews} previews, {tally.refined} textures refined; "
                f"latency {tally.latency()}"
            )

    def __call__(self, event: Event) -> None:
        """Show an event."""
        self._tally.take(event)
        if self._as_json:
            fields = {
                name: value for name, value in asdict(event).items() if value not in (None, (), 0, False)
            }
            fields.pop("ends_run", None)
            line = json.dumps({"event": fields.pop("kind"), "time": round(time.time(), 3), **fields})
            click.echo(json_printable(line))
        elif self._live is not None:
            self._live.update(self._table())
        elif line := sentence(event):
            self._console.say(line)

    def _table(self) -> rich.table.Table:
        from rich.table import Table
        from rich.text import Text

        tally = self._tally
        table = Table(show_header=False, title="texpipe live", title_justify="left", box=None)
        rows = (
            ("goes to", tally.folder),
            ("now", tally.state),
            ("new", str(tally.found)),
            ("waiting", str(tally.waiting)),
            ("done", f"{tally.previews} previews, {tally.refined} refined"),
            ("latency", tally.latency()),
            *((("unreadable", str(tally.unreadable)),) if tally.unreadable else ()),
            *((("problem", tally.problem),) if tally.problem else ()),
            *(("last", name) for name in list(tally.last)[-_LAST:][::-1]),
        )
        for name, value in rows:
            table.add_row(Text(name, "bold"), Text(printable(value), overflow="ellipsis", no_wrap=True))
        return table
