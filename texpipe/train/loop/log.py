"""The log of a training: log.jsonl, and TensorBoard's events where that is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from texpipe.errors import PackError


class Log:
    """Writes log.jsonl, one object per line, and TensorBoard's events where that is installed.

    Args:
        folder: the folder; created if missing.
        enabled: False in all processes but the first: they write nothing.

    Raises:
        PackError: the folder cannot be written.
    """

    def __init__(self, folder: Path, *, enabled: bool = True) -> None:
        self._path = folder / "log.jsonl" if enabled else None
        self._board: Any = None
        if self._path is None:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._path.touch()
        except OSError as error:
            raise PackError(
                f"cannot write {self._path}: {error.strerror or error}", hint="Choose another --output."
            ) from error
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        self._board = SummaryWriter(str(folder / "tensorboard"))

    def write(self, step: int, stage: str, seconds: float, facts: dict[str, float]) -> None:
        """Log one step: its losses, rate and gradients, and the seconds of the training so far."""
        rounded = {name: float(f"{value:.5g}") for name, value in facts.items()}
        self.log_event("step", step=step, stage=stage, seconds=round(seconds, 2), **rounded)
        if self._board is not None:
            for name, value in facts.items():
                self._board.add_scalar(name, value, step)

    def log_event(self, event: str, **facts: object) -> None:
        """Log an event."""
        if self._path is None:
            return
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event, **facts}) + "\n")
