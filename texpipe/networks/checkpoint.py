"""Model files: reading safetensors, .pth and ncnn; writing safetensors.

Code in a file is never executed: .pth files go through PyTorch's weights-only unpickler, even trusted ones.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as pack_safetensors
from torch import Tensor

from texpipe.errors import Location, ModelError
from texpipe.networks import ncnn, state_dict_names
from texpipe.networks.model_files import read_files
from texpipe.networks.state_dict_names import Generator
from texpipe.storage.atomic import write_atomic
from texpipe.storage.small_files import refusing


@dataclass(frozen=True, eq=False)
class LoadedNetwork:
    """A network and where it came from.

    Attributes:
        network: float32, in evaluation mode, on the CPU; its `architecture` holds scale and size.
        metadata: the notes in a safetensors file; empty for other files.
        sha256: hex digest of the file; of an ncnn pair that of the `.param` followed by the `.bin`.
        path: the file.
    """

    network: Generator
    metadata: Mapping[str, str]
    sha256: str
    path: Path


@dataclass(frozen=True, eq=False)
class Weights:
    """What a model file holds: weights by name, in the type that they are stored in; else as `LoadedNetwork`."""

    state: Mapping[str, Tensor]
    metadata: Mapping[str, str]
    sha256: str


class _StandIn:
    """Stands for every class and function that a trusted pickle names: it accepts any arguments and does nothing."""

    def __new__(cls, *_: object) -> _StandIn:
        return super().__new__(cls)

    def __init__(self, *_: object) -> None: ...

    def __setstate__(self, _: object) -> None: ...


def load(path: Path, *, trust: bool = False) -> LoadedNetwork:
    """Load an ESRGAN generator or a Compact.

    Args:
        path: `.safetensors`, `.pth` or `.pt`, or either half of an ncnn pair `.param` + `.bin`.
        trust: also read the weights of a pickle that holds other Python objects. Those are not created: each is
            replaced by a stand-in that does nothing.

    Raises:
        ModelError: missing, damaged, of another architecture, with NaN weights, not for RGB pictures, or a
            pickle that holds more than weights.
    """
    weights = read_weights(path, trust=trust)
    try:
        with refusing(path, ModelError, "Download it again."):
            network = state_dict_names.build(state_dict_names.to_own_names(weights.state))
            _require_rgb(network)
    except ModelError as error:
        raise ModelError(error.message, hint=error.hint, location=Location(path)) from error
    return LoadedNetwork(network, weights.metadata, weights.sha256, path)


def read_weights(path: Path, *, trust: bool = False) -> Weights:
    """Read the weights of any architecture; arguments as `load`. Nothing in the file is executed.

    Raises:
        ModelError: missing, damaged, or a pickle that holds more than weights.
    """
    data = read_files(path)
    try:
        with refusing(path, ModelError, "Download it again."):
            state, metadata = _parse(path.suffix.lower(), data, trust)
            named = state_dict_names.unwrap(state)
    except ModelError as error:
        raise ModelError(error.message, hint=error.hint, location=Location(path)) from error
    return Weights(named, metadata, hashlib.sha256(b"".join(data)).hexdigest())


def save_safetensors(
    path: Path, state: Mapping[str, Tensor], metadata: Mapping[str, str], *, any_link: bool = False
) -> str:
    """Write weights as fp16 safetensors; the same weights and notes give the same bytes.

    Args:
        path: the file; written atomically.
        state: weights by name, any floating type; each must lie within fp16's range of +-65504.
        metadata: notes for the file's header.
        any_link: as `open_atomic`.

    Returns:
        The file's sha256 in hex.

    Raises:
        ModelError: a weight is NaN or too large for fp16.
    """
    halves = {name: _stored(value) for name, value in state.items()}
    bad = [name for name, value in halves.items() if not torch.isfinite(value).all()]
    if bad:
        raise ModelError(
            f"{bad[0]} holds NaN or numbers beyond fp16", hint="Continue training from an earlier checkpoint."
        )
    data = _canonical(pack_safetensors(halves, dict(metadata)))
    write_atomic(path, data, any_link=any_link)
    return hashlib.sha256(data).hexdigest()


def _stored(value: Tensor) -> Tensor:
    """Return a weight in fp16, and indices as they are, in memory of its own: safetensors refuses shared memory."""
    value = value.detach().cpu()
    return value.half().contiguous() if value.is_floating_point() else value.clone()


def interpolate(a: Generator, b: Generator, alpha: float) -> Generator:
    """Blend two networks weight by weight (network interpolation, ESRGAN section 3.4).

    Only useful where one network was trained from the other; see `similarity`.

    Args:
        a, b: of one architecture.
        alpha: 0 gives `a`, 1 gives `b`.

    Raises:
        ModelError: the architectures differ.
    """
    if a.architecture != b.architecture:
        ours, theirs = a.architecture.as_json(), b.architecture.as_json()
        found = (f"{n} {ours[n]} and {theirs.get(n, 'none')}" for n in ours if ours[n] != theirs.get(n))
        raise ModelError(
            f"the networks differ: {', '.join(found)}",
            hint="Only networks of one architecture can be blended.",
        )
    other = b.state_dict()
    return state_dict_names.build(
        {name: torch.lerp(value, other[name], alpha) for name, value in a.state_dict().items()}
    )


def similarity(a: Generator, b: Generator) -> float:
    """Return the median, over the convolutions, of the cosine between the kernels of two networks.

    Near 1 where one was trained from the other, near 0 for networks trained apart, which do not blend.
    """
    pairs = ((v.flatten(), b.state_dict()[n].flatten()) for n, v in a.state_dict().items() if v.ndim == 4)
    cosines = [torch.cosine_similarity(v, w, dim=0) for v, w in pairs]
    return float(torch.stack(cosines).median())


def _parse(suffix: str, data: tuple[bytes, ...], trust: bool) -> tuple[object, dict[str, str]]:
    """Return the raw checkpoint and its notes."""
    if suffix == ".safetensors":
        return _parse_safetensors(data[0])
    if suffix in (".param", ".bin"):
        return ncnn.read(data[0].decode("utf-8", "replace"), data[1]), {}
    foreign = _foreign_names(data[0]) if trust else []
    with torch.serialization.safe_globals([(_StandIn, name) for name in foreign]):
        return _parse_pickle(data[0], trust), {}


def _parse_safetensors(data: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        state = load_safetensors(data)
    except SafetensorError as error:
        raise ModelError(f"not a complete safetensors file: {error}", hint="Download it again.") from error
    header, _ = _split(data)
    notes = header.get("__metadata__") or {}
    return state, {str(name): str(note) for name, note in notes.items()}


def _foreign_names(data: bytes) -> list[str]:
    """Return the classes and functions that a pickle names beside those that weights need."""
    try:
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(data)))
    except Exception:  # damaged, or in the format before PyTorch 1.6: reading it will report that
        return []


def _parse_pickle(data: bytes, trust: bool) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an unusual file is either read or refused
            checkpoint: object = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            "the file holds Python objects besides weights and was not opened, because that could run code",
            hint="Ask its author for safetensors, or for a .pth that holds only the state dict."
            + ("" if trust else " `texpipe models convert --trust` tries to read its weights alone."),
        ) from error
    except Exception as error:  # a damaged pickle can raise anything
        raise ModelError("the file is damaged or not PyTorch's", hint="Download it again.") from error
    return checkpoint


def _require_rgb(network: Generator) -> None:
    a = network.architecture
    if (a.num_in_ch, a.num_out_ch) != (3, 3):
        raise ModelError(
            f"the model turns {a.num_in_ch} channels into {a.num_out_ch}; textures need 3 (RGB) and 3",
            hint="Transparency is handled outside the network; use an RGB model.",
        )


def _split(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Split a valid safetensors file into its header and the numbers behind it."""
    size = int.from_bytes(data[:8], "little")
    header: dict[str, Any] = json.loads(data[8 : 8 + size])
    return header, data[8 + size :]


def _canonical(data: bytes) -> bytes:
    """Sort the header, whose notes the safetensors library writes in random order."""
    header, numbers = _split(data)
    text = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + numbers
