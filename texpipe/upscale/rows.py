"""Steps between convolutions over rows of texels: activations, products and pixel shuffle, the same in every batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from texpipe.upscale import layout
from texpipe.upscale.convolve import Method
from texpipe.upscale.layout import TexelGrid

_VECTOR: Final = 64
"""Largest number of floats that torch computes at a time: what is left at the end is computed in another way, with
other last bits."""
_LEAST_ROWS: Final = 4
"""Smallest number of rows whose matrix product has the same last bits as that of more."""


def rows_of(images: Tensor, method: Method) -> tuple[Tensor, TexelGrid]:
    """Return N x H x W x C pictures as rows in the order of a method, and their grid."""
    count, height, width, channels = images.shape
    grid = TexelGrid(count, height, width, method.order)
    rows = images.reshape(-1, channels)
    if grid.order != "raster":
        rows = rows.index_select(0, layout.from_raster(grid, images.device))
    return rows, grid


def shuffled(rows: Tensor, grid: TexelGrid, factor: int) -> Tensor:
    """Return rows of C x factor x factor channels as pictures, N x factor H x factor W x C."""
    if grid.order != "raster":
        rows = rows.index_select(0, layout.to_raster(grid, rows.device))
        grid = replace(grid, order="raster")
    count, height, width = grid.count, grid.height, grid.width
    blocks = rows.view(count, height, width, -1, factor, factor).permute(0, 1, 4, 2, 5, 3)
    return blocks.reshape(count, height * factor, width * factor, -1)


def product(rows: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return rows times weight, I x O, plus bias."""
    missing = max(0, _LEAST_ROWS - len(rows))
    padded = functional.pad(rows, (0, 0, 0, missing)) if missing else rows
    return torch.mm(padded, weight)[: len(rows)].add_(bias)


def elementwise(function: Callable[[Tensor], Tensor], values: Tensor) -> Tensor:
    """Apply a function of single numbers to contiguous values, in whole vectors."""
    missing = -values.numel() % _VECTOR
    if not missing:
        return function(values)
    return function(functional.pad(values.flatten(), (0, missing)))[: values.numel()].view_as(values)
