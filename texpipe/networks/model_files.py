"""The bytes of model files, which come from strangers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from texpipe.errors import Location, ModelError
from texpipe.storage.small_files import RefusedFileError, read_small
from texpipe.system.limits import limit

SUFFIXES: Final = (".safetensors", ".pth", ".pt", ".param", ".bin")
"""Suffixes of the model files that can be read; `.param` and `.bin` are the two halves of one ncnn model."""

_MAX_MODEL = limit("MAX_MODEL_BYTES", 1 << 31)
"""Largest size of a model file, in bytes."""
_NOT_MODELS: Mapping[bytes, str] = {
    b"<!doctype html": "a web page",
    b"<html": "a web page",
    b"<?xml": "a web page",
    b"version https://git-lfs.github.com/spec/": "a Git LFS pointer",
}
"""How files begin that downloads leave instead of models, and what they are."""

_PATH_HINT: Final = "Check the path; `texpipe models list` shows the models that have names."


def read_files(path: Path) -> tuple[bytes, ...]:
    """Return the bytes of a model's file, or of both files of an ncnn pair: `.param` first.

    Raises:
        ModelError: a file is missing or unreadable, or the suffix is not that of a model file.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ModelError(
            f"{path.name} is not a model file ({', '.join(SUFFIXES)})",
            hint=_PATH_HINT,
            location=Location(path),
        )
    return tuple(_read_part(part) for part in parts_of(path))


def parts_of(path: Path) -> tuple[Path, ...]:
    """Return the files that a model consists of: one, or both halves of an ncnn pair."""
    halves = path.suffix.lower() in (".param", ".bin")
    return (path.with_suffix(".param"), path.with_suffix(".bin")) if halves else (path,)


def _read_part(path: Path) -> bytes:
    try:
        data = read_small(path, _MAX_MODEL, any_link=True)
    except RefusedFileError as error:
        raise ModelError(f"{path.name} {error.message}", hint=_PATH_HINT, location=Location(path)) from error
    start = data[:64].lstrip().lower()
    kind = next((kind for magic, kind in _NOT_MODELS.items() if start.startswith(magic)), None)
    if kind is not None:
        hint = "The download did not work: get the file itself from where the model is published."
        raise ModelError(f"{path.name} is {kind}, not a model", hint=hint, location=Location(path))
    return data
