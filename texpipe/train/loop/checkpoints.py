"""Checkpoint folders: step-000200/ holds everything that a training needs to resume exactly where it was.

state.pt             weights, averaged weights, optimisers, counters (read as data only)
model.safetensors    the averaged weights in fp16: a model that `texpipe run --model` takes
preset.yaml          the preset that the training ran with
metrics.json         the validation at this step, if there was one
sheet.png            its pictures
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import torch

from texpipe.errors import Location, ModelError
from texpipe.storage.atomic import write_atomic
from texpipe.storage.small_files import open_regular

STATE = "state.pt"
_NAME = re.compile(r"step-(\d{6,})")


def folder_of(output: Path, step: int) -> Path:
    """Return the folder of a step's checkpoint."""
    return output / f"step-{step:06d}"


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Write the state, after all other files: a folder with a state is complete."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_atomic(folder / STATE, buffer.getvalue())


def load_state(folder: Path) -> dict[str, Any]:
    """Read a state.

    Raises:
        ModelError: the state is damaged.
    """
    try:
        with open_regular(folder / STATE) as file:
            state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:
        raise ModelError(
            f"the checkpoint cannot be read: {error}",
            hint="Delete this folder; --resume then takes the one before it.",
            location=Location(folder / STATE),
        ) from error
    return state


def checkpoints(output: Path) -> list[Path]:
    """Return the complete checkpoints of a training, oldest first."""
    found = [(int(match[1]), path) for path in output.glob("step-*") if (match := _NAME.fullmatch(path.name))]
    return [path for _, path in sorted(found) if (path / STATE).is_file()]


def prune(output: Path, keep: int) -> None:
    """Keep the states of the newest checkpoints only; models, metrics and sheets of the others stay."""
    for folder in checkpoints(output)[:-keep]:
        (folder / STATE).unlink()


def leftovers(output: Path, name: str) -> list[Path]:
    """Return what a training would write over in a folder: checkpoints, even those without a state, model and card."""
    folders = sorted(path for path in output.glob("step-*") if _NAME.fullmatch(path.name))
    stems = (f"{name}{ending}" for ending in ("", "-rejected"))
    models = (output / f"{stem}{suffix}" for stem in stems for suffix in (".safetensors", ".json", ".md"))
    return [*folders, *(path for path in models if path.exists())]
