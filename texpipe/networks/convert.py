"""Conversion of model files to safetensors and ONNX, and blends of two models."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from texpipe.errors import ModelError, UsageError
from texpipe.networks import catalogue, checkpoint
from texpipe.networks.export import export_onnx
from texpipe.networks.open_model import open_foreign
from texpipe.networks.state_dict_names import AnyArchitecture

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Names of models that are added: those that need no quotes in a recipe."""


@dataclass(frozen=True)
class Written:
    """A safetensors file that was written: its path, its sha256 in hex, and its network in words."""

    path: Path
    sha256: str
    network: str


@dataclass(frozen=True)
class Blend:
    """A blend that was written, and the similarity of the two models: see `checkpoint.similarity`."""

    written: Written
    similarity: float


def convert(model: str, target: Path, *, trust: bool = False) -> Written:
    """Write any readable model as fp16 safetensors: an ESRGAN under Real-ESRGAN's names, others under their own.

    Args:
        model: a path, or a name in the catalogue.
        target: the file to write, `.safetensors`.
        trust: as in `checkpoint.load`.

    Raises:
        ModelError: see `catalogue.resolve` and `checkpoint.load`.
        UsageError: the target does not end in `.safetensors`.
    """
    file = catalogue.resolve(model)
    notes = {"converted_from": f"{file.path.name} (sha256 {file.sha256})"}
    if file.licence:
        notes["licence"] = file.licence
    if file.foreign:
        return _write_foreign(target, file.path, notes, trust=trust)
    loaded = checkpoint.load(file.path, trust=trust)
    return _write(target, loaded, dict(loaded.metadata) | notes)


def add(file: Path, name: str | None = None, *, replace: bool = False) -> catalogue.ModelFile:
    """Put a model into the user's own folder, where it has a name.

    Args:
        file: any readable model; it stays as it is.
        name: its name; by default the file's, without suffix.
        replace: a model of this name in that folder may be replaced.

    Raises:
        ModelError: see `convert`.
        UsageError: the name is none, or taken.
    """
    called = file.stem if name is None else name
    if not _NAME.fullmatch(called):
        raise UsageError(
            f"{called!r} is not a name for a model",
            hint="Use letters, digits, dots, dashes and underscores: --name.",
        )
    target = catalogue.user_folder() / f"{called}.safetensors"
    if target.exists() and not replace:
        raise UsageError(
            f"there is a model {called} already: {target}", hint="Give another --name, or --replace."
        )
    convert(str(file if file.is_absolute() else Path.cwd() / file), target)
    return catalogue.resolve(str(target))


def interpolate(a: str, b: str, alpha: float, target: Path) -> Blend:
    """Write the blend of two models of one architecture: (1 - alpha) A + alpha B.

    Args:
        a, b: names in the catalogue, or paths.
        alpha: share of `b`, in [0, 1].
        target: the file to write, `.safetensors`.

    Raises:
        ModelError: the architectures differ; see also `catalogue.resolve` and `checkpoint.load`.
        UsageError: the target does not end in `.safetensors`, or alpha lies outside [0, 1].
    """
    if not 0 <= alpha <= 1:
        raise UsageError(
            f"the share of {b} is {alpha:g}", hint="It must lie between 0 (all A) and 1 (all B)."
        )
    files = [catalogue.resolve(model) for model in (a, b)]
    first, second = (checkpoint.load(file.path) for file in files)
    try:
        network = checkpoint.interpolate(first.network, second.network, alpha)
    except ModelError as error:
        raise ModelError(f"{a} and {b} do not blend: {error.message}", hint=error.hint) from error
    notes = {
        f"blend_{letter}": f"{share:g} {file.name} (sha256 {file.sha256})"
        for letter, share, file in zip("ab", (1 - alpha, alpha), files, strict=True)
    }
    licences = sorted({file.licence for file in files if file.licence})
    if licences:
        notes["licence"] = " AND ".join(licences)
    blended = checkpoint.LoadedNetwork(network, {}, "", target)
    similarity = checkpoint.similarity(first.network, second.network)
    return Blend(_write(target, blended, notes), similarity)


def export(model: str, target: Path) -> AnyArchitecture:
    """Write a model as ONNX; see `export.export_onnx`.

    Args:
        model: a name in the catalogue, or a path.
        target: the file to write.

    Raises:
        ModelError: see `catalogue.resolve`, `checkpoint.load` and `export.export_onnx`.
    """
    network = checkpoint.load(catalogue.resolve(model).path).network
    export_onnx(network, target)
    return network.architecture


def _write_foreign(target: Path, source: Path, notes: dict[str, str], *, trust: bool) -> Written:
    _require_safetensors(target)
    network = open_foreign(source, trust=trust)
    weights = checkpoint.read_weights(source, trust=trust)
    notes = (
        dict(weights.metadata) | notes | {"architecture": network.architecture, "scale": str(network.scale)}
    )
    sha256 = checkpoint.save_safetensors(target, weights.state, notes | {"format": "pt"}, any_link=True)
    return Written(
        target, sha256, f"{network.scale}x, {network.architecture} {' '.join(network.tags)}".rstrip()
    )


def _require_safetensors(target: Path) -> None:
    if target.suffix != ".safetensors":
        raise UsageError(
            f"{target} does not end in .safetensors", hint=f"Give {target.with_suffix('.safetensors')}."
        )


def _write(target: Path, loaded: checkpoint.LoadedNetwork, notes: dict[str, str]) -> Written:
    _require_safetensors(target)
    architecture = loaded.network.architecture
    notes |= {
        "architecture": str(architecture.as_json()["type"]),
        "format": "pt",
        "scale": str(architecture.scale),
    }
    sha256 = checkpoint.save_safetensors(target, loaded.network.state_dict(), notes, any_link=True)
    return Written(target, sha256, f"{architecture.scale}x, {architecture.size}")
