"""State dict names of ESRGAN and Compact checkpoints, and the architecture that their shapes imply.

Compact has one layout. Three are in use for RRDBNet: that of the first ESRGAN release
(`model.1.sub.0.RDB1.conv1.0.weight`), that of its rewrite (`RRDB_trunk.0.RDB1.conv1.weight`) and that of Real-ESRGAN
(`body.0.rdb1.conv1.weight`), which texpipe uses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isqrt
from typing import Final, TypeAlias

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from texpipe.errors import ModelError
from texpipe.networks.compact import Compact, CompactArchitecture
from texpipe.networks.rrdbnet import Architecture, RRDBNet
from texpipe.system.limits import limit

Generator: TypeAlias = RRDBNet | Compact
"""A network that the engine runs."""
AnyArchitecture: TypeAlias = Architecture | CompactArchitecture
"""The parameters of one."""

_MAX_BLOCKS: Final = limit("MAX_BLOCKS", 128)
_MAX_CHANNELS: Final = limit("MAX_CHANNELS", 1024)
_MAX_STAGES: Final = 4
"""Largest numbers of blocks, channels and doublings; far beyond any published ESRGAN, against hostile files."""

_SUPPORTED_MODELS: Final = (
    "Use an ESRGAN generator (RRDBNet), in the names of ESRGAN, its rewrite or Real-ESRGAN, or a Compact."
)
_DAMAGED: Final = "The file is damaged, or its training failed: download it again."

_WRAPPERS = ("params_ema", "params-ema", "params", "state_dict", "model", "net")
_REWRITE_NAMES = {
    "trunk_conv": "conv_body",
    "upconv1": "conv_up1",
    "upconv2": "conv_up2",
    "upconv3": "conv_up3",
    "HRconv": "conv_hr",
}
_REWRITE_BLOCK = re.compile(r"RRDB_trunk\.(\d+)\.RDB([123])\.conv([1-5])\.(weight|bias)")
_FIRST_BLOCK = re.compile(r"model\.1\.sub\.(\d+)\.RDB([123])\.conv([1-5])\.0\.(weight|bias)")
_FIRST_BODY = re.compile(r"model\.1\.sub\.(\d+)\.(weight|bias)")
_FIRST_OTHER = re.compile(r"model\.(\d+)\.(weight|bias)")
_OWN_BLOCK = re.compile(r"body\.(\d+)\.rdb1\.conv1\.weight")
_COMPACT_LAYER = re.compile(r"body\.(\d+)\.weight")
_OWN_UP = re.compile(r"conv_up(\d+)\.weight")


def unwrap(checkpoint: object) -> dict[str, Tensor]:
    """Return the flat state dict inside a checkpoint.

    Training programs wrap it as `params_ema` (preferred: the averaged weights), `params` or `state_dict`; data-parallel
    ones prefix every name with `module.`.

    Args:
        checkpoint: the object that `torch.load` or `safetensors` returned.

    Raises:
        ModelError: it holds anything but named tensors.
    """
    for wrapper in _WRAPPERS:
        if isinstance(checkpoint, Mapping) and isinstance(checkpoint.get(wrapper), Mapping):
            checkpoint = checkpoint[wrapper]
    if not isinstance(checkpoint, Mapping) or not checkpoint:
        raise ModelError("the file holds no named weights", hint=_SUPPORTED_MODELS)
    strange = [str(name) for name, value in checkpoint.items() if not isinstance(value, Tensor)]
    if strange:
        raise ModelError(f"besides weights the file holds {_listed(strange)}", hint=_SUPPORTED_MODELS)
    return {str(name).removeprefix("module."): value for name, value in checkpoint.items()}


def to_own_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename a flat state dict in any of the three layouts to Real-ESRGAN's names; unknown names stay."""
    if "model.0.weight" in state:
        return _from_first_release(state)
    return {_from_rewrite(name): value for name, value in state.items()}


