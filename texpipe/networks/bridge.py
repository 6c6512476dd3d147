"""Networks of other architectures than ESRGAN's, which spandrel recognises by the names of their weights."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from texpipe.errors import ModelError
from texpipe.networks.per_axis import PerAxis
from texpipe.networks.spandrel_package import import_spandrel
from texpipe.system.limits import limit

_MAX_WEIGHTS: Final = limit("MAX_WEIGHTS", 1 << 30)
"""Largest number of weights in a network; beyond any published one, against files that claim more than they hold."""
_DAMAGED: Final = "The file is damaged, or its training failed: download it again."
_OTHER: Final = "Use a model that enlarges or cleans RGB pictures."
_PURPOSES: Final = frozenset({"SR", "Restoration"})


class _Called(nn.Module):
    """A network as spandrel calls it: some take or return more than a picture."""

    def __init__(self, network: nn.Module, call: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.inner = network
        self._call = call

    def forward(self, x: Tensor) -> Tensor:
        """Return N x 3 x scale H x scale W; the picture given is not changed, as some networks would."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what newer versions of torch will do
            return self._call(self.inner, x.clone())


@dataclass(frozen=True, eq=False)
class ForeignNetwork:
    """A network of another architecture.

    Attributes:
        network: takes N x 3 x H x W float32 in [0, 1] and the axes that wrap; in evaluation mode, on the CPU.
        architecture: spandrel's name of the architecture, such as "SPAN".
        tags: what spandrel says of its size, such as "48nf".
        scale: output texels per input texel and axis.
        multiple: the sides of a picture must be a multiple of this.
        minimum: smallest side of a picture, in texels.
        half, bfloat16: whether it may be computed in fp16 or bf16.
    """

    network: PerAxis
    architecture: str
    tags: tuple[str, ...]
    scale: int
    multiple: int
    minimum: int
    half: bool
    bfloat16: bool

    @property
    def inner(self) -> nn.Module:
        """The network itself, as its authors wrote it."""
        called = self.network.network
        assert isinstance(called, _Called)
        return called.inner

    def as_json(self) -> dict[str, str | int]:
        """Return the flat object that `texpipe models show` prints."""
        weights = sum(value.numel() for value in self.network.parameters())
        tags = {"tags": " ".join(self.tags)} if self.tags else {}
        return {"type": self.architecture, "scale": self.scale, "weights": weights, **tags}


def build(state: Mapping[str, Tensor]) -> ForeignNetwork:
    """Build the network of a state dict.

    Args:
        state: flat, as `state_dict_names.unwrap` returns it.

    Raises:
        ModelError: spandrel is not installed or knows no such architecture; weights are damaged; or the network is not
            for single RGB pictures.
    """
    spandrel = import_spandrel()
    weights = {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
    _require_sound(state)
    descriptor = _described(spandrel, weights)
    _require_picture_network(descriptor, spandrel)
    network = _Called(descriptor.model, descriptor._call_fn).eval().requires_grad_(False)
    size = descriptor.size_requirements
    return ForeignNetwork(
        network=PerAxis(network).eval(),
        architecture=_name(descriptor),
        tags=tuple(descriptor.tags),
        scale=descriptor.scale,
        multiple=size.multiple_of,
        minimum=size.minimum,
        half=descriptor.supports_half,
        bfloat16=descriptor.supports_bfloat16,
    )


def _name(descriptor: Any) -> str:  # noqa: ANN401
    """Return the architecture's name; RealPLKSR is a PLKSR with a tag to spandrel, and another network to everybody."""
    name = str(descriptor.architecture.id)
    return f"Real{name}" if name == "PLKSR" and "Real" in descriptor.tags else name


def _described(spandrel: Any, weights: dict[str, Tensor]) -> Any:  # noqa: ANN401
    log = logging.getLogger("spandrel")
    quiet, log.disabled = log.disabled, True
    try:
        # New networks draw weights that are replaced, and warn of parts that are empty.
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return spandrel.ModelLoader("cpu").load_from_state_dict(weights)
    except spandrel.UnsupportedModelError as error:
        raise ModelError("no architecture that spandrel knows has such weights", hint=_OTHER) from error
    except Exception as error:  # names of one architecture, shapes of none: anything may go wrong
        line = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(f"the weights fit no network: {line[0]}", hint=_DAMAGED) from error
    finally:
        log.disabled = quiet


def _require_sound(state: Mapping[str, Tensor]) -> None:
    """Check what a file says before a network of that size is made."""
    claimed = sum(value.numel() for value in state.values())
    stored = sum(
        {
            value.untyped_storage().data_ptr(): value.untyped_storage().nbytes() for value in state.values()
        }.values()
    )
    if claimed > _MAX_WEIGHTS or claimed > stored:
        raise ModelError(f"the file claims {claimed:,} weights and holds {stored:,} bytes", hint=_DAMAGED)
    bad = sorted(n for n, v in state.items() if v.is_floating_point() and not _finite(v))
    if bad:
        raise ModelError(f"not all finite numbers: {bad[0]}", hint=_DAMAGED)


def _finite(value: Tensor) -> bool:
    return bool(torch.isfinite(value).all())


def _require_picture_network(descriptor: Any, spandrel: Any) -> None:  # noqa: ANN401
    name = descriptor.architecture.id
    if not isinstance(descriptor, spandrel.ImageModelDescriptor) or descriptor.purpose not in _PURPOSES:
        raise ModelError(f"{name} is for {descriptor.purpose.lower()}, not for textures", hint=_OTHER)
    inputs, outputs = descriptor.input_channels, descriptor.output_channels
    if (inputs, outputs) != (3, 3):
        raise ModelError(
            f"the model turns {inputs} channels into {outputs}; textures need 3 (RGB) and 3",
            hint="Transparency is handled outside the network; use an RGB model.",
        )
