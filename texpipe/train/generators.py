"""Generators for training: created, loaded from a base model, run on one texture, and saved."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import safe_open
from torch import Tensor, nn

from texpipe.errors import Location, ModelError
from texpipe.networks import borders, catalogue, checkpoint, dial, foreign_facts
from texpipe.networks.bridge import ForeignNetwork
from texpipe.networks.compact import Compact, CompactArchitecture
from texpipe.networks.discriminators import ProjectedDiscriminator, StridedDiscriminator, UNetDiscriminator
from texpipe.networks.foreign_facts import Borders
from texpipe.networks.open_model import measured, open_foreign
from texpipe.networks.padding import pads_of
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.networks.srresnet import MIN_SIDE, SRResNet, SRResNetArchitecture
from texpipe.storage.small_files import parse_json, refusing
from texpipe.texture import Axes, Edges
from texpipe.train.data.dataset import continued
from texpipe.train.data.dither import Floats
from texpipe.train.losses.shared_look import SharedLook
from texpipe.train.schema import Adversarial, Generator

PROJECTED = {"conv1_2": 64, "conv2_2": 128, "conv3_3": 256, "conv4_3": 512}
"""Layers of VGG16 that a projected discriminator looks at, with their channels."""
_MAX_SCALE = 16
"""Largest scale of an SRResNet that is read."""


@dataclass(frozen=True, eq=False)
class Base:
    """A generator and its origin; `licence` is None if unknown."""

    network: nn.Module
    name: str
    sha256: str
    licence: str | None


def new(options: Generator) -> nn.Module:
    """Create an untrained generator from a preset's options and torch's random state."""
    if options.architecture == "compact":
        return Compact(
            CompactArchitecture(scale=options.scale, num_feat=options.features, num_conv=options.blocks)
        )
    if options.architecture == "rrdbnet":
        return RRDBNet(
            scale=options.scale,
            num_feat=options.features,
            num_block=options.blocks,
            num_grow_ch=options.growth,
            unshuffle=1,
        )
    return SRResNet(
        SRResNetArchitecture(
            options.blocks, options.upsampler, options.padding, options.features, options.scale
        )
    )


def load(model: str, detail: float | None = None) -> Base:
    """Load a model by name or path: any that `run` loads, and the SRResNets that training writes.

    Args:
        model: name or path.
        detail: detail of a model with a dial, 0 to 1; by default as in `run`.

    Raises:
        ModelError: missing, damaged, of an architecture that cannot be trained, or without a dial to set.
    """
    file = catalogue.resolve(model)
    plain = _srresnet(file.path)
    if plain is not None and detail:
        raise ModelError(f"{file.name} has no dial", hint="Leave --detail out.")
    network = plain or dial.load(file.path).at(file.detail if detail is None else detail)
    return Base(network, file.name, file.sha256, file.licence)


def load_any(model: str, detail: float | None = None) -> nn.Module:
    """Load a model of any architecture, to be measured and not trained; arguments and errors as `load`."""
    file = catalogue.resolve(model)
    if not file.foreign or _srresnet(file.path) is not None:
        return load(model, detail).network
    if detail:
        raise ModelError(f"{file.name} has no dial", hint="Leave --detail out.")
    network = open_foreign(file.path)
    facts = foreign_facts.kept(file.sha256) or measured(file, network)
    return ForeignGenerator(network, facts.borders)


class ForeignGenerator(nn.Module):
    """A network of another architecture, run as `texpipe run` does in float32.

    Args:
        network: the network.
        certified: the class of its borders.
    """

    def __init__(self, network: ForeignNetwork, certified: Borders) -> None:
        super().__init__()
        self.scale = network.scale
        self._network, self._borders = network, certified
        self.inner = network.network  # known to `to` and `parameters`

    def forward(self, x: Tensor, edges: Edges) -> Tensor:
        """Return N x 3 x scale H x scale W for N x 3 x H x W; edges wrap or clamp."""
        pads = pads_of(edges)
        return borders.run(self._network, x, Axes(pads.x == "wrap", pads.y == "wrap"), self._borders)


def scale_of(network: nn.Module) -> int:
    """Return the output texels per input texel and axis."""
    if isinstance(network, ForeignGenerator):
        return network.scale
    assert isinstance(network, (RRDBNet, Compact, SRResNet))
    return network.architecture.scale


def _architecture_notes(network: nn.Module) -> dict[str, str]:
    """Return a file's notes on its network: the name, and the options that an SRResNet's weights do not imply."""
    if isinstance(network, SRResNet):
        return {
            "architecture": "SRResNet",
            "options": json.dumps(asdict(network.architecture), sort_keys=True),
        }
    return {"architecture": "Compact" if isinstance(network, Compact) else "RRDBNet"}


def save(path: Path, network: nn.Module, state: Mapping[str, Tensor], notes: Mapping[str, str]) -> str:
    """Write weights as fp16 safetensors with notes; return the file's sha256."""
    floating = {name: value for name, value in state.items() if value.is_floating_point()}
    return checkpoint.save_safetensors(
        path, floating, {"format": "pt", **_architecture_notes(network), **notes}
    )


