"""Tiny random networks of other architectures, as spandrel has them, with the class that their borders should have."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from texpipe.networks import spandrel_package


class Kind(NamedTuple):
    """An architecture.

    Attributes:
        module, network: where it is in `spandrel.architectures`.
        options: make it tiny.
        multiple: its borders are exact where sides are a multiple of this; None: approximate.
        scale: its factor.
    """

    module: str
    network: str
    options: Mapping[str, Any]
    multiple: int | None
    scale: int = 4


_SWIN = {"img_size": 32, "embed_dim": 12, "depths": [2], "num_heads": [2], "mlp_ratio": 2.0, "upscale": 2}
_SHUFFLE = {"upsampler": "pixelshuffle"}

ZOO: Mapping[str, Kind] = {
    "Compact": Kind("Compact.__arch.SRVGG", "SRVGGNetCompact", {"num_feat": 8, "num_conv": 2}, 1),
    "SPAN": Kind(
        "SPAN", "SPAN", {"num_in_ch": 3, "num_out_ch": 3, "feature_channels": 8, "upscale": 2}, 1, 2
    ),
    "SwiftSRGAN": Kind("SwiftSRGAN", "SwiftSRGAN", {"num_channels": 8, "num_blocks": 2}, 1),
    "MoSR, pixel shuffle": Kind("MoSR", "MoSR", {"n_block": 1, "dim": 16, "upsampler": "ps"}, 1),
    "MoSR, geometric": Kind("MoSR", "MoSR", {"n_block": 1, "dim": 16, "upsampler": "gps"}, 1),
    "MoSR, DySample": Kind("MoSR", "MoSR", {"n_block": 1, "dim": 16, "upsampler": "dys"}, 1),
    "RCAN": Kind("RCAN", "RCAN", {"n_resgroups": 1, "n_resblocks": 1, "n_feats": 16}, 1),
    "PLKSR": Kind("PLKSR", "PLKSR", {"dim": 16, "n_blocks": 1, "kernel_size": 9}, 1),
    "RealPLKSR": Kind("PLKSR", "RealPLKSR", {"dim": 16, "n_blocks": 1}, 1),
    "RealPLKSR, DySample": Kind("PLKSR", "RealPLKSR", {"dim": 16, "n_blocks": 1, "dysample": True}, 1),
    "RealPLKSR, layer norm": Kind(
        "PLKSR",
        "RealPLKSR",
        {
            "dim": 16,
            "n_blocks": 2,
            "kernel_size": 9,
            "use_ea": False,
            "layer_norm": True,
            "upscaling_factor": 2,
        },
        1,
        2,
    ),
    "DnCNN": Kind("DnCNN", "DnCNN", {"in_nc": 3, "out_nc": 3, "nc": 8, "nb": 8, "act_mode": "R"}, 1, 1),
    "MoESR": Kind("MoESR", "MoESR", {"dim": 16, "n_blocks": 1, "n_block": 1, "upsample_dim": 16}, 2),
    "NAFNet": Kind("NAFNet", "NAFNet", {"width": 8, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1]}, 4, 1),
    "SAFMN": Kind("SAFMN", "SAFMN", {"dim": 16, "n_blocks": 1}, 8),
    "SwinIR": Kind("SwinIR", "SwinIR", _SWIN | _SHUFFLE | {"window_size": 8}, 8, 2),
    "Swin2SR": Kind("Swin2SR", "Swin2SR", _SWIN | _SHUFFLE | {"window_size": 8}, 8, 2),
    "FDAT": Kind("FDAT", "FDAT", {"embed_dim": 16, "num_groups": 1, "depth_per_group": 2, "num_heads": 2}, 8),
    "DITN": Kind("DITN", "DITN", {"dim": 12, "ITL_blocks": 1, "SAL_blocks": 1}, 8),
    "HAT": Kind("HAT", "HAT", _SWIN | _SHUFFLE | {"window_size": 16, "squeeze_factor": 4}, 16, 2),
    "DRCT": Kind("DRCT", "DRCT", _SWIN | _SHUFFLE | {"window_size": 16, "gc": 8}, 16, 2),
    "DAT": Kind(
        "DAT",
        "DAT",
        {
            "img_size": 32,
            "embed_dim": 32,
            "depth": [3],
            "num_heads": [2],
            "split_size": [8, 16],
            "upscale": 2,
        },
        16,
        2,
    ),
    "DCTLSA": Kind("DCTLSA", "DCTLSA", {"nf": 20, "num_head": 5}, 16),
    "CRAFT": Kind(
        "CRAFT", "CRAFT", {"embed_dim": 12, "depths": [2], "num_heads": [2], "window_size": 16}, 16
    ),
    "RGT": Kind(
        "RGT",
        "RGT",
        {
            "img_size": 32,
            "embed_dim": 12,
            "depth": [3],
            "num_heads": [2],
            "split_size": [8, 32],
            "upscale": 2,
        },
        32,
        2,
    ),
    "SCUNet": Kind("SCUNet", "SCUNet", {"config": [2] * 7, "dim": 64}, 64, 1),
    "ATD": Kind(
        "ATD",
        "ATD",
        _SWIN
        | {"upsampler": "pixelshuffledirect", "window_size": 8}
        | {"category_size": 32, "num_tokens": 8, "reducted_dim": 4},
        None,
        2,
    ),
    "OmniSR": Kind("OmniSR", "OmniSR", {"num_feat": 16}, None),
    "SeemoRe": Kind("SeemoRe", "SeemoRe", {"num_experts": 3, "num_layers": 1, "embedding_dim": 12}, None),
}
"""Every architecture that `docs/models.md` has in its table."""


def needs_spandrel() -> pytest.MarkDecorator:
    """Skip tests of other architectures where spandrel is not installed; `.ci/run` installs it."""
    return pytest.mark.skipif(not spandrel_package.installed(), reason="needs the package spandrel")


def network(name: str, seed: int = 1) -> nn.Module:
    """Make a network with random weights, in evaluation mode."""
    spandrel_package.import_spandrel()
    kind = ZOO[name]
    made = getattr(importlib.import_module(f"spandrel.architectures.{kind.module}"), kind.network)
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # of parts that are empty in such small networks
        torch.manual_seed(seed)
        one: nn.Module = made(**kind.options).eval()
    return one


def weights(name: str, seed: int = 1) -> dict[str, Tensor]:
    """Return the weights of such a network; SPAN's are small enough that its picture is one."""
    state = network(name, seed).state_dict()
    if name == "SPAN":
        return {key: value * 0.3 if "block" in key else value for key, value in state.items()}
    return state


def descriptor_of(name: str) -> Any:
    """Load the same weights by spandrel alone."""
    spandrel = spandrel_package.import_spandrel()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return spandrel.ModelLoader("cpu").load_from_state_dict(weights(name))
