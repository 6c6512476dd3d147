"""A progress bar for the steps of a training."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from texpipe.cli.console import Console
from texpipe.cli.progress import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from texpipe.train.loop.state import TrainingProgress


@contextmanager
def training_bar(console: Console) -> Iterator[Callable[[TrainingProgress], None]]:
    """Show a progress bar, and yield the function that updates it."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Bar(*columns, console=console.rich, transient=True) as live:
        task = live.add_task("preparing", total=None, text="")

        def show(progress: TrainingProgress) -> None:
            text = f"loss {progress.loss:.4f}, {clock(progress.seconds_left)} left"
            live.update(
                task, description=progress.stage, completed=progress.step, total=progress.total, text=text
            )

        yield show
