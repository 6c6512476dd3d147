"""Training presets by name or path: read, changed by the command line, compared with another training's."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ValidationError

from texpipe.errors import Location, RecipeError, UsageError
from texpipe.train.schema import Preset


def load_preset(name: str | Path) -> Preset:
    """Load a preset by name (of `recipes/train/`) or by path.

    Raises:
        RecipeError: no such preset, no YAML, or values that the schema does not allow, all of them at once.
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
) -> Preset:
    """Return the preset with what the command line says otherwise, checked anew.

    Raises:
        UsageError: the change does not fit the rest of the preset.
    """
    wanted = preset.model_dump()
    if base is not None:
        wanted["base"] = base
    if keep_blocks is not None:
        wanted["keep_blocks"] = keep_blocks
    wanted["data"] |= {key: value for key, value in (("crop", crop), ("batch", batch)) if value is not None}
    try:
        return Preset.model_validate(wanted)
    except ValidationError as error:
        raise UsageError(
            "; ".join(str(_problem(Path(preset.name), d["loc"], d["msg"])) for d in error.errors())
        ) from error


def differences(then: Preset, now: Preset) -> list[str]:
    """Name what differs between the preset of a training and one to go on with; its length and name may."""
    free = {"name", "about", "steps"}
    old, new = then.model_dump(exclude=free), now.model_dump(exclude=free)
    return [
        f"{name}: {_short(old[name], new[name])} then, {_short(new[name], old[name])} now"
        for name in old
        if old[name] != new[name]
    ]


def preset_names() -> list[str]:
    """Names of the presets that come with texpipe."""
    return sorted(path.stem for path in _folder().glob("*.yaml"))


def _short(value: object, other: object) -> object:
    """Reduce a group of settings to those that another one has otherwise."""
    if isinstance(value, dict) and isinstance(other, dict):
        return {key: item for key, item in value.items() if key not in other or other[key] != item}
    return value


def _find(name: str | Path) -> Path:
    path = Path(name)
    if path.suffix in {".yaml", ".yml"}:
        if not path.is_file():
            raise RecipeError(f"no preset file {path}", hint="Check the path.")
        return path
    known = _folder() / f"{name}.yaml"
    if not known.is_file():
        raise RecipeError(
            f"no preset {name}", hint=f"Presets: {', '.join(preset_names())}; or give a .yaml file."
        )
    return known


def _content(path: Path) -> object:
    """Return what a YAML file says, whatever it is."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = Location(path, mark.line + 1, mark.column + 1) if mark else Location(path)
        raise RecipeError(f"not YAML: {error.problem}", location=where) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        hint = "A preset is a text file, saved as UTF-8; `recipes/train/` has some."
        raise RecipeError(f"cannot be read: {error}", hint=hint, location=Location(path)) from error


def _folder() -> Path:
    """The presets' folder: inside an installed package, or beside the package in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "_data" / "recipes" / "train"
    return installed if installed.is_dir() else package.parent / "recipes" / "train"


def _problem(path: Path, place: tuple[int | str, ...], message: str) -> RecipeError:
    where = ".".join(str(part) for part in place)
    text = message.removeprefix("Value error, ")
    return RecipeError(f"{where}: {text}" if where else text, location=Location(path))
