"""Training presets: loaded by name or path, changed by the command line, compared with another training's."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from texpipe.errors import Location, RecipeError, UsageError
from texpipe.recipe.mistakes import fault_in
from texpipe.recipe.yaml_positions import Unreadable, read_yaml
from texpipe.storage.small_files import read_small, refusing
from texpipe.train.schema import Preset

_MAX_BYTES = 1 << 20
"""Largest preset that is read, in bytes."""


def load_preset(name: str | Path) -> Preset:
    """Load a preset by name (of `recipes/train/`) or by path.

    Raises:
        RecipeError: the preset is missing, not YAML, or does not fit the schema; lists all mistakes at once.
    """
    path = _find(name)
    content = _content(path)
    try:
        return Preset.model_validate(content)
    except ValidationError as error:
        problems = tuple(_problem(path, detail["loc"], detail["msg"]) for detail in error.errors())
        raise RecipeError(
            "the preset does not fit the schema", location=Location(path), problems=problems
        ) from error


def with_changes(
    preset: Preset,
    *,
    base: str | None = None,
    keep_blocks: int | None = None,
    crop: int | None = None,
    batch: int | None = None,
    teacher: str | None = None,
) -> Preset:
    """Return the preset with the changes of the command line, validated again.

    Raises:
        UsageError: the change does not fit the rest of the preset.
    """
    wanted = preset.model_dump()
    if base is not None:
        wanted["base"] = base
    if keep_blocks is not None:
        wanted["keep_blocks"] = keep_blocks
    if teacher is not None:
        wanted["teacher"]["model"] = teacher
    wanted["data"] |= {key: value for key, value in (("crop", crop), ("batch", batch)) if value is not None}
    try:
        return Preset.model_validate(wanted)
    except ValidationError as error:
        raise UsageError(
            "; ".join(str(_problem(Path(preset.name), d["loc"], d["msg"])) for d in error.errors())
        ) from error


def differences(before: Preset, now: Preset) -> list[str]:
    """Return the differences between a training's preset and one to resume it with; its length and name may differ."""
    free = {"name", "about", "steps"}
    old, new = before.model_dump(exclude=free), now.model_dump(exclude=free)
    return [
        f"{name}: {_short(old[name], new[name])} before, {_short(new[name], old[name])} now"
        for name in old
        if old[name] != new[name]
    ]


def preset_names() -> list[str]:
    """Return the names of the presets that texpipe ships."""
    return sorted(path.stem for path in _folder().glob("*.yaml"))


def _short(value: object, other: object) -> object:
    """Reduce a group of settings to those that differ in another one."""
    if isinstance(value, dict) and isinstance(other, dict):
        return {key: item for key, item in value.items() if key not in other or other[key] != item}
    return value


def _find(name: str | Path) -> Path:
    path = Path(name)
    if path.suffix in {".yaml", ".yml"}:
        if not path.is_file():
            raise RecipeError(f"there is no preset file {path}", hint="Check the path.")
        return path
    known = _folder() / f"{name}.yaml"
    if not known.is_file():
        raise RecipeError(
            f"there is no preset {name}", hint=f"Presets: {', '.join(preset_names())}; or give a .yaml file."
        )
    return known


def _content(path: Path) -> object:
    """Return the content of a YAML file."""
    hint = "A preset is a text file in UTF-8; `recipes/train/` has examples."
    with refusing(path, RecipeError, hint):
        try:
            document = read_yaml(read_small(path, _MAX_BYTES, any_link=True).decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise RecipeError(f"cannot be read: {error}", hint=hint, location=Location(path)) from error
        except Unreadable as error:
            raise fault_in(path, error.fault._replace(hint=error.fault.hint or hint)) from error
    if document.faults:
        raise fault_in(path, document.faults[0])
    return document.value


def _folder() -> Path:
    """Return the presets' folder: inside an installed package, or beside the package in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "_data" / "recipes" / "train"
    return installed if installed.is_dir() else package.parent / "recipes" / "train"


def _problem(path: Path, place: tuple[int | str, ...], message: str) -> RecipeError:
    where = ".".join(str(part) for part in place)
    text = message.removeprefix("Value error, ")
    return RecipeError(f"{where}: {text}" if where else text, location=Location(path))