def infer(state: Mapping[str, Tensor]) -> Architecture:
    """Infer the architecture from the shapes.

    Args:
        state: under Real-ESRGAN's names.

    Raises:
        ModelError: an RRDBNet does not have such names or shapes.
    """
    needed = ("conv_first.weight", "body.0.rdb1.conv1.weight", "conv_last.weight")
    missing = [name for name in needed if name not in state or state[name].ndim != 4]
    if missing:
        raise ModelError(f"not an ESRGAN generator: {_listed(missing)} missing", hint=_SUPPORTED_MODELS)
    num_feat, inputs = state["conv_first.weight"].shape[:2]
    num_out_ch = state["conv_last.weight"].shape[0]
    num_block = 1 + max(_numbers(_OWN_BLOCK, state))
    stages = max(_numbers(_OWN_UP, state), default=0)
    num_grow_ch = state["body.0.rdb1.conv1.weight"].shape[0]
    _refuse_implausible(num_block, stages, (num_feat, num_grow_ch, inputs, num_out_ch))
    unshuffle = {1: 1, 4: 2, 16: 4}.get(inputs // num_out_ch if inputs % num_out_ch == 0 else 0, 1)
    if 2**stages < unshuffle:
        raise ModelError(
            f"the network would shrink pictures: {stages} doublings after folding by {unshuffle}",
            hint=_SUPPORTED_MODELS,
        )
    scale = 2**stages // unshuffle
    return Architecture(
        inputs // unshuffle**2, num_out_ch, scale, num_feat, num_block, num_grow_ch, unshuffle
    )


def infer_compact(state: Mapping[str, Tensor]) -> CompactArchitecture:
    """Infer the architecture of a Compact from the shapes.

    Args:
        state: its convolutions and PReLUs are numbered as one sequence, `body.0.weight` and so on.

    Raises:
        ModelError: a Compact does not have such names or shapes.
    """
    first, last = state["body.0.weight"], state[f"body.{max(_numbers(_COMPACT_LAYER, state))}.weight"]
    convs = sum(state[f"body.{n}.weight"].ndim == 4 for n in _numbers(_COMPACT_LAYER, state))
    if first.ndim != 4 or last.ndim != 4 or convs < 2:
        raise ModelError(
            "not an ESRGAN generator, nor a Compact, which begins and ends with a convolution",
            hint=_SUPPORTED_MODELS,
        )
    (num_feat, num_in_ch), outputs = first.shape[:2], last.shape[0]
    _refuse_implausible(convs, 0, (num_feat, num_in_ch, outputs))
    scale = isqrt(outputs // num_in_ch)
    if scale**2 * num_in_ch != outputs:
        raise ModelError(
            f"a Compact of {num_in_ch} channels whose last convolution has {outputs} outputs",
            hint=_SUPPORTED_MODELS,
        )
    return CompactArchitecture(num_in_ch, num_in_ch, scale, num_feat, convs - 2)


def build(state: Mapping[str, Tensor]) -> Generator:
    """Build the network of a state dict.

    Args:
        state: under Real-ESRGAN's names, any floating type.

    Returns:
        The network with float32 weights, in evaluation mode, on the CPU.

    Raises:
        ModelError: names or shapes fit neither an RRDBNet nor a Compact, or a weight is NaN or infinite.
    """
    with torch.device("meta"), _Uninitialised():  # names and shapes only: no memory, no random numbers
        network: Generator = (
            Compact(infer_compact(state)) if "body.0.weight" in state else RRDBNet.of(infer(state))
        )
    kind = "a Compact" if isinstance(network, Compact) else "an RRDBNet"
    expected = network.state_dict()
    _refuse("missing weights:", expected.keys() - state.keys())
    _refuse(f"not part of {kind}:", state.keys() - expected.keys())
    _refuse("wrong shape:", [n for n, value in expected.items() if value.shape != state[n].shape])
    _refuse("not all finite numbers:", [n for n, value in state.items() if not _finite(value)], _DAMAGED)
    network.load_state_dict({n: state[n].float().contiguous() for n in expected}, assign=True)
    return network.requires_grad_().eval()


def _from_first_release(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the first release's layout, which numbers the layers after the trunk by their position in a sequence."""
    positions = sorted({int(m[1]) for m in map(_FIRST_OTHER.fullmatch, state) if m} - {0})
    names = {0: "conv_first"}
    if len(positions) >= 2:
        names |= {position: f"conv_up{n}" for n, position in enumerate(positions[:-2], 1)}
        names |= {positions[-2]: "conv_hr", positions[-1]: "conv_last"}

    def renamed(name: str) -> str:
        if m := _FIRST_BLOCK.fullmatch(name):
            return f"body.{m[1]}.rdb{m[2]}.conv{m[3]}.{m[4]}"
        if m := _FIRST_BODY.fullmatch(name):
            return f"conv_body.{m[2]}"
        if m := _FIRST_OTHER.fullmatch(name):
            return f"{names.get(int(m[1]), name)}.{m[2]}"
        return name

    return {renamed(name): value for name, value in state.items()}


def _from_rewrite(name: str) -> str:
    if m := _REWRITE_BLOCK.fullmatch(name):
        return f"body.{m[1]}.rdb{m[2]}.conv{m[3]}.{m[4]}"
    stem, _, kind = name.rpartition(".")
    return f"{_REWRITE_NAMES[stem]}.{kind}" if stem in _REWRITE_NAMES else name


def _numbers(pattern: re.Pattern[str], names: Iterable[str]) -> list[int]:
    return [int(m[1]) for m in map(pattern.fullmatch, names) if m]


class _Uninitialised(TorchFunctionMode):
    """Skips the random numbers of new weights. Even without memory they would take seconds, because torch would have to
    load the code that computes their shapes."""

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Call a torch function unless it draws random numbers."""
        return args[0] if func in (Tensor.normal_, Tensor.uniform_) else func(*args, **(kwargs or {}))


def _finite(value: Tensor) -> bool:
    return value.is_floating_point() and bool(torch.isfinite(value).all())


def _refuse_implausible(num_block: int, stages: int, channels: tuple[int, ...]) -> None:
    fewest, most = min(channels), max(channels)
    if num_block > _MAX_BLOCKS or stages > _MAX_STAGES or not 0 < fewest <= most <= _MAX_CHANNELS:
        raise ModelError(
            f"implausible network: {num_block} blocks, {stages} doublings, {fewest} to {most} channels",
            hint=_DAMAGED,
        )


def _refuse(what: str, names: Iterable[str], hint: str = _SUPPORTED_MODELS) -> None:
    found = sorted(names)
    if found:
        raise ModelError(f"{what} {_listed(found)}", hint=hint)


def _listed(names: list[str], limit: int = 4) -> str:
    rest = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + rest