def discriminator(options: Adversarial, size: int, look: SharedLook | None = None) -> nn.Module:
    """Create a preset's discriminator for pictures of size x size; a projected one sees through `look`."""
    if options.discriminator == "projected":
        assert look is not None
        return ProjectedDiscriminator(look, PROJECTED, options.features)
    if options.discriminator == "unet":
        return UNetDiscriminator(options.features)
    return StridedDiscriminator(
        size, options.features, options.dense, norm=options.discriminator == "strided"
    )


def as_shipped(network: nn.Module) -> nn.Module:
    """Return a copy with the weights that `save` writes: rounded to fp16, stored as fp32."""
    rounded = copy.deepcopy(network)
    for tensor in (*rounded.parameters(), *rounded.buffers()):
        if tensor.is_floating_point():
            tensor.data = tensor.data.half().float()
    return rounded


@torch.no_grad()
def upscale(network: nn.Module, lr: Floats, edges: Edges) -> Floats:
    """Upscale one texture; an SRResNet pads by its padding option, all others by the texture's edges.

    Args:
        network: in evaluation mode.
        lr: h x w x 3 in [0, 1].
        edges: what lies beyond the border.

    Returns:
        (scale h) x (scale w) x 3 float32, clamped to [0, 1].
    """
    height, width = lr.shape[:2]
    if isinstance(network, SRResNet):
        # Reflection padding needs at least this side.
        lr = continued(lr, edges, MIN_SIDE)
    place = next(network.parameters()).device
    batch = torch.from_numpy(lr.transpose(2, 0, 1)[None].copy()).to(place)
    result = network(batch) if isinstance(network, SRResNet) else network(batch, edges)
    picture: Floats = result[0].float().clamp(0, 1).permute(1, 2, 0).cpu().numpy()
    scale = scale_of(network)
    return picture[: scale * height, : scale * width]


def _srresnet(path: Path) -> SRResNet | None:
    """Load an SRResNet that `save` wrote, or return None for any other file."""
    if path.suffix != ".safetensors":
        return None
    with refusing(path, ModelError, "Give the file that `texpipe finetune` wrote."):
        with safe_open(path, framework="pt") as file:
            notes = file.metadata() or {}
            if notes.get("architecture") != "SRResNet":
                return None
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        return _with_weights(notes["options"], state, path)


def _with_weights(options: str, state: Mapping[str, Tensor], path: Path) -> SRResNet:
    """Return an SRResNet of these options (JSON) in evaluation mode.

    Raises:
        ModelError: the weights are not those of a network with these options.
    """
    wanted = SRResNetArchitecture(**cast("dict[str, Any]", parse_json(options.encode(), path)))
    # Options that its weights do not bear out are seen before anything of their size is made.
    if not (wanted.num_block <= len(state) and wanted.scale <= _MAX_SCALE):
        raise ModelError(f"not a complete SRResNet: {wanted}", location=Location(path))
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in SRResNet(wanted).state_dict().items()}
    # Batch norm's counters are integers and were not saved; they do not matter for the result.
    shapes = {name: shape for name, shape in shapes.items() if not name.endswith("num_batches_tracked")}
    found = {name: tensor.shape for name, tensor in state.items()}
    if found != shapes:
        name = next(name for name in (*shapes, *found) if shapes.get(name) != found.get(name))
        raise ModelError(f"not a complete SRResNet: {name}", location=Location(path))
    network = SRResNet(wanted)
    network.load_state_dict(state, strict=False)
    return network.eval()
