"""Weights in ncnn's files: a `.param` text that lists the layers and a `.bin` with their weights.

The formats follow ncnn's documentation ("param and model file structure") and the models that Real-ESRGAN and RealSR
publish: ESRGAN generators (RRDBNet) and, with PReLU after each convolution, Compact networks. Only these layers have
bytes in the `.bin`. A convolution: a uint32 tag, the weights as outputs x inputs x 3 x 3 in fp16 or fp32, padded to 4
bytes, then the biases in fp32. A PReLU: its slopes in fp32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from texpipe.errors import ModelError

_MAGIC: Final = "7767517"
_FP16_TAG: Final = 0x01306B47
_FP32_TAG: Final = 0
_WITHOUT_WEIGHTS: Final = frozenset({"Input", "Split", "Concat", "Eltwise", "BinaryOp", "Interp"})
_DAMAGED: Final = "Download the .param and the .bin again, both from one source."
_OF_COMPACT: Final = frozenset(
    {"Convolution", "PReLU", "PixelShuffle", "Input", "Split", "Interp", "BinaryOp"}
)
"""Layers of a Compact network."""
_UNSUPPORTED: Final = (
    "The only ncnn models that texpipe reads are ESRGAN generators (RRDBNet) and Compact networks."
)


@dataclass(frozen=True)
class Convolution:
    """A 3x3 convolution with bias as a `.param` describes it; `leaky` if LeakyReLU(0.2) is fused into it."""

    name: str
    outputs: int
    inputs: int
    leaky: bool


def read(param: str, weights: bytes) -> dict[str, Tensor]:
    """Read an RRDBNet or a Compact network.

    Args:
        param: text of the `.param` file.
        weights: the `.bin` file.

    Returns:
        State dict under Real-ESRGAN's names; weights in the stored type, biases and slopes in fp32.

    Raises:
        ModelError: another network, a layer that it does not have, or missing or surplus bytes.
    """
    layers = _layers(param)
    if any(layer[0] == "PReLU" for layer in layers):
        return _read_compact(layers, weights)
    convolutions = _convolutions(layers)
    names = _names(len(convolutions), _count(param, "Interp"))
    state: dict[str, Tensor] = {}
    offset = 0
    for name, convolution in zip(names, convolutions, strict=True):
        _check_place(name, convolution)
        kernel, bias, offset = _read_one(weights, offset, convolution)
        state[f"{name}.weight"] = torch.from_numpy(kernel)
        state[f"{name}.bias"] = torch.from_numpy(bias)
    _require_end(weights, offset)
    return state


def _read_compact(layers: list[list[str]], weights: bytes) -> dict[str, Tensor]:
    """Read a Compact network: convolutions with PReLU between them, numbered together in their order."""
    foreign = sorted({layer[0] for layer in layers} - _OF_COMPACT)
    if foreign:
        raise ModelError(
            f"a Compact network has no layers of the type {', '.join(foreign)}", hint=_UNSUPPORTED
        )
    weighted = [layer for layer in layers if layer[0] in ("Convolution", "PReLU")]
    kinds = [layer[0] for layer in weighted]
    if kinds != ["Convolution", "PReLU"] * (len(kinds) // 2) + ["Convolution"]:
        raise ModelError(
            "a Compact network has a PReLU after every convolution but the last", hint=_UNSUPPORTED
        )
    state: dict[str, Tensor] = {}
    offset = 0
    for number, layer in enumerate(weighted):
        if layer[0] == "Convolution":
            kernel, bias, offset = _read_one(weights, offset, _convolution(layer))
            state[f"body.{number}.weight"] = torch.from_numpy(kernel)
            state[f"body.{number}.bias"] = torch.from_numpy(bias)
        else:
            slopes, offset = _read_slopes(weights, offset, layer)
            state[f"body.{number}.weight"] = torch.from_numpy(slopes)
    _require_end(weights, offset)
    return state


def _read_slopes(weights: bytes, offset: int, layer: list[str]) -> tuple[NDArray[np.float32], int]:
    """Return the slopes of a PReLU, and the offset behind them."""
    name = layer[1] if len(layer) > 1 else "?"
    fields = dict(field.split("=", 1) for field in layer if "=" in field)
    if not fields.get("0", "").isdecimal():
        raise ModelError(f"the .param line of {name} cannot be read", hint=_DAMAGED)
    size = 4 * int(fields["0"])
    return np.frombuffer(_take(weights, offset, size, name), "<f4").copy(), offset + size


def _require_end(weights: bytes, offset: int) -> None:
    if offset != len(weights):
        raise ModelError(f"the .bin has {len(weights) - offset} surplus bytes", hint=_DAMAGED)


def _layers(param: str) -> list[list[str]]:
    """Return the lines of a `.param` text, in words.

    Raises:
        ModelError: not a `.param` text.
    """
    lines = param.split("\n")
    if lines[0].strip() != _MAGIC:
        raise ModelError(f"the .param does not start with ncnn's number {_MAGIC}", hint=_DAMAGED)
    layers = [line.split() for line in lines[2:] if line.strip()]
    declared = lines[1].split()[:1]
    if declared != [str(len(layers))]:
        raise ModelError(
            f"the .param has {len(layers)} layers but declares {' '.join(declared) or 'none'}", hint=_DAMAGED
        )
    return layers


def _convolutions(layers: list[list[str]]) -> list[Convolution]:
    """Return the convolutions of an RRDBNet, in file order, which is the order of their weights.

    Raises:
        ModelError: there are layers that an RRDBNet does not have.
    """
    foreign = sorted({layer[0] for layer in layers} - _WITHOUT_WEIGHTS - {"Convolution"})
    if foreign:
        raise ModelError(f"an RRDBNet has no layers of the type {', '.join(foreign)}", hint=_UNSUPPORTED)
    return [_convolution(layer) for layer in layers if layer[0] == "Convolution"]


def _convolution(layer: list[str]) -> Convolution:
    """Read a line `Convolution name 1 1 input output key=value ...`; keys are those of ncnn's Convolution."""
    name = layer[1] if len(layer) > 1 else "?"
    fields = dict(field.split("=", 1) for field in layer if "=" in field)
    try:
        outputs, kernel, count = int(fields["0"]), int(fields["1"]), int(fields["6"])
        leaky = fields.get("9", "0") == "2"
        slope = float(fields["-23310"].split(",")[1]) if leaky else 0.2
    except (KeyError, ValueError, IndexError) as error:
        raise ModelError(f"the .param line of {name} cannot be read: {error}", hint=_DAMAGED) from error
    sound = (
        kernel == 3 and fields.get("5") == "1" and outputs > 0 and count > 0 and count % (outputs * 9) == 0
    )
    if not sound or abs(slope - 0.2) > 1e-6 or fields.get("9", "0") not in ("0", "2"):
        raise ModelError(
            f"{name} is not a convolution of an RRDBNet: {' '.join(layer[2:])}", hint=_UNSUPPORTED
        )
    return Convolution(name, outputs, count // (outputs * 9), leaky)


def _read_one(
    weights: bytes, offset: int, convolution: Convolution
) -> tuple[NDArray[np.floating], NDArray[np.float32], int]:
    """Return kernel, bias and the offset behind them."""
    tag = int.from_bytes(_take(weights, offset, 4, convolution.name), "little")
    if tag not in (_FP16_TAG, _FP32_TAG):
        raise ModelError(
            f"the weights of {convolution.name} have an unsupported format: tag {tag:#010x}",
            hint="Save the model with fp16 or fp32 weights.",
        )
    stored = np.dtype("<f2" if tag == _FP16_TAG else "<f4")
    count = convolution.outputs * convolution.inputs * 9
    size = -(-count * stored.itemsize // 4) * 4
    kernel = np.frombuffer(_take(weights, offset + 4, size, convolution.name), stored, count)
    behind = offset + 4 + size
    bias = np.frombuffer(_take(weights, behind, convolution.outputs * 4, convolution.name), "<f4")
    shaped = kernel.reshape(convolution.outputs, convolution.inputs, 3, 3)
    return shaped.copy(), bias.copy(), behind + convolution.outputs * 4


def _take(weights: bytes, offset: int, size: int, layer: str) -> bytes:
    part = weights[offset : offset + size]
    if len(part) != size:
        raise ModelError(f"the .bin ends inside {layer}", hint=_DAMAGED)
    return part


def _names(convolutions: int, doublings: int) -> list[str]:
    """Return the names of the convolutions in the order of the file."""
    blocks, rest = divmod(convolutions - 4 - doublings, 15)
    if blocks < 1 or rest:
        raise ModelError(
            f"no RRDBNet has {convolutions} convolutions and {doublings} doublings", hint=_UNSUPPORTED
        )
    body = [f"body.{i}.rdb{r}.conv{c}" for i in range(blocks) for r in (1, 2, 3) for c in range(1, 6)]
    ups = [f"conv_up{stage}" for stage in range(1, doublings + 1)]
    return ["conv_first", *body, "conv_body", *ups, "conv_hr", "conv_last"]


def _check_place(name: str, convolution: Convolution) -> None:
    """Raise a ModelError if a convolution's activation differs from that of an RRDBNet."""
    plain = name in ("conv_first", "conv_body", "conv_last") or name.endswith(".conv5")
    if convolution.leaky == plain:
        has = "an" if convolution.leaky else "no"
        raise ModelError(
            f"{convolution.name} has {has} activation, unlike the {name} of an RRDBNet", hint=_UNSUPPORTED
        )


def _count(param: str, kind: str) -> int:
    return sum(line.startswith(f"{kind} ") for line in param.split("\n"))
